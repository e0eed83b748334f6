/**
 * What a child inherits of its caller's Node flags and environment. Runs in the caller. Loaders, conditions,
 * memory and permission flags go down; what would debug, profile, test, watch or evaluate a second time does not.
 */

// The flag and its value in one word, or a switch without a value.
const DROPPED = [
  /^--inspect/,
  /^--debug-port/,
  /^--prof/,
  /^--cpu-prof/,
  /^--heap-prof/,
  /^--heapsnapshot/,
  /^--test/,
  /^--experimental-test/,
  /^--watch/,
  /^--eval/,
  /^--print/,
  /^--check/,
  /^--interactive/,
  /^--input-type/,
  /^--perf-/,
  /^--trace-event/,
  /^-[epci]$/,
  /^-pe$/,
]

// Of these, the ones whose value is the next word unless it stands behind a `=`.
const WITH_VALUE = [
  /^-[ep]$/,
  /^-pe$/,
  /^--eval$/,
  /^--print$/,
  /^--input-type$/,
  /^--inspect-port$/,
  /^--debug-port$/,
  /^--inspect-publish-uid$/,
  /^--(cpu|heap)-prof-(dir|name|interval)$/,
  /^--heapsnapshot-(signal|near-heap-limit)$/,
  /^--test-(reporter|reporter-destination|name-pattern|skip-pattern|concurrency|timeout|shard|isolation|coverage-\S+|global-setup)$/,
  /^--watch-(path|kill-signal)$/,
  /^--trace-event-(categories|file-pattern)$/,
]

/** The flags of `process.execArgv` that a child is to have. */
export function inheritedFlags(flags: readonly string[]): string[] {
  return keptOf(flags).map((index) => flags[index] as string)
}

/** The value of NODE_OPTIONS that a child is to have. */
export function inheritedNodeOptions(options: string): string {
  // Node's own rule: blanks, and no tabs, part words; double quotes keep them together, and a backslash inside
  // quotes escapes. https://nodejs.org/api/cli.html#node_optionsoptions
  const words = options.match(/(?:[^ "]|"(?:\\[\s\S]|[^"\\])*")+/g) ?? []
  const flags = words.map((word) =>
    word.replace(/"((?:\\[\s\S]|[^"\\])*)"/g, (_, quoted: string) => quoted.replace(/\\([\s\S])/g, '$1')),
  )
  return keptOf(flags)
    .map((index) => words[index])
    .join(' ')
}

/** The environment of a child: the caller's, `added` to it, and NODE_OPTIONS as above. */
export function inheritedEnv(
  env: NodeJS.ProcessEnv,
  added: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const child: NodeJS.ProcessEnv = { ...env, ...added }
  if (child.NODE_OPTIONS !== undefined) child.NODE_OPTIONS = inheritedNodeOptions(child.NODE_OPTIONS)
  return child
}

// The places in `flags` of what a child is to have.
function keptOf(flags: readonly string[]): number[] {
  const kept: number[] = []
  for (let i = 0; i < flags.length; i++) {
    // Node takes `--cpu_prof` for `--cpu-prof`.
    const flag = (flags[i] as string).replace(/^--[^=]+/, (name) => name.replaceAll('_', '-'))
    if (!DROPPED.some((pattern) => pattern.test(flag))) kept.push(i)
    else if (WITH_VALUE.some((pattern) => pattern.test(flag))) i++
  }
  return kept
}

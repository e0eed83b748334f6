/**
 * Script: a Node process of its own that runs an ES module, for what can only be seen from outside: exits,
 * signals, output, what a killed caller leaves behind. Runs in the caller (mocha's process). The module may
 * `import 'forklite'`, and gets the built package, as an application would.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { directoryPrefix, scriptsFolder } from './run.ts'

export interface ScriptOptions {
  /** Arguments after the script: `process.argv.slice(2)` in it. */
  readonly args?: readonly string[]
  /** Arguments before the script: Node's own flags. */
  readonly nodeArgs?: readonly string[]
  /** Added to this process's environment; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Past it the script is killed and the result rejects with its output. */
  readonly deadlineMs?: number
}

export interface ScriptResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs an ES module, given as source text or as the URL of a file, and resolves when it has ended. */
export function runScript(script: string | URL, options: ScriptOptions = {}): Promise<ScriptResult> {
  return startScript(script, options).result
}

/** Starts an ES module and hands it over while it runs. */
export function startScript(script: string | URL, options: ScriptOptions = {}): Script {
  const { nodeArgs = [], args = [] } = options
  if (script instanceof URL) {
    return new Script(process.execPath, [...nodeArgs, fileURLToPath(script), ...args], options)
  }
  mkdirSync(scriptsFolder, { recursive: true })
  const folder = mkdtempSync(join(scriptsFolder, directoryPrefix))
  // A script may give up its user; from Node 24 on it must then still see that there is no package.json here.
  chmodSync(folder, 0o755)
  const file = join(folder, 'script.mjs')
  writeFileSync(file, script)
  return new Script(process.execPath, [...nodeArgs, file, ...args], options, () => {
    rmSync(folder, { recursive: true, force: true })
  })
}

/** Runs any program the same way. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: Omit<ScriptOptions, 'args' | 'nodeArgs'> = {},
): Promise<ScriptResult> {
  return new Script(program, args, options).result
}

/** Programs that have not ended. */
const running = new Set<Script>()

/** Kills the programs that still run, and resolves when they have ended: for a test that failed half-way. */
export async function killScripts(): Promise<void> {
  for (const script of running) script.kill()
  await Promise.allSettled([...running].map((script) => script.result))
}

/** A program that runs. Its `result` must be awaited, or the suite's leak check may find it running. */
export class Script {
  /**
   * Resolves on the program's exit *and* the end of its output, which children that inherited it hold open;
   * to look at the exit alone, `waitForExit(script.pid)`.
   */
  readonly result: Promise<ScriptResult>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''
  /** Where `line()` goes on reading in `#stdout`. */
  #read = 0

  constructor(program: string, args: readonly string[], options: ScriptOptions, cleanUp?: () => void) {
    this.#child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
    })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    running.add(this)
    this.result = this.#end(options.deadlineMs ?? 15_000).finally(() => {
      running.delete(this)
      cleanUp?.()
    })
    // Whoever awaits `result` hears of a failure; who first awaits something else shall not crash the run.
    this.result.catch(() => {})
  }

  get pid(): number {
    return this.#child.pid!
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  /** Resolves to the next whole line of its standard output, in order; rejects if that ends first. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#stdout.indexOf('\n', this.#read)
      if (end !== -1) {
        const line = this.#stdout.slice(this.#read, end)
        this.#read = end + 1
        return line
      }
      const stdout = this.#child.stdout!
      if (stdout.readableEnded || stdout.destroyed) throw new Error(this.#told('ended before its next line'))
      const heard = new AbortController()
      const { signal } = heard
      await Promise.race([once(stdout, 'data', { signal }), once(stdout, 'close', { signal })])
      heard.abort()
    }
  }

  async #end(deadlineMs: number): Promise<ScriptResult> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#child.kill('SIGKILL')
      // A grandchild may hold the pipes' other ends; do not wait for it as well.
      this.#child.stdout!.destroy()
      this.#child.stderr!.destroy()
    }, deadlineMs)
    try {
      const [code, signal] = (await once(this.#child, 'close')) as [number | null, NodeJS.Signals | null]
      if (late) throw new Error(this.#told(`has not ended within ${deadlineMs} ms`))
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr }
    } finally {
      clearTimeout(timer)
    }
  }

  #told(what: string): string {
    return `${this.#child.spawnargs.join(' ')} ${what}\nstdout: ${this.#stdout}\nstderr: ${this.#stderr}`
  }
}

/**
 * The demo's tables as text, and whether both contestants gave the same answers. Runs in the demo's own process.
 */
import type { Result } from './work.ts'

/** One work as both did it. */
export interface Match {
  readonly label: string
  readonly inProcess: Result
  readonly pool: Result
}

/** The labels of the works whose answers differ. */
export function disagreements(matches: readonly Match[]): string[] {
  return matches.filter(({ inProcess, pool }) => inProcess.answers !== pool.answers).map(({ label }) => label)
}

/** The last table: queries a second, and how long the event loop stood still, in-process against the pool. */
export function matchTable(matches: readonly Match[]): string {
  const stood = ({ stillMaxMs, stillP99Ms }: Result): string =>
    `${stillMaxMs.toFixed(1)} / ${stillP99Ms.toFixed(1)}`
  return table(
    [
      ['', 'queries/s', 'queries/s', 'pool to', 'stood still, ms', 'stood still, ms'],
      ['work', 'in-process', 'pool', 'in-process', 'in-process', 'pool'],
    ],
    matches.map(({ label, inProcess, pool }) => [
      label,
      rate(inProcess.perSecond),
      rate(pool.perSecond),
      (pool.perSecond / inProcess.perSecond).toFixed(2),
      stood(inProcess),
      stood(pool),
    ]),
  )
}

/** The articles' grid: queries a second for each number of workers (lines) and of calls in flight (columns). */
export function gridTable(
  calls: readonly number[],
  lines: readonly { label: string; results: readonly Result[] }[],
): string {
  return table(
    [['calls in flight', ...calls.map(String)]],
    lines.map(({ label, results }) => [label, ...results.map(({ perSecond }) => rate(perSecond))]),
  )
}

function rate(perSecond: number): string {
  return perSecond.toLocaleString('en', { maximumFractionDigits: perSecond < 100 ? 1 : 0 })
}

/** Columns padded to their widest cell, the first to the left, the others to the right. */
function table(head: string[][], body: string[][]): string {
  const all = [...head, ...body]
  const widths = all[0]?.map((_, i) => Math.max(...all.map((line) => line[i]?.length ?? 0))) ?? []
  const lines = all.map((line) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  const rule = '─'.repeat(Math.max(...lines.map((line) => line.length)))
  return [...lines.slice(0, head.length), rule, ...lines.slice(head.length)].join('\n')
}

/**
 * Scale: how much the demo does, from its command line and from how fast this machine is. Runs in the demo's
 * own process. The articles' whole grid takes minutes; the demo has half a minute, and says what it cut.
 */
import { parseArgs } from 'node:util'

/** One match and one grid of scans take about this long, in milliseconds, on one core. */
const MATCH_MS = 4500
const GRID_MS = 4000

export interface Scale {
  /** Rows of the articles' table under high load. */
  readonly rows: number
  /** The articles' tasks of one run. */
  readonly tasks: number
}

/** Reads `--rows` and `--tasks`; the articles' own numbers by default. Throws on anything else. */
export function scaleFromArgs(args: string[]): Scale {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: '1000000' },
      tasks: { type: 'string', default: '100' },
    },
  })
  return { rows: whole('--rows', values.rows), tasks: whole('--tasks', values.tasks) }
}

/** How many scans each contestant makes, when one takes `scanMs`. */
export function matchTasks({ tasks }: Scale, scanMs: number): number {
  return thatFit(tasks, scanMs, MATCH_MS)
}

/** How many scans each cell of the grid makes, when one takes `scanMs` and `passes` times one cell's are made. */
export function cellTasks({ tasks }: Scale, scanMs: number, passes: number): number {
  return thatFit(tasks, scanMs * passes, GRID_MS)
}

function thatFit(tasks: number, eachMs: number, budgetMs: number): number {
  // At least two calls in flight for each of two workers, or a cell would measure nothing.
  return Math.min(tasks, Math.max(10, Math.round(budgetMs / eachMs)))
}

function whole(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`${name} takes a whole number, not ${text}`)
  return number
}

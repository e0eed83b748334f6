/**
 * The cells of the matrix: which Node runs which specs with which drivers. The versions that are not in
 * package-lock.json are pinned here and nowhere else. `npm test` is the cell of the Node it is started with,
 * the oldest one in CI, with better-sqlite3 12 and sqlite3.
 */
import type { DriverName } from '../../lib/drivers/driver.ts'

export const NODE_24 = '24.21.0'
export const NODE_26 = '26.10.0'
/** N-API, with its binaries in the package: the first that needs no compiler, and runs on several Nodes. */
export const BETTER_SQLITE3_13 = '13.2.0'

export interface Cell {
  readonly node: string
  /** In place of the checkout's better-sqlite3, which was compiled for another Node. */
  readonly betterSqlite3?: string
  /** What it is there for. The cell fails when one of these cannot be used, or is skipped by a spec. */
  readonly drivers: readonly DriverName[]
  /** What is run without `--all`, in spec/: so that all cells together take about as long as `npm test`; none is skipped. */
  readonly specs: readonly string[]
}

/** What names its drivers, and the bytes between caller and child. */
const EACH_DRIVER = ['contract/**/*', 'drivers/**/*', 'compliance/**/*', 'ipc/**/*']
/** What takes long and is the same whatever the Node, or is in contract/ and drivers/ too: promises, memory, chunks. */
const SAME_EVERYWHERE = 'execution|large-values|streaming'
const CHANGING = [...EACH_DRIVER, `dbapi/!(${SAME_EVERYWHERE})*`]

const ALL_DRIVERS: readonly DriverName[] = ['better-sqlite3', 'node:sqlite', 'sqlite3']
/** What is left when better-sqlite3 was compiled for another Node: `auto` finds it, and must go on. */
const OTHER_DRIVERS: readonly DriverName[] = ['node:sqlite', 'sqlite3']

export const CELLS: readonly Cell[] = [
  { node: NODE_24, betterSqlite3: BETTER_SQLITE3_13, drivers: ALL_DRIVERS, specs: CHANGING },
  // With --all only.
  { node: NODE_24, drivers: OTHER_DRIVERS, specs: [] },
  { node: NODE_26, betterSqlite3: BETTER_SQLITE3_13, drivers: ALL_DRIVERS, specs: EACH_DRIVER },
  // Processes are those of the oldest Node too: of the newest, with --all only.
  { node: NODE_26, drivers: OTHER_DRIVERS, specs: [] },
]

export function titleOf({ node, betterSqlite3 }: Cell): string {
  return `Node ${node}, ${betterSqlite3 === undefined ? "the checkout's better-sqlite3" : `better-sqlite3 ${betterSqlite3}`}`
}

/** The titles of skipped specs that were to run with one of the drivers: `… (sqlite3: reason)`, or as in cells.spec. */
export function skippedDrivers(titles: readonly string[], drivers: readonly DriverName[]): string[] {
  const named = new RegExp(
    `(^|[\\s(])(${drivers.join('|')})(\\)?: |(, (in-process|through the pool))? \\(skipped: )`,
  )
  return titles.filter((title) => named.test(title))
}

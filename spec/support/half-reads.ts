/**
 * Which drivers read a result in parts. The others read all of it at once: their results are the same, and
 * nothing of them is ever half-read in SQLite. Specs say "half-read" of a driver only through this file.
 */
import type { DriverName } from '../../lib/drivers/driver.ts'

/** Drivers that do not, yet. */
const AT_ONCE: ReadonlySet<DriverName> = new Set(['sqlite3'])

export function readsInParts(driver: DriverName): boolean {
  return !AT_ONCE.has(driver)
}

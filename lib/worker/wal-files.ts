/**
 * removeWal: takes away the -wal and -shm that stay when a caller has died, and its children left all at once.
 * Runs in the writer's child, behind the end of its connection. It knows files, not who has them open.
 */
import { existsSync, realpathSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Driver } from '../drivers/driver.ts'
import { readPragma } from './pragmas.ts'

/** A dead caller's pipes end together, or nearly so: within this many milliseconds. */
const TOGETHER_MS = 20

/** Between two tries, and for all of them. The guardian kills what is left of us after 200 ms. */
const PAUSE_MS = 10
const PATIENCE_MS = 180

/**
 * Resolves when the files are gone, when the caller turns out to live, or after PATIENCE_MS. SQLite removes them
 * with the last connection, if that one may write. A caller that closes in order has let the readers go before
 * the writer: files that stay are another program's then. When the caller has died, the readers leave in these
 * moments, so the database is opened and closed again until nobody else has it.
 */
export async function removeWal(driver: Driver, database: string): Promise<void> {
  if (!hasWal(database)) return
  if (process.connected) await disconnected(TOGETHER_MS)
  if (process.connected) return
  const deadline = performance.now() + PATIENCE_MS
  while (hasWal(database) && performance.now() < deadline) {
    await delay(PAUSE_MS)
    // Locked by another that leaves, say: the next try tells.
    await openAndClose(driver, database).catch(() => {})
  }
}

async function openAndClose(driver: Driver, database: string): Promise<void> {
  const connection = await driver.open(database, { readonly: false, busyTimeoutMs: 0 })
  try {
    // A connection that never read has no part in the WAL.
    await readPragma(connection, 'schema_version')
  } finally {
    await connection.close()
  }
}

async function disconnected(withinMs: number): Promise<void> {
  const stop = new AbortController()
  process.once('disconnect', () => stop.abort())
  await delay(withinMs, undefined, { signal: stop.signal }).catch(() => {})
}

// SQLite follows symbolic links to the file, and puts its -wal there. Neither an empty name nor ':memory:' is one.
function hasWal(database: string): boolean {
  return existsSync(database) && existsSync(`${realpathSync(database)}-wal`)
}

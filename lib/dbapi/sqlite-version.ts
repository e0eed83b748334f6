/**
 * sqliteVersion(): which SQLite a database would be opened with. Runs in the caller, which loads no SQLite: a
 * child is asked.
 */
import { connect } from './connect.ts'
import type { Options } from './options.ts'

/**
 * The version of the SQLite engine behind the driver that `options` would choose: `'3.53.2'`. Starts a child
 * process and ends it. Rejects as connect() does.
 *
 * CPython's `sqlite3.sqlite_version`. Of a pool that is open `pool.stats().sqliteVersion` tells it at once.
 */
export async function sqliteVersion(options: Pick<Options, 'driver' | 'resolveFrom'> = {}): Promise<string> {
  const connection = await connect(':memory:', options)
  try {
    const row = await connection.execute('select sqlite_version()').fetchone()
    return String(row?.[0])
  } finally {
    await connection.close()
  }
}

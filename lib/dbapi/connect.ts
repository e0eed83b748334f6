/**
 * connect() and createPool(): from a file's name to something that runs statements. Runs in the caller.
 */
import { usePool } from '../pool/registry.ts'
import { Connection } from './connection.ts'
import { checkOptions, type Options } from './options.ts'
import { Pool } from './pool.ts'

/**
 * Opens a database: forks one writer and the readers, unless this process has the file open already, and
 * resolves to a Connection that owns them.
 *
 * `database` is a path, a `file:` URL, `':memory:'` or `''` (temporary). Rejects with the error of whatever
 * failed, a child's initializer included, and leaves no process then: OperationalError for a file that cannot
 * be opened, DatabaseError for one that is no database, ProgrammingError for wrong options, InterfaceError
 * when no SQLite package is found.
 *
 * PEP 249, Module Interface, connect().
 */
export async function connect(database: string | URL, options?: Options): Promise<Connection> {
  const { child, connection, maxQueue, given } = checkOptions(database, options)
  const use = await usePool(child, given, maxQueue)
  return new Connection(use.pool, connection, () => use.release())
}

/**
 * Opens a database as connect() does, and resolves to a Pool: many Connections, and statements that commit by
 * themselves, over the same processes.
 */
export async function createPool(database: string | URL, options?: Options): Promise<Pool> {
  const { child, connection, maxQueue, given } = checkOptions(database, options)
  return new Pool(await usePool(child, given, maxQueue), connection)
}

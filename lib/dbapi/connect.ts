/**
 * connect() and createPool(): from a file's name to something that runs statements. Runs in the caller.
 */
import { type Use, usePool } from '../pool/registry.ts'
import { Connection } from './connection.ts'
import { expectTypesTold } from './converters.ts'
import { type CheckedOptions, checkOptions, type Options } from './options.ts'
import { Pool } from './pool.ts'
import type { NamedFactory, RowFunction, RowOf } from './row-factory.ts'

/**
 * Opens a database: forks one writer and the readers, unless this process has the file open already, and
 * resolves to a Connection that owns them.
 *
 * `database` is a path, a `file:` URL, `':memory:'` or `''` (temporary). Rejects with the error of whatever
 * failed, a child's initializer included, and leaves no process then: OperationalError for a file that cannot
 * be opened, DatabaseError for one that is no database, ProgrammingError for wrong options, InterfaceError
 * when no SQLite package is found, NotSupportedError for what the one that is found cannot do.
 *
 * With `{ rowFactory: Row }` the Connection's rows are Rows, in TypeScript too.
 *
 * PEP 249, Module Interface, connect().
 */
export async function connect<F extends NamedFactory = null, T = never>(
  database: string | URL,
  options?: Options<F | RowFunction<T>>,
): Promise<Connection<RowOf<F, T>>> {
  const checked = checkOptions(database, options)
  const use = await open(checked)
  return new Connection(use.pool, checked.connection, () => use.release())
}

/**
 * Opens a database as connect() does, and resolves to a Pool: many Connections, and statements that commit by
 * themselves, over the same processes. Rejects as connect() does.
 */
export async function createPool<F extends NamedFactory = null, T = never>(
  database: string | URL,
  options?: Options<F | RowFunction<T>>,
): Promise<Pool<RowOf<F, T>>> {
  const checked = checkOptions(database, options)
  return new Pool(await open(checked), checked.connection)
}

async function open({ child, connection, maxQueue, given }: CheckedOptions): Promise<Use> {
  const use = await usePool(child, given, maxQueue)
  try {
    // Which SQLite package the children found is known only now.
    expectTypesTold(use.pool, connection.detectTypes)
    return use
  } catch (error) {
    await use.release()
    throw error
  }
}

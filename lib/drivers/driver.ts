/**
 * Driver: what forklite asks of an SQLite package. Runs in the child process only; the caller's process
 * never loads one. Nothing here knows of pools, channels or cursors: a Driver opens a file, prepares a
 * statement and answers with rows.
 */

import type { ChunkLimit } from './chunk.ts'

/** A value as a driver takes and gives it. Integers beyond ±2^53 are bigint; BLOBs come out as Buffer. */
export type SqlValue = null | number | bigint | string | Uint8Array

/** A row: one value for each column, in column order. */
export type RowValues = SqlValue[]

/** A call that a synchronous driver answers at once, and one with a thread of its own by a promise. */
export type Awaitable<T> = T | Promise<T>

export type DriverName = 'better-sqlite3' | 'node:sqlite' | 'sqlite3'

/** The order in which `driver: 'auto'` tries them. */
export const DRIVER_NAMES: readonly DriverName[] = ['better-sqlite3', 'node:sqlite', 'sqlite3']

/** One result column: its name, and its declared type where the engine tells it. */
export interface Column {
  readonly name: string
  readonly type: string | null
}

export interface OpenOptions {
  /** Open without the right to write; the file must exist. */
  readonly readonly: boolean
  /** How long SQLite itself waits for a foreign lock, in milliseconds. */
  readonly busyTimeoutMs: number
  /**
   * The most bytes of rows, about, that a statement may give which is run to its end; without a limit unless given.
   * More is a DataError with the code RESULT_TOO_LARGE, and a statement that writes has then changed nothing.
   */
  readonly maxResultBytes?: number
}

export interface Driver {
  readonly name: DriverName
  /** Opens `path` (never a `file:` URI; `:memory:` and `''` as in SQLite), or throws a DriverError. */
  open(path: string, options: OpenOptions): Awaitable<DriverConnection>
}

export interface DriverConnection {
  /** The package's own database object, for initializers. */
  readonly handle: unknown
  /** Whether a transaction is open; true to the facts after every call below, failed ones included. */
  readonly inTransaction: boolean
  /**
   * Prepares one statement.
   * `names[i]` is the name of parameter i+1 as it stands in the SQL (`':a'`, `'?2'`), null for a plain `?`.
   */
  prepare(sql: string, names: readonly (string | null)[]): Awaitable<DriverStatement>
  /** Runs SQL that takes no parameters and whose rows nobody wants, one statement or several. */
  exec(sql: string): Awaitable<void>
  close(): Awaitable<void>
}

export interface DriverStatement {
  /**
   * Runs the statement: to its end, or, where that only reads (SELECT and VALUES) and a `limit` is given, until
   * that much of its rows is read. `params[i]` is bound to parameter i+1; there are as many as the statement
   * has. A number that is integral and within ±2^53 is bound as INTEGER, any other as REAL.
   *
   * While a result is half-read, its statement is not to be executed again; other statements of the connection
   * may be, those that write or end a transaction too.
   */
  execute(params: readonly SqlValue[], limit?: ChunkLimit): Awaitable<ExecuteResult>
  finalize(): Awaitable<void>
}

/** Some rows of a result, in order. */
export interface Chunk {
  readonly rows: RowValues[]
  /** About what they take on the wire. */
  readonly bytes: number
  /** Whether it was cut because its rows came slowly. */
  readonly late: boolean
}

export interface ExecuteResult extends Chunk {
  /** The result's columns, also of an empty result; null where the statement has none (INSERT, DDL). */
  readonly columns: readonly Column[] | null
  /** Rows changed by this INSERT, UPDATE, DELETE or REPLACE; 0 for any other statement. */
  readonly changes: number
  /** The connection's last inserted rowid; only meaningful after an INSERT or REPLACE that changed rows. */
  readonly lastInsertRowid: number | bigint
  /** The rows that are left; null if these are all. */
  readonly rest: DriverCursor | null
}

/** A half-read result: SQLite's statement, between two steps. */
export interface DriverCursor {
  /**
   * The next rows; none only at the end. `ended` says that there are no more, and that it was closed. Rows that
   * were read before an error are given first: the next call throws it.
   */
  next(limit: ChunkLimit): Awaitable<Chunk & { readonly ended: boolean }>
  /** Lets go of the rows that are left. The statement may then be executed again. */
  close(): Awaitable<void>
}

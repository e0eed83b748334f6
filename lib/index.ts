/**
 * forklite: SQLite behind Python's DB-API 2.0, in a pool of forked child processes. Public names only.
 *
 * The files that one query passes, in order:
 *
 *   caller   lib/dbapi/connect.ts        connect(): options checked, a use of the database's WorkerPool
 *            lib/pool/registry.ts        one WorkerPool for a file and process
 *            lib/pool/children.ts        its writer and readers, started
 *            lib/pool/worker-process.ts  one child: forked, opened, ready
 *            lib/dbapi/cursor.ts         cursor.execute() asks its Connection
 *            lib/dbapi/connection-executor.ts  order of calls, implicit BEGIN
 *            lib/pool/router.ts          the SQL, read once: reader or writer
 *            lib/dbapi/values.ts         parameters by place
 *            lib/dbapi/execution.ts      the Request, and later its rows
 *            lib/pool/worker-pool.ts     queued, given to a child, batched
 *            lib/ipc/messages.ts         what is said
 *            lib/ipc/channel.ts          said in frames
 *   child    lib/worker/main.ts          frames in
 *            lib/worker/requests.ts      what has come, in its order
 *            lib/worker/session.ts       each run and answered
 *            lib/worker/connections.ts   the SQLite connection that is free for it
 *            lib/worker/statements.ts    the prepared statement
 *            lib/drivers/driver.ts       SQLite, up to a chunk of rows
 *            lib/worker/cursors.ts       the rest, kept until it is fetched
 *            lib/worker/replies.ts       rows out, in batches
 *   caller   lib/pool/worker-process.ts  answers to their requests
 *            lib/dbapi/execution.ts      whoever awaits it
 *            lib/dbapi/result.ts         its rows
 *            lib/dbapi/row-factory.ts    what a row is handed out as
 *            lib/dbapi/rest.ts           further chunks, asked for ahead
 */
export { type AdaptedTypes, registerAdapter } from './dbapi/adapters.ts'
export type { CallOptions } from './dbapi/call-options.ts'
export { type ColumnDescription, PARSE_COLNAMES, PARSE_DECLTYPES } from './dbapi/columns.ts'
export { connect, createPool } from './dbapi/connect.ts'
export type { Connection } from './dbapi/connection.ts'
export {
  binary as Binary,
  dateFromTicks as DateFromTicks,
  dateText as Date,
  timeFromTicks as TimeFromTicks,
  timestampFromTicks as TimestampFromTicks,
  timestampText as Timestamp,
  timeText as Time,
} from './dbapi/constructors.ts'
export { registerConverter } from './dbapi/converters.ts'
export type { Cursor } from './dbapi/cursor.ts'
export type { Execution } from './dbapi/execution.ts'
export type { ConnectionOptions, IsolationLevel, Limits, Options } from './dbapi/options.ts'
export type { Pool, PoolStats } from './dbapi/pool.ts'
export { type NamedValues, Row, type RowConstructor } from './dbapi/row.ts'
export type { NamedFactory, RowFactory, RowFunction, RowObject, RowOf } from './dbapi/row-factory.ts'
export { sqliteVersion } from './dbapi/sqlite-version.ts'
export type { TransactionOptions } from './dbapi/transaction.ts'
export { BINARY, DATETIME, NUMBER, ROWID, STRING, type TypeObject } from './dbapi/type-objects.ts'
export type { BaseParameter, Parameter, Parameters, RowArray, Value } from './dbapi/values.ts'
export {
  type Applied,
  DatabaseError,
  DataError,
  Error,
  IntegrityError,
  InterfaceError,
  InternalError,
  NotSupportedError,
  OperationalError,
  PoolClosed,
  PoolTimeout,
  ProgrammingError,
  QueryCancelled,
  QueueFull,
  Warning,
  WorkerExited,
} from './errors.ts'
export { completeStatement } from './sql/complete-statement.ts'

/** PEP 249, Module Interface: the level of the DB-API. */
export const apilevel = '2.0'
/** PEP 249, Module Interface: callers may share the module and a Pool; a Connection is its callers' together. */
export const threadsafety = 2
/** PEP 249, Module Interface: `?`; `?NNN`, and `:a`, `@a`, `$a` with an object, work too. */
export const paramstyle = 'qmark'

/**
 * Refusals: what a Connection or a Pool will not do just now, and what to do instead. Runs in the caller.
 */
import { type Applied, NotSupportedError, ProgrammingError, QueryCancelled } from '../errors.ts'

/** A function that tells of the SQLite connection it happens to run on. */
export function counterRefused(counter: string, sql: string): ProgrammingError {
  return new ProgrammingError(
    `${counter}() tells of one SQLite connection, and outside a transaction each statement may run on another: ` +
      "read the cursor's lastrowid or rowcount",
    { code: 'BAD_STATEMENT', sql },
  )
}

export function settingRefused(sql: string): ProgrammingError {
  return new ProgrammingError(
    'this holds for every connection of the pool, and cannot be done within a transaction: commit or roll back first',
    { code: 'IN_TRANSACTION', sql },
  )
}

export function notInTransaction(sql: string): ProgrammingError {
  return new ProgrammingError('this pragma ends with its transaction: begin one first', {
    code: 'NO_TRANSACTION',
    sql,
  })
}

export function readonlyTransaction(sql: string): ProgrammingError {
  return new ProgrammingError(
    'a readonly transaction is open on this Connection, which only SELECTs belong to: end it first',
    { code: 'READONLY_TRANSACTION', sql },
  )
}

export function notReadonly(): ProgrammingError {
  return new ProgrammingError(
    'a readonly transaction cannot be begun within one that may write: end that first, or leave mode out',
    { code: 'IN_TRANSACTION' },
  )
}

export function noSnapshotBesideTemporary(): NotSupportedError {
  return new NotSupportedError(
    'a Connection with temporary objects runs on an SQLite connection of its own in the writer, and cannot read on ' +
      'a reader: use another Connection for the readonly transaction',
    { code: 'UNSUPPORTED' },
  )
}

export function noWriterForTransaction(sql: string): NotSupportedError {
  return new NotSupportedError(
    'a readonly database has no writer to hold a transaction; each SELECT sees one snapshot by itself, and ' +
      "transaction(fn, { mode: 'readonly' }) gives one to several",
    { code: 'UNSUPPORTED', sql },
  )
}

export function noWriterForTemporary(sql: string): NotSupportedError {
  return new NotSupportedError(
    'a readonly database has no writer to hold temporary objects; use a WITH clause, or another database',
    { code: 'UNSUPPORTED', sql },
  )
}

export function noConnectionForTemporary(sql: string): NotSupportedError {
  return new NotSupportedError(
    "a database that is not in WAL has one connection for all, and temporary objects would be everybody's: " +
      'leave journal_mode to be WAL, or use a WITH clause',
    { code: 'UNSUPPORTED', sql },
  )
}

export function temporaryRefused(sql: string): NotSupportedError {
  return new NotSupportedError(
    'temporary objects, and databases attached in memory, belong to a Connection: use pool.connect()',
    { code: 'UNSUPPORTED', sql },
  )
}

export function transactionRefused(sql: string): ProgrammingError {
  return new ProgrammingError(
    'a transaction belongs to a Connection, and each pool.execute() may run on another: use pool.connect()',
    { code: 'BAD_STATEMENT', sql },
  )
}

export function transactionLeft(sql: string): ProgrammingError {
  return new ProgrammingError(
    'the script left a transaction open, which was rolled back: end it with COMMIT, or use pool.connect()',
    { code: 'BAD_STATEMENT', sql },
  )
}

export function interrupted(sql: string, applied?: Applied): QueryCancelled {
  return new QueryCancelled('interrupted', { code: 'SQLITE_INTERRUPT', sql, applied })
}

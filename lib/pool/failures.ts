/**
 * The pool's own errors: each says what happened and what to do next. Runs in the caller. Statements are
 * quoted, parameters never.
 */
import {
  type Applied,
  DataError,
  Error as DbapiError,
  type ErrorDetails,
  OperationalError,
  PoolClosed,
  PoolTimeout,
  QueryCancelled,
  QueueFull,
  WorkerExited,
} from '../errors.ts'
import type { Role } from '../ipc/messages.ts'
import type { Lease } from './lease.ts'
import type { Request } from './request.ts'

/** So much of another's statement is quoted. */
const QUOTED_CHARS = 200

/** What a message takes beside the text and the values of a statement, and more. */
const FRAME_HEAD_BYTES = 256

/** Fails a request that was never sent, for what it needs is gone. */
export function failUnsent(request: Request, error: Error): void {
  request.state = 'done'
  request.fail(() => error, null)
}

export function poolClosed(): PoolClosed {
  return new PoolClosed('the pool is closed', { code: 'POOL_CLOSED' })
}

export function queueFull(request: Request, reads: number, writes: number, maxQueue: number): QueueFull {
  return new QueueFull(
    `${reads} reads and ${writes} writes wait already, as many as maxQueue allows (${maxQueue}); ` +
      'await some of your calls first, or raise maxQueue',
    { code: 'QUEUE_FULL', sql: request.statement.sql, applied: request.applied },
  )
}

export function cancelled(request: Request): QueryCancelled {
  const when = request.state === 'sent' ? 'while it ran' : 'before it was sent'
  return new QueryCancelled(`the call was cancelled by its signal ${when}`, {
    code: 'QUERY_CANCELLED',
    sql: request.statement.sql,
    cause: request.signal?.reason,
    applied: request.applied,
  })
}

/** Why a request is not to be sent any more: its signal is aborted, or its deadline has passed. Null if it is. */
export function overdue(request: Request): QueryCancelled | null {
  if (request.signal?.aborted === true) return cancelled(request)
  const inTime = request.deadline === Number.POSITIVE_INFINITY || request.deadline > performance.now()
  return inTime ? null : tooLate(request)
}

/** Its deadline passed while it waited for other calls of its own Connection. */
export function tooLate(request: Request): QueryCancelled {
  return new QueryCancelled('the deadline of the call had passed before it could be sent', {
    code: 'QUERY_CANCELLED',
    sql: request.statement.sql,
    applied: request.applied,
  })
}

/** Why a request cannot be sent, ever: it is overdue, or larger than any frame. Null if it can. */
export function unsendable(request: Request, maxFrameBytes: number): OperationalError | DataError | null {
  const late = overdue(request)
  // `bytes` counts a UTF-16 unit as one; as UTF-8 it takes three at the most.
  if (late !== null || request.bytes * 3 + FRAME_HEAD_BYTES <= maxFrameBytes) return late
  const exact = exactBytes(request) + FRAME_HEAD_BYTES
  if (exact <= maxFrameBytes) return null
  return new DataError(
    `the statement and its parameters take ${exact} bytes, where maxFrameBytes allows ${maxFrameBytes}: ` +
      'raise maxFrameBytes, or store the value in parts',
    { code: 'FRAME_TOO_LARGE', sql: request.statement.sql.slice(0, QUOTED_CHARS), applied: request.applied },
  )
}

/** A read's deadline: it waited for a reader (PoolTimeout), or it ran too long (QueryCancelled). */
export function readTimeout(request: Request): OperationalError {
  const { sql } = request.statement
  if (request.state === 'sent') {
    return new QueryCancelled('the query ran past its deadline', { code: 'QUERY_CANCELLED', sql })
  }
  return new PoolTimeout('no reader was free before the deadline; add readers, or allow more time', {
    code: 'POOL_TIMEOUT',
    sql,
  })
}

/** A write's deadline: `lease` is the transaction that it waited for, if one was open. */
export function lockTimeout(request: Request, lease: Lease | null, now: number): OperationalError {
  const held =
    lease === null
      ? 'the writes before it took longer'
      : `${lease.holder} has held it for ${Math.round(now - lease.since)} ms in a transaction, ` +
        `whose last statement was: ${lease.lastSql.slice(0, QUOTED_CHARS)}`
  return new OperationalError(
    `database is locked: the time to wait for the writer is over, and ${held}; ` +
      'end that transaction, or allow more time (lockTimeoutMs, or timeoutMs of the call)',
    { code: 'SQLITE_BUSY', sql: request.statement.sql, applied: request.applied },
  )
}

export function workerExited(reason: WorkerExited, sql: string, applied: Applied | undefined): WorkerExited {
  const fate = { no: '; nothing of it was applied', unknown: '; it may have been applied' }
  return new WorkerExited(reason.message + (applied === undefined ? '' : fate[applied]), {
    code: 'WORKER_EXITED',
    sql,
    applied,
    cause: reason,
  })
}

export function databaseLost(reason: WorkerExited): WorkerExited {
  return new WorkerExited(`the database was in memory and is gone with its process: ${reason.message}`, {
    code: 'WORKER_EXITED',
    cause: reason,
  })
}

export function transactionLost(sql: string): OperationalError {
  return new OperationalError(
    'the transaction was lost with its child process; call rollback() and begin again',
    {
      code: 'TRANSACTION_LOST',
      sql,
      applied: 'no',
    },
  )
}

export function ownConnectionLost(sql: string): OperationalError {
  return new OperationalError(
    'temporary tables and databases attached in memory were lost with the child process, and the transaction if one ' +
      'was open; call rollback() and make them again',
    { code: 'TEMPORARY_LOST', sql, applied: 'no' },
  )
}

export function snapshotLost(sql: string): OperationalError {
  return new OperationalError(
    'the readonly transaction was lost with its child process; call rollback() and begin again',
    { code: 'TRANSACTION_LOST', sql },
  )
}

/** The rest of a half-read result went with its child; `reason` is null where its end is not yet known. */
export function resultLost(sql: string, reason: WorkerExited | null): WorkerExited {
  const why = reason === null ? '' : `: ${reason.message}`
  return new WorkerExited(
    `the rest of this result was lost with its child process, run the query again${why}`,
    {
      code: 'WORKER_EXITED',
      sql,
      cause: reason ?? undefined,
    },
  )
}

export function forkFailed(role: Role, error: Error): WorkerExited {
  return new WorkerExited(`the ${role}'s child process could not be forked: ${error.message}`, {
    code: 'WORKER_EXITED',
    cause: error,
  })
}

export function databaseMoved(path: string): OperationalError {
  return new OperationalError(
    `the database file was moved or deleted while it was open: ${path} is not what it was; ` +
      'close what uses it, and connect again',
    { code: 'SQLITE_READONLY_DBMOVED' },
  )
}

/** Why no child of a role can be started, for one request that waits for it. */
export function roleDown(reason: Error, request: Request): Error {
  if (!(reason instanceof DbapiError)) return reason
  const { sql } = request.statement
  const cls = reason.constructor as new (message: string, details: ErrorDetails) => DbapiError
  return new cls(reason.message, { code: reason.code, sql, applied: request.applied, cause: reason })
}

// msgpack's own: a head of nine bytes at the most for each value and row.
function exactBytes({ params, rows, statement }: Request): number {
  let bytes = Buffer.byteLength(statement.sql)
  for (const row of rows ?? [params]) {
    bytes += 9
    for (const value of row) {
      bytes += 9
      if (typeof value === 'string') bytes += Buffer.byteLength(value)
      else if (value instanceof Uint8Array) bytes += value.length
    }
  }
  return bytes
}

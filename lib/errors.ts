/**
 * The PEP 249 error tree, forklite's own codes, and how an error crosses a Channel. Runs in both
 * processes. Knows nothing of pools or drivers; a driver only tells a code and a message.
 */

/** Whether a write that failed may have been applied: certainly not, or nobody can tell. */
export type Applied = 'no' | 'unknown'

export interface ErrorDetails {
  /** SQLite's extended code by name (`SQLITE_CONSTRAINT_UNIQUE`), or one of forklite's own. */
  code: string
  /** The statement's text. Parameters never appear in errors. */
  sql?: string | undefined
  cause?: unknown
  applied?: Applied | undefined
}

/** PEP 249, Exceptions: `Warning`. SQLite gives no warnings, so forklite never raises it. */
export class Warning extends globalThis.Error {
  /** `'Warning'`. */
  override name = 'Warning'
}

/** PEP 249, Exceptions: `Error`, the base of all others. */
class DbapiError extends globalThis.Error {
  /** Stable, to match on: SQLite's extended code by name, or one of forklite's own. */
  readonly code: string
  /** The statement's text, where there is one. */
  declare readonly sql?: string
  /** Of a write that failed on its way: `'no'` is certain, `'unknown'` may have been committed. */
  declare readonly applied?: Applied

  /** For applications that raise one themselves: `code` is theirs to choose. */
  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.className
    this.code = details.code
    if (details.sql !== undefined) this.sql = details.sql
    if (details.applied !== undefined) this.applied = details.applied
  }

  // A literal, not `constructor.name`: bundlers rename classes, and the name travels between processes.
  static readonly className: string = 'Error'
}

export { DbapiError as Error }

/** PEP 249, Exceptions: `InterfaceError`, of the way to the database: no SQLite package is found, say. */
export class InterfaceError extends DbapiError {
  static override readonly className: string = 'InterfaceError'
}
/** PEP 249, Exceptions: `DatabaseError`, of the database; the base of those below. */
export class DatabaseError extends DbapiError {
  static override readonly className: string = 'DatabaseError'
}
/** PEP 249, Exceptions: `DataError`, a value that does not fit: NaN, an integer of more than 64 bits. */
export class DataError extends DatabaseError {
  static override readonly className: string = 'DataError'
}
/** PEP 249, Exceptions: `OperationalError`, of the database or its processes, and mostly not the caller's doing. */
export class OperationalError extends DatabaseError {
  static override readonly className: string = 'OperationalError'
}
/** PEP 249, Exceptions: `IntegrityError`, a constraint; `code` tells which kind. */
export class IntegrityError extends DatabaseError {
  static override readonly className: string = 'IntegrityError'
}
/** PEP 249, Exceptions: `InternalError`, of SQLite itself. */
export class InternalError extends DatabaseError {
  static override readonly className: string = 'InternalError'
}
/** PEP 249, Exceptions: `ProgrammingError`, a wrong call: of something closed, with wrong parameters or options. */
export class ProgrammingError extends DatabaseError {
  static override readonly className: string = 'ProgrammingError'
}
/** PEP 249, Exceptions: `NotSupportedError`, what cannot be done here; the message names the way round. */
export class NotSupportedError extends DatabaseError {
  static override readonly className: string = 'NotSupportedError'
}

/** No reader, or no place to start, within the time allowed. */
export class PoolTimeout extends OperationalError {
  static override readonly className: string = 'PoolTimeout'
}
/** The pool was closed before the call could be made. */
export class PoolClosed extends OperationalError {
  static override readonly className: string = 'PoolClosed'
}
/** More requests wait than `maxQueue` allows. */
export class QueueFull extends OperationalError {
  static override readonly className: string = 'QueueFull'
}
/** The call's `signal` was aborted or its deadline passed. */
export class QueryCancelled extends OperationalError {
  static override readonly className: string = 'QueryCancelled'
}
/** The child process that ran the statement ended before it answered. */
export class WorkerExited extends OperationalError {
  static override readonly className: string = 'WorkerExited'
}

type ErrorClass = new (message: string, details: ErrorDetails) => DbapiError

const CLASSES = new Map<string, ErrorClass>(
  [
    DbapiError,
    InterfaceError,
    DatabaseError,
    DataError,
    OperationalError,
    IntegrityError,
    InternalError,
    ProgrammingError,
    NotSupportedError,
    PoolTimeout,
    PoolClosed,
    QueueFull,
    QueryCancelled,
    WorkerExited,
  ].map((cls) => [cls.className, cls]),
)

/** SQLite's primary codes and their classes, as CPython's `Modules/_sqlite/util.c` pairs them. */
const CLASS_OF_PRIMARY_CODE: Record<string, ErrorClass> = {
  SQLITE_INTERNAL: InternalError,
  SQLITE_NOTFOUND: InternalError,
  SQLITE_ERROR: OperationalError,
  SQLITE_PERM: OperationalError,
  SQLITE_ABORT: OperationalError,
  SQLITE_BUSY: OperationalError,
  SQLITE_LOCKED: OperationalError,
  SQLITE_NOMEM: OperationalError,
  SQLITE_READONLY: OperationalError,
  SQLITE_INTERRUPT: OperationalError,
  SQLITE_IOERR: OperationalError,
  SQLITE_FULL: OperationalError,
  SQLITE_CANTOPEN: OperationalError,
  SQLITE_PROTOCOL: OperationalError,
  SQLITE_EMPTY: OperationalError,
  SQLITE_SCHEMA: OperationalError,
  SQLITE_AUTH: OperationalError,
  SQLITE_TOOBIG: DataError,
  SQLITE_CONSTRAINT: IntegrityError,
  SQLITE_MISMATCH: IntegrityError,
  SQLITE_MISUSE: InterfaceError,
  SQLITE_RANGE: InterfaceError,
}

/** The class for an SQLite code: by its primary part, `SQLITE_CONSTRAINT_UNIQUE` as `SQLITE_CONSTRAINT`. */
function classOfSqliteCode(code: string): ErrorClass {
  const primary = /^SQLITE_[A-Z]+/.exec(code)?.[0] ?? code
  return CLASS_OF_PRIMARY_CODE[primary] ?? DatabaseError
}

/** What an SQLite package raised: an SQLite code by name and its message. Thrown by drivers, in the child. */
export class DriverError extends globalThis.Error {
  override name = 'DriverError'
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** An error as it crosses a Channel: class, code, message, stack of the child. */
export type WireError = [className: string, code: string, message: string, stack: string]

/** Packs anything thrown in a child for the wire. */
export function toWire(thrown: unknown): WireError {
  if (thrown instanceof DriverError) {
    return [className(classOfSqliteCode(thrown.code)), thrown.code, thrown.message, thrown.stack ?? '']
  }
  if (thrown instanceof DbapiError) {
    return [thrown.name, thrown.code, thrown.message, thrown.stack ?? '']
  }
  if (thrown instanceof globalThis.Error) {
    const { code } = thrown as { code?: unknown }
    return [
      'OperationalError',
      typeof code === 'string' ? code : 'WORKER_ERROR',
      thrown.message || thrown.name,
      thrown.stack ?? '',
    ]
  }
  return ['OperationalError', 'WORKER_ERROR', String(thrown), '']
}

/** Makes the caller's error from what the wire brought; its cause carries the child's stack. */
export function fromWire(wire: WireError, sql?: string, applied?: Applied): DbapiError {
  const [name, code, message, stack] = wire
  const cause = new globalThis.Error(message)
  cause.name = `Worker${name}`
  cause.stack = stack || `${cause.name}: ${message}`
  const cls = CLASSES.get(name) ?? DatabaseError
  return new cls(message, { code, sql, cause, applied })
}

function className(cls: ErrorClass): string {
  return (cls as unknown as { className: string }).className
}

/**
 * SQLite's result codes by number, and what can be told of a code from a message alone. Runs in the child.
 * It makes the DriverErrors; what a code means to the caller is lib/errors.ts's to know.
 */
import { DriverError } from '../errors.ts'

/** https://sqlite.org/rescode.html, primary codes: bits 0 to 7 of every code. */
const PRIMARY: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  2: 'SQLITE_INTERNAL',
  3: 'SQLITE_PERM',
  4: 'SQLITE_ABORT',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  9: 'SQLITE_INTERRUPT',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  12: 'SQLITE_NOTFOUND',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  16: 'SQLITE_EMPTY',
  17: 'SQLITE_SCHEMA',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  21: 'SQLITE_MISUSE',
  22: 'SQLITE_NOLFS',
  23: 'SQLITE_AUTH',
  24: 'SQLITE_FORMAT',
  25: 'SQLITE_RANGE',
  26: 'SQLITE_NOTADB',
  27: 'SQLITE_NOTICE',
  28: 'SQLITE_WARNING',
  100: 'SQLITE_ROW',
  101: 'SQLITE_DONE',
}

/** Extended codes: the names of bits 8 and up, from 1, behind each primary code; null where there is none. */
const EXTENSIONS: Readonly<Record<string, readonly (string | null)[]>> = {
  SQLITE_ERROR: ['MISSING_COLLSEQ', 'RETRY', 'SNAPSHOT', 'RESERVESIZE', 'KEY', 'UNABLE'],
  SQLITE_ABORT: [null, 'ROLLBACK'],
  SQLITE_BUSY: ['RECOVERY', 'SNAPSHOT', 'TIMEOUT'],
  SQLITE_LOCKED: ['SHAREDCACHE', 'VTAB'],
  SQLITE_READONLY: ['RECOVERY', 'CANTLOCK', 'ROLLBACK', 'DBMOVED', 'CANTINIT', 'DIRECTORY'],
  SQLITE_IOERR: [
    'READ',
    'SHORT_READ',
    'WRITE',
    'FSYNC',
    'DIR_FSYNC',
    'TRUNCATE',
    'FSTAT',
    'UNLOCK',
    'RDLOCK',
    'DELETE',
    'BLOCKED',
    'NOMEM',
    'ACCESS',
    'CHECKRESERVEDLOCK',
    'LOCK',
    'CLOSE',
    'DIR_CLOSE',
    'SHMOPEN',
    'SHMSIZE',
    'SHMLOCK',
    'SHMMAP',
    'SEEK',
    'DELETE_NOENT',
    'MMAP',
    'GETTEMPPATH',
    'CONVPATH',
    'VNODE',
    'AUTH',
    'BEGIN_ATOMIC',
    'COMMIT_ATOMIC',
    'ROLLBACK_ATOMIC',
    'DATA',
    'CORRUPTFS',
    'IN_PAGE',
    'BADKEY',
    'CODEC',
  ],
  SQLITE_CORRUPT: ['VTAB', 'SEQUENCE', 'INDEX'],
  SQLITE_CANTOPEN: ['NOTEMPDIR', 'ISDIR', 'FULLPATH', 'CONVPATH', 'DIRTYWAL', 'SYMLINK'],
  SQLITE_CONSTRAINT: [
    'CHECK',
    'COMMITHOOK',
    'FOREIGNKEY',
    'FUNCTION',
    'NOTNULL',
    'PRIMARYKEY',
    'TRIGGER',
    'UNIQUE',
    'VTAB',
    'ROWID',
    'PINNED',
    'DATATYPE',
  ],
  SQLITE_AUTH: ['USER'],
  SQLITE_NOTICE: ['RECOVER_WAL', 'RECOVER_ROLLBACK', 'RBU'],
  SQLITE_WARNING: ['AUTOINDEX'],
}

/** The name of a result code; an extended code newer than this table gets its primary code's name. */
export function codeName(code: number): string {
  const primary = PRIMARY[code & 0xff]
  if (primary === undefined) return 'SQLITE_ERROR'
  const extension = EXTENSIONS[primary]?.[(code >> 8) - 1]
  return extension ? `${primary}_${extension}` : primary
}

/**
 * What SQLite's messages tell beyond the primary code, for a package that has no other. A UNIQUE constraint
 * and a PRIMARY KEY give the same text, so SQLITE_CONSTRAINT_UNIQUE stands for both.
 */
const REFINEMENTS: readonly (readonly [primary: string, text: RegExp, code: string])[] = [
  ['SQLITE_CONSTRAINT', /^UNIQUE constraint failed/, 'SQLITE_CONSTRAINT_UNIQUE'],
  ['SQLITE_CONSTRAINT', /^NOT NULL constraint failed/, 'SQLITE_CONSTRAINT_NOTNULL'],
  ['SQLITE_CONSTRAINT', /^CHECK constraint failed/, 'SQLITE_CONSTRAINT_CHECK'],
  ['SQLITE_CONSTRAINT', /^FOREIGN KEY constraint failed/, 'SQLITE_CONSTRAINT_FOREIGNKEY'],
  ['SQLITE_CONSTRAINT', /^cannot store \w+ value in \w+ column/, 'SQLITE_CONSTRAINT_DATATYPE'],
  ['SQLITE_CONSTRAINT', /^rowid is not unique/, 'SQLITE_CONSTRAINT_ROWID'],
  ['SQLITE_ABORT', /^abort due to ROLLBACK/, 'SQLITE_ABORT_ROLLBACK'],
  ['SQLITE_ERROR', /^unable to open database/, 'SQLITE_CANTOPEN'],
  ['SQLITE_ERROR', /^no such collation sequence/, 'SQLITE_ERROR_MISSING_COLLSEQ'],
]

/** The code as far as `message`, without its prefix, refines it; else `code` itself. */
export function refineCode(code: string, message: string): string {
  return REFINEMENTS.find(([primary, text]) => code === primary && text.test(message))?.[2] ?? code
}

/** What was thrown, by a package or by ourselves, as far as we look at it. */
export interface Thrown {
  readonly message: string
  readonly code?: unknown
}

export function isThrown(value: unknown): value is Thrown {
  return value instanceof Error
}

/**
 * A package's own complaint, a TypeError or RangeError without a code of SQLite: too few parameters, a BigInt
 * beyond 64 bits, a closed database.
 */
export function misuse(thrown: Thrown): DriverError {
  const code = /too (big|large|long)|longer than/i.test(thrown.message) ? 'SQLITE_TOOBIG' : 'SQLITE_MISUSE'
  return new DriverError(code, thrown.message, { cause: thrown })
}

/** What the packages do not agree on: a text of blanks and comments, or none. */
export function noStatement(): DriverError {
  return new DriverError('SQLITE_MISUSE', 'the text contains no SQL statement')
}

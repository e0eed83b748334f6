/**
 * The database argument of connect() and createPool(): what file it names. Runs in the caller.
 */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NotSupportedError, OperationalError, ProgrammingError } from '../errors.ts'

export interface DatabasePath {
  /** An absolute path, `:memory:` or `''` (temporary). */
  readonly path: string
  /** Whether the URI asked for `mode=ro`. */
  readonly readonly: boolean
}

/** Reads the argument. Throws what opening it could only fail with. */
export function databasePath(database: string | URL, uri: boolean): DatabasePath {
  if (typeof database !== 'string' && !(database instanceof URL)) {
    throw new ProgrammingError(
      `the database must be a path, a file: URL, ':memory:' or '' (temporary), not ${describe(database)}`,
      { code: 'BAD_DATABASE' },
    )
  }
  const read = database instanceof URL ? fromUri(database.href) : fromString(database, uri)
  if (read.path.includes('\0')) throw refused('the path of a database cannot hold a NUL character')
  if (read.path === ':memory:' || read.path === '') return read
  const path = resolve(read.path)
  if (isFolder(path)) {
    throw new OperationalError(`unable to open database file: ${path} is a folder`, {
      code: 'SQLITE_CANTOPEN_ISDIR',
    })
  }
  return { ...read, path }
}

function fromString(database: string, uri: boolean): DatabasePath {
  if (!database.startsWith('file:')) return { path: database, readonly: false }
  if (uri) return fromUri(database)
  throw refused(
    `'${database}' is a URI: give it as new URL(…) or with the option uri: true; ` +
      `a file of that very name is './${database}'`,
  )
}

// https://sqlite.org/uri.html. A relative path is allowed, which `new URL()` would not take.
function fromUri(uri: string): DatabasePath {
  const [, rest = '', query = ''] = /^file:([^?#]*)(?:\?([^#]*))?/.exec(uri) ?? []
  if (!uri.startsWith('file:')) throw refused(`only file: URLs name a database, not ${uri.slice(0, 100)}`)
  const params = new URLSearchParams(query)
  for (const name of params.keys()) {
    if (name !== 'mode') {
      throw new NotSupportedError(
        `of a file: URI only the path and mode are read, and not ${name}: no SQLite package takes them all`,
        { code: 'UNSUPPORTED' },
      )
    }
  }
  const path = pathOfUri(rest)
  const mode = params.get('mode') ?? 'rwc'
  if (mode === 'memory') return { path: ':memory:', readonly: false }
  if (!['ro', 'rw', 'rwc'].includes(mode)) {
    throw new OperationalError(`no such access mode: ${mode}; there are ro, rw, rwc and memory`, {
      code: 'SQLITE_ERROR',
    })
  }
  if (mode === 'rw' && !existsSync(path)) {
    throw new OperationalError(`unable to open database file: there is no ${path}, and mode=rw makes none`, {
      code: 'SQLITE_CANTOPEN',
    })
  }
  return { path, readonly: mode === 'ro' }
}

function pathOfUri(rest: string): string {
  try {
    return rest.startsWith('/') ? fileURLToPath(`file:${rest}`) : decodeURIComponent(rest)
  } catch (error) {
    throw refused(`file:${rest} is no path on this machine: ${(error as Error).message}`, error)
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // No such file yet, or one that may not be looked at: opening it will tell.
    return false
  }
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}

function refused(message: string, cause?: unknown): ProgrammingError {
  return new ProgrammingError(message, { code: 'BAD_DATABASE', cause })
}

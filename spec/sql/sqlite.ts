/**
 * SQLite itself, for specs that compare what `lib/sql` says of a text with what the engine says: as much of
 * better-sqlite3 as they use, which comes without types. No other package tells `readonly`, or that a text
 * holds more than one statement: specs that use it are `itWithDriver('better-sqlite3', …)`.
 */
import { createRequire } from 'node:module'
import { resolveDrivers } from '../../lib/pool/driver-path.ts'

export interface SqliteStatement {
  /** Whether it has result columns. */
  readonly reader: boolean
  /** Whether it writes nothing to the database file. */
  readonly readonly: boolean
  raw(): SqliteStatement
  get(...params: unknown[]): unknown
  all(...params: unknown[]): unknown[]
}

export interface Sqlite {
  prepare(sql: string): SqliteStatement
  exec(sql: string): void
  close(): void
}

let Database: (new (path: string) => Sqlite) | undefined

export function openSqlite(): Sqlite {
  Database ??= createRequire(import.meta.url)(resolveDrivers('better-sqlite3')[0]!.path)
  return new Database!(':memory:')
}

/** The statement, or how many the text holds if that is not one, or why SQLite refuses it. */
export function prepare(db: Sqlite, sql: string): SqliteStatement | 'none' | 'several' | Error {
  try {
    return db.prepare(sql)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if (error instanceof RangeError && /contains no statements/.test(error.message)) return 'none'
    if (error instanceof RangeError && /more than one statement/.test(error.message)) return 'several'
    return error
  }
}

/** Cuts a script into its statements by asking SQLite at every semicolon whether one has ended there. */
export function* cutScript(db: Sqlite, script: string): Generator<string> {
  let from = 0
  for (let at = script.indexOf(';'); at !== -1; at = script.indexOf(';', at + 1)) {
    const piece = script.slice(from, at + 1)
    if (!hasEnded(db, piece)) continue
    yield piece
    from = at + 1
  }
  const rest = script.slice(from)
  if (prepare(db, rest) !== 'none') yield rest
}

function hasEnded(db: Sqlite, piece: string): boolean {
  // Inside a comment the `x` would go unseen; behind a whole statement it is another.
  if (prepare(db, `${piece}x`) === 'several') return true
  const answer = prepare(db, piece)
  return answer instanceof Error && !/^(incomplete input|unrecognized token)/.test(answer.message)
}

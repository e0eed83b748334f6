/**
 * Database: what the runners of both formats ask of whatever runs the SQL: forklite's cursors, or an SQLite
 * package called directly. Runs in the runner's process. Nothing here knows which of the two it is.
 */
import { parseSql } from '../../lib/sql/parse.ts'

/** A value as forklite gives it: integers beyond ±2^53 are bigint, so a number may be an INTEGER or a REAL. */
export type Value = null | number | bigint | string | Uint8Array

/** What became of one statement. */
export interface Answer {
  /** The columns' names; null where there is no result set, or the statement failed before there was one. */
  readonly columns: readonly string[] | null
  /** All rows, or those that came before it failed. */
  readonly rows: readonly (readonly Value[])[]
  readonly error: Error | null
}

export interface Database {
  /** Runs one statement. What is wrong with it is told in the answer; it never rejects. */
  run(sql: string): Promise<Answer>
  close(): Promise<void>
}

/** The names of the SQLite packages, as the option `driver` has them. */
export const DRIVERS = ['better-sqlite3', 'node:sqlite', 'sqlite3'] as const
export type DriverName = (typeof DRIVERS)[number]

/**
 * What the corpora were written for is SQLite as it comes: foreign keys off, the schema trusted. forklite and
 * the packages have other defaults, each its own. Nothing here survives a crash, so nothing is synced.
 */
export const PRAGMAS = { synchronous: 'OFF', foreign_keys: 'OFF', trusted_schema: 'ON' }

/** No statement of a corpus takes so long: it hangs. */
export const STATEMENT_MS = 60_000

/** Cuts a script into its statements; what is left behind the last is blank or a comment. */
export function cut(script: string): string[] {
  let from = 0
  return parseSql(script).ends.map((end) => {
    const statement = script.slice(from, end)
    from = end
    return statement
  })
}

/** An integer as forklite gives it: a bigint only beyond ±2^53. */
export function narrow(value: unknown): Value {
  if (typeof value !== 'bigint') return value as Value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** The answer to a statement that failed. */
export function failed(error: unknown, answer?: Partial<Answer>): Answer {
  return {
    columns: null,
    rows: [],
    ...answer,
    error: error instanceof Error ? error : new Error(String(error)),
  }
}

/** `OperationalError SQLITE_ERROR: no such table: t`, on one line. */
export function describeError(error: Error): string {
  const { name, message } = error
  const code = (error as { code?: unknown }).code
  return `${name}${typeof code === 'string' ? ` ${code}` : ''}: ${message}`.replace(/\s+/g, ' ')
}

/** The promise, or after STATEMENT_MS a rejection; whatever was started goes on. */
export function withinTime<T>(promise: Promise<T>, ms = STATEMENT_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

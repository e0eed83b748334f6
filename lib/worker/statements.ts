/**
 * Statements: the prepared statements of one SQLite connection, by their text. Runs in the child. A statement
 * whose result is half-read is not among them: it cannot run twice at once.
 */
import type { Awaitable, DriverConnection, DriverStatement } from '../drivers/driver.ts'
import { ClockCache } from '../sql/clock-cache.ts'
import { chain } from './awaitable.ts'
import type { KnownSql } from './sql-texts.ts'

/** Prepared statements of a connection; CPython keeps 128 too (`cached_statements`). */
const PREPARED = 128

export class Statements {
  readonly #connection: DriverConnection
  readonly #prepared = new ClockCache<KnownSql, DriverStatement>(PREPARED, (statement) => {
    finalizeQuietly(statement)
  })
  /** The statement of the request at hand, if its text is not worth keeping; see release(). */
  #passing: DriverStatement | null = null

  constructor(connection: DriverConnection) {
    this.#connection = connection
  }

  /** The prepared statement of a text, prepared when it is not in the cache. */
  prepare(known: KnownSql): Awaitable<DriverStatement> {
    const statement = this.#prepared.get(known)
    if (statement !== undefined) return statement
    const { sql, names } = known.parsed
    return chain(this.#connection.prepare(sql, names), (fresh) => {
      if (known.forgotten) this.#passing = fresh
      else this.#prepared.set(known, fresh)
      return fresh
    })
  }

  /** Lets go of a statement that is not worth keeping, once it was answered or has failed. */
  release(): void {
    if (this.#passing === null) return
    finalizeQuietly(this.#passing)
    this.#passing = null
  }

  /** Takes out the statement of a text: its result is half-read. */
  checkOut(known: KnownSql): void {
    this.#passing = null
    this.#prepared.delete(known)
  }

  /** Takes back what was checked out. */
  checkIn(known: KnownSql, statement: DriverStatement): void {
    if (known.forgotten || this.#prepared.get(known) !== undefined) finalizeQuietly(statement)
    else this.#prepared.set(known, statement)
  }

  /** Finalizes the statement of a text. */
  forget(known: KnownSql): void {
    const statement = this.#prepared.get(known)
    if (statement === undefined) return
    this.#prepared.delete(known)
    finalizeQuietly(statement)
  }

  /** Finalizes all, before the connection closes. */
  clear(): void {
    for (const statement of this.#prepared.values()) finalizeQuietly(statement)
    this.#prepared.clear()
  }
}

// Finalizing repeats the error of the statement's last run, which was told already.
export function finalizeQuietly(statement: DriverStatement): void {
  try {
    const finalized = statement.finalize()
    if (finalized instanceof Promise) finalized.catch(() => {})
  } catch {}
}

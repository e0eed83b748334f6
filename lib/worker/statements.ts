/**
 * Statements: the SQL texts this child knows by number, and the prepared statements of one SQLite connection.
 * Runs in the child. The caller decides which number a text has and when it is given to another.
 */
import type { Awaitable, Column, DriverConnection, DriverStatement } from '../drivers/driver.ts'
import { ProtocolError, SLOTS, UNNUMBERED } from '../ipc/messages.ts'
import { ClockCache } from '../sql/clock-cache.ts'
import { type ParsedSql, parseSql } from '../sql/parse.ts'
import { chain } from './awaitable.ts'

/** Prepared statements of a connection; CPython keeps 128 too (`cached_statements`). */
const PREPARED = 128

const WRITING = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE'])

/** An SQL text as the child knows it. */
export class KnownSql {
  readonly slot: number
  readonly parsed: ParsedSql
  /** INSERT, UPDATE, DELETE or REPLACE: has a rowcount. */
  readonly writes: boolean
  /** INSERT or REPLACE: has a lastrowid. */
  readonly inserts: boolean
  /** SELECT or VALUES, behind WITH too: may run inside the reading batch's transaction. */
  readonly reads: boolean
  /** Moving average of its run time in microseconds; NaN before the first run. */
  cost = Number.NaN
  /** The average the caller was last told; NaN if none. */
  toldCost = Number.NaN
  /** The columns the caller was last told, by identity. */
  toldColumns: readonly Column[] | null = null

  constructor(slot: number, sql: string) {
    this.slot = slot
    this.parsed = parseSql(sql)
    const { verb } = this.parsed
    this.writes = WRITING.has(verb)
    this.inserts = verb === 'INSERT' || verb === 'REPLACE'
    this.reads = verb === 'SELECT' || verb === 'VALUES'
  }
}

export class Statements {
  readonly #connection: DriverConnection
  readonly #known: (KnownSql | undefined)[] = new Array(SLOTS)
  readonly #prepared = new ClockCache<KnownSql, DriverStatement>(PREPARED, (statement) => {
    finalizeQuietly(statement)
  })
  /** The statement of the request at hand, if its text has no number; see release(). */
  #passing: DriverStatement | null = null

  constructor(connection: DriverConnection) {
    this.#connection = connection
  }

  /** The text of a slot; `sql`, where it came along, takes the slot over. */
  know(slot: number, sql: string | null): KnownSql {
    if (sql === null) {
      const known = slot === UNNUMBERED ? undefined : this.#known[slot]
      if (known === undefined) throw new ProtocolError(`statement ${slot} was named before its SQL came`)
      return known
    }
    const known = new KnownSql(slot, sql)
    if (slot !== UNNUMBERED) {
      const previous = this.#known[slot]
      if (previous !== undefined) this.#forget(previous)
      this.#known[slot] = known
    }
    return known
  }

  /** The prepared statement of a text, prepared when it is not in the cache. */
  prepare(known: KnownSql): Awaitable<DriverStatement> {
    const statement = this.#prepared.get(known)
    if (statement !== undefined) return statement
    const { sql, names } = known.parsed
    return chain(this.#connection.prepare(sql, names), (fresh) => {
      if (known.slot === UNNUMBERED) this.#passing = fresh
      else this.#prepared.set(known, fresh)
      return fresh
    })
  }

  /** Lets go of a statement whose text has no number, once it was answered or has failed. */
  release(): void {
    if (this.#passing === null) return
    finalizeQuietly(this.#passing)
    this.#passing = null
  }

  /** Finalizes all, before the connection closes. */
  clear(): void {
    for (const statement of this.#prepared.values()) finalizeQuietly(statement)
    this.#prepared.clear()
  }

  #forget(known: KnownSql): void {
    const statement = this.#prepared.get(known)
    if (statement === undefined) return
    this.#prepared.delete(known)
    finalizeQuietly(statement)
  }
}

// Finalizing repeats the error of the statement's last run, which was told already.
export function finalizeQuietly(statement: DriverStatement): void {
  try {
    const finalized = statement.finalize()
    if (finalized instanceof Promise) finalized.catch(() => {})
  } catch {}
}

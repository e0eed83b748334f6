/**
 * SqlTexts: the SQL texts this child knows by number. Runs in the child. The caller decides which number a text
 * has and when it is given to another.
 */
import type { Column } from '../drivers/driver.ts'
import { ProtocolError, SLOTS, UNNUMBERED } from '../ipc/messages.ts'
import { type ParsedSql, parseSql, WRITING } from '../sql/parse.ts'

const LEAVING_SCHEMA = new Set(['BEGIN', 'COMMIT', 'END', 'SAVEPOINT', 'RELEASE', 'EXPLAIN', ''])

/** An SQL text as the child knows it. */
export class KnownSql {
  readonly slot: number
  readonly parsed: ParsedSql
  /** INSERT, UPDATE, DELETE or REPLACE: has a rowcount. */
  readonly writes: boolean
  /** INSERT or REPLACE: has a lastrowid. */
  readonly inserts: boolean
  /** SELECT or VALUES, behind WITH too: may run inside the reading batch's transaction, and be half-read. */
  readonly reads: boolean
  /** Neither reads nor writes rows, nor begins or ends a transaction: may change the schema. */
  readonly alters: boolean
  /** May go on beside half-read results of its connection, where that is the only one. */
  readonly shares: boolean
  /** Moving average of its run time in microseconds; NaN before the first run. */
  cost = Number.NaN
  /** The average the caller was last told; NaN if none. */
  toldCost = Number.NaN
  /** The columns the caller was last told, as the statement gave them. */
  toldColumns: readonly Column[] | null = null
  /** Whether its number was given to another text, so that nothing of it is worth keeping. */
  forgotten = false

  constructor(slot: number, sql: string) {
    this.slot = slot
    this.parsed = parseSql(sql)
    const { verb } = this.parsed
    this.writes = WRITING.has(verb)
    this.inserts = verb === 'INSERT' || verb === 'REPLACE'
    this.reads = verb === 'SELECT' || verb === 'VALUES'
    this.alters = !this.writes && !this.reads && !LEAVING_SCHEMA.has(verb)
    // Rows that are pending survive a ROLLBACK, and then are what they were before: as in CPython.
    this.shares = this.reads || (verb === 'ROLLBACK' && !this.parsed.rollbackTo)
  }
}

export class SqlTexts {
  readonly #known: (KnownSql | undefined)[] = new Array(SLOTS)
  readonly #onForgotten: (known: KnownSql) => void

  /** `onForgotten` hears of each text whose number was given to another. */
  constructor(onForgotten: (known: KnownSql) => void) {
    this.#onForgotten = onForgotten
  }

  /** The text of a slot; `sql`, where it came along, takes the slot over. */
  know(slot: number, sql: string | null): KnownSql {
    if (sql === null) {
      const known = slot === UNNUMBERED ? undefined : this.#known[slot]
      if (known === undefined) throw new ProtocolError(`statement ${slot} was named before its SQL came`)
      return known
    }
    const known = new KnownSql(slot, sql)
    if (slot === UNNUMBERED) known.forgotten = true
    else {
      const previous = this.#known[slot]
      if (previous !== undefined) {
        previous.forgotten = true
        this.#onForgotten(previous)
      }
      this.#known[slot] = known
    }
    return known
  }
}

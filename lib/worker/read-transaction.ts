/**
 * ReadTransaction: the transaction that a reading batch shares, begun and ended by statements prepared once:
 * better-sqlite3 compiles what goes through exec() each time. Runs in the child. What runs inside is the
 * Session's business.
 */
import type { Awaitable, DriverConnection, DriverStatement } from '../drivers/driver.ts'
import { chain } from './awaitable.ts'
import { finalizeQuietly } from './statements.ts'

export class ReadTransaction {
  /** Whether it is open, as far as its holder is concerned; see end(). */
  open = false
  readonly #connection: DriverConnection
  #begin: DriverStatement | null = null
  #commit: DriverStatement | null = null

  constructor(connection: DriverConnection) {
    this.#connection = connection
  }

  /** Begins it. SQLite takes the snapshot at the first read, not here. */
  begin(): Awaitable<void> {
    const begun = chain(this.#prepare('BEGIN'), (statement) => statement.execute([]))
    return chain(begun, () => {
      this.open = true
    })
  }

  /** Ends it, if it is open. */
  end(): Awaitable<void> {
    if (!this.open) return undefined
    this.open = false
    // Out of memory or an I/O error in a read has ended the transaction already: sqlite3VdbeHalt() in vdbeaux.c.
    if (!this.#connection.inTransaction) return undefined
    return chain(this.#prepare('COMMIT'), (statement) => chain(statement.execute([]), () => {}))
  }

  /** Lets go of its statements, before the connection closes. */
  finalize(): void {
    for (const statement of [this.#begin, this.#commit]) if (statement !== null) finalizeQuietly(statement)
    this.#begin = null
    this.#commit = null
  }

  #prepare(sql: 'BEGIN' | 'COMMIT'): Awaitable<DriverStatement> {
    const known = sql === 'BEGIN' ? this.#begin : this.#commit
    if (known !== null) return known
    return chain(this.#connection.prepare(sql, []), (fresh) => {
      if (sql === 'BEGIN') this.#begin = fresh
      else this.#commit = fresh
      return fresh
    })
  }
}

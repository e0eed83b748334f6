/**
 * Rowids: which rowid, if any, an INSERT has made. Runs in the child, one for each SQLite connection. SQLite tells
 * the connection's last one, whether this statement made it or one before: an UPSERT that updated makes none,
 * nor does an INSERT into a table WITHOUT ROWID. https://sqlite.org/c3ref/last_insert_rowid.html
 */
import type { Awaitable, DriverConnection, ExecuteResult, SqlValue } from '../drivers/driver.ts'
import { chain } from './awaitable.ts'
import type { KnownSql } from './sql-texts.ts'

type Rowid = number | bigint

/** OP_Insert's flag, among those in p5, for setting the last rowid: OPFLAG_LASTROWID in sqliteInt.h. OP_VUpdate's is p1. */
const SETS_LAST_ROWID = 0x20

export class Rowids {
  readonly #connection: DriverConnection
  /** What the connection would tell now; null while that is not known. */
  #last: Rowid | null = null

  constructor(connection: DriverConnection) {
    this.#connection = connection
  }

  /** To be called before a statement that may update in an INSERT's place. */
  look(): Awaitable<void> {
    if (this.#last !== null) return undefined
    return chain(this.#ask('SELECT last_insert_rowid()', []), ([row]) => {
      this.#last = (row as [Rowid])[0]
    })
  }

  /** Notes what was inserted, without asking for more. */
  note(known: KnownSql, { changes, lastInsertRowid }: ExecuteResult): void {
    if (known.inserts && changes > 0) this.#last = lastInsertRowid
  }

  /** The rowid of the last row that this statement has inserted, null if it inserted none. */
  of(known: KnownSql, params: SqlValue[], result: ExecuteResult): Awaitable<Rowid | null> {
    if (!known.inserts || result.changes === 0) return null
    const before = this.#last
    const rowid = result.lastInsertRowid
    this.#last = rowid
    if (before !== null && rowid !== before) return rowid
    // The same as before: an UPSERT's update, or the row of before, deleted and inserted again. Or none.
    if (known.parsed.upsert) return before === rowid ? null : rowid
    return chain(this.#setsRowid(known, params), (sets) => (sets ? rowid : null))
  }

  // Asked once for a text, and only of one that has left the last rowid as it was.
  #setsRowid(known: KnownSql, params: SqlValue[]): Awaitable<boolean> {
    if (known.setsRowid !== null) return known.setsRowid
    return chain(this.#ask(`EXPLAIN ${known.parsed.sql}`, params, known.parsed.names), (program) => {
      // addr, opcode, p1, p2, p3, p4, p5, comment
      const sets = program.some(
        ([, opcode, p1, , , , p5]) =>
          (opcode === 'Insert' && (Number(p5) & SETS_LAST_ROWID) > 0) || (opcode === 'VUpdate' && p1 === 1),
      )
      known.setsRowid = sets
      return sets
    })
  }

  #ask(sql: string, params: SqlValue[], names: readonly (string | null)[] = []): Awaitable<SqlValue[][]> {
    return chain(this.#connection.prepare(sql, names), (statement) =>
      chain(statement.execute(params), ({ rows }) => chain(statement.finalize(), () => rows)),
    )
  }
}

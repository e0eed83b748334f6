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

  /** To be called before a statement that inserts: asked afterwards, EXPLAIN would set `changes()` to 0. */
  look(known: KnownSql, params: SqlValue[]): Awaitable<void> {
    if (!known.inserts) return undefined
    if (known.parsed.upsert) return this.#last === null ? this.#askLast() : undefined
    return known.setsRowid === null ? this.#askWhetherSet(known, params) : undefined
  }

  /** Notes what was inserted, without asking for more. */
  note(known: KnownSql, { changes, lastInsertRowid }: ExecuteResult): void {
    if (known.inserts && changes > 0) this.#last = lastInsertRowid
  }

  /** The rowid of the last row that this statement has inserted, null if it inserted none. */
  of(known: KnownSql, result: ExecuteResult): Rowid | null {
    if (!known.inserts || result.changes === 0) return null
    const before = this.#last
    const rowid = result.lastInsertRowid
    this.#last = rowid
    // The same as before was not inserted now, but updated; or it was deleted meanwhile and inserted again.
    if (known.parsed.upsert) return rowid === before ? null : rowid
    return known.setsRowid ? rowid : null
  }

  #askLast(): Awaitable<void> {
    return chain(this.#ask('SELECT last_insert_rowid()', []), ([row]) => {
      this.#last = (row as [Rowid])[0]
    })
  }

  // Once for a text.
  #askWhetherSet(known: KnownSql, params: SqlValue[]): Awaitable<void> {
    return chain(this.#ask(`EXPLAIN ${known.parsed.sql}`, params, known.parsed.names), (program) => {
      // addr, opcode, p1, p2, p3, p4, p5, comment
      known.setsRowid = program.some(
        ([, opcode, p1, , , , p5]) =>
          (opcode === 'Insert' && (Number(p5) & SETS_LAST_ROWID) > 0) || (opcode === 'VUpdate' && p1 === 1),
      )
    })
  }

  #ask(sql: string, params: SqlValue[], names: readonly (string | null)[] = []): Awaitable<SqlValue[][]> {
    return chain(this.#connection.prepare(sql, names), (statement) =>
      chain(statement.execute(params), ({ rows }) => chain(statement.finalize(), () => rows)),
    )
  }
}

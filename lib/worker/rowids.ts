/**
 * Rowids: which rowid, if any, an INSERT has made. Runs in the child, one for each SQLite connection. SQLite tells
 * the connection's last one, whether this statement made it or one before: an UPSERT that updated makes none,
 * nor does an INSERT into a table WITHOUT ROWID. https://sqlite.org/c3ref/last_insert_rowid.html
 */
import type {
  Awaitable,
  DriverConnection,
  DriverStatement,
  ExecuteResult,
  SqlValue,
} from '../drivers/driver.ts'
import { chain } from './awaitable.ts'
import type { KnownSql } from './sql-texts.ts'
import { finalizeQuietly } from './statements.ts'

type Rowid = number | bigint

/** OP_Insert's flag, among those in p5, for setting the last rowid: OPFLAG_LASTROWID in sqliteInt.h. */
const SETS_LAST_ROWID = 0x20

export class Rowids {
  readonly #connection: DriverConnection
  #last: DriverStatement | null = null
  /** The last rowid before the UPSERT that runs. */
  #before: Rowid = 0
  /** Of texts that insert: whether their rows get rowids, under the schema as it is. */
  #sets = new WeakMap<KnownSql, boolean>()

  constructor(connection: DriverConnection) {
    this.#connection = connection
  }

  /**
   * To be called before a statement that inserts. Of an UPSERT only the last rowid before and after tells whether
   * it has inserted; of others the program does, and EXPLAIN afterwards would set `changes()` to 0.
   */
  look(known: KnownSql, params: SqlValue[]): Awaitable<void> {
    if (!known.inserts) return undefined
    if (known.parsed.upsert) return this.#lookAtLast()
    return this.#sets.has(known) ? undefined : this.#askWhetherSet(known, params)
  }

  /**
   * The rowid of the last row that this statement has inserted, null if it inserted none, and for an UPSERT that
   * inserts, once more, the very row that this connection inserted last: it looks like an update.
   */
  of(known: KnownSql, { changes, lastInsertRowid }: ExecuteResult): Rowid | null {
    if (!known.inserts || changes === 0) return null
    const inserted = known.parsed.upsert ? lastInsertRowid !== this.#before : this.#sets.get(known)
    return inserted ? lastInsertRowid : null
  }

  /** The schema may be another one. Another process's changes are not noticed. */
  schemaChanged(): void {
    this.#sets = new WeakMap()
  }

  /** Lets go of its statement, before the connection closes. */
  finalize(): void {
    if (this.#last !== null) finalizeQuietly(this.#last)
    this.#last = null
  }

  #lookAtLast(): Awaitable<void> {
    if (this.#last === null) {
      return chain(this.#connection.prepare('SELECT last_insert_rowid()', []), (statement) => {
        this.#last = statement
        return this.#lookAtLast()
      })
    }
    return chain(this.#last.execute([]), ({ rows }) => {
      this.#before = rows[0]![0] as Rowid
    })
  }

  // Once for a text and schema.
  #askWhetherSet(known: KnownSql, params: SqlValue[]): Awaitable<void> {
    const { sql, names } = known.parsed
    return chain(this.#connection.prepare(`EXPLAIN ${sql}`, names), (statement) =>
      chain(statement.execute(params), ({ rows }) => {
        this.#sets.set(known, setsRowid(rows))
        finalizeQuietly(statement)
      }),
    )
  }
}

/** Whether this program, of addr, opcode, p1, p2, p3, p4, p5, comment, inserts a row with a rowid. */
function setsRowid(program: SqlValue[][]): boolean {
  // Behind it stand those of its triggers, which begin with 0 again.
  const next = program.findIndex(([addr], i) => i > 0 && addr === 0)
  return program
    .slice(0, next === -1 ? program.length : next)
    .some(
      ([, opcode, p1, , , , p5]) =>
        (opcode === 'Insert' && (Number(p5) & SETS_LAST_ROWID) > 0) || (opcode === 'VUpdate' && p1 === 1),
    )
}

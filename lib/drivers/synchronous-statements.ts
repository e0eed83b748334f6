/**
 * The statements of better-sqlite3 and node:sqlite. Runs in the child. Which class a statement gets is decided
 * when it is prepared, so that a read is a call of the package, a look at its values and a look at the schema:
 * about 0.1 µs on top of the bare call in a transaction.
 */
import { type ParsedSql, WRITING } from '../sql/parse.ts'
import { type ChunkLimit, resultTooLarge } from './chunk.ts'
import { sameOr } from './columns.ts'
import type { Chunk, Column, DriverStatement, ExecuteResult, RowValues, SqlValue } from './driver.ts'
import { callsFunctions, cannotLoop } from './program.ts'
import type { EngineStatement, SynchronousConnection } from './synchronous.ts'
import { SynchronousCursor, tidyNumbers } from './synchronous-cursor.ts'

/** Verbs that only read, and leave the schema as it is. */
const READING = new Set(['SELECT', 'VALUES'])
const BOUNDARIES = new Set(['BEGIN', 'COMMIT', 'END', 'SAVEPOINT', 'RELEASE'])

/** Prepares a statement. Throws what the package throws. */
export function statementOf(
  connection: SynchronousConnection,
  { sql, verb }: ParsedSql,
  names: readonly (string | null)[],
): DriverStatement {
  const statement = connection.engine.prepare(sql, names)
  if (READING.has(verb)) {
    return new ReadStatement(connection, statement, () => connection.engine.prepare(`EXPLAIN ${sql}`, names))
  }
  if (!WRITING.has(verb)) return new OtherStatement(connection, statement, verb)
  return statement.reader
    ? new ReturningStatement(connection, statement)
    : new WriteStatement(connection, statement)
}

const NO_ROWS: RowValues[] = Object.freeze([]) as unknown as RowValues[]
const NOTHING = { rows: NO_ROWS, bytes: 0, late: false, rest: null }

/** One that gives rows: knows its columns as long as the schema stays what it was. */
abstract class RowStatement {
  protected readonly connection: SynchronousConnection
  protected readonly statement: EngineStatement
  #columns: readonly Column[] | null = null
  /** The stamp of the schema that #columns was read under; 0 when that is not certain. */
  #stamp = 0

  constructor(connection: SynchronousConnection, statement: EngineStatement) {
    this.connection = connection
    this.statement = statement
  }

  /** The columns after a run, or its first step; `before` is the schema's stamp before it. */
  protected columnsAfter(before: number): readonly Column[] {
    const { watch, engine } = this.connection
    const stamp = watch.check(engine.inTransaction)
    if (this.#columns === null || stamp !== this.#stamp) {
      if (this.#stamp !== 0) this.schemaChanged()
      this.#columns = sameOr(this.#columns, this.statement.columns())
      // Another process may have changed the schema between the run and this look: certain is only what was
      // the same before and after.
      this.#stamp = stamp === before ? stamp : 0
    }
    return this.#columns
  }

  /** Hears that SQLite may have compiled it anew. */
  protected schemaChanged(): void {}

  /** All rows, at most maxResultBytes. */
  protected readWhole(params: readonly SqlValue[]): Chunk {
    const { maxResultBytes } = this.connection
    const cursor = this.cursor(params)
    const chunk = cursor.next({ bytes: maxResultBytes, ms: Number.POSITIVE_INFINITY })
    if (chunk.ended) return chunk
    cursor.close()
    throw resultTooLarge(maxResultBytes)
  }

  protected cursor(params: readonly SqlValue[]): SynchronousCursor {
    const cursor = new SynchronousCursor(this.connection, this.statement.iterate(params))
    this.connection.opened(cursor)
    return cursor
  }

  finalize(): void {}
}

/**
 * SELECT and VALUES. Those that cannot give many rows are read by one call of the package: of a point read's
 * 0.7 µs in a transaction an iterator makes 1.3. Which these are is asked for at the second run, since asking
 * costs as much as ten.
 */
class ReadStatement extends RowStatement implements DriverStatement {
  readonly #explain: () => EngineStatement
  #runs = 0
  /** Whether all rows are read at once, with integers as numbers. */
  #atOnce = false

  constructor(connection: SynchronousConnection, statement: EngineStatement, explain: () => EngineStatement) {
    super(connection, statement)
    this.#explain = explain
  }

  execute(params: readonly SqlValue[], limit?: ChunkLimit): ExecuteResult {
    const before = this.connection.watch.stamp
    let cursor: SynchronousCursor | null = null
    try {
      if (this.#atOnce) {
        const rows = this.statement.all(params)
        const bytes = rows === null ? -1 : tidyNumbers(rows)
        if (bytes >= 0) return this.#result(before, rows as RowValues[], bytes, false, null)
        // A number does not do for all its integers: from now on they are read as BigInts.
        this.#atOnce = false
      } else if (++this.#runs === 2) {
        const program = programOf(this.#explain(), params)
        // Read at once it may have to be read again, and functions of the application's may have effects.
        this.#atOnce = cannotLoop(program) && !callsFunctions(program)
      }
      if (limit === undefined) {
        const { rows, bytes, late } = this.readWhole(params)
        return this.#result(before, rows, bytes, late, null)
      }
      cursor = this.cursor(params)
      const { rows, bytes, late, ended } = cursor.next(limit)
      return this.#result(before, rows, bytes, late, ended ? null : cursor)
    } catch (thrown) {
      cursor?.close()
      throw this.connection.failed(thrown)
    }
  }

  protected override schemaChanged(): void {
    this.#atOnce = false
    this.#runs = 0
  }

  #result(
    before: number,
    rows: RowValues[],
    bytes: number,
    late: boolean,
    rest: SynchronousCursor | null,
  ): ExecuteResult {
    const columns = this.columnsAfter(before)
    return { columns, rows, bytes, late, rest, changes: 0, lastInsertRowid: 0 }
  }
}

/** The program of an EXPLAIN. */
function programOf(explain: EngineStatement, params: readonly SqlValue[]): { opcode: string; p2: number }[] {
  const program: { opcode: string; p2: number }[] = []
  // addr, opcode, p1, p2, p3, p4, p5, comment
  const rows = explain.all(params) ?? []
  for (const row of rows) program.push({ opcode: row[1] as string, p2: row[3] as number })
  return program
}

/** INSERT, UPDATE, DELETE and REPLACE without RETURNING. */
class WriteStatement implements DriverStatement {
  readonly #connection: SynchronousConnection
  readonly #statement: EngineStatement

  constructor(connection: SynchronousConnection, statement: EngineStatement) {
    this.#connection = connection
    this.#statement = statement
  }

  execute(params: readonly SqlValue[]): ExecuteResult {
    try {
      const { changes, lastInsertRowid } = this.#statement.run(params)
      return {
        columns: null,
        ...NOTHING,
        changes,
        lastInsertRowid: Number.isSafeInteger(lastInsertRowid)
          ? lastInsertRowid
          : this.#connection.counts().lastInsertRowid,
      }
    } catch (thrown) {
      throw this.#connection.failed(thrown)
    }
  }

  finalize(): void {}
}

/**
 * INSERT, UPDATE, DELETE and REPLACE with RETURNING: read to the end, for until then nothing is committed. Its
 * savepoint takes two statements, 1 µs; without it a result that is too large to be kept would be lost, and
 * its changes made.
 */
class ReturningStatement extends RowStatement implements DriverStatement {
  execute(params: readonly SqlValue[]): ExecuteResult {
    const { connection } = this
    const before = connection.watch.stamp
    try {
      return connection.undoable(() => {
        const { rows, bytes, late } = this.readWhole(params)
        const { changes, lastInsertRowid } = connection.counts()
        return { columns: this.columnsAfter(before), rows, bytes, late, rest: null, changes, lastInsertRowid }
      })
    } catch (thrown) {
      throw connection.failed(thrown)
    }
  }
}

/**
 * Everything else: EXPLAIN, DDL, PRAGMA, ATTACH, VACUUM, and the statements that begin and end transactions.
 * Its columns are asked for each time: of EXPLAIN and of some pragmas they depend on more than the schema.
 */
class OtherStatement extends RowStatement implements DriverStatement {
  readonly #verb: string
  #known: readonly Column[] | null = null

  constructor(connection: SynchronousConnection, statement: EngineStatement, verb: string) {
    super(connection, statement)
    this.#verb = verb
  }

  execute(params: readonly SqlValue[]): ExecuteResult {
    const { watch } = this.connection
    let chunk: Chunk = NOTHING
    try {
      if (this.statement.reader) {
        chunk = this.readWhole(params)
        this.#known = sameOr(this.#known, this.statement.columns())
      } else {
        this.statement.run(params)
      }
    } catch (thrown) {
      watch.touch()
      throw this.connection.failed(thrown)
    }
    if (BOUNDARIES.has(this.#verb)) watch.boundary()
    else if (this.#verb === 'ROLLBACK') watch.rolledBack()
    else if (this.#verb !== 'EXPLAIN') watch.touch()
    const { rows, bytes, late } = chunk
    // changes() after it is still that of the last INSERT, UPDATE or DELETE: it is not told.
    return { columns: this.#known, rows, bytes, late, rest: null, changes: 0, lastInsertRowid: 0 }
  }
}

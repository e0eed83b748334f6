/**
 * What better-sqlite3 and node:sqlite have in common: connections and statements that answer at once. Runs in
 * the child. Each package is behind an Engine; here is what a result is made of, and nothing of a package.
 *
 * Which class a statement gets is decided when it is prepared, so that a read is a call of the package, a
 * look at its numbers and a look at the schema: about 0.1 µs on top of the bare call in a transaction.
 */
import { parseSql } from '../sql/parse.ts'
import { whole } from './chunk.ts'
import { noStatement } from './codes.ts'
import type {
  Column,
  DriverConnection,
  DriverStatement,
  ExecuteResult,
  RowValues,
  SqlValue,
} from './driver.ts'
import { SchemaWatch } from './schema-watch.ts'

/** A package's database. It may throw whatever the package throws: `error` makes a DriverError of it. */
export interface Engine {
  readonly handle: unknown
  readonly inTransaction: boolean
  prepare(sql: string, names: readonly (string | null)[]): EngineStatement
  /** A statement without parameters that gives one row with one small integer, prepared to be asked often. */
  question(sql: string): () => number
  exec(sql: string): void
  close(): void
  error(thrown: unknown): unknown
}

/** A package's statement. */
export interface EngineStatement {
  /** Whether it has result columns. */
  readonly reader: boolean
  /** The columns as of the last run: before the first one they may be those of an older schema. */
  columns(): Column[]
  /** All rows, or null when an integer among them is beyond what a number tells: read again, as BigInts. */
  readNumbers(params: readonly SqlValue[]): RowValues[] | null
  /** All rows, for which integers were read as BigInts; those that a number can tell are numbers. */
  readBigInts(params: readonly SqlValue[]): RowValues[]
  run(params: readonly SqlValue[]): Ran
}

export interface Ran {
  /** Of the last INSERT, UPDATE or DELETE, whichever statement that was. */
  readonly changes: number
  /** Only exact where it is a safe integer. */
  readonly lastInsertRowid: number | bigint
}

/** Verbs that a statement may be run twice with, and that leave the schema as it is. */
const READING = new Set(['SELECT', 'VALUES', 'EXPLAIN'])
/** Verbs that have a number of changed rows, and that leave the schema as it is. */
const WRITING = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE'])
const BOUNDARIES = new Set(['BEGIN', 'COMMIT', 'END', 'SAVEPOINT', 'RELEASE'])

/** The same, as scripts of one statement: exec() begins and ends transactions, too often to be parsed. */
const BOUNDARY = /^\s*(begin|commit|end|savepoint|release)\b[^;]*;?\s*$/i
const ROLLBACK = /^\s*rollback\b[^;]*;?\s*$/i

const NO_ROWS: readonly never[] = Object.freeze([])

export class SynchronousConnection implements DriverConnection {
  readonly #engine: Engine
  readonly #watch: SchemaWatch
  #counts: EngineStatement | null = null
  #open = true

  constructor(engine: Engine) {
    this.#engine = engine
    this.#watch = new SchemaWatch(() => schemaVersions(engine))
  }

  get handle(): unknown {
    this.#watch.share()
    return this.#engine.handle
  }

  get inTransaction(): boolean {
    return this.#open && this.#engine.inTransaction
  }

  prepare(sql: string, names: readonly (string | null)[]): DriverStatement {
    const { verb, statements } = parseSql(sql)
    if (statements === 0) throw noStatement()
    try {
      const statement = this.#engine.prepare(sql, names)
      if (READING.has(verb)) return new ReadStatement(this, this.#engine, this.#watch, statement)
      if (WRITING.has(verb)) {
        return statement.reader
          ? new ReturningStatement(this, this.#watch, statement)
          : new WriteStatement(this, statement)
      }
      return new OtherStatement(this, this.#watch, statement, verb)
    } catch (thrown) {
      throw this.failed(thrown)
    }
  }

  exec(sql: string): void {
    try {
      this.#engine.exec(sql)
    } catch (thrown) {
      // Of several statements some were run.
      this.#watch.touch()
      throw this.failed(thrown)
    }
    if (BOUNDARY.test(sql)) this.#watch.boundary()
    else if (ROLLBACK.test(sql)) this.#watch.rolledBack()
    else this.#watch.touch()
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    try {
      this.#engine.close()
    } catch (thrown) {
      throw this.#engine.error(thrown)
    }
  }

  /** The error to throw for what a statement threw, which may have ended the transaction: OR ROLLBACK. */
  failed(thrown: unknown): unknown {
    this.#watch.rolledBack()
    return this.#engine.error(thrown)
  }

  /** What the statement run last has changed. `all()` tells it in neither package. */
  counts(): { changes: number; lastInsertRowid: number | bigint } {
    this.#counts ??= this.#engine.prepare('SELECT changes(), last_insert_rowid()', [])
    const [changes, lastInsertRowid] = this.#counts.readBigInts([])[0] as [number, number | bigint]
    return { changes, lastInsertRowid }
  }
}

/** Questions for the schema version of each database but `temp`, which only we can change. */
function schemaVersions(engine: Engine): (() => number)[] {
  const databases = engine.prepare('PRAGMA database_list', []).readBigInts([]) as [number, string, string][]
  return databases
    .filter(([, name]) => name !== 'temp')
    .map(([, name]) => engine.question(`PRAGMA "${name.replaceAll('"', '""')}".schema_version`))
}

/** SELECT, VALUES and EXPLAIN. */
class ReadStatement implements DriverStatement {
  readonly #connection: SynchronousConnection
  readonly #engine: Engine
  readonly #watch: SchemaWatch
  readonly #statement: EngineStatement
  #columns: readonly Column[] | null = null
  /** The stamp of the schema that #columns was read under; 0 when that is not certain. */
  #stamp = 0
  /** Once a number did not do, integers are read as BigInts from the start. */
  #bigints = false

  constructor(
    connection: SynchronousConnection,
    engine: Engine,
    watch: SchemaWatch,
    statement: EngineStatement,
  ) {
    this.#connection = connection
    this.#engine = engine
    this.#watch = watch
    this.#statement = statement
  }

  execute(params: readonly SqlValue[]): ExecuteResult {
    const before = this.#watch.stamp
    let rows: RowValues[] | null
    try {
      rows = this.#bigints ? null : this.#statement.readNumbers(params)
      if (rows === null) {
        this.#bigints = true
        rows = this.#statement.readBigInts(params)
      }
      const stamp = this.#watch.check(this.#engine.inTransaction)
      if (stamp !== this.#stamp) {
        this.#columns = sameOr(this.#columns, this.#statement.columns())
        // Another process may have changed the schema between the run and this look: certain is only what
        // was the same before and after.
        this.#stamp = stamp === before ? stamp : 0
      }
    } catch (thrown) {
      throw this.#connection.failed(thrown)
    }
    return { columns: this.#columns, ...whole(rows), changes: 0, lastInsertRowid: 0 }
  }

  finalize(): void {}
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
    let changes: number
    let lastInsertRowid: number | bigint
    try {
      ;({ changes, lastInsertRowid } = this.#statement.run(params))
      if (!Number.isSafeInteger(lastInsertRowid)) lastInsertRowid = this.#connection.counts().lastInsertRowid
    } catch (thrown) {
      throw this.#connection.failed(thrown)
    }
    return {
      columns: null,
      ...whole(NO_ROWS as unknown as RowValues[]),
      changes,
      lastInsertRowid,
    }
  }

  finalize(): void {}
}

/** INSERT, UPDATE, DELETE and REPLACE with RETURNING: cannot be run twice, so its integers are BigInts. */
class ReturningStatement implements DriverStatement {
  readonly #connection: SynchronousConnection
  readonly #watch: SchemaWatch
  readonly #statement: EngineStatement
  #columns: readonly Column[] | null = null
  #stamp = 0

  constructor(connection: SynchronousConnection, watch: SchemaWatch, statement: EngineStatement) {
    this.#connection = connection
    this.#watch = watch
    this.#statement = statement
  }

  execute(params: readonly SqlValue[]): ExecuteResult {
    const before = this.#watch.stamp
    try {
      const rows = this.#statement.readBigInts(params)
      const { changes, lastInsertRowid } = this.#connection.counts()
      const stamp = this.#watch.check(this.#connection.inTransaction)
      if (stamp !== this.#stamp) {
        this.#columns = sameOr(this.#columns, this.#statement.columns())
        this.#stamp = stamp === before ? stamp : 0
      }
      return { columns: this.#columns, ...whole(rows), changes, lastInsertRowid }
    } catch (thrown) {
      throw this.#connection.failed(thrown)
    }
  }

  finalize(): void {}
}

/** Everything else: DDL, PRAGMA, ATTACH, VACUUM, and the statements that begin and end transactions. */
class OtherStatement implements DriverStatement {
  readonly #connection: SynchronousConnection
  readonly #watch: SchemaWatch
  readonly #statement: EngineStatement
  readonly #verb: string
  #columns: readonly Column[] | null = null

  constructor(
    connection: SynchronousConnection,
    watch: SchemaWatch,
    statement: EngineStatement,
    verb: string,
  ) {
    this.#connection = connection
    this.#watch = watch
    this.#statement = statement
    this.#verb = verb
  }

  execute(params: readonly SqlValue[]): ExecuteResult {
    let rows = NO_ROWS as unknown as RowValues[]
    try {
      if (this.#statement.reader) {
        rows = this.#statement.readBigInts(params)
        this.#columns = sameOr(this.#columns, this.#statement.columns())
      } else {
        this.#statement.run(params)
      }
    } catch (thrown) {
      this.#watch.touch()
      throw this.#connection.failed(thrown)
    }
    if (BOUNDARIES.has(this.#verb)) this.#watch.boundary()
    else if (this.#verb === 'ROLLBACK') this.#watch.rolledBack()
    else this.#watch.touch()
    // changes() after it is still that of the last INSERT, UPDATE or DELETE: it is not told.
    return { columns: this.#columns, ...whole(rows), changes: 0, lastInsertRowid: 0 }
  }

  finalize(): void {}
}

/** The columns known already if these are the same, since callers compare by identity; else these. */
export function sameOr(known: readonly Column[] | null, columns: readonly Column[]): readonly Column[] {
  const same =
    known !== null &&
    known.length === columns.length &&
    known.every(({ name, type }, i) => name === columns[i]!.name && type === columns[i]!.type)
  return same ? known : columns
}

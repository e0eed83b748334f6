/**
 * What better-sqlite3 and node:sqlite have in common: connections that answer at once. Runs in the child. Each
 * package is behind an Engine; here is nothing of a package.
 */
import { DataError } from '../errors.ts'
import { parseSql } from '../sql/parse.ts'
import { noStatement } from './codes.ts'
import type { Column, DriverConnection, DriverStatement, RowValues, SqlValue } from './driver.ts'
import { SchemaWatch } from './schema-watch.ts'
import { type CursorOwner, type SynchronousCursor, tidyBigInts, tidyNumbers } from './synchronous-cursor.ts'
import { statementOf } from './synchronous-statements.ts'

/** A package's database. It may throw whatever the package throws: `error` makes a DriverError of it. */
export interface Engine {
  readonly handle: unknown
  readonly inTransaction: boolean
  prepare(sql: string, names: readonly (string | null)[]): EngineStatement
  /** A statement without parameters that gives one row with one small integer, prepared to be asked often. */
  question(sql: string): () => number
  exec(sql: string): void
  /** Whether other statements may write, and end transactions, beside a half-read one. */
  mix(on: boolean): void
  close(): void
  error(thrown: unknown): unknown
}

/** A package's statement. */
export interface EngineStatement {
  /** Whether it has result columns. */
  readonly reader: boolean
  /** The columns as of the last run: before the first one they may be those of an older schema. */
  columns(): Column[]
  /**
   * All rows, as the package gives them, with integers as numbers: those beyond ±2^53 are rounded. Null where
   * the package refuses to round.
   */
  all(params: readonly SqlValue[]): RowValues[] | null
  /** The rows one by one, with integers as BigInts. */
  iterate(params: readonly SqlValue[]): Iterator<RowValues>
  run(params: readonly SqlValue[]): Ran
}

export interface Ran {
  /** Of the last INSERT, UPDATE or DELETE, whichever statement that was. */
  readonly changes: number
  /** Only exact where it is a safe integer. */
  readonly lastInsertRowid: number | bigint
}

/** Scripts of one statement: exec() begins and ends transactions, too often to be parsed. */
const BOUNDARY = /^\s*(begin|commit|end|savepoint|release)\b[^;]*;?\s*$/i
const ROLLBACK = /^\s*rollback\b[^;]*;?\s*$/i

export class SynchronousConnection implements DriverConnection, CursorOwner {
  readonly engine: Engine
  readonly watch: SchemaWatch
  /** For results that must be kept whole. */
  readonly maxResultBytes: number
  #counts: EngineStatement | null = null
  #savepoints: Savepoints | null = null
  /** Results that are half-read. */
  readonly #cursors = new Set<SynchronousCursor>()
  #open = true

  constructor(engine: Engine, maxResultBytes = Number.POSITIVE_INFINITY) {
    this.engine = engine
    this.maxResultBytes = maxResultBytes
    this.watch = new SchemaWatch(() => schemaVersions(engine))
  }

  get handle(): unknown {
    this.watch.share()
    return this.engine.handle
  }

  get inTransaction(): boolean {
    return this.#open && this.engine.inTransaction
  }

  prepare(sql: string, names: readonly (string | null)[]): DriverStatement {
    const parsed = parseSql(sql)
    if (parsed.statements === 0) throw noStatement()
    try {
      return statementOf(this, parsed, names)
    } catch (thrown) {
      throw this.failed(thrown)
    }
  }

  exec(sql: string): void {
    try {
      this.engine.exec(sql)
    } catch (thrown) {
      // Of several statements some were run.
      this.watch.touch()
      throw this.failed(thrown)
    }
    if (BOUNDARY.test(sql)) this.watch.boundary()
    else if (ROLLBACK.test(sql)) this.watch.rolledBack()
    else this.watch.touch()
  }

  close(): void {
    if (!this.#open) return
    for (const cursor of this.#cursors) cursor.close()
    this.#open = false
    try {
      this.engine.close()
    } catch (thrown) {
      throw this.engine.error(thrown)
    }
  }

  /** The error to throw for what a statement threw, which may have ended the transaction: OR ROLLBACK. */
  failed(thrown: unknown): unknown {
    this.watch.rolledBack()
    return this.engine.error(thrown)
  }

  /** A result that is read from now on: until closed() others may do what they like beside it. */
  opened(cursor: SynchronousCursor): void {
    this.#cursors.add(cursor)
    if (this.#cursors.size === 1) this.engine.mix(true)
  }

  closed(cursor: SynchronousCursor): void {
    if (this.#cursors.delete(cursor) && this.#cursors.size === 0) this.engine.mix(false)
  }

  /** What the statement run last has changed. `all()` tells it in neither package. */
  counts(): { changes: number; lastInsertRowid: number | bigint } {
    this.#counts ??= this.engine.prepare('SELECT changes(), last_insert_rowid()', [])
    let rows = this.#counts.all([])
    if (rows === null || tidyNumbers(rows) < 0) {
      rows = [...{ [Symbol.iterator]: () => (this.#counts as EngineStatement).iterate([]) }]
      for (const row of rows) tidyBigInts(row)
    }
    const [row] = rows
    const [changes, lastInsertRowid] = row as unknown as [number, number | bigint]
    return { changes, lastInsertRowid }
  }

  /** Runs what writes so that its changes can be taken back; all of them are when it throws a DataError. */
  undoable<T>(run: () => T): T {
    this.#savepoints ??= savepoints(this.engine)
    const { begin, release, undo } = this.#savepoints
    begin.run([])
    let result: T
    try {
      result = run()
    } catch (thrown) {
      // SQLite has undone what it should, which of OR FAIL is not all; OR ROLLBACK took the savepoint along.
      if (this.engine.inTransaction) {
        if (thrown instanceof DataError) undo.run([])
        release.run([])
      }
      throw thrown
    }
    try {
      release.run([])
    } catch (thrown) {
      // Outside a transaction it is a COMMIT, which may find a foreign key broken.
      undo.run([])
      release.run([])
      throw thrown
    }
    return result
  }
}

interface Savepoints {
  readonly begin: EngineStatement
  readonly release: EngineStatement
  readonly undo: EngineStatement
}

function savepoints(engine: Engine): Savepoints {
  return {
    begin: engine.prepare('SAVEPOINT forklite_whole', []),
    release: engine.prepare('RELEASE forklite_whole', []),
    undo: engine.prepare('ROLLBACK TO forklite_whole', []),
  }
}

/** Questions for the schema version of each database but `temp`, which only we can change. */
function schemaVersions(engine: Engine): (() => number)[] {
  const databases = engine.prepare('PRAGMA database_list', []).all([]) as [number, string, string][]
  return databases
    .filter(([, name]) => name !== 'temp')
    .map(([, name]) => engine.question(`PRAGMA "${name.replaceAll('"', '""')}".schema_version`))
}

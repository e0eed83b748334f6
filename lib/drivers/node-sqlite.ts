/**
 * The driver for node:sqlite, from Node 22.16 on. Runs in the child. The module is handed in loaded, and
 * known by the interfaces below only: it is in no typings of Node 20.
 */
import { resolve } from 'node:path'
import { DataError, Error as DbapiError, DriverError, NotSupportedError } from '../errors.ts'
import { bindableAll, narrow, type Part, parting, wrongCount } from './binding.ts'
import { codeName, isThrown, misuse } from './codes.ts'
import type { Column, Driver, RowValues, SqlValue } from './driver.ts'
import { type Engine, type EngineStatement, type Ran, SynchronousConnection } from './synchronous.ts'

export interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options: NodeSqliteOptions) => Database
  readonly StatementSync: { readonly prototype: object }
}

interface NodeSqliteOptions {
  readonly readOnly: boolean
  readonly timeout: number
}

interface Database {
  readonly isTransaction: boolean
  prepare(sql: string): Statement
  exec(sql: string): void
  close(): void
}

interface Statement {
  setReturnArrays(on: boolean): void
  setReadBigInts(on: boolean): void
  setAllowBareNamedParameters(on: boolean): void
  columns(): { readonly name: string; readonly type: string | null }[]
  all(...params: unknown[]): RowValues[]
  iterate(...params: unknown[]): IterableIterator<RowValues>
  get(): [number]
  run(...params: unknown[]): { readonly changes: bigint; readonly lastInsertRowid: bigint }
}

export function nodeSqliteDriver(module: NodeSqlite): Driver {
  let manners: Manners | undefined
  return {
    name: 'node:sqlite',
    open(path, { readonly, busyTimeoutMs, maxResultBytes }) {
      manners ??= findManners(module)
      // Absolute, since `file:x` would be a URI.
      const file = path === '' || path === ':memory:' ? path : resolve(path)
      try {
        const database = new module.DatabaseSync(file, { readOnly: readonly, timeout: busyTimeoutMs })
        return new SynchronousConnection(new NodeSqliteEngine(database, manners), maxResultBytes)
      } catch (thrown) {
        throw driverError(thrown)
      }
    },
  }
}

/** What differs between versions of Node. */
interface Manners {
  /** Whether values without a name also go to `?2`, as from 22.20 on; before, `?2` is a name like `:a`. */
  readonly placesNumbered: boolean
  /**
   * Whether all() counts the columns before SQLite compiles a statement anew, as before 24.21: after an ALTER its
   * rows are then cut or filled up.
   */
  readonly countsEarly: boolean
  /** Whether text is read up to its first NUL only, as before 24.16. */
  readonly cutsText: boolean
}

/** Tries them on a database of its own; refuses a Node before 22.16, which lacks what we need. */
function findManners({ DatabaseSync, StatementSync }: NodeSqlite): Manners {
  const database = new DatabaseSync(':memory:', { readOnly: false, timeout: 0 })
  try {
    const missing = ['setReturnArrays', 'columns'].filter((name) => !(name in StatementSync.prototype))
    // The database's own, not its prototype's.
    if (!('isTransaction' in database)) missing.push('isTransaction')
    if (missing.length > 0) {
      throw new NotSupportedError(
        `node:sqlite of Node ${process.versions.node} has no ${missing.join(', ')}: use Node 22.16 or later, or npm install better-sqlite3`,
        { code: 'UNSUPPORTED' },
      )
    }
    return {
      placesNumbered: placesNumbered(database),
      countsEarly: countsEarly(database),
      cutsText: cutsText(database),
    }
  } finally {
    database.close()
  }
}

function placesNumbered(database: Database): boolean {
  try {
    return database.prepare('SELECT ?1').all(1).length === 1
  } catch {
    return false
  }
}

function countsEarly(database: Database): boolean {
  database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
  const statement = database.prepare('SELECT * FROM t')
  statement.setReturnArrays(true)
  statement.all()
  database.exec('ALTER TABLE t ADD COLUMN b')
  return statement.all()[0]!.length === 1
}

function cutsText(database: Database): boolean {
  const statement = database.prepare("SELECT 'a' || char(0)")
  statement.setReturnArrays(true)
  return (statement.all()[0]![0] as string).length === 1
}

class NodeSqliteEngine implements Engine {
  readonly handle: Database

  readonly #manners: Manners

  constructor(database: Database, manners: Manners) {
    this.handle = database
    this.#manners = manners
  }

  get inTransaction(): boolean {
    return this.handle.isTransaction
  }

  prepare(sql: string, names: readonly (string | null)[]): EngineStatement {
    // By their whole names `:a` and `@a` are two.
    const part = parting(names, (name) => (name[0] === '?' && this.#manners.placesNumbered ? null : name))
    return new NodeSqliteStatement(this.handle.prepare(sql), part, names.length, this.#manners)
  }

  question(sql: string): () => number {
    const statement = this.handle.prepare(sql)
    statement.setReturnArrays(true)
    return () => statement.get()[0]
  }

  exec(sql: string): void {
    this.handle.exec(sql)
  }

  /** It always may. */
  mix(): void {}

  close(): void {
    this.handle.close()
  }

  error(thrown: unknown): unknown {
    return driverError(thrown)
  }
}

class NodeSqliteStatement implements EngineStatement {
  readonly reader: boolean
  readonly #statement: Statement
  readonly #part: Part | null
  readonly #parameterCount: number
  readonly #manners: Manners
  #bigints = false

  constructor(statement: Statement, part: Part | null, parameterCount: number, manners: Manners) {
    this.#manners = manners
    this.#statement = statement
    this.#part = part
    this.#parameterCount = parameterCount
    this.reader = statement.columns().length > 0
    statement.setReturnArrays(true)
    statement.setReadBigInts(false)
    // With bare names on, `:a` beside `@a` is refused.
    statement.setAllowBareNamedParameters(false)
  }

  columns(): Column[] {
    return this.#statement.columns().map(({ name, type }) => ({ name, type }))
  }

  all(params: readonly SqlValue[]): RowValues[] | null {
    this.#setBigInts(false)
    try {
      const bound = this.#arguments(params)
      return this.#manners.countsEarly
        ? [...this.#statement.iterate(...bound)]
        : this.#statement.all(...bound)
    } catch (thrown) {
      // The package itself refuses an INTEGER beyond ±2^53; a REAL of that size is none to it, nor is -2^63.
      if (isThrown(thrown) && thrown.code === 'ERR_OUT_OF_RANGE') return null
      throw thrown
    }
  }

  iterate(params: readonly SqlValue[]): Iterator<RowValues> {
    this.#setBigInts(true)
    return this.#statement.iterate(...this.#arguments(params))
  }

  run(params: readonly SqlValue[]): Ran {
    // Without BigInts Node 26 throws for a rowid beyond 2^53, when the row has been inserted.
    this.#setBigInts(true)
    const { changes, lastInsertRowid } = this.#statement.run(...this.#arguments(params))
    return { changes: Number(changes), lastInsertRowid: narrow(lastInsertRowid) }
  }

  #arguments(params: readonly SqlValue[]): readonly unknown[] {
    // The package binds what is missing as NULL.
    if (params.length !== this.#parameterCount) {
      throw new DriverError('SQLITE_MISUSE', wrongCount(this.#parameterCount, params.length))
    }
    if (this.#manners.cutsText) refuseNul(params)
    if (this.#part === null) return bindableAll(params)
    const { plain, named } = this.#part(params)
    return [named, ...plain]
  }

  #setBigInts(on: boolean): void {
    if (this.#bigints === on) return
    this.#statement.setReadBigInts(on)
    this.#bigints = on
  }
}

/** What would be written whole, and read cut short, is not written. */
function refuseNul(params: readonly SqlValue[]): void {
  for (let i = 0; i < params.length; i++) {
    const value = params[i]
    if (typeof value !== 'string' || !value.includes('\0')) continue
    throw new DataError(
      `parameter ${i + 1} has a NUL in it, and node:sqlite of Node ${process.versions.node} reads text up to its first NUL only: use Node 24.16 or later, bind a BLOB, or npm install better-sqlite3`,
      { code: 'UNSUPPORTED' },
    )
  }
}

function driverError(thrown: unknown): unknown {
  if (thrown instanceof DriverError || thrown instanceof DbapiError || !isThrown(thrown)) return thrown
  const { code, errcode } = thrown as { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number')
    return new DriverError(codeName(errcode), thrown.message, { cause: thrown })
  // Thrown by a function of the application's own.
  if (typeof code === 'string' && code.startsWith('SQLITE_')) {
    return new DriverError(code, thrown.message, { cause: thrown })
  }
  return misuse(thrown)
}

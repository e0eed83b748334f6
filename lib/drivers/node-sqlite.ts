/**
 * The driver for node:sqlite, from Node 22.16 on. Runs in the child. The module is handed in loaded, and
 * known by the interfaces below only: it is in no typings of Node 20.
 */
import { resolve } from 'node:path'
import { DriverError, NotSupportedError } from '../errors.ts'
import { bindableAll, narrow, type Part, parting } from './binding.ts'
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
  get(): [number]
  run(...params: unknown[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint }
}

export function nodeSqliteDriver(module: NodeSqlite): Driver {
  return {
    name: 'node:sqlite',
    open(path, { readonly, busyTimeoutMs }) {
      // Absolute, since `file:x` would be a URI.
      const file = path === '' || path === ':memory:' ? path : resolve(path)
      try {
        const database = new module.DatabaseSync(file, { readOnly: readonly, timeout: busyTimeoutMs })
        refuseOld(module, database)
        return new SynchronousConnection(new NodeSqliteEngine(database))
      } catch (thrown) {
        throw driverError(thrown)
      }
    },
  }
}

/** What we need came with Node 22.16. `isTransaction` is the database's own, not its prototype's. */
function refuseOld({ StatementSync }: NodeSqlite, database: Database): void {
  const missing = ['setReturnArrays', 'columns'].filter((name) => !(name in StatementSync.prototype))
  if (!('isTransaction' in database)) missing.push('isTransaction')
  if (missing.length === 0) return
  database.close()
  throw new NotSupportedError(
    `node:sqlite of Node ${process.versions.node} has no ${missing.join(', ')}: use Node 22.16 or later, or npm install better-sqlite3`,
    { code: 'UNSUPPORTED' },
  )
}

class NodeSqliteEngine implements Engine {
  readonly handle: Database

  constructor(database: Database) {
    this.handle = database
  }

  get inTransaction(): boolean {
    return this.handle.isTransaction
  }

  prepare(sql: string, names: readonly (string | null)[]): EngineStatement {
    // By their whole names `:a` and `@a` are two.
    return new NodeSqliteStatement(
      this.handle.prepare(sql),
      parting(names, (name) => name),
    )
  }

  question(sql: string): () => number {
    const statement = this.handle.prepare(sql)
    statement.setReturnArrays(true)
    return () => statement.get()[0]
  }

  exec(sql: string): void {
    this.handle.exec(sql)
  }

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
  #bigints = true

  constructor(statement: Statement, part: Part | null) {
    this.#statement = statement
    this.#part = part
    this.reader = statement.columns().length > 0
    statement.setReturnArrays(true)
    statement.setReadBigInts(true)
    // With bare names on, `:a` beside `@a` is refused.
    statement.setAllowBareNamedParameters(false)
  }

  columns(): Column[] {
    return this.#statement.columns().map(({ name, type }) => ({ name, type }))
  }

  readNumbers(params: readonly SqlValue[]): RowValues[] | null {
    this.#setBigInts(false)
    let rows: RowValues[]
    try {
      rows = this.#all(params)
    } catch (thrown) {
      // The package itself refuses an INTEGER beyond ±2^53; a REAL of that size is none to it.
      if (isThrown(thrown) && thrown.code === 'ERR_OUT_OF_RANGE') return null
      throw thrown
    }
    return withBuffers(rows)
  }

  readBigInts(params: readonly SqlValue[]): RowValues[] {
    this.#setBigInts(true)
    return withBuffers(this.#all(params))
  }

  run(params: readonly SqlValue[]): Ran {
    this.#setBigInts(true)
    const { changes, lastInsertRowid } =
      this.#part === null
        ? this.#statement.run(...bindableAll(params))
        : this.#statement.run(...this.#arguments(this.#part, params))
    return { changes: Number(changes), lastInsertRowid: narrow(BigInt(lastInsertRowid)) }
  }

  #all(params: readonly SqlValue[]): RowValues[] {
    return this.#part === null
      ? this.#statement.all(...bindableAll(params))
      : this.#statement.all(...this.#arguments(this.#part, params))
  }

  #arguments(part: Part, params: readonly SqlValue[]): unknown[] {
    const { plain, named } = part(params)
    return [named, ...plain]
  }

  #setBigInts(on: boolean): void {
    if (this.#bigints === on) return
    this.#statement.setReadBigInts(on)
    this.#bigints = on
  }
}

/** Makes Buffers, which share their memory, of Uint8Arrays, and numbers of BigInts where that is exact. */
function withBuffers(rows: RowValues[]): RowValues[] {
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!
    for (let i = 0; i < row.length; i++) {
      const value = row[i]
      if (typeof value === 'bigint') row[i] = narrow(value)
      else if (typeof value === 'object' && value !== null) {
        row[i] = Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
      }
    }
  }
  return rows
}

function driverError(thrown: unknown): unknown {
  if (thrown instanceof DriverError || thrown instanceof NotSupportedError || !isThrown(thrown)) return thrown
  const { errcode } = thrown as { errcode?: unknown }
  if (typeof errcode === 'number')
    return new DriverError(codeName(errcode), thrown.message, { cause: thrown })
  return misuse(thrown)
}

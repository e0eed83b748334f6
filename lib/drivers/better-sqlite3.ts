/**
 * The driver for better-sqlite3, 12 and 13. Runs in the child. The package is handed in loaded, and known by
 * the interfaces below only: its types are no dependency.
 */
import { resolve } from 'node:path'
import { DriverError, NotSupportedError } from '../errors.ts'
import { bindable, bindableAll, type Part, type Parted, parting, refuseSameNames } from './binding.ts'
import { codeName, isThrown, misuse } from './codes.ts'
import type { Column, Driver, OpenOptions, RowValues, SqlValue } from './driver.ts'
import { type Engine, type EngineStatement, type Ran, SynchronousConnection } from './synchronous.ts'

/** The package's module: its Database class. */
export type BetterSqlite3 = new (path: string, options: BetterSqlite3Options) => Database

interface BetterSqlite3Options {
  readonly readonly: boolean
  readonly fileMustExist: boolean
  readonly timeout: number
}

interface Database {
  readonly inTransaction: boolean
  prepare(sql: string): Statement
  exec(sql: string): unknown
  unsafeMode(on: boolean): unknown
  close(): unknown
}

interface Statement {
  readonly reader: boolean
  raw(): unknown
  pluck(): unknown
  safeIntegers(toggle: boolean): unknown
  columns(): { readonly name: string; readonly type: string | null }[]
  all(...params: unknown[]): RowValues[]
  iterate(...params: unknown[]): Iterator<RowValues>
  get(): number
  run(...params: unknown[]): Ran
}

export function betterSqlite3Driver(module: BetterSqlite3): Driver {
  return {
    name: 'better-sqlite3',
    open: (path, options) =>
      new SynchronousConnection(openEngine(module, path, options), options.maxResultBytes),
  }
}

function openEngine(Database: BetterSqlite3, path: string, options: OpenOptions): Engine {
  // The package opens the path without blanks around it: another file.
  if (path !== path.trim()) {
    throw new NotSupportedError(
      `better-sqlite3 cannot open a file whose name begins or ends with a blank: ${JSON.stringify(path)}`,
      { code: 'UNSUPPORTED' },
    )
  }
  const { readonly, busyTimeoutMs } = options
  try {
    const file = path === '' || path === ':memory:' ? path : resolve(path)
    return new BetterSqlite3Engine(
      new Database(file, { readonly, fileMustExist: readonly, timeout: busyTimeoutMs }),
    )
  } catch (thrown) {
    if (isThrown(thrown) && /directory does not exist/.test(thrown.message)) {
      throw new DriverError(
        'SQLITE_CANTOPEN',
        `unable to open database file: the directory of ${path} does not exist`,
        {
          cause: thrown,
        },
      )
    }
    throw driverError(thrown)
  }
}

class BetterSqlite3Engine implements Engine {
  readonly handle: Database

  constructor(database: Database) {
    this.handle = database
  }

  get inTransaction(): boolean {
    return this.handle.inTransaction
  }

  prepare(sql: string, names: readonly (string | null)[]): EngineStatement {
    const statement = this.handle.prepare(sql)
    const part = parting(names, (name) => name.slice(1))
    if (part === null) return new PlainStatement(statement)
    refuseSameNames(names)
    return new NamedStatement(statement, part)
  }

  question(sql: string): () => number {
    const statement = this.handle.prepare(sql)
    statement.pluck()
    return () => statement.get()
  }

  exec(sql: string): void {
    this.handle.exec(sql)
  }

  // The package forbids it unless "unsafe", which also lets SQL write to shadow tables and, with a pragma that
  // the pool refuses, to the schema: docs/unsafe.md.
  mix(on: boolean): void {
    this.handle.unsafeMode(on)
  }

  close(): void {
    this.handle.close()
  }

  error(thrown: unknown): unknown {
    return driverError(thrown)
  }
}

abstract class BaseStatement {
  protected readonly statement: Statement
  readonly reader: boolean
  /** Whether the statement reads integers as BigInts just now. */
  #bigints = false

  constructor(statement: Statement) {
    this.statement = statement
    this.reader = statement.reader
    if (this.reader) statement.raw()
    // An initializer may have changed the default.
    statement.safeIntegers(false)
  }

  columns(): Column[] {
    return this.statement.columns().map(({ name, type }) => ({ name, type }))
  }

  /** Turns BigInts on or off; costs a call into the package only where that changes something. */
  protected setBigInts(on: boolean): void {
    if (this.#bigints === on) return
    this.statement.safeIntegers(on)
    this.#bigints = on
  }
}

/** All parameters are plain `?`, or there are none. */
class PlainStatement extends BaseStatement implements EngineStatement {
  all(params: readonly SqlValue[]): RowValues[] {
    this.setBigInts(false)
    return params.length === 1
      ? this.statement.all(bindable(params[0] as SqlValue))
      : this.statement.all(bindableAll(params))
  }

  iterate(params: readonly SqlValue[]): Iterator<RowValues> {
    this.setBigInts(true)
    return this.statement.iterate(bindableAll(params))
  }

  run(params: readonly SqlValue[]): Ran {
    return this.statement.run(bindableAll(params))
  }
}

/** Some parameters have a name; to better-sqlite3 `?2` is one that is called 2. */
class NamedStatement extends BaseStatement implements EngineStatement {
  readonly #part: Part

  constructor(statement: Statement, part: Part) {
    super(statement)
    this.#part = part
  }

  all(params: readonly SqlValue[]): RowValues[] {
    this.setBigInts(false)
    const { plain, named }: Parted = this.#part(params)
    return this.statement.all(plain, named)
  }

  iterate(params: readonly SqlValue[]): Iterator<RowValues> {
    this.setBigInts(true)
    const { plain, named } = this.#part(params)
    return this.statement.iterate(plain, named)
  }

  run(params: readonly SqlValue[]): Ran {
    const { plain, named } = this.#part(params)
    return this.statement.run(plain, named)
  }
}

const UNKNOWN = /^UNKNOWN_SQLITE_ERROR_(\d+)$/

function driverError(thrown: unknown): unknown {
  if (thrown instanceof DriverError || thrown instanceof NotSupportedError || !isThrown(thrown)) return thrown
  const { code, message } = thrown
  if (typeof code !== 'string') return misuse(thrown)
  const number = UNKNOWN.exec(code)?.[1]
  if (number !== undefined) return new DriverError(codeName(Number(number)), message, { cause: thrown })
  // What is no code of SQLite comes from loading the addon, ERR_DLOPEN_FAILED: it stays as it is.
  return code.startsWith('SQLITE_') ? new DriverError(code, message, { cause: thrown }) : thrown
}

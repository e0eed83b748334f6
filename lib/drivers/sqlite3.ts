/**
 * The driver for sqlite3 (npm), 5 and 6: the connection. Runs in the child. Every answer takes a hop to a
 * thread and back, about 25 µs, so it is a promise; calls of one connection run one after the other.
 *
 * The package has no flag for an open transaction. It is known by the statements that were run, and where
 * that leaves a doubt (after an error, after RELEASE, after a script) a BEGIN tells: it fails inside one.
 */
import { resolve } from 'node:path'
import { Error as DbapiError, DriverError } from '../errors.ts'
import { parseSql } from '../sql/parse.ts'
import { isThrown, misuse, refineCode } from './codes.ts'
import type { Driver, DriverConnection, DriverStatement, OpenOptions } from './driver.ts'
import { prepareStatement } from './sqlite3-statement.ts'

export interface Sqlite3 {
  readonly Database: new (path: string, mode: number, callback: (error: Error | null) => void) => Database
  readonly OPEN_READONLY: number
  readonly OPEN_READWRITE: number
  readonly OPEN_CREATE: number
  readonly OPEN_FULLMUTEX: number
}

interface Database {
  configure(option: 'busyTimeout', value: number): void
  prepare(sql: string, callback: (error: Error | null) => void): NativeStatement
  exec(sql: string, callback: (error: Error | null) => void): void
  close(callback: (error: Error | null) => void): void
}

/** The package's own statement. */
interface NativeStatement {
  all(params: readonly unknown[], callback: (error: Error | null, rows: RowObject[]) => void): void
  run(
    params: readonly unknown[],
    callback: (this: { readonly lastID: number; readonly changes: number }, error: Error | null) => void,
  ): void
  reset(callback: () => void): void
  finalize(callback: () => void): void
}

export type RowObject = Readonly<Record<string, unknown>>

export function sqlite3Driver(module: Sqlite3): Driver {
  return { name: 'sqlite3', open: (path, options) => open(module, path, options) }
}

async function open(module: Sqlite3, path: string, options: OpenOptions): Promise<DriverConnection> {
  const { Database, OPEN_READONLY, OPEN_READWRITE, OPEN_CREATE, OPEN_FULLMUTEX } = module
  const mode = options.readonly ? OPEN_READONLY : OPEN_READWRITE | OPEN_CREATE
  // Absolute, since `file:x` would be a URI.
  const file = path === '' || path === ':memory:' ? path : resolve(path)
  const database = await new Promise<Database>((done, failed) => {
    const opened = new Database(file, mode | OPEN_FULLMUTEX, (error) => {
      if (error) failed(driverError(error))
      else done(opened)
    })
  })
  database.configure('busyTimeout', options.busyTimeoutMs)
  return new Sqlite3Connection(database)
}

export class Sqlite3Connection implements DriverConnection {
  readonly #database: Database
  inTransaction = false
  /** Grows when we may have changed the schema ourselves. */
  schemaEpoch = 0
  /** The end of the last call: the next begins there. Never rejects. */
  #last: Promise<unknown> = Promise.resolve()
  /** Statements that are not finalized: with one of them the package refuses to close. */
  readonly #natives = new Set<NativeStatement>()
  #open = true
  /** Whether somebody else may have begun or ended a transaction since the last call. */
  #handedOut = false

  constructor(database: Database) {
    this.#database = database
  }

  /** What its holder does is seen at the next call; `exec('')` is one that does nothing else. */
  get handle(): Database {
    this.#handedOut = true
    return this.#database
  }

  prepare(sql: string, names: readonly (string | null)[]): Promise<DriverStatement> {
    return this.inTurn(() => prepareStatement(this, sql, names))
  }

  exec(sql: string): Promise<void> {
    return this.inTurn(async () => {
      const { statements, verb, rollbackTo } = parseSql(sql)
      await this.track(statements === 1 ? verb : 'SCRIPT', rollbackTo, () => this.runScript(sql))
    })
  }

  close(): Promise<void> {
    return this.inTurn(async () => {
      if (!this.#open) return
      this.#open = false
      this.inTransaction = false
      for (const native of this.#natives) await this.finalize(native)
      await new Promise<void>((done, failed) => {
        this.#database.close((error) => (error ? failed(driverError(error)) : done()))
      })
    })
  }

  /** Runs `call` when all calls before it have ended: statements of one connection must not mix. */
  inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => (this.#handedOut && this.#open ? this.#afterOthers(call) : call()))
    this.#last = result.catch(() => {})
    return result
  }

  /** Runs a statement that may begin or end a transaction, and knows afterwards whether one is open. */
  async track<T>(verb: string, rollbackTo: boolean, run: () => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await run()
    } catch (thrown) {
      // OR ROLLBACK, RAISE(ROLLBACK) and a full disk end it. Outside one, an error leaves us outside.
      if (this.inTransaction || verb === 'SCRIPT') await this.lookForTransaction()
      this.schemaEpoch++
      throw thrown
    }
    switch (verb) {
      case 'BEGIN':
      case 'SAVEPOINT':
        this.inTransaction = true
        break
      case 'COMMIT':
      case 'END':
        this.inTransaction = false
        break
      case 'ROLLBACK':
        if (!rollbackTo) this.inTransaction = false
        this.schemaEpoch++
        break
      case 'SELECT':
      case 'VALUES':
      case 'EXPLAIN':
      case 'INSERT':
      case 'UPDATE':
      case 'DELETE':
      case 'REPLACE':
        break
      case 'RELEASE':
      case 'SCRIPT':
        await this.lookForTransaction()
        this.schemaEpoch++
        break
      default:
        this.schemaEpoch++
    }
    return result
  }

  /** Asks SQLite: BEGIN fails inside a transaction, and takes no lock where it does not. */
  async lookForTransaction(): Promise<void> {
    try {
      await this.runScript('BEGIN')
    } catch (thrown) {
      if (thrown instanceof DriverError && thrown.message.includes('within a transaction')) {
        this.inTransaction = true
      }
      return
    }
    await this.runScript('ROLLBACK')
    this.inTransaction = false
  }

  runScript(sql: string): Promise<void> {
    return new Promise((done, failed) => {
      this.#refuseClosed()
      this.#database.exec(sql, (error) => (error ? failed(driverError(error)) : done()))
    })
  }

  compile(sql: string): Promise<NativeStatement> {
    return new Promise((done, failed) => {
      this.#refuseClosed()
      const native = this.#database.prepare(sql, (error) => {
        if (error) return failed(driverError(error))
        this.#natives.add(native)
        done(native)
      })
    })
  }

  /** Runs to the end, and gives the rows. */
  all(native: NativeStatement, params: readonly unknown[]): Promise<RowObject[]> {
    return new Promise((done, failed) => {
      this.#refuseClosed()
      native.all(params, (error, rows) => {
        if (error) this.reset(native).then(() => failed(driverError(error)))
        else done(rows)
      })
    })
  }

  /** Runs a statement that gives no rows. */
  run(native: NativeStatement, params: readonly unknown[]): Promise<{ lastID: number; changes: number }> {
    return new Promise((done, failed) => {
      this.#refuseClosed()
      const fail = (error: Error): unknown => this.reset(native).then(() => failed(driverError(error)))
      native.run(params, function (error) {
        if (error) fail(error)
        else done({ lastID: this.lastID, changes: this.changes })
      })
    })
  }

  /**
   * Ends a run that has not ended itself: the package resets a statement only before its next run. SQLite keeps
   * one that met SQLITE_BUSY ready to go on, and never halts an EXPLAIN (sqlite3VdbeExec() and sqlite3VdbeList()
   * in vdbe.c and vdbeaux.c). Meanwhile the connection's snapshot stays as it is, and no COMMIT succeeds.
   */
  reset(native: NativeStatement): Promise<void> {
    return new Promise((done) => native.reset(() => done()))
  }

  /** All rows of an SQL text that is run this once. */
  async ask(sql: string, params: readonly unknown[] = []): Promise<RowObject[]> {
    const native = await this.compile(sql)
    try {
      return await this.all(native, params)
    } finally {
      await this.finalize(native)
    }
  }

  finalize(native: NativeStatement): Promise<void> {
    if (!this.#natives.delete(native)) return Promise.resolve()
    return new Promise((done) => native.finalize(() => done()))
  }

  async #afterOthers<T>(call: () => Promise<T>): Promise<T> {
    this.#handedOut = false
    this.schemaEpoch++
    await this.lookForTransaction()
    return call()
  }

  #refuseClosed(): void {
    if (!this.#open) throw new DriverError('SQLITE_MISUSE', 'the connection is closed')
  }
}

const PREFIX = /^SQLITE_[A-Z]+: /

function driverError(thrown: unknown): unknown {
  if (thrown instanceof DriverError || thrown instanceof DbapiError || !isThrown(thrown)) return thrown
  const { code } = thrown
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return misuse(thrown)
  const message = thrown.message.replace(PREFIX, '')
  return new DriverError(refineCode(code, message), message, { cause: thrown })
}

export type { NativeStatement }

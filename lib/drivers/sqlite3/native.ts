/**
 * sqlite3 (npm) as promises: its interfaces, and a statement of its own. Runs in the child. The package is
 * handed in loaded, and known by the interfaces here only: its types are no dependency.
 */
import { Error as DbapiError, DriverError } from '../../errors.ts'
import { isThrown, misuse, refineCode } from '../codes.ts'

export interface Sqlite3 {
  readonly Database: new (path: string, mode: number, callback: (error: Error | null) => void) => Database
  readonly OPEN_READONLY: number
  readonly OPEN_READWRITE: number
  readonly OPEN_CREATE: number
  readonly OPEN_FULLMUTEX: number
}

export interface Database {
  configure(option: 'busyTimeout', value: number): void
  prepare(sql: string, callback: (error: Error | null) => void): Statement
  exec(sql: string, callback: (error: Error | null) => void): void
  close(callback: (error: Error | null) => void): void
}

interface Statement {
  all(params: readonly Bound[], callback: (error: Error | null, rows: RowObject[]) => void): void
  get(params: readonly Bound[], callback: (error: Error | null, row?: RowObject) => void): void
  run(params: readonly Bound[], callback: (this: Ran, error: Error | null) => void): void
  reset(callback: () => void): void
  finalize(callback: () => void): void
}

/** A parameter as the package binds it: a number of 32 bits as INTEGER, any other as REAL. */
export type Bound = string | number | Uint8Array | null

export type RowObject = Readonly<Record<string, unknown>>

interface Ran {
  readonly lastID: number
  readonly changes: number
}

const NONE: readonly Bound[] = []

/** A compiled statement. One call at a time; each takes a hop to a thread and back, about 25 µs. */
export class Native {
  readonly #statement: Statement
  #open = true

  private constructor(statement: Statement) {
    this.#statement = statement
  }

  static compile(database: Database, sql: string): Promise<Native> {
    return new Promise((done, failed) => {
      const statement = database.prepare(sql, (error) => {
        if (error) failed(driverError(error))
        else done(new Native(statement))
      })
    })
  }

  /** Runs to the end, and gives the rows. */
  all(params: readonly Bound[]): Promise<RowObject[]> {
    return this.#call((done, fail) => {
      this.#statement.all(params, (error, rows) => (error ? fail(error) : done(rows)))
    })
  }

  /** Runs a statement that gives no rows. */
  run(params: readonly Bound[]): Promise<Ran> {
    return this.#call((done, fail) => {
      this.#statement.run(params, function (error) {
        if (error) fail(error)
        else done({ lastID: this.lastID, changes: this.changes })
      })
    })
  }

  /** Begins a run, and gives its first row; null if there is none. */
  async first(params: readonly Bound[]): Promise<RowObject | null> {
    // Without parameters the package goes on with the run before.
    if (params.length === 0) await this.reset()
    return this.#get(params)
  }

  /** The next row of the run; null when it has ended. Asked once more the package would say null again. */
  next(): Promise<RowObject | null> {
    return this.#get(NONE)
  }

  /**
   * Ends a run that has not ended itself: the package resets a statement only before its next run. SQLite keeps
   * one that met SQLITE_BUSY ready to go on, and never halts an EXPLAIN (sqlite3VdbeExec() and sqlite3VdbeList()
   * in vdbe.c and vdbeaux.c). Meanwhile the connection's snapshot stays as it is, and no COMMIT succeeds.
   */
  reset(): Promise<void> {
    if (!this.#open) return Promise.resolve()
    return new Promise((done) => this.#statement.reset(() => done()))
  }

  /** May be called twice. */
  finalize(): Promise<void> {
    if (!this.#open) return Promise.resolve()
    this.#open = false
    return new Promise((done) => this.#statement.finalize(() => done()))
  }

  #get(params: readonly Bound[]): Promise<RowObject | null> {
    return this.#call((done, fail) => {
      this.#statement.get(params, (error, row) => (error ? fail(error) : done(row ?? null)))
    })
  }

  #call<T>(call: (done: (value: T) => void, fail: (error: Error) => void) => void): Promise<T> {
    return new Promise((done, failed) => {
      if (!this.#open) throw new DriverError('SQLITE_MISUSE', 'the statement is finalized')
      call(done, (error) => this.reset().then(() => failed(driverError(error))))
    })
  }
}

const PREFIX = /^SQLITE_[A-Z]+: /

export function driverError(thrown: unknown): unknown {
  if (thrown instanceof DriverError || thrown instanceof DbapiError || !isThrown(thrown)) return thrown
  const { code } = thrown
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return misuse(thrown)
  const message = thrown.message.replace(PREFIX, '')
  return new DriverError(refineCode(code, message), message, { cause: thrown })
}

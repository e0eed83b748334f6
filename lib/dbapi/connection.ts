/**
 * Connection: PEP 249's connection. Runs in the caller. A thin face: its ConnectionExecutor keeps the order of
 * the calls and the transaction.
 */
import { NotSupportedError, ProgrammingError } from '../errors.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { CallOptions } from './call-options.ts'
import { ConnectionExecutor } from './connection-executor.ts'
import { Cursor } from './cursor.ts'
import { Exceptions } from './exceptions.ts'
import type { ParameterSets } from './executemany.ts'
import type { Execution } from './execution.ts'
import { expectLimit, expectLimitValue } from './limits.ts'
import {
  type ConnectionSettings,
  checkConnectionOptions,
  DEFAULT_LIMITS,
  expectConnectionOptions,
  type IsolationLevel,
  type Limits,
} from './options.ts'
import { expectRowFactory, type RowFactory } from './row-factory.ts'
import { type TransactionOptions, Transactions } from './transaction.ts'
import type { Parameters, RowArray } from './values.ts'

/**
 * PEP 249, Connection Objects. `R` is what the rows of its cursors are, by its `rowFactory`. Its statements take
 * effect in the order of the calls, awaited or not; of several callers it is theirs together.
 */
export class Connection<R = RowArray> extends Exceptions {
  readonly #executor: ConnectionExecutor
  readonly #transactions: Transactions
  readonly #onClose: () => Promise<void>
  #closing: Promise<void> | null = null

  /** Made by `connect()` and `pool.connect()`. */
  constructor(pool: WorkerPool, settings: ConnectionSettings, onClose: () => Promise<void>) {
    super()
    this.#executor = new ConnectionExecutor(pool, this as Connection<unknown>, settings)
    this.#transactions = new Transactions(this.#executor)
    this.#onClose = onClose
  }

  /** Whether a transaction is open: after the newest answer, not counting calls under way. */
  get inTransaction(): boolean {
    this.#executor.expectOpen()
    return this.#executor.inTransaction
  }

  /** The sum of its statements' rowcounts. */
  get totalChanges(): number {
    this.#executor.expectOpen()
    return this.#executor.totalChanges
  }

  /** Whether every statement commits by itself. Set when connecting, and by setAutocommit(). */
  get autocommit(): boolean {
    this.#executor.expectOpen()
    return this.#executor.settings.autocommit
  }

  /** How the implicit transaction begins; null for never. Set when connecting, and by setIsolationLevel(). */
  get isolationLevel(): IsolationLevel {
    this.#executor.expectOpen()
    return this.#executor.settings.isolationLevel
  }

  /**
   * Has every statement commit by itself, or not, from the calls after this one on. Switching it on commits what
   * is open; switching it off begins nothing.
   */
  async setAutocommit(autocommit: boolean): Promise<void> {
    expectGiven(autocommit, 'setAutocommit() takes true or false')
    expectConnectionOptions({ autocommit })
    await this.#executor.change({ autocommit }, autocommit)
  }

  /**
   * Sets how the implicit transaction begins from the calls after this one on: `'DEFERRED'` (also `''`),
   * `'IMMEDIATE'` or `'EXCLUSIVE'`, in any case of letters; null, for never, commits what is open.
   */
  async setIsolationLevel(isolationLevel: IsolationLevel | ''): Promise<void> {
    expectGiven(isolationLevel, 'setIsolationLevel() takes DEFERRED, IMMEDIATE, EXCLUSIVE or null')
    const options = { isolationLevel }
    expectConnectionOptions(options)
    const { isolationLevel: level } = checkConnectionOptions(options)
    await this.#executor.change({ isolationLevel: level }, level === null)
  }

  /** A limit of this Connection. Throws a ProgrammingError if there is none of this name. */
  getLimit(name: keyof Limits): number {
    this.#executor.expectOpen()
    expectLimit(this.#executor.limits, name)
    return this.#executor.limits[name]
  }

  /**
   * Sets a limit of this Connection and returns what it was. What is beyond it fails: an SQL text longer than
   * `sqlLength` bytes with a DataError, more `variables` or `attached` databases with an OperationalError. A limit
   * above SQLite's own, which is the default, is that.
   */
  setLimit(name: keyof Limits, value: number): number {
    const before = this.getLimit(name)
    expectLimitValue(value)
    this.#executor.limit({ [name]: Math.min(value, DEFAULT_LIMITS[name]) })
    return before
  }

  /**
   * What the rows of its new cursors, and of its own `execute()`, are handed out as: null for arrays, `Row`,
   * `'object'`, or a function. Throws a ProgrammingError for anything else. As Python's Connection.row_factory.
   */
  get rowFactory(): RowFactory {
    return this.#executor.rowFactory
  }

  set rowFactory(factory: RowFactory<R>) {
    this.#executor.rowFactory = expectRowFactory(factory)
  }

  /**
   * PEP 249, Connection Objects, .cursor(): a new cursor. Throws a ProgrammingError when the connection is closed.
   * `cursor<Row>()` says what its rows are, for a cursor that gets a `rowFactory` of its own.
   */
  cursor<T = R>(): Cursor<T> {
    this.#executor.expectOpen()
    return new Cursor<T>(this.#executor, null)
  }

  /**
   * Runs one statement on a cursor of its own: `await conn.execute(sql)` is that cursor.
   * `execute<[string, number]>(sql)` says what a row is, where TypeScript cannot know.
   */
  execute<T = R>(sql: string, params?: Parameters, options?: CallOptions): Execution<T> {
    return this.#executor.start(null, sql, params, options) as Execution<T>
  }

  /** Runs an INSERT, UPDATE, DELETE or REPLACE for each set of parameters, on a cursor of its own. */
  async executemany(sql: string, sets: ParameterSets, options?: CallOptions): Promise<Cursor<R>> {
    return this.cursor().executemany(sql, sets, options)
  }

  /** Runs the statements of a text, on a cursor of its own: see `Cursor.executescript()`. */
  async executescript(sql: string, options?: CallOptions): Promise<Cursor<R>> {
    return this.cursor().executescript(sql, options)
  }

  /**
   * PEP 249, Connection Objects, .commit(): commits the open transaction; does nothing without one. When it fails,
   * the transaction is still open. A ProgrammingError within transaction(), which commits by itself.
   */
  async commit(options?: CallOptions): Promise<void> {
    this.#transactions.expectNone('commit()')
    await this.#executor.end('COMMIT', options)
  }

  /**
   * PEP 249, Connection Objects, .rollback(): rolls the open transaction back; does nothing without one. A
   * ProgrammingError within transaction(), which rolls back when its function throws.
   */
  async rollback(options?: CallOptions): Promise<void> {
    this.#transactions.expectNone('rollback()')
    await this.#executor.end('ROLLBACK', options)
  }

  /**
   * Runs a function within a transaction and resolves with what it resolves with: commits then, rolls back when it
   * throws or the commit fails, and rejects with that error. Called within another it is a savepoint: what it has
   * done is undone when it throws, the rest goes on. The writer is held until it ends, so await in it what belongs
   * to it only. With `{ mode: 'readonly' }` it reads one snapshot on a reader instead, and holds nobody
   * (but where a database is not in WAL, and has one connection).
   * `signal` and `timeoutMs` limit the wait for its begin.
   *
   * All statements of this Connection belong to it, whoever makes them: callers that run side by side need
   * Connections of their own.
   */
  async transaction<T>(work: (connection: this) => T | Promise<T>, options?: TransactionOptions): Promise<T> {
    if (typeof work !== 'function')
      throw new ProgrammingError('transaction() takes a function to run within it', {
        code: 'BAD_PARAMETERS',
      })
    return this.#transactions.run(() => work(this), options)
  }

  /**
   * Ends the statements that are under way: reads, also half-read results, fail with an OperationalError whose
   * code is `SQLITE_INTERRUPT`; what waits is not sent any more; a write that was sent is waited for. Does nothing
   * when nothing is under way. Throws a ProgrammingError when the connection is closed.
   */
  interrupt(): void {
    this.#executor.interrupt()
  }

  /** Not in this version. `VACUUM INTO 'copy.db'` copies the database while others read and write it. */
  async backup(): Promise<never> {
    throw absent('backup()', "VACUUM INTO 'copy.db' copies the database while others use it")
  }

  /** Not in this version. `VACUUM INTO` copies the database; the sqlite3 shell's `.dump` writes it as SQL. */
  iterdump(): never {
    throw absent('iterdump()', "the sqlite3 shell's .dump writes a database as SQL, VACUUM INTO copies it")
  }

  /** Not in this version. `VACUUM INTO` a file, and read that. */
  async serialize(): Promise<never> {
    throw absent('serialize()', 'VACUUM INTO a file and read that')
  }

  /** Not in this version. Write the bytes to a file, and connect() to that. */
  async deserialize(): Promise<never> {
    throw absent('deserialize()', 'write the bytes to a file and connect() to that')
  }

  /**
   * PEP 249, Connection Objects, .close(): waits for the calls before it, rolls back what is not committed, and
   * closes; `connect()`'s connection ends its processes too. Every later call is a ProgrammingError; closing twice
   * is fine.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** For `await using`: close(), which rolls back what is not committed. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#executor.close()
    await this.#onClose()
  }
}

// What an option may leave out, a call may not.
function expectGiven(value: unknown, message: string): void {
  if (value === undefined) throw new ProgrammingError(message, { code: 'BAD_OPTION' })
}

function absent(what: string, instead: string): NotSupportedError {
  return new NotSupportedError(`there is no ${what} in this version: ${instead}`, { code: 'UNSUPPORTED' })
}

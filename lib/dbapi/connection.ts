/**
 * Connection: PEP 249's connection. Runs in the caller. A thin face: its ConnectionExecutor keeps the order of
 * the calls and the transaction.
 */
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { CallOptions } from './call-options.ts'
import { ConnectionExecutor } from './connection-executor.ts'
import { Cursor } from './cursor.ts'
import { Exceptions } from './exceptions.ts'
import type { ParameterSets } from './executemany.ts'
import type { Execution } from './execution.ts'
import type { ConnectionSettings, IsolationLevel } from './options.ts'
import { expectRowFactory, type RowFactory } from './row-factory.ts'
import type { Parameters, RowArray } from './values.ts'

/**
 * PEP 249, Connection Objects. `R` is what the rows of its cursors are, by its `rowFactory`. Its statements take
 * effect in the order of the calls, awaited or not; of several callers it is theirs together.
 */
export class Connection<R = RowArray> extends Exceptions {
  readonly #executor: ConnectionExecutor
  readonly #onClose: () => Promise<void>
  #closing: Promise<void> | null = null

  /** Made by `connect()` and `pool.connect()`. */
  constructor(pool: WorkerPool, settings: ConnectionSettings, onClose: () => Promise<void>) {
    super()
    this.#executor = new ConnectionExecutor(pool, this as Connection<unknown>, settings)
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

  /** Whether every statement commits by itself. Set when connecting. */
  get autocommit(): boolean {
    return this.#executor.settings.autocommit
  }

  /** How the implicit transaction begins; null for never. Set when connecting. */
  get isolationLevel(): IsolationLevel {
    return this.#executor.settings.isolationLevel
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

  /**
   * PEP 249, Connection Objects, .commit(): commits the open transaction; does nothing without one. When it fails,
   * the transaction is still open.
   */
  async commit(options?: CallOptions): Promise<void> {
    await this.#executor.end('COMMIT', options)
  }

  /** PEP 249, Connection Objects, .rollback(): rolls the open transaction back; does nothing without one. */
  async rollback(options?: CallOptions): Promise<void> {
    await this.#executor.end('ROLLBACK', options)
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

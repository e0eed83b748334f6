/**
 * Connection: PEP 249's connection. Runs in the caller. A thin face: its ConnectionExecutor keeps the order of
 * the calls and the transaction.
 */
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { CallOptions } from './call-options.ts'
import { ConnectionExecutor } from './connection-executor.ts'
import { Cursor } from './cursor.ts'
import type { ParameterSets } from './executemany.ts'
import type { Execution } from './execution.ts'
import type { ConnectionSettings, IsolationLevel } from './options.ts'
import type { Parameters } from './values.ts'

export class Connection {
  readonly #executor: ConnectionExecutor
  readonly #onClose: () => Promise<void>
  #closing: Promise<void> | null = null

  /** Made by `connect()` and `pool.connect()`. */
  constructor(pool: WorkerPool, settings: ConnectionSettings, onClose: () => Promise<void>) {
    this.#executor = new ConnectionExecutor(pool, this, settings)
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

  /** A new cursor. Throws a ProgrammingError when the connection is closed. */
  cursor(): Cursor {
    this.#executor.expectOpen()
    return new Cursor(this.#executor, null)
  }

  /** Runs one statement on a cursor of its own: `await conn.execute(sql)` is that cursor. */
  execute(sql: string, params?: Parameters, options?: CallOptions): Execution {
    return this.#executor.start(null, sql, params, options)
  }

  /** Runs an INSERT, UPDATE, DELETE or REPLACE for each set of parameters, on a cursor of its own. */
  async executemany(sql: string, sets: ParameterSets, options?: CallOptions): Promise<Cursor> {
    return this.cursor().executemany(sql, sets, options)
  }

  /** Runs the statements of a text, on a cursor of its own: see `Cursor.executescript()`. */
  async executescript(sql: string, options?: CallOptions): Promise<Cursor> {
    return this.cursor().executescript(sql, options)
  }

  /** Commits the open transaction; does nothing without one. When it fails, the transaction is still open. */
  async commit(options?: CallOptions): Promise<void> {
    await this.#executor.end('COMMIT', options)
  }

  /** Rolls the open transaction back; does nothing without one. */
  async rollback(options?: CallOptions): Promise<void> {
    await this.#executor.end('ROLLBACK', options)
  }

  /**
   * Waits for the calls before it, rolls back what is not committed, and closes; `connect()`'s connection ends
   * its processes too. Every later call is a ProgrammingError; closing twice is fine.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#executor.close()
    await this.#onClose()
  }
}

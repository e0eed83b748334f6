/**
 * Pool: what createPool() gives: statements that commit by themselves, and many Connections over the same
 * processes. Runs in the caller. A use of a WorkerPool, which it may share with others on the same file.
 */
import { type Error as DbapiError, PoolClosed, ProgrammingError } from '../errors.ts'
import type { Use } from '../pool/registry.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { type CallOptions, deadlineOf } from './call-options.ts'
import { Connection, type ConnectionSettings, counterRefused } from './connection.ts'
import type { Cursor, Executor } from './cursor.ts'
import { runMany } from './executemany.ts'
import { Execution, failedExecution } from './execution.ts'
import { type ConnectionOptions, checkConnectionOptions, expectConnectionOptions } from './options.ts'
import { bindValues, boundBytes, type Parameters } from './values.ts'

export class Pool implements Executor {
  readonly #use: Use
  readonly #settings: ConnectionSettings
  readonly #connections = new Set<Connection>()
  #closing: Promise<void> | null = null

  /** Made by `createPool()`. */
  constructor(use: Use, settings: ConnectionSettings) {
    this.#use = use
    this.#settings = settings
  }

  get pool(): WorkerPool {
    return this.#use.pool
  }

  /** A Pool is no Connection: its cursors have none. */
  get connection(): null {
    return null
  }

  /**
   * Runs one statement and commits it: the articles' `execute(sql, params)`. Calls keep no order among
   * themselves; what is awaited is seen by every call after it. BEGIN and its kin are a ProgrammingError.
   */
  execute(sql: string, params?: Parameters, options?: CallOptions): Execution {
    return this.start(null, sql, params, options)
  }

  /** A new Connection over the pool's processes, with options of its own over the pool's. */
  async connect(options: ConnectionOptions = {}): Promise<Connection> {
    this.#expectOpen()
    expectConnectionOptions(options)
    const connection: Connection = new Connection(
      this.pool,
      checkConnectionOptions(options, this.#settings),
      async () => {
        this.#connections.delete(connection)
      },
    )
    this.#connections.add(connection)
    return connection
  }

  /**
   * Takes no more calls, lets those it has be answered, rolls back what its Connections have not committed,
   * and ends the processes unless others in this process use them. Closing twice is fine.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  start(cursor: Cursor | null, sql: string, params?: Parameters, options?: CallOptions): Execution {
    try {
      this.#expectOpen()
      const statement = this.pool.router.statement(sql)
      if (statement.controls) throw transactionRefused(sql)
      if (statement.parsed.counter !== null) throw counterRefused(statement.parsed.counter, sql)
      const values = bindValues(statement, params)
      const deadline = deadlineOf(options)
      const signal = options?.signal ?? null
      const execution = new Execution(this, cursor, statement, values, boundBytes(), deadline, signal)
      this.pool.submit(execution)
      return execution
    } catch (error) {
      return failedExecution(this, cursor, error as DbapiError)
    }
  }

  async startMany(
    sql: string,
    sets: Iterable<Parameters> | AsyncIterable<Parameters>,
    options?: CallOptions,
  ): Promise<number> {
    this.#expectOpen()
    const statement = this.pool.router.statement(sql)
    const run = { statement, sets, deadline: deadlineOf(options), signal: options?.signal ?? null }
    return runMany(
      run,
      (slice) => this.pool.submit(slice),
      () => {},
    )
  }

  answered(): void {}

  async #close(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.close()))
    await this.#use.release()
  }

  #expectOpen(): void {
    if (this.#closing !== null) throw new PoolClosed('the pool is closed', { code: 'POOL_CLOSED' })
  }
}

function transactionRefused(sql: string): ProgrammingError {
  return new ProgrammingError(
    'a transaction belongs to a Connection, and each pool.execute() may run on another: use pool.connect()',
    { code: 'BAD_STATEMENT', sql },
  )
}

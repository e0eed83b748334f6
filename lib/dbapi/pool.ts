/**
 * Pool: what createPool() gives: statements that commit by themselves, and many Connections over the same
 * processes. Runs in the caller. A use of a WorkerPool, which it may share with others on the same file.
 */
import type { Use } from '../pool/registry.ts'
import type { PoolStats } from '../pool/worker-pool.ts'
import type { CallOptions } from './call-options.ts'
import { Connection } from './connection.ts'
import { expectTypesTold } from './converters.ts'
import type { Execution } from './execution.ts'
import {
  type ConnectionOptions,
  type ConnectionSettings,
  checkConnectionOptions,
  expectConnectionOptions,
} from './options.ts'
import { PoolExecutor } from './pool-executor.ts'
import type { NamedFactory, RowFunction, RowOf } from './row-factory.ts'
import type { Parameters, RowArray } from './values.ts'

export type { PoolStats }

/** A use of a database's processes by many. `R` is what rows are handed out as, by the option `rowFactory`. */
export class Pool<R = RowArray> {
  readonly #use: Use
  readonly #executor: PoolExecutor
  readonly #settings: ConnectionSettings
  readonly #connections = new Set<Connection<unknown>>()
  #closing: Promise<void> | null = null

  /** Made by `createPool()`. */
  constructor(use: Use, settings: ConnectionSettings) {
    this.#use = use
    this.#executor = new PoolExecutor(use.pool, settings)
    this.#settings = settings
  }

  /**
   * Runs one statement and commits it: the articles' `execute(sql, params)`. Calls keep no order among
   * themselves; what is awaited is seen by every call after it. BEGIN and its kin are a ProgrammingError.
   * `execute<[string, number]>(sql)` says what a row is, where TypeScript cannot know.
   */
  execute<T = R>(sql: string, params?: Parameters, options?: CallOptions): Execution<T> {
    return this.#executor.start(null, sql, params, options) as Execution<T>
  }

  /**
   * Runs the statements of a text, one after the other, with the writer to themselves; rows that they give are
   * dropped. Each commits by itself, but between BEGIN and COMMIT. The first that fails ends it: the error names
   * it, those before it stay. A transaction that is left open is rolled back, and a ProgrammingError.
   */
  executescript(sql: string, options?: CallOptions): Promise<void> {
    return this.#executor.startScript(sql, options)
  }

  /** A new Connection over the pool's processes, with options of its own over the pool's. */
  async connect<F extends NamedFactory = never, T = [F] extends [never] ? R : never>(
    options: ConnectionOptions<F | RowFunction<T>> = {},
  ): Promise<Connection<RowOf<F, T>>> {
    this.#executor.expectOpen()
    expectConnectionOptions(options)
    const settings = checkConnectionOptions(options, this.#settings)
    expectTypesTold(this.#use.pool, settings.detectTypes)
    const connection: Connection<RowOf<F, T>> = new Connection(this.#use.pool, settings, async () => {
      this.#connections.delete(connection)
    })
    this.#connections.add(connection)
    return connection
  }

  /** What the pool is made of now: its launcher, driver and children, and the requests that wait. */
  stats(): PoolStats {
    return this.#use.pool.stats()
  }

  /**
   * Takes no more calls, lets those it has be answered, rolls back what its Connections have not committed,
   * and ends the processes unless others in this process use them. Closing twice is fine.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** For `await using`: close(). */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#executor.close()
    await Promise.all([...this.#connections].map((connection) => connection.close()))
    await this.#use.release()
  }
}

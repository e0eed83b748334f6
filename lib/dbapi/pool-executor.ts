/**
 * PoolExecutor: runs statements that belong to no Connection. Runs in the caller. Each commits by itself, and
 * none may leave anything behind on the SQLite connection it happens to run on.
 */
import { type Error as DbapiError, PoolClosed, ProgrammingError } from '../errors.ts'
import type { Request } from '../pool/request.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { CallOptions } from './call-options.ts'
import { counterRefused } from './connection-executor.ts'
import type { Cursor, Executor } from './cursor.ts'
import { manyRun, type ParameterSets, runMany, type SliceCarrier } from './executemany.ts'
import { type ExecuteRequest, newExecution, refusedExecution } from './execution.ts'
import type { ConnectionSettings } from './options.ts'
import { HalfReads } from './rest.ts'
import type { RowFactory } from './row-factory.ts'
import type { Parameters } from './values.ts'

export class PoolExecutor implements Executor, SliceCarrier {
  readonly pool: WorkerPool
  /** A Pool is no Connection: its cursors have none. */
  readonly connection = null
  readonly arraysize: number
  readonly rowFactory: RowFactory
  readonly detectTypes: number
  readonly captureStacks: boolean
  readonly halfReads: HalfReads
  readonly #running = new Set<Promise<number>>()
  #closed = false

  constructor(pool: WorkerPool, { arraysize, rowFactory, detectTypes, captureStacks }: ConnectionSettings) {
    this.pool = pool
    this.halfReads = new HalfReads(pool)
    this.arraysize = arraysize
    this.rowFactory = rowFactory
    this.detectTypes = detectTypes
    this.captureStacks = captureStacks
  }

  /**
   * Nothing can be started any more; resolves when each executemany under way has sent all it has, and each
   * fetch has all it asked for.
   */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#running)
    await this.halfReads.close()
  }

  /** Throws PoolClosed after close(). */
  expectOpen(): void {
    if (this.#closed) throw new PoolClosed('the pool is closed', { code: 'POOL_CLOSED' })
  }

  start(
    cursor: Cursor<unknown> | null,
    sql: string,
    params?: Parameters,
    options?: CallOptions,
  ): ExecuteRequest {
    try {
      this.expectOpen()
      const execution = newExecution(this, cursor, sql, params, options)
      const { controls, parsed } = execution.statement
      if (controls) throw transactionRefused(sql)
      if (parsed.counter !== null) throw counterRefused(parsed.counter, sql)
      // Blanks and comments alone: nothing to do, and no SQLite package would say so.
      if (parsed.statements === 0) execution.skip()
      else this.pool.submit(execution)
      return execution
    } catch (error) {
      return refusedExecution(this, cursor, error as DbapiError)
    }
  }

  async startMany(sql: string, sets: ParameterSets, options?: CallOptions): Promise<number> {
    this.expectOpen()
    const run = manyRun(this.pool.router, sql, sets, options)
    const running = runMany(run, this)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  send(slice: Request): void {
    this.pool.submit(slice)
  }

  beforeAsking(): void {}

  async afterAsking(): Promise<void> {}

  answered(): void {}
}

function transactionRefused(sql: string): ProgrammingError {
  return new ProgrammingError(
    'a transaction belongs to a Connection, and each pool.execute() may run on another: use pool.connect()',
    { code: 'BAD_STATEMENT', sql },
  )
}

/**
 * PoolExecutor: runs statements that belong to no Connection. Runs in the caller. Each commits by itself, and
 * none may leave anything behind on the SQLite connection it happens to run on.
 */
import { type Error as DbapiError, PoolClosed, ProgrammingError } from '../errors.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { type CallOptions, deadlineOf } from './call-options.ts'
import { counterRefused } from './connection-executor.ts'
import type { Cursor, Executor } from './cursor.ts'
import { runMany } from './executemany.ts'
import { ExecuteRequest, refusedExecution } from './execution.ts'
import { bindValues, boundBytes, type Parameters } from './values.ts'

export class PoolExecutor implements Executor {
  readonly pool: WorkerPool
  /** A Pool is no Connection: its cursors have none. */
  readonly connection = null
  #closed = false

  constructor(pool: WorkerPool) {
    this.pool = pool
  }

  /** Nothing can be started any more. */
  close(): void {
    this.#closed = true
  }

  /** Throws PoolClosed after close(). */
  expectOpen(): void {
    if (this.#closed) throw new PoolClosed('the pool is closed', { code: 'POOL_CLOSED' })
  }

  start(cursor: Cursor | null, sql: string, params?: Parameters, options?: CallOptions): ExecuteRequest {
    try {
      this.expectOpen()
      const statement = this.pool.router.statement(sql)
      if (statement.controls) throw transactionRefused(sql)
      if (statement.parsed.counter !== null) throw counterRefused(statement.parsed.counter, sql)
      const values = bindValues(statement, params)
      const deadline = deadlineOf(options)
      const signal = options?.signal ?? null
      const execution = new ExecuteRequest(this, cursor, statement, values, boundBytes(), deadline, signal)
      // Blanks and comments alone: nothing to do, and no SQLite package would say so.
      if (statement.parsed.statements === 0) execution.skip()
      else this.pool.submit(execution)
      return execution
    } catch (error) {
      return refusedExecution(this, cursor, error as DbapiError)
    }
  }

  async startMany(
    sql: string,
    sets: Iterable<Parameters> | AsyncIterable<Parameters>,
    options?: CallOptions,
  ): Promise<number> {
    this.expectOpen()
    const statement = this.pool.router.statement(sql)
    const run = { statement, sets, deadline: deadlineOf(options), signal: options?.signal ?? null }
    return runMany(
      run,
      (slice) => this.pool.submit(slice),
      () => {},
    )
  }

  answered(): void {}
}

function transactionRefused(sql: string): ProgrammingError {
  return new ProgrammingError(
    'a transaction belongs to a Connection, and each pool.execute() may run on another: use pool.connect()',
    { code: 'BAD_STATEMENT', sql },
  )
}

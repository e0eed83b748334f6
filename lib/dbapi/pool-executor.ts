/**
 * PoolExecutor: runs statements that belong to no Connection. Runs in the caller. Each commits by itself, and
 * none may leave anything behind on the SQLite connection it happens to run on.
 */
import { type Error as DbapiError, PoolClosed } from '../errors.ts'
import { unsendable } from '../pool/failures.ts'
import type { Lease } from '../pool/lease.ts'
import type { Request } from '../pool/request.ts'
import type { Script } from '../pool/router.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { type CallEnd, type CallOptions, endOf } from './call-options.ts'
import type { Cursor, Executor } from './cursor.ts'
import { Exchange } from './exchange.ts'
import { manyRun, type ParameterSets, runMany, type SliceCarrier } from './executemany.ts'
import { runScript } from './executescript.ts'
import { type ExecuteRequest, newExecution, refusedExecution } from './execution.ts'
import { expectAttachable, expectLength } from './limits.ts'
import type { ConnectionSettings, Limits } from './options.ts'
import { placementOf } from './placement.ts'
import {
  counterRefused,
  noWriterForTransaction,
  settingRefused,
  temporaryRefused,
  transactionLeft,
  transactionRefused,
} from './refusals.ts'
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
  readonly limits: Limits
  readonly halfReads: HalfReads
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(
    pool: WorkerPool,
    { arraysize, rowFactory, detectTypes, captureStacks, limits }: ConnectionSettings,
  ) {
    this.pool = pool
    this.halfReads = new HalfReads(pool)
    this.arraysize = arraysize
    this.rowFactory = rowFactory
    this.detectTypes = detectTypes
    this.captureStacks = captureStacks
    this.limits = limits
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
      const { controls, parsed, special } = execution.statement
      if (controls) throw transactionRefused(sql)
      if (parsed.counter !== null) throw counterRefused(parsed.counter, sql)
      if (special) this.#place(execution)
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
    const run = manyRun(this, sql, sets, options)
    const running = runMany(run, this)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async startScript(sql: string, options?: CallOptions): Promise<void> {
    this.expectOpen()
    expectLength(sql, this.limits)
    const script = this.pool.router.script(sql)
    for (const { controls, parsed } of script.statements) {
      if (parsed.temporary) throw temporaryRefused(parsed.sql)
      if (controls && this.pool.options.readonly) throw noWriterForTransaction(parsed.sql)
    }
    const running = this.#runScript(script, endOf(options))
    this.#running.add(running)
    try {
      await running
    } finally {
      this.#running.delete(running)
    }
  }

  send(slice: Request): void {
    try {
      if (slice.statement.special) this.#place(slice)
    } catch (error) {
      this.pool.refuse(slice, error as Error)
      return
    }
    this.pool.submit(slice)
  }

  async #runScript(script: Script, end: CallEnd): Promise<void> {
    // The writer, from the first part to the last.
    let lease: Lease | null = null
    let inTransaction = false
    try {
      await runScript(script, end, ({ special }) => special, {
        send: (part, last) => {
          part.label = 'a script of the pool'
          part.pins = true
          part.holds = !last
          if (lease === null) this.send(part)
          else this.#sendOn(lease, part, inTransaction)
        },
        answered: (part) => {
          // One that could not even be sent has changed nothing: the writer is still held for it.
          const held = part.lease ?? lease
          lease = held?.released === null ? held : null
          inTransaction = lease !== null && (part.inTransaction ?? inTransaction)
        },
      })
    } finally {
      const left = lease as Lease | null
      if (inTransaction && left !== null) await this.#rollBack(left)
      left?.release('reuse')
    }
    if (inTransaction) throw transactionLeft(script.sql)
  }

  #sendOn(lease: Lease, part: Exchange, inTransaction: boolean): void {
    try {
      const refusal = unsendable(part, this.pool.options.maxFrameBytes)
      if (refusal !== null) throw refusal
      if (!part.script) this.#place(part, inTransaction)
      lease.submit(part)
    } catch (error) {
      this.pool.refuse(part, error as Error)
    }
  }

  async #rollBack(lease: Lease): Promise<void> {
    const rollback = new Exchange(
      this.pool.router.statement('ROLLBACK'),
      null,
      0,
      Number.POSITIVE_INFINITY,
      null,
    )
    lease.submit(rollback)
    // A transaction whose child died was rolled back by that.
    await rollback.answer.catch(() => {})
  }

  // What belongs to one SQLite connection needs a Connection; what holds for all is made a setting.
  #place(request: Request, open = false): void {
    const { parsed, sql } = request.statement
    const placement = parsed.temporary
      ? 'own'
      : placementOf(request.statement, request.params, this.pool, () => false)
    if (placement === 'own') throw temporaryRefused(sql)
    if (placement === 'any' || (placement === 'transaction' && open)) return
    if (placement === 'transaction') throw transactionRefused(sql)
    if (open) throw settingRefused(sql)
    if (placement[0] === 'attach') expectAttachable(this.pool.settings.attached, this.limits, sql)
    request.setting = placement
    request.params = []
  }

  beforeAsking(): void {}

  async afterAsking(): Promise<void> {}

  answered(): void {}
}

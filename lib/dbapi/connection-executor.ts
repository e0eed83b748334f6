/**
 * ConnectionExecutor: runs the statements of one Connection: in the order of the calls, with transactions begun
 * as Python's sqlite3 begins them, on the writer's Lease while one is open. Runs in the caller. It knows what a
 * statement is, from the router, and which requests it made; which child runs them is the pool's business.
 */
import { type Error as DbapiError, NotSupportedError, ProgrammingError } from '../errors.ts'
import { transactionLost, unsendable } from '../pool/failures.ts'
import type { Lease } from '../pool/lease.ts'
import type { Request } from '../pool/request.ts'
import type { Statement } from '../pool/router.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { CallOptions } from './call-options.ts'
import type { Connection } from './connection.ts'
import type { Cursor, Executor } from './cursor.ts'
import { manyRun, type ParameterSets, runMany } from './executemany.ts'
import { type ExecuteRequest, newExecution, refusedExecution } from './execution.ts'
import { Gate } from './gate.ts'
import type { ConnectionSettings } from './options.ts'
import { HalfReads } from './rest.ts'
import type { RowFactory } from './row-factory.ts'
import type { Parameters } from './values.ts'

let numbered = 0

export class ConnectionExecutor implements Executor {
  readonly pool: WorkerPool
  readonly connection: Connection<unknown>
  readonly settings: ConnectionSettings
  readonly halfReads: HalfReads
  rowFactory: RowFactory
  /** The sum of the rowcounts of all its statements. */
  totalChanges = 0
  readonly #label = `connection ${++numbered}`
  readonly #gate = new Gate()
  // The open transaction; null when there is none.
  #lease: Lease | null = null
  // Its transaction died with the writer. Every call says so until rollback(), or half of it would commit.
  #lost = false
  #closed = false

  constructor(pool: WorkerPool, connection: Connection<unknown>, settings: ConnectionSettings) {
    this.pool = pool
    this.halfReads = new HalfReads(pool)
    this.connection = connection
    this.rowFactory = settings.rowFactory
    this.settings = settings
  }

  /** Whether a transaction is open, after the newest answer. */
  get inTransaction(): boolean {
    return this.#lease !== null
  }

  /** Throws a ProgrammingError once close() was called. */
  expectOpen(): void {
    if (this.#closed) throw new ProgrammingError('the connection is closed', { code: 'CLOSED' })
  }

  get arraysize(): number {
    return this.settings.arraysize
  }

  get detectTypes(): number {
    return this.settings.detectTypes
  }

  get captureStacks(): boolean {
    return this.settings.captureStacks
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
      // Blanks and comments alone: nothing to do, and no SQLite package would say so.
      if (execution.statement.parsed.statements === 0) execution.skip()
      else this.#enter(execution, () => this.#send(execution))
      return execution
    } catch (error) {
      return refusedExecution(this, cursor, error as DbapiError)
    }
  }

  async startMany(sql: string, sets: ParameterSets, options?: CallOptions): Promise<number> {
    this.expectOpen()
    const run = manyRun(this.pool.router, sql, sets, options)
    await this.#turn()
    try {
      return await runMany(run, {
        send: (slice) => this.#send(slice),
        answered: (slice, changes) => {
          this.#note(slice)
          this.totalChanges += changes
        },
        // The sets may come from a query on this connection, which must not wait for its own reader.
        beforeAsking: () => this.#gate.share(),
        afterAsking: () => this.#gate.takeBack(),
      })
    } finally {
      this.#gate.leave()
    }
  }

  answered(execution: ExecuteRequest): void {
    if (!execution.admitted) return
    execution.admitted = false
    this.#note(execution)
    if (execution.rowcount > 0) this.totalChanges += execution.rowcount
    this.#gate.leave()
  }

  #enter(execution: ExecuteRequest, send: () => void): void {
    this.#gate.enter({
      alone: execution.statement.route === 'writer',
      run: () => {
        // Its deadline or signal may have ended it while it waited here.
        if (execution.state === 'done') {
          this.#gate.leave()
          return
        }
        execution.admitted = true
        send()
      },
    })
    if (execution.state === 'new') this.pool.watch(execution)
  }

  // Waits for a turn alone; the caller of this leaves the gate.
  #turn(): Promise<void> {
    return new Promise((resolve) => this.#gate.enter({ alone: true, run: resolve }))
  }

  #send(request: Request): void {
    const { statement } = request
    request.label = this.#label
    this.#noteLoss(this.#lease)
    const refusal = this.#refusal(request)
    if (refusal !== null) {
      this.pool.refuse(request, refusal)
      return
    }
    if (this.#lease !== null) {
      this.pool.watch(request)
      this.#lease.submit(request)
      return
    }
    const { autocommit, isolationLevel } = this.settings
    const begins = statement.writes && !autocommit && !this.pool.options.readonly
    if (begins) request.begin = isolationLevel
    request.pins = request.begin !== null || opensTransaction(statement)
    this.pool.submit(request)
  }

  // What the pool would check too, the lease does not.
  #refusal(request: Request): Error | null {
    const { statement } = request
    const { sql } = statement
    if (this.#lost) return transactionLost(sql)
    if (this.#lease !== null) return unsendable(request, this.pool.options.maxFrameBytes)
    const { counter } = statement.parsed
    if (counter !== null) return counterRefused(counter, sql)
    if (!this.pool.options.readonly || !opensTransaction(statement)) return null
    return new NotSupportedError(
      'a readonly database has no writer to hold a transaction; each SELECT sees one snapshot by itself',
      { code: 'UNSUPPORTED', sql },
    )
  }

  // Learns from each answer whether the transaction is open, and from its death that it was lost.
  #note(request: Request): void {
    if (request.inTransaction !== null)
      this.#lease = request.inTransaction ? (request.lease ?? this.#lease) : null
    else this.#noteLoss(request.lease)
  }

  #noteLoss(lease: Lease | null): void {
    if (lease?.released !== 'discard') return
    this.#lease = null
    this.#lost = true
  }

  /** Ends the open transaction; does nothing without one. */
  end(verb: 'COMMIT' | 'ROLLBACK', options?: CallOptions): ExecuteRequest {
    this.expectOpen()
    const execution = newExecution(this, null, verb, [], options)
    this.#enter(execution, () => this.#sendEnd(execution, verb))
    return execution
  }

  /**
   * Waits for the calls before it, lets go of its half-read results and rolls back what is open. Nothing can be
   * started any more.
   */
  async close(): Promise<void> {
    this.#closed = true
    await this.#turn()
    try {
      await this.halfReads.close()
      if (this.#lease === null || this.#lease.released !== null) return
      const rollback = newExecution(this, null, 'ROLLBACK')
      this.#lease.submit(rollback)
      // A transaction whose child died was rolled back by that.
      await rollback.catch(() => {})
    } finally {
      this.#lease = null
      this.#gate.leave()
    }
  }

  #sendEnd(execution: ExecuteRequest, verb: 'COMMIT' | 'ROLLBACK'): void {
    // A child that died while the transaction was idle has told nobody yet.
    this.#noteLoss(this.#lease)
    if (this.#lost && verb === 'ROLLBACK') this.#lost = false
    if (this.#lease !== null || this.#lost) this.#send(execution)
    else execution.skip()
  }
}

function opensTransaction({ parsed }: Statement): boolean {
  return parsed.verb === 'BEGIN' || parsed.verb === 'SAVEPOINT'
}

/** The refusal of a function that tells of the SQLite connection it happens to run on. */
export function counterRefused(counter: string, sql: string): ProgrammingError {
  return new ProgrammingError(
    `${counter}() tells of one SQLite connection, and outside a transaction each statement may run on another: ` +
      "read the cursor's lastrowid or rowcount",
    { code: 'BAD_STATEMENT', sql },
  )
}

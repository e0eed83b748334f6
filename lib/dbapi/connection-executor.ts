/**
 * ConnectionExecutor: runs the statements of one Connection: in the order of the calls, with transactions begun
 * as Python's sqlite3 begins them, on the writer's Lease while one is open. Runs in the caller. It knows what a
 * statement is, from the router, and which requests it made; which child runs them is the pool's business.
 */
import { type Error as DbapiError, ProgrammingError, WorkerExited } from '../errors.ts'
import { transactionLost, unsendable } from '../pool/failures.ts'
import type { Lease } from '../pool/lease.ts'
import type { Request } from '../pool/request.ts'
import { type Statement, scriptPart } from '../pool/router.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { type CallEnd, type CallOptions, ended, endOf, NO_END } from './call-options.ts'
import type { Connection } from './connection.ts'
import type { Cursor, Executor } from './cursor.ts'
import { Exchange } from './exchange.ts'
import { manyRun, type ParameterSets, runMany } from './executemany.ts'
import { runScript } from './executescript.ts'
import { type ExecuteRequest, newEnd, newExecution, refusedExecution } from './execution.ts'
import { Gate } from './gate.ts'
import { Home } from './home.ts'
import { expectLength } from './limits.ts'
import type { ConnectionSettings, Limits } from './options.ts'
import {
  counterRefused,
  interrupted,
  notReadonly,
  noWriterForTransaction,
  readonlyTransaction,
} from './refusals.ts'
import { HalfReads } from './rest.ts'
import type { RowFactory } from './row-factory.ts'
import type { Parameters } from './values.ts'

/** What nothing may keep from running: a transaction would stay open, and the writer held. */
const ENDING = new Set(['COMMIT', 'END', 'ROLLBACK'])

let numbered = 0

// SQLite takes the snapshot at the first read, not at BEGIN.
const BEGIN_SNAPSHOT = scriptPart('BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1', {
  route: 'reader',
  temporary: false,
})

export class ConnectionExecutor implements Executor {
  readonly pool: WorkerPool
  readonly connection: Connection<unknown>
  settings: ConnectionSettings
  readonly halfReads: HalfReads
  rowFactory: RowFactory
  /** The sum of the rowcounts of all its statements. */
  totalChanges = 0
  readonly #label = `connection ${++numbered}`
  readonly #gate = new Gate()
  // The writer: while a transaction is open, or a script goes on; null else.
  #lease: Lease | null = null
  #inTransaction = false
  // Those that were open so far.
  #transactions = 0
  // The SQLite connections that it has for itself.
  readonly #home: Home
  // Calls of transaction(fn) that have begun and not ended.
  #functions = 0
  // Whether the open transaction is a readonly one.
  #readonly = false
  // What went with a child: every call says so until rollback(), or half of a transaction would commit.
  #lost: ((sql: string) => Error) | null = null
  // Calls that are not answered, for interrupt().
  readonly #running = new Set<Request>()
  #interrupts = 0
  #closed = false

  constructor(pool: WorkerPool, connection: Connection<unknown>, settings: ConnectionSettings) {
    this.pool = pool
    this.#home = new Home(pool)
    this.halfReads = new HalfReads(pool)
    this.connection = connection
    this.rowFactory = settings.rowFactory
    this.settings = settings
  }

  /** Whether a transaction is open, after the newest answer. */
  get inTransaction(): boolean {
    return this.#inTransaction
  }

  /** Throws a ProgrammingError once close() was called. */
  expectOpen(): void {
    if (this.#closed) throw new ProgrammingError('the connection is closed', { code: 'CLOSED' })
  }

  get arraysize(): number {
    return this.settings.arraysize
  }

  get limits(): Limits {
    return this.settings.limits
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
    const run = manyRun(this, sql, sets, options)
    const interrupts = this.#interrupts
    await this.#turn(run, sql)
    try {
      return await runMany(run, {
        send: (slice) => {
          if (interrupts === this.#interrupts) this.#send(slice)
          else this.pool.refuse(slice, interrupted(slice.statement.sql, slice.applied))
        },
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

  async startScript(sql: string, options?: CallOptions): Promise<void> {
    this.expectOpen()
    expectLength(sql, this.limits)
    const script = this.pool.router.script(sql)
    if (this.pool.options.readonly) {
      const control = script.statements.find(({ controls }) => controls)
      if (control !== undefined) throw noWriterForTransaction(control.sql)
    }
    const end = endOf(options)
    const interrupts = this.#interrupts
    await this.#turn(end, sql)
    try {
      if (interrupts !== this.#interrupts) throw interrupted(sql, 'no')
      // Within transaction(fn) the script is part of that, which commits as a whole or not at all.
      if (!this.settings.autocommit && this.#functions === 0) await this.#commitNow(end)
      await runScript(script, end, ({ parsed, special }) => special && !parsed.temporary, {
        send: (part, last) => {
          part.pins = true
          part.holds = !last
          if (interrupts === this.#interrupts) this.#send(part)
          else this.pool.refuse(part, interrupted(part.statement.sql, part.applied))
        },
        answered: (part, changes) => {
          this.#note(part)
          this.totalChanges += changes
        },
      })
    } finally {
      // Where a part could not even be sent, the writer is still held for it.
      if (!this.#inTransaction) this.#letGoOfWriter()
      this.#gate.leave()
    }
  }

  /** Sets some of its limits, at once. */
  limit(limits: Partial<Limits>): void {
    this.settings = { ...this.settings, limits: { ...this.settings.limits, ...limits } }
  }

  /** Changes what its statements go by from now on, after the calls before it; `commits`: what is open first. */
  async change(settings: Partial<ConnectionSettings>, commits: boolean): Promise<void> {
    this.expectOpen()
    await this.#turn()
    try {
      if (commits) await this.#commitNow(NO_END)
      this.settings = { ...this.settings, ...settings }
    } finally {
      this.#gate.leave()
    }
  }

  answered(execution: ExecuteRequest): void {
    if (!execution.admitted) return
    execution.admitted = false
    this.#running.delete(execution)
    this.#note(execution)
    if (execution.rowcount > 0) this.totalChanges += execution.rowcount
    this.#gate.leave()
  }

  #enter(execution: ExecuteRequest, send: () => void): void {
    const interrupts = this.#interrupts
    const { parsed, route } = execution.statement
    this.#gate.enter({
      alone: route === 'writer',
      run: () => {
        // Its deadline or signal may have ended it while it waited here.
        if (execution.state === 'done') {
          this.#gate.leave()
          return
        }
        execution.admitted = true
        if (interrupts === this.#interrupts || ENDING.has(parsed.verb)) send()
        else this.pool.refuse(execution, interrupted(execution.statement.sql, execution.applied))
      },
    })
    if (execution.state === 'new') this.pool.watch(execution)
  }

  // Waits for a turn alone, no longer than the call may take; the caller of this leaves the gate.
  async #turn({ deadline, signal }: CallEnd = NO_END, sql = ''): Promise<void> {
    let taken = false
    let givenUp = false
    const turn = new Promise<void>((resolve) => {
      const run = (): void => {
        taken = true
        if (givenUp) this.#gate.leave()
        else resolve()
      }
      this.#gate.enter({ alone: true, run })
    })
    try {
      await ended(turn, deadline, signal, sql)
    } catch (error) {
      givenUp = true
      if (taken) this.#gate.leave()
      throw error
    }
  }

  #send(request: Request): void {
    const { statement } = request
    request.label = this.#label
    this.#noteLoss(this.#lease)
    try {
      this.#expectSendable(request)
      if (statement.special || request.script) this.#home.place(request, this.#inTransaction, this.limits)
    } catch (error) {
      this.pool.refuse(request, error as Error)
      return
    }
    if (request.setting === null) request.own = this.#home.connection
    this.#running.add(request)
    if (this.#lease !== null) {
      this.pool.watch(request)
      this.#lease.submit(request)
      return
    }
    const { autocommit, isolationLevel } = this.settings
    const begins = statement.writes && !request.script && !autocommit && !this.pool.options.readonly
    if (begins) request.begin = isolationLevel
    request.pins ||= request.begin !== null || (opensTransaction(statement) && !this.#home.hasSnapshot)
    this.pool.submit(request)
  }

  // What the pool would check too, the lease does not.
  #expectSendable(request: Request): void {
    const { statement } = request
    const { sql } = statement
    this.#noteLostHome()
    if (this.#lost !== null) throw this.#lost(sql)
    if (this.#readonly && statement.route === 'writer' && !statement.controls) throw readonlyTransaction(sql)
    if (this.#lease !== null) {
      const refusal = unsendable(request, this.pool.options.maxFrameBytes)
      if (refusal !== null) throw refusal
      if (this.#inTransaction) return
    }
    const { counter } = statement.parsed
    if (counter !== null && !request.script) throw counterRefused(counter, sql)
    if (this.pool.options.readonly && !this.#home.hasSnapshot && opensTransaction(statement))
      throw noWriterForTransaction(sql)
  }

  // Learns from each answer whether the transaction is open, and from its death that it was lost.
  #note(request: Request): void {
    this.#running.delete(request)
    this.#home.answered(request)
    const { inTransaction, lease } = request
    if (inTransaction === null) {
      // A script that was in none has lost nothing but its end, and says so itself.
      // One that could not even be sent leaves the writer as it was: held, if it was not the first part.
      if (request.script && lease !== null && !this.#inTransaction)
        this.#lease = lease.released === null ? lease : null
      else this.#noteLoss(lease)
      return
    }
    if (inTransaction && !this.#inTransaction) this.#transactions++
    this.#inTransaction = inTransaction
    if (!inTransaction) this.#endReadonly()
    const held = lease ?? this.#lease
    this.#lease = held !== null && held.released === null ? held : null
  }

  #noteLoss(lease: Lease | null): void {
    if (lease?.released !== 'discard') return
    this.#lease = null
    this.#inTransaction = false
    this.#lost ??= transactionLost
  }

  // A child that died with what this Connection had there has told nobody yet.
  #noteLostHome(): void {
    const inSnapshot = this.#home.hasSnapshot
    const loss = this.#home.takeLoss()
    if (loss === null) return
    // Whoever hears of temporary objects hears of the transaction too; not the other way round.
    this.#lost = loss
    if (inSnapshot) this.#inTransaction = false
    this.#readonly = false
  }

  #endReadonly(): void {
    this.#readonly = false
    this.#home.endSnapshot()
  }

  #letGoOfWriter(): void {
    this.#lease?.release('reuse')
    this.#lease = null
  }

  /**
   * Ends what is running: reads at once, with what is left of their rows; what waits is not sent any more, unless
   * it is to end a transaction.
   */
  interrupt(): void {
    this.expectOpen()
    this.#interrupts++
    for (const request of [...this.#running])
      if (!ENDING.has(request.statement.parsed.verb))
        this.pool.abandon(request, interrupted(request.statement.sql, request.applied))
    this.halfReads.breakOff((sql) => interrupted(sql))
  }

  /** Ends the open transaction; does nothing without one. */
  end(verb: 'COMMIT' | 'ROLLBACK', options?: CallOptions): ExecuteRequest {
    this.expectOpen()
    const execution = newEnd(this, verb, options)
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
      const rollback = newEnd(this, 'ROLLBACK')
      rollback.own = this.#home.connection
      this.#lease.submit(rollback)
      // A transaction whose child died was rolled back by that.
      await rollback.catch(() => {})
    } finally {
      this.#lease = null
      this.#home.close()
      this.#gate.leave()
    }
  }

  #sendEnd(execution: ExecuteRequest, verb: 'COMMIT' | 'ROLLBACK'): void {
    // A child that died while the transaction was idle has told nobody yet.
    this.#noteLoss(this.#lease)
    this.#noteLostHome()
    if (verb === 'ROLLBACK') this.#lost = null
    if (this.#inTransaction || this.#lost !== null) this.#send(execution)
    else execution.skip()
  }

  /** The number of the transaction that is open; 0 if none is. */
  get transaction(): number {
    return this.#inTransaction ? this.#transactions : 0
  }

  /**
   * Begins a transaction, or a savepoint of this name in the one that is open. Resolves with whether it has begun
   * one. When it does, ended() is to follow.
   */
  async begin(savepoint: string, readonly: boolean, options?: CallOptions): Promise<boolean> {
    this.expectOpen()
    const end = endOf(options)
    const interrupts = this.#interrupts
    await this.#turn(end, 'BEGIN')
    try {
      if (interrupts !== this.#interrupts) throw interrupted('BEGIN', 'no')
      this.#noteLostHome()
      const begins = !this.#inTransaction
      if (!begins) {
        if (readonly && !this.#readonly) throw notReadonly()
        await this.#runNow(this.pool.router.statement(`SAVEPOINT ${savepoint}`), end)
      } else if (readonly) {
        await this.#beginReadonly(end)
      } else {
        const begin = `BEGIN ${this.settings.isolationLevel ?? 'IMMEDIATE'}`
        await this.#runNow(this.pool.router.statement(begin), end)
      }
      this.#functions++
      return begins
    } finally {
      this.#gate.leave()
    }
  }

  /** A call of transaction(fn) that has begun is over. */
  ended(): void {
    this.#functions--
  }

  async #beginReadonly(end: CallEnd): Promise<void> {
    if (this.pool.alone) await this.#runNow(this.pool.router.statement('BEGIN DEFERRED'), end)
    else await this.#takeSnapshot(end, true)
    this.#readonly = true
  }

  async #takeSnapshot(end: CallEnd, again: boolean): Promise<void> {
    this.#home.takeSnapshot()
    try {
      await this.#runNow(BEGIN_SNAPSHOT, end, true)
    } catch (error) {
      // What a child may have begun all the same is closed there.
      this.#endReadonly()
      this.#inTransaction = false
      // Nothing has been seen yet: another reader will do.
      if (!again || !(error instanceof WorkerExited)) throw error
      await this.#takeSnapshot(end, false)
    }
  }

  // Commits what is open, for one that has its turn already.
  async #commitNow(end: CallEnd): Promise<void> {
    this.#noteLoss(this.#lease)
    if (this.#inTransaction || this.#lost !== null)
      await this.#runNow(this.pool.router.statement('COMMIT'), end)
  }

  /** Runs a statement of our own on a savepoint, which no limit keeps back. */
  async control(sql: string): Promise<void> {
    this.expectOpen()
    await this.#turn()
    try {
      await this.#runNow(this.pool.router.statement(sql), NO_END)
    } finally {
      this.#gate.leave()
    }
  }

  // Runs a statement for one that has its turn already.
  async #runNow(statement: Statement, { deadline, signal }: CallEnd, script = false): Promise<void> {
    const exchange = new Exchange(statement, null, 0, deadline, signal)
    exchange.script = script
    this.#send(exchange)
    try {
      await exchange.answer
    } finally {
      this.#note(exchange)
    }
  }
}

function opensTransaction({ parsed }: Statement): boolean {
  return parsed.verb === 'BEGIN' || parsed.verb === 'SAVEPOINT'
}

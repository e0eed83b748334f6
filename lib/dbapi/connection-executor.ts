/**
 * ConnectionExecutor: runs the statements of one Connection: in the order of the calls, with transactions begun
 * as Python's sqlite3 begins them, on the writer's Lease while one is open. Runs in the caller. It knows what a
 * statement is, from the router, and which requests it made; which child runs them is the pool's business.
 */
import type { SqlValue } from '../drivers/driver.ts'
import {
  type Applied,
  type Error as DbapiError,
  NotSupportedError,
  ProgrammingError,
  QueryCancelled,
} from '../errors.ts'
import { ownConnectionLost, transactionLost, unsendable } from '../pool/failures.ts'
import type { Lease } from '../pool/lease.ts'
import { OwnConnection } from '../pool/own-connection.ts'
import type { Request } from '../pool/request.ts'
import type { Statement } from '../pool/router.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { inLowerCase, type ParsedAttached } from '../sql/parse.ts'
import { type CallOptions, deadlineOf } from './call-options.ts'
import type { Connection } from './connection.ts'
import type { Cursor, Executor } from './cursor.ts'
import { Exchange } from './exchange.ts'
import { manyRun, type ParameterSets, runMany } from './executemany.ts'
import { runScript } from './executescript.ts'
import { type ExecuteRequest, newExecution, refusedExecution } from './execution.ts'
import { Gate } from './gate.ts'
import { expectAttachable, expectLength } from './limits.ts'
import type { ConnectionSettings, Limits } from './options.ts'
import { placementOf } from './placement.ts'
import { HalfReads } from './rest.ts'
import type { Parameters } from './values.ts'

/** What nothing may keep from running: a transaction would stay open, and the writer held. */
const ENDING = new Set(['COMMIT', 'END', 'ROLLBACK'])

let numbered = 0

export class ConnectionExecutor implements Executor {
  readonly pool: WorkerPool
  readonly connection: Connection
  settings: ConnectionSettings
  readonly halfReads: HalfReads
  /** The sum of the rowcounts of all its statements. */
  totalChanges = 0
  readonly #label = `connection ${++numbered}`
  readonly #gate = new Gate()
  // The writer: while a transaction is open, or a script goes on; null else.
  #lease: Lease | null = null
  #inTransaction = false
  // The SQLite connection that it has for itself, from its first temporary object on, and what is attached there.
  #own: OwnConnection | null = null
  readonly #ownSchemas = new Set<string>()
  // The schema of an ATTACH or DETACH there that is not answered: at most one, since it passes the gate alone.
  #attaching: string | null = null
  // What went with the writer's child: every call says so until rollback(), or half of a transaction would commit.
  #lost: ((sql: string) => Error) | null = null
  // Calls that are not answered, for interrupt().
  readonly #running = new Set<Request>()
  #interrupts = 0
  #closed = false

  constructor(pool: WorkerPool, connection: Connection, settings: ConnectionSettings) {
    this.pool = pool
    this.halfReads = new HalfReads(pool)
    this.connection = connection
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

  get captureStacks(): boolean {
    return this.settings.captureStacks
  }

  start(cursor: Cursor | null, sql: string, params?: Parameters, options?: CallOptions): ExecuteRequest {
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
    await this.#turn()
    try {
      return await runMany(run, {
        send: (slice) => {
          if (interrupts === this.#interrupts) this.#send(slice)
          else this.pool.refuse(slice, interrupted(slice))
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
    const interrupts = this.#interrupts
    await this.#turn()
    try {
      if (interrupts !== this.#interrupts) throw interruptedError(sql, 'no')
      if (!this.settings.autocommit) await this.#commitNow(options)
      await runScript(script, options, ({ parsed, special }) => special && !parsed.temporary, {
        send: (part, last) => {
          part.pins = true
          part.holds = !last
          if (interrupts === this.#interrupts) this.#send(part)
          else this.pool.refuse(part, interrupted(part))
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
      if (commits) await this.#commitNow()
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
        else this.pool.refuse(execution, interrupted(execution))
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
    try {
      this.#expectSendable(request)
      if (statement.special || request.script) this.#place(request)
    } catch (error) {
      this.pool.refuse(request, error as Error)
      return
    }
    if (request.setting === null) request.own = this.#own
    this.#running.add(request)
    if (this.#lease !== null) {
      this.pool.watch(request)
      this.#lease.submit(request)
      return
    }
    const { autocommit, isolationLevel } = this.settings
    const begins = statement.writes && !request.script && !autocommit && !this.pool.options.readonly
    if (begins) request.begin = isolationLevel
    request.pins ||= request.begin !== null || opensTransaction(statement)
    this.pool.submit(request)
  }

  // Which connection it concerns, where that is not any: see Placement.
  #place(request: Request): void {
    const { parsed, sql } = request.statement
    if (request.script) {
      if (parsed.temporary && !this.pool.alone) this.#expectOwn(sql)
      return
    }
    const isOwn = (schema: string): boolean => this.#ownSchemas.has(schema)
    const placement = placementOf(request.statement, request.params, this.pool, isOwn)
    if (parsed.attached?.file !== undefined) {
      const count = this.pool.settings.attached + this.#ownSchemas.size
      expectAttachable(count, this.limits, sql)
    }
    if (placement === 'own') {
      this.#expectOwn(sql)
      this.#attaching = parsed.attached === null ? null : schemaOf(parsed.attached, request.params)
    } else if (placement === 'transaction') {
      if (!this.#inTransaction) throw notInTransaction(sql)
    } else if (placement !== 'any') {
      if (this.#inTransaction) throw settingRefused(sql)
      request.setting = placement
      request.params = []
    }
  }

  #expectOwn(sql: string): void {
    if (this.pool.options.readonly) {
      throw new NotSupportedError(
        'a readonly database has no writer to hold temporary objects; use a WITH clause, or another database',
        { code: 'UNSUPPORTED', sql },
      )
    }
    this.#own ??= new OwnConnection()
  }

  // What the pool would check too, the lease does not.
  #expectSendable(request: Request): void {
    const { statement } = request
    const { sql } = statement
    if (this.#own?.lost) this.#loseOwn()
    if (this.#lost !== null) throw this.#lost(sql)
    if (this.#lease !== null) {
      const refusal = unsendable(request, this.pool.options.maxFrameBytes)
      if (refusal !== null) throw refusal
      if (this.#inTransaction) return
    }
    const { counter } = statement.parsed
    if (counter !== null && !request.script) throw counterRefused(counter, sql)
    if (!this.pool.options.readonly || !opensTransaction(statement)) return
    throw new NotSupportedError(
      'a readonly database has no writer to hold a transaction; each SELECT sees one snapshot by itself',
      { code: 'UNSUPPORTED', sql },
    )
  }

  // Learns from each answer whether the transaction is open, and from its death that it was lost.
  #note(request: Request): void {
    this.#running.delete(request)
    this.#noteSchema(request)
    const { inTransaction, lease } = request
    if (inTransaction === null) {
      // A script that was in none has lost nothing but its end, and says so itself.
      // One that could not even be sent leaves the writer as it was: held, if it was not the first part.
      if (request.script && lease !== null && !this.#inTransaction)
        this.#lease = lease.released === null ? lease : null
      else this.#noteLoss(lease)
      return
    }
    this.#inTransaction = inTransaction
    const held = lease ?? this.#lease
    this.#lease = held !== null && held.released === null ? held : null
  }

  // Only what SQLite has attached is its own: what failed may be the pool's.
  #noteSchema({ statement, succeeded }: Request): void {
    const schema = this.#attaching
    if (schema === null) return
    this.#attaching = null
    if (!succeeded) return
    if (statement.parsed.attached?.file === undefined) this.#ownSchemas.delete(schema)
    else this.#ownSchemas.add(schema)
  }

  #noteLoss(lease: Lease | null): void {
    if (lease?.released !== 'discard') return
    this.#lease = null
    this.#inTransaction = false
    this.#lost ??= transactionLost
  }

  #loseOwn(): void {
    this.#own = null
    this.#ownSchemas.clear()
    this.#lost ??= ownConnectionLost
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
      if (!ENDING.has(request.statement.parsed.verb)) this.pool.abandon(request, interrupted(request))
    this.halfReads.breakOff((sql) => interruptedError(sql))
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
      rollback.own = this.#own
      this.#lease.submit(rollback)
      // A transaction whose child died was rolled back by that.
      await rollback.catch(() => {})
    } finally {
      this.#lease = null
      if (this.#own !== null) this.pool.leave(this.#own)
      this.#gate.leave()
    }
  }

  #sendEnd(execution: ExecuteRequest, verb: 'COMMIT' | 'ROLLBACK'): void {
    // A child that died while the transaction was idle has told nobody yet.
    this.#noteLoss(this.#lease)
    if (this.#own?.lost) this.#loseOwn()
    if (verb === 'ROLLBACK') this.#lost = null
    if (this.#inTransaction || this.#lost !== null) this.#send(execution)
    else execution.skip()
  }

  /**
   * Begins a transaction, or a savepoint of this name in the one that is open. Resolves with the name, null if it
   * has begun a transaction.
   */
  async begin(savepoint: string, options?: CallOptions): Promise<string | null> {
    this.expectOpen()
    const interrupts = this.#interrupts
    await this.#turn()
    try {
      if (interrupts !== this.#interrupts) throw interruptedError('BEGIN', 'no')
      const nested = this.#inTransaction
      const { isolationLevel } = this.settings
      await this.#runNow(
        nested ? `SAVEPOINT ${savepoint}` : `BEGIN ${isolationLevel ?? 'IMMEDIATE'}`,
        options,
      )
      return nested ? savepoint : null
    } finally {
      this.#gate.leave()
    }
  }

  // Commits what is open, for one that has its turn already.
  async #commitNow(options?: CallOptions): Promise<void> {
    this.#noteLoss(this.#lease)
    if (this.#inTransaction || this.#lost !== null) await this.#runNow('COMMIT', options)
  }

  // Runs a statement for one that has its turn already.
  async #runNow(sql: string, options?: CallOptions): Promise<void> {
    const statement = this.pool.router.statement(sql)
    const exchange = new Exchange(statement, null, 0, deadlineOf(options), options?.signal ?? null)
    this.#send(exchange)
    try {
      await exchange.answer
    } finally {
      this.#note(exchange)
    }
  }
}

function schemaOf({ schema }: ParsedAttached, params: readonly SqlValue[]): string {
  return inLowerCase(String(typeof schema === 'number' ? params[schema] : schema))
}

/** The refusal of a setting within a transaction. */
export function settingRefused(sql: string): ProgrammingError {
  return new ProgrammingError(
    'this holds for every connection of the pool, and cannot be done within a transaction: commit or roll back first',
    { code: 'IN_TRANSACTION', sql },
  )
}

function notInTransaction(sql: string): ProgrammingError {
  return new ProgrammingError('this pragma ends with its transaction: begin one first', {
    code: 'NO_TRANSACTION',
    sql,
  })
}

function interrupted({ applied, statement }: Request): QueryCancelled {
  return interruptedError(statement.sql, applied)
}

function interruptedError(sql: string, applied?: Applied): QueryCancelled {
  return new QueryCancelled('interrupted', { code: 'SQLITE_INTERRUPT', sql, applied })
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

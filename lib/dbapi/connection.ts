/**
 * Connection: PEP 249's connection. Runs in the caller. It keeps the order of its calls, begins transactions
 * as Python's sqlite3 does, and holds the writer's Lease while one is open; who runs what is the pool's business.
 */
import { type Error as DbapiError, NotSupportedError, ProgrammingError } from '../errors.ts'
import { transactionLost } from '../pool/failures.ts'
import type { Lease } from '../pool/lease.ts'
import type { Request } from '../pool/request.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { type CallOptions, deadlineOf } from './call-options.ts'
import { Cursor, type Executor } from './cursor.ts'
import { runMany } from './executemany.ts'
import { Execution, failedExecution } from './execution.ts'
import { Gate } from './gate.ts'
import type { IsolationLevel } from './options.ts'
import { bindValues, boundBytes, type Parameters } from './values.ts'

let numbered = 0

/** What a Connection is made with. */
export interface ConnectionSettings {
  autocommit: boolean
  isolationLevel: IsolationLevel
  arraysize: number
}

export class Connection implements Executor {
  readonly pool: WorkerPool
  readonly #settings: ConnectionSettings
  readonly #onClose: () => Promise<void>
  readonly #label = `connection ${++numbered}`
  readonly #gate = new Gate()
  // The open transaction; null when there is none.
  #lease: Lease | null = null
  // Its transaction died with the writer. Every call says so until rollback(), or half of it would commit.
  #lost = false
  #totalChanges = 0
  #closing: Promise<void> | null = null

  /** Made by `connect()` and `pool.connect()`. */
  constructor(pool: WorkerPool, settings: ConnectionSettings, onClose: () => Promise<void>) {
    this.pool = pool
    this.#settings = settings
    this.#onClose = onClose
  }

  /** Itself: what its cursors call their connection. */
  get connection(): Connection {
    return this
  }

  /** Whether a transaction is open: after the newest answer, not counting calls under way. */
  get inTransaction(): boolean {
    this.#expectOpen()
    return this.#lease !== null
  }

  /** The sum of its statements' rowcounts. */
  get totalChanges(): number {
    this.#expectOpen()
    return this.#totalChanges
  }

  /** Whether every statement commits by itself. Set when connecting. */
  get autocommit(): boolean {
    return this.#settings.autocommit
  }

  /** How the implicit transaction begins; null for never. Set when connecting. */
  get isolationLevel(): IsolationLevel {
    return this.#settings.isolationLevel
  }

  /** A new cursor. Throws a ProgrammingError when the connection is closed. */
  cursor(): Cursor {
    this.#expectOpen()
    const cursor = new Cursor(this, null)
    cursor.arraysize = this.#settings.arraysize
    return cursor
  }

  /** Runs one statement on a cursor of its own: `await conn.execute(sql)` is that cursor. */
  execute(sql: string, params?: Parameters, options?: CallOptions): Execution {
    return this.start(null, sql, params, options)
  }

  /** Runs an INSERT, UPDATE, DELETE or REPLACE for each set of parameters, on a cursor of its own. */
  async executemany(
    sql: string,
    sets: Iterable<Parameters> | AsyncIterable<Parameters>,
    options?: CallOptions,
  ): Promise<Cursor> {
    return this.cursor().executemany(sql, sets, options)
  }

  /** Commits the open transaction; does nothing without one. When it fails, the transaction is still open. */
  async commit(options?: CallOptions): Promise<void> {
    await this.#end('COMMIT', options)
  }

  /** Rolls the open transaction back; does nothing without one. */
  async rollback(options?: CallOptions): Promise<void> {
    await this.#end('ROLLBACK', options)
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

  start(cursor: Cursor | null, sql: string, params?: Parameters, options?: CallOptions): Execution {
    try {
      this.#expectOpen()
      const statement = this.pool.router.statement(sql)
      const values = bindValues(statement, params)
      const deadline = deadlineOf(options)
      const signal = options?.signal ?? null
      const execution = new Execution(this, cursor, statement, values, boundBytes(), deadline, signal)
      this.#enter(execution, () => this.#send(execution))
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
    await this.#turn()
    try {
      const changes = await runMany(
        run,
        (slice) => this.#send(slice),
        (slice) => this.#note(slice),
      )
      this.#totalChanges += changes
      return changes
    } finally {
      this.#gate.leave()
    }
  }

  answered(execution: Execution): void {
    if (!execution.admitted) return
    execution.admitted = false
    this.#note(execution)
    if (execution.rowcount > 0) this.#totalChanges += execution.rowcount
    this.#gate.leave()
  }

  #enter(execution: Execution, send: () => void): void {
    this.#gate.enter({
      alone: execution.statement.route === 'writer',
      run: () => {
        execution.admitted = true
        send()
      },
    })
  }

  // Waits for a turn alone; the caller of this leaves the gate.
  #turn(): Promise<void> {
    return new Promise((resolve) => this.#gate.enter({ alone: true, run: resolve }))
  }

  #send(request: Request): void {
    const { statement } = request
    request.label = this.#label
    this.#noteLoss(this.#lease)
    if (this.#lost) {
      const error = transactionLost(statement.sql)
      request.fail(() => error, null)
      return
    }
    if (this.#lease !== null) {
      this.#lease.submit(request)
      return
    }
    const { counter, verb } = statement.parsed
    const readonly = this.pool.options.readonly
    if (counter !== null) {
      const error = counterRefused(counter, statement.sql)
      request.fail(() => error, null)
      return
    }
    if (readonly && (verb === 'BEGIN' || verb === 'SAVEPOINT')) {
      const error = new NotSupportedError(
        'a readonly database has no writer to hold a transaction; each SELECT sees one snapshot by itself',
        { code: 'UNSUPPORTED', sql: statement.sql },
      )
      request.fail(() => error, null)
      return
    }
    const { autocommit, isolationLevel } = this.#settings
    if (statement.writes && !readonly && !autocommit && isolationLevel !== null)
      request.begin = isolationLevel
    request.pins = request.begin !== null || verb === 'BEGIN' || verb === 'SAVEPOINT'
    this.pool.submit(request)
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

  #end(verb: 'COMMIT' | 'ROLLBACK', options?: CallOptions): Promise<unknown> | Execution {
    this.#expectOpen()
    const statement = this.pool.router.statement(verb)
    const signal = options?.signal ?? null
    const execution = new Execution(this, null, statement, [], 0, deadlineOf(options), signal)
    this.#enter(execution, () => this.#sendEnd(execution, verb))
    return execution
  }

  #sendEnd(execution: Execution, verb: 'COMMIT' | 'ROLLBACK'): void {
    // A child that died while the transaction was idle has told nobody yet.
    this.#noteLoss(this.#lease)
    if (this.#lost && verb === 'ROLLBACK') this.#lost = false
    if (this.#lease !== null || this.#lost) this.#send(execution)
    else execution.skip()
  }

  async #close(): Promise<void> {
    await this.#turn()
    try {
      if (this.#lease !== null && this.#lease.released === null) {
        const statement = this.pool.router.statement('ROLLBACK')
        const rollback = new Execution(this, null, statement, [], 0, Number.POSITIVE_INFINITY, null)
        this.#lease.submit(rollback)
        // A transaction whose child died was rolled back by that.
        await rollback.catch(() => {})
      }
    } finally {
      this.#lease = null
      this.#gate.leave()
    }
    await this.#onClose()
  }

  #expectOpen(): void {
    if (this.#closing !== null) throw new ProgrammingError('the connection is closed', { code: 'CLOSED' })
  }
}

/** The refusal of a function that tells of the SQLite connection it happens to run on. */
export function counterRefused(counter: string, sql: string): ProgrammingError {
  return new ProgrammingError(
    `${counter}() tells of one SQLite connection, and outside a transaction each statement may run on another: ` +
      "read the cursor's lastrowid or rowcount",
    { code: 'BAD_STATEMENT', sql },
  )
}

/**
 * Execution: what `execute()` returns: a statement under way, to be awaited or asked for its rows. Runs in the
 * caller. Behind it is the Request itself, so that a call makes one object and, when its rows are asked for,
 * one promise.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { type Error as DbapiError, QueryCancelled } from '../errors.ts'
import { type Detail, Request, type WireColumns } from '../pool/request.ts'
import { Statement } from '../pool/router.ts'
import type { WorkerProcess } from '../pool/worker-process.ts'
import { parseSql } from '../sql/parse.ts'
import { type CallOptions, deadlineOf, ended } from './call-options.ts'
import type { ColumnDescription } from './columns.ts'
import { Cursor, type Executor } from './cursor.ts'
import { expectLength, expectVariables } from './limits.ts'
import { rejectAtCall, rejectAtCaller } from './rejection.ts'
import { Rest } from './rest.ts'
import { Result } from './result.ts'
import type { RowFactory, RowReader } from './row-factory.ts'
import { RowIterator } from './row-iterator.ts'
import { bindValues, boundBytes, type Parameters, type RowArray } from './values.ts'

/**
 * A statement that has been started. Await it for its cursor, or ask at once for its rows:
 * `await conn.execute(sql)`, `await conn.execute(sql).fetchall()`, `for await (const row of conn.execute(sql))`.
 *
 * An error that nobody has asked for when it arrives becomes an unhandled rejection, as with any promise.
 */
export interface Execution<R = RowArray>
  extends Pick<Promise<Cursor<R>>, 'then' | 'catch' | 'finally'>,
    AsyncIterable<R> {
  /** PEP 249, Cursor Objects, .fetchone(): the next row, or null at the end. */
  fetchone(options?: CallOptions): Promise<R | null>
  /** PEP 249, Cursor Objects, .fetchmany(): the next `size` rows (default: `arraysize`), fewer at the end. */
  fetchmany(size?: number, options?: CallOptions): Promise<R[]>
  /** PEP 249, Cursor Objects, .fetchall(): all rows that are left, in order. */
  fetchall(options?: CallOptions): Promise<R[]>
  /** The rows that are left, one by one. Leaving the loop early lets go of the rest. */
  [Symbol.asyncIterator](): AsyncIterableIterator<R>
}

type Resolve = (value: unknown) => void

const NO_VALUES: SqlValue[] = []

/** The Execution that is the pool's Request itself. */
export class ExecuteRequest extends Request implements Execution<unknown>, RowReader {
  /** Whether its Connection's gate has let it in, and hears of its answer. */
  admitted = false
  /** Whether it was answered, by a result or an error. */
  answered = false
  /** Rows changed by an INSERT, UPDATE, DELETE or REPLACE; -1 for any other, and before the answer. */
  rowcount = -1
  /** The rowid of the row it inserted; undefined if it inserted none. */
  lastrowid: number | bigint | undefined = undefined
  readonly #executor: Executor
  #cursor: Cursor<unknown> | null
  // For the cursor it may come to make: what its Connection's was when the call was made, as in Python.
  readonly #rowFactory: RowFactory
  #result: Result | null = null
  #closed = false
  // Where it was called from, with the option captureStacks.
  #calledAt: Error | null = null
  // The first to ask while it runs, and for what: the hot path. Whoever asks then goes by #whenAnswered().
  #resolve: Resolve | null = null
  #wantsRows = false
  #others: { promise: Promise<void>; resolve: Resolve } | null = null
  #failed: Promise<never> | null = null

  /** `cursor` is the one that it was executed on; null for one of its own, made when asked for. */
  constructor(
    executor: Executor,
    cursor: Cursor<unknown> | null,
    statement: Statement,
    params: SqlValue[],
    bytes: number,
    deadline: number,
    signal: AbortSignal | null,
  ) {
    super(statement, params, bytes, deadline, signal)
    this.#executor = executor
    this.#cursor = cursor
    this.#rowFactory = executor.rowFactory
    if (executor.captureStacks) this.#calledAt = new Error('called here')
  }

  /** PEP 249's description; null for a statement without a result set, and before the answer. */
  get description(): readonly ColumnDescription[] | null {
    return this.#result?.description ?? null
  }

  /** The declared types of the columns; null where `description` is. */
  get declaredTypes(): readonly (string | null)[] | null {
    return this.#result?.declaredTypes ?? null
  }

  /** The index of the next row, from 0; null where `description` is. */
  get rownumber(): number | null {
    return this.#result?.rownumber ?? null
  }

  get rowFactory(): RowFactory {
    return this.#cursor === null ? this.#rowFactory : this.#cursor.rowFactory
  }

  get detectTypes(): number {
    return this.#executor.detectTypes
  }

  /** The cursor that it was executed on, or its own. */
  ownCursor(): Cursor<unknown> {
    if (this.#cursor === null) {
      this.#cursor = new Cursor(this.#executor, this)
      this.#cursor.rowFactory = this.#rowFactory
    }
    return this.#cursor
  }

  // biome-ignore lint/suspicious/noThenProperty: an Execution is a thenable of its cursor by design.
  then<A = Cursor<unknown>, B = never>(
    onFulfilled?: ((cursor: Cursor<unknown>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#whenCursor().then(onFulfilled, onRejected)
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<Cursor<unknown> | B> {
    return this.#whenCursor().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<Cursor<unknown>> {
    return this.#whenCursor().finally(onFinally)
  }

  async fetchone(options?: CallOptions): Promise<unknown> {
    if (options !== undefined) return this.#within(options, () => this.fetchone())
    return (this.#result ?? (await this.#whenAnswered())).fetchone()
  }

  async fetchmany(size?: number, options?: CallOptions): Promise<unknown[]> {
    if (options !== undefined) return this.#within(options, () => this.fetchmany(size))
    const rows = size ?? this.#cursor?.arraysize ?? this.#executor.arraysize
    return (this.#result ?? (await this.#whenAnswered())).fetchmany(rows)
  }

  fetchall(options?: CallOptions): Promise<unknown[]> {
    if (options !== undefined) return this.#within(options, () => this.fetchall())
    // At once, as the other fetches: calls that overlap are served in their order.
    if (this.#result !== null) return Promise.resolve(this.#result.fetchall())
    if (this.#isFirst) {
      this.#wantsRows = true
      return new Promise<unknown[]>((resolve) => {
        this.#resolve = resolve as Resolve
      })
    }
    return this.#whenAnswered().then((result) => result.fetchall())
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return new RowIterator(this)
  }

  /** A row that is here already, or undefined: spares iteration a promise each. It is to be handed to make(). */
  takeRow(): SqlValue[] | undefined {
    return this.#result?.takeRow()
  }

  /** The next row, to be handed to make(); null at the end. */
  async nextRow(): Promise<SqlValue[] | null> {
    return (this.#result ?? (await this.#whenAnswered())).nextRow()
  }

  /** What a row is handed out as. Throws what a row factory or a converter throws. */
  make(row: SqlValue[]): unknown {
    return (this.#result as Result).make(row)
  }

  /** Lets go of the rows that are left, or will come, here and in the child. */
  close(): void {
    this.#closed = true
    this.#result?.close()
  }

  override succeed(
    worker: WorkerProcess,
    rows: SqlValue[][],
    rest: number,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void {
    const { halfReads } = this.#executor
    const careful = this.late || rows.length === 1
    const left = rest === 0 ? null : new Rest(halfReads, worker, rest, this.statement, careful)
    const result = new Result(this.statement, rows, columns, left, this)
    if (detail !== null && this.statement.writes) {
      this.rowcount = detail[0]
      if (detail[1] !== null) this.lastrowid = detail[1]
    }
    this.#settle(result)
  }

  /** Answers it without a child: there was nothing to do. */
  skip(): void {
    this.#executor.pool.settle(this)
    this.#settle(new Result(this.statement, [], null, null, this))
  }

  override fail(make: () => Error): void {
    this.answered = true
    this.#executor.answered(this)
    const failed = this.#calledAt === null ? rejectAtCaller(make) : rejectAtCall(make, this.#calledAt)
    this.#failed = failed
    // Whoever waits gets it through the promise they have. If nobody does, it stays unhandled, as it should.
    this.#resolve?.(failed)
    this.#others?.resolve(failed)
  }

  /** Fails it before it could be sent. The error was made under the caller's own call, and keeps that stack. */
  refuse(error: DbapiError): void {
    this.answered = true
    this.#failed = Promise.reject(error)
  }

  // A fetch with a time limit or a signal. When that ends it, the statement and its rows are let go of too.
  async #within<T>(options: CallOptions, fetch: () => Promise<T>): Promise<T> {
    const deadline = deadlineOf(options)
    const { sql } = this.statement
    try {
      return await ended(fetch(), deadline, options.signal ?? null, sql)
    } catch (error) {
      if (error instanceof QueryCancelled) {
        if (!this.answered) this.#executor.pool.abandon(this, error)
        this.close()
      }
      throw error
    }
  }

  #settle(result: Result): void {
    this.answered = true
    // A cursor that is kept must not keep the BLOBs that went in.
    this.params = NO_VALUES
    this.#result = result
    if (this.#closed) result.close()
    this.#executor.answered(this)
    const resolve = this.#resolve
    this.#resolve = null
    resolve?.(this.#wantsRows ? result.fetchall() : this.ownCursor())
    this.#others?.resolve(undefined)
  }

  // Whether nobody has asked before, for whom #resolve would be too early.
  get #isFirst(): boolean {
    return !this.answered && this.#resolve === null && this.#others === null
  }

  #whenCursor(): Promise<Cursor<unknown>> {
    if (this.#isFirst) {
      return new Promise<Cursor<unknown>>((resolve) => {
        this.#resolve = resolve as Resolve
      })
    }
    return this.#whenAnswered().then(() => this.ownCursor())
  }

  async #whenAnswered(): Promise<Result> {
    if (this.#failed !== null) await this.#failed
    if (!this.answered) {
      this.#others ??= deferred()
      await this.#others.promise
    }
    return this.#result as Result
  }
}

function deferred(): { promise: Promise<void>; resolve: Resolve } {
  let resolve: Resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle as Resolve
  })
  return { promise, resolve }
}

/** An Execution of `sql`, not yet started. Throws what is wrong with the text, its parameters or its options. */
export function newExecution(
  executor: Executor,
  cursor: Cursor<unknown> | null,
  sql: string,
  params?: Parameters,
  options?: CallOptions,
): ExecuteRequest {
  const { limits } = executor
  expectLength(sql, limits)
  const statement = executor.pool.router.statement(sql)
  expectVariables(statement, limits)
  const values = bindValues(statement, params)
  const bytes = boundBytes() + statement.bytes
  const deadline = deadlineOf(options)
  return new ExecuteRequest(executor, cursor, statement, values, bytes, deadline, options?.signal ?? null)
}

/** The Execution of a COMMIT or ROLLBACK of our own, which no limit keeps back. */
export function newEnd(
  executor: Executor,
  verb: 'COMMIT' | 'ROLLBACK',
  options?: CallOptions,
): ExecuteRequest {
  const statement = executor.pool.router.statement(verb)
  const deadline = deadlineOf(options)
  return new ExecuteRequest(executor, null, statement, [], 0, deadline, options?.signal ?? null)
}

const NO_STATEMENT = new Statement(parseSql(''))

/** An Execution that failed before it could be started. */
export function refusedExecution(
  executor: Executor,
  cursor: Cursor<unknown> | null,
  error: DbapiError,
): ExecuteRequest {
  const execution = new ExecuteRequest(executor, cursor, NO_STATEMENT, [], 0, Number.POSITIVE_INFINITY, null)
  execution.refuse(error)
  return execution
}

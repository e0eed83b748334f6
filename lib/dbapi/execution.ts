/**
 * Execution: what `execute()` returns: a statement under way and then its result. Runs in the caller. It is
 * the Request itself, so that a call makes one object and, when its rows are asked for, one promise.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { type Error as DbapiError, ProgrammingError } from '../errors.ts'
import { type Detail, Request, type WireColumns } from '../pool/request.ts'
import { Statement } from '../pool/router.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { WorkerProcess } from '../pool/worker-process.ts'
import { parseSql } from '../sql/parse.ts'
import { Cursor, type Executor } from './cursor.ts'
import { Exchange } from './exchange.ts'
import { rejectAtCaller } from './rejection.ts'
import { RowIterator } from './row-iterator.ts'

/** A row: one value for each column, in column order. Integers beyond ±2^53 are bigint, BLOBs are Buffers. */
export type Row = (null | number | bigint | string | Buffer)[]

/** A column of PEP 249's `description`: name, type code, and five items that SQLite does not know. */
export type ColumnDescription = readonly [
  name: string,
  typeCode: string | null,
  displaySize: null,
  internalSize: null,
  precision: null,
  scale: null,
  nullOk: null,
]

type Resolve = (value: unknown) => void

const NO_ROWS: SqlValue[][] = []

// A result that is dropped half-read is let go of in the child too.
const dropped = new FinalizationRegistry<{ pool: WorkerPool; worker: WorkerProcess; cursor: number }>(
  ({ pool, worker, cursor }) => pool.finalize(worker, cursor),
)

/**
 * A statement that has been started. Await it for its cursor, or ask at once for its rows:
 * `await conn.execute(sql)`, `await conn.execute(sql).fetchall()`, `for await (const row of conn.execute(sql))`.
 *
 * An error that nobody has asked for when it arrives becomes an unhandled rejection, as with any promise.
 */
export class Execution extends Request implements PromiseLike<Cursor> {
  /** Whether its Connection's gate has let it in, and hears of its answer. */
  admitted = false
  readonly #executor: Executor
  #cursor: Cursor | null
  #answered = false
  // The first to ask while it runs, and for what: the hot path. Whoever asks then goes by #whenAnswered().
  #resolve: Resolve | null = null
  #wantsRows = false
  #others: { promise: Promise<void>; resolve: Resolve } | null = null
  #failed: Promise<never> | null = null
  // The chunk that is here, and how far it is read.
  #rows: SqlValue[][] = NO_ROWS
  #at = 0
  #read = 0
  // The child's number for the rest of the result, 0 if there is none, and who has it.
  #rest = 0
  #worker: WorkerProcess | null = null
  #fetching: Promise<void> | null = null
  #closed = false
  #columns: WireColumns | null = null
  #description: ColumnDescription[] | null = null
  #changes = -1
  /** The rowid of the row it inserted; undefined if it inserted none. */
  lastrowid: number | bigint | undefined = undefined

  constructor(
    executor: Executor,
    cursor: Cursor | null,
    statement: Statement,
    params: SqlValue[],
    bytes: number,
    deadline: number,
    signal: AbortSignal | null,
  ) {
    super(statement, params, bytes, deadline, signal)
    this.#executor = executor
    this.#cursor = cursor
  }

  /** Whether it has been answered, by a result or an error. */
  get answered(): boolean {
    return this.#answered
  }

  /** Rows changed by an INSERT, UPDATE, DELETE or REPLACE; -1 for any other, and before the answer. */
  get rowcount(): number {
    return this.#changes
  }

  /** Rows read so far. */
  get rownumber(): number {
    return this.#read
  }

  /** PEP 249's description; null for a statement without a result set, and before the answer. */
  get description(): readonly ColumnDescription[] | null {
    if (this.#columns === null) return null
    this.#description ??= this.#columns.map(([name, type]) => [name, type, null, null, null, null, null])
    return this.#description
  }

  // biome-ignore lint/suspicious/noThenProperty: an Execution is a thenable of its cursor by design.
  then<A = Cursor, B = never>(
    onFulfilled?: ((cursor: Cursor) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#whenCursor().then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Cursor | B> {
    return this.#whenCursor().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<Cursor> {
    return this.#whenCursor().finally(onFinally)
  }

  /** PEP 249, Cursor Objects, .fetchone(): the next row, or null at the end. */
  async fetchone(): Promise<Row | null> {
    if (!this.#answered) await this.#whenAnswered()
    this.#expectRows()
    if (this.#at === this.#rows.length && !(await this.#nextChunk())) return null
    this.#read++
    return this.#rows[this.#at++] as Row
  }

  /** PEP 249, Cursor Objects, .fetchmany(): the next `size` rows, fewer at the end. */
  async fetchmany(size = 1): Promise<Row[]> {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ProgrammingError(`fetchmany takes a whole number of rows, 0 or more, not ${String(size)}`, {
        code: 'BAD_PARAMETERS',
      })
    }
    if (!this.#answered) await this.#whenAnswered()
    this.#expectRows()
    const rows: SqlValue[][] = []
    while (rows.length < size && (this.#at < this.#rows.length || (await this.#nextChunk()))) {
      const end = Math.min(this.#rows.length, this.#at + size - rows.length)
      for (; this.#at < end; this.#at++) rows.push(this.#rows[this.#at] as SqlValue[])
    }
    this.#read += rows.length
    return rows as Row[]
  }

  /** PEP 249, Cursor Objects, .fetchall(): all rows that are left, in order. */
  fetchall(): Promise<Row[]> {
    if (!this.#answered && this.#resolve === null) {
      this.#wantsRows = true
      return new Promise<Row[]>((resolve) => {
        this.#resolve = resolve as Resolve
      })
    }
    return this.#whenAnswered().then(() => this.#takeAll())
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Row> {
    return new RowIterator(this)
  }

  /** A row that is here already, or undefined: spares iteration a promise each. Called once it is answered. */
  takeRow(): Row | undefined {
    if (this.#closed || this.#at === this.#rows.length) return undefined
    this.#read++
    return this.#rows[this.#at++] as Row
  }

  /** Lets go of the rows that are left, here and in the child. */
  close(): void {
    this.#closed = true
    this.#rows = NO_ROWS
    this.#at = 0
    if (this.#rest === 0) return
    this.#executor.pool.finalize(this.#worker as WorkerProcess, this.#rest)
    this.#endOfResult()
  }

  /** Answers it without a child: there was nothing to do. */
  skip(): void {
    this.state = 'done'
    this.#settle()
  }

  override succeed(
    worker: WorkerProcess,
    rows: SqlValue[][],
    rest: number,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void {
    this.#rows = rows
    this.#columns = columns
    if (rest !== 0) this.#holdRest(worker, rest)
    if (this.#closed) this.close()
    if (detail !== null && this.statement.writes) {
      this.#changes = detail[0]
      if (detail[1] !== null) this.lastrowid = detail[1]
    }
    this.#settle()
  }

  #settle(): void {
    this.#answered = true
    this.#executor.answered(this)
    const resolve = this.#resolve
    if (resolve !== null) {
      this.#resolve = null
      if (this.#wantsRows) this.#resolveRows(resolve)
      else resolve(this.#ownCursor())
    }
    this.#others?.resolve(undefined)
  }

  /** Fails it before it could be sent. The error was made under the caller's own call, and keeps that stack. */
  refuse(error: DbapiError): void {
    this.#answered = true
    this.#failed = Promise.reject(error)
  }

  override fail(make: () => Error): void {
    this.#answered = true
    this.#executor.answered(this)
    const failed = rejectAtCaller(make)
    this.#failed = failed
    // Whoever waits gets it through the promise they have. If nobody does, it stays unhandled, as it should.
    this.#resolve?.(failed)
    this.#others?.resolve(failed)
  }

  // The promise for the cursor: made when first asked for, and only one.
  #whenCursor(): Promise<Cursor> {
    if (!this.#answered && this.#resolve === null) {
      return new Promise<Cursor>((resolve) => {
        this.#resolve = resolve as Resolve
      })
    }
    return this.#whenAnswered().then(() => this.#ownCursor())
  }

  #whenAnswered(): Promise<void> {
    if (this.#failed !== null) return this.#failed
    if (this.#answered) return Promise.resolve()
    if (this.#others === null) {
      let resolve: Resolve = () => {}
      const promise = new Promise<void>((settle) => {
        resolve = settle as Resolve
      })
      this.#others = { promise, resolve }
    }
    return this.#others.promise
  }

  #ownCursor(): Cursor {
    this.#cursor ??= new Cursor(this.#executor, this)
    return this.#cursor
  }

  #resolveRows(resolve: Resolve): void {
    if (this.#rest === 0 && this.#columns !== null) {
      this.#at = this.#rows.length
      this.#read = this.#at
      resolve(this.#rows)
    } else {
      resolve(this.#takeAll())
    }
  }

  async #takeAll(): Promise<Row[]> {
    this.#expectRows()
    const rows = this.#at === 0 ? this.#rows : this.#rows.slice(this.#at)
    this.#at = this.#rows.length
    while (await this.#nextChunk()) {
      for (const row of this.#rows) rows.push(row)
      this.#at = this.#rows.length
    }
    this.#read += rows.length
    return rows as Row[]
  }

  // Brings the next chunk; false at the end. Calls that overlap wait for the same chunk.
  async #nextChunk(): Promise<boolean> {
    while (this.#at === this.#rows.length) {
      if (this.#rest === 0 && this.#fetching === null) return false
      this.#fetching ??= this.#fetchChunk().finally(() => {
        this.#fetching = null
      })
      await this.#fetching
    }
    return true
  }

  async #fetchChunk(): Promise<void> {
    const worker = this.#worker as WorkerProcess
    const request = new Exchange(this.statement, null, 0, Number.POSITIVE_INFINITY, null, false)
    this.#executor.pool.fetch(worker, request, this.#rest)
    this.#endOfResult()
    const { rows, rest } = await request.answer
    // Closed meanwhile: the child still has what is left.
    if (this.#closed) {
      if (rest !== 0) this.#executor.pool.finalize(worker, rest)
      return
    }
    this.#rows = rows
    this.#at = 0
    if (rest !== 0) this.#holdRest(worker, rest)
  }

  #holdRest(worker: WorkerProcess, cursor: number): void {
    this.#worker = worker
    this.#rest = cursor
    dropped.register(this, { pool: this.#executor.pool, worker, cursor }, this)
  }

  #endOfResult(): void {
    this.#rest = 0
    this.#worker = null
    dropped.unregister(this)
  }

  #expectRows(): void {
    if (this.#closed) {
      throw new ProgrammingError('this result was closed, or its cursor has executed something else since', {
        code: 'RESULT_GONE',
        sql: this.statement.sql,
      })
    }
    if (this.#columns === null) {
      throw new ProgrammingError('the statement has no result set to fetch from', {
        code: 'NO_RESULT',
        sql: this.statement.sql,
      })
    }
  }
}

const NO_STATEMENT = new Statement(parseSql(''))

/** An Execution that failed before it could be started. */
export function failedExecution(executor: Executor, cursor: Cursor | null, error: DbapiError): Execution {
  const execution = new Execution(executor, cursor, NO_STATEMENT, [], 0, Number.POSITIVE_INFINITY, null)
  execution.refuse(error)
  return execution
}

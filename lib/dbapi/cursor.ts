/**
 * Cursor: PEP 249's cursor over its newest Execution. Runs in the caller. It holds what outlives one statement
 * (arraysize, lastrowid) and asks its executor, a Connection or a Pool, for everything else.
 */
import { NotSupportedError, ProgrammingError } from '../errors.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { CallOptions } from './call-options.ts'
import type { ColumnDescription } from './columns.ts'
import type { Connection } from './connection.ts'
import type { ParameterSets } from './executemany.ts'
import { type ExecuteRequest, type Execution, refusedExecution } from './execution.ts'
import type { Limits } from './options.ts'
import type { HalfReads } from './rest.ts'
import { expectRowFactory, type RowFactory } from './row-factory.ts'
import type { Parameter, Parameters, RowArray } from './values.ts'

/** What a Cursor runs its statements on. */
export interface Executor {
  readonly pool: WorkerPool
  /** The cursor's `connection`; null for a Pool. */
  readonly connection: Connection<unknown> | null
  /** The arraysize of its cursors, in rows. */
  readonly arraysize: number
  /** What its statements may not exceed. */
  readonly limits: Limits
  /** The rowFactory of its new cursors. */
  readonly rowFactory: RowFactory
  /** The option of that name. */
  readonly detectTypes: number
  /** Whether a call keeps its stack, for errors that reach no `await`. */
  readonly captureStacks: boolean
  /** Its results that a child has half-read. */
  readonly halfReads: HalfReads
  /** Throws when it is closed. */
  expectOpen(): void
  /** Starts a statement for a cursor. Never throws: what is wrong fails the Execution. */
  start(
    cursor: Cursor<unknown> | null,
    sql: string,
    params?: Parameters,
    options?: CallOptions,
  ): ExecuteRequest
  /** Runs a statement once for each set of parameters; resolves with the rows changed. */
  startMany(sql: string, sets: ParameterSets, options?: CallOptions): Promise<number>
  /** Runs the statements of a text. */
  startScript(sql: string, options?: CallOptions): Promise<void>
  /** Hears of each answer before the one who waits does. */
  answered(execution: ExecuteRequest): void
}

/**
 * PEP 249, Cursor Objects. `R` is what it hands out of a row. One statement at a time: the calls of several cursors
 * on one Connection keep their order all the same.
 */
export class Cursor<R = RowArray> implements AsyncIterable<R> {
  /** PEP 249, Cursor Objects, .arraysize: rows that fetchmany() takes unless told otherwise. PEP 249 has 1. */
  arraysize: number
  readonly #executor: Executor
  #rowFactory: RowFactory
  #execution: ExecuteRequest | null
  // Of an executemany() that was newer than #execution; then null.
  #changes: number | null = null
  #lastrowid: number | bigint | undefined = undefined
  #busy = false
  #closed = false

  /** Made by `connection.cursor()`, or by an Execution for itself. */
  constructor(executor: Executor, execution: ExecuteRequest | null) {
    this.arraysize = executor.arraysize
    this.#executor = executor
    this.#rowFactory = executor.rowFactory
    this.#execution = execution
  }

  /** PEP 249, Optional DB API Extensions, .connection: the Connection it was made by; null for a Pool's. */
  get connection(): Connection<unknown> | null {
    return this.#executor.connection
  }

  /**
   * What its rows are handed out as: null for arrays, `Row`, `'object'`, or a function; its connection's to begin
   * with. It is asked for at each fetch. Throws a ProgrammingError for anything else. As Python's
   * Cursor.row_factory.
   */
  get rowFactory(): RowFactory {
    return this.#rowFactory
  }

  set rowFactory(factory: RowFactory<R>) {
    this.#rowFactory = expectRowFactory(factory)
  }

  /**
   * PEP 249, Cursor Objects, .description: one item of seven for each column of the newest result, the name and the
   * type object first, then null five times; null for a statement without a result set. A column has a type object
   * where the SQLite package tells what it was declared as, else null.
   */
  get description(): readonly ColumnDescription[] | null {
    return this.#execution?.description ?? null
  }

  /** The types that the columns of the newest result were declared with, as written; null where there are none. */
  get declaredTypes(): readonly (string | null)[] | null {
    return this.#execution?.declaredTypes ?? null
  }

  /** PEP 249, Optional DB API Extensions, .rownumber: the index from 0 of the next row; null without a result set. */
  get rownumber(): number | null {
    return this.#execution?.rownumber ?? null
  }

  /**
   * PEP 249, Cursor Objects, .rowcount: rows changed by the newest INSERT, UPDATE, DELETE or REPLACE; -1 after any
   * other statement.
   */
  get rowcount(): number {
    return this.#changes ?? this.#execution?.rowcount ?? -1
  }

  /**
   * PEP 249, Optional DB API Extensions, .lastrowid: the rowid of the last row this cursor inserted; undefined
   * before the first. Differs from PEP 249: it has None there.
   */
  get lastrowid(): number | bigint | undefined {
    return this.#execution?.lastrowid ?? this.#lastrowid
  }

  /**
   * Runs one statement. Resolves to this cursor; its rows can be asked for at once.
   * The new statement lets go of the rows that are left of the one before.
   * Fails with a ProgrammingError while this cursor's last call is unanswered.
   * `execute<[string, number]>(sql)` says what a row is, where TypeScript cannot know.
   *
   * PEP 249, Cursor Objects, .execute().
   */
  execute<T = R>(sql: string, params?: Parameters, options?: CallOptions): Execution<T> {
    const misuse = this.#misuse()
    if (misuse !== null) return refusedExecution(this.#executor, this, misuse) as Execution<T>
    this.#letGo()
    this.#execution = this.#executor.start(this, sql, params, options)
    return this.#execution as Execution<T>
  }

  /**
   * Runs an INSERT, UPDATE, DELETE or REPLACE once for each set of parameters, in order, and resolves to this
   * cursor; `rowcount` is then the sum. The sets may come from an array, a generator or an async iterable.
   * The first that fails ends it: the error names the row, those before it stay (in the transaction, or for
   * good with `autocommit: true`).
   *
   * PEP 249, Cursor Objects, .executemany().
   */
  async executemany(sql: string, sets: ParameterSets, options?: CallOptions): Promise<this> {
    this.#changes = await this.#during(() => this.#executor.startMany(sql, sets, options))
    return this
  }

  /**
   * Runs the statements of a text, one after the other, and resolves to this cursor; rows that they give are
   * dropped. Commits an open transaction first, unless `autocommit` is on or it is that of a `transaction(fn)`;
   * from then on the text decides. The first statement that fails ends it: the error names it, those before it stay.
   * Rejects with a ProgrammingError, before anything is run, if one of them has parameters or cannot be run here.
   *
   * Source: CPython, sqlite3.Cursor.executescript().
   */
  async executescript(sql: string, options?: CallOptions): Promise<this> {
    await this.#during(() => this.#executor.startScript(sql, options))
    return this
  }

  /**
   * PEP 249, Cursor Objects, .fetchone(): the next row, an array of values in column order unless there is a row
   * factory; null at the end. A ProgrammingError without a result set, as of the other fetches.
   */
  async fetchone(options?: CallOptions): Promise<R | null> {
    return this.#result().fetchone(options) as Promise<R | null>
  }

  /** PEP 249, Cursor Objects, .fetchmany(): the next `size` rows, `arraysize` unless told; fewer at the end. */
  async fetchmany(size: number = this.arraysize, options?: CallOptions): Promise<R[]> {
    return this.#result().fetchmany(size, options) as Promise<R[]>
  }

  /** PEP 249, Cursor Objects, .fetchall(): all rows that are left, in order; `[]` when there are none. */
  async fetchall(options?: CallOptions): Promise<R[]> {
    return this.#result().fetchall(options) as Promise<R[]>
  }

  /** PEP 249, Optional DB API Extensions, .__iter__(): the rows that are left. Leaving the loop lets go of them. */
  [Symbol.asyncIterator](): AsyncIterableIterator<R> {
    return this.#result()[Symbol.asyncIterator]() as AsyncIterableIterator<R>
  }

  /** PEP 249, Cursor Objects, .setinputsizes(): does nothing, as PEP 249 allows: SQLite needs no sizes. */
  setinputsizes(_sizes: readonly unknown[]): void {}

  /** PEP 249, Cursor Objects, .setoutputsize(): does nothing, as PEP 249 allows: values come whole. */
  setoutputsize(_size: number, _column?: number): void {}

  /** PEP 249, Cursor Objects, .nextset(): a NotSupportedError, since an SQLite statement has one result. */
  async nextset(): Promise<never> {
    throw new NotSupportedError(
      'a statement of SQLite has one result set; give each statement an execute() of its own',
      { code: 'UNSUPPORTED' },
    )
  }

  /** PEP 249, Cursor Objects, .callproc(): a NotSupportedError, since SQLite has no stored procedures. */
  async callproc(name: string, _args?: readonly Parameter[]): Promise<never> {
    throw new NotSupportedError(
      `SQLite has no stored procedures, so none is called ${String(name)}; execute its statements one after the ` +
        "other in a transaction, or add a function to SQL by the option 'initializer' and SELECT it",
      { code: 'UNSUPPORTED' },
    )
  }

  /**
   * PEP 249, Cursor Objects, .close(): lets go of the rows that are left. Every later call is a ProgrammingError;
   * closing twice is fine.
   */
  async close(): Promise<void> {
    this.#letGo()
    this.#execution = null
    this.#closed = true
  }

  /** For `await using`: close(). */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // Makes a call that has no Execution: until it is answered, this cursor can do nothing else.
  async #during<T>(call: () => Promise<T>): Promise<T> {
    const misuse = this.#misuse()
    if (misuse !== null) throw misuse
    this.#letGo()
    this.#execution = null
    this.#busy = true
    try {
      return await call()
    } finally {
      this.#busy = false
    }
  }

  #letGo(): void {
    this.#lastrowid = this.lastrowid
    this.#changes = null
    this.#execution?.close()
  }

  #result(): ExecuteRequest {
    this.#executor.expectOpen()
    if (this.#closed) throw closedCursor()
    if (this.#execution === null) {
      throw new ProgrammingError('there is nothing to fetch: execute a query first', { code: 'NO_RESULT' })
    }
    return this.#execution
  }

  // A statement that overtakes the cursor's own last one would leave nobody knowing whose rows these are.
  #misuse(): ProgrammingError | null {
    if (this.#closed) return closedCursor()
    if (this.#busy || this.#execution?.answered === false) {
      return new ProgrammingError(
        'this cursor is still executing: await that first, or use a second cursor (the order of calls is kept)',
        { code: 'CURSOR_BUSY' },
      )
    }
    return null
  }
}

function closedCursor(): ProgrammingError {
  return new ProgrammingError('the cursor is closed', { code: 'CLOSED' })
}

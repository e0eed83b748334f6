/**
 * Cursor: PEP 249's cursor over its newest Execution. Runs in the caller. It holds what outlives one statement
 * (arraysize, lastrowid) and asks its executor, a Connection or a Pool, for everything else.
 */
import { ProgrammingError } from '../errors.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { CallOptions } from './call-options.ts'
import type { Connection } from './connection.ts'
import type { ParameterSets } from './executemany.ts'
import { type ExecuteRequest, type Execution, refusedExecution } from './execution.ts'
import type { Limits } from './options.ts'
import type { HalfReads } from './rest.ts'
import type { ColumnDescription, Row } from './result.ts'
import type { Parameters } from './values.ts'

/** What a Cursor runs its statements on. */
export interface Executor {
  readonly pool: WorkerPool
  /** The cursor's `connection`; null for a Pool. */
  readonly connection: Connection | null
  /** The arraysize of its cursors, in rows. */
  readonly arraysize: number
  /** What its statements may not exceed. */
  readonly limits: Limits
  /** Whether a call keeps its stack, for errors that reach no `await`. */
  readonly captureStacks: boolean
  /** Its results that a child has half-read. */
  readonly halfReads: HalfReads
  /** Throws when it is closed. */
  expectOpen(): void
  /** Starts a statement for a cursor. Never throws: what is wrong fails the Execution. */
  start(cursor: Cursor | null, sql: string, params?: Parameters, options?: CallOptions): ExecuteRequest
  /** Runs a statement once for each set of parameters; resolves with the rows changed. */
  startMany(sql: string, sets: ParameterSets, options?: CallOptions): Promise<number>
  /** Runs the statements of a text. */
  startScript(sql: string, options?: CallOptions): Promise<void>
  /** Hears of each answer before the one who waits does. */
  answered(execution: ExecuteRequest): void
}

export class Cursor implements AsyncIterable<Row> {
  /** Rows that fetchmany() takes unless told otherwise. PEP 249 has 1. */
  arraysize: number
  readonly #executor: Executor
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
    this.#execution = execution
  }

  /** The Connection it was made by; null for a Pool's. */
  get connection(): Connection | null {
    return this.#executor.connection
  }

  /** One item of seven for each column of the newest result: `[name, declared type, null × 5]`; null for none. */
  get description(): readonly ColumnDescription[] | null {
    return this.#execution?.description ?? null
  }

  /** Rows changed by the newest INSERT, UPDATE, DELETE or REPLACE; -1 after any other statement. */
  get rowcount(): number {
    return this.#changes ?? this.#execution?.rowcount ?? -1
  }

  /** The rowid of the last row this cursor inserted; undefined before the first. */
  get lastrowid(): number | bigint | undefined {
    return this.#execution?.lastrowid ?? this.#lastrowid
  }

  /**
   * Runs one statement. Resolves to this cursor; its rows can be asked for at once.
   * The new statement lets go of the rows that are left of the one before.
   * Throws a ProgrammingError while this cursor's last call is unanswered.
   */
  execute(sql: string, params?: Parameters, options?: CallOptions): Execution {
    const misuse = this.#misuse()
    if (misuse !== null) return refusedExecution(this.#executor, this, misuse)
    this.#letGo()
    this.#execution = this.#executor.start(this, sql, params, options)
    return this.#execution
  }

  /**
   * Runs an INSERT, UPDATE, DELETE or REPLACE once for each set of parameters, in order, and resolves to this
   * cursor; `rowcount` is then the sum. The sets may come from an array, a generator or an async iterable.
   * The first that fails ends it: the error names the row, those before it stay (in the transaction, or for
   * good with `autocommit: true`).
   */
  async executemany(sql: string, sets: ParameterSets, options?: CallOptions): Promise<this> {
    const misuse = this.#misuse()
    if (misuse !== null) throw misuse
    this.#letGo()
    this.#execution = null
    this.#busy = true
    try {
      this.#changes = await this.#executor.startMany(sql, sets, options)
    } finally {
      this.#busy = false
    }
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
    const misuse = this.#misuse()
    if (misuse !== null) throw misuse
    this.#letGo()
    this.#execution = null
    this.#busy = true
    try {
      await this.#executor.startScript(sql, options)
    } finally {
      this.#busy = false
    }
    return this
  }

  /** PEP 249, Cursor Objects, .fetchone(): the next row as an array of values in column order, null at the end. */
  async fetchone(options?: CallOptions): Promise<Row | null> {
    return this.#result().fetchone(options)
  }

  /** PEP 249, Cursor Objects, .fetchmany(): the next `size` rows, `arraysize` unless told; fewer at the end. */
  async fetchmany(size: number = this.arraysize, options?: CallOptions): Promise<Row[]> {
    return this.#result().fetchmany(size, options)
  }

  /** PEP 249, Cursor Objects, .fetchall(): all rows that are left, in order; `[]` when there are none. */
  async fetchall(options?: CallOptions): Promise<Row[]> {
    return this.#result().fetchall(options)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Row> {
    return this.#result()[Symbol.asyncIterator]()
  }

  /** Lets go of the rows that are left. Every later call is a ProgrammingError; closing twice is fine. */
  async close(): Promise<void> {
    this.#letGo()
    this.#execution = null
    this.#closed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
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

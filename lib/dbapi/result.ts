/**
 * Result: the rows of a statement that was answered: the chunk that is here, and the way to the next one. Runs
 * in the caller. It knows nothing of who waits for it.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { ProgrammingError } from '../errors.ts'
import type { WireColumns } from '../pool/request.ts'
import type { Statement } from '../pool/router.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { WorkerProcess } from '../pool/worker-process.ts'
import { Exchange } from './exchange.ts'

/** A row: one value for each column, in column order. Integers beyond ±2^53 are bigint, BLOBs are Buffers. */
export type Row = (null | number | bigint | string | Buffer)[]

/** A column of PEP 249's `description`: name, type code (the declared type), and five items that SQLite does not know. */
export type ColumnDescription = readonly [
  name: string,
  typeCode: string | null,
  displaySize: null,
  internalSize: null,
  precision: null,
  scale: null,
  nullOk: null,
]

const NO_ROWS: SqlValue[][] = []

// A result that is dropped half-read is let go of in the child too.
const dropped = new FinalizationRegistry<{ pool: WorkerPool; worker: WorkerProcess; cursor: number }>(
  ({ pool, worker, cursor }) => pool.finalize(worker, cursor),
)

export class Result {
  readonly #pool: WorkerPool
  readonly #statement: Statement
  readonly #columns: WireColumns | null
  #description: ColumnDescription[] | null = null
  // The chunk that is here, and how far it is read.
  #rows: SqlValue[][]
  #at = 0
  // The child that has the rest, and its number there, 0 if there is none.
  #worker: WorkerProcess | null = null
  #rest = 0
  #fetching: Promise<void> | null = null
  // Why the rest cannot be had: every later fetch says so, or half a result would look whole.
  #broken: Error | null = null
  #closed = false

  /** `columns` are null for a statement without a result set. */
  constructor(pool: WorkerPool, statement: Statement, rows: SqlValue[][], columns: WireColumns | null) {
    this.#pool = pool
    this.#statement = statement
    this.#rows = rows
    this.#columns = columns
  }

  /** PEP 249's description; null for a statement without a result set. */
  get description(): readonly ColumnDescription[] | null {
    if (this.#columns === null) return null
    this.#description ??= this.#columns.map(([name, type]) => [name, type, null, null, null, null, null])
    return this.#description
  }

  /** Tells that more rows are with a child, under a number of its own. */
  holdRest(worker: WorkerProcess, rest: number): void {
    this.#worker = worker
    this.#rest = rest
    dropped.register(this, { pool: this.#pool, worker, cursor: rest }, this)
  }

  /** A row that is here already, or undefined: spares iteration a promise each. */
  takeRow(): Row | undefined {
    return this.#at < this.#rows.length ? (this.#rows[this.#at++] as Row) : undefined
  }

  async fetchone(): Promise<Row | null> {
    this.#expectRows()
    // Others who wait for the same chunk may have emptied it before this one's turn comes.
    while (this.#at === this.#rows.length) if (!(await this.#nextChunk())) return null
    return this.#rows[this.#at++] as Row
  }

  async fetchmany(size: number): Promise<Row[]> {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ProgrammingError(`fetchmany takes a whole number of rows, 0 or more, not ${String(size)}`, {
        code: 'BAD_PARAMETERS',
      })
    }
    this.#expectRows()
    const rows: SqlValue[][] = []
    try {
      while (rows.length < size && (this.#at < this.#rows.length || (await this.#nextChunk()))) {
        const end = Math.min(this.#rows.length, this.#at + size - rows.length)
        for (; this.#at < end; this.#at++) rows.push(this.#rows[this.#at] as SqlValue[])
      }
    } catch (error) {
      // What was read is handed out; the next call tells why there is no more.
      if (rows.length === 0) throw error
    }
    return rows as Row[]
  }

  /** All rows that are left: at once where they are here, else by a promise. */
  fetchall(): Row[] | Promise<Row[]> {
    const whole = this.#rest === 0 && this.#fetching === null && this.#broken === null
    if (whole && this.#columns !== null && !this.#closed) {
      return this.#takeChunk() as Row[]
    }
    return this.#fetchRest()
  }

  /** Lets go of the rows that are left, here and in the child. */
  close(): void {
    this.#closed = true
    this.#rows = NO_ROWS
    this.#at = 0
    if (this.#rest === 0) return
    this.#pool.finalize(this.#worker as WorkerProcess, this.#rest)
    this.#releaseRest()
  }

  async #fetchRest(): Promise<Row[]> {
    this.#expectRows()
    const rows = this.#takeChunk()
    while (await this.#nextChunk()) {
      for (const row of this.#takeChunk()) rows.push(row)
    }
    return rows as Row[]
  }

  #takeChunk(): SqlValue[][] {
    const rows = this.#at === 0 ? this.#rows : this.#rows.slice(this.#at)
    this.#rows = NO_ROWS
    this.#at = 0
    return rows === NO_ROWS ? [] : rows
  }

  // Brings the next chunk; false at the end. Calls that overlap wait for the same chunk.
  async #nextChunk(): Promise<boolean> {
    while (this.#at === this.#rows.length) {
      if (this.#rest === 0 && this.#fetching === null) return false
      this.#fetching ??= this.#fetchChunk().finally(() => {
        this.#fetching = null
      })
      await this.#fetching
      this.#expectRows()
    }
    return true
  }

  async #fetchChunk(): Promise<void> {
    const worker = this.#worker as WorkerProcess
    const request = new Exchange(this.#statement, null, 0, Number.POSITIVE_INFINITY, null)
    this.#pool.fetch(worker, request, this.#rest)
    this.#releaseRest()
    const { rows, rest } = await request.answer.catch((error) => {
      this.#broken = error
      throw error
    })
    // Closed meanwhile: the child still has what is left.
    if (this.#closed) {
      if (rest !== 0) this.#pool.finalize(worker, rest)
      return
    }
    this.#rows = rows
    this.#at = 0
    if (rest !== 0) this.holdRest(worker, rest)
  }

  #releaseRest(): void {
    this.#rest = 0
    this.#worker = null
    dropped.unregister(this)
  }

  #expectRows(): void {
    if (this.#broken !== null && this.#at === this.#rows.length) throw this.#broken
    if (this.#closed) {
      throw new ProgrammingError('this result was closed, or its cursor has executed something else since', {
        code: 'RESULT_GONE',
        sql: this.#statement.sql,
      })
    }
    if (this.#columns === null) {
      throw new ProgrammingError('the statement has no result set to fetch from', {
        code: 'NO_RESULT',
        sql: this.#statement.sql,
      })
    }
  }
}

/**
 * Result: the rows of a statement that was answered: the chunk that is here, and the way to the next one. Runs
 * in the caller. It knows nothing of who waits for it.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { ProgrammingError } from '../errors.ts'
import type { WireColumns } from '../pool/request.ts'
import type { Statement } from '../pool/router.ts'
import type { Rest } from './rest.ts'

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

export class Result {
  readonly #statement: Statement
  readonly #columns: WireColumns | null
  #description: ColumnDescription[] | null = null
  // The chunk that is here, and how far it is read.
  #rows: SqlValue[][]
  #at = 0
  // What a child still has; null if these are all.
  #rest: Rest | null
  #taking: Promise<boolean> | null = null
  // Whoever has read so far reads on: from there the rest is asked for ahead.
  #mark: number
  #closed = false

  /** `columns` are null for a statement without a result set. */
  constructor(statement: Statement, rows: SqlValue[][], columns: WireColumns | null, rest: Rest | null) {
    this.#statement = statement
    this.#rows = rows
    this.#columns = columns
    this.#rest = rest
    this.#mark = rest === null ? Number.POSITIVE_INFINITY : Math.floor(rows.length / 2) + 1
  }

  /** PEP 249's description; null for a statement without a result set. */
  get description(): readonly ColumnDescription[] | null {
    if (this.#columns === null) return null
    this.#description ??= this.#columns.map(([name, type]) => [name, type, null, null, null, null, null])
    return this.#description
  }

  /** A row that is here already, or undefined: spares iteration a promise each. */
  takeRow(): Row | undefined {
    if (this.#at === this.#rows.length) return undefined
    const row = this.#rows[this.#at++] as Row
    if (this.#at >= this.#mark) this.#readOn()
    return row
  }

  async fetchone(): Promise<Row | null> {
    this.#expectRows()
    const row = this.takeRow()
    if (row !== undefined) return row
    return this.#rest === null ? null : this.#rest.during(() => this.#fetchRow())
  }

  async fetchmany(size: number): Promise<Row[]> {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ProgrammingError(`fetchmany takes a whole number of rows, 0 or more, not ${String(size)}`, {
        code: 'BAD_PARAMETERS',
      })
    }
    this.#expectRows()
    const here = this.#rest === null || this.#rows.length - this.#at >= size
    const rows = here ? this.#fetchRows(size) : this.#rest?.during(() => this.#fetchRows(size))
    return rows as Promise<Row[]>
  }

  /** All rows that are left: at once where they are here, else by a promise. */
  fetchall(): Row[] | Promise<Row[]> {
    if (this.#rest !== null) return this.#rest.during(() => this.#fetchRest())
    if (this.#columns !== null && !this.#closed) return this.#takeChunk() as Row[]
    return this.#fetchRest()
  }

  /** Lets go of the rows that are left, here and in the child. */
  close(): void {
    this.#closed = true
    this.#rows = NO_ROWS
    this.#at = 0
    this.#rest?.close()
  }

  async #fetchRow(): Promise<Row | null> {
    // Others who wait for the same chunk may have emptied it before this one's turn comes.
    while (this.#at === this.#rows.length) if (!(await this.#nextChunk())) return null
    return this.takeRow() as Row
  }

  async #fetchRows(size: number): Promise<SqlValue[][]> {
    const rows: SqlValue[][] = []
    try {
      while (rows.length < size && (this.#at < this.#rows.length || (await this.#nextChunk()))) {
        const end = Math.min(this.#rows.length, this.#at + size - rows.length)
        for (; this.#at < end; this.#at++) rows.push(this.#rows[this.#at] as SqlValue[])
        if (this.#at >= this.#mark) this.#readOn()
      }
    } catch (error) {
      // What was read is handed out; the next call tells why there is no more.
      if (rows.length === 0) throw error
    }
    return rows
  }

  async #fetchRest(): Promise<Row[]> {
    this.#expectRows()
    this.#rest?.askAhead(true)
    const rows = this.#takeChunk()
    while (await this.#nextChunk()) {
      this.#rest?.askAhead(true)
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
      if (this.#rest === null) return false
      this.#taking ??= this.#take(this.#rest).finally(() => {
        this.#taking = null
      })
      const taken = await this.#taking
      this.#expectRows()
      if (!taken && this.#at === this.#rows.length) return false
    }
    return true
  }

  async #take(rest: Rest): Promise<boolean> {
    const chunk = await rest.next()
    if (chunk === null) return false
    this.#rows = chunk
    this.#at = 0
    return true
  }

  // Half of the first chunk is read: so this is no look at the first row only.
  #readOn(): void {
    this.#mark = Number.POSITIVE_INFINITY
    this.#rest?.askAhead()
  }

  #expectRows(): void {
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

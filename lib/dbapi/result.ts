/**
 * Result: the rows of a statement that was answered: the chunk that is here, and the way to the next one. Runs
 * in the caller. It knows nothing of who waits for it.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { ProgrammingError } from '../errors.ts'
import type { WireColumns } from '../pool/request.ts'
import type { Statement } from '../pool/router.ts'
import { type ColumnDescription, columnsOf } from './columns.ts'
import type { Rest } from './rest.ts'
import { type RowMaker, type RowReader, rowMaker } from './row-factory.ts'

const NO_ROWS: SqlValue[][] = []

export class Result {
  readonly #statement: Statement
  readonly #columns: WireColumns | null
  readonly #reader: RowReader
  // For the reader's factory of the last fetch.
  #maker: RowMaker | null = null
  // The chunk that is here, and how far it is read.
  #rows: SqlValue[][]
  #at = 0
  // Rows that were handed out.
  #given = 0
  // What a child still has; null if these are all.
  #rest: Rest | null
  #taking: Promise<boolean> | null = null
  // Whoever has read so far reads on: from there the rest is asked for ahead.
  #mark: number
  #closed = false

  /** `columns` are null for a statement without a result set. */
  constructor(
    statement: Statement,
    rows: SqlValue[][],
    columns: WireColumns | null,
    rest: Rest | null,
    reader: RowReader,
  ) {
    this.#statement = statement
    this.#reader = reader
    this.#rows = rows
    this.#columns = columns
    this.#rest = rest
    this.#mark = rest === null ? Number.POSITIVE_INFINITY : Math.floor(rows.length / 2) + 1
  }

  /** PEP 249's description; null for a statement without a result set. */
  get description(): readonly ColumnDescription[] | null {
    return this.#columns === null ? null : columnsOf(this.#columns, this.#reader.detectTypes).description
  }

  /** The declared types of the columns; null for a statement without a result set. */
  get declaredTypes(): readonly (string | null)[] | null {
    return this.#columns === null ? null : columnsOf(this.#columns, this.#reader.detectTypes).declaredTypes
  }

  /** The index of the next row, from 0; null for a statement without a result set. */
  get rownumber(): number | null {
    return this.#columns === null ? null : this.#given
  }

  /** A row that is here already, or undefined: spares iteration a promise each. It is to be handed to make(). */
  takeRow(): SqlValue[] | undefined {
    if (this.#at === this.#rows.length) return undefined
    const row = this.#rows[this.#at++]
    this.#given++
    if (this.#at >= this.#mark) this.#readOn()
    return row
  }

  /** The next row, to be handed to make(); null at the end. */
  async nextRow(): Promise<SqlValue[] | null> {
    this.#expectRows()
    const row = this.takeRow()
    if (row !== undefined) return row
    return this.#rest === null ? null : this.#rest.during(() => this.#fetchRow())
  }

  /** What the reader wants of a row. Throws what a factory or a converter throws. */
  make(row: SqlValue[]): unknown {
    const maker = this.#currentMaker()
    return maker === null ? row : maker.make(row)
  }

  async fetchone(): Promise<unknown> {
    const row = await this.nextRow()
    return row === null ? null : this.make(row)
  }

  async fetchmany(size: number): Promise<unknown[]> {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ProgrammingError(`fetchmany takes a whole number of rows, 0 or more, not ${String(size)}`, {
        code: 'BAD_PARAMETERS',
      })
    }
    this.#expectRows()
    const maker = this.#currentMaker()
    const here = this.#rest === null || this.#rows.length - this.#at >= size
    const rows = here ? this.#fetchRows(size) : this.#rest?.during(() => this.#fetchRows(size))
    return this.#makeAll((await rows) as SqlValue[][], maker)
  }

  /** All rows that are left: at once where they are here and go out as they are, else by a promise. */
  fetchall(): unknown[] | Promise<unknown[]> {
    if (this.#rest !== null) return this.#rest.during(() => this.#fetchRest())
    if (this.#columns !== null && !this.#closed && this.#currentMaker() === null) return this.#takeChunk()
    return this.#fetchRest()
  }

  /** Lets go of the rows that are left, here and in the child. */
  close(): void {
    this.#closed = true
    this.#rows = NO_ROWS
    this.#at = 0
    this.#rest?.close()
  }

  async #fetchRow(): Promise<SqlValue[] | null> {
    // Others who wait for the same chunk may have emptied it before this one's turn comes.
    while (this.#at === this.#rows.length) if (!(await this.#nextChunk())) return null
    return this.takeRow() as SqlValue[]
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
    this.#given += rows.length
    return rows
  }

  async #fetchRest(): Promise<unknown[]> {
    this.#expectRows()
    const maker = this.#currentMaker()
    // Made while the child makes the next chunk, unless a row that fails may send all of them back.
    const atOnce = maker?.safe === true
    this.#rest?.askAhead(true)
    const rows = this.#takeChunk()
    if (atOnce) makeInPlace(rows, maker)
    while (await this.#nextChunk()) {
      this.#rest?.askAhead(true)
      const chunk = this.#takeChunk()
      if (atOnce) makeInPlace(chunk, maker)
      for (const row of chunk) rows.push(row)
    }
    return atOnce ? rows : this.#makeAll(rows, maker)
  }

  #takeChunk(): SqlValue[][] {
    const rows = this.#at === 0 ? this.#rows : this.#rows.slice(this.#at)
    this.#rows = NO_ROWS
    this.#at = 0
    this.#given += rows.length
    return rows === NO_ROWS ? [] : rows
  }

  // The maker for the factory that the reader has now; null where rows go out as they are.
  #currentMaker(): RowMaker | null {
    const { rowFactory, detectTypes } = this.#reader
    if ((rowFactory === null && detectTypes === 0) || this.#columns === null) return null
    if (this.#maker?.factory !== rowFactory) {
      this.#maker = rowMaker(columnsOf(this.#columns, detectTypes), this.#reader, this.#statement.sql)
    }
    return this.#maker
  }

  #makeAll(rows: SqlValue[][], maker: RowMaker | null): unknown[] {
    if (maker === null) return rows
    const made: unknown[] = []
    try {
      for (const row of rows) made.push(maker.make(row))
    } catch (error) {
      // The row that fails is gone, as a row that fetchone() fails for. The others are there for the next call.
      rows.splice(made.length, 1)
      this.#giveBack(rows)
      throw error
    }
    return made
  }

  #giveBack(rows: SqlValue[][]): void {
    if (this.#closed) return
    this.#rows = rows.concat(this.#rows.slice(this.#at))
    this.#at = 0
    this.#given -= rows.length
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
    // Rows may have been given back meanwhile.
    const left = this.#rows.slice(this.#at)
    this.#rows = left.length === 0 ? chunk : left.concat(chunk)
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

// In the chunk's own array: nobody else has it, and a second one for each chunk would be garbage at once.
function makeInPlace(rows: unknown[], { make }: RowMaker): void {
  for (let i = 0; i < rows.length; i++) rows[i] = make(rows[i] as SqlValue[])
}

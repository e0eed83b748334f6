/**
 * The driver for sqlite3 (npm): a result that is read in parts. Runs in the child. Its rows come from a list or,
 * one hop each, from a statement.
 */
import { type ChunkLimit, Filling, rowBytes } from './chunk.ts'
import type { Chunk, DriverCursor, RowValues } from './driver.ts'
import type { Sqlite3Connection } from './sqlite3.ts'
import type { Native } from './sqlite3-native.ts'
import { decode, type Encoded } from './sqlite3-values.ts'

/** The rows of a statement in the form `exactly`, one by one. */
export class Stream {
  readonly #native: Native
  #ended = false

  private constructor(native: Native) {
    this.#native = native
  }

  /** Begins a run; `first` is null when there are no rows. */
  static async open(
    native: Native,
    params: Encoded['values'],
  ): Promise<{ stream: Stream; first: RowValues | null }> {
    const stream = new Stream(native)
    const row = await native.first(params)
    stream.#ended = row === null
    return { stream, first: row && decode(row) }
  }

  /** The next row, null at the end. */
  async next(): Promise<RowValues | null> {
    // At its end the statement would begin anew once it is reset, and a failed one is.
    if (this.#ended) return null
    this.#ended = true
    const row = await this.#native.next()
    if (row === null) return null
    this.#ended = false
    return decode(row)
  }

  /** Lets go of the rows that are left. */
  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#native.reset()
  }
}

export class ResultCursor implements DriverCursor {
  readonly #connection: Sqlite3Connection
  /** Rows that were read and not yet given: from #from on. */
  #rows: RowValues[]
  #from = 0
  /** Where the rows behind them come from; null if these are the last. */
  #stream: Stream | null

  constructor(connection: Sqlite3Connection, rows: RowValues[], stream: Stream | null) {
    this.#connection = connection
    this.#rows = rows
    this.#stream = stream
  }

  next(limit: ChunkLimit): Promise<Chunk & { readonly ended: boolean }> {
    const filling = new Filling(limit)
    return this.#connection.inTurn(() => this.#connection.track('SELECT', false, () => this.fill(filling)))
  }

  close(): Promise<void> {
    return this.#connection.inTurn(() => this.abandon())
  }

  /** `next()`, for who has the connection's turn. */
  async fill(filling: Filling): Promise<Chunk & { readonly ended: boolean }> {
    let ended = false
    while (!filling.late) {
      if (this.#from === this.#rows.length) {
        const row = (await this.#stream?.next()) ?? null
        if (row === null) {
          ended = true
          break
        }
        this.#rows = [row]
        this.#from = 0
      }
      const row = this.#rows[this.#from]!
      if (!filling.take(row, rowBytes(row))) break
      this.#from++
    }
    // Of a list it is known that nothing is left, without looking ahead.
    if (this.#stream === null && this.#from === this.#rows.length) ended = true
    const { rows, bytes, late } = filling
    return { rows, bytes, late: late && !ended, ended }
  }

  /** `close()`, for who has the connection's turn. */
  async abandon(): Promise<void> {
    this.#rows = []
    this.#from = 0
    await this.#stream?.close()
    this.#stream = null
  }
}

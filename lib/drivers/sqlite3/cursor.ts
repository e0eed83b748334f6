/**
 * The driver for sqlite3 (npm): a result that is read in parts. Runs in the child. Its rows come from a list or,
 * one hop each, from a statement.
 */
import { type ChunkLimit, Filling, rowBytes } from '../chunk.ts'
import type { Chunk, DriverCursor, RowValues } from '../driver.ts'
import type { Sqlite3Connection } from './connection.ts'
import type { Native } from './native.ts'
import { decode, type Encoded } from './values.ts'

/** The rows of a statement in the form `exactly`, one by one. */
export class Stream {
  readonly #native: Native
  #ended = false
  /** What the next row is to throw; see putBack(). */
  #failure: { readonly thrown: unknown } | null = null

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
    if (this.#failure !== null) {
      const { thrown } = this.#failure
      this.#failure = null
      throw thrown
    }
    // At its end the statement would begin anew once it is reset, and a failed one is.
    if (this.#ended) return null
    this.#ended = true
    const row = await this.#native.next()
    if (row === null) return null
    this.#ended = false
    return decode(row)
  }

  /** Throws it again at the next row: who read ahead has rows to give before. */
  putBack(thrown: unknown): void {
    this.#failure = { thrown }
  }

  /** Lets go of the rows that are left. */
  async close(): Promise<void> {
    this.#failure = null
    if (this.#ended) return
    this.#ended = true
    await this.#native.reset()
  }
}

const FAILED = Symbol('failed')

export class ResultCursor implements DriverCursor {
  readonly #connection: Sqlite3Connection
  /** Rows that were read and not yet given: from #from on. */
  #rows: RowValues[]
  #from = 0
  /** Where the rows behind them come from; null if these are the last. */
  #stream: Stream | null
  /** Whether a chunk was given. What fails before that fails the statement. */
  #begun = false

  constructor(connection: Sqlite3Connection, rows: RowValues[], stream: Stream | null) {
    this.#connection = connection
    this.#rows = rows
    this.#stream = stream
  }

  next(limit: ChunkLimit): Promise<Chunk & { readonly ended: boolean }> {
    const filling = new Filling(limit)
    return this.#connection.inTurn(() =>
      this.#connection.track('SELECT', false, () => this.fill(limit, filling)),
    )
  }

  close(): Promise<void> {
    return this.#connection.inTurn(() => this.abandon())
  }

  /** `next()`, for who has the connection's turn. */
  async fill(limit: ChunkLimit, filling: Filling): Promise<Chunk & { readonly ended: boolean }> {
    let ended = false
    // What was read already costs no more time.
    while (!filling.late || this.#from < this.#rows.length) {
      if (this.#from === this.#rows.length) {
        const row = await this.#ahead(
          filling.bytes >= limit.bytes || (this.#begun && filling.rows.length > 0),
        )
        if (row === null) ended = true
        if (row === null || row === FAILED) break
        this.#rows = [row]
        this.#from = 0
      }
      const row = this.#rows[this.#from]!
      if (!filling.take(row, rowBytes(row))) break
      this.#from++
    }
    this.#begun = true
    // Of a list it is known that nothing is left, without looking ahead.
    if (this.#stream === null && this.#from === this.#rows.length) ended = true
    const { rows, bytes, late } = filling
    return { rows, bytes, late: late && !ended, ended }
  }

  /** The next row of the stream. Its failure is told by the next chunk if this one is `worth` giving without it. */
  async #ahead(worth: boolean): Promise<RowValues | typeof FAILED | null> {
    if (this.#stream === null) return null
    try {
      return await this.#stream.next()
    } catch (thrown) {
      if (!worth) throw thrown
      this.#stream.putBack(thrown)
      return FAILED
    }
  }

  /** `close()`, for who has the connection's turn. */
  async abandon(): Promise<void> {
    this.#rows = []
    this.#from = 0
    await this.#stream?.close()
    this.#stream = null
  }
}

/**
 * The driver for sqlite3 (npm): SELECT and VALUES. Runs in the child. A few rows are read all at once, from the
 * statement as it stands; where they may not be what SQLite said (a column gone, an integer rounded), from a form
 * that tells. Any number of rows is read one by one, in that form from the start: it cannot be run again then.
 */
import { type ChunkLimit, Filling, resultTooLarge, rowBytes, whole } from '../chunk.ts'
import type { Column, ExecuteResult, RowValues } from '../driver.ts'
import type { Sqlite3Connection } from './connection.ts'
import { ResultCursor, Stream } from './cursor.ts'
import type { Forms } from './forms.ts'
import type { Native, RowObject } from './native.ts'
import { Pace } from './pace.ts'
import { exactly, limited, ownLimit } from './rewrite.ts'
import { Shape } from './shape.ts'
import type { Runner } from './statement.ts'
import { decode, type Encoded, isSafe, isWhole, valuesOf } from './values.ts'

/** Of a statement that gives but a handful of rows more than these say that its program is another now. */
const HANDFUL = 100

/** SQLITE_MAX_VARIABLE_NUMBER: a statement that uses them all leaves none for a limit. */
const MAX_PARAMETERS = 32_766

/** The first chunk, while it is filled. */
interface Part {
  readonly limit: ChunkLimit
  readonly filling: Filling
}

interface Read {
  readonly columns: readonly Column[]
  readonly rows: RowValues[]
}

export class ReadStatement implements Runner {
  readonly #connection: Sqlite3Connection
  readonly #forms: Forms
  readonly #shape: Shape
  readonly #pace = new Pace()
  readonly #own: ReturnType<typeof ownLimit>
  /** Once a row was not what it seemed, the exact form is used from the start. */
  #exact = false

  private constructor(connection: Sqlite3Connection, forms: Forms, shape: Shape) {
    this.#connection = connection
    this.#forms = forms
    this.#shape = shape
    this.#own = ownLimit(forms.parsed.sql)
  }

  static async of(connection: Sqlite3Connection, forms: Forms): Promise<ReadStatement> {
    return new ReadStatement(connection, forms, await Shape.of(connection, forms.parsed.sql))
  }

  async run(params: Encoded, limit: ChunkLimit | undefined): Promise<ExecuteResult> {
    // `*` may stand for more columns than before.
    if (await this.#shape.refresh()) await this.#forms.forget()
    const most = this.#connection.maxResultBytes
    if (limit !== undefined) return this.#again(() => this.#read(params, limit))
    if (most === Number.POSITIVE_INFINITY) return this.#again(async () => result(await this.#whole(params)))
    // A limit that is never reached by time, and by bytes only once.
    const read = await this.#again(() => this.#read(params, { bytes: most, ms: Infinity }))
    if (read.rest !== null) await (read.rest as ResultCursor).abandon()
    if (read.rest !== null || read.bytes > most) throw resultTooLarge(most)
    return read
  }

  async #read(params: Encoded, limit: ChunkLimit): Promise<ExecuteResult> {
    const part = { limit, filling: new Filling(limit) }
    if (this.#shape.bounded) {
      const read = await this.#whole(params)
      if (read.rows.length > HANDFUL) await this.#shape.look()
      return this.#cut(read, part)
    }
    this.#pace.start()
    return (await this.#atOnce(params, this.#pace.most, part)) ?? this.#oneByOne(params, part)
  }

  /** Reads all rows, however many there are. */
  async #whole(params: Encoded): Promise<Read> {
    if (!this.#exact) {
      const rows = await (await this.#forms.plain(params)).all(params.values)
      const names = Object.keys(rows[0] ?? {})
      if (rows.length === 0 || (await this.#isCertain(names, rows))) return this.#plain(params, names, rows)
      this.#exact = true
    }
    const rows = await (await this.#exactForm(params)).all(this.#limited(params, -1))
    return { columns: await this.#columns(params), rows: rows.map(decode) }
  }

  /** Reads the rows if there are fewer than `most`, else null. */
  async #atOnce(params: Encoded, most: number, part: Part): Promise<ExecuteResult | null> {
    if (most === 0 || this.#isFull) return null
    let read: Read | null
    try {
      read = await this.#probe(params, most)
    } catch {
      // One by one, the rows before the one that fails are given, and the error is told then.
      return null
    }
    if (read === null) {
      this.#pace.overflowed()
      return null
    }
    this.#pace.ended(read.rows.length)
    for (const row of read.rows) this.#pace.saw(rowBytes(row))
    return this.#cut(read, part)
  }

  async #probe(params: Encoded, most: number): Promise<Read | null> {
    const values = this.#limited(params, most)
    const own = this.#ownLimit(params) <= most
    const native = this.#exact ? null : await (own ? this.#forms.plain(params) : this.#limitedForm(params))
    if (native !== null) {
      const rows = await native.all(own ? params.values : values)
      if (!own && rows.length >= most) return null
      const names = Object.keys(rows[0] ?? {})
      if (rows.length === 0 || (await this.#isCertain(names, rows))) return this.#plain(params, names, rows)
      this.#exact = true
    }
    const rows = await (await this.#exactForm(params)).all(values)
    return rows.length >= most ? null : { columns: await this.#columns(params), rows: rows.map(decode) }
  }

  async #oneByOne(params: Encoded, part: Part): Promise<ExecuteResult> {
    const { stream, first } = await Stream.open(await this.#exactForm(params), this.#limited(params, -1))
    try {
      // Asked for while the statement is half-read, so under the same schema.
      const columns = await this.#columns(params)
      const { rows, ended } = await this.#trial(stream, first)
      if (ended) {
        this.#pace.ended(rows.length)
        return this.#cut({ columns, rows }, part)
      }
      const most = this.#isFull ? 0 : this.#pace.tried(rows.length)
      if (most > 0) {
        // Nothing was given of it yet, so it may begin again.
        await stream.close()
        return (await this.#atOnce(params, most, part)) ?? this.#oneByOne(params, part)
      }
      const read = await this.#cut({ columns, rows }, part, stream)
      if (read.rest === null) this.#pace.ended(read.rows.length)
      else if (!read.late) this.#pace.overflowed()
      return read
    } catch (thrown) {
      await stream.close()
      throw thrown
    }
  }

  /** The first rows, until it is clear how quickly they come; see Pace. */
  async #trial(stream: Stream, first: RowValues | null): Promise<{ rows: RowValues[]; ended: boolean }> {
    const rows: RowValues[] = []
    let bytes = 0
    for (let row = first; row !== null; ) {
      rows.push(row)
      const size = rowBytes(row)
      bytes += size
      this.#pace.saw(size)
      if (!this.#pace.mayTry(rows.length, bytes)) return { rows, ended: false }
      try {
        row = await stream.next()
      } catch (thrown) {
        stream.putBack(thrown)
        return { rows, ended: false }
      }
    }
    return { rows, ended: true }
  }

  /** The first chunk of these rows and of those behind them. */
  async #cut({ columns, rows }: Read, part: Part, stream: Stream | null = null): Promise<ExecuteResult> {
    const cursor = new ResultCursor(this.#connection, rows, stream)
    const { ended, ...chunk } = await cursor.fill(part.limit, part.filling)
    return { columns, ...chunk, changes: 0, lastInsertRowid: 0, rest: ended ? null : cursor }
  }

  async #plain(params: Encoded, names: readonly string[], rows: readonly RowObject[]): Promise<Read> {
    const columns = rows.length === 0 ? await this.#columns(params) : this.#forms.columns(names)
    return { columns, rows: rows.map(valuesOf) }
  }

  async #isCertain(names: readonly string[], rows: readonly RowObject[]): Promise<boolean> {
    // Another process may have added a column.
    if (names.length !== this.#shape.columnCount) await this.#lookAgain()
    return isWhole(names, this.#shape.columnCount) && rows.every(isSafe)
  }

  #columns(params: Encoded): Promise<readonly Column[]> {
    return this.#forms.askColumns(params, this.#shape.columnCount)
  }

  /** How many rows the statement's own LIMIT lets through this time. */
  #ownLimit({ values }: Encoded): number {
    const own = this.#own
    if (own === null) return Infinity
    const rows = 'rows' in own ? own.rows : values[own.parameter - 1]
    return typeof rows === 'number' && rows >= 0 ? rows : Infinity
  }

  /** Null where the text takes no limit. */
  async #limitedForm(params: Encoded): Promise<Native | null> {
    const limit = this.#forms.parameterCount + 1
    if (limited(this.#forms.parsed.sql, limit) === null) return null
    return this.#forms.form('limited ', params, (sql) => limited(sql, limit)!)
  }

  #exactForm(params: Encoded): Promise<Native> {
    const limit = this.#isFull ? '-1' : `?${this.#forms.parameterCount + 1}`
    return this.#forms.form('exactly ', params, (sql) => exactly(sql, this.#shape.columnCount, limit))
  }

  #limited({ values }: Encoded, most: number): Encoded['values'] {
    return this.#isFull ? values : [...values, most]
  }

  get #isFull(): boolean {
    return this.#forms.parameterCount >= MAX_PARAMETERS
  }

  /** Runs the statement, and once more if its forms were made for another number of columns. */
  async #again<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (thrown) {
      if (!(await this.#lookAgain().catch(() => false))) throw thrown
      return run()
    }
  }

  async #lookAgain(): Promise<boolean> {
    const changed = await this.#shape.look()
    if (changed) await this.#forms.forget()
    return changed
  }
}

function result({ columns, rows }: Read): ExecuteResult {
  return { columns, ...whole(rows), changes: 0, lastInsertRowid: 0 }
}

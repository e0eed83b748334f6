/**
 * Chunk: how much of a result is read at a time, and what its rows take on the wire. Runs in the child. The
 * drivers fill chunks; who is sent them, and how, is the worker's business.
 */
import { DataError } from '../errors.ts'
import type { Chunk, RowValues } from './driver.ts'

/** When a chunk is large enough. */
export interface ChunkLimit {
  /** About so many bytes on the wire. */
  readonly bytes: number
  /** Or after so many milliseconds, if it has two rows by then: the second tells a slow result from a short one. */
  readonly ms: number
}

// What msgpack takes, https://github.com/msgpack/msgpack/blob/master/spec.md: the head of an array of up to 15, and
// of more; a number of 32 bits at the most, and any other; null.
const SHORT_ROW_BYTES = 1
const LONG_ROW_BYTES = 5
const INT32_BYTES = 5
export const NULL_BYTES = 1
/** Of any number, and of a 64-bit integer. */
export const NUMBER_BYTES = 9

/** The bytes of a BLOB or a text of so many bytes, with its head. A short text's is smaller, by one or two. */
export function stringBytes(length: number): number {
  return length < 32 ? length + 2 : length < 65_536 ? length + 3 : length + 5
}

/** The bytes of a number. */
export function numberBytes(value: number): number {
  return (value | 0) === value ? INT32_BYTES : NUMBER_BYTES
}

/** The bytes of a row's own head. */
export function headBytes(columns: number): number {
  return columns < 16 ? SHORT_ROW_BYTES : LONG_ROW_BYTES
}

const units = (value: string): number => value.length

/**
 * How many bytes a row takes on the wire, at the most. A string counts one byte a unit, which is exact for ASCII,
 * unless `lengthOf` counts better.
 */
export function rowBytes(row: RowValues, lengthOf: (value: string) => number = units): number {
  let bytes = headBytes(row.length)
  for (let i = 0; i < row.length; i++) {
    const value = row[i]
    if (typeof value === 'number') bytes += numberBytes(value)
    else if (typeof value === 'string') bytes += stringBytes(lengthOf(value))
    else if (value === null) bytes += NULL_BYTES
    else bytes += typeof value === 'bigint' ? NUMBER_BYTES : stringBytes((value as Uint8Array).length)
  }
  return bytes
}

export function rowsBytes(rows: readonly RowValues[], lengthOf: (value: string) => number = units): number {
  let bytes = 0
  for (const row of rows) bytes += rowBytes(row, lengthOf)
  return bytes
}

/** A result that was read to its end. */
export function whole(rows: RowValues[]): Chunk & { readonly rest: null } {
  return { rows, bytes: rowsBytes(rows), late: false, rest: null }
}

/** The error of a result that has to be kept whole, and takes more than `limit` bytes; nothing was changed. */
export function resultTooLarge(limit: number): DataError {
  return new DataError(
    `the statement's rows take more than the ${limit} bytes of maxResultBytes and have to be kept whole; nothing ` +
      'was changed: raise maxResultBytes, or ask for fewer rows at a time',
    { code: 'RESULT_TOO_LARGE' },
  )
}

/** The clock is read once in so many rows at the most: it costs 40 ns, and a row 600. All may be slow. */
const MOST_ROWS_UNTIMED = 4

/** A chunk while it is filled, row by row. */
export class Filling {
  readonly rows: RowValues[] = []
  bytes = 0
  /** Whether its time was over before it was full. */
  late = false
  readonly #limit: ChunkLimit
  readonly #started = performance.now()
  /** At so many rows the clock is read next. */
  #look = 2

  constructor(limit: ChunkLimit) {
    this.#limit = limit
  }

  /**
   * Takes a row of so many bytes. False when it belongs to the next chunk: this one is full, or the row is as
   * large as a chunk and goes alone, so that one that is too large to be sent takes no other with it.
   */
  take(row: RowValues, bytes: number): boolean {
    const { bytes: full } = this.#limit
    if (this.bytes >= full || (bytes > full && this.rows.length > 0)) return false
    this.bytes += bytes
    if (this.rows.push(row) >= this.#look) this.#lookAtClock()
    return true
  }

  // Slow rows are timed each, quick ones seldom.
  #lookAtClock(): void {
    const { ms } = this.#limit
    const spent = performance.now() - this.#started
    this.late = spent > ms
    const perRow = spent / this.rows.length
    const ahead = Math.min(MOST_ROWS_UNTIMED, Math.floor((ms - spent) / perRow / 2))
    this.#look = this.rows.length + Math.max(1, ahead)
  }
}

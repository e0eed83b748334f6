/**
 * Replies: gathers the answers of a batch and sends them in one frame, earlier when they grow large or old.
 * Runs in the child. It knows the layout of an answer, not what was asked.
 */
import type { Column, RowValues } from '../drivers/driver.ts'
import { DataError, toWire } from '../errors.ts'
import type { Channel } from '../ipc/channel.ts'
import { CHUNK_BYTES, COSTS, type Detail, FAILED } from '../ipc/messages.ts'
import type { KnownSql } from './statements.ts'

/** No answer waits longer than this for its batch, in milliseconds. */
const FLUSH_MS = 1

// What msgpack takes for a number at the most, and for the head of a string, a BLOB or a row.
const VALUE_BYTES = 9

export class Replies {
  readonly #channel: Channel
  readonly #maxFrameBytes: number
  #out: unknown[] = []
  #bytes = 0
  #oldest = 0
  #costs: number[] = []

  constructor(channel: Channel, maxFrameBytes: number) {
    this.#channel = channel
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Adds an answer with rows that take about `bytes`. */
  rows(
    id: number,
    flags: number,
    rows: RowValues[],
    bytes: number,
    columns: readonly Column[] | null,
    detail: Detail | null,
  ): void {
    // An answer that would pass the limit goes alone, so that its neighbours are not lost with it.
    if (bytes > CHUNK_BYTES) {
      this.flush()
      const exact = rows.reduce((sum, row) => sum + rowBytes(row, Buffer.byteLength), 0)
      if (exact > this.#maxFrameBytes) {
        this.failure(id, flags, tooLarge(exact, this.#maxFrameBytes), detail)
        return
      }
    }
    const wire = columns === null ? null : columns.map(({ name, type }) => [name, type])
    this.#out.push(id, flags, rows, wire, detail)
    this.#bytes += bytes
    if (this.#bytes > CHUNK_BYTES) this.flush()
  }

  /** Adds an error as the answer. */
  failure(id: number, flags: number, thrown: unknown, detail: Detail | null): void {
    this.#out.push(id, flags | FAILED, toWire(thrown), null, detail)
  }

  /** Notes what a statement cost, to be sent with the next answers. */
  cost(known: KnownSql): void {
    known.toldCost = known.cost
    this.#costs.push(known.slot, Math.round(known.cost))
  }

  /** Sends what has waited its time. `now` is performance.now(), which the caller of this has at hand. */
  flushIfOld(now: number): void {
    if (this.#out.length === 0) this.#oldest = now
    else if (now - this.#oldest > FLUSH_MS) this.flush()
  }

  flush(): void {
    if (this.#costs.length > 0) {
      this.#out.push(COSTS, 0, this.#costs, null, null)
      this.#costs = []
    }
    if (this.#out.length === 0) return
    const out = this.#out
    this.#out = []
    this.#bytes = 0
    this.#channel.send(out)
  }
}

/**
 * About how many bytes a row takes on the wire. A string counts one byte a unit, which is exact for ASCII,
 * unless `stringBytes` counts better.
 */
export function rowBytes(row: RowValues, stringBytes = (value: string): number => value.length): number {
  let bytes = VALUE_BYTES
  for (const value of row) {
    bytes += VALUE_BYTES
    if (typeof value === 'string') bytes += stringBytes(value)
    else if (value instanceof Uint8Array) bytes += value.length
  }
  return bytes
}

function tooLarge(bytes: number, limit: number): DataError {
  return new DataError(
    `a row of ${bytes} bytes, where maxFrameBytes allows ${limit}: ` +
      'raise maxFrameBytes, or read the value in parts with substr()',
    { code: 'FRAME_TOO_LARGE' },
  )
}

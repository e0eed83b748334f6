/**
 * Replies: gathers the answers of a batch and sends them in one frame, earlier when they grow large or old.
 * Runs in the child. It knows the layout of an answer, not what was asked.
 */
import { rowBytes, rowsBytes } from '../drivers/chunk.ts'
import type { Column, RowValues } from '../drivers/driver.ts'
import { DataError, toWire } from '../errors.ts'
import type { Channel } from '../ipc/channel.ts'
import { CHUNK_BYTES, COSTS, type Detail, FAILED, MORE } from '../ipc/messages.ts'
import type { KnownSql } from './sql-texts.ts'

/** No answer waits longer than this for its batch, in milliseconds. */
const FLUSH_MS = 1

// What an answer takes besides its rows and columns, and its frame, at the most.
const HEAD_BYTES = 64

/** How much is told of an error's message, and of its stack. */
const ERROR_CHARS = CHUNK_BYTES / 4

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

  /** Adds an answer with rows that take about `bytes`. Returns false when they are too large to be sent. */
  rows(
    id: number,
    flags: number,
    rows: RowValues[],
    bytes: number,
    columns: readonly Column[] | null,
    detail: Detail | null,
  ): boolean {
    const wire = columns === null ? null : columns.map(({ name, type }) => [name, type])
    const size = wire === null ? bytes : bytes + rowsBytes(wire)
    // An answer that would pass the limit goes alone, so that its neighbours are not lost with it.
    if (size > CHUNK_BYTES) {
      this.flush()
      // A unit is three bytes of UTF-8 at the most, so only what comes near the limit is counted.
      if (HEAD_BYTES + size * 3 > this.#maxFrameBytes) {
        const exact =
          HEAD_BYTES + rowsBytes(rows, Buffer.byteLength) + rowsBytes(wire ?? [], Buffer.byteLength)
        if (exact > this.#maxFrameBytes) {
          this.failure(id, flags & ~MORE, tooLarge(exact, this.#maxFrameBytes), detail)
          return false
        }
      }
    }
    this.#add(size, id, flags, rows, wire, detail)
    return true
  }

  /** Adds an error as the answer. */
  failure(id: number, flags: number, thrown: unknown, detail: Detail | null): void {
    const [className, code, message, stack] = toWire(thrown)
    // SQLite's message may quote all of the SQL, and the stack quotes the message.
    const told = [className, code, message.slice(0, ERROR_CHARS), stack.slice(0, ERROR_CHARS)]
    this.#add(rowBytes(told), id, flags | FAILED, told, null, detail)
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

  /** Sends what there is, now. */
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

  #add(
    bytes: number,
    id: number,
    flags: number,
    rows: unknown[],
    columns: unknown[] | null,
    detail: Detail | null,
  ): void {
    this.#out.push(id, flags, rows, columns, detail)
    this.#bytes += bytes
    if (this.#bytes > CHUNK_BYTES) this.flush()
  }
}

function tooLarge(bytes: number, limit: number): DataError {
  return new DataError(
    `a row of ${bytes} bytes, where maxFrameBytes allows ${limit}: ` +
      'raise maxFrameBytes, or read the value in parts with substr()',
    { code: 'FRAME_TOO_LARGE' },
  )
}

/**
 * Half-read results: rows of a statement that was answered with its first chunk. Runs in the child. Some are
 * still SQLite's, between two steps; some wait in memory. Who fetches them is the Session's business.
 */

import { type ChunkLimit, Filling, rowBytes } from '../drivers/chunk.ts'
import type { Awaitable, Chunk, DriverCursor, RowValues } from '../drivers/driver.ts'
import { DataError } from '../errors.ts'
import { attempt } from './awaitable.ts'

/** Rows that wait in memory, behind those that were sent. */
export class KeptRows implements DriverCursor {
  #rows: RowValues[]
  #at = 0
  readonly #broken: { readonly error: unknown } | null

  /** `broken` is what there is behind them in place of more. */
  constructor(rows: RowValues[], broken: { readonly error: unknown } | null = null) {
    this.#rows = rows
    this.#broken = broken
  }

  next(limit: ChunkLimit): Chunk & { readonly ended: boolean } {
    const { length } = this.#rows
    if (this.#broken !== null && this.#at === length) throw this.#broken.error
    const filling = new Filling({ bytes: limit.bytes, ms: Number.POSITIVE_INFINITY })
    for (; this.#at < length; this.#at++) {
      const row = this.#rows[this.#at] as RowValues
      if (!filling.take(row, rowBytes(row))) break
    }
    const { rows, bytes, late } = filling
    return { rows, bytes, late, ended: this.#broken === null && this.#at === length }
  }

  close(): void {
    this.#rows = []
    this.#at = 0
  }
}

/** A result between two of its chunks. */
export class HalfRead {
  #rest: DriverCursor
  /** Why the rest cannot be had. */
  #broken: unknown = null
  #onFree: (() => void) | null

  /** `onFree` is called once, when SQLite's statement is done with. */
  constructor(rest: DriverCursor, onFree: (() => void) | null) {
    this.#rest = rest
    this.#onFree = onFree
  }

  /** The next rows; when it throws or they have `ended`, it is closed. */
  next(limit: ChunkLimit): Awaitable<Chunk & { readonly ended: boolean }> {
    if (this.#broken !== null) throw this.#broken
    try {
      const chunk = this.#rest.next(limit)
      if (!(chunk instanceof Promise)) return this.#ended(chunk)
      return chunk.then(
        (later) => this.#ended(later),
        (thrown) => {
          this.#free()
          throw thrown
        },
      )
    } catch (thrown) {
      this.#free()
      throw thrown
    }
  }

  /** Reads the rest into memory. What goes wrong, or is too much, is told to whoever fetches it. */
  keep(maxBytes: number): Awaitable<void> {
    return attempt(
      () => this.next({ bytes: maxBytes, ms: Number.POSITIVE_INFINITY }),
      ({ rows, ended }) => (ended ? this.#wait(rows, null) : this.#keepOn(rows, maxBytes)),
      (thrown) => {
        this.#broken = thrown
      },
    )
  }

  // What is left behind these rows is an error, or one row too many.
  #keepOn(rows: RowValues[], maxBytes: number): Awaitable<void> {
    return attempt(
      () => this.next({ bytes: 1, ms: Number.POSITIVE_INFINITY }),
      () => {
        this.#broken = keptTooLarge(maxBytes)
        return this.close()
      },
      (error) => this.#wait(rows, { error }),
    )
  }

  #wait(rows: RowValues[], broken: { readonly error: unknown } | null): void {
    this.#rest = new KeptRows(rows, broken)
  }

  /** Lets go of the rows that are left, which whoever fetches on must hear of. Never throws or rejects. */
  breakOff(error: Error): Awaitable<void> {
    this.#broken ??= error
    return this.close()
  }

  /** Lets go of the rows that are left. Never throws or rejects. */
  close(): Awaitable<void> {
    try {
      const closed = this.#rest.close()
      if (closed instanceof Promise) return closed.catch(() => {}).then(() => this.#free())
    } catch {}
    this.#free()
  }

  #ended(chunk: Chunk & { readonly ended: boolean }): Chunk & { readonly ended: boolean } {
    if (chunk.ended) this.#free()
    return chunk
  }

  #free(): void {
    const onFree = this.#onFree
    this.#onFree = null
    onFree?.()
  }
}

function keptTooLarge(limit: number): DataError {
  return new DataError(
    'another statement ran while this result was half-read, so its rows had to be kept (a database that is not in WAL ' +
      `has one connection, and so has a Connection with temporary objects), and they take more than the ${limit} bytes of maxResultBytes: read it to its end first, ` +
      'or raise maxResultBytes',
    { code: 'RESULT_TOO_LARGE' },
  )
}

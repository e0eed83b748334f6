/**
 * Half-read results: rows of a statement that was answered with its first chunk. Runs in the child. Some are
 * still SQLite's, between two steps; some wait in memory. Who fetches them is the Session's business.
 */

import { type ChunkLimit, Filling, resultTooLarge, rowBytes } from '../drivers/chunk.ts'
import type { Awaitable, Chunk, DriverCursor, RowValues } from '../drivers/driver.ts'
import { chain } from './awaitable.ts'

/** Rows that wait in memory, behind those that were sent. */
export class KeptRows implements DriverCursor {
  #rows: RowValues[]
  #at = 0

  constructor(rows: RowValues[]) {
    this.#rows = rows
  }

  next(limit: ChunkLimit): Chunk & { readonly ended: boolean } {
    const filling = new Filling({ bytes: limit.bytes, ms: Number.POSITIVE_INFINITY })
    for (; this.#at < this.#rows.length; this.#at++) {
      const row = this.#rows[this.#at] as RowValues
      if (!filling.take(row, rowBytes(row))) break
    }
    const { rows, bytes, late } = filling
    return { rows, bytes, late, ended: this.#at === this.#rows.length }
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
    try {
      const read = chain(this.next({ bytes: maxBytes, ms: Number.POSITIVE_INFINITY }), ({ rows, ended }) => {
        if (ended) {
          this.#rest = new KeptRows(rows)
          return undefined
        }
        this.#broken = resultTooLarge(maxBytes)
        return this.close()
      })
      if (!(read instanceof Promise)) return read
      return read.catch((thrown) => {
        this.#broken = thrown
      })
    } catch (thrown) {
      this.#broken = thrown
    }
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

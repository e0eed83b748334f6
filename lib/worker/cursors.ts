/**
 * Cursors: the half-read results of this child by their numbers, and the chunks that are sent of them. Runs in the
 * child. Which statement a result is of is the Session's business.
 */

import type { Awaitable, Chunk, Column } from '../drivers/driver.ts'
import { ProgrammingError } from '../errors.ts'
import { CHUNK_BYTES, type Detail, LATE, MORE } from '../ipc/messages.ts'
import { attempt } from './awaitable.ts'
import type { Connections } from './connections.ts'
import type { HalfRead } from './half-read.ts'
import type { Replies } from './replies.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** A chunk of rows that come slowly is sent after so many milliseconds, so that nobody waits for it to fill. */
const CHUNK_MS = 10
export const CHUNK = { bytes: CHUNK_BYTES, ms: CHUNK_MS }

/** Where a half-read result comes from, to which its connection goes back. */
export interface Origin {
  readonly connections: Connections
  readonly connection: SqliteConnection
}

/** A half-read result, and whose it is; null for rows that only wait in memory. */
interface Open {
  readonly result: HalfRead
  readonly origin: Origin | null
}

export class Cursors {
  readonly #replies: Replies
  readonly #open = new Map<number, Open>()
  #last = 0

  constructor(replies: Replies) {
    this.#replies = replies
  }

  /** Keeps a result and gives its number. */
  keep(result: HalfRead, origin: Origin | null): number {
    const cursor = ++this.#last
    this.#open.set(cursor, { result, origin })
    return cursor
  }

  /** Answers with the next chunk of a result. */
  answerFetch(id: number, flags: number, cursor: number): Awaitable<void> {
    const open = this.#open.get(cursor)
    if (open === undefined) {
      const gone = new ProgrammingError('this result was finalized before it was read to its end', {
        code: 'RESULT_GONE',
      })
      this.#replies.failure(id, flags, gone, null)
      return
    }
    // Its next row may be long in coming.
    this.#replies.flush()
    return attempt(
      () => open.result.next(CHUNK),
      (chunk) => {
        if (chunk.ended) this.#end(cursor, open)
        this.send(id, flags, chunk, null, null, chunk.ended ? 0 : cursor)
      },
      (thrown) => {
        this.#end(cursor, open)
        this.#replies.failure(id, flags, thrown, null)
      },
    )
  }

  /**
   * Answers with a chunk; `cursor` is that of the rows that are left, 0 for none. Returns whether it went: a row may
   * be too large.
   */
  send(
    id: number,
    flags: number,
    { rows, bytes, late }: Chunk,
    columns: readonly Column[] | null,
    detail: Detail | null,
    cursor: number,
  ): boolean {
    if (cursor === 0) return this.#replies.rows(id, flags, rows, bytes, columns, detail)
    const [changes, lastrowid] = detail ?? [0, null]
    const more = flags | MORE | (late ? LATE : 0)
    const sent = this.#replies.rows(id, more, rows, bytes, columns, [changes, lastrowid, cursor])
    if (!sent) this.finalize(cursor)
    return sent
  }

  /** Lets go of a result, of which nobody wants more. */
  finalize(cursor: number): void {
    const open = this.#open.get(cursor)
    if (open === undefined) return
    this.#open.delete(cursor)
    const closed = open.result.close()
    if (closed instanceof Promise) closed.then(() => free(open))
    else free(open)
  }

  /** Forgets all: their connections are about to be closed. */
  clear(): void {
    this.#open.clear()
  }

  #end(cursor: number, open: Open): void {
    this.#open.delete(cursor)
    free(open)
  }
}

function free({ origin }: Open): void {
  origin?.connections.freed(origin.connection)
}

/**
 * Cursors: the half-read results of this child by their numbers, which the caller fetches from. Runs in the child.
 * What a chunk is sent in is the Session's business.
 */
import type { Awaitable } from '../drivers/driver.ts'
import type { Connections } from './connections.ts'
import type { HalfRead } from './half-read.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

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
  readonly #open = new Map<number, Open>()
  #last = 0

  /** Keeps a result and gives its number. */
  keep(result: HalfRead, origin: Origin | null): number {
    const cursor = ++this.#last
    this.#open.set(cursor, { result, origin })
    return cursor
  }

  get(cursor: number): HalfRead | undefined {
    return this.#open.get(cursor)?.result
  }

  /** Forgets a result that was read to its end, or broke. */
  end(cursor: number): void {
    const open = this.#open.get(cursor)
    if (open === undefined) return
    this.#open.delete(cursor)
    free(open)
  }

  /** Lets go of a result, of which nobody wants more. Never throws. */
  finalize(cursor: number): Awaitable<void> {
    const open = this.#open.get(cursor)
    if (open === undefined) return undefined
    this.#open.delete(cursor)
    const closed = open.result.close()
    if (closed instanceof Promise) return closed.then(() => free(open))
    free(open)
  }

  /** Forgets all: their connections are about to be closed. */
  clear(): void {
    this.#open.clear()
  }
}

function free({ origin }: Open): void {
  origin?.connections.freed(origin.connection)
}

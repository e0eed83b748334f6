/**
 * Lease: the writer, held by one Connection from the statement that began a transaction to the one that ended
 * it. Runs in the caller. A pinned transaction is a Lease not yet released.
 */
import type { Request } from './request.ts'

/** What a released lease leaves behind: a child to go on with, or one that is gone. */
export type Outcome = 'reuse' | 'discard'

export class Lease {
  /** Who holds it, for those who wait: a label, never the Connection itself. */
  readonly holder: string
  /** Since when, by performance.now(). */
  readonly since: number
  /** The text of the last statement sent on it, without its parameters. */
  lastSql: string
  #released: Outcome | null = null
  readonly #send: (request: Request) => void
  readonly #onRelease: (outcome: Outcome) => void

  constructor(first: Request, send: (request: Request) => void, onRelease: (outcome: Outcome) => void) {
    this.holder = first.label
    this.since = performance.now()
    this.lastSql = first.statement.sql
    this.#send = send
    this.#onRelease = onRelease
  }

  /** How it ended; null while it is held. */
  get released(): Outcome | null {
    return this.#released
  }

  /** Sends a request of the transaction, in order behind those before it. */
  submit(request: Request): void {
    this.lastSql = request.statement.sql
    request.lease = this
    this.#send(request)
  }

  /** Gives the writer back. Only the first call counts: a transaction ends once. */
  release(outcome: Outcome): void {
    if (this.#released !== null) return
    this.#released = outcome
    this.#onRelease(outcome)
  }
}

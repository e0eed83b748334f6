/**
 * Writes: the requests that only the writer may answer, first come first served, and the Lease of the one
 * transaction that may be open. Runs in the caller.
 */
import { transactionLost } from './failures.ts'
import { Lease } from './lease.ts'
import { hasRoom } from './reads.ts'
import type { Request } from './request.ts'
import { RequestQueue } from './request-queue.ts'
import type { WorkerProcess } from './worker-process.ts'

export class Writes {
  readonly queue = new RequestQueue()
  // At most one: nothing of the queue is sent while it is held.
  #lease: Lease | null = null
  readonly #onSent: (request: Request) => void
  readonly #onProgress: () => void

  /** `onSent` hears of each request that leaves the queue; `onProgress` when there is something to flush or send. */
  constructor(onSent: (request: Request) => void, onProgress: () => void) {
    this.#onSent = onSent
    this.#onProgress = onProgress
  }

  /** The open transaction, for those who wait for it. */
  get lease(): Lease | null {
    return this.#lease
  }

  /** Gives the writer what it has room for; the first that may leave a transaction open stops the queue. */
  dispatch(writer: WorkerProcess): void {
    while (this.#lease === null) {
      const request = this.queue.peek()
      if (request === undefined || !hasRoom(writer, request)) return
      this.queue.shift()
      this.#onSent(request)
      if (request.pins) request.lease = this.#lend(request, writer)
      writer.enqueue(request)
    }
  }

  #lend(first: Request, writer: WorkerProcess): Lease {
    const lease = new Lease(
      first,
      (request) => {
        if (lease.released === null && writer.ready) {
          writer.enqueue(request)
          this.#onProgress()
        } else {
          const error = transactionLost(request.statement.sql)
          request.fail(() => error, null)
        }
      },
      () => {
        if (this.#lease === lease) this.#lease = null
        this.#onProgress()
      },
    )
    this.#lease = lease
    return lease
  }
}

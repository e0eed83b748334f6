/**
 * Writes: the requests that only the writer may answer, first come first served, and the Lease of the one
 * transaction that may be open. Runs in the caller.
 */
import { failUnsent, ownConnectionLost, transactionLost } from './failures.ts'
import { Lease } from './lease.ts'
import { hasRoom } from './reads.ts'
import type { Request } from './request.ts'
import { RequestQueue } from './request-queue.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A read that costs less, in microseconds, may have others behind it. */
const SHORT_US = 1000

export class Writes {
  readonly queue = new RequestQueue()
  /** Reads on Connections' own connections, in the writer's child: they wait for nobody's transaction. */
  readonly ownReads = new RequestQueue()
  // One of these that is long or not yet measured: nothing is sent behind it, so that it can be ended alone.
  #alone: Request | null = null
  // The open transaction, at most one: nothing of the queue is sent while it is held, only what is its own.
  #lease: Lease | null = null
  readonly #leased = new RequestQueue()
  readonly #onSent: (request: Request) => void
  readonly #onProgress: () => void

  /** `onSent` hears of each request that leaves the queue; `onProgress` when there may be something to send. */
  constructor(onSent: (request: Request) => void, onProgress: () => void) {
    this.#onSent = onSent
    this.#onProgress = onProgress
  }

  /** The open transaction, for those who wait for it. */
  get lease(): Lease | null {
    return this.#lease
  }

  /** Requests that wait, those of the open transaction included. */
  get waiting(): number {
    return this.queue.size + this.ownReads.size + this.#leased.size
  }

  /** Gives the writer what it has room for; the first that may leave a transaction open stops the queue. */
  dispatch(writer: WorkerProcess): void {
    for (;;) {
      if (this.#alone !== null && !this.#alone.replied && this.#alone.worker === writer) return
      this.#alone = null
      const queue = this.#next()
      const request = queue.peek()
      if (request === undefined || !hasRoom(writer, request)) return
      if (queue === this.ownReads && !isShort(request)) {
        if (writer.inFlight > 0) return
        this.#alone = request
      }
      queue.shift()
      if (request.own?.isWith(writer) === false) {
        failUnsent(request, ownConnectionLost(request.statement.sql))
        continue
      }
      if (queue === this.queue) this.#onSent(request)
      // Within a script the lease is there already.
      if (request.pins && request.lease === null) request.lease = this.#lend(request)
      writer.enqueue(request)
    }
  }

  #next(): RequestQueue {
    if (this.ownReads.size > 0) return this.ownReads
    return this.#lease === null ? this.queue : this.#leased
  }

  #lend(first: Request): Lease {
    const lease = new Lease(
      first,
      (request) => {
        if (lease.released === null) this.#leased.push(request)
        else failUnsent(request, transactionLost(request.statement.sql))
        this.#onProgress()
      },
      () => {
        if (this.#lease === lease) this.#lease = null
        // What was still to be sent belonged to the transaction: it must not run outside it.
        for (let late = this.#leased.shift(); late !== undefined; late = this.#leased.shift())
          failUnsent(late, transactionLost(late.statement.sql))
        this.#onProgress()
      },
    )
    this.#lease = lease
    return lease
  }
}

function isShort({ statement }: Request): boolean {
  return statement.cost < SHORT_US
}

/**
 * Reads: the requests that any reader may answer, and the choice of the reader. Runs in the caller. It knows
 * what a statement costs, from what the children told, and nothing else about it.
 */

import { failUnsent, snapshotLost } from './failures.ts'
import type { Request } from './request.ts'
import { RequestQueue } from './request-queue.ts'
import type { WorkerProcess } from './worker-process.ts'

/**
 * A child holds so much estimated work at once, in microseconds. More would make a request wait for what was
 * sent before it, while another reader may be idle; less would make small frames.
 */
const FULL_LOAD = 1000

/**
 * Below so much estimated work, in microseconds, a second reader is not woken: waking it costs more than the
 * wait behind what is there. Ten point reads in flight make 230,000 a second through one reader, and 150,000
 * through two, on two cores.
 */
const PACKED_LOAD = 50

/** The least that a request counts for, in microseconds: what its message alone costs a child. */
const LEAST_LOAD = 1

/** What a chunk of a result takes a child, in microseconds, or more. */
const CHUNK_LOAD = 1000

/** More than any reader's load. */
const AVOIDED_LOAD = 1e9

/** Bytes of requests on their way to one child, so that its pipe is never the place where they wait. */
const MAX_BYTES_IN_FLIGHT = 1024 * 1024

export class Reads {
  readonly queue = new RequestQueue()
  /** Those of readonly transactions, each of which has its reader. */
  readonly pinned = new RequestQueue()

  /** Requests that wait. */
  get waiting(): number {
    return this.queue.size + this.pinned.size
  }

  /** Gives the readers what they have room for, in the order of the calls. */
  dispatch(readers: readonly WorkerProcess[]): void {
    this.#dispatchPinned()
    for (;;) {
      const request = this.queue.peek()
      if (request === undefined) return
      request.load = loadOf(request)
      const reader = choose(readers, request)
      if (reader === null) return
      this.queue.shift()
      // The first of a readonly transaction: from now on this is its reader.
      if (request.own?.isWith(reader) === false) this.pinned.push(request)
      else reader.enqueue(request)
    }
  }

  #dispatchPinned(): void {
    for (let request = this.pinned.peek(); request !== undefined; request = this.pinned.peek()) {
      const reader = request.own?.worker as WorkerProcess
      if (reader.ready && !hasRoom(reader, request)) return
      this.pinned.shift()
      if (reader.ready) {
        request.load = loadOf(request)
        reader.enqueue(request)
      } else {
        failUnsent(request, snapshotLost(request.statement.sql))
      }
    }
  }
}

// What is long or not yet measured runs alone in its child, so that nothing is stuck behind it.
function loadOf({ statement: { cost } }: Request): number {
  return cost < FULL_LOAD ? Math.max(cost, LEAST_LOAD) : FULL_LOAD
}

/** Whether a child's pipe has room for a request. */
export function hasRoom(worker: WorkerProcess, request: Request): boolean {
  return worker.inFlight === 0 || worker.bytesInFlight + request.bytes <= MAX_BYTES_IN_FLIGHT
}

// The first reader that is not yet worth a frame of its own, else the one with the least to do. A result that is
// streamed shuts nobody out: the next fetch would always be there before the reader is free.
function choose(readers: readonly WorkerProcess[], request: Request): WorkerProcess | null {
  let best: WorkerProcess | null = null
  let least = Number.POSITIVE_INFINITY
  // What may have to be killed for stays away from others' half-read results and snapshots while it can.
  const spares = request.signal !== null || request.deadline !== Number.POSITIVE_INFINITY
  for (const reader of readers) {
    if (!reader.ready || !hasRoom(reader, request)) continue
    if (reader.load > 0 && reader.load + request.load > FULL_LOAD) continue
    const load =
      reader.load +
      reader.fetches * CHUNK_LOAD +
      (spares && reader.halfRead + reader.ownConnections > 0 ? AVOIDED_LOAD : 0)
    if (load + request.load <= PACKED_LOAD) return reader
    if (load < least) {
      best = reader
      least = load
    }
  }
  return best
}

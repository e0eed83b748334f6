/**
 * Deadlines: one timer for all requests that have a deadline, and one listener for each signal. Runs in the
 * caller. It tells whose time is over; what that means is the pool's business.
 */
import type { Request } from './request.ts'

// setTimeout() takes anything longer for 1.
const LONGEST_MS = 2 ** 31 - 1

export class Deadlines {
  readonly #expired: (request: Request, now: number) => void
  readonly #aborted: (request: Request) => void
  readonly #timed = new Set<Request>()
  #timer: NodeJS.Timeout | null = null
  #due = Number.POSITIVE_INFINITY
  // A listener for each request would make Node warn of a leak at the eleventh call with one signal.
  readonly #listening = new Map<AbortSignal, { requests: Set<Request>; listener: () => void }>()

  constructor(expired: (request: Request, now: number) => void, aborted: (request: Request) => void) {
    this.#expired = expired
    this.#aborted = aborted
  }

  /** Watches a request's deadline and signal until forget(). While a deadline is watched it holds the process. */
  watch(request: Request): void {
    if (request.deadline !== Number.POSITIVE_INFINITY) {
      this.#timed.add(request)
      if (request.deadline < this.#due) this.#arm(request.deadline)
    }
    if (request.signal !== null) this.#listen(request, request.signal)
  }

  /** The request was answered, or its deadline no longer counts. */
  forget(request: Request): void {
    if (this.#timed.delete(request) && this.#timed.size === 0) this.#disarm()
    if (request.signal === null) return
    const entry = this.#listening.get(request.signal)
    if (entry === undefined || !entry.requests.delete(request) || entry.requests.size > 0) return
    this.#listening.delete(request.signal)
    request.signal.removeEventListener('abort', entry.listener)
  }

  #listen(request: Request, signal: AbortSignal): void {
    let entry = this.#listening.get(signal)
    if (entry === undefined) {
      const requests = new Set<Request>()
      const listener = (): void => {
        this.#listening.delete(signal)
        for (const each of requests) this.#aborted(each)
      }
      entry = { requests, listener }
      this.#listening.set(signal, entry)
      signal.addEventListener('abort', listener, { once: true })
    }
    entry.requests.add(request)
  }

  // The timer may be early, when the request it was set for was answered; it then only looks for the next.
  #fire(): void {
    this.#timer = null
    this.#due = Number.POSITIVE_INFINITY
    const now = performance.now()
    let next = Number.POSITIVE_INFINITY
    for (const request of [...this.#timed]) {
      if (request.deadline <= now) {
        this.#timed.delete(request)
        this.#expired(request, now)
      } else if (request.deadline < next) next = request.deadline
    }
    if (next < this.#due) this.#arm(next)
  }

  #arm(deadline: number): void {
    this.#disarm()
    this.#due = deadline
    // Rounded up: setTimeout() cuts fractions off, and would fire a moment before the deadline.
    const wait = Math.min(Math.max(Math.ceil(deadline - performance.now()), 0), LONGEST_MS)
    this.#timer = setTimeout(() => this.#fire(), wait)
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#due = Number.POSITIVE_INFINITY
  }
}

/**
 * Deadlines: one timer for all requests that wait, and one listener for each signal. Runs in the caller. It
 * tells which request's time is over; what that means is the pool's business.
 */
import type { Request } from './request.ts'

export class Deadlines {
  readonly #expired: (now: number) => void
  #timer: NodeJS.Timeout | null = null
  #due = Number.POSITIVE_INFINITY
  // A listener each would make Node warn of a leak at the eleventh call with one signal.
  readonly #listening = new Map<AbortSignal, { requests: Set<Request>; listener: () => void }>()

  /** `expired` is called when some deadline has passed; it looks which, and calls again() for the next. */
  constructor(expired: (now: number) => void) {
    this.#expired = expired
  }

  /** Sees that the timer runs at `deadline` at the latest. The timer holds the caller's process. */
  add(deadline: number): void {
    if (deadline >= this.#due) return
    this.clear()
    this.#due = deadline
    // setTimeout() cuts off fractions and takes 2^31 for 1.
    const wait = Math.min(Math.max(Math.ceil(deadline - performance.now()), 0), 2 ** 31 - 1)
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#due = Number.POSITIVE_INFINITY
      this.#expired(performance.now())
    }, wait)
  }

  /** Stops the timer: nothing waits. */
  clear(): void {
    if (this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
    this.#due = Number.POSITIVE_INFINITY
  }

  /** Calls `aborted` when the request's signal is, until forget(). */
  listen(request: Request, signal: AbortSignal, aborted: (request: Request) => void): void {
    let entry = this.#listening.get(signal)
    if (entry === undefined) {
      const requests = new Set<Request>()
      const listener = (): void => {
        this.#listening.delete(signal)
        for (const each of requests) aborted(each)
      }
      entry = { requests, listener }
      this.#listening.set(signal, entry)
      signal.addEventListener('abort', listener, { once: true })
    }
    entry.requests.add(request)
  }

  /** The request was answered. */
  forget(request: Request): void {
    const { signal } = request
    const entry = signal === null ? undefined : this.#listening.get(signal)
    if (signal === null || entry === undefined || !entry.requests.delete(request)) return
    if (entry.requests.size > 0) return
    this.#listening.delete(signal)
    signal.removeEventListener('abort', entry.listener)
  }
}

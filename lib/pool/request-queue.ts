/**
 * RequestQueue: requests that wait, first come first served. Runs in the caller. A request that is answered
 * while it waits (cancelled, timed out) is passed over when its turn comes.
 */
import type { Request } from './request.ts'

export class RequestQueue {
  // An array and a moving head: shift() of a long array moves all of it, each time.
  #items: (Request | undefined)[] = []
  #head = 0
  #size = 0

  /** Requests that wait. */
  get size(): number {
    return this.#size
  }

  push(request: Request): void {
    request.state = 'waiting'
    request.queue = this
    this.#items.push(request)
    this.#size++
  }

  /** Puts a request that was already out back to the front. */
  unshift(request: Request): void {
    request.state = 'waiting'
    request.queue = this
    if (this.#head > 0) this.#items[--this.#head] = request
    else this.#items.unshift(request)
    this.#size++
  }

  /** The first that still waits, or undefined. */
  peek(): Request | undefined {
    while (this.#head < this.#items.length) {
      const request = this.#items[this.#head] as Request
      if (request.state === 'waiting') return request
      this.#drop()
    }
    return undefined
  }

  /** Takes the first that still waits. */
  shift(): Request | undefined {
    const request = this.peek()
    if (request === undefined) return undefined
    this.#drop()
    this.#size--
    return request
  }

  /** Lets a waiting request go. The caller answers it. */
  remove(request: Request): void {
    request.state = 'done'
    this.#size--
    // Behind a head that waits for long, those that gave up would pile up.
    if (this.#items.length - this.#head > 2 * this.#size + 1024) {
      this.#items = [...this]
      this.#head = 0
    }
  }

  /** All that wait, in order. */
  *[Symbol.iterator](): IterableIterator<Request> {
    for (let i = this.#head; i < this.#items.length; i++) {
      const request = this.#items[i] as Request
      if (request.state === 'waiting') yield request
    }
  }

  #drop(): void {
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }
}

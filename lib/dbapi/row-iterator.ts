/**
 * RowIterator: `for await` over a result. Runs in the caller. Leaving the loop early lets go of the rest.
 */
import type { ExecuteRequest } from './execution.ts'

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

export class RowIterator implements AsyncIterableIterator<unknown> {
  readonly #execution: ExecuteRequest

  constructor(execution: ExecuteRequest) {
    this.#execution = execution
  }

  // Not async: of a row that is here, `await` makes 0.1 µs, and an async function's promise 0.2.
  next(): Promise<IteratorResult<unknown>> {
    const row = this.#execution.takeRow()
    if (row === undefined) return this.#fetch()
    try {
      return Promise.resolve({ done: false, value: this.#execution.make(row) })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#execution.close()
    return DONE
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #fetch(): Promise<IteratorResult<unknown>> {
    const row = await this.#execution.nextRow()
    return row === null ? DONE : { done: false, value: this.#execution.make(row) }
  }
}

/**
 * RowIterator: `for await` over a result. Runs in the caller. Leaving the loop early lets go of the rest.
 */
import type { ExecuteRequest } from './execution.ts'
import type { Row } from './result.ts'

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

export class RowIterator implements AsyncIterableIterator<Row> {
  readonly #execution: ExecuteRequest

  constructor(execution: ExecuteRequest) {
    this.#execution = execution
  }

  // Not async: of a row that is here, `await` makes 0.1 µs, and an async function's promise 0.2.
  next(): Promise<IteratorResult<Row>> {
    const row = this.#execution.takeRow()
    return row === undefined ? this.#fetch() : Promise.resolve({ done: false, value: row })
  }

  async return(): Promise<IteratorResult<Row>> {
    this.#execution.close()
    return DONE
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #fetch(): Promise<IteratorResult<Row>> {
    const row = await this.#execution.fetchone()
    return row === null ? DONE : { done: false, value: row }
  }
}

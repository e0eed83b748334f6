/**
 * Exchange: a request whose answer is a promise. Runs in the caller. For what is not on the hot path: a
 * result's next chunk, a slice of executemany.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { type Detail, Request } from '../pool/request.ts'
import type { Statement } from '../pool/router.ts'
import type { WorkerProcess } from '../pool/worker-process.ts'
import { rejectAtCaller } from './rejection.ts'

export interface Answer {
  readonly rows: SqlValue[][]
  /** The child's number for the rows that are left there, 0 if there are none. */
  readonly rest: number
  readonly detail: Detail | null
}

export class Exchange extends Request {
  /** Resolves with the answer; rejects with the child's error. */
  readonly answer: Promise<Answer>
  /** What the child counted before it failed. */
  failure: Detail | null = null
  #resolve!: (answer: Answer | PromiseLike<Answer>) => void
  readonly #repeatable: boolean

  constructor(
    statement: Statement,
    rows: SqlValue[][] | null,
    bytes: number,
    deadline: number,
    signal: AbortSignal | null,
    repeatable: boolean,
  ) {
    super(statement, [], bytes, deadline, signal)
    this.rows = rows
    this.#repeatable = repeatable
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  override get repeatable(): boolean {
    return this.#repeatable
  }

  override succeed(
    _worker: WorkerProcess,
    rows: SqlValue[][],
    rest: number,
    _columns: unknown,
    detail: Detail | null,
  ): void {
    this.#resolve({ rows, rest, detail })
  }

  override fail(make: () => Error, detail: Detail | null): void {
    this.failure = detail
    this.#resolve(rejectAtCaller(make))
  }
}

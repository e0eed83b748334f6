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
}

export class Exchange extends Request {
  /** Resolves with the answer; rejects with the child's error. */
  readonly answer: Promise<Answer>
  /** What the child counted, up to a failure too; null before the answer. */
  detail: Detail | null = null
  #resolve!: (answer: Answer | PromiseLike<Answer>) => void

  constructor(
    statement: Statement,
    rows: SqlValue[][] | null,
    bytes: number,
    deadline: number,
    signal: AbortSignal | null,
  ) {
    super(statement, [], bytes, deadline, signal)
    this.rows = rows
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Neither a slice nor the next chunk of a result can be had twice. */
  override get repeatable(): boolean {
    return false
  }

  override succeed(
    _worker: WorkerProcess,
    rows: SqlValue[][],
    rest: number,
    _columns: unknown,
    detail: Detail | null,
  ): void {
    this.detail = detail
    this.#resolve({ rows, rest })
  }

  override fail(make: () => Error, detail: Detail | null): void {
    this.detail = detail
    this.#resolve(rejectAtCaller(make))
  }
}

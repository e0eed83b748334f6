/**
 * Request: one message to a child and the place its answer goes to. Runs in the caller. The pool queues, sends
 * and answers requests; what an answer means is told by the classes that extend this one (an Execution is one,
 * so that the hot path makes a single object).
 */
import type { SqlValue } from '../drivers/driver.ts'
import type { Applied } from '../errors.ts'
import type { Detail, WireColumns } from '../ipc/messages.ts'

export type { Detail, WireColumns }

import type { Lease } from './lease.ts'
import type { Slot } from './outbox.ts'
import type { OwnConnection } from './own-connection.ts'
import type { RequestQueue } from './request-queue.ts'
import type { Statement } from './router.ts'
import type { Setting } from './settings.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Where a request is: not yet with the pool, in a queue, with a child, or answered. */
export type RequestState = 'new' | 'waiting' | 'sent' | 'done'

export abstract class Request {
  readonly statement: Statement
  /** EXECUTE: the values by place. */
  params: SqlValue[]
  /** EXECUTEMANY: the rows of values; null for any other. */
  rows: SqlValue[][] | null = null
  /** EXECUTESCRIPT: the statement's text is one of several statements. */
  script = false
  /** SET: what is to hold for every connection; null for any other. */
  setting: Setting | null = null
  /** The SQLite connection that its Connection has for itself; null for any. */
  own: OwnConnection | null = null
  /** About how many bytes it takes on the wire. */
  bytes: number
  /** The kind of transaction to begin in the same hop, or null. */
  begin: string | null = null
  /** May leave a transaction open, so it needs the writer for itself. */
  pins = false
  /** Keeps the writer after its answer, though no transaction is open: a script goes on. */
  holds = false
  /** Who asks, for messages about the one who holds the writer. */
  label = ''
  /** The writer, pinned: given by the pool when it sends a request that pins, or by the Connection that has it. */
  lease: Lease | null = null
  /** When its caller wants it ended, by performance.now(); Infinity for never. */
  readonly callDeadline: number
  /** When it ends unanswered: `callDeadline`, or sooner while it waits for the writer. */
  deadline: number
  /** Ends it unanswered when aborted. */
  readonly signal: AbortSignal | null
  state: RequestState = 'new'
  /** Whether a child has answered it, in time or not. */
  replied = false
  /** Whether a child has answered it with anything but an error. Set before succeed() and fail(). */
  succeeded = false
  /** Whether a transaction is open after it; null if no child answered. Set before succeed() and fail(). */
  inTransaction: boolean | null = null
  /** Whether rows remain that come slowly. Set before succeed(). */
  late = false
  /** The half-read result whose next chunk it fetches; 0 for a statement. */
  cursor = 0
  /** Children that died with it. */
  attempts = 0
  /** Its place among the requests of its child, in the order they were sent. */
  sequence = 0
  /** What it adds to its child's load, in microseconds. */
  load = 0
  /** What the child it was sent to knows of its text. */
  slot: Slot | null = null
  /** The child it was sent to. */
  worker: WorkerProcess | null = null
  /** Where it waits, or has waited. */
  queue: RequestQueue | null = null

  constructor(
    statement: Statement,
    params: SqlValue[],
    bytes: number,
    deadline: number,
    signal: AbortSignal | null,
  ) {
    this.statement = statement
    this.params = params
    this.bytes = bytes
    this.callDeadline = deadline
    this.deadline = deadline
    this.signal = signal
  }

  /**
   * The answer. `rest` is the child's number for the rows that are left there, 0 if there are none; `columns`
   * are null where the statement has none, `detail` where it neither writes nor leaves rows.
   */
  abstract succeed(
    worker: WorkerProcess,
    rows: SqlValue[][],
    rest: number,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void

  /** The failure. `make` makes the error when it is thrown, so that its stack can be the caller's. */
  abstract fail(make: () => Error, detail: Detail | null): void

  /** Whether it may run twice: on a reader nobody can tell. */
  get repeatable(): boolean {
    return this.statement.route === 'reader' && this.lease === null && this.own === null
  }

  /** What a failure on the way means for the data: undefined for reads, which apply nothing. */
  get applied(): Applied | undefined {
    if (this.statement.route === 'reader') return undefined
    if (this.state !== 'sent') return 'no'
    // Of a script each statement may have committed by itself.
    if (this.script) return 'unknown'
    const { verb, rollbackTo } = this.statement.parsed
    // A transaction dies with its child, unless what was under way was its end.
    const mayEnd = ['COMMIT', 'END', 'RELEASE'].includes(verb) || (verb === 'ROLLBACK' && rollbackTo)
    return (this.lease !== null || this.pins) && !mayEnd ? 'no' : 'unknown'
  }
}

/**
 * WorkerPool: the children of one database and the requests that wait for them. Runs in the caller. It decides
 * which child gets a request and when; it never looks into SQL (the router does) or rows (the facade does).
 */

import type { SqlValue } from '../drivers/driver.ts'
import {
  type Error as DbapiError,
  fromWire,
  OperationalError,
  PoolClosed,
  PoolTimeout,
  QueryCancelled,
  QueueFull,
  type WireError,
  WorkerExited,
} from '../errors.ts'
import { type Detail, FAILED, IN_TRANSACTION, MORE, type Role, type WireColumns } from '../ipc/messages.ts'
import { type ChildOptions, Children, isPrivate } from './children.ts'
import { Deadlines } from './deadlines.ts'
import { Lease } from './lease.ts'
import type { Request } from './request.ts'
import { RequestQueue } from './request-queue.ts'
import type { Router } from './router.ts'
import { FULL_LOAD, MAX_BYTES_IN_FLIGHT, type WorkerOwner, type WorkerProcess } from './worker-process.ts'

/** The least a request counts for, in microseconds: what its message alone costs a child. */
const LEAST_LOAD = 1

export class WorkerPool implements WorkerOwner {
  readonly router: Router
  readonly options: ChildOptions
  readonly #children: Children
  readonly #deadlines = new Deadlines((now) => this.#expire(now))
  readonly #reads = new RequestQueue()
  readonly #writes = new RequestQueue()
  readonly #maxQueue: number
  // The open transaction, at most one; see Lease.
  #lease: Lease | null = null
  #scheduled = false
  #closed = false
  // Why no child of a role can be started; the next request tries again.
  readonly #down: { [role in Role]?: Error } = {}
  // Where a database in memory went; nothing can bring it back.
  #lost: WorkerExited | null = null
  #drained: (() => void) | null = null

  constructor(options: ChildOptions, router: Router, maxQueue: number) {
    this.options = options
    this.router = router
    this.#maxQueue = maxQueue
    this.#children = new Children(
      options,
      this,
      () => this.#schedule(),
      (role, error) => this.#stayDown(role, error),
    )
  }

  /** Starts the children. When it rejects, none is left. */
  start(): Promise<void> {
    return this.#children.start()
  }

  /** What the children run on, once one has started. */
  get hello(): { driver: string; sqliteVersion: string } | null {
    const child = this.#children.writer ?? this.#children.readers[0]
    return child?.hello ?? null
  }

  /** The children that are there now, by role, for inspection. */
  get pids(): { writer: number | null; readers: number[] } {
    return {
      writer: this.#children.writer?.pid ?? null,
      readers: this.#children.readers.map((reader) => reader.pid as number),
    }
  }

  /** Queues a request for a child; it leaves with the others of this tick. Its answer may be a failure at once. */
  submit(request: Request): void {
    if (this.#closed || this.#lost !== null) {
      const error = this.#lost ?? poolClosed()
      request.fail(() => error, null)
      return
    }
    if (request.signal?.aborted === true) {
      this.#cancel(request)
      return
    }
    if (this.#reads.size + this.#writes.size >= this.#maxQueue) {
      const error = this.#queueFull(request)
      request.fail(() => error, null)
      return
    }
    const queue = this.#queueOf(request)
    queue.push(request)
    if (queue === this.#writes) {
      request.deadline = Math.min(request.deadline, performance.now() + this.options.lockTimeoutMs)
    }
    if (request.deadline !== Number.POSITIVE_INFINITY) this.#deadlines.add(request.deadline)
    if (request.signal !== null) this.#deadlines.listen(request, request.signal, (each) => this.#cancel(each))
    this.#schedule()
  }

  /** Asks the child that holds a half-read result for its next chunk. */
  fetch(worker: WorkerProcess, request: Request, cursor: number): void {
    if (!worker.ready) {
      request.fail(() => resultLost(request.statement.sql), null)
      return
    }
    worker.enqueueFetch(request, cursor)
    this.#schedule()
  }

  /** Tells the child that nobody will read the rest of a result. */
  finalize(worker: WorkerProcess, cursor: number): void {
    if (!worker.ready) return
    worker.enqueueFinalize(cursor)
    this.#schedule()
  }

  /** Takes no more requests, lets those it has be answered, and stops the children. */
  async close(): Promise<void> {
    this.#closed = true
    if (!this.#isIdle()) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    this.#deadlines.clear()
    await this.#children.stop()
  }

  answered(
    worker: WorkerProcess,
    request: Request,
    flags: number,
    rows: SqlValue[][] | WireError,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void {
    request.inTransaction = (flags & IN_TRANSACTION) !== 0
    if (request.lease !== null && !request.inTransaction) request.lease.release('reuse')
    if (flags & FAILED) {
      const wire = rows as WireError
      if (this.#reroute(worker, request, wire)) return
      this.#settle(request)
      const { sql } = request.statement
      request.fail(() => fromWire(wire, sql), detail)
      return
    }
    if (request.state === 'done') return
    this.#settle(request)
    const rest = flags & MORE ? ((detail as Detail)[2] as number) : 0
    request.succeed(worker, rows as SqlValue[][], rest, columns, detail)
  }

  progressed(): void {
    if (this.#reads.size + this.#writes.size > 0 || this.#drained !== null) this.#schedule()
  }

  died(worker: WorkerProcess, reason: WorkerExited, unanswered: Request[]): void {
    const wasWriter = worker === this.#children.writer
    if (wasWriter && isPrivate(this.options.database)) this.#lost = databaseLost(reason)
    if (wasWriter) this.#lease?.release('discard')
    for (const request of unanswered) {
      if (request.state === 'done') continue
      if (request.repeatable && request.attempts++ === 0 && this.#lost === null && !this.#closed) {
        this.#queueOf(request).unshift(request)
        continue
      }
      const { applied } = request
      const { sql } = request.statement
      this.#settle(request)
      request.fail(() => workerExited(reason, sql, applied), null)
    }
    if (this.#lost !== null) this.#failAll(this.#lost)
    this.#children.replace(worker)
    this.#schedule()
  }

  #queueOf(request: Request): RequestQueue {
    // A readonly pool has no writer: a reader says what is wrong with a write.
    const writes = request.statement.route === 'writer' && !this.options.readonly
    return writes || this.#children.alone ? this.#writes : this.#reads
  }

  // A reader refused to write before it gave a row: the writer takes it, now and ever after.
  #reroute(worker: WorkerProcess, request: Request, wire: WireError): boolean {
    if (worker.role !== 'reader' || wire[1] !== 'SQLITE_READONLY') return false
    if (this.options.readonly || request.state === 'done') return false
    request.statement.route = 'writer'
    this.#writes.push(request)
    return true
  }

  #settle(request: Request): void {
    request.state = 'done'
    if (request.signal !== null) this.#deadlines.forget(request)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // After the tick and the microtasks it made: what a frame of replies wakes asks again in one frame.
    process.nextTick(() => {
      this.#scheduled = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    this.#dispatchWrites()
    this.#dispatchReads()
    this.#children.writer?.flush()
    for (const reader of this.#children.readers) reader.flush()
    if (this.#reads.size + this.#writes.size === 0) {
      this.#deadlines.clear()
      if (this.#drained !== null && this.#isIdle()) this.#drained()
    }
  }

  #dispatchWrites(): void {
    const { writer } = this.#children
    if (writer === null || !writer.ready) {
      this.#reviveIfDown('writer', this.#writes)
      return
    }
    while (this.#lease === null) {
      const request = this.#writes.peek()
      if (request === undefined || !hasRoom(writer, request)) return
      this.#writes.shift()
      if (request.pins) request.lease = this.#lend(request)
      writer.enqueue(request)
    }
  }

  #dispatchReads(): void {
    const { readers } = this.#children
    if (readers.length === 0) this.#reviveIfDown('reader', this.#reads)
    for (;;) {
      const request = this.#reads.peek()
      if (request === undefined) return
      const { cost } = request.statement
      // What is long or not yet measured runs alone in its child, so that nothing is stuck behind it.
      request.load = cost < FULL_LOAD ? Math.max(cost, LEAST_LOAD) : FULL_LOAD
      const reader = leastLoaded(readers, request)
      if (reader === null) return
      this.#reads.shift()
      reader.enqueue(request)
    }
  }

  #lend(request: Request): Lease {
    const lease = new Lease(
      request,
      (next) => this.#sendOnLease(next),
      () => {
        if (this.#lease === lease) this.#lease = null
        this.#schedule()
      },
    )
    this.#lease = lease
    return lease
  }

  #sendOnLease(request: Request): void {
    const { writer } = this.#children
    if (this.#lease !== request.lease || writer === null || !writer.ready) {
      const { sql } = request.statement
      request.fail(() => transactionLost(sql), null)
      return
    }
    writer.enqueue(request)
    this.#schedule()
  }

  #expire(now: number): void {
    let next = Number.POSITIVE_INFINITY
    for (const queue of [this.#reads, this.#writes]) {
      for (const request of queue) {
        if (request.deadline > now) {
          next = Math.min(next, request.deadline)
          continue
        }
        queue.remove(request)
        this.#settle(request)
        const error = queue === this.#writes ? this.#lockTimeout(request) : readTimeout(request)
        request.fail(() => error, null)
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#deadlines.add(next)
  }

  #cancel(request: Request): void {
    const error = new QueryCancelled('the call was cancelled by its signal before it was sent', {
      code: 'QUERY_CANCELLED',
      sql: request.statement.sql,
      cause: request.signal?.reason,
      applied: request.applied,
    })
    if (request.state === 'waiting') (request.queue as RequestQueue).remove(request)
    else if (request.state !== 'new') return
    this.#settle(request)
    request.fail(() => error, null)
  }

  #lockTimeout(request: Request): OperationalError {
    const lease = this.#lease
    const held =
      lease === null
        ? 'it was busy with the writes before'
        : `${lease.holder} has held it for ${Math.round(performance.now() - lease.since)} ms in a transaction, ` +
          `whose last statement was: ${lease.lastSql.slice(0, 200)}`
    return new OperationalError(
      `database is locked: waited lockTimeoutMs (${this.options.lockTimeoutMs} ms) for the writer, but ${held}; ` +
        'end that transaction, or raise lockTimeoutMs',
      { code: 'SQLITE_BUSY', sql: request.statement.sql, applied: request.applied },
    )
  }

  #queueFull(request: Request): QueueFull {
    return new QueueFull(
      `${this.#reads.size} reads and ${this.#writes.size} writes wait already, as many as maxQueue allows ` +
        `(${this.#maxQueue}); await some of your calls first, or raise maxQueue`,
      { code: 'QUEUE_FULL', sql: request.statement.sql, applied: request.applied },
    )
  }

  #isIdle(): boolean {
    if (this.#reads.size + this.#writes.size > 0) return false
    const { readers, writer } = this.#children
    return (writer?.inFlight ?? 0) === 0 && readers.every((reader) => reader.inFlight === 0)
  }

  #stayDown(role: Role, error: Error): void {
    this.#down[role] = error
    this.#failAll(error, role === 'writer' ? this.#writes : this.#reads)
  }

  #reviveIfDown(role: Role, waiting: RequestQueue): void {
    if (this.#down[role] === undefined || waiting.size === 0) return
    delete this.#down[role]
    this.#children.revive(role)
  }

  #failAll(error: Error, ...queues: RequestQueue[]): void {
    for (const queue of queues.length > 0 ? queues : [this.#reads, this.#writes]) {
      for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
        this.#settle(request)
        request.fail(() => error as DbapiError, null)
      }
    }
  }
}

function hasRoom(worker: WorkerProcess, request: Request): boolean {
  return worker.inFlight === 0 || worker.bytesInFlight + request.bytes <= MAX_BYTES_IN_FLIGHT
}

function leastLoaded(readers: readonly WorkerProcess[], request: Request): WorkerProcess | null {
  let best: WorkerProcess | null = null
  for (const reader of readers) {
    if (!reader.ready || !hasRoom(reader, request)) continue
    if (reader.load > 0 && reader.load + request.load > FULL_LOAD) continue
    if (best === null || reader.load < best.load) best = reader
  }
  return best
}

function poolClosed(): PoolClosed {
  return new PoolClosed('the pool is closed', { code: 'POOL_CLOSED' })
}

function readTimeout(request: Request): PoolTimeout {
  return new PoolTimeout('no reader was free within the time allowed', {
    code: 'POOL_TIMEOUT',
    sql: request.statement.sql,
  })
}

function workerExited(
  reason: WorkerExited,
  sql: string,
  applied: 'no' | 'unknown' | undefined,
): WorkerExited {
  const fate =
    applied === undefined
      ? ''
      : applied === 'no'
        ? '; nothing of it was applied'
        : '; it may have been applied'
  return new WorkerExited(reason.message + fate, { code: 'WORKER_EXITED', sql, applied, cause: reason })
}

function databaseLost(reason: WorkerExited): WorkerExited {
  return new WorkerExited(`the database was in memory and is gone with its process: ${reason.message}`, {
    code: 'WORKER_EXITED',
    cause: reason,
  })
}

function transactionLost(sql: string): OperationalError {
  return new OperationalError(
    'the transaction was lost with its child process; call rollback() and begin again',
    {
      code: 'TRANSACTION_LOST',
      sql,
      applied: 'no',
    },
  )
}

function resultLost(sql: string): OperationalError {
  return new OperationalError(
    'the rest of this result was lost with its child process; run the query again',
    {
      code: 'RESULT_GONE',
      sql,
    },
  )
}

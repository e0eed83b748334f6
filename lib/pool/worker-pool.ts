/**
 * WorkerPool: the children of one database and the requests that wait for them. Runs in the caller. It takes
 * requests in, sees that each is answered once, and knows neither SQL (the router does) nor rows (the facade).
 */
import type { SqlValue } from '../drivers/driver.ts'
import { fromWire, type WireError, type WorkerExited } from '../errors.ts'
import { type Detail, FAILED, IN_TRANSACTION, LATE, type Role, type WireColumns } from '../ipc/messages.ts'
import { type ChildOptions, isPrivate } from './child-options.ts'
import { Children } from './children.ts'
import { Deadlines } from './deadlines.ts'
import {
  cancelled,
  databaseLost,
  lockTimeout,
  poolClosed,
  queueFull,
  readTimeout,
  resultLost,
  roleDown,
  tooLate,
  unsendable,
  workerExited,
} from './failures.ts'
import type { LauncherName } from './launcher.ts'
import type { OwnConnection } from './own-connection.ts'
import { Reads } from './reads.ts'
import type { Request } from './request.ts'
import type { RequestQueue } from './request-queue.ts'
import type { Router } from './router.ts'
import { PoolSettings } from './settings.ts'
import type { WorkerOwner, WorkerProcess } from './worker-process.ts'
import { Writes } from './writes.ts'

/** A query whose caller has gone may take so long to end by itself, in milliseconds; then its child is killed. */
const GRACE_MS = 50

/** The same of a chunk that nobody waits for any more, while the child has results of others half-read. */
const NEIGHBOURS_GRACE_MS = 2000

/** What a pool is made of, at one moment. */
export interface PoolStats {
  /** How its children were forked. */
  launcher: LauncherName
  /** The SQLite package they use; null while none is there. */
  driver: string | null
  /** Its engine's version; null while none is there. */
  sqliteVersion: string | null
  /** The processes that serve, each with the requests it has not answered. */
  children: { role: Role; pid: number; inFlight: number }[]
  /** Requests that are with no process yet. */
  waiting: { reads: number; writes: number }
}

export class WorkerPool implements WorkerOwner {
  readonly router: Router
  readonly options: ChildOptions
  /** What was set for every connection since the pool was made. */
  readonly settings = new PoolSettings()
  readonly #children: Children
  readonly #reads = new Reads()
  readonly #writes = new Writes(
    (request) => this.#stopWaiting(request),
    () => this.#schedule(),
  )
  readonly #deadlines = new Deadlines(
    (request, now) => this.#expire(request, now),
    (request) => this.abandon(request, cancelled(request)),
  )
  readonly #maxQueue: number
  #scheduled = false
  #closed = false
  // Why no child of a role can be started; the next request tries again.
  readonly #down: { [role in Role]?: Error } = {}
  // How the child of a database in memory ended; nothing can bring it back.
  #lost: WorkerExited | null = null
  #drained: (() => void) | null = null
  // Calls that fetch rows, each perhaps in several requests, one after the other.
  #reading = 0

  constructor(options: ChildOptions, router: Router, maxQueue: number) {
    this.options = options
    this.router = router
    this.#maxQueue = maxQueue
    this.#children = new Children(
      options,
      this.settings,
      this,
      () => this.#schedule(),
      (role, error) => this.#stayDown(role, error),
    )
  }

  /** Starts the children. When it rejects, none is left. */
  start(): Promise<void> {
    return this.#children.start()
  }

  /** What it is made of now. */
  stats(): PoolStats {
    const { readers, writer } = this.#children
    const children = writer === null ? readers : [writer, ...readers]
    const hello = children[0]?.hello ?? null
    return {
      launcher: this.options.launcher,
      driver: hello?.driver ?? null,
      sqliteVersion: hello?.sqliteVersion ?? null,
      children: children.map(({ role, pid, inFlight }) => ({ role, pid: pid as number, inFlight })),
      waiting: { reads: this.#reads.waiting, writes: this.#writes.waiting },
    }
  }

  /** Whether one SQLite connection does everything: the database is not in WAL. */
  get alone(): boolean {
    return this.#children.alone
  }

  /** Queues a request for a child; it leaves with the others of this tick. It may fail at once. */
  submit(request: Request): void {
    const refusal = this.#refusal(request)
    if (refusal !== null) {
      this.refuse(request, refusal)
      return
    }
    const queue = this.#queueOf(request)
    if (queue === this.#writes.queue) {
      this.#queueWrite(request)
    } else {
      queue.push(request)
      this.watch(request)
    }
    this.#schedule()
  }

  /** Ends a request, wherever it is then, at its deadline or when its signal is aborted. */
  watch(request: Request): void {
    if (request.deadline !== Number.POSITIVE_INFINITY || request.signal !== null)
      this.#deadlines.watch(request)
  }

  /**
   * Answers a request that nobody waits for any more. A write that is with the writer runs on: whether it was
   * applied is worth waiting for.
   */
  abandon(request: Request, error: Error): void {
    if (request.state === 'done') return
    if (request.state === 'sent') {
      if (request.statement.route === 'writer') return
      if (request.worker !== null && this.#mayBeKilled(request.worker, request))
        this.#endQuery(request, request.worker)
    } else if (request.state === 'waiting') {
      request.queue?.remove(request)
    }
    this.refuse(request, error)
    this.#schedule()
  }

  /** Fails a request that no child will answer. It is not watched any more, or its deadline would fail it again. */
  refuse(request: Request, error: Error): void {
    this.settle(request)
    request.fail(() => error, null)
  }

  /** A call has begun that may fetch from this child: close() waits for its end. */
  beginReading(worker: WorkerProcess): void {
    this.#reading++
    worker.await()
  }

  endReading(worker: WorkerProcess): void {
    this.#reading--
    worker.stopAwaiting()
    if (this.#drained !== null) this.#schedule()
  }

  /** Asks the child that holds a half-read result for its next chunk. */
  fetch(worker: WorkerProcess, request: Request, cursor: number): void {
    // While a call that was there before close() is reading, it gets all it needs.
    if ((this.#closed && this.#reading === 0) || !worker.ready) {
      this.refuse(request, this.#closed ? poolClosed() : resultLost(request.statement.sql, worker.death))
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

  /** Closes the SQLite connection that a Connection has had for itself. */
  leave(own: OwnConnection): void {
    if (own.worker === null || own.lost) return
    own.worker.enqueueLeave(own)
    this.#schedule()
  }

  /** Takes no more requests, lets those it has be answered, and stops the children. */
  async close(): Promise<void> {
    this.#closed = true
    // Chunks that were asked for ahead hold nobody but us.
    const { readers, writer } = this.#children
    for (const child of [...readers, ...(writer === null ? [] : [writer])])
      if (child.inFlight > 0) child.await()
    if (!this.#isIdle()) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    await this.#children.stop()
  }

  answered(
    worker: WorkerProcess,
    request: Request,
    flags: number,
    rows: SqlValue[][] | WireError,
    rest: number,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void {
    request.replied = true
    request.succeeded = (flags & FAILED) === 0
    request.inTransaction = (flags & IN_TRANSACTION) !== 0
    const goesOn = request.inTransaction || (request.holds && request.succeeded)
    if (request.lease !== null && !goesOn) request.lease.release('reuse')
    if (request.setting !== null && request.succeeded) this.settings.add(request.setting, worker)
    request.late = (flags & LATE) !== 0
    if (request.state === 'done') {
      // Its caller has left meanwhile, and would never fetch the rest.
      if (rest !== 0) this.finalize(worker, rest)
    } else if (flags & FAILED) {
      const wire = rows as WireError
      if (this.#reroute(worker, request, wire)) return
      this.settle(request)
      const { sql } = request.statement
      request.fail(() => fromWire(wire, sql), detail)
    } else {
      this.settle(request)
      request.succeed(worker, rows as SqlValue[][], rest, columns, detail)
    }
  }

  progressed(): void {
    if (this.#waiting > 0 || this.#drained !== null) this.#schedule()
  }

  died(worker: WorkerProcess, reason: WorkerExited, unanswered: Request[]): void {
    if (worker === this.#children.writer) {
      if (isPrivate(this.options.database)) this.#lost = reason
      this.#writes.lease?.release('discard')
    }
    for (const request of unanswered) {
      if (request.state === 'done') continue
      // A death that we caused says nothing about the others that were there.
      const again = worker.killed || request.attempts++ === 0
      if (request.repeatable && again && this.#lost === null) {
        this.#repeat(request)
        continue
      }
      const { applied } = request
      const { sql } = request.statement
      this.settle(request)
      request.fail(() => workerExited(reason, sql, applied), null)
    }
    if (this.#lost !== null) {
      const lost = this.#lost
      this.#failAll(this.#reads.queue, () => databaseLost(lost))
      this.#failAll(this.#writes.queue, () => databaseLost(lost))
      this.#failAll(this.#writes.ownReads, () => databaseLost(lost))
    }
    this.#children.replace(worker)
    this.#schedule()
  }

  get #waiting(): number {
    return this.#reads.waiting + this.#writes.waiting
  }

  #refusal(request: Request): Error | null {
    if (this.#lost !== null) return databaseLost(this.#lost)
    if (this.#closed) return poolClosed()
    const refusal = unsendable(request, this.options.maxFrameBytes)
    if (refusal !== null || this.#waiting < this.#maxQueue) return refusal
    return queueFull(request, this.#reads.waiting, this.#writes.waiting, this.#maxQueue)
  }

  #queueOf(request: Request): RequestQueue {
    // A readonly pool has no writer: a reader says what is wrong with a write.
    const writes = request.statement.route === 'writer' && !this.options.readonly
    if (request.own?.role === 'reader')
      return request.own.worker === null ? this.#reads.queue : this.#reads.pinned
    // The first of an own connection takes its turn: it must not meet the open transaction of another.
    if (request.own !== null)
      return writes || request.own.worker === null ? this.#writes.queue : this.#writes.ownReads
    return writes || this.#children.alone ? this.#writes.queue : this.#reads.queue
  }

  // A reader refused to write before it gave a row: the writer takes it, now and ever after.
  #reroute(worker: WorkerProcess, request: Request, wire: WireError): boolean {
    if (worker.role !== 'reader' || wire[1] !== 'SQLITE_READONLY' || this.options.readonly) return false
    // A readonly transaction does not write.
    if (request.own !== null) return false
    request.statement.route = 'writer'
    this.#queueWrite(request)
    this.#schedule()
    return true
  }

  #queueWrite(request: Request): void {
    this.#writes.queue.push(request)
    this.#limitWait(request)
  }

  #repeat(request: Request): void {
    const queue = this.#queueOf(request)
    queue.unshift(request)
    if (queue === this.#writes.queue) this.#limitWait(request)
  }

  // Whoever waits for the writer waits no longer than lockTimeoutMs, whatever the call itself allows.
  #limitWait(request: Request): void {
    request.deadline = Math.min(request.callDeadline, performance.now() + this.options.lockTimeoutMs)
    this.#deadlines.watch(request)
  }

  // A write that is sent is waited for. A read, where one child does everything, still has its call's deadline.
  #stopWaiting(request: Request): void {
    this.#deadlines.forget(request)
    if (request.statement.route === 'writer') return
    request.deadline = request.callDeadline
    this.watch(request)
  }

  /** A request is about to be answered: nothing else may answer it. */
  settle(request: Request): void {
    request.state = 'done'
    if (request.deadline !== Number.POSITIVE_INFINITY || request.signal !== null)
      this.#deadlines.forget(request)
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
    const { readers, writer } = this.#children
    if (writer?.ready) this.settings.tell(writer)
    for (const reader of readers) if (reader.ready) this.settings.tell(reader)
    if (writer?.ready) this.#writes.dispatch(writer)
    this.#reads.dispatch(readers)
    writer?.flush()
    for (const reader of readers) reader.flush()
    this.#reviveIfDown('writer', this.#writes.queue)
    this.#reviveIfDown('reader', this.#reads.queue)
    if (this.#drained !== null && this.#isIdle()) this.#drained()
  }

  #expire(request: Request, now: number): void {
    const { queue, state } = request
    if (state === 'waiting' && queue === this.#writes.queue) {
      this.abandon(request, lockTimeout(request, this.#writes.lease, now))
    } else if (state === 'sent' || (state === 'waiting' && queue === this.#reads.queue)) {
      this.abandon(request, readTimeout(request))
    } else {
      this.abandon(request, tooLate(request))
    }
  }

  // No SQLite package can interrupt a query from outside, so its reader is killed; what else was with it are
  // reads, which run again elsewhere. What waits behind another is not the one to be killed for, yet.
  #endQuery(request: Request, worker: WorkerProcess): void {
    const running = worker.isOldest(request)
    // Whoever closes a result has no quarrel with others', which would break.
    const grace = request.cursor !== 0 && worker.halfRead > 0 ? NEIGHBOURS_GRACE_MS : GRACE_MS
    const look = (): void => {
      if (request.replied || !worker.ready) return
      if (running && worker.isOldest(request) && this.#mayBeKilled(worker, request)) worker.kill()
      else this.#endQuery(request, worker)
    }
    // Timers come before pipes: a caller that stood still has not read yet what was answered long ago.
    setTimeout(() => setImmediate(look), grace).unref()
  }

  // The writer only for a read on an own connection, which holds up all writes, and while no transaction is open there:
  // what is temporary is lost with it, and their Connections are told.
  #mayBeKilled(worker: WorkerProcess, request: Request): boolean {
    return worker.role === 'reader' || (request.own !== null && this.#writes.lease === null)
  }

  #isIdle(): boolean {
    const { readers, writer } = this.#children
    const inFlight = readers.reduce((sum, reader) => sum + reader.inFlight, writer?.inFlight ?? 0)
    return this.#waiting === 0 && inFlight === 0 && this.#reading === 0
  }

  #stayDown(role: Role, error: Error): void {
    this.#down[role] = error
    const queues = role === 'writer' ? [this.#writes.queue, this.#writes.ownReads] : [this.#reads.queue]
    for (const queue of queues) this.#failAll(queue, (request) => roleDown(error, request))
    this.#schedule()
  }

  #reviveIfDown(role: Role, waiting: RequestQueue): void {
    if (this.#down[role] === undefined || waiting.size === 0) return
    delete this.#down[role]
    this.#children.revive(role)
  }

  #failAll(queue: RequestQueue, make: (request: Request) => Error): void {
    for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
      this.refuse(request, make(request))
    }
  }
}

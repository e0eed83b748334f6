/**
 * WorkerProcess: one child process, from its fork to its exit, with the requests it has not yet answered. Runs
 * in the caller. It sends what it is given and tells what became of it; whom to give what is the pool's business.
 */
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import type { SqlValue } from '../drivers/driver.ts'
import { fromWire, OperationalError, type WireError, WorkerExited } from '../errors.ts'
import { Channel } from '../ipc/channel.ts'
import {
  type Detail,
  type Hello,
  MAGIC,
  MORE,
  type Open,
  ProtocolError,
  type ReplyHandler,
  type Role,
  readHello,
  readReplies,
  VERSION,
  type WireColumns,
} from '../ipc/messages.ts'
import type { Setting } from '../ipc/settings.ts'
import { markBusy, unwatch, watch } from './guardian.ts'
import { Outbox } from './outbox.ts'
import type { OwnConnection } from './own-connection.ts'
import type { Request } from './request.ts'

/** How much of a child's stderr is kept, to quote it when the child dies. */
const STDERR_CHARS = 4096

/** How long a child that was asked to leave may take, in milliseconds; then it is killed. */
const LEAVE_MS = 5000

/** What a WorkerProcess tells the pool. */
export interface WorkerOwner {
  /** An answer: rows, or a WireError if `flags` has FAILED; `rest` is the cursor of those that are left, 0 for none. */
  answered(
    worker: WorkerProcess,
    request: Request,
    flags: number,
    rows: SqlValue[][] | WireError,
    rest: number,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void
  /** All answers of a frame were told. */
  progressed(): void
  /** The child is gone, by its pipe's end and its exit; these were not answered. */
  died(worker: WorkerProcess, reason: WorkerExited, unanswered: Request[]): void
}

export class WorkerProcess implements ReplyHandler {
  readonly role: Role
  readonly #child: ChildProcess
  readonly #channel: Channel
  readonly #replies: Socket
  readonly #owner: WorkerOwner
  /** What the child said when it was ready; null before. */
  hello: Hello | null = null
  /** When that was, by performance.now(). */
  readyAt = Number.NaN
  /** Whether it was ended by kill(), so that its death is no sign of trouble. */
  killed = false
  /** Connections' own connections that it has: they would be lost with it. */
  ownConnections = 0
  /** How many of the pool's settings it was told. */
  told = 0
  /** How it ended; null while it lives. */
  death: WorkerExited | null = null
  /** Resolves when the process is gone and its pipe is read to the end. */
  readonly gone: Promise<void>

  readonly #outbox = new Outbox()
  #stderr = ''
  #broken: Error | null = null
  #exit: { code: number | null; signal: NodeJS.Signals | null } | null = null
  #pipeEnded = false
  #leaving = false
  // Calls that wait for chunks of its half-read results.
  #awaiting = 0
  #started: { resolve(hello: Hello): void; reject(error: Error): void } | null = null
  #resolveGone: () => void = () => {}

  /** Takes over a child that was just forked. Nothing is sent before open(). */
  constructor(child: ChildProcess, role: Role, maxFrameBytes: number, owner: WorkerOwner) {
    this.role = role
    this.#child = child
    this.#owner = owner
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve
    })
    watch(child)
    const [, , stderr, , requests, replies] = pipesOf(child)
    this.#replies = replies
    this.#channel = new Channel(replies, requests, {
      maxFrameBytes,
      onMessage: (message) => this.#receive(message),
      onEnd: (error) => this.#endPipe(error),
    })
    this.#quote(stderr)
    child.on('error', (error) => {
      // Any other error, a failed kill() say, is not the end of the child.
      if (child.pid === undefined) this.#endProcess(null, null, error)
    })
    child.on('exit', (code, signal) => this.#endProcess(code, signal))
    child.channel?.unref()
    child.unref()
    requests.unref()
    replies.unref()
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Requests that are not answered. */
  get inFlight(): number {
    return this.#outbox.inFlight
  }

  /** Their bytes. */
  get bytesInFlight(): number {
    return this.#outbox.bytesInFlight
  }

  /** Their estimated run time in microseconds, without that of fetches. */
  get load(): number {
    return this.#outbox.load
  }

  /** Results that the child has half-read, as far as it has told. */
  get halfRead(): number {
    return this.#outbox.halfRead.size
  }

  /** Of the requests, those that fetch the next chunk of a result. */
  get fetches(): number {
    return this.#outbox.fetches
  }

  /** Ready for requests: greeted, and not on its way out. */
  get ready(): boolean {
    return this.hello !== null && !this.#leaving && !this.#pipeEnded && this.#exit === null
  }

  /**
   * Has the child open the database. Resolves when it is ready, with its initializer run.
   * Rejects with the child's own error, or an OperationalError when it dies first or takes over `timeoutMs`.
   */
  open(open: Open, timeoutMs: number): Promise<Hello> {
    return new Promise<Hello>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settleStart(startTimeout(this.role, timeoutMs, open.initializer))
        this.kill()
      }, timeoutMs)
      const settle = (): void => {
        clearTimeout(timer)
        this.#letGo()
      }
      this.#started = {
        resolve: (hello) => {
          settle()
          resolve(hello)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
      // A caller that exits now must not leave an initializer running for ever.
      markBusy(this.#child, true)
      this.#replies.ref()
      if (this.#exit !== null) this.#settleStart(this.#reason())
      else this.#channel.send([MAGIC, VERSION, open])
    })
  }

  /** Adds a request to the batch that flush() sends. */
  enqueue(request: Request): void {
    request.state = 'sent'
    request.worker = this
    this.#outbox.execute(request)
  }

  /** Adds the fetch of a result's next chunk, which `request` takes, to the batch. */
  enqueueFetch(request: Request, cursor: number): void {
    request.state = 'sent'
    request.worker = this
    this.#outbox.fetch(request, cursor)
  }

  /** Adds the end of a half-read result to the batch; it is not answered. */
  enqueueFinalize(cursor: number): void {
    this.#outbox.finalize(cursor)
  }

  /** Adds the end of an own connection to the batch; it is not answered. */
  enqueueLeave(own: OwnConnection): void {
    this.ownConnections--
    this.#outbox.leave(own.number)
  }

  /** Adds a setting that another child has made to the batch; it is not answered. */
  enqueueAdopt(setting: Setting): void {
    this.#outbox.adopt(setting)
  }

  /** Whether the child is at this request: of those it has not answered, the first that was sent. */
  isOldest(request: Request): boolean {
    return this.#outbox.isOldest(request)
  }

  /** Somebody waits for chunks of it, until as many calls of stopAwaiting(): that keeps the caller alive. */
  await(): void {
    this.#awaiting++
    if (this.death === null) this.#replies.ref()
  }

  stopAwaiting(): void {
    this.#awaiting--
    this.#letGo()
  }

  /** Sends what was added, in one write unless it is much. */
  flush(): void {
    const batches = this.#outbox.take()
    if (batches.length === 0) return
    if (this.inFlight > 0) markBusy(this.#child, true)
    if (this.#isAwaited) this.#replies.ref()
    for (const batch of batches) this.#channel.send(batch)
  }

  /** Asks the child to close the database and leave; resolves when it is gone. Kills it if it will not. */
  async leave(): Promise<void> {
    this.#leaving = true
    if (this.#exit === null) {
      this.#child.ref()
      this.#replies.ref()
      this.#channel.end()
    }
    const timer = setTimeout(() => this.kill(), LEAVE_MS)
    await this.gone
    clearTimeout(timer)
  }

  /** Ends the process at once, whatever it does. */
  kill(): void {
    this.killed = true
    this.#child.ref()
    this.#replies.ref()
    this.#child.kill('SIGKILL')
  }

  reply(
    id: number,
    flags: number,
    rows: SqlValue[][] | WireError,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void {
    const rest = flags & MORE ? ((detail as Detail)[2] as number) : 0
    const request = this.#outbox.answered(id, rest)
    const { slot } = request
    if (slot !== null) {
      // The child tells a statement's columns once, and again when they change.
      if (columns === null) columns = slot.columns
      else slot.columns = columns
    }
    this.#owner.answered(this, request, flags, rows, rest, columns, detail)
  }

  costs(slotsAndMicroseconds: number[]): void {
    this.#outbox.costs(slotsAndMicroseconds)
  }

  #receive(message: unknown): void {
    if (this.hello === null) {
      const greeting = readHello(message)
      if ('failed' in greeting) {
        this.#settleStart(fromWire(greeting.failed))
        return
      }
      this.hello = greeting.hello
      this.readyAt = performance.now()
      const started = this.#started
      this.#started = null
      started?.resolve(greeting.hello)
      return
    }
    readReplies(message, this)
    this.#letGo()
    this.#owner.progressed()
  }

  // Whether there is an answer that somebody waits for: more than chunks that were asked for ahead.
  get #isAwaited(): boolean {
    return this.#awaiting > 0 || this.#outbox.inFlight > this.#outbox.fetches
  }

  // Nothing that is waited for is asked of the child: it does not keep the caller alive, unless somebody waits for
  // its end.
  #letGo(): void {
    if (this.inFlight === 0) markBusy(this.#child, false)
    if (this.#isAwaited || this.#leaving || this.killed || this.#exit !== null) return
    this.#replies.unref()
  }

  #settleStart(error: Error): void {
    const started = this.#started
    this.#started = null
    started?.reject(error)
  }

  #endPipe(error: Error | null): void {
    this.#pipeEnded = true
    this.#broken ??= error
    // The child goes on with its half of a broken channel; nobody would read what it says.
    if (this.#exit === null && (error instanceof ProtocolError || !this.#leaving)) {
      this.#child.ref()
      if (error instanceof ProtocolError) this.#child.kill('SIGKILL')
    }
    this.#finish()
  }

  #endProcess(code: number | null, signal: NodeJS.Signals | null, error: Error | null = null): void {
    if (this.#exit !== null) return
    this.#exit = { code, signal }
    this.#broken ??= error
    // Its death is judged when the pipe has ended too, so the caller must live to see that.
    if (!this.#pipeEnded) this.#replies.ref()
    unwatch(this.#child)
    this.#finish()
  }

  // A death is judged only now: before the pipe's end there may be answers in it, and before the exit the
  // child may still hold its locks.
  #finish(): void {
    if (this.#exit === null || !this.#pipeEnded) return
    this.#replies.unref()
    const reason = this.#reason()
    this.death = reason
    this.#settleStart(reason)
    const unanswered = this.#outbox.abandon()
    this.#resolveGone()
    this.#owner.died(this, reason, unanswered)
  }

  #reason(): WorkerExited {
    const { code, signal } = this.#exit ?? { code: null, signal: null }
    const how =
      signal !== null
        ? `was killed by ${signal}`
        : code !== null
          ? `exited with code ${code}`
          : 'could not be forked'
    const when = this.hello === null && this.pid !== undefined ? ' before it was ready' : ''
    const why = this.#broken === null ? '' : `: ${this.#broken.message}`
    const said = this.#stderr.trim() === '' || code === 0 ? '' : `; it said: ${this.#stderr.trim()}`
    return new WorkerExited(
      `the ${this.role}'s child process ${this.pid === undefined ? '' : `${this.pid} `}${how}${when}${why}${said}`,
      {
        code: 'WORKER_EXITED',
        cause: this.#broken ?? undefined,
      },
    )
  }

  // Passes the child's stderr on to ours and keeps the end of it.
  #quote(stderr: Socket): void {
    stderr.on('data', (chunk: Buffer) => {
      process.stderr.write(chunk)
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_CHARS)
    })
    stderr.on('error', () => {})
    stderr.unref()
  }
}

type Pipes = [stdin: null, stdout: null, stderr: Socket, ipc: null, requests: Socket, replies: Socket]

// A child that could not be forked has pipes that never end, or none at all; its 'error' says why.
function pipesOf(child: ChildProcess): Pipes {
  if (child.pid !== undefined) return child.stdio as unknown as Pipes
  for (const pipe of child.stdio ?? []) pipe?.destroy()
  const [stderr, requests, replies] = [new Socket(), new Socket(), new Socket()]
  for (const pipe of [stderr, requests, replies]) pipe.destroy()
  return [null, null, stderr, null, requests, replies]
}

function startTimeout(role: Role, timeoutMs: number, initializer: string | null): OperationalError {
  const what = initializer === null ? '' : `, its initializer ${initializer} included`
  return new OperationalError(
    `the ${role}'s child process was not ready within startTimeoutMs (${timeoutMs} ms)${what}`,
    { code: 'START_TIMEOUT' },
  )
}

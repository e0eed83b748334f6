/**
 * Children: the writer and the readers of one database, started side by side, replaced when one dies, stopped
 * in order. Runs in the caller. It knows when a child is needed, not what the children are asked.
 */
import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { Error as DbapiError } from '../errors.ts'
import type { Hello, Role } from '../ipc/messages.ts'
import { type ChildOptions, defaultWorkerPath, isPrivate, openMessage } from './child-options.ts'
import { databaseMoved, forkFailed } from './failures.ts'
import { fileIdentity } from './file-identity.ts'
import { TOKEN } from './guardian.ts'
import { inheritedEnv, inheritedFlags } from './inherit.ts'
import { launch } from './launcher.ts'
import type { PoolSettings } from './settings.ts'
import { type WorkerOwner, WorkerProcess } from './worker-process.ts'

/** A child that dies before it is ready so many times in a row is not started again by itself. */
const MAX_FAILED_STARTS = 3
const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 5000

/** A child that was ready and died sooner than this, in milliseconds, is in trouble, as its heir may be. */
const STEADY_MS = 1000
/** So many of these in a row, and no other is started by itself. */
const MAX_EARLY_DEATHS = 10

export class Children {
  /** The one child that writes; null in a readonly pool, and while it is being replaced. */
  writer: WorkerProcess | null = null
  /** Those that read; the writer does where there are none. */
  readers: WorkerProcess[] = []
  /** Whether one child does everything: the database is not in WAL. */
  alone: boolean
  readonly #options: ChildOptions
  readonly #settings: PoolSettings
  readonly #owner: WorkerOwner
  readonly #all = new Set<WorkerProcess>()
  // In a row: starts that failed, and children that died soon after they were ready.
  readonly #failedStarts: Record<Role, number> = { writer: 0, reader: 0 }
  readonly #earlyDeaths: Record<Role, number> = { writer: 0, reader: 0 }
  // Children on their way, those that wait for their turn included.
  readonly #starting: Record<Role, number> = { writer: 0, reader: 0 }
  readonly #stop = new AbortController()
  // Which file they have open: a child that comes later must not open, or make, another of that name.
  #file: string | null = null
  readonly #onReady: () => void
  readonly #onDown: (role: Role, error: Error) => void

  /** `onReady` is called when a replaced child is ready, `onDown` when none of a role can be started. */
  constructor(
    options: ChildOptions,
    settings: PoolSettings,
    owner: WorkerOwner,
    onReady: () => void,
    onDown: (role: Role, error: Error) => void,
  ) {
    this.#options = options
    this.#settings = settings
    this.#owner = owner
    this.#onReady = onReady
    this.#onDown = onDown
    this.alone = !options.readonly && isPrivate(options.database)
  }

  /** Starts all. When it rejects, with the first child's error, no process is left. */
  async start(): Promise<void> {
    const { readonly, readers } = this.#options
    this.#starting.writer++
    this.#starting.reader += readers
    try {
      // All processes start now; the readers open the file when the writer has made it what it shall be.
      const writer = readonly ? null : this.#fork('writer')
      const forked = this.alone ? [] : Array.from({ length: readers }, () => this.#fork('reader'))
      if (writer !== null) {
        const { journalMode } = await this.#open(writer)
        this.alone = journalMode !== 'wal'
        this.writer = writer
      }
      if (this.alone) await Promise.all(forked.map((reader) => reader.leave()))
      else await Promise.all(forked.map((reader) => this.#addReader(reader)))
    } catch (error) {
      this.#stop.abort()
      await this.#killAll()
      throw error
    } finally {
      this.#starting.writer--
      this.#starting.reader -= readers
    }
    this.#file = fileIdentity(this.#options.database)
    // What died meanwhile, ready already.
    for (const role of ['writer', 'reader'] as const) void this.revive(role)
  }

  /** Lets all leave, the readers first: the last to close the database is the writer, which checkpoints. */
  async stop(): Promise<void> {
    this.#stop.abort()
    const writer = this.writer
    await Promise.all([...this.#all].filter((child) => child !== writer).map((child) => child.leave()))
    await writer?.leave()
  }

  /** Puts another in the place of a child that died. */
  async replace(dead: WorkerProcess): Promise<void> {
    this.#all.delete(dead)
    if (this.writer === dead) this.writer = null
    this.readers = this.readers.filter((reader) => reader !== dead)
    // A child that was never ready is the business of whoever waits for it to be.
    if (dead.hello === null) return
    const { death, role } = dead
    const early = !dead.killed && performance.now() - dead.readyAt < STEADY_MS
    this.#earlyDeaths[role] = early ? this.#earlyDeaths[role] + 1 : 0
    if (this.#earlyDeaths[role] >= MAX_EARLY_DEATHS && !this.#hasOther(role)) {
      this.#earlyDeaths[role] = 0
      this.#onDown(role, death as Error)
    } else {
      await this.revive(role)
    }
  }

  /** Starts what is missing of a role, again and again with growing pauses; gives up after some. */
  async revive(role: Role): Promise<void> {
    await Promise.all(Array.from({ length: this.#missing(role) }, () => this.#restart(role)))
  }

  #missing(role: Role): number {
    const { database, readonly, readers } = this.#options
    // A private database died with its child; another would be an empty one that looks the same.
    if (this.#stop.signal.aborted || isPrivate(database)) return 0
    if (role === 'reader') return this.alone ? 0 : readers - this.readers.length - this.#starting.reader
    return readonly || this.writer !== null ? 0 : 1 - this.#starting.writer
  }

  #hasOther(role: Role): boolean {
    return role === 'reader' && this.readers.length > 0
  }

  async #restart(role: Role): Promise<void> {
    const { signal } = this.#stop
    this.#starting[role]++
    try {
      // The first that dies early may have had bad luck: its heir starts at once.
      let pause = backoff(this.#earlyDeaths[role] - 1)
      for (;;) {
        // While another serves, nobody waits for this one.
        const ref = !this.#hasOther(role)
        if (pause > 0) await delay(pause, undefined, { signal, ref }).catch(() => {})
        if (signal.aborted) return
        const error = await this.#tryStart(role)
        if (error === null || signal.aborted) return
        if (++this.#failedStarts[role] >= MAX_FAILED_STARTS && !this.#hasOther(role)) {
          this.#onDown(role, error)
          return
        }
        pause = backoff(this.#failedStarts[role])
      }
    } finally {
      this.#starting[role]--
    }
  }

  async #tryStart(role: Role): Promise<Error | null> {
    let child: WorkerProcess | null = null
    try {
      if (fileIdentity(this.#options.database) !== this.#file) throw databaseMoved(this.#options.database)
      child = this.#fork(role)
      if (role === 'reader') await this.#addReader(child)
      else {
        await this.#open(child)
        this.writer = child
      }
    } catch (error) {
      // One that hangs may hold the database's locks until it is gone.
      child?.kill()
      await child?.gone
      return error as Error
    }
    this.#failedStarts[role] = 0
    this.#onReady()
    return null
  }

  async #addReader(reader: WorkerProcess): Promise<void> {
    await this.#open(reader)
    this.readers.push(reader)
  }

  #open(child: WorkerProcess): Promise<Hello> {
    child.told = this.#settings.made
    const message = openMessage(this.#options, child.role, this.alone, this.#settings.inForce)
    return child.open(message, this.#options.startTimeoutMs)
  }

  async #killAll(): Promise<void> {
    const all = [...this.#all]
    for (const child of all) child.kill()
    await Promise.all(all.map((child) => child.gone))
  }

  #fork(role: Role): WorkerProcess {
    const { env, launcher, maxFrameBytes } = this.#options
    const modulePath = this.#options.workerPath ?? defaultWorkerPath()
    let child: ChildProcess
    try {
      child = launch(launcher, {
        modulePath,
        args: [TOKEN, role, this.#options.database],
        execArgv: inheritedFlags(process.execArgv),
        env: inheritedEnv(process.env, { ...env, FORKLITE_TOKEN: TOKEN }),
      })
    } catch (error) {
      // Of what the system refuses, Node throws some at once, and tells the rest by the child's 'error'.
      throw error instanceof DbapiError ? error : forkFailed(role, error as Error)
    }
    const worker = new WorkerProcess(child, role, maxFrameBytes, this.#owner)
    this.#all.add(worker)
    return worker
  }
}

function backoff(times: number): number {
  return times <= 0 ? 0 : Math.min(FIRST_BACKOFF_MS * 2 ** (times - 1), LONGEST_BACKOFF_MS)
}

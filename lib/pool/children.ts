/**
 * Children: the writer and the readers of one database, started side by side, replaced when one dies, stopped
 * in order. Runs in the caller. It knows how to open a database in a child, not what the children are asked.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { OperationalError } from '../errors.ts'
import type { Open, Role } from '../ipc/messages.ts'
import type { Candidate } from './driver-path.ts'
import { TOKEN } from './guardian.ts'
import { inheritedEnv, inheritedFlags } from './inherit.ts'
import { type LauncherName, launch } from './launcher.ts'
import { type WorkerOwner, WorkerProcess } from './worker-process.ts'

/** How children are made; the same for each of a database. */
export interface ChildOptions {
  /** The file's absolute path, `:memory:` or `''`. */
  database: string
  readonly: boolean
  drivers: Candidate[]
  /** Reader processes; none where the database is not in WAL. */
  readers: number
  launcher: LauncherName
  /** A module's URL, or null. */
  initializer: string | null
  initargs: unknown[]
  /** Over the defaults. */
  pragmas: Record<string, string | number>
  cacheBytes: number
  lockTimeoutMs: number
  startTimeoutMs: number
  maxFrameBytes: number
  workerPath: string | null
  env: Record<string, string>
}

/** A child that dies before it is ready so many times in a row is not started again by itself. */
const MAX_FAILED_STARTS = 3
const FIRST_BACKOFF_MS = 100

export class Children {
  /** The one child that writes; null in a readonly pool, and while it is being replaced. */
  writer: WorkerProcess | null = null
  /** Those that read; the writer does where there are none. */
  readers: WorkerProcess[] = []
  /** Whether one child does everything: the database is not in WAL. */
  alone: boolean
  readonly #options: ChildOptions
  readonly #owner: WorkerOwner
  readonly #all = new Set<WorkerProcess>()
  readonly #failures: Record<Role, number> = { writer: 0, reader: 0 }
  #stopping = false
  readonly #onReady: () => void
  readonly #onDown: (role: Role, error: Error) => void

  /** `onReady` is called when a replaced child is ready, `onDown` when none of a role can be started. */
  constructor(
    options: ChildOptions,
    owner: WorkerOwner,
    onReady: () => void,
    onDown: (role: Role, error: Error) => void,
  ) {
    this.#options = options
    this.#owner = owner
    this.#onReady = onReady
    this.#onDown = onDown
    this.alone = !options.readonly && isPrivate(options.database)
  }

  /** Starts all. When it rejects, with the first child's error, no process is left. */
  async start(): Promise<void> {
    const { readonly, readers } = this.#options
    try {
      // All processes start now; the readers open the file when the writer has made it what it shall be.
      const writer = readonly ? null : this.#fork('writer')
      const forked = this.alone ? [] : Array.from({ length: readers }, () => this.#fork('reader'))
      if (writer !== null) {
        const { journalMode } = await writer.open(this.#open('writer'), this.#options.startTimeoutMs)
        this.alone = journalMode !== 'wal'
        this.writer = writer
      }
      if (this.alone) await Promise.all(forked.map((reader) => reader.leave()))
      else {
        await Promise.all(
          forked.map((reader) => reader.open(this.#open('reader'), this.#options.startTimeoutMs)),
        )
        this.readers = forked
      }
    } catch (error) {
      this.#stopping = true
      await this.#killAll()
      throw error
    }
  }

  /** Lets all leave, the readers first: the last to close the database is the writer, which checkpoints. */
  async stop(): Promise<void> {
    this.#stopping = true
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
    if (dead.hello !== null) await this.revive(dead.role)
  }

  /** Starts a child of a role, again and again with growing pauses; gives up after some. */
  async revive(role: Role): Promise<void> {
    let pause = FIRST_BACKOFF_MS
    for (;;) {
      // A private database died with its child; another would be an empty one that looks the same.
      if (this.#stopping || isPrivate(this.#options.database)) return
      try {
        const child = this.#fork(role)
        await child.open(this.#open(role), this.#options.startTimeoutMs)
        this.#failures[role] = 0
        if (this.#stopping) return
        if (role === 'writer') this.writer = child
        else this.readers.push(child)
        this.#onReady()
        return
      } catch (error) {
        if (++this.#failures[role] >= MAX_FAILED_STARTS) {
          this.#onDown(role, error as Error)
          return
        }
        await new Promise((resolve) => setTimeout(resolve, pause))
        pause *= 2
      }
    }
  }

  async #killAll(): Promise<void> {
    const all = [...this.#all]
    for (const child of all) child.kill()
    await Promise.all(all.map((child) => child.gone))
  }

  #fork(role: Role): WorkerProcess {
    const { env, launcher, maxFrameBytes } = this.#options
    const child = launch(launcher, {
      modulePath: this.#options.workerPath ?? defaultWorkerPath(),
      args: [TOKEN, role, this.#options.database],
      execArgv: inheritedFlags(process.execArgv),
      env: inheritedEnv(process.env, env),
    })
    const worker = new WorkerProcess(child, role, maxFrameBytes, this.#owner)
    this.#all.add(worker)
    return worker
  }

  #open(role: Role): Open {
    const options = this.#options
    return {
      role,
      database: options.database,
      readonly: role === 'reader',
      drivers: options.drivers.map(({ name, path }) => ({ name, path })),
      pragmas: this.#pragmas(role),
      busyTimeoutMs: options.lockTimeoutMs,
      initializer: options.initializer,
      initargs: options.initargs,
      maxFrameBytes: options.maxFrameBytes,
    }
  }

  #pragmas(role: Role): [name: string, value: string | number][] {
    const { cacheBytes, pragmas, readers } = this.#options
    const children = this.alone ? 1 : readers + 1
    const all: Record<string, string | number> = {
      // First, and by the writer alone: several that set WAL at once get "database is locked".
      ...(role === 'writer' ? { journal_mode: 'WAL' } : {}),
      synchronous: 'FULL',
      foreign_keys: 'ON',
      trusted_schema: 'OFF',
      mmap_size: 0,
      cache_size: -Math.max(1, Math.floor(cacheBytes / children / 1024)),
      ...pragmas,
    }
    if (role === 'reader') {
      delete all.journal_mode
      all.query_only = 'ON'
    }
    // A database in memory has no file to map; its mmap_size does not read back.
    if (isPrivate(this.#options.database) && pragmas.mmap_size === undefined) delete all.mmap_size
    return Object.entries(all)
  }
}

/** Whether a database exists in one connection only: in memory, or a temporary file without a name. */
export function isPrivate(database: string): boolean {
  return database === ':memory:' || database === ''
}

function defaultWorkerPath(): string {
  // `.ts` when forklite runs from its sources under a Node that strips types.
  const beside = new URL(`../worker/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
  const path = fileURLToPath(beside)
  if (existsSync(path)) return path
  try {
    return createRequire(import.meta.url).resolve('forklite/worker')
  } catch {
    throw new OperationalError(
      `the child's program is not where it should be (${path}), as happens in a bundle: ` +
        "keep forklite external, or give its file 'forklite/worker' in the option workerPath",
      { code: 'WORKER_NOT_FOUND' },
    )
  }
}

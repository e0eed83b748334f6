/**
 * ChildOptions: what a child is made from: its program, and what it is told to open and to set. Runs in the
 * caller.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { OperationalError } from '../errors.ts'
import type { Open, Role } from '../ipc/messages.ts'
import type { Setting } from '../ipc/settings.ts'
import type { Candidate } from './driver-path.ts'
import type { LauncherName } from './launcher.ts'

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
  /** For results that a child must keep whole. */
  maxResultBytes: number
  workerPath: string | null
  env: Record<string, string>
}

/** The first frame of a child. `alone`: it is the only one; `settings`: what was set since the pool was made. */
export function openMessage(
  options: ChildOptions,
  role: Role,
  alone: boolean,
  settings: readonly Setting[],
): Open {
  return {
    role,
    database: options.database,
    readonly: role === 'reader',
    drivers: options.drivers.map(({ name, path }) => ({ name, path })),
    pragmas: pragmasOf(options, role, alone),
    sparePragmas: sparePragmasOf(options, role, alone),
    settings: [...settings],
    busyTimeoutMs: options.lockTimeoutMs,
    initializer: options.initializer,
    initargs: options.initargs,
    maxFrameBytes: options.maxFrameBytes,
    maxResultBytes: options.maxResultBytes,
    startTimeoutMs: options.startTimeoutMs,
  }
}

/** KiB of page cache of a spare connection: SQLite's default. A hundred half-read results have a hundred of them. */
const SPARE_CACHE_KIB = 2000

// WAL is set already. The cache is the budget's, unless the caller has set it.
function sparePragmasOf(
  options: ChildOptions,
  role: Role,
  alone: boolean,
): [name: string, value: string | number][] {
  const own = options.pragmas.cache_size !== undefined
  return pragmasOf(options, role, alone)
    .filter(([name]) => name !== 'journal_mode')
    .map(([name, value]) => {
      if (name !== 'cache_size' || own) return [name, value]
      return [name, Math.max(value as number, -SPARE_CACHE_KIB)]
    })
}

function pragmasOf(
  { cacheBytes, database, pragmas, readers }: ChildOptions,
  role: Role,
  alone: boolean,
): [name: string, value: string | number][] {
  const all: Record<string, string | number> = {
    // First, and by the writer alone: several that set WAL at once get "database is locked".
    ...(role === 'writer' ? { journal_mode: 'WAL' } : {}),
    synchronous: 'FULL',
    foreign_keys: 'ON',
    trusted_schema: 'OFF',
    mmap_size: 0,
    cache_size: -Math.max(1, Math.floor(cacheBytes / (alone ? 1 : readers + 1) / 1024)),
    ...pragmas,
  }
  if (role === 'reader') {
    delete all.journal_mode
    all.query_only = 'ON'
  }
  // A database in memory has no file to map; its mmap_size does not read back.
  if (isPrivate(database) && pragmas.mmap_size === undefined) delete all.mmap_size
  return Object.entries(all)
}

/** Whether a database exists in one connection only: in memory, or a temporary file without a name. */
export function isPrivate(database: string): boolean {
  return database === ':memory:' || database === ''
}

/** The child's program: `forklite/worker`. */
export function defaultWorkerPath(): string {
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

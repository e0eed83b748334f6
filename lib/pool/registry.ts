/**
 * Registry: one WorkerPool for each database file in this process, shared and counted. Runs in the caller. Two
 * pools on one file would have two writers, which wait for each other's locks and both checkpoint.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { OperationalError, ProgrammingError } from '../errors.ts'
import { type ChildOptions, isPrivate } from './child-options.ts'
import { fileIdentity } from './file-identity.ts'
import { Router } from './router.ts'
import { WorkerPool } from './worker-pool.ts'

interface Entry {
  readonly pool: WorkerPool
  readonly path: string
  readonly maxQueue: number
  /** Device and inode, once the file is there: a file may have several names. */
  identity: string | null
  references: number
  readonly started: Promise<void>
  /** Set when the last reference is gone. */
  closed: Promise<void> | null
}

/** A use of a WorkerPool, until it is released. */
export interface Use {
  readonly pool: WorkerPool
  /** Gives the use back. The last one lets the pool finish and resolves when its processes are gone. */
  release(): Promise<void>
}

/** What all who share a pool have to agree on. */
type SharedOptions = ChildOptions & { maxQueue: number }

const entries = new Set<Entry>()

/**
 * The WorkerPool of a database: the one that is there, or a new one, ready for requests.
 * `given` names the options that the user gave: only these have to agree with a pool that is there.
 */
export async function usePool(
  options: ChildOptions,
  given: ReadonlySet<string>,
  maxQueue: number,
): Promise<Use> {
  const database = isPrivate(options.database) ? options.database : canonicalPath(options.database)
  let entry = find(database)
  while (entry?.closed) {
    // The old writer must be gone before a new one comes.
    await entry.closed.catch(() => {})
    entry = find(database)
  }
  if (entry === undefined) entry = add({ ...options, database }, maxQueue)
  else expectSame({ ...entry.pool.options, maxQueue: entry.maxQueue }, { ...options, maxQueue }, given)
  entry.references++
  const using = entry
  try {
    await using.started
  } catch (error) {
    entries.delete(using)
    throw error
  }
  // The file is certain to exist now, and to be the one that the children opened.
  using.identity ??= fileIdentity(using.path)
  let released: Promise<void> | null = null
  return {
    pool: using.pool,
    release() {
      released ??= release(using)
      return released
    },
  }
}

function add(options: ChildOptions, maxQueue: number): Entry {
  const pool = new WorkerPool(options, new Router(), maxQueue)
  const path = options.database
  const entry: Entry = {
    pool,
    path,
    maxQueue,
    identity: isPrivate(path) ? null : fileIdentity(path),
    references: 0,
    started: pool.start(),
    closed: null,
  }
  if (!isPrivate(path)) entries.add(entry)
  return entry
}

async function release(entry: Entry): Promise<void> {
  if (--entry.references > 0) return
  entry.closed = entry.pool.close()
  try {
    await entry.closed
  } finally {
    entries.delete(entry)
  }
}

function find(path: string): Entry | undefined {
  if (isPrivate(path)) return undefined
  const identity = fileIdentity(path)
  for (const entry of entries) {
    // A file that was deleted is another database when it is made anew, by whatever we open now too. Without
    // an identity the children have not made the file yet.
    const same = entry.identity === null ? entry.path === path : entry.identity === identity
    if (same) return entry
  }
  return undefined
}

// The real path of a file, or of the folder that it will be made in.
function canonicalPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    try {
      return join(realpathSync(dirname(path)), basename(path))
    } catch (error) {
      throw new OperationalError(`unable to open database file: there is no folder ${dirname(path)}`, {
        code: 'SQLITE_CANTOPEN',
        cause: error,
      })
    }
  }
}

function expectSame(there: SharedOptions, wanted: SharedOptions, given: ReadonlySet<string>): void {
  const differing = (Object.keys(wanted) as (keyof SharedOptions)[])
    .filter((name) => given.has(name) && name !== 'database' && !isDeepStrictEqual(there[name], wanted[name]))
    .map((name) => (name === 'drivers' ? 'driver' : name))
  if (differing.length === 0) return
  throw new ProgrammingError(
    `this process has the database open already, with another ${differing.join(', ')}; ` +
      'processes are shared by all who open one file: give the same options, or close the other first',
    { code: 'BAD_OPTION' },
  )
}

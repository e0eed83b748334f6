/**
 * Loads an SQLite package from the place the caller found it at. Runs in the child, the only process that
 * ever holds native code. It knows how each package is loaded, and nothing of how it is used.
 */
import { createRequire } from 'node:module'
import { InterfaceError } from '../errors.ts'
import { type BetterSqlite3, betterSqlite3Driver } from './better-sqlite3.ts'
import type { Driver, DriverName } from './driver.ts'
import { type NodeSqlite, nodeSqliteDriver } from './node-sqlite.ts'
import { type Sqlite3, sqlite3Driver } from './sqlite3/connection.ts'

/** A driver the caller found, as it comes in the child's start message. */
export interface DriverPlace {
  readonly name: DriverName
  /** The absolute path of the file to load, or `node:sqlite`. */
  readonly path: string
}

export interface LoadFailure {
  readonly name: DriverName
  readonly path: string
  readonly error: unknown
}

/**
 * Loads the package and opens an empty database with it, so that an addon that does not fit this Node is
 * found out now: better-sqlite3 loads its addon when it first opens one.
 */
export async function loadDriver(name: DriverName, path: string): Promise<Driver> {
  const driver = wrap(name, await load(path))
  const probe = await driver.open(':memory:', { readonly: false, busyTimeoutMs: 0 })
  await probe.close()
  return driver
}

/** Loads the first that loads, and tells what was wrong with those before it; InterfaceError when none does. */
export async function loadFirst(
  candidates: readonly DriverPlace[],
): Promise<{ driver: Driver; failures: LoadFailure[] }> {
  const failures: LoadFailure[] = []
  for (const { name, path } of candidates) {
    try {
      return { driver: await loadDriver(name, path), failures }
    } catch (error) {
      failures.push({ name, path, error })
    }
  }
  const reasons = failures.map(({ name, path, error }) => `\n  ${name} (${path}): ${reason(error)}`)
  throw new InterfaceError(
    `no SQLite driver could be loaded on Node ${process.versions.node}; npm install better-sqlite3, or npm rebuild what is installed${reasons.join('')}`,
    { code: 'DRIVER_NOT_LOADED', cause: failures.at(-1)?.error },
  )
}

function wrap(name: DriverName, module: unknown): Driver {
  switch (name) {
    case 'better-sqlite3':
      return betterSqlite3Driver(module as BetterSqlite3)
    case 'node:sqlite':
      return nodeSqliteDriver(module as NodeSqlite)
    case 'sqlite3':
      return sqlite3Driver(module as Sqlite3)
  }
}

async function load(path: string): Promise<unknown> {
  const require = createRequire(import.meta.url)
  if (path !== 'node:sqlite') return require(path)
  return withoutExperimentalWarning(() => require(path))
}

/** Loads node:sqlite without its warning that it is experimental: whoever chose the driver knows. */
function withoutExperimentalWarning(load: () => unknown): unknown {
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('SQLite is an experimental feature')) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return load()
  } finally {
    process.emitWarning = emitWarning
  }
}

const REASON_CHARS = 300

function reason(error: unknown): string {
  // Of an addon for another Node the message has four lines, and the third says so.
  return error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, REASON_CHARS) : String(error)
}

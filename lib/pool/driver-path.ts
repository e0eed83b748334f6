/**
 * Finds the SQLite packages a child could load. Runs in the caller's process, and so never loads one: a
 * package's path, version and engines are read, its code is not.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { DriverName } from '../drivers/driver.ts'
import { InterfaceError } from '../errors.ts'

/** A driver that was found, for the child to load. */
export interface Candidate {
  readonly name: DriverName
  /** The absolute path of the file to load, or `node:sqlite`. */
  readonly path: string
  /** The package's version, or Node's. */
  readonly version: string
}

/** The order in which `driver: 'auto'` tries them; the same as DRIVER_NAMES, which only the child may import. */
const ORDER = ['better-sqlite3', 'node:sqlite', 'sqlite3'] as const satisfies readonly DriverName[]

/** What Node the packages must run on, whatever their engines say: better-sqlite3 13 segfaults on Node 20. */
const FLOORS: readonly { name: DriverName; from: string; node: string }[] = [
  { name: 'better-sqlite3', from: '13.0.0', node: '22.14.0' },
]

/** The first Node whose node:sqlite has `setReturnArrays`, `columns` and `isTransaction`. */
const NODE_SQLITE_FROM = '22.16.0'

/** Where to look, and on which Node; specs look elsewhere. */
export interface Surroundings {
  /** Files and directories (those end in a slash), as URLs, in order. */
  readonly places: readonly URL[]
  readonly node: string
}

/**
 * Finds the driver, or for `'auto'` all that are there, in the order to try them. Throws an InterfaceError
 * (`DRIVER_NOT_FOUND`) that lists each with the places looked in and the reason, when there is none.
 */
export function resolveDrivers(
  driver: DriverName | 'auto',
  resolveFrom?: string | URL,
  { places, node }: Surroundings = surroundings(resolveFrom),
): Candidate[] {
  const found: Candidate[] = []
  const reasons: string[] = []
  for (const name of driver === 'auto' ? ORDER : [driver]) {
    const result = name === 'node:sqlite' ? nodeSqlite(node) : fromPlaces(name, places, node)
    if (typeof result === 'string') reasons.push(`\n  ${name}: ${result}`)
    else found.push(result)
  }
  if (found.length > 0) return found
  const what = driver === 'auto' ? 'no SQLite driver was found' : `the driver ${driver} was not found`
  throw new InterfaceError(
    `${what}: npm install better-sqlite3, or say where it is with resolveFrom${reasons.join('')}`,
    {
      code: 'DRIVER_NOT_FOUND',
    },
  )
}

/** A hoisted forklite does not see what the application has installed for itself: its main file does. */
function surroundings(resolveFrom: string | URL | undefined): Surroundings {
  const places: URL[] = []
  if (resolveFrom !== undefined) places.push(place(resolveFrom))
  places.push(new URL(import.meta.url))
  if (process.argv[1] !== undefined) places.push(pathToFileURL(process.argv[1]))
  places.push(pathToFileURL(`${process.cwd()}/`))
  return { places, node: process.versions.node }
}

/** `resolveFrom` is a file: URL such as import.meta.url, or a path; a directory's path needs no slash at its end. */
function place(resolveFrom: string | URL): URL {
  const path =
    resolveFrom instanceof URL || resolveFrom.startsWith('file:') ? fileURLToPath(resolveFrom) : resolveFrom
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory()
  return pathToFileURL(isDirectory ? join(path, '/') : path)
}

/** isBuiltin loads nothing: loading node:sqlite prints a warning. */
function nodeSqlite(node: string): Candidate | string {
  if (atLeast(node, NODE_SQLITE_FROM) && isBuiltin('node:sqlite')) {
    return { name: 'node:sqlite', path: 'node:sqlite', version: node }
  }
  return `comes with Node ${NODE_SQLITE_FROM} and later, this is Node ${node}`
}

/** The package from the first place that has one that fits, or why there is none. */
function fromPlaces(name: DriverName, places: readonly URL[], node: string): Candidate | string {
  const reasons = new Set<string>()
  for (const from of places) {
    let path: string
    try {
      path = createRequire(from).resolve(name)
    } catch {
      reasons.add(`not found from ${fileURLToPath(from)}`)
      continue
    }
    const { version, engines } = manifestOf(path, name)
    const refusal = refuse(name, version, engines, node)
    if (refusal === null) return { name, path, version }
    reasons.add(`${refusal} (${path})`)
  }
  return [...reasons].join('; ')
}

function refuse(name: DriverName, version: string, engines: string, node: string): string | null {
  const floor = FLOORS.find((entry) => entry.name === name && atLeast(version, entry.from))?.node
  if (floor !== undefined && !atLeast(node, floor)) {
    return `${version} needs Node ${floor} or later, this is Node ${node}`
  }
  return satisfies(node, engines) ? null : `${version} is for Node ${engines}, this is Node ${node}`
}

/** The package.json above a package's file. */
function manifestOf(path: string, name: string): { version: string; engines: string } {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const file = join(directory, 'package.json')
    if (existsSync(file)) {
      const manifest = JSON.parse(readFileSync(file, 'utf8'))
      // A package may have others within, such as {"type": "commonjs"}.
      if (manifest.name === name)
        return { version: manifest.version ?? '', engines: manifest.engines?.node ?? '' }
    }
    if (directory === dirname(directory)) return { version: '', engines: '' }
  }
}

type Version = readonly [major: number, minor: number, patch: number]

/** `20.x`, `>=22.14`, `^20.19.0`: an operator and up to three numbers. */
const COMPARATOR = /^(>=|>|<=|<|\^|~|=)?v?(\d+)(?:\.(\d+|x|\*))?(?:\.(\d+|x|\*))?$/

/**
 * Whether a Node version is in a range of the forms that engines have: comparators, side by side or parted
 * by `||`. A range in another form is taken to fit. Ours, since the caller's process has one dependency only,
 * and all that hangs on it is which of three packages is tried first.
 */
export function satisfies(version: string, range: string): boolean {
  return range.split('||').some((alternative) => {
    // `>= 20` is written with a blank, too.
    const comparators = alternative
      .replace(/([<>=^~])\s+/g, '$1')
      .trim()
      .split(/\s+/)
    return comparators.every((text) => fits(parse(version), text))
  })
}

function fits(version: Version, comparator: string): boolean {
  const match = COMPARATOR.exec(comparator)
  if (match === null) return true
  const [, operator = '', ...texts] = match
  const given = texts.filter((text) => text !== undefined && /^\d+$/.test(text)).map(Number)
  const low: Version = [given[0]!, given[1] ?? 0, given[2] ?? 0]
  const high = above(operator, given)
  switch (operator) {
    case '>=':
      return compare(version, low) >= 0
    case '>':
      return compare(version, high) >= 0
    case '<':
      return compare(version, low) < 0
    case '<=':
      return compare(version, high) < 0
    default:
      return compare(version, low) >= 0 && compare(version, high) < 0
  }
}

/** The first version beyond those that `given` stands for: 20 is all of 20, ^20.19 too, ~20.19 is all of 20.19. */
function above(operator: string, given: readonly number[]): Version {
  const [major = 0, minor, patch] = given
  if (operator === '^' || minor === undefined) return [major + 1, 0, 0]
  if (operator === '~' || patch === undefined) return [major, minor + 1, 0]
  return [major, minor, patch + 1]
}

function atLeast(version: string, floor: string): boolean {
  return compare(parse(version), parse(floor)) >= 0
}

function parse(version: string): Version {
  const [major, minor, patch] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return [major ?? 0, minor ?? 0, patch ?? 0]
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

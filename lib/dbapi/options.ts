/**
 * The options of connect() and createPool(): what they are, and the check of them all at once. Runs in the
 * caller. What is wrong is told before any process is started.
 */

import { availableParallelism } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ProgrammingError } from '../errors.ts'
import type { ChildOptions } from '../pool/child-options.ts'
import { resolveDrivers } from '../pool/driver-path.ts'
import { autoLauncher } from '../pool/launcher.ts'
import { OWN_PRAGMAS } from '../pool/router.ts'
import { databasePath } from './database-path.ts'
import { type RowFactory, wantedRowFactory } from './row-factory.ts'

/** How a transaction begins by itself, before the first INSERT, UPDATE, DELETE or REPLACE; null for never. */
export type IsolationLevel = 'DEFERRED' | 'IMMEDIATE' | 'EXCLUSIVE' | null

/** Limits of a Connection, as CPython's `Connection.setlimit()` has them for its own. */
export interface Limits {
  /** The longest SQL text, in bytes. Default: 1,000,000,000. */
  sqlLength: number
  /** Parameters of a statement. Default: 32,766. */
  variables: number
  /** Databases attached at once. Default: 10. */
  attached: number
}

/** What one Connection may have of its own. `F` is the kind of its row factory. */
export interface ConnectionOptions<F extends RowFactory = null> {
  /** Every statement commits by itself. Default: false, as PEP 249 has it. */
  autocommit?: boolean
  /** How the implicit transaction begins; `''` is `'DEFERRED'`. Default: `'IMMEDIATE'`. */
  isolationLevel?: IsolationLevel | ''
  /** The `arraysize` of new cursors, in rows. Default: 1. */
  arraysize?: number
  /**
   * What rows are handed out as: null for arrays of values in column order, `Row`, `'object'` for plain objects, or
   * a function `(cursor, row) => anything`. Default: null.
   */
  rowFactory?: F
  /**
   * How registered converters are found for a column: PARSE_DECLTYPES by its declared type, PARSE_COLNAMES by a type
   * in its name, `"x [type]"`; `PARSE_DECLTYPES | PARSE_COLNAMES` by both. Default: 0, they are not used. With the
   * package sqlite3, which tells no declared types, PARSE_DECLTYPES is a NotSupportedError.
   */
  detectTypes?: number
  /**
   * Keep the stack of every call, at 2 µs each, for errors that reach no `await`: in a chain of `.then()` they
   * would not show where the call was made. Default: false.
   */
  captureStacks?: boolean
  /** Limits below SQLite's own. */
  limits?: Partial<Limits>
}

/** ConnectionOptions with every default filled in. */
export type ConnectionSettings = Required<
  Omit<ConnectionOptions<RowFactory>, 'isolationLevel' | 'limits'>
> & {
  readonly isolationLevel: IsolationLevel
  readonly limits: Limits
}

/** The options of connect() and createPool(). */
export interface Options<F extends RowFactory = null> extends ConnectionOptions<F> {
  /** The SQLite package to use. Default: `'auto'`, the first that loads, in the order of these names. */
  driver?: 'auto' | 'better-sqlite3' | 'node:sqlite' | 'sqlite3'
  /** Reader processes. Default: `os.availableParallelism()`. */
  readers?: number
  /** How children are forked. Default: `'auto'`: cluster, unless this process uses node:cluster itself. */
  launcher?: 'auto' | 'cluster' | 'child_process'
  /** A module (path or URL) whose default export runs in every child: `(db, role, ...initargs)`. */
  initializer?: string | URL
  /** What the initializer is called with, behind the database and the role. Default: `[]`. */
  initargs?: readonly unknown[]
  /** Pragmas over the defaults, set on every connection in every child and read back. */
  pragmas?: Readonly<Record<string, string | number>>
  /** The longest wait for the writer or a foreign lock, in milliseconds. Default: 5000. */
  lockTimeoutMs?: number
  /** Requests that may wait; one more is refused with QueueFull. Default: 100,000. */
  maxQueue?: number
  /** How long a child may take to be ready, its initializer included, in milliseconds. Default: 10,000. */
  startTimeoutMs?: number
  /** SQLite's page cache, in bytes for all children together. Default: 64 MiB. */
  cacheBytes?: number
  /** The largest message, and so the largest row, in bytes. Default: 256 MiB. */
  maxFrameBytes?: number
  /** The most that a child keeps of a result it must read to its end, RETURNING's say, in bytes. Default: 256 MiB. */
  maxResultBytes?: number
  /** A file or folder from which the SQLite packages are looked for first. */
  resolveFrom?: string | URL
  /** The file of `forklite/worker`, for bundles that move it. */
  workerPath?: string | URL
  /** Added to the children's environment. */
  env?: Readonly<Record<string, string>>
  /** Open without the right to write: no writer process, no WAL. Default: false. */
  readonly?: boolean
  /** Take a database string that begins with `file:` as a URI. Default: false. */
  uri?: boolean
}

/** Options that passed the check, sorted by who uses them. */
export interface CheckedOptions {
  readonly child: ChildOptions
  readonly connection: ConnectionSettings
  readonly maxQueue: number
  /** The names of the child options that the user gave. */
  readonly given: ReadonlySet<string>
}

const MIB = 1024 * 1024

/** SQLite's own limits, as all packages have them. */
export const DEFAULT_LIMITS: Limits = { sqlLength: 1_000_000_000, variables: 32_766, attached: 10 }

const DEFAULTS: ConnectionSettings = {
  autocommit: false,
  isolationLevel: 'IMMEDIATE',
  arraysize: 1,
  rowFactory: null,
  detectTypes: 0,
  captureStacks: false,
  limits: DEFAULT_LIMITS,
}

type Check = (value: unknown) => string | null

const whole =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least ? null : `a whole number, ${least} or more`
const flag: Check = (value) => (typeof value === 'boolean' ? null : 'true or false')
const oneOf =
  (...allowed: (string | number | null)[]): Check =>
  (value) =>
    allowed.includes(value as string | number | null)
      ? null
      : `one of ${allowed.map((each) => JSON.stringify(each)).join(', ')}`
const place: Check = (value) =>
  (typeof value === 'string' && value !== '') || value instanceof URL ? null : 'a path or a URL'

const CONNECTION_CHECKS: Record<keyof Required<ConnectionOptions>, Check> = {
  autocommit: flag,
  isolationLevel: (value) => {
    // Letters beyond ASCII may have an ASCII letter for their upper case.
    const level = typeof value === 'string' && /^[a-z]*$/i.test(value) ? value.toUpperCase() : value
    return level === '' ? null : oneOf('DEFERRED', 'IMMEDIATE', 'EXCLUSIVE', null)(level)
  },
  arraysize: whole(1),
  rowFactory: wantedRowFactory,
  detectTypes: (value) =>
    oneOf(0, 1, 2, 3)(value) === null ? null : '0, PARSE_DECLTYPES, PARSE_COLNAMES or both (|)',
  captureStacks: flag,
  limits: checkLimits,
}

const CHECKS: Record<keyof Required<Options>, Check> = {
  ...CONNECTION_CHECKS,
  driver: oneOf('auto', 'better-sqlite3', 'node:sqlite', 'sqlite3'),
  readers: whole(1),
  launcher: oneOf('auto', 'cluster', 'child_process'),
  initializer: place,
  initargs: (value) => (Array.isArray(value) ? null : 'an array'),
  pragmas: checkPragmas,
  lockTimeoutMs: whole(0),
  maxQueue: whole(1),
  startTimeoutMs: whole(1),
  cacheBytes: whole(0),
  maxFrameBytes: whole(MIB),
  maxResultBytes: whole(1),
  resolveFrom: place,
  workerPath: place,
  env: (value) =>
    isRecord(value) && Object.values(value).every((each) => typeof each === 'string')
      ? null
      : 'an object of strings',
  readonly: flag,
  uri: flag,
}

/** Checks the options of connect() or createPool(). Throws a ProgrammingError that names all that is wrong. */
export function checkOptions(database: string | URL, options: Options<RowFactory> = {}): CheckedOptions {
  check(options, CHECKS)
  const { path, readonly } = databasePath(database, options.uri ?? false)
  const child: ChildOptions = {
    database: path,
    readonly: options.readonly ?? readonly,
    drivers: resolveDrivers(options.driver ?? 'auto', options.resolveFrom),
    readers: options.readers ?? availableParallelism(),
    launcher:
      options.launcher === undefined || options.launcher === 'auto' ? autoLauncher() : options.launcher,
    initializer: options.initializer === undefined ? null : moduleUrl(options.initializer),
    initargs: [...(options.initargs ?? [])],
    pragmas: { ...options.pragmas },
    cacheBytes: options.cacheBytes ?? 64 * MIB,
    lockTimeoutMs: options.lockTimeoutMs ?? 5000,
    startTimeoutMs: options.startTimeoutMs ?? 10_000,
    maxFrameBytes: options.maxFrameBytes ?? 256 * MIB,
    maxResultBytes: options.maxResultBytes ?? 256 * MIB,
    workerPath: options.workerPath === undefined ? null : filePath(options.workerPath),
    env: { ...options.env },
  }
  const given = new Set<string>(
    Object.keys(options).filter((name) => options[name as keyof Options] !== undefined),
  )
  if (given.has('driver') || given.has('resolveFrom')) given.add('drivers')
  // Whether writes work at all cannot be left to who came first.
  given.add('readonly')
  return { child, connection: checkConnectionOptions(options), maxQueue: options.maxQueue ?? 100_000, given }
}

/** The settings of a Connection: `options` over `defaults`. Throws a ProgrammingError as checkOptions() does. */
export function checkConnectionOptions(
  options: ConnectionOptions<RowFactory>,
  defaults: ConnectionSettings = DEFAULTS,
): ConnectionSettings {
  const { autocommit, isolationLevel, arraysize, rowFactory, detectTypes, captureStacks, limits } = options
  return {
    autocommit: autocommit ?? defaults.autocommit,
    isolationLevel: isolationLevel === undefined ? defaults.isolationLevel : levelOf(isolationLevel),
    arraysize: arraysize ?? defaults.arraysize,
    // Null is one too: arrays, whatever the pool has.
    rowFactory: rowFactory === undefined ? defaults.rowFactory : rowFactory,
    detectTypes: detectTypes ?? defaults.detectTypes,
    captureStacks: captureStacks ?? defaults.captureStacks,
    limits: limitsOf(defaults.limits, limits),
  }
}

function limitsOf(defaults: Limits, { sqlLength, variables, attached }: Partial<Limits> = {}): Limits {
  return {
    sqlLength: Math.min(sqlLength ?? defaults.sqlLength, DEFAULT_LIMITS.sqlLength),
    variables: Math.min(variables ?? defaults.variables, DEFAULT_LIMITS.variables),
    attached: Math.min(attached ?? defaults.attached, DEFAULT_LIMITS.attached),
  }
}

// `''` is a plain BEGIN, which is DEFERRED.
function levelOf(level: string | null): IsolationLevel {
  return level === '' ? 'DEFERRED' : ((level?.toUpperCase() ?? null) as IsolationLevel)
}

/** Checks the options of pool.connect(). */
export function expectConnectionOptions(options: ConnectionOptions<RowFactory>): void {
  check(options, CONNECTION_CHECKS)
}

function check(options: unknown, checks: Record<string, Check>): void {
  if (!isRecord(options)) throw refused('options must be an object')
  const wrong: string[] = []
  for (const [name, value] of Object.entries(options)) {
    const test = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (test === undefined) {
      wrong.push(`there is no option '${name}'${suggestion(name, Object.keys(checks))}`)
    } else if (value !== undefined) {
      const wanted = test(value)
      if (wanted !== null) wrong.push(`${name} must be ${wanted}, not ${show(value)}`)
    }
  }
  if (wrong.length > 0) throw refused(wrong.join('; '))
}

const LIMITS: readonly string[] = Object.keys(DEFAULT_LIMITS)

function checkLimits(value: unknown): string | null {
  if (!isRecord(value)) return `an object of limits: ${LIMITS.join(', ')}`
  for (const [name, each] of Object.entries(value)) {
    if (!LIMITS.includes(name)) return `an object of ${LIMITS.join(', ')} (there is no limit '${name}')`
    const wrong = each === undefined ? null : whole(0)(each)
    if (wrong !== null) return `an object whose ${name} is ${wrong}`
  }
  return null
}

function checkPragmas(value: unknown): string | null {
  if (!isRecord(value)) return 'an object of pragmas and their values'
  for (const [name, each] of Object.entries(value)) {
    if (!/^[a-z_]+$/.test(name)) return `an object of pragmas by their lower-case names ('${name}' is none)`
    if (OWN_PRAGMAS.has(name)) return `without ${name}, which the pool sets itself`
    const sound =
      typeof each === 'number' ? Number.isFinite(each) : typeof each === 'string' && /^\w+$/.test(each)
    if (!sound) return `an object whose values are words or numbers (${name} is not)`
  }
  return null
}

function suggestion(name: string, known: readonly string[]): string {
  const [nearest] = known
    .map((each) => ({ each, distance: editDistance(name.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  if (nearest === undefined || nearest.distance > Math.max(2, nearest.each.length / 3)) {
    return `; the options are ${known.join(', ')}`
  }
  return `; did you mean '${nearest.each}'?`
}

// Levenshtein's, over one row of the table.
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, substituted))
    }
    previous = row
  }
  return previous[b.length] as number
}

function moduleUrl(module: string | URL): string {
  if (module instanceof URL) return module.href
  if (/^(file|data|node):/.test(module)) return module
  return pathToFileURL(isAbsolute(module) ? module : resolve(module)).href
}

function filePath(file: string | URL): string {
  return file instanceof URL || file.startsWith('file:') ? fileURLToPath(file) : resolve(file)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}

function refused(message: string): ProgrammingError {
  return new ProgrammingError(message, { code: 'BAD_OPTION' })
}

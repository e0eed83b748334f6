/**
 * The three SQLite packages, each called as its own documentation has it and asked for exact values: arrays of
 * cells, 64-bit integers. Loaded by direct-child.ts only. It shares nothing with lib/drivers but the packages.
 *
 * "Directly" means for better-sqlite3 `raw()` and `safeIntegers()`, for node:sqlite `setReturnArrays()` and
 * `setReadBigInts()`. sqlite3 gives objects, and integers as doubles; so a query is also read through
 * `with q (c0, c1, …) as (<query>) select quote(c0), …`, which the same engine runs, and only what cannot stand
 * there (PRAGMA, EXPLAIN, RETURNING) is taken as the package gives it.
 */
import { createRequire } from 'node:module'
import { narrow, PRAGMAS, type Value } from './database.ts'
import { openSqlite3, type Sqlite3 } from './direct-sqlite3.ts'

export interface DirectConnection {
  /** Runs one statement and gives its columns' names, or null. `rows` has those that came before it failed. */
  run(sql: string, rows: Value[][]): Promise<string[] | null> | string[] | null
  close(): Promise<void> | void
}

export type OpenDirect = (path: string) => Promise<DirectConnection> | DirectConnection

const require = createRequire(import.meta.url)

/** Loads the package. */
export function engineOf(driver: string): OpenDirect {
  if (driver === 'sqlite3') {
    const module = require('sqlite3') as Sqlite3
    return (path) => openSqlite3(module, path, setUp(path))
  }
  if (driver === 'better-sqlite3') {
    const Database = require('better-sqlite3') as new (path: string) => Synchronous
    return (path) => new SynchronousConnection(new Database(path), path, betterStatement)
  }
  const { DatabaseSync } = require('node:sqlite') as { DatabaseSync: new (path: string) => Synchronous }
  return (path) => new SynchronousConnection(new DatabaseSync(path), path, nodeStatement)
}

/** A connection as forklite sets it up. */
function setUp(path: string): string {
  const pragmas: Record<string, string> = path === ':memory:' ? PRAGMAS : { journal_mode: 'WAL', ...PRAGMAS }
  return Object.entries(pragmas)
    .map(([name, value]) => `pragma ${name} = ${value};`)
    .join('\n')
}

/** As much of the two synchronous packages as is used, which is the same. */
interface Synchronous {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

interface Statement {
  columns(): { name: string }[]
  iterate(): Iterable<unknown[]>
  run(): unknown
  // better-sqlite3
  readonly reader?: boolean
  raw?(on: boolean): void
  safeIntegers?(on: boolean): void
  // node:sqlite
  setReturnArrays?(on: boolean): void
  setReadBigInts?(on: boolean): void
}

/** A statement that gives exact rows as arrays, and the names of its columns; null for one without. */
type Prepare = (statement: Statement) => string[] | null

function betterStatement(statement: Statement): string[] | null {
  if (!statement.reader) return null
  statement.raw?.(true)
  statement.safeIntegers?.(true)
  return statement.columns().map(({ name }) => name)
}

function nodeStatement(statement: Statement): string[] | null {
  const columns = statement.columns().map(({ name }) => name)
  if (columns.length === 0) return null
  statement.setReturnArrays?.(true)
  statement.setReadBigInts?.(true)
  return columns
}

class SynchronousConnection implements DirectConnection {
  readonly #database: Synchronous
  readonly #prepare: Prepare

  constructor(database: Synchronous, path: string, prepare: Prepare) {
    this.#database = database
    this.#prepare = prepare
    database.exec(setUp(path))
  }

  run(sql: string, rows: Value[][]): string[] | null {
    if (sql.trim() === '') return null
    const statement = this.#database.prepare(sql)
    const columns = this.#prepare(statement)
    if (columns === null) statement.run()
    else for (const row of statement.iterate()) rows.push(row.map(narrow))
    return columns
  }

  close(): void {
    this.#database.close()
  }
}

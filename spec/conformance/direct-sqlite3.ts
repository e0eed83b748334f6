/**
 * The sqlite3 package called directly, with a way to exact values: its rows are objects, in which equal names
 * collapse, and its integers doubles, but `quote()` of the engine's gives every value as a literal. Loaded by
 * direct-packages.ts only.
 */
import { narrow, type Value } from './database.ts'
import type { DirectConnection } from './direct-packages.ts'

type RowObject = Record<string, unknown>
type Callback<T> = (error: Error | null, result: T) => void

/** As much of the package as is used. */
export interface Sqlite3 {
  readonly Database: new (path: string, done: (error: Error | null) => void) => Sqlite3Database
}

interface Sqlite3Database {
  all(sql: string, done: Callback<RowObject[]>): void
  exec(sql: string, done: (error: Error | null) => void): void
  close(done: (error: Error | null) => void): void
}

export async function openSqlite3(module: Sqlite3, path: string, setUp: string): Promise<DirectConnection> {
  let database!: Sqlite3Database
  await promised<void>((done) => {
    database = new module.Database(path, done as (error: Error | null) => void)
  })
  await promised((done) => database.exec(setUp, done as (error: Error | null) => void))
  return new Sqlite3Connection(database)
}

/** A query, comments before it or not; WITH may turn out to write. */
const READS = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*(?:select|values|with)\b/i

class Sqlite3Connection implements DirectConnection {
  readonly #database: Sqlite3Database

  constructor(database: Sqlite3Database) {
    this.#database = database
  }

  async run(sql: string, rows: Value[][]): Promise<string[] | null> {
    const query = sql.trim().replace(/;\s*$/, '')
    if (query === '') return null
    const width = await this.#width(query)
    const quoted = READS.test(query) && width > 0 ? await this.#quoted(query, width) : null
    const plain = quoted ?? (await this.#all(sql))
    for (const row of plain) rows.push(Object.values(row).map(quoted === null ? narrow : unquote))
    if (width === 0) return plain.length === 0 ? null : Object.keys(plain[0]!)
    return Array.from({ length: width }, (_, i) => `c${i}`)
  }

  close(): Promise<void> {
    return promised((done) => this.#database.close(done as (error: Error | null) => void))
  }

  #all(sql: string): Promise<RowObject[]> {
    return promised((done) => this.#database.all(sql, done))
  }

  /** The number of result columns; 0 where EXPLAIN does not tell. */
  async #width(query: string): Promise<number> {
    const program = await this.#all(`EXPLAIN ${query}`).catch(() => [])
    return Number(program.find(({ opcode }) => opcode === 'ResultRow')?.p2 ?? 0)
  }

  /** The rows with every value as a literal; null where the query cannot stand in a WITH. */
  async #quoted(query: string, width: number): Promise<RowObject[] | null> {
    const names = Array.from({ length: width }, (_, i) => `c${i}`)
    const cells = names.map((name) => `quote(${name}) as ${name}`)
    const text = `WITH forklite_q (${names}) AS (${query}\n) SELECT ${cells} FROM forklite_q`
    const fits = await this.#all(`EXPLAIN ${text}`).catch(() => null)
    return fits === null ? null : this.#all(text)
  }
}

/** The value of a literal, as quote() writes it. */
function unquote(literal: unknown): Value {
  const text = literal as string
  if (text === 'NULL') return null
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'")
  if (text.startsWith("X'")) return Buffer.from(text.slice(2, -1), 'hex')
  return /^-?\d+$/.test(text) ? narrow(BigInt(text)) : Number(text)
}

function promised<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)))
  })
}

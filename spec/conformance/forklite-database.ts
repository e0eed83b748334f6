/**
 * ForkliteDatabase: a Database behind `connect().cursor()`, a new cursor for each statement, whose rows are read
 * in one of two ways. Runs in the runner's process, which loads no SQLite package itself.
 */
import { type Connection, type Cursor, connect, createPool, type Options } from 'forklite'
import {
  type Answer,
  type Database,
  type DriverName,
  failed,
  PRAGMAS,
  type Value,
  withinTime,
} from './database.ts'

/** How rows are read: all at once, or FETCH_ROWS at a time. */
export const READINGS = ['fetchall', 'fetchmany'] as const
export type Reading = (typeof READINGS)[number]

/** Odd, so that it divides neither a chunk nor a result. */
const FETCH_ROWS = 7

/** The longest wait for a connection to close whose statement hangs. */
const CLOSE_MS = 5000

/** The options of every connect(); a file has one writer and two readers. */
export function optionsFor(driver: DriverName): Options {
  return { driver, readers: 2, autocommit: true, pragmas: PRAGMAS }
}

/** The driver that `auto` takes here, or that this name is for. Rejects with the reason when there is none. */
export async function findDriver(driver: DriverName | 'auto'): Promise<DriverName> {
  const pool = await createPool(':memory:', { driver })
  try {
    return pool.stats().driver as DriverName
  } finally {
    await pool.close()
  }
}

export class ForkliteDatabase implements Database {
  readonly #connection: Connection
  readonly #reading: Reading
  /** Why nothing can be run any more. */
  #stuck: Error | null = null

  private constructor(connection: Connection, reading: Reading) {
    this.#connection = connection
    this.#reading = reading
  }

  /** Opens a file, or `:memory:`; a file that is open already shares its processes. */
  static async open(path: string, driver: DriverName, reading: Reading): Promise<ForkliteDatabase> {
    return new ForkliteDatabase(await connect(path, optionsFor(driver)), reading)
  }

  async run(sql: string): Promise<Answer> {
    if (this.#stuck !== null) return failed(this.#stuck)
    const answer: { columns: string[] | null; rows: Value[][] } = { columns: null, rows: [] }
    let ended = false
    const reading = this.#read(sql, answer).finally(() => {
      ended = true
    })
    try {
      await withinTime(reading)
      return { ...answer, error: null }
    } catch (error) {
      if (!ended) this.#stuck = error as Error
      return failed(error, answer)
    }
  }

  async #read(sql: string, answer: { columns: string[] | null; rows: Value[][] }): Promise<void> {
    const cursor = this.#connection.cursor()
    try {
      await cursor.execute(sql)
      if (cursor.description === null) return
      answer.columns = cursor.description.map(([name]) => name)
      if (this.#reading === 'fetchall') answer.rows = await cursor.fetchall()
      else await fetchInParts(cursor, answer.rows)
    } finally {
      await cursor.close()
    }
  }

  async close(): Promise<void> {
    const closing = this.#connection.close()
    if (this.#stuck === null) return closing
    await withinTime(closing, CLOSE_MS).catch(() => {})
  }
}

/** Reads to the end, and beyond it once: PEP 249 wants an empty list there, and fewer rows only before it. */
async function fetchInParts(cursor: Cursor, rows: Value[][]): Promise<void> {
  for (let last = FETCH_ROWS; ; ) {
    const part = await cursor.fetchmany(FETCH_ROWS)
    rows.push(...part)
    if (part.length > FETCH_ROWS || (part.length > 0 && last < FETCH_ROWS)) {
      throw new Error(`fetchmany(${FETCH_ROWS}) gave ${last} rows, and then ${part.length}`)
    }
    if (part.length === 0) return
    last = part.length
  }
}

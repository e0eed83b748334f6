/**
 * The two contestants: the same SQLite in the process that serves the callers, and forklite's pool. Runs in a
 * contestant's process, one kind in each: two copies of SQLite in one process would cancel each other's locks.
 */
import { createRequire } from 'node:module'
import { createPool } from 'forklite'
import type { Task } from './questions.ts'
import type { Execute } from './work.ts'

export const CONTESTANTS = ['in-process', 'pool'] as const
export type ContestantName = (typeof CONTESTANTS)[number]

export interface Contestant {
  readonly execute: Execute
  close(): Promise<void>
}

export function open(name: ContestantName, database: string, workers: number): Promise<Contestant> {
  return name === 'pool' ? openPool(database, workers) : openInProcess(database)
}

async function openPool(database: string, workers: number): Promise<Contestant> {
  const pool = await createPool(database, { readers: workers })
  return {
    execute: ({ sql, params }) => pool.execute(sql, params).fetchall(),
    close: () => pool.close(),
  }
}

/** What is used of better-sqlite3, which brings no types. */
interface Statement {
  raw(): Statement
  all(params: Task['params']): unknown[][]
}
interface Database {
  pragma(text: string): unknown
  prepare(sql: string): Statement
  close(): void
}

/** A query may hold the event loop for so long before the next one lets it turn first, in milliseconds. */
const TURN_MS = 1

async function openInProcess(database: string): Promise<Contestant> {
  // Loaded here only: the pool's process loads no driver.
  const Driver = createRequire(import.meta.url)('better-sqlite3') as new (path: string) => Database
  const db = new Driver(database)
  db.pragma('cache_size = -65536') // 64 MiB, what the pool's processes have together.
  const statements = new Map<string, Statement>()
  const turn = turns()
  return {
    async execute({ sql, params }) {
      await turn()
      let statement = statements.get(sql)
      if (statement === undefined) {
        statement = db.prepare(sql).raw()
        statements.set(sql, statement)
      }
      return statement.all(params)
    },
    async close() {
      db.close()
    },
  }
}

/**
 * Lets the event loop turn once a millisecond: after every long query, and after many short ones. That is
 * kinder than a server, which runs all requests that came together before it looks at anything else.
 */
function turns(): () => Promise<void> | undefined {
  let began = performance.now()
  let turning: Promise<void> | null = null
  return function turn(): Promise<void> | undefined {
    if (performance.now() - began < TURN_MS) return undefined
    turning ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      turning = null
      began = performance.now()
    })
    // Of those who wait for the same turn, only the first may be in time.
    return turning.then(turn)
  }
}

/**
 * The two contestants: the same SQLite in the process that serves the callers, and forklite's pool. Runs in a
 * contestant's process, one kind in each: two copies of SQLite in one process would cancel each other's locks.
 */
import { createRequire } from 'node:module'
import { setImmediate } from 'node:timers/promises'
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

/** For so long, in milliseconds, queries may follow each other before the event loop turns. */
const TURN_MS = 1

async function openInProcess(database: string): Promise<Contestant> {
  // Loaded here only: the pool's process loads no driver.
  const Driver = createRequire(import.meta.url)('better-sqlite3') as new (path: string) => Database
  const db = new Driver(database)
  db.pragma('cache_size = -65536') // 64 MiB, what the pool's processes have together.
  const statements = new Map<string, Statement>()
  let since = performance.now()
  let turn: Promise<void> | null = null
  function nextTurn(): Promise<void> {
    turn ??= setImmediate().then(() => {
      turn = null
      since = performance.now()
    })
    return turn
  }
  return {
    async execute({ sql, params }) {
      // The event loop turns after every long query, and once a millisecond among short ones. That is kinder
      // than a server, which runs all the requests that came together before it looks at anything else.
      while (performance.now() - since > TURN_MS) await nextTurn()
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

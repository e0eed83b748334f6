/**
 * What the specs of lib/pool share: statements that end, or not; an initializer that tells when a statement
 * runs; a look at the children from outside. Runs in mocha's process.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { childrenOf, findProcesses, type ProcessInfo } from '../support/processes.ts'

export type Failure = Error & { code?: string; sql?: string; applied?: string; cause?: unknown }

/** The error that a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<Failure> {
  try {
    await promise
  } catch (error) {
    return error as Failure
  }
  throw new Error('it resolved, where an error was expected')
}

/** Resolves once `holds` does: for what makes no event. Fails loudly after ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ten seconds: ${what}`)
    await delay(2)
  }
}

/** A query that counts to `rows`; without an end where that is infinite. `first` is its first row. */
export function counting(rows: number, first = '1'): string {
  const end = rows === Number.POSITIVE_INFINITY ? '' : ` where x < ${rows}`
  return `with recursive c(x) as (select ${first} union all select x + 1 from c${end}) select count(*) from c`
}

/**
 * Writes an initializer for `describeWithFunctions` that adds the SQL functions `running(file)`, which appends the
 * child's pid to a file and gives 1, `say()`, which prints it, and `die()`, which kills the child. Gives its path.
 */
export function writeInitializer(path: string): string {
  writeFileSync(
    path,
    `import { appendFileSync, writeSync } from 'node:fs'
     export default (db) => {
       db.function('running', (file) => { appendFileSync(file, process.pid + '\\n'); return 1 })
       db.function('say', () => { writeSync(1, 'running ' + process.pid + '\\n'); return 1 })
       db.function('die', () => { process.kill(process.pid, 'SIGKILL'); return 1 })
     }`,
  )
  return path
}

/** forklite's children of a process, without its guardian. Linux only. */
export function workersOf(pid: number): ProcessInfo[] {
  return childrenOf(pid).filter((info) => / forklite-\d+-\w+ (writer|reader) /.test(`${info.command} `))
}

/** The guardians of a process: a shell that reads pids. Linux only. */
export function guardiansOf(pid: number): ProcessInfo[] {
  return childrenOf(pid).filter((info) => info.command.includes('while read -r line'))
}

/** The children that have a database open, whosever they are. Linux only. */
export function workersOn(database: string): ProcessInfo[] {
  return findProcesses((info) => info.command.includes('forklite-') && info.command.endsWith(` ${database}`))
}

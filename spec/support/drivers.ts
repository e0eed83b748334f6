/**
 * Drivers: the SQLite packages that can be used here, as connect() finds out; and specs that are registered
 * once for each, or once for the first that will do. What cannot run is skipped, with the reason in the title.
 */
import { connect } from 'forklite'
import { tempDir } from './temp-dir.ts'

export type DriverName = 'better-sqlite3' | 'node:sqlite' | 'sqlite3'

const NAMES: readonly DriverName[] = ['better-sqlite3', 'node:sqlite', 'sqlite3']

const missing = new Map<DriverName, string>()
for (const driver of NAMES) {
  try {
    const connection = await connect(':memory:', { driver })
    await connection.close()
  } catch (error) {
    missing.set(driver, reasonOf(error as Error))
  }
}

/** What kept a driver: the last line of a message that begins with what to do, without the driver's name. */
function reasonOf({ message }: Error): string {
  const line = message.trimEnd().split('\n').at(-1)!.trim()
  return line.replace(/^[\w:-]+( \(.*?\))?: /, '').slice(0, 140)
}

/** The drivers that can be used here, in the order in which `driver: 'auto'` tries them. */
export const usableDrivers: readonly DriverName[] = NAMES.filter((name) => !missing.has(name))

/** Those whose connection, as initializers get it, answers at once; `exec`, `prepare` and `function` are alike. */
const SYNCHRONOUS: readonly DriverName[] = ['better-sqlite3', 'node:sqlite']

type Test = (this: Mocha.Context) => void | Promise<void>

export interface Subject {
  readonly driver: DriverName
  /** The path of a file of this test. */
  file(name?: string): string
}

/** Calls `tests` once for each driver. */
export function describeEachDriver(title: string, tests: (subject: Subject) => void): void {
  for (const driver of NAMES) {
    const reason = missing.get(driver)
    if (reason !== undefined) {
      it.skip(`${title} (${driver}: ${reason})`)
      continue
    }
    describe(`${title} (${driver})`, () => {
      const dir = tempDir()
      tests({ driver, file: (name = 'test.db') => dir.file(name) })
    })
  }
}

/** Registers the test once for each driver. */
export function itEachDriver(title: string, test: (driver: DriverName) => Promise<void>): void {
  for (const driver of NAMES) itWithDriver(driver, title, () => test(driver))
}

/** Registers a test that is about one driver, or needs what only that one can do. */
export function itWithDriver(driver: DriverName, title: string, test: Test): void {
  const reason = missing.get(driver)
  if (reason === undefined) it(`${title} (${driver})`, test)
  else it.skip(`${title} (${driver}: ${reason})`)
}

/**
 * Calls `tests` once, with the first driver for which an initializer can add SQL functions and run statements
 * without awaiting them.
 */
export function describeWithFunctions(title: string, tests: (driver: DriverName) => void): void {
  const driver = SYNCHRONOUS.find((name) => !missing.has(name))
  if (driver !== undefined) describe(`${title} (${driver})`, () => tests(driver))
  else it.skip(`${title} (${SYNCHRONOUS.map((name) => `${name}: ${missing.get(name)}`).join('; ')})`)
}

/** The error that a promise rejects with; fails when it does not. */
export async function errorOf(
  promise: PromiseLike<unknown>,
): Promise<Error & { code?: string; sql?: string; applied?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it resolved, where an error was expected')
}

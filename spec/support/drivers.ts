/**
 * Drivers: registers a block of specs once for each SQLite package, run through connect() and createPool() in
 * children. A package that cannot be used here is skipped, with the reason in the title.
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
    missing.set(driver, (error as Error).message.split('\n').join(' ').slice(0, 140))
  }
}

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

/**
 * TempDir: a fresh directory under `os.tmpdir()` for each test (or for each describe), removed after it.
 * Runs in the caller (mocha's process). Knows nothing of databases.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryPrefix } from './run.ts'

export interface TempDir {
  /** The directory's absolute path; exists from `beforeEach` (or `before`) to `afterEach` (or `after`). */
  readonly path: string
  /** The absolute path of `name` in it. */
  file(name: string): string
}

/**
 * Registers the directory with the describe block it is called in.
 * `'each'` makes a new one for every test, `'all'` one for the whole block.
 */
export function tempDir(scope: 'each' | 'all' = 'each'): TempDir {
  let path: string | undefined
  const make = () => {
    path = mkdtempSync(join(tmpdir(), directoryPrefix))
  }
  const remove = () => {
    if (path !== undefined) rmSync(path, { recursive: true, force: true })
    path = undefined
  }
  if (scope === 'each') {
    beforeEach(make)
    afterEach(remove)
  } else {
    before(make)
    after(remove)
  }
  const current = () => {
    if (path === undefined) throw new Error('a tempDir() exists only while a test or hook of its block runs')
    return path
  }
  return {
    get path() {
      return current()
    },
    file: (name) => join(current(), name),
  }
}

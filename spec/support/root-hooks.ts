/**
 * Mocha's root hooks: no process, directory, file, socket or handle outlives the suite. Required by
 * .mocharc.json; runs in mocha's process, once before everything and once after.
 */
import { LeakCheck } from './leaks.ts'
import { hasProc } from './processes.ts'
import { killScripts } from './run-script.ts'

let check: LeakCheck

export const mochaHooks: Mocha.RootHookObject = {
  async beforeAll() {
    check = await LeakCheck.begin()
  },

  async afterEach(this: Mocha.Context) {
    // A test that failed could not end what it started; one that passed must have.
    if (this.currentTest?.state === 'failed') await killScripts()
  },

  async afterAll(this: Mocha.Context) {
    this.timeout(20_000) // Whatever --timeout says: the check itself waits up to its grace.
    if (!hasProc)
      console.log('  - left-over processes and descriptors: not looked for, there is no /proc here')
    const left = await check.end()
    if (left.length > 0) throw new Error(`the suite leaves behind:\n${left.join('\n')}`)
  },
}

/** The suite's own leak check: each kind of leak, left on purpose in a mocha of its own, fails that run. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { hasProc } from './processes.ts'
import { projectRoot } from './run.ts'
import { runScript, type ScriptResult } from './run-script.ts'

const mocha = pathToFileURL(join(projectRoot, 'node_modules', 'mocha', 'bin', 'mocha.js'))
const fixture = join(projectRoot, 'dist', 'spec', 'support', 'fixtures', 'leak.js')

/** Runs the fixture under the project's own .mocharc.json, but for its list of specs. */
function runLeaking(kind: string): Promise<ScriptResult> {
  const hooks = join(projectRoot, 'dist', 'spec', 'support', 'root-hooks.js')
  // --exit: some leaks keep the loop alive, and it is the check that must fail the run, not the waiting.
  const args = ['--no-config', '--require', hooks, '--exit', fixture]
  return runScript(mocha, { args, cwd: projectRoot, env: { LEAK: kind, NODE_V8_COVERAGE: undefined } })
}

describe('the leak check', () => {
  it('lets a suite pass that leaves nothing', async () => {
    const { code, stdout } = await runLeaking('nothing')
    expect(stdout).to.include('1 passing')
    expect(code).to.equal(0)
  })

  const named: [kind: string, name: RegExp, needsProc: boolean][] = [
    ['process', /process \d+ \(child of \d+\): .*setInterval/, true],
    ['orphan', /process \d+ \(child of \d+\): sleep 1000/, true],
    ['guardian', /process \d+ \(child of \d+\): sleep 1000/, true],
    ['directory', /directory .*forklite-spec-/, false],
    ['file', /open file descriptor \d+: .*node/, true],
    ['socket', /open file descriptor \d+: socket:/, true],
    ['timer', /active handle Timeout \(1 more/, false],
  ]
  for (const [kind, name, needsProc] of named) {
    it(`fails a suite that leaves behind: ${kind}, and names it`, async function () {
      if (needsProc && !hasProc) this.skip()
      const { code, stdout, stderr } = await runLeaking(kind)
      expect(stdout).to.include('1 passing').and.to.include('1 failing')
      expect(stdout + stderr).to.match(name)
      expect(code).to.equal(1)
    })
  }
})

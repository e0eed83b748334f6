/** The demo, small, as a program: its tables, its exit code, and that it leaves nothing behind. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { disagreements, gridTable, matchTable } from '../../examples/demo/tables.ts'
import { itWithDriver } from '../support/drivers.ts'
import { projectRoot } from '../support/run.ts'
import { runScript, startScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'

const DEMO = pathToFileURL(join(projectRoot, 'dist', 'examples', 'demo.js'))
const SMALL = ['--rows', '1000', '--tasks', '10']

describe('the demo', function () {
  this.timeout(60_000)
  const tmp = tempDir()

  /** Its own temporary folder, so that what it leaves is its own. */
  const options = () => ({ env: { TMPDIR: tmp.path }, deadlineMs: 60_000 })

  // SQLite in-process is better-sqlite3's.
  itWithDriver(
    'better-sqlite3',
    'answers questions, runs the grid and ends with both contestants',
    async () => {
      const { code, stdout, stderr } = await runScript(DEMO, { ...options(), args: SMALL })
      expect(stderr).to.equal('')
      expect(code).to.equal(0)
      expect(stdout).to.include('GeoNames').and.to.include('CC BY 4.0')
      expect(stdout).to.include('load cities, 171,075 rows')
      expect(stdout).to.include('Which countries have most cities?\n    US 17343 · IT 10053')
      expect(stdout).to.match(/^calls in flight +1 +2 +4 +6 +10$/m)
      for (const load of [
        '1,000 rows, 1 worker',
        '1,000 rows, 2 workers',
        '1 row, 1 worker',
        '1 row, 2 workers',
      ]) {
        expect(stdout).to.match(new RegExp(`^${load} +([\\d,.]+ *){5}$`, 'm'))
      }
      expect(stdout).to.include('Scaled: 10 tasks a cell over 1,000 rows')
      expect(stdout).to.match(/^work +in-process +pool +in-process +in-process +pool$/m)
      for (const work of [
        '10 scans of 1,000 rows',
        '2,000 counts of one row',
        '300 questions',
        '10,000 of 171,075',
      ]) {
        expect(stdout).to.match(new RegExp(`^${work}.*( +[\\d,.]+){3}( +[\\d.]+ / [\\d.]+){2}$`, 'm'))
      }
      expect(stdout).to.include('Both gave the same answers to 12,310 queries.')
      expect(readdirSync(tmp.path)).to.deep.equal([])
    },
  )

  /** Stops it in the phase after the line. */
  const cleansUp = (line: RegExp) => async () => {
    const demo = startScript(DEMO, { ...options(), args: ['--rows', '20000', '--tasks', '50'] })
    for (;;) if (line.test(await demo.line())) break
    expect(readdirSync(tmp.path)).to.have.lengthOf(1)
    demo.kill('SIGINT')
    const { code, stderr } = await demo.result
    expect(stderr).to.equal('interrupted; cleaning up\n')
    expect(code).to.equal(130)
    expect(readdirSync(tmp.path)).to.deep.equal([])
  }
  it('cleans up after SIGINT while it loads', cleansUp(/^cities: /))
  it('cleans up after SIGINT while the pool runs', cleansUp(/^Which names hold/))
  itWithDriver('better-sqlite3', 'cleans up after SIGINT while SQLite runs in-process', cleansUp(/^Scaled: /))

  it('refuses what is no scale', async () => {
    const { code, stderr } = await runScript(DEMO, { ...options(), args: ['--rows', 'many'] })
    expect(stderr).to.include('--rows takes a whole number, not many')
    expect(code).to.equal(1)
    expect(readdirSync(tmp.path)).to.deep.equal([])
  })
})

describe("the demo's tables", () => {
  const result = { perSecond: 1234.5, stillMaxMs: 30.04, stillP99Ms: 2, answers: 'a' }

  it('name the works whose answers differ', () => {
    const same = { label: 'scans', inProcess: result, pool: result }
    const different = { label: 'questions', inProcess: result, pool: { ...result, answers: 'b' } }
    expect(disagreements([same])).to.deep.equal([])
    expect(disagreements([same, different])).to.deep.equal(['questions'])
  })

  it('align their columns', () => {
    const match = { label: 'scans', inProcess: result, pool: { ...result, perSecond: 2469 } }
    const [, , rule, line] = matchTable([match]).split('\n')
    expect(line).to.match(/^scans +1,235 +2,469 +2\.00 +30\.0 \/ 2\.0 +30\.0 \/ 2\.0$/)
    expect(rule).to.have.lengthOf(line!.length)
    expect(
      gridTable([1, 10], [{ label: '1 row', results: [result, { ...result, perSecond: 36.94 }] }]),
    ).to.equal('calls in flight      1    10\n────────────────────────────\n1 row            1,235  36.9')
  })
})

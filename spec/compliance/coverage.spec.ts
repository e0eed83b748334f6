/**
 * Coverage: whether each line of the checklist has, for each driver, a test that bears all of its words. Runs in
 * the caller. It asks mocha, in a process of its own, for the tests there are, and runs none of them; the checklist
 * lies beside the project, where it is there. It cannot know what a test expects.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { usableDrivers } from '../support/drivers.ts'
import { projectRoot } from '../support/run.ts'
import { runProgram } from '../support/run-script.ts'

const CHECKLIST = resolve(process.env.FORKLITE_DATA ?? resolve(projectRoot, '../shared/data'), '../DBAPI.md')

/** The driver, from the title that describeCompliance() makes, and the titles of blocks and test below it. */
const TITLE = /^compliance: [^()]* \(([\w:-]+)\) (.*)$/s

interface ReportedTest {
  readonly fullTitle: string
}

/** What mocha's reporter `json` tells, as far as it matters here. */
interface Report {
  readonly tests: readonly ReportedTest[]
  /** Those of `tests` that are skipped. */
  readonly pending: readonly ReportedTest[]
}

/** Letters and digits in lower case, with one blank between words. */
function normal(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}]+/gu, ' ')
    .trim()
}

/** Of each driver the titles of the tests that are not skipped. */
function titlesOf({ tests, pending }: Report): Map<string, string[]> {
  const skipped = new Set(pending.map(({ fullTitle }) => fullTitle))
  const titles = new Map<string, string[]>()
  for (const { fullTitle } of tests) {
    const [, driver, title] = TITLE.exec(fullTitle) ?? []
    if (driver === undefined || skipped.has(fullTitle)) continue
    titles.set(driver, [...(titles.get(driver) ?? []), normal(title!)])
  }
  return titles
}

/** The lines to tick off. What stands before a line's own words, on the difference that it is, is left out. */
function linesOf(checklist: string): string[] {
  return [...checklist.matchAll(/^- \[[ x]\] (?:\(row of differences\b[^)]*\) )?(.*)$/gm)].map(
    ([, line]) => line!,
  )
}

/** The table of README that tells where Python's sqlite3 is different. */
function differencesOf(readme: string): string {
  const section = /^## Differences from Python's sqlite3$([\s\S]*?)^## /m.exec(readme)?.[1] ?? ''
  return normal(
    section
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .join('\n'),
  )
}

function uncovered(lines: readonly string[], titles: readonly string[], differences: string): string[] {
  return lines.filter((line) => {
    const words = normal(line)
    return !differences.includes(words) && !titles.some((title) => title.includes(words))
  })
}

/** The tests of the other specs of this folder. */
async function compliance(): Promise<Report> {
  const folder = join(projectRoot, 'dist', 'spec', 'compliance')
  const specs = readdirSync(folder)
    .filter((name) => name.endsWith('.spec.js') && name !== 'coverage.spec.js')
    .map((name) => join(folder, name))
  const mocha = join(projectRoot, 'node_modules', 'mocha', 'bin', 'mocha.js')
  const args = [mocha, '--dry-run', '--reporter', 'json', ...specs]
  const { stdout, stderr } = await runProgram(process.execPath, args, { cwd: projectRoot })
  expect(stdout, stderr).to.match(/^\{/)
  return JSON.parse(stdout)
}

describe('the coverage of the checklist', () => {
  it('has a test for each line and driver, by all of its words', async function () {
    if (!existsSync(CHECKLIST)) {
      this.test!.title += ` (${CHECKLIST}: not there)`
      this.skip()
    }
    const lines = linesOf(readFileSync(CHECKLIST, 'utf8'))
    expect(lines, 'lines of the checklist').to.have.lengthOf.above(50)
    const differences = differencesOf(readFileSync(join(projectRoot, 'README.md'), 'utf8'))
    expect(differences, "the README's table").to.match(/implicit transaction/)
    const titles = titlesOf(await compliance())
    expect([...titles.keys()]).to.have.members(usableDrivers)
    for (const [driver, own] of titles) expect(uncovered(lines, own, differences), driver).to.deep.equal([])
  })

  it('sees a line without a test', () => {
    const lines = linesOf(
      [
        'Section',
        '- [ ] one line: of `some` words → and more',
        '- [x] another one that is done, and that is long enough to have been cut, somewhere behind this',
        '- [ ] (row of differences: why, DESIGN.md 2) a line that Python has',
        '- [ ] a line that is skipped',
        '- [ ] a line of the table',
      ].join('\n'),
    )
    const block = "compliance: a section (node:sqlite) one line: of 'some' words → and more"
    const pending = [{ fullTitle: `${block} a line that is skipped` }]
    const tests = [
      ...pending,
      { fullTitle: `${block} a test` },
      { fullTitle: `${block} another one that is done, and that is long enough to have been cut, elsewhere` },
      {
        fullTitle: 'compliance: a section (sqlite3) (row of differences) a line that Python has: in sqlite3',
      },
      { fullTitle: 'another section: a line that Python has' },
    ]
    const titles = titlesOf({ tests, pending })
    const table = normal('| a line of the table | x |')
    expect([...titles.keys()]).to.deep.equal(['node:sqlite', 'sqlite3'])
    expect(uncovered(lines, titles.get('node:sqlite')!, table)).to.deep.equal(lines.slice(1, 4))
    expect(uncovered(lines, titles.get('sqlite3')!, '')).to.deep.equal(lines.filter((_, i) => i !== 2))
  })
})

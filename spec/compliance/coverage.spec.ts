/**
 * Coverage: whether each line of the checklist has a spec that bears its words. Runs in the caller. It reads the
 * specs as text, so that it needs none of them to be run; the checklist lies beside the project, where it is there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { projectRoot } from '../support/run.ts'

const CHECKLIST = resolve(process.env.FORKLITE_DATA ?? resolve(projectRoot, '../shared/data'), '../DBAPI.md')

/** So much of a line, without marks and blanks, is looked for. */
const CHARS = 60

/** A test's or a block's title: the first argument of describe(), it() and their kin, if it is a plain string. */
const TITLE =
  /\b(?:describe|it)\w*(?:\.\w+)?\(\s*('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)/g

/** Letters and digits in lower case, with one blank between words. */
function normal(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}]+/gu, ' ')
    .trim()
}

function titlesOf(source: string): string[] {
  return [...source.matchAll(TITLE)].map(([, title]) => normal(title!))
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
    const start = normal(line).slice(0, CHARS)
    return !differences.includes(start) && !titles.some((title) => title.includes(start))
  })
}

describe('the coverage of the checklist', () => {
  it('has a spec for each line, by its words', function () {
    if (!existsSync(CHECKLIST)) {
      this.test!.title += ` (${CHECKLIST}: not there)`
      this.skip()
    }
    const folder = join(projectRoot, 'spec', 'compliance')
    const titles = readdirSync(folder)
      .filter((name) => name.endsWith('.spec.ts') && name !== 'coverage.spec.ts')
      .flatMap((name) => titlesOf(readFileSync(join(folder, name), 'utf8')))
    const lines = linesOf(readFileSync(CHECKLIST, 'utf8'))
    expect(lines, 'lines of the checklist').to.have.lengthOf.above(50)
    const differences = differencesOf(readFileSync(join(projectRoot, 'README.md'), 'utf8'))
    expect(differences, "the README's table").to.match(/implicit transaction/)
    expect(uncovered(lines, titles, differences)).to.deep.equal([])
  })

  it('sees a line without a spec', () => {
    const lines = linesOf(
      [
        'Section',
        '- [ ] one line: of `some` words → and more',
        '- [x] another one that is done, and that is long enough to be cut, somewhere behind this',
        '- [ ] (row of differences: why, DESIGN.md 2) a line that Python has',
        '- [ ] a line of the table',
      ].join('\n'),
    )
    const titles = titlesOf(`
      describe("one line: of 'some' words → and more", () => {
        it.skip('another one: that is done, and that is long enough to be cut, somewhere else', () => {})
        expect('a line that Python has')
        // a line that Python has
      })`)
    expect(uncovered(lines, titles, normal('| a line of the table | x |'))).to.deep.equal([
      'a line that Python has',
    ])
    expect(uncovered(lines, [...titles, 'a line that python has'], '')).to.deep.equal(['a line of the table'])
  })
})

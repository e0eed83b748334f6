/** What a run comes to, as it is printed. */
import { expect } from 'chai'
import type { FileReport } from './runner.ts'
import { failureList, ownList, skippedList, table, totalsOf } from './summary.ts'

const FAILURE = { line: 12, what: 'query', problem: 'it gave 1', sql: 'SELECT\n  1' }

function report(more: Partial<FileReport> = {}): FileReport {
  return {
    ...{ file: { name: 'a/b.test', format: 'slt' }, driver: 'sqlite3', reading: 'fetchall' },
    ...{ statements: 0, queries: 0, tests: 0, skipped: new Map(), failures: [], own: [], ms: 0, ...more },
  }
}

describe('the summary', () => {
  it('adds up what ran; a problem of a file is a failure of nothing that ran', () => {
    const file = { line: 0, what: 'file', problem: 'unreadable', sql: '' }
    const reports = [
      report({ statements: 10, queries: 1000, failures: [FAILURE, file], skipped: new Map([['other', 5]]) }),
      report({
        statements: 1,
        queries: 2,
        own: [{ ...FAILURE, direct: 'too' }],
        skipped: new Map([['x', 1]]),
      }),
    ]
    expect(totalsOf(reports, 2)).to.deep.equal({
      ...{ driver: 'sqlite3', reading: 'fetchall', format: 'slt', files: 2 },
      ...{ statements: 11, queries: 1002, tests: 0, passed: 1011, failed: 2, own: 1, skipped: 6, seconds: 2 },
    })
  })

  it('is a table', () => {
    const slt = totalsOf([report({ statements: 10, queries: 94_723 })], 61.26)
    const sqltest = totalsOf(
      [report({ file: { name: 'c', format: 'sqltest' }, tests: 7, failures: [FAILURE] })],
      0.5,
    )
    expect(table([slt, sqltest]).replace(/^─+$/m, '─').split('\n')).to.deep.equal([
      "driver   rows by   format   files  statements  queries  tests  passed  failed  engine's own  skipped  seconds",
      '─',
      'sqlite3  fetchall  slt          1          10   94,723         94,733       0             0        0     61.3',
      'sqlite3  fetchall  sqltest      1                           7       6       1             0        0      0.5',
    ])
  })

  it('names each failure once, with all the readings that have it', () => {
    const again = report({ reading: 'fetchmany', failures: [FAILURE] })
    const other = report({ failures: [FAILURE, { ...FAILURE, line: 13 }] })
    expect(failureList([other, again]).split('\n')).to.deep.equal([
      'FAILED (2):',
      '  a/b.test:12 query (sqlite3 fetchall, sqlite3 fetchmany)',
      '    it gave 1',
      '    SELECT 1',
      '  a/b.test:13 query (sqlite3 fetchall)',
      '    it gave 1',
      '    SELECT 1',
    ])
    expect(failureList([report()])).to.equal('')
  })

  it("names the engine's own with what the package says", () => {
    const own = ownList([report({ own: [{ ...FAILURE, direct: 'no such function' }] })])
    expect(own).to.include('  a/b.test:12 query (sqlite3 fetchall)\n    no such function')
    expect(ownList([report()])).to.equal('')
  })

  it('cuts what is long', () => {
    const failures = Array.from({ length: 1100 }, (_, line) => ({
      ...FAILURE,
      line,
      problem: 'x'.repeat(1000),
    }))
    const text = failureList([report({ failures })])
    expect(text)
      .to.include('FAILED (1100):')
      .and.to.match(/… and 100 more$/)
    expect(Math.max(...text.split('\n').map((line) => line.length))).to.be.below(410)
  })

  it('counts what was skipped, by the reason', () => {
    const skipped = new Map([['records for other engines', 1200]])
    expect(skippedList([report({ skipped }), report({ skipped })])).to.equal(
      'skipped, in all runs:\n  2,400 × records for other engines',
    )
    expect(skippedList([report()])).to.equal('')
  })
})

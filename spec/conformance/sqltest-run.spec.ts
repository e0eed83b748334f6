/** What counts as right and wrong in a `.sqltest` case, on a database that says what it is told. */
import { expect } from 'chai'
import { type Scripted, ScriptedDatabase } from './scripted-database.ts'
import type { Expectation, SqltestCase } from './sqltest-parse.ts'
import { judge, runCase, shellCommand } from './sqltest-run.ts'

function testCase(sql: string, more: Partial<SqltestCase> = {}): SqltestCase {
  const expectation = { kind: 'rows', text: '' } as const
  return { name: 't', line: 1, setups: [], sql, expectation, crossCheck: false, skip: null, ...more }
}

/** What is wrong with a case whose one statement gives this. */
async function problem(expectation: Expectation, answer: Scripted): Promise<string | null> {
  return judge(expectation, await runCase(testCase('Q'), new ScriptedDatabase({ Q: answer })))
}

const rows = (text: string): Expectation => ({ kind: 'rows', text })

describe('runCase', () => {
  it('runs the setups, then the statements, and gives the rows of all that have some', async () => {
    const database = new ScriptedDatabase({ 'SELECT 1': [[1]], "SELECT ';'": [['a'], ['b']] })
    const setups = [
      { name: 'one', sql: 'CREATE a; CREATE b;' },
      { name: 'two', sql: 'SELECT 1;' },
    ]
    const outcome = await runCase(testCase("SELECT 1; INSERT x;\nSELECT ';'", { setups }), database)
    expect(outcome).to.deep.equal({ rows: [[1], ['a'], ['b']], error: null, problem: null })
    expect(database.ran).to.deep.equal([
      ...['CREATE a', 'CREATE b', 'SELECT 1'],
      ...['SELECT 1', 'INSERT x', "SELECT ';'"],
    ])
  })

  it('stops at the first statement that fails', async () => {
    const database = new ScriptedDatabase({ A: [[1]], B: 'refused' })
    const { error, rows: given } = await runCase(testCase('A; B; C'), database)
    expect(error?.message).to.equal('refused')
    expect(given).to.deep.equal([[1]])
    expect(database.ran).to.deep.equal(['A', 'B'])
  })

  it('tells of a setup that fails, or is missing', async () => {
    const run = (sql: string | undefined) =>
      runCase(testCase('A', { setups: [{ name: 's', sql }] }), new ScriptedDatabase({ B: 'refused' }))
    expect((await run('B')).problem).to.equal('setup s: Error SQLITE_ERROR: refused')
    expect((await run(undefined)).problem).to.equal('there is no setup s')
  })

  it('looks at the database afterwards, if asked, outside of any transaction', async () => {
    const run = async (answer: Scripted) => {
      const database = new ScriptedDatabase({ A: 'refused', 'PRAGMA integrity_check': answer })
      const { problem: found } = await runCase(testCase('A', { crossCheck: true }), database)
      expect(database.ran).to.deep.equal(['A', 'ROLLBACK', 'PRAGMA integrity_check'])
      return found
    }
    expect(await run([['ok']])).to.equal(null)
    expect(await run([['row 1 missing'], ['row 2 missing']])).to.equal(
      'integrity_check: row 1 missing; row 2 missing',
    )
    expect(await run('malformed')).to.equal('integrity_check: Error SQLITE_ERROR: malformed')
  })

  it("heeds the shell's .headers, and knows which of its commands it has not", async () => {
    const database = new ScriptedDatabase({
      A: { columns: ['x', 'y'], rows: [[1, 2]] },
      B: { columns: ['z'] },
    })
    const outcome = await runCase(testCase('A;\n  .headers on\nB; A;\n.headers off\nA;'), database)
    expect(outcome.rows).to.deep.equal([
      [1, 2],
      ['x', 'y'],
      [1, 2],
      [1, 2],
    ])
    expect(shellCommand(testCase('A;\n  .headers on\nB;'))).to.equal(null)
    expect(shellCommand(testCase('A;\n  .tables \n'))).to.equal('.tables')
    expect(shellCommand(testCase("SELECT .5, 'a.b'"))).to.equal(null)
  })
})

describe('judge', () => {
  it('compares rows, joined by |, and lines', async () => {
    expect(
      await problem(rows('1|a\n2|'), [
        [1, 'a'],
        [2, null],
      ]),
    ).to.equal(null)
    expect(await problem(rows(''), [])).to.equal(null)
    expect(await problem(rows('1|a'), [[1, 'b']])).to.equal('it gave "1|b", and "1|a" was expected')
    for (const text of ['1', '1|a|', '1|a\n1|a', '', '1|a\n', '01|a']) {
      expect(await problem(rows(text), [[1, 'a']]), text).to.be.a('string')
    }
    expect(await problem(rows('a\nb|c'), [['a\nb', 'c']])).to.equal(null)
    expect(await problem(rows('a|b|c'), [['a|b', 'c']])).to.equal(null)
  })

  it('takes each integral number for an INTEGER or a REAL, and no other', async () => {
    expect(await problem(rows('10|10.0|1.0e+15|10'), [[10, 10, 1e15, 10]])).to.equal(null)
    expect(await problem(rows('10\n10.0'), [[10], [10]])).to.equal(null)
    expect(await problem(rows('2.50'), [[2.5]])).to.be.a('string')
    expect(await problem(rows('10.0'), [['10']])).to.be.a('string')
    expect(await problem(rows('10.00'), [[10]])).to.be.a('string')
    expect(await problem(rows('100'), [[10], [0]])).to.be.a('string')
  })

  it('compares without the order', async () => {
    const unordered = (text: string): Expectation => ({ kind: 'unordered', text })
    expect(
      await problem(unordered('b|1\na|2.0\n'), [
        ['a', 2],
        ['b', 1],
      ]),
    ).to.equal(null)
    expect(await problem(unordered('a\na\nb'), [['a'], ['b'], ['b']])).to.be.a('string')
    expect(await problem(unordered('a'), [['a'], ['b']])).to.be.a('string')
    expect(await problem(unordered('a\nb'), [['a']])).to.be.a('string')
    expect(await problem(unordered(''), [])).to.equal(null)
  })

  it('compares by a pattern', async () => {
    const pattern = (text: string): Expectation => ({ kind: 'pattern', text })
    expect(await problem(pattern('^\\d+\\|a$'), [[12, 'a']])).to.equal(null)
    expect(await problem(pattern('^12\\.0$'), [[12]])).to.equal(null)
    expect(await problem(pattern('(?i)HELLO'), [['hello']])).to.equal(null)
    expect(await problem(pattern('^b'), [['ab']])).to.be.a('string')
    expect(await problem(pattern('('), [['ab']])).to.match(/^a pattern that cannot be read here/)
    expect(await problem(pattern('.*'), 'refused')).to.equal('Error SQLITE_ERROR: refused')
  })

  it('expects errors, and only where they are expected', async () => {
    expect(await problem({ kind: 'error' }, 'refused')).to.equal(null)
    expect(await problem({ kind: 'error' }, [[1]])).to.equal('it gave "1", and an error was expected')
    expect(await problem(rows('1'), 'refused')).to.equal('Error SQLITE_ERROR: refused')
  })

  it('lets no error of a case hide what is wrong outside of it', async () => {
    const setups = [{ name: 's', sql: 'B' }]
    const outcome = await runCase(testCase('A', { setups }), new ScriptedDatabase({ B: 'refused' }))
    expect(judge({ kind: 'error' }, outcome)).to.equal('setup s: Error SQLITE_ERROR: refused')
  })

  it('expects what the package gives: the same rows, or an error each', () => {
    const agree = { kind: 'agreement' } as const
    const outcome = (given: (string | number)[][], message?: string) => ({
      ...{ rows: given, problem: null },
      error: message === undefined ? null : new Error(message),
    })
    expect(judge(agree, outcome([[1, 'a']]), outcome([[1, 'a']]))).to.equal(null)
    expect(judge(agree, outcome([], 'one'), outcome([[1]], 'another'))).to.equal(null)
    expect(judge(agree, outcome([[1]]), outcome([[2]]))).to.match(/^it gave "1", and the package .* "2"$/)
    expect(judge(agree, outcome([], 'refused'), outcome([[2]]))).to.match(/^Error: refused, and the package/)
    expect(judge(agree, outcome([[2]]), outcome([], 'refused'))).to.match(/and the package: Error: refused$/)
  })
})

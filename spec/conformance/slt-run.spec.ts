/** What counts as right and wrong in a sqllogictest script, on a database that says what it is told. */
import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { type Scripted, ScriptedDatabase } from './scripted-database.ts'
import { parseSlt } from './slt-parse.ts'
import { runSlt } from './slt-run.ts'

/** The problems of a script, as `line: problem`. */
async function problems(script: string[], answers: Record<string, Scripted> = {}): Promise<string[]> {
  const { failures } = await runSlt(parseSlt(script.join('\n')).records, new ScriptedDatabase(answers))
  return failures.map(({ line, problem }) => `${line}: ${problem}`)
}

/** The problem of one query that is to give these lines, or null. */
async function problem(head: string, answer: Scripted, ...expected: string[]): Promise<string | null> {
  const [found = null] = await problems([head, 'Q', '----', ...expected], {
    Q: answer,
    'EXPLAIN Q': 'no such table',
  })
  return found
}

function hashing(...values: string[]): string {
  const md5 = createHash('md5').update(values.map((value) => `${value}\n`).join(''))
  return `${values.length} values hashing to ${md5.digest('hex')}`
}

const NINE = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
const NINE_ROWS = NINE.map((value) => [Number(value)])

describe('runSlt: statements', () => {
  it('are ok, or fail, as they should', async () => {
    const answers = { B: 'no such table' }
    expect(await problems(['statement ok', 'A', '', 'statement error', 'B'], answers)).to.deep.equal([])
    expect(await problems(['statement ok', 'B', '', 'statement error', 'A'], answers)).to.deep.equal([
      '1: Error SQLITE_ERROR: no such table',
      '4: it succeeded, and an error was expected',
    ])
  })

  it('run all of a record, up to the first that fails', async () => {
    const database = new ScriptedDatabase({ '-- ;\nB': 'refused' })
    const { records } = parseSlt("statement error\nA; -- ;\nB;\nC ';'")
    const outcome = await runSlt(records, database)
    expect(outcome).to.deep.equal({ statements: 1, queries: 0, failures: [] })
    expect(database.ran).to.deep.equal(['A', '-- ;\nB'])
  })

  it('tell problems of the file as failures', async () => {
    expect(await problems(['mode x'])).to.deep.equal(["1: unknown record type 'mode'"])
  })
})

describe('runSlt: queries', () => {
  it('give their values, one a line', async () => {
    expect(
      await problem(
        'query IT',
        [
          [1, 'a'],
          [2, null],
        ],
        '1',
        'a',
        '2',
        'NULL',
      ),
    ).to.equal(null)
    expect(await problem('query IT', [[1, 'a']], '1', 'b')).to.equal(
      "1: value 2 is 'a', and 'b' was expected",
    )
  })

  it('give as many as there are lines', async () => {
    expect(await problem('query I', [[1], [2]], '1')).to.match(/^1: it gave 2 values \(1, 2\), and 1 \(1\)/)
    expect(await problem('query I', [[1]], '1', '2')).to.match(/it gave 1 values/)
    expect(await problem('query I', { columns: ['a'] })).to.equal(null)
    expect(await problem('query I', [[1]])).to.match(/and 0 \(nothing\) were expected/)
  })

  it('have a column for each type', async () => {
    expect(await problem('query I', [[1, 2]], '1', '2')).to.equal('1: it has 2 columns, and 1 were expected')
    expect(await problem('query I', {})).to.equal('1: it has 0 columns, and 1 were expected')
    expect(await problem('query II', { columns: ['a', 'b'] })).to.equal(null)
  })

  it('run their first statement only', async () => {
    const database = new ScriptedDatabase({ A: [[1]] })
    await runSlt(parseSlt('query I\nA; B\n----\n1').records, database)
    expect(database.ran).to.deep.equal(['A'])
  })

  it('sort rows by their values as text, or all values', async () => {
    const rows = [
      [10, 'b'],
      [9, 'a'],
      [10, 'a'],
    ]
    expect(await problem('query IT rowsort', rows, '10', 'a', '10', 'b', '9', 'a')).to.equal(null)
    expect(await problem('query IT valuesort', rows, '10', '10', '9', 'a', 'a', 'b')).to.equal(null)
    expect(await problem('query IT nosort', rows, '10', 'b', '9', 'a', '10', 'a')).to.equal(null)
  })

  it('are given by a hash when they have more values than eight', async () => {
    expect(await problem('query I', NINE_ROWS.slice(1), ...NINE.slice(1))).to.equal(null)
    expect(await problem('query I', NINE_ROWS, hashing(...NINE))).to.equal(null)
    expect(await problem('query I', NINE_ROWS, ...NINE)).to.match(
      /^1: it gave 9 values hashing to .* was expected$/,
    )
    expect(await problem('query I', NINE_ROWS, hashing(...NINE.slice().reverse()))).to.match(
      /it gave 9 values hashing/,
    )
    const reversed = [...NINE_ROWS].reverse()
    expect(await problem('query I rowsort', reversed, hashing(...NINE))).to.equal(null)
  })

  it('are given by a hash as hash-threshold says, for never with 0', async () => {
    const query = (...expected: string[]) => ['query I', 'Q', '----', ...expected]
    const answers = { Q: NINE_ROWS }
    expect(await problems(['hash-threshold 9', '', ...query(...NINE)], answers)).to.deep.equal([])
    expect(await problems(['hash-threshold 0', '', ...query(...NINE)], answers)).to.deep.equal([])
    expect(await problems(['hash-threshold 3', '', ...query(hashing(...NINE))], answers)).to.deep.equal([])
  })

  it('give the same values wherever they have the same label', async () => {
    const script = [
      ...['query I nosort same', 'A', '----', '1', ''],
      ...['query I nosort same', 'A', '----', '1', ''],
      ...['query I nosort same', 'B', '----', '2', ''],
      ...['query I nosort other', 'B', '----', '2'],
    ]
    expect(await problems(script, { A: [[1]], B: [[2]] })).to.deep.equal([
      '11: it gave other values than the query before it with the label same',
    ])
  })

  it('may show a number of a text column either way', async () => {
    expect(await problem('query TT', [[2, 'a']], '2.0', 'a')).to.equal(null)
    expect(await problem('query TT', [[2, 'a']], '2', 'a')).to.equal(null)
    expect(await problem('query TT', [[2, 'a']], '2.00', 'a')).to.equal(
      "1: value 1 is '2', and '2.00' was expected",
    )
  })

  it('fail while preparing, or count as the rows they gave while running', async () => {
    expect(await problem('query I', 'no such table')).to.equal('1: Error SQLITE_ERROR: no such table')
    const running = (answer: Scripted, ...expected: string[]) =>
      problems(['query I', 'Q', '----', ...expected], { Q: answer, 'EXPLAIN Q': [['Init']] })
    const overflow = Object.assign(new Error('integer overflow'), { code: 'SQLITE_ERROR' })
    expect(await running('integer overflow')).to.deep.equal([])
    expect(await running({ columns: ['a'], rows: [[1]], error: overflow }, '1')).to.deep.equal([])
    expect(await running('integer overflow', '1')).to.deep.equal([
      '1: it gave 0 values (nothing), and 1 (1) were expected; it failed with Error SQLITE_ERROR: integer overflow',
    ])
  })

  it('fail with what is no error of SQLite', async () => {
    const error = Object.assign(new Error('the child died'), { code: 'WORKER_EXITED' })
    expect(await problem('query I', { columns: ['a'], error })).to.equal(
      '1: Error WORKER_EXITED: the child died',
    )
  })
})

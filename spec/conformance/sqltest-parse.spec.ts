/** `.sqltest` files: what their words, blocks and macros come to. */
import { expect } from 'chai'
import { parseSqltest, type SqltestCase } from './sqltest-parse.ts'

function parse(...lines: string[]) {
  return parseSqltest(['@database :memory:', ...lines].join('\n'))
}

/** The one case of a file without problems. */
function only(...lines: string[]): SqltestCase {
  const { cases, problems } = parse(...lines)
  expect(problems.map(({ message }) => message)).to.deep.equal([])
  expect(cases).to.have.lengthOf(1)
  return cases[0]!
}

/** What is wrong with a file, as `line: message`. */
function problems(...lines: string[]): string[] {
  return parse(...lines).problems.map(({ line, message }) => `${line}: ${message}`)
}

const ONE = ['test one {', '  SELECT 1;', '}', 'expect {', '  1', '}']

describe('parseSqltest', () => {
  it('reads a test with its setups, in their order, wherever they stand', () => {
    const { cases } = parse(
      ...[
        'setup first { CREATE TABLE t (a); }',
        '',
        '# a comment',
        '@setup first',
        '# another',
        '@setup second',
      ],
      ...ONE,
      'setup second {\n  INSERT INTO t VALUES (1);\n}',
    )
    expect(cases).to.deep.equal([
      {
        ...{ name: 'one', line: 8, crossCheck: false, skip: null },
        setups: [
          { name: 'first', sql: ' CREATE TABLE t (a); ' },
          { name: 'second', sql: '  INSERT INTO t VALUES (1);' },
        ],
        sql: '  SELECT 1;',
        expectation: { kind: 'rows', text: '1' },
      },
    ])
  })

  it('gives a test only what stands before it', () => {
    const { cases } = parse('setup s { A; }', '@setup s', '@cross-check-integrity', ...ONE, ...ONE)
    expect(cases.map(({ setups, crossCheck }) => [setups.length, crossCheck])).to.deep.equal([
      [1, true],
      [0, false],
    ])
  })

  it('names a setup that is not there', () => {
    expect(only('@setup missing', ...ONE).setups).to.deep.equal([{ name: 'missing', sql: undefined }])
  })

  it('reads every kind of expectation', () => {
    const expectation = (...lines: string[]) => only('test t { A }', ...lines).expectation
    expect(expectation('expect {', '   a | b  ', '', '}')).to.deep.equal({ kind: 'rows', text: 'a | b\n' })
    expect(expectation('expect raw {', '  a  ', '}')).to.deep.equal({ kind: 'raw', text: '  a  ' })
    expect(expectation('expect unordered {', '  b', '  a', '}')).to.deep.equal({
      kind: 'unordered',
      text: 'b\na',
    })
    expect(expectation('expect pattern {', '  ^\\d+$', '}')).to.deep.equal({
      kind: 'pattern',
      text: '^\\d+$',
    })
    expect(expectation('expect error {', '  no such table', '}')).to.deep.equal({ kind: 'error' })
    expect(expectation('expect error {}')).to.deep.equal({ kind: 'error' })
    expect(expectation('expect { 1 }')).to.deep.equal({ kind: 'rows', text: '1' })
    expect(expectation('expect {', '}')).to.deep.equal({ kind: 'rows', text: '' })
  })

  it("takes the shell's expectation where there are several", () => {
    const test = ['test t { A }', 'expect {', '  1.0', '}', 'expect @js {', '  1', '}']
    expect(only(...test).expectation).to.deep.include({ text: '1.0' })
    expect(only(...test, 'expect @cli {', '  2', '}').expectation).to.deep.include({ text: '2' })
  })

  it('takes braces that are balanced, and those behind a backslash', () => {
    expect(only('test t { SELECT \'{"a": {}}\'; } expect { \\} }').sql).to.equal(` SELECT '{"a": {}}'; `)
    const { sql, expectation } = only("test t { SELECT '\\{ \\\\ \\n'; }", 'expect raw {', '\\}', '}')
    expect(sql).to.equal(" SELECT '{ \\ \\n'; ")
    expect(expectation).to.deep.equal({ kind: 'raw', text: '}' })
  })

  it('writes macros out', () => {
    const sql = (text: string) => only(`test t {${text}}`, 'expect { }').sql
    expect(sql('SELECT 1{{repeat:3:,0}};')).to.equal('SELECT 1,0,0,0;')
    expect(sql('{{repeat:0:x}}{{ repeat:2:a:b }}')).to.equal('a:ba:b')
    expect(sql('{{expr_depth_limit}} {{expr_depth_limit-1}}')).to.equal('1000 999')
    expect(sql('{{repeat:expr_depth_limit + 1:-}}')).to.have.lengthOf(1001)
    expect(problems('test t { {{shout:3}} }', 'expect { }')).to.include("2: unknown macro or count 'shout:3'")
  })

  it('skips what is not for SQLite, and says why', () => {
    const skip = (...lines: string[]) => only(...lines, ...ONE).skip
    expect(skip('@skip "not yet"')).to.equal('@skip: not yet')
    expect(skip('@skip-if sqlite "differs"')).to.equal('@skip-if sqlite: differs')
    expect(skip('@skip-if mvcc "differs"')).to.equal(null)
    expect(skip('@requires custom_types "uses them"')).to.equal('@requires custom_types: uses them')
    expect(skip('@requires trigger "uses them"', '@requires strict ""')).to.equal(null)
    expect(skip('@backend rust')).to.equal(null)
    expect(skip('@skip-if sqlite "first"', '@requires custom_types "second"', '@skip "third"')).to.equal(
      '@skip-if sqlite: first',
    )
  })

  it('skips whole files', () => {
    const skip = (...lines: string[]) => only(...ONE, ...lines).skip
    expect(skip('@skip-file "no"')).to.equal('@skip-file: no')
    expect(skip('@skip-file-if sqlite "no"')).to.equal('@skip-file-if sqlite: no')
    expect(skip('@skip-file-if mvcc "no"', '@requires-file strict ""')).to.equal(null)
    expect(skip('@requires-file materialized_views ""')).to.equal('@requires-file materialized_views: ')
    expect(skip('@database :temp:')).to.equal(null)
    expect(skip('@database some/file.db readonly')).to.equal('the database some/file.db is not here')
  })

  it('makes a case of each combination of a matrix, and skips snapshots', () => {
    const { cases } = parse(
      ...['setup s { A; }', '@setup s', '@var mode { ROWS | RANGE }', '@var m { | x }'],
      'matrix frames { SELECT $mode $m; }',
      'snapshot-eqp plan { SELECT 1; }',
    )
    expect(cases.map(({ name, sql, setups }) => [name, sql, setups.length])).to.deep.equal([
      ['frames[ROWS][]', ' SELECT ROWS ; ', 1],
      ['frames[ROWS][x]', ' SELECT ROWS x; ', 1],
      ['frames[RANGE][]', ' SELECT RANGE ; ', 1],
      ['frames[RANGE][x]', ' SELECT RANGE x; ', 1],
      ['plan', ' SELECT 1; ', 0],
    ])
    expect(new Set(cases.map(({ expectation }) => expectation.kind))).to.deep.equal(new Set(['agreement']))
    expect(cases.map(({ skip }) => skip !== null)).to.deep.equal([false, false, false, false, true])
  })

  it('reads files with carriage returns, and with a byte order mark', () => {
    const text = `\uFEFF@database :memory:\n${ONE.join('\n')}\n`
    expect(parseSqltest(text.replaceAll('\n', '\r\n'))).to.deep.equal(parseSqltest(text))
    expect(parseSqltest(text).problems).to.deep.equal([])
  })

  it('tells what it does not know, and reads on', () => {
    expect(problems('@shiny thing', ...ONE)).to.deep.equal(['2: unknown directive @shiny'])
    expect(parse('@shiny thing', ...ONE).cases).to.have.lengthOf(1)
    expect(problems('@shiny { a\nb }', 'nonsense', ...ONE)).to.deep.equal([
      '2: unknown directive @shiny',
      "4: unknown word 'nonsense'",
    ])
    expect(problems('@skip-if rainy "x"', '@requires wings "x"', ...ONE)).to.deep.equal([
      "2: @skip-if of an unknown 'rainy'",
      "3: @requires of an unknown 'wings'",
    ])
    expect(problems('test t { A }', 'expect loudly { 1 }', ...ONE)).to.deep.equal([
      "2: unknown 'expect loudly'",
    ])
    expect(problems('test t { A }', ...ONE)).to.deep.equal(['2: the test t has no expect block'])
    expect(problems('@skip', ...ONE)).to.deep.equal(["3: expected a reason, and there is 'test one {'"])
    expect(problems('setup s', 'test t { A }', 'expect {}')).to.not.deep.equal([])
    expect(problems(...ONE, 'expect { 2 }')).to.deep.equal([])
    expect(problems('test t { A', 'expect { 1 }')).to.include('2: a block without an end')
  })

  it('does not hand on what stood before a test that was not understood', () => {
    const { cases } = parse('@skip "x"', 'test broken { A }', ...ONE)
    expect(cases.map(({ name, skip }) => [name, skip])).to.deep.equal([['one', null]])
  })
})

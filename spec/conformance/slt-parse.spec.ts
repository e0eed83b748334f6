/** sqllogictest scripts as their C runner reads them. */
import { expect } from 'chai'
import { parseSlt, type SltRecord } from './slt-parse.ts'

function parse(...lines: string[]): readonly SltRecord[] {
  return parseSlt(lines.join('\n')).records
}

describe('parseSlt', () => {
  it('reads statements and queries, and tells the line of each', () => {
    expect(
      parse(
        'statement ok',
        'CREATE TABLE t (',
        '  a)',
        '',
        'query IT rowsort the-label',
        'SELECT * FROM t',
        '----',
        '1',
        'a b ',
        '',
        '',
        'statement error',
        'DROP TABLE u',
      ),
    ).to.deep.equal([
      { kind: 'statement', line: 1, sql: 'CREATE TABLE t (\n  a)', expect: 'ok' },
      {
        ...{ kind: 'query', line: 5, sql: 'SELECT * FROM t', types: 'IT', sort: 'rowsort' },
        ...{ label: 'the-label', expected: ['1', 'a b '] },
      },
      { kind: 'statement', line: 12, sql: 'DROP TABLE u', expect: 'error' },
    ])
  })

  it('takes a query without a sort, and without results', () => {
    const [plain, ruled] = parse(
      'query I',
      'SELECT 1 WHERE 0',
      '',
      'query R nosort',
      'SELECT 1 WHERE 0',
      '----',
    )
    expect(plain).to.include({ sort: 'nosort', label: '' }).and.deep.include({ expected: [] })
    expect(ruled).to.include({ sql: 'SELECT 1 WHERE 0' }).and.deep.include({ expected: [] })
  })

  it('strips one carriage return, and takes a line of blanks for blank', () => {
    expect(parse('query T\r', 'SELECT 1\r', '----\r', 'a\r\r', ' \t\r', 'halt\r')).to.have.lengthOf(1)
    const [query] = parse('query T\r', 'SELECT 1\r', '----\r', 'a\r\r', ' \t\r')
    expect(query)
      .to.include({ sql: 'SELECT 1' })
      .and.deep.include({ expected: ['a\r'] })
  })

  it('drops lines that begin with # everywhere, and none with # behind a blank', () => {
    const records = parse(
      '# a',
      'query T',
      '# b',
      'SELECT 1,',
      '#c',
      " ' # d'",
      '----',
      '1',
      '# e',
      '2',
      '#',
      '3',
    )
    expect(records).to.have.lengthOf(1)
    expect(records[0])
      .to.include({ sql: "SELECT 1,\n ' # d'" })
      .and.deep.include({ expected: ['1', '2', '3'] })
  })

  it('heeds skipif and onlyif, stacked, in any case, with a comment behind the name', () => {
    const { records, skipped } = parseSlt(
      [
        ...['skipif sqlite', 'statement ok', 'SELECT 1', ''],
        ...['onlyif SQLite # why', 'statement ok', 'SELECT 2', ''],
        ...['skipif mysql # not compatible', 'onlyif sqlite', 'query I', 'SELECT 3', ''],
        ...['onlyif sqlite', 'onlyif mysql', 'query I', 'SELECT 4', ''],
        ...['onlyif mysql', 'hash-threshold 0', ''],
        ...['onlyif mysql', 'halt', ''],
        ...['statement ok', 'SELECT 5', ''],
        ...['skipif mysql', 'halt', ''],
        ...['statement ok', 'SELECT 6'],
      ].join('\n'),
    )
    expect(records.map((record) => 'sql' in record && record.sql)).to.deep.equal([
      'SELECT 2',
      'SELECT 3',
      'SELECT 5',
    ])
    expect(skipped).to.equal(2)
  })

  it('reads hash-threshold, and ends at halt', () => {
    expect(parse('hash-threshold 20', '', 'halt', '', 'nonsense')).to.deep.equal([
      { kind: 'hash-threshold', line: 1, values: 20 },
    ])
  })

  it('tells what it does not know, and reads on', () => {
    const records = parse(
      ...['mode standard', ''],
      ...['statement maybe', 'SELECT 1', ''],
      ...['query IX', 'SELECT 1', ''],
      ...['query', 'SELECT 1', ''],
      ...['query I sideways', 'SELECT 1', ''],
      ...['hash-threshold few', ''],
      ...['hash-threshold 8', 'statement ok', 'SELECT 1', ''],
      ...['skipif mysql', ''],
      ...['statement ok', 'SELECT 2'],
    )
    expect(
      records.map((record) => ('message' in record ? `${record.line}: ${record.message}` : record.kind)),
    ).to.deep.equal([
      "1: unknown record type 'mode'",
      '3: a statement is ok or error: statement maybe',
      "6: a query's types are T, I and R: query IX",
      "9: a query's types are T, I and R: query",
      '12: a query is sorted by nosort, rowsort, valuesort: query I sideways',
      '15: hash-threshold takes a number: hash-threshold few',
      'hash-threshold',
      '18: what follows hash-threshold without a blank line is not run',
      '21: a condition without a record',
      'statement',
    ])
  })

  it('reads a file that begins with a byte order mark, and an empty one', () => {
    expect(parse('\uFEFFstatement ok', 'SELECT 1')).to.have.lengthOf(1)
    expect(parse('')).to.deep.equal([])
  })
})

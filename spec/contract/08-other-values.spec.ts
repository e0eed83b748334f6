/** Contract: NULL, booleans and Dates; and what is refused with its place, never bent. See subjects.ts. */
import { expect } from 'chai'
import { describeContract } from './subjects.ts'

describeContract('other values', (db) => {
  it('null is NULL', async () => {
    await db.run('create table t (x text, i integer, u)')
    await db.run('insert into t values (?, ?, ?)', [null, null, null])
    expect(await db.rows('select x, i, u, typeof(u), ? is null from t', [null])).to.deep.equal([
      [null, null, null, 'null', 1],
    ])
  })

  it('a boolean is the INTEGER 0 or 1', async () => {
    await db.run('create table t (a, b boolean, x text)')
    await db.run('insert into t values (?, ?, ?)', [true, true, true])
    await db.run('insert into t values (:b, :b, :b)', { b: false })
    expect(await db.rows('select a, b, x, typeof(a), typeof(b) from t order by a')).to.deep.equal([
      [0, 0, '0', 'integer', 'integer'],
      [1, 1, '1', 'integer', 'integer'],
    ])
  })

  for (const [date, text] of [
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Date('2026-11-21T12:34:56.789+02:00'), '2026-11-21T10:34:56.789Z'],
    [new Date(-1), '1969-12-31T23:59:59.999Z'],
    [new Date(8.64e15), '+275760-09-13T00:00:00.000Z'],
  ] as const) {
    it(`a Date is ISO 8601 text: ${text}`, async () => {
      await db.run('create table t (d datetime)')
      await db.run('insert into t values (?)', [date])
      expect(await db.rows('select d, typeof(d), ? = d from t', [date])).to.deep.equal([[text, 'text', 1]])
    })
  }

  it('a Date is understood by SQLite’s own functions', async () => {
    const date = new Date('2026-11-21T10:34:56.789Z')
    expect(await db.rows("select unixepoch(?), strftime('%Y', ?)", [date, date])).to.deep.equal([
      [1_795_257_296, '2026'],
    ])
  })

  const refused: [what: string, value: unknown, name: string, message: RegExp][] = [
    ['NaN', Number.NaN, 'DataError', /^parameter 2 is NaN/],
    ['a lone high surrogate', 'a\ud83d', 'DataError', /^parameter 2 is a string with half a surrogate pair/],
    ['a lone low surrogate', '\udeb2a', 'DataError', /^parameter 2 is a string with half a surrogate pair/],
    [
      'surrogates the wrong way round',
      '\udeb2\ud83d',
      'DataError',
      /^parameter 2 is a string with half a surrogate/,
    ],
    ['an invalid Date', new Date(Number.NaN), 'DataError', /^parameter 2 is an invalid Date/],
    ['undefined', undefined, 'ProgrammingError', /^parameter 2 is undefined/],
    ['a symbol', Symbol('x'), 'ProgrammingError', /^parameter 2 is a symbol/],
    ['a function', () => 1, 'ProgrammingError', /^parameter 2 is a function/],
    ['a plain object', { a: 1 }, 'ProgrammingError', /^parameter 2 is an object \(Object\)/],
    ['an object without a prototype', Object.create(null), 'ProgrammingError', /^parameter 2 is an object/],
    ['an array', [1], 'ProgrammingError', /^parameter 2 is an object \(Array\)/],
    ['a Map', new Map(), 'ProgrammingError', /^parameter 2 is an object \(Map\)/],
    ['a boxed number', Object(5), 'ProgrammingError', /^parameter 2 is an object \(Number\)/],
    ['an ArrayBuffer', new ArrayBuffer(2), 'ProgrammingError', /^parameter 2 is an object \(ArrayBuffer\)/],
    [
      'another typed array',
      new Float64Array(2),
      'ProgrammingError',
      /^parameter 2 is an object \(Float64Array\)/,
    ],
  ]
  for (const [what, value, name, message] of refused) {
    it(`${what} is refused with its place, and nothing is changed`, async () => {
      await db.run('create table t (a, b)')
      const error = await db.error('insert into t values (?, ?)', [1, value])
      expect(error).to.include({ name, code: 'BAD_PARAMETERS', sql: 'insert into t values (?, ?)' })
      expect(error.message).to.match(message)
      expect(await db.rows('select * from t')).to.deep.equal([])
    })

    it(`${what} is refused with its name`, async () => {
      const error = await db.error('select :a, @b', { a: 1, b: value })
      expect(error).to.include({ name, code: 'BAD_PARAMETERS' })
      expect(error.message).to.match(/^parameter 2 \(@b\) is /)
    })
  }

  it('what is refused is not repeated in the error', async () => {
    const error = await db.error('select ?', [{ secret: 'hunter2' }])
    expect(`${error.message} ${error.stack}`).not.to.contain('hunter2')
  })
})

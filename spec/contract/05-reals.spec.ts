/** Contract: numbers that are no integers within ±2^53 are REAL, to the last bit; see subjects.ts. */
import { expect } from 'chai'
import { describeContract, runOrRefuse } from './subjects.ts'

const REALS = [
  0.1,
  2.5,
  -2.5,
  1 / 3,
  2 ** 53 + 2,
  -(2 ** 53) - 2,
  2 ** 62,
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  1e300,
  -1e300,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.MIN_VALUE,
  -Number.MIN_VALUE,
  2.2250738585072014e-308,
  Number.EPSILON,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
]

describeContract('reals', (db) => {
  for (const value of REALS) {
    it(`${value} as a parameter is a REAL, and comes out as it is`, async () => {
      expect(
        await db.rows('select ?, typeof(?), ? as "1", ? as "0"', [value, value, value, value]),
      ).to.deep.equal([[value, 'real', value, value]])
    })

    it(`${value} is kept by a table and found again`, async () => {
      await db.run('create table t (r real, u)')
      await db.run('insert into t values (?, ?)', [value, value])
      expect(await db.rows('select r, u, typeof(r), typeof(u) from t')).to.deep.equal([
        [value, value, 'real', 'real'],
      ])
      expect(await db.rows('select u from t where r = ? and u is ?', [value, value])).to.deep.equal([[value]])
    })

    it(`${value} is returned by RETURNING`, async () => {
      await db.run('create table t (u)')
      const sql = 'insert into t values (?) returning u'
      // A driver that cannot tell it from an integer of that size says so.
      const ambiguous = Math.abs(value) > 2 ** 53 && Math.abs(value) <= 2 ** 63
      const { rows } = (ambiguous
        ? await runOrRefuse(db, 'DataError', sql, [value])
        : await db.run(sql, [value])) ?? {
        rows: null,
      }
      if (rows !== null) expect(rows).to.deep.equal([[value]])
      expect(await db.rows('select u from t')).to.deep.equal(rows === null ? [] : [[value]])
    })
  }

  it('are made by arithmetic', async () => {
    expect(await db.rows('select 5 / 2.0, ? / 2, 1e308 * 10, -1e308 * 10, 0.0', [5.5])).to.deep.equal([
      [2.5, 2.75, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0],
    ])
  })

  it('that are integral become INTEGER in an INTEGER column, as SQLite has it, and text in a TEXT column', async () => {
    await db.run('create table t (i integer, x text)')
    await db.run('insert into t values (?, ?)', [1e18, 1e18])
    const [row] = await db.rows('select i, typeof(i), typeof(x), cast(x as real) from t')
    // How many digits the text has depends on SQLite's version.
    expect(row).to.deep.equal([10n ** 18n, 'integer', 'text', 1e18])
  })

  it('are printed as SQLite prints reals', async () => {
    for (const [value, text] of [
      [2.5, '2.5'],
      [1e300, '1.0e+300'],
      [Number.POSITIVE_INFINITY, 'Inf'],
      [Number.NEGATIVE_INFINITY, '-Inf'],
    ] as const) {
      expect(await db.rows('select cast(? as text)', [value])).to.deep.equal([[text]])
    }
  })

  it('read as NaN do not exist: SQLite makes NULL of it', async () => {
    expect(await db.rows('select 1e999 - 1e999, typeof(1e999 - 1e999)')).to.deep.equal([[null, 'null']])
  })
})

/**
 * Contract: integers of 64 bits, in and out, in every place. A number within ±2^53 is bound as INTEGER; what
 * comes out is a number where that is safe, else a bigint. See subjects.ts.
 */
import { expect } from 'chai'
import { describeContract, runOrRefuse } from './subjects.ts'

const EDGES = [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n]
const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

/** Every integer of 64 bits within one of an edge, and some ordinary ones. */
const INTEGERS = EDGES.flatMap((edge) => [edge - 1n, edge, edge + 1n])
  .flatMap((value) => [-value, value])
  .concat([0n, 1n, -1n, 5n, -5n, 5_000_000_001n])
  .filter((value) => value <= MAX_INT64 && value >= MIN_INT64)
  .sort((a, b) => (a < b ? -1 : 1))

/** An integer as it comes out. */
function out(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

const isLarge = (value: bigint) => typeof out(value) === 'bigint'

/** As what it can be given: a bigint, and a number where that is it exactly and within ±2^53. */
function given(value: bigint): (number | bigint)[] {
  const number = Number(value)
  return BigInt(number) === value && Math.abs(number) <= 2 ** 53 ? [value, number] : [value]
}

describeContract('integers', (db) => {
  for (const value of INTEGERS) {
    it(`${value} as a parameter is an INTEGER, and comes out as it is`, async () => {
      for (const param of given(value)) {
        const sql = 'select typeof(?1), cast(?1 as text), ?1 as v, -(-?1) is ?1'
        expect((await db.rows(sql, [param]))[0]!.slice(0, 3), typeof param).to.deep.equal([
          'integer',
          String(value),
          out(value),
        ])
      }
    })

    it(`${value} as a literal comes out as it is`, async () => {
      // -9223372036854775808 is no literal to SQLite, but 9223372036854775808, a REAL, with a minus.
      const literal = value === MIN_INT64 ? `(${value + 1n} - 1)` : String(value)
      expect(await db.rows(`select ${literal} as v, typeof(${literal})`)).to.deep.equal([
        [out(value), 'integer'],
      ])
    })

    it(`${value} in TEXT, INTEGER, REAL, NUMERIC and untyped columns is what SQLite makes of it`, async () => {
      await db.run('create table t (x text, i integer, r real, n numeric, u)')
      for (const param of given(value)) {
        await db.run('delete from t')
        await db.run('insert into t values (?1, ?1, ?1, ?1, ?1)', [param])
        expect(await db.rows('select x, i, r, n, u from t'), typeof param).to.deep.equal([
          [String(value), out(value), Number(value), out(value), out(value)],
        ])
        expect(
          await db.rows('select typeof(x), typeof(i), typeof(r), typeof(n), typeof(u) from t'),
        ).to.deep.equal([['text', 'integer', 'real', 'integer', 'integer']])
      }
    })

    it(`${value} is found again, in every column`, async () => {
      await db.run('create table t (x text, i integer, n numeric, u)')
      for (const other of [value - 1n, value, value + 1n]) {
        if (other <= MAX_INT64 && other >= MIN_INT64) {
          await db.run('insert into t values (:v, :v, :v, :v)', { v: other })
        }
      }
      for (const param of given(value)) {
        for (const column of ['x', 'i', 'n', 'u']) {
          expect(await db.rows(`select u from t where ${column} = ?`, [param]), column).to.deep.equal([
            [out(value)],
          ])
        }
        expect(await db.rows('select u from t where i in (?, 7)', [param])).to.deep.equal([[out(value)]])
        expect(await db.rows('select u from t where i between ? and ?', [param, param])).to.deep.equal([
          [out(value)],
        ])
      }
    })

    it(`${value} is divided as an integer`, async () => {
      for (const param of given(value)) {
        expect(await db.rows('select ?/2, typeof(?/2)', [param, param])).to.deep.equal([
          [out(value / 2n), 'integer'],
        ])
      }
    })

    if (db.features.json) {
      it(`${value} in json_array() has no point`, async () => {
        for (const param of given(value)) {
          expect(await db.rows('select json_array(?)', [param])).to.deep.equal([[`[${value}]`]])
        }
      })
    }

    it(`${value} is returned by RETURNING${db.driver === 'sqlite3' && isLarge(value) ? ', or nothing was changed' : ''}`, async () => {
      await db.run('create table t (id integer primary key, u)')
      const sql = 'insert into t values (?1, ?1) returning id, u, u + 0 as v'
      const before = db.inTransaction
      const { rows } = (isLarge(value)
        ? await runOrRefuse(db, 'DataError', sql, [value])
        : await db.run(sql, [value])) ?? { rows: null }
      if (rows !== null) expect(rows).to.deep.equal([[out(value), out(value), out(value)]])
      expect(db.inTransaction).to.equal(before)
      expect(await db.rows('select id, u from t')).to.deep.equal(
        rows === null ? [] : [[out(value), out(value)]],
      )
    })

    it(`${value} is told by lastrowid`, async () => {
      await db.run('create table t (id integer primary key)')
      expect((await db.run('insert into t values (?)', [value])).lastrowid).to.equal(out(value))
      expect((await db.run('insert into t values (7)')).lastrowid).to.equal(7)
    })
  }

  if (!db.features.json) it.skip('in json_array() (this engine has no JSON)')

  for (const value of [MAX_INT64 + 1n, MIN_INT64 - 1n, 2n ** 64n]) {
    it(`${value} is refused with its place, and nothing is changed`, async () => {
      await db.run('create table t (a, b)')
      const error = await db.error('insert into t values (?, ?)', [1, value])
      expect(error).to.include({ name: 'DataError', code: 'BAD_PARAMETERS' })
      expect(error.message).to.match(/^parameter 2 is an integer of more than 64 bits/)
      expect(await db.rows('select * from t')).to.deep.equal([])
    })
  }

  it('-0 is the INTEGER 0', async () => {
    await db.run('create table t (x text, u)')
    await db.run('insert into t values (?, ?)', [-0, -0])
    expect(await db.rows('select x, u, typeof(u) from t')).to.deep.equal([['0', 0, 'integer']])
    expect(await db.rows('select ?, -?', [-0, -0])).to.deep.equal([[0, 0]])
  })

  it('bound are without affinity, and use an index', async () => {
    await db.script(
      'create table t (a text, b integer)',
      'create index i on t (b)',
      'create index j on t (a)',
    )
    for (const value of [7, 5_000_000_000, 2n ** 60n]) {
      await db.run('insert into t values (?, ?)', [value, value])
      expect(await db.rows('select a, b from t where b = ?', [value])).to.deep.equal([[String(value), value]])
      // An integer without affinity is less than any text, and equal to none.
      expect(await db.rows(`select ? = '${value}', ? < '0'`, [value, value])).to.deep.equal([[0, 1]])
      for (const [column, index] of [
        ['b', 'i'],
        ['a', 'j'],
      ]) {
        const plan = await db.rows(`explain query plan select * from t where ${column} = ?`, [value])
        expect(plan.flat().join(), column).to.contain(`USING INDEX ${index}`)
      }
    }
  })

  it('bound may stand in LIMIT, OFFSET, ORDER BY, GROUP BY and a function', async () => {
    await db.script('create table t (a)', 'insert into t values (1), (2), (3)')
    const large = 5_000_000_000
    expect(await db.rows('select a from t order by a + ? limit ? offset ?', [large, large, 1])).to.deep.equal(
      [[2], [3]],
    )
    expect(await db.rows('select count(*), ? from t group by a > ?', [large, large])).to.deep.equal([
      [3, large],
    ])
    expect(
      await db.rows('select max(?, 1), abs(?), coalesce(null, ?)', [large, -large, 2n ** 60n]),
    ).to.deep.equal([[large, large, 2n ** 60n]])
    expect(await db.rows('select 0 union all select ? order by 1', [large])).to.deep.equal([[0], [large]])
  })

  it('and smaller values find their places, by number and by name', async () => {
    const large = 2n ** 60n
    expect(await db.rows('select ?2, ?1, ?3, ?1', [large, 'x', 7])).to.deep.equal([['x', large, 7, large]])
    expect(await db.rows('select ?2, ?', [0, 1, large])).to.deep.equal([[1, large]])
    expect(await db.rows('select :a, :b, :a + :c, @d', { a: large, b: 'x', c: 1, d: -large })).to.deep.equal([
      [large, 'x', large + 1n, -large],
    ])
    expect(await db.rows('select ?+?,-?,(?)||?', [large, 1, large, large, 'x'])).to.deep.equal([
      [large + 1n, -large, `${large}x`],
    ])
    // The same text, where another one is large.
    expect(await db.rows('select :a, :b, :a + :c, @d', { a: 1, b: large, c: 2, d: 'x' })).to.deep.equal([
      [1, large, 3, 'x'],
    ])
  })

  it('many at once are each their own', async () => {
    await db.run('create table t (a)')
    const values = Array.from({ length: 300 }, (_, i) => 2n ** 53n + BigInt(i))
    const places = values.map(() => '(?)').join()
    expect((await db.run(`insert into t values ${places}`, values)).rowcount).to.equal(300)
    expect((await db.rows('select a from t order by a')).flat()).to.deep.equal(values.map(out))
  })

  it('and reals beyond 2^53 are told apart, side by side', async () => {
    const sql =
      'select 9007199254740993 as a, 9007199254740994.0 as b, 3 as c, ? as d, -9007199254740993 as e'
    for (const d of ['x', 'y', 2n ** 60n]) {
      expect(await db.rows(sql, [d])).to.deep.equal([
        [9007199254740993n, 9007199254740994, 3, d, -9007199254740993n],
      ])
    }
  })

  it('beyond 2^53 among many rows keep their order', async () => {
    await db.run('create table t (a)')
    await db.run('insert into t values (1), (9007199254740993), (null), (-9007199254740993), (2)')
    for (let run = 0; run < 2; run++) {
      expect(await db.rows('select a from t order by a desc')).to.deep.equal([
        [9007199254740993n],
        [2],
        [1],
        [-9007199254740993n],
        [null],
      ])
    }
  })

  it('beyond 2^53 come out after others that were not', async () => {
    await db.script('create table t (a)', 'insert into t values (1)')
    expect(await db.rows('select a, a + 1 as b from t')).to.deep.equal([[1, 2]])
    await db.run('update t set a = 9007199254740993')
    expect(await db.rows('select a, a + 1 as b from t')).to.deep.equal([
      [9007199254740993n, 9007199254740994n],
    ])
    await db.run('update t set a = 1')
    expect(await db.rows('select a, a + 1 as b from t')).to.deep.equal([[1, 2]])
  })

  it('beyond 2^53 come from sum(), count() and a subquery', async () => {
    await db.script('create table t (a)', 'insert into t values (9007199254740993), (2)')
    expect(await db.rows('select sum(a), max(a), count(*), (select min(a) from t) from t')).to.deep.equal([
      [9007199254740995n, 9007199254740993n, 2, 2],
    ])
  })

  it('from random() come out, whatever they are', async () => {
    const rows = await db.rows(
      'with recursive n (i) as (values (1) union all select i + 1 from n where i < 20) select random() as r, i from n',
    )
    expect(rows).to.have.lengthOf(20)
    for (const [r] of rows) expect(['bigint', 'number']).to.include(typeof r)
    expect(new Set(rows.map(([r]) => r)).size).to.equal(20)
  })
})

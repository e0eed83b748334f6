/** Contract: values, exact both ways or refused; see contract.ts. */
import { expect } from 'chai'
import type { SqlValue } from '../../lib/drivers/driver.ts'
import { describeEachDriver, thrownBy } from './contract.ts'

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

describeEachDriver('a driver’s values', ({ name, open }) => {
  /** What goes in, SQLite's type and text of it, and what comes out when that is something else. */
  const values: [value: SqlValue, type: string, text: string | null, out?: SqlValue][] = [
    [null, 'null', null],
    [0, 'integer', '0'],
    [-0, 'integer', '0', 0],
    [5, 'integer', '5'],
    [5n, 'integer', '5', 5],
    [2.5, 'real', '2.5'],
    [2 ** 31 - 1, 'integer', '2147483647'],
    [2 ** 31, 'integer', '2147483648'],
    [-(2 ** 31), 'integer', '-2147483648'],
    [-(2 ** 31) - 1, 'integer', '-2147483649'],
    [2 ** 53 - 1, 'integer', '9007199254740991'],
    [1 - 2 ** 53, 'integer', '-9007199254740991'],
    [2 ** 53, 'integer', '9007199254740992', 2n ** 53n],
    [-(2 ** 53), 'integer', '-9007199254740992', -(2n ** 53n)],
    [2n ** 53n + 1n, 'integer', '9007199254740993'],
    [2 ** 53 + 2, 'real', null],
    [MAX_INT64, 'integer', '9223372036854775807'],
    [MIN_INT64, 'integer', '-9223372036854775808'],
    [2 ** 63, 'real', null],
    [1e300, 'real', '1.0e+300'],
    [Number.POSITIVE_INFINITY, 'real', 'Inf'],
    ['', 'text', ''],
    ['żółć 🚲', 'text', 'żółć 🚲'],
  ]
  for (const [value, type, text, out = value] of values) {
    const shown =
      typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : JSON.stringify(value)
    it(`${shown} is ${type}, and comes out as it is`, async () => {
      const db = await open()
      const [row] = await db.rows('select typeof(?1), cast(?1 as text), ?1 as v', value)
      expect(row?.[0]).to.equal(type)
      if (text !== null) expect(row?.[1]).to.equal(text)
      expect(row?.[2]).to.equal(out)
      // In every place, and by RETURNING, which cannot be read twice.
      await db.run('create table t (a, b text)')
      await db.run('insert into t values (:x, :y)', value, 'z')
      expect(await db.rows('select a, b from t where a is ?', value)).to.deep.equal([[out, 'z']])
    })
  }

  it('bind integers without affinity, and without losing an index', async () => {
    const db = await open()
    await db.run('create table t (a text, b integer)')
    await db.run('create index i on t (b)')
    await db.run('insert into t values (?, ?)', 5_000_000_000, 5_000_000_000)
    expect(await db.rows('select a, b from t where b = ?', 5_000_000_000)).to.deep.equal([
      ['5000000000', 5_000_000_000],
    ])
    expect(await db.rows('select ? / 2, ? / 2', 5, 5_000_000_001)).to.deep.equal([[2, 2_500_000_000]])
    const plan = await db.rows('explain query plan select * from t where b = ?', 5_000_000_000)
    expect(plan.flat().join()).to.contain('USING INDEX i')
  })

  it('keep the name of a column that is a parameter', async () => {
    expect(await (await open()).names('select ?, -:a', 5_000_000_000, 6_000_000_000)).to.deep.equal([
      '?',
      '-:a',
    ])
  })

  it('refuse an integer of more than 64 bits', async () => {
    const db = await open()
    for (const value of [MAX_INT64 + 1n, MIN_INT64 - 1n]) {
      expect(await thrownBy(() => db.rows('select ?', value))).to.include({ code: 'SQLITE_TOOBIG' })
    }
  })

  it('read integers and reals beyond 2^53 side by side', async () => {
    const db = await open()
    const statement = await db.prepare(
      'select 9007199254740993 as a, 9007199254740994.0 as b, 3 as c, ? as d',
    )
    for (const d of ['x', 'y']) {
      expect((await statement.execute([d])).rows).to.deep.equal([[9007199254740993n, 9007199254740994, 3, d]])
    }
    await statement.finalize()
  })

  it('read integers beyond 2^53 from many rows, in their order', async () => {
    const db = await open()
    await db.run('create table t (a)')
    await db.run('insert into t values (1), (9007199254740993), (null), (-9007199254740993), (2)')
    expect(await db.rows('select a from t order by a desc')).to.deep.equal([
      [9007199254740993n],
      [2],
      [1],
      [-9007199254740993n],
      [null],
    ])
    expect(await db.rows('select random() as a')).to.have.lengthOf(1)
  })

  it('tell the rowid beyond 2^53', async () => {
    const db = await open()
    await db.run('create table t (id integer primary key)')
    const inserted = await db.run('insert into t values (?)', 2n ** 53n + 1n)
    expect(inserted.lastInsertRowid).to.equal(2n ** 53n + 1n)
    expect((await db.run('insert into t values (7)')).lastInsertRowid).to.equal(7)
  })

  it('return integers beyond 2^53 exactly', async () => {
    const db = await open()
    await db.run('create table t (id integer primary key)')
    expect(await db.run('insert into t values (?) returning id', 2n ** 53n + 1n)).to.deep.include({
      rows: [[2n ** 53n + 1n]],
      changes: 1,
      lastInsertRowid: 2n ** 53n + 1n,
    })
    expect(await db.rows('select * from t')).to.deep.equal([[2n ** 53n + 1n]])
    expect(db.inTransaction).to.equal(false)
  })

  it('give BLOBs as Buffers, the empty one too', async () => {
    const db = await open()
    const given = [
      new Uint8Array([1, 0, 255]),
      Buffer.from('x'),
      new Uint8Array(0),
      new Uint8Array([9, 8, 7]).subarray(1),
    ]
    const [row] = await db.rows('select ?, ?, ?, ?', ...given)
    expect(row?.every((value) => Buffer.isBuffer(value))).to.equal(true)
    expect(row?.map((value) => [...(value as Buffer)])).to.deep.equal([[1, 0, 255], [120], [], [8, 7]])
    expect(await db.rows('select typeof(?), length(?)', new Uint8Array(0), new Uint8Array(0))).to.deep.equal([
      ['blob', 0],
    ])
    expect(await db.rows('select ? as only', new Uint8Array([4]))).to.deep.equal([[Buffer.from([4])]])
  })

  it('read and bind text with NUL, or refuse to bind it', async () => {
    const db = await open()
    const [[read]] = (await db.rows("select 'a' || char(0) || 'b' as t")) as [[string]]
    if (name === 'node:sqlite' && read === 'a') {
      const error = await thrownBy(() => db.rows('select ?', 'a\0b'))
      expect(error).to.include({ name: 'DataError', code: 'UNSUPPORTED' })
    } else {
      expect(read).to.equal('a\0b')
      expect(await db.rows('select ?1, typeof(?1)', 'a\0b')).to.deep.equal([['a\0b', 'text']])
    }
  })

  it('read text that is not UTF-8', async () => {
    const db = await open()
    expect(await db.rows("select cast(x'61ff62' as text) as t")).to.deep.equal([['a\ufffdb']])
  })
})

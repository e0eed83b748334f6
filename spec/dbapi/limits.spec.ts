import { expect } from 'chai'
import { type Connection, connect, createPool, type Pool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

describeEachDriver('limits', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    conn = await pool.connect()
  })
  afterEach(() => pool.close())

  it("are SQLite's own by default, and of one Connection when set", async () => {
    const other = await pool.connect()
    for (const [name, value] of [
      ['sqlLength', 1_000_000_000],
      ['variables', 32_766],
      ['attached', 10],
    ] as const) {
      expect(conn.getLimit(name)).to.equal(value)
      expect(conn.setLimit(name, 7)).to.equal(value)
      expect(conn.setLimit(name, 7)).to.equal(7)
      expect(other.getLimit(name)).to.equal(value)
    }
  })

  it('come from the options, those of a Connection over those of its pool', async () => {
    await pool.close()
    pool = await createPool(file(), { driver, readers: 1, limits: { variables: 5, attached: undefined } })
    conn = await pool.connect({ limits: { attached: 2, sqlLength: undefined } })
    expect(
      ['variables', 'attached', 'sqlLength'].map((name) => conn.getLimit(name as 'attached')),
    ).to.deep.equal([5, 2, 1_000_000_000])
    expect(await pool.execute('select 1').fetchall()).to.deep.equal([[1]])
    expect((await errorOf(pool.execute('select ?,?,?,?,?,?', [1, 2, 3, 4, 5, 6]))).message).to.match(
      /too many SQL variables/,
    )
  })

  it('count bytes of SQL, not characters', async () => {
    conn.setLimit('sqlLength', 12)
    for (const call of [
      () => conn.execute("select 'ééé'"),
      () => conn.executemany("insert into t values ('é')", [[]]),
      () => conn.executescript("select 'ééé'"),
      () => conn.cursor().execute("select 'ééé'"),
    ]) {
      const error = await errorOf(call())
      expect(error).to.include({ name: 'DataError', code: 'SQLITE_TOOBIG' })
    }
    expect(await conn.execute("select 'abc'").fetchall()).to.deep.equal([['abc']])
    expect(await conn.execute("select 'é'").fetchall()).to.deep.equal([['é']])
  })

  it('count variables by their highest number', async () => {
    conn.setLimit('variables', 2)
    for (const [sql, params] of [
      ['select ?, ?, ?', [1, 2, 3]],
      ['select ?3', [1, 2, 3]],
      ['select :a, :b, :c', { a: 1, b: 2, c: 3 }],
    ] as const) {
      const error = await errorOf(conn.execute(sql, params as never))
      expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_ERROR', sql })
    }
    expect(await conn.execute('select ?1, ?2, ?1', [1, 2]).fetchall()).to.deep.equal([[1, 2, 1]])
    const many = await errorOf(conn.executemany('insert into t values (?, ?, ?)', [[1, 2, 3]]))
    expect(many.message).to.match(/too many SQL variables/)
  })

  it('count attached files and databases in memory together', async () => {
    conn.setLimit('attached', 2)
    await conn.execute(`attach '${file('a.db')}' as a`)
    await conn.execute("attach ':memory:' as b")
    for (const third of [`attach '${file('c.db')}' as c`, "attach ':memory:' as c", "attach '' as c"]) {
      expect((await errorOf(conn.execute(third))).message).to.equal('too many attached databases - max 2')
    }
    await conn.execute('detach b')
    await conn.execute("attach '' as c")
    conn.setLimit('attached', 0)
    expect((await errorOf(conn.execute("attach '' as d"))).message).to.match(/max 0/)
    await conn.execute('detach c')
    await conn.execute('detach a')
  })

  it('refuse names and values that are none, and a closed Connection', async () => {
    for (const name of ['nosuch', 'toString', '__proto__', undefined]) {
      expect(() => conn.getLimit(name as never)).to.throw(/there is no limit/)
      expect(() => conn.setLimit(name as never, 1)).to.throw(/there is no limit/)
    }
    for (const value of [-1, 1.5, Number.NaN, '5', null, undefined]) {
      expect(() => conn.setLimit('variables', value as never)).to.throw(/whole number/)
    }
    expect(conn.getLimit('variables')).to.equal(32_766)
    for (const limits of [{ variables: -1 }, { nosuch: 1 }, 5, null, []]) {
      expect((await errorOf(connect(':memory:', { driver, limits: limits as never }))).code).to.equal(
        'BAD_OPTION',
      )
    }
    await conn.close()
    expect(() => conn.getLimit('variables')).to.throw(/closed/)
    expect(() => conn.setLimit('variables', 1)).to.throw(/closed/)
  })
})

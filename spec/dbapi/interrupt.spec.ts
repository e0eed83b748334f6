import { expect } from 'chai'
import { type Connection, createPool, type Pool } from 'forklite'
import { counting, until } from '../pool/harness.ts'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

describeEachDriver('interrupt()', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection
  let other: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 2, lockTimeoutMs: 3000 })
    conn = await pool.connect()
    other = await pool.connect()
    await pool.execute('create table t (a)')
  })
  afterEach(() => pool.close())

  const ENDLESS = counting(Number.POSITIVE_INFINITY)
  const all = async () => (await pool.execute('select a from t order by rowid').fetchall()).map(([a]) => a)
  const reading = (count = 1) =>
    until(
      'it runs',
      () => pool.stats().children.filter((c) => c.role === 'reader' && c.inFlight > 0).length >= count,
    )
  const waits = (count = 1) => until('it waits', () => pool.stats().waiting.writes >= count)
  const expectInterrupted = async (call: PromiseLike<unknown>) =>
    expect(await errorOf(call)).to.include({ name: 'QueryCancelled', code: 'SQLITE_INTERRUPT' })

  it('does nothing when nothing is under way', async () => {
    conn.interrupt()
    conn.interrupt()
    expect(await conn.execute('select 1').fetchall()).to.deep.equal([[1]])
    await conn.execute('insert into t values (1)')
    conn.interrupt()
    expect(conn.inTransaction).to.equal(true)
    await conn.commit()
    expect(await all()).to.deep.equal([1])
  })

  it('throws on a closed Connection', async () => {
    await conn.close()
    expect(() => conn.interrupt()).to.throw(/closed/)
  })

  it('ends queries that run, and the Connection goes on', async () => {
    const queries = [errorOf(conn.execute(ENDLESS)), errorOf(conn.execute(ENDLESS).fetchall())]
    await reading()
    conn.interrupt()
    for (const error of await Promise.all(queries)) expect(error.code).to.equal('SQLITE_INTERRUPT')
    expect(await conn.execute('select 1').fetchall()).to.deep.equal([[1]])
  })

  it('ends a half-read result, and who waits for more of it', async () => {
    const rows = conn.execute(
      `with recursive c(x) as (select 1 union all select x + 1 from c) select x, '${'x'.repeat(500)}' from c`,
    )
    expect((await rows.fetchone())?.[0]).to.equal(1)
    conn.interrupt()
    await expectInterrupted(rows.fetchall())
    await expectInterrupted(rows.fetchone())
    const endless = conn.execute(
      'with recursive c(x) as (select 1 union all select x + 1 from c) select x from c',
    )
    await endless.fetchone()
    const waiting = errorOf(endless.fetchall())
    await endless.fetchmany(0)
    conn.interrupt()
    expect((await waiting).code).to.equal('SQLITE_INTERRUPT')
  })

  it('leaves results that are here whole', async () => {
    const cursor = await conn.execute('values (1), (2)')
    conn.interrupt()
    expect(await cursor.fetchall()).to.deep.equal([[1], [2]])
  })

  it("leaves other Connections' calls and results alone", async () => {
    const half = other.execute(
      `with recursive c(x) as (select 1 union all select x + 1 from c where x < 50000) select x, '${'x'.repeat(100)}' from c`,
    )
    await half.fetchone()
    const theirs = other.execute(counting(300_000)).fetchall()
    conn.interrupt()
    expect(await theirs).to.deep.equal([[300_000]])
    expect(await half.fetchall()).to.have.length(49_999)
    await other.execute('insert into t values (1)')
    const waiting = pool.execute('insert into t values (2)')
    await waits()
    conn.interrupt()
    await other.commit()
    await waiting
    expect(await all()).to.deep.equal([1, 2])
  })

  it('takes what waits for the writer out of the queue, and all that waits behind it', async () => {
    await other.execute('insert into t values (0)')
    const calls = [
      conn.execute('insert into t values (1)'),
      conn.execute('insert into t values (2)'),
      conn.execute('select a from t'),
      conn.executemany('insert into t values (?)', [[3]]),
      conn.executescript('insert into t values (4)'),
      conn.transaction(() => conn.execute('insert into t values (5)')),
    ].map((call) => errorOf(call))
    await waits()
    conn.interrupt()
    const after = conn.execute('insert into t values (6)')
    for (const error of await Promise.all(calls)) {
      expect(error).to.include({ name: 'QueryCancelled', code: 'SQLITE_INTERRUPT' })
    }
    await other.commit()
    await after
    await conn.commit()
    expect(await all()).to.deep.equal([0, 6])
    expect(conn.inTransaction).to.equal(false)
  })

  it('waits for a write that was sent, and tells what became of it', async () => {
    const write = conn.execute(`insert into t ${counting(500_000)}`)
    await until('it runs', () => pool.stats().children.some((c) => c.role === 'writer' && c.inFlight > 0))
    conn.interrupt()
    expect((await write).rowcount).to.equal(1)
    await conn.rollback()
  })

  it('ends a script between two parts, and gives the writer back', async () => {
    const script = errorOf(
      conn.executescript(
        `insert into t ${counting(500_000)}; pragma foreign_keys = on; insert into t values (2)`,
      ),
    )
    await until('it runs', () => pool.stats().children.some((c) => c.role === 'writer' && c.inFlight > 0))
    conn.interrupt()
    expect((await script).code).to.equal('SQLITE_INTERRUPT')
    expect(await all()).to.deep.equal([500_000])
    await other.execute('insert into t values (3)')
    await other.rollback()
  })

  it('never keeps a transaction from its end', async () => {
    for (const end of ['commit', 'rollback'] as const) {
      await conn.execute('insert into t values (?)', [end])
      const ending = conn[end]()
      conn.interrupt()
      await ending
      expect(conn.inTransaction).to.equal(false)
      const read = conn.execute('select 1')
      const behind = conn.execute('insert into t values (1)')
      const last = conn.rollback()
      conn.interrupt()
      await errorOf(read)
      await errorOf(behind)
      await last
      expect(conn.inTransaction).to.equal(false)
    }
    expect(await all()).to.deep.equal(['commit'])
  })

  it('ends an executemany that is fed by an async generator, in its transaction', async () => {
    let told: () => void = () => {}
    const interrupted = new Promise<void>((resolve) => {
      told = resolve
    })
    async function* sets(): AsyncGenerator<[string]> {
      for (let i = 0; i < 2000; i++) yield ['x'.repeat(200)]
      conn.interrupt()
      told()
      for (let i = 0; i < 2000; i++) yield ['y'.repeat(200)]
    }
    const many = errorOf(conn.executemany('insert into t values (?)', sets()))
    await interrupted
    expect(await many).to.include({ code: 'SQLITE_INTERRUPT', applied: 'no' })
    expect(conn.inTransaction).to.equal(true)
    await conn.rollback()
    expect(await all()).to.deep.equal([])
  })

  it('ends reads on the own connection of its temporary objects', async () => {
    await conn.execute('create temp table k (a)')
    await other.execute('insert into t values (0)')
    const write = errorOf(conn.execute('insert into k values (1)'))
    await waits()
    conn.interrupt()
    expect(await write).to.include({ code: 'SQLITE_INTERRUPT', applied: 'no' })
    await other.rollback()
    expect(await conn.execute('select * from k').fetchall()).to.deep.equal([])
    expect(conn.inTransaction).to.equal(false)
  })
})

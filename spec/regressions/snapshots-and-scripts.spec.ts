/** What a review of scripts, own connections and readonly transactions found, each as it was shown. */
import { expect } from 'chai'
import { type Connection, createPool, type Pool } from 'forklite'
import { counting } from '../pool/harness.ts'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

const READONLY = { mode: 'readonly' } as const
const ROWS = 20_000

describeEachDriver('scripts and snapshots', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    conn = await pool.connect()
    await pool.executescript(`create table t (a integer primary key, b);
      insert into t (b) with recursive n(i) as (values (1) union all select i + 1 from n where i < ${ROWS})
        select 'a row of some length, so that there are several chunks' from n`)
  })
  afterEach(() => pool.close())

  const count = async (executor: Connection | Pool = conn): Promise<unknown> =>
    (await executor.execute('select count(*) from t').fetchone())?.[0]

  it('a result that is half-read when its readonly transaction is rolled back is whole, or breaks', async () => {
    const cur = conn.cursor()
    const thrown = await errorOf(
      conn.transaction(async () => {
        await cur.execute('select a, b from t')
        await cur.fetchone()
        throw new RangeError('mine')
      }, READONLY),
    )
    expect(thrown.message).to.equal('mine')
    expect(await cur.fetchall()).to.have.length(ROWS - 1)
  })

  it('a readonly transaction that is given up before it began leaves nothing behind', async () => {
    for (const options of [{ signal: AbortSignal.abort() }, { timeoutMs: 0 }])
      await errorOf(conn.transaction(() => 1, { ...READONLY, ...options }))
    await pool.execute("insert into t (b) values ('new')")
    expect(await count()).to.equal(ROWS + 1)
    expect(conn.inTransaction).to.equal(false)
    await conn.execute("insert into t (b) values ('newer')")
    await conn.commit()
    expect(await count(pool)).to.equal(ROWS + 2)
  })

  it('a name in temp, asked for in a readonly transaction, makes no connection of its own', async () => {
    for (let i = 0; i < 2; i++) {
      const error = await errorOf(conn.transaction(() => conn.execute('select * from temp.x'), READONLY))
      expect(error.code).to.equal('READONLY_TRANSACTION')
    }
    expect(await conn.transaction(() => count(), READONLY)).to.equal(ROWS)
  })

  it('a call whose time is over while it waits for others of its Connection does not wait on', async () => {
    const before = conn.execute(counting(3_000_000)).fetchall()
    let over = false
    before.then(() => {
      over = true
    })
    const options = { timeoutMs: 20 }
    const insert = 'insert into t (b) values (?)'
    const errors = await Promise.all([
      errorOf(conn.transaction(() => 1, options)),
      errorOf(conn.executescript('select 1', options)),
      errorOf(conn.executemany(insert, [[1]], options)),
    ])
    expect(over).to.equal(false)
    for (const { name } of errors) expect(name).to.equal('QueryCancelled')
    await before
    await conn.execute(insert, [1])
    await conn.rollback()
    expect(await count()).to.equal(ROWS)
  })

  it('a script of a readonly database leaves no transaction on a reader', async () => {
    await pool.close()
    const readonly = await createPool(file(), { driver, readonly: true, readers: 1 })
    const one = await readonly.connect()
    for (const script of ['begin; select * from t', 'select 1; begin; select * from t', 'savepoint x']) {
      for (const executor of [readonly, one])
        expect((await errorOf(executor.executescript(script))).name, script).to.equal('NotSupportedError')
    }
    expect(one.inTransaction).to.equal(false)
    expect(await count(one)).to.equal(ROWS)
    await readonly.close()
    pool = await createPool(file(), { driver, readers: 1 })
  })

  it('what failed in an inner transaction(fn) is undone, whatever the limits are', async () => {
    await conn.transaction(async () => {
      const inner = conn.transaction(async () => {
        await conn.execute("insert into t (b) values ('inner')")
        conn.setLimit('sqlLength', 10)
        throw new RangeError('mine')
      })
      expect((await errorOf(inner)).message).to.equal('mine')
      conn.setLimit('sqlLength', 1_000_000)
    })
    expect(await count()).to.equal(ROWS)
  })

  it("temp_store is one Connection's, and drops nothing of another's", async () => {
    await conn.execute('create temp table x as select 1 as a')
    const other = await pool.connect()
    await other.execute('pragma temp_store = memory')
    expect(await other.execute('pragma temp_store').fetchone()).to.deep.equal([2])
    expect(await conn.execute('select a from x').fetchall()).to.deep.equal([[1]])
  })
})

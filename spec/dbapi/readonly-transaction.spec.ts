/** transaction(fn, { mode: 'readonly' }): several SELECTs on one snapshot, with nobody held. */
import { expect } from 'chai'
import { type Connection, connect, createPool, type Pool } from 'forklite'
import { rejection, until } from '../pool/harness.ts'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

const READONLY = { mode: 'readonly' } as const

describeEachDriver('a readonly transaction', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 2 })
    conn = await pool.connect()
    await pool.executescript('create table t (id integer primary key); insert into t values (1)')
  })
  afterEach(() => pool.close())

  const count = async (executor: Connection | Pool = conn): Promise<unknown> =>
    (await executor.execute('select count(*) from t').fetchone())?.[0]

  it('sees one snapshot, taken when it begins, while others write', async () => {
    const seen = await conn.transaction(async () => {
      await pool.execute('insert into t values (2)')
      const first = await count()
      await pool.execute('insert into t values (3)')
      return [first, await count(), await count(pool), conn.inTransaction]
    }, READONLY)
    expect(seen).to.deep.equal([1, 1, 3, true])
    expect(conn.inTransaction).to.equal(false)
    expect(await count()).to.equal(3)
  })

  it('lets a hundred of them be open at once', async () => {
    const connections = await Promise.all(Array.from({ length: 100 }, () => pool.connect()))
    let open = 0
    let allOpen: () => void = () => {}
    const all = new Promise<void>((resolve) => {
      allOpen = resolve
    })
    const counts = await Promise.all(
      connections.map((each) =>
        each.transaction(async () => {
          if (++open === connections.length) {
            await pool.execute('insert into t values (2)')
            allOpen()
          }
          await all
          return count(each)
        }, READONLY),
      ),
    )
    expect(new Set(counts)).to.deep.equal(new Set([1]))
    expect(await count(pool)).to.equal(2)
  })

  it('refuses what writes, and goes on', async () => {
    await conn.transaction(async () => {
      for (const sql of [
        'insert into t values (5)',
        'create table u (a)',
        'create temp table v (a)',
        'vacuum',
      ]) {
        const error = await errorOf(conn.execute(sql))
        expect(error, sql).to.include({ name: 'ProgrammingError', code: 'READONLY_TRANSACTION', sql })
      }
      const script = await errorOf(conn.executescript('delete from t'))
      expect(script.code).to.equal('READONLY_TRANSACTION')
      expect(conn.inTransaction).to.equal(true)
    }, READONLY)
    expect(await count()).to.equal(1)
  })

  it('nests, and not within one that may write', async () => {
    const inner = await conn.transaction(() => conn.transaction(() => count(), READONLY), READONLY)
    expect(inner).to.equal(1)
    const error = await errorOf(conn.transaction(() => conn.transaction(() => count(), READONLY)))
    expect(error.code).to.equal('IN_TRANSACTION')
    expect(conn.inTransaction).to.equal(false)
    await conn.execute('insert into t values (9)')
    await conn.commit()
  })

  it('ends with its function, whatever became of that, and gives its connection back', async () => {
    const mine = new TypeError('mine')
    const fails = () => Promise.reject(mine)
    expect(await rejection(conn.transaction(fails, READONLY))).to.equal(mine)
    expect(conn.inTransaction).to.equal(false)
    await conn.execute('insert into t values (2)')
    await conn.commit()
    expect(await count()).to.equal(2)
  })

  it('leaves rows that are half-read when it ends to be read on', async () => {
    const cur = await conn.transaction(async () => {
      const rows = await conn.execute(
        'with recursive n(i) as (values (1) union all select i + 1 from n where i < 20000) select i from n',
      )
      await rows.fetchone()
      return rows
    }, READONLY)
    expect(await cur.fetchall()).to.have.length(19_999)
  })

  it('is lost with its reader, says so until rollback(), and harms nobody else', async () => {
    const other = await pool.connect()
    const outcome = await errorOf(
      conn.transaction(async () => {
        await count()
        const readers = pool.stats().children.filter(({ role }) => role === 'reader')
        for (const { pid } of readers) process.kill(pid, 'SIGKILL')
        await until('the readers are gone', () =>
          pool.stats().children.every(({ pid }) => readers.every((dead) => dead.pid !== pid)),
        )
        expect(await count(other)).to.equal(1)
        const lost = await errorOf(conn.execute('select 1'))
        expect(lost.code).to.equal('TRANSACTION_LOST')
        return count()
      }, READONLY),
    )
    expect(outcome.code).to.equal('TRANSACTION_LOST')
    expect(await count()).to.equal(1)
  })

  it('is refused beside temporary objects', async () => {
    await conn.execute('create temp table v (a)')
    const error = await errorOf(conn.transaction(() => count(), READONLY))
    expect(error).to.include({ name: 'NotSupportedError', code: 'UNSUPPORTED' })
    expect(await count()).to.equal(1)
  })

  it('refuses a mode there is none of', async () => {
    const error = await errorOf(conn.transaction(() => 1, { mode: 'exclusive' as 'readonly' }))
    expect(error).to.include({ name: 'ProgrammingError', code: 'BAD_OPTION' })
  })

  it('works on a readonly database, and where there is one connection only', async () => {
    await pool.close()
    const readonly = await connect(file(), { driver, readonly: true, readers: 1 })
    expect(await readonly.transaction(() => count(readonly), READONLY)).to.equal(1)
    await readonly.close()
    const memory = await connect(':memory:', { driver })
    await memory.execute('create table t (id)')
    const [first, refused] = await memory.transaction(
      async () => [await count(memory), await errorOf(memory.execute('insert into t values (1)'))],
      READONLY,
    )
    expect(first).to.equal(0)
    expect(refused).to.have.property('code', 'READONLY_TRANSACTION')
    await memory.execute('insert into t values (1)')
    await memory.commit()
    await memory.close()
  })
})

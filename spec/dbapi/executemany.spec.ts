import { expect } from 'chai'
import { type Connection, connect, createPool, type Pool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

describeEachDriver('executemany', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    conn = await pool.connect()
    await pool.execute('create table t (id integer primary key, v)')
  })
  afterEach(() => pool.close())

  const count = async (): Promise<unknown> => (await pool.execute('select count(*) from t').fetchone())?.[0]

  it('inserts values larger than a slice', async () => {
    const big = Buffer.alloc(700_000, 7)
    await conn.executemany('insert into t values (?, ?)', [
      [1, big],
      [2, big],
      [3, 'small'],
    ])
    await conn.commit()
    expect(await pool.execute('select id, length(v) from t').fetchall()).to.deep.equal([
      [1, 700_000],
      [2, 700_000],
      [3, 5],
    ])
  })

  it('ends with its signal between two slices; what was sent is in the transaction', async () => {
    const controller = new AbortController()
    function* sets(): Generator<[number, string]> {
      for (let i = 0; ; i++) {
        if (i === 5000) controller.abort()
        yield [i, 'x'.repeat(200)]
      }
    }
    const error = await errorOf(
      conn.executemany('insert into t values (?, ?)', sets(), { signal: controller.signal }),
    )
    expect(error.name).to.equal('QueryCancelled')
    expect(conn.inTransaction).to.equal(true)
    await conn.rollback()
    expect(await count()).to.equal(0)
  })

  it('lets a pool insert many, each committed by itself', async () => {
    const cursor = await pool.execute('select 1')
    await cursor.executemany(
      'insert into t values (?, ?)',
      Array.from({ length: 3000 }, (_, i) => [i, 'x'.repeat(200)]),
    )
    expect(cursor.rowcount).to.equal(3000)
    expect(await count()).to.equal(3000)
  })

  it('updates and deletes too, with names', async () => {
    await conn.executemany('insert into t values (:id, :v)', [
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
    ])
    const updated = await conn.executemany('update t set v = :v where id >= :id', [
      { id: 1, v: 'c' },
      { id: 2, v: 'd' },
    ])
    expect(updated.rowcount).to.equal(3)
    expect((await conn.executemany('delete from t where id = ?', [[1], [9]])).rowcount).to.equal(1)
    await conn.rollback()
  })
})

describe('executemany', () => {
  it('takes a hundred thousand rows in time that grows with their number, not its square', async () => {
    const conn = await connect(':memory:')
    await conn.execute('create table t (a)')
    function* sets(): Generator<[number]> {
      for (let i = 0; i < 100_000; i++) yield [i]
    }
    const cursor = await conn.executemany('insert into t values (?)', sets())
    expect(cursor.rowcount).to.equal(100_000)
    expect(await conn.execute('select sum(a) from t').fetchall()).to.deep.equal([[(100_000 * 99_999) / 2]])
    await conn.close()
  })
})

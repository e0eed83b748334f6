import { expect } from 'chai'
import * as forklite from 'forklite'
import { type Connection, connect, createPool, type Pool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

describeEachDriver('Connection', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection
  let other: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1, lockTimeoutMs: 5000 })
    conn = await pool.connect()
    other = await pool.connect()
    await pool.execute('create table t (id integer primary key, v)')
  })
  afterEach(() => pool.close())

  const ids = async (executor: Connection | Pool): Promise<unknown[]> =>
    (await executor.execute('select id from t order by id').fetchall()).map(([id]) => id)

  it('begins a transaction with the first INSERT, UPDATE, DELETE or REPLACE, behind WITH too', async () => {
    for (const sql of [
      'insert into t (id) values (1)',
      'update t set v = 1',
      'delete from t',
      'replace into t (id) values (1)',
      'with x(i) as (select 9) insert into t (id) select i from x',
      '-- first\n/* then */ insert into t (id) values (2)',
    ]) {
      expect(conn.inTransaction).to.equal(false)
      await conn.execute(sql)
      expect(conn.inTransaction, sql).to.equal(true)
      await conn.rollback()
    }
  })

  it('begins none with SELECT, DDL, PRAGMA or EXPLAIN', async () => {
    for (const sql of [
      'select * from t',
      'create table u (a)',
      'pragma user_version = 5',
      'pragma table_info(t)',
      'explain insert into t (id) values (1)',
      'values (1)',
      'drop table u',
    ]) {
      await conn.execute(sql)
      expect(conn.inTransaction, sql).to.equal(false)
    }
    expect(await conn.execute('pragma user_version').fetchall()).to.deep.equal([[5]])
  })

  it('keeps what is not committed to itself', async () => {
    await conn.execute('insert into t (id) values (1)')
    expect(await ids(conn)).to.deep.equal([1])
    expect(await ids(other)).to.deep.equal([])
    expect(await ids(pool)).to.deep.equal([])
    await conn.commit()
    expect(await ids(other)).to.deep.equal([1])
  })

  it('drops what is rolled back', async () => {
    await conn.execute('insert into t (id) values (1)')
    await conn.rollback()
    expect(conn.inTransaction).to.equal(false)
    expect(await ids(conn)).to.deep.equal([])
  })

  it('commits and rolls back without a transaction, as often as one likes', async () => {
    await conn.commit()
    await conn.commit()
    await conn.rollback()
    await conn.rollback()
    expect(conn.inTransaction).to.equal(false)
  })

  it('rolls back what is open when it closes', async () => {
    await conn.execute('insert into t (id) values (1)')
    await conn.close()
    expect(await ids(other)).to.deep.equal([])
    await other.execute('insert into t (id) values (2)')
    await other.commit()
    expect(await ids(pool)).to.deep.equal([2])
  })

  it('lets its cursors see each others uncommitted rows', async () => {
    const [one, two] = [conn.cursor(), conn.cursor()]
    await one.execute('insert into t (id) values (1)')
    await two.execute('select id from t')
    expect(await two.fetchall()).to.deep.equal([[1]])
  })

  it('makes the next writer wait, first come first served', async () => {
    await conn.execute('insert into t (id) values (1)')
    const order: string[] = []
    const second = other.execute('insert into t (id) values (2)').then(() => order.push('other'))
    const third = pool.execute('insert into t (id) values (3)').then(() => order.push('pool'))
    expect(await ids(pool)).to.deep.equal([])
    expect(order).to.deep.equal([])
    await conn.commit()
    await second
    expect(order).to.deep.equal(['other'])
    await other.commit()
    await third
    expect(await ids(pool)).to.deep.equal([1, 2, 3])
  })

  it('says who holds the writer when the wait is too long', async () => {
    await conn.execute("insert into t (id, v) values (1, 'a secret')")
    await conn.execute('update t set v = ?', ['another secret'])
    const error = await errorOf(other.execute('delete from t', [], { timeoutMs: 30 }))
    expect(error).to.be.instanceOf(forklite.OperationalError)
    expect(error.code).to.equal('SQLITE_BUSY')
    expect(error.applied).to.equal('no')
    expect(error.message).to.match(/connection \d+ has held it for \d+ ms .* update t set v = \?/)
    expect(error.message).to.not.match(/another secret/)
    await conn.rollback()
    await other.execute('insert into t (id) values (7)')
    await other.commit()
    expect(await ids(pool)).to.deep.equal([7])
  })

  it('takes BEGIN, SAVEPOINT, RELEASE, COMMIT and ROLLBACK by hand', async () => {
    await conn.execute('begin immediate')
    expect(conn.inTransaction).to.equal(true)
    await conn.execute('create table made (a)')
    await conn.execute('rollback')
    expect(conn.inTransaction).to.equal(false)
    expect((await errorOf(conn.execute('select * from made'))).message).to.match(/no such table/)

    await conn.execute('savepoint a')
    expect(conn.inTransaction).to.equal(true)
    await conn.execute('insert into t (id) values (1)')
    await conn.execute('savepoint b')
    await conn.execute('insert into t (id) values (2)')
    await conn.execute('rollback to b')
    expect(conn.inTransaction).to.equal(true)
    await conn.execute('release a')
    expect(conn.inTransaction).to.equal(false)
    expect(await ids(other)).to.deep.equal([1])

    await conn.execute('begin')
    await conn.execute('delete from t')
    await conn.execute('end')
    expect(await ids(other)).to.deep.equal([])
    expect((await errorOf(conn.execute('commit'))).message).to.match(/no transaction is active/)
  })

  it('keeps the transaction open after a statement that failed in it', async () => {
    await conn.execute('insert into t (id) values (1)')
    expect(await errorOf(conn.execute('insert into t (id) values (1)'))).to.be.instanceOf(
      forklite.IntegrityError,
    )
    expect(conn.inTransaction).to.equal(true)
    await conn.commit()
    expect(await ids(other)).to.deep.equal([1])
  })

  it('begins nothing with a statement that does not compile', async () => {
    await errorOf(conn.execute('insert into nowhere values (1)'))
    expect(conn.inTransaction).to.equal(false)
  })

  it('knows that OR ROLLBACK has ended the transaction, and the writer is free', async () => {
    await conn.execute('insert into t (id) values (1)')
    await errorOf(conn.execute('insert or rollback into t (id) values (1)'))
    expect(conn.inTransaction).to.equal(false)
    await other.execute('insert into t (id) values (5)')
    await other.commit()
    expect(await ids(conn)).to.deep.equal([5])
  })

  it('keeps the order of its calls, awaited or not', async () => {
    const calls = []
    for (let i = 1; i <= 20; i++) calls.push(conn.execute('insert into t (id) values (?)', [i]))
    const count = conn.execute('select count(*) from t').fetchall()
    calls.push(conn.execute('delete from t where id > 10'))
    const after = conn.execute('select count(*) from t').fetchall()
    calls.push(conn.commit())
    const seen = conn.execute('select count(*) from t').fetchall()
    await Promise.all(calls)
    expect([await count, await after, await seen]).to.deep.equal([[[20]], [[10]], [[10]]])
    expect(conn.inTransaction).to.equal(false)
  })

  it('keeps a read before the write that was called after it', async () => {
    for (let i = 0; i < 50; i++) {
      const before = conn.execute('select count(*) from t').fetchall()
      const write = conn.execute('insert into t (id) values (?)', [i])
      expect(await before).to.deep.equal([[i]])
      await write
    }
  })

  it('keeps executemany in the order too', async () => {
    const many = conn.executemany(
      'insert into t (id) values (?)',
      Array.from({ length: 3000 }, (_, i) => [i]),
    )
    const count = conn.execute('select count(*) from t').fetchall()
    await many
    expect(await count).to.deep.equal([[3000]])
    await conn.rollback()
  })

  it('counts all its changes', async () => {
    expect(conn.totalChanges).to.equal(0)
    await conn.executemany('insert into t (id) values (?)', [[1], [2], [3]])
    await conn.execute('update t set v = 0 where id > 1')
    await conn.execute('select * from t')
    expect(conn.totalChanges).to.equal(5)
    expect(other.totalChanges).to.equal(0)
  })

  it('commits each statement by itself with autocommit', async () => {
    const auto = await pool.connect({ autocommit: true })
    expect(auto.autocommit).to.equal(true)
    await auto.execute('insert into t (id) values (1)')
    expect(auto.inTransaction).to.equal(false)
    expect(await ids(other)).to.deep.equal([1])
    await auto.commit()
    await auto.rollback()
    expect(await ids(other)).to.deep.equal([1])
    const error = await errorOf(auto.executemany('insert into t (id) values (?)', [[2], [1], [3]]))
    expect(error.message).to.match(/^row 1: /)
    expect(await ids(other)).to.deep.equal([1, 2])
  })

  it('begins as isolationLevel says, and not at all with null', async () => {
    for (const isolationLevel of ['DEFERRED', 'IMMEDIATE', 'EXCLUSIVE'] as const) {
      const leveled = await pool.connect({ isolationLevel })
      expect(leveled.isolationLevel).to.equal(isolationLevel)
      await leveled.execute('insert into t (id) values (1)')
      expect(leveled.inTransaction).to.equal(true)
      await leveled.close()
    }
    const manual = await pool.connect({ isolationLevel: null })
    await manual.execute('insert into t (id) values (1)')
    expect(manual.inTransaction).to.equal(false)
    expect(await ids(other)).to.deep.equal([1])
  })

  it('refuses the counters of an SQLite connection outside a transaction, and knows them inside one', async () => {
    const error = await errorOf(conn.execute('select last_insert_rowid()'))
    expect(error.name).to.equal('ProgrammingError')
    expect(error.message).to.match(/lastrowid/)
    await conn.execute('insert into t (id) values (42)')
    expect(await conn.execute('select last_insert_rowid(), changes()').fetchall()).to.deep.equal([[42, 1]])
    await conn.rollback()
  })

  it('refuses every use after close(), which may be called twice, and that of its cursors', async () => {
    const cursor = conn.cursor()
    await conn.close()
    await conn.close()
    expect(() => conn.cursor()).to.throw(forklite.ProgrammingError)
    expect(() => conn.inTransaction).to.throw(forklite.ProgrammingError)
    expect(() => conn.totalChanges).to.throw(forklite.ProgrammingError)
    for (const call of [
      () => conn.commit(),
      () => conn.rollback(),
      () => conn.execute('select 1'),
      () => conn.executemany('insert into t (id) values (?)', []),
      () => cursor.execute('select 1'),
      () => cursor.executemany('insert into t (id) values (?)', []),
    ]) {
      expect(await errorOf(call())).to.be.instanceOf(forklite.ProgrammingError)
    }
  })

  it('answers what was called before close()', async () => {
    const insert = conn.execute('insert into t (id) values (1)')
    const commit = conn.commit()
    const read = conn.execute('select id from t').fetchall()
    await conn.close()
    await insert
    await commit
    expect(await read).to.deep.equal([[1]])
  })

  it('commits a transaction larger than the cache, and every reader sees it at once', async () => {
    await conn.executemany(
      'insert into t (id, v) values (?, ?)',
      Array.from({ length: 20_000 }, (_, i) => [i, 'x'.repeat(300)]),
    )
    expect(await pool.execute('select count(*) from t').fetchall()).to.deep.equal([[0]])
    await conn.commit()
    expect(await pool.execute('select count(*) from t').fetchall()).to.deep.equal([[20_000]])
  })
})

describeEachDriver('Pool', ({ driver, file }) => {
  it('commits each statement, and refuses what needs a Connection', async () => {
    const pool = await createPool(file(), { driver, readers: 2 })
    await pool.execute('create table t (a)')
    const cursor = await pool.execute('insert into t values (?)', [1])
    expect(cursor.rowcount).to.equal(1)
    expect(cursor.lastrowid).to.equal(1)
    expect(cursor.connection).to.equal(null)
    await cursor.executemany('insert into t values (?)', [[2], [3]])
    expect(cursor.rowcount).to.equal(2)
    expect(await pool.execute('select sum(a) from t').fetchall()).to.deep.equal([[6]])
    for (const sql of ['begin', 'commit', 'end', 'rollback', 'savepoint s', 'release s']) {
      const error = await errorOf(pool.execute(sql))
      expect(error.name, sql).to.equal('ProgrammingError')
      expect(error.message).to.match(/pool\.connect\(\)/)
    }
    await pool.close()
  })

  it('tells in stats() what it is made of', async () => {
    const pool = await createPool(file(), { driver, readers: 2 })
    const stats = pool.stats()
    expect(stats.driver).to.equal(driver)
    expect(stats.sqliteVersion).to.match(/^3\.\d+\.\d+$/)
    expect(stats.launcher).to.be.oneOf(['cluster', 'child_process'])
    expect(stats.children.map(({ role }) => role)).to.deep.equal(['writer', 'reader', 'reader'])
    expect(new Set(stats.children.map(({ pid }) => pid)).size).to.equal(3)
    expect(stats.waiting).to.deep.equal({ reads: 0, writes: 0 })
    await pool.close()
  })

  it('refuses more than maxQueue, says what to do, and loses nothing', async () => {
    const pool = await createPool(file(), { driver, readers: 1, maxQueue: 10 })
    const calls = Array.from({ length: 12 }, () => pool.execute('select 1').fetchall())
    const settled = await Promise.allSettled(calls)
    const refused = settled.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    expect(refused.length).to.equal(2)
    expect(refused[0]?.reason.name).to.equal('QueueFull')
    expect(refused[0]?.reason.message).to.match(/maxQueue/)
    expect(await pool.execute('select 1').fetchall()).to.deep.equal([[1]])
    await pool.close()
  })

  it('finishes what it has when it closes, and refuses the rest', async () => {
    const pool = await createPool(file(), { driver, readers: 1 })
    const conn = await pool.connect()
    await conn.execute('create table t (a)')
    await conn.execute('insert into t values (1)')
    const calls = Array.from({ length: 100 }, (_, i) => pool.execute('select ?', [i]).fetchall())
    const closing = pool.close()
    expect((await errorOf(pool.execute('select 1'))).name).to.equal('PoolClosed')
    expect((await errorOf(pool.connect())).name).to.equal('PoolClosed')
    expect((await Promise.all(calls)).map(([row]) => row?.[0])).to.deep.equal(
      Array.from({ length: 100 }, (_, i) => i),
    )
    await closing
    const again = await connect(file(), { driver, readers: 1 })
    expect(await again.execute('select count(*) from t').fetchall()).to.deep.equal([[0]])
    await again.close()
  })
})

import { readdirSync, readlinkSync } from 'node:fs'
import { expect } from 'chai'
import { type Connection, connect, createPool, type Pool } from 'forklite'
import { counting, until } from '../pool/harness.ts'
import { describeEachDriver, errorOf } from '../support/drivers.ts'
import { hasProc } from '../support/processes.ts'

describeEachDriver('temporary objects', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection
  let other: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1, lockTimeoutMs: 3000, maxQueue: 200 })
    conn = await pool.connect()
    other = await pool.connect()
    await pool.execute('create table t (a)')
  })
  afterEach(() => pool.close())

  const all = async (of: Connection | Pool, sql = 'select a from t order by rowid') =>
    (await of.execute(sql).fetchall()).map(([a]) => a)
  const writer = () => pool.stats().children.find(({ role }) => role === 'writer')!
  /**
   * How many SQLite connections the writer's child has on the database: each has the -wal open by itself. Of the
   * file SQLite keeps descriptors to use again, while another connection has locks on it.
   */
  const connections = (): number =>
    readdirSync(`/proc/${writer().pid}/fd`).filter((fd) => {
      try {
        return readlinkSync(`/proc/${writer().pid}/fd/${fd}`) === `${file()}-wal`
      } catch {
        return false
      }
    }).length
  const killWriter = async (): Promise<void> => {
    const { pid } = writer()
    process.kill(pid, 'SIGKILL')
    await until('another writer', () => ![undefined, pid].includes(writer()?.pid))
  }
  const expectFree = async (): Promise<void> => {
    await other.execute('insert into t values (?)', ['free'])
    await other.rollback()
  }
  const ROWS = `with recursive c(x) as (select 1 union all select x + 1 from c where x < 5000) select x, '${'x'.repeat(100)}' from c`

  describe('belong to their Connection', () => {
    it('tables, views, triggers and indexes', async () => {
      await conn.execute('create temp table k (a)')
      await conn.execute('create temporary view v as select a * 2 as a from k')
      await conn.execute(
        'create temp trigger g after insert on main.t begin insert into k values (new.a); end',
      )
      await conn.execute('create index temp.i on k (a)')
      await conn.execute('insert into t values (1)')
      await conn.commit()
      expect(await all(conn, 'select a from v')).to.deep.equal([2])
      await other.execute('insert into t values (2)')
      await other.commit()
      expect(await all(conn, 'select a from k')).to.deep.equal([1])
      expect(await all(conn)).to.deep.equal([1, 2])
      for (const sql of [
        'select a from k',
        'select a from v',
        'insert into k values (1)',
        'drop trigger g',
      ]) {
        expect((await errorOf(other.execute(sql))).message).to.match(/no such/)
        expect((await errorOf(pool.execute(sql))).message).to.match(/no such/)
      }
    })

    it('a table that hides one of the database', async () => {
      await pool.execute("insert into t values ('main')")
      await all(conn)
      await conn.execute('create temp table t (a, b)')
      await conn.execute("insert into t values ('temp', 2)")
      await conn.commit()
      expect(await conn.execute('select * from t').fetchall()).to.deep.equal([['temp', 2]])
      expect((await conn.execute('select * from t')).description?.map(([name]) => name)).to.deep.equal([
        'a',
        'b',
      ])
      expect(await conn.execute('select * from main.t').fetchall()).to.deep.equal([['main']])
      expect(await other.execute('select * from t').fetchall()).to.deep.equal([['main']])
      expect((await other.execute('select * from t')).description?.map(([name]) => name)).to.deep.equal(['a'])
      await other.execute('delete from t')
      await other.commit()
      expect(await all(conn)).to.deep.equal(['temp'])
      await conn.execute('drop table temp.t')
      expect(await all(conn)).to.deep.equal([])
    })

    it('the same name on many at once', async () => {
      const many = await Promise.all(Array.from({ length: 12 }, () => pool.connect()))
      await Promise.all(many.map((each) => each.execute('create temp table k (a)')))
      await Promise.all(
        many.map(async (each, i) => {
          for (let j = 0; j < 5; j++) await each.execute('insert into k values (?)', [i])
          await each.execute('insert into t values (?)', [i])
          await each.commit()
        }),
      )
      const sums = await Promise.all(many.map((each) => all(each, 'select sum(a) from k')))
      expect(sums.flat()).to.deep.equal(many.map((_, i) => i * 5))
      expect((await all(pool)).sort((a, b) => Number(a) - Number(b))).to.deep.equal(many.map((_, i) => i))
      await Promise.all(many.map((each) => each.close()))
      if (hasProc) {
        await pool.execute('insert into t values (0)')
        expect(connections()).to.equal(1)
      }
    })

    it('and not to a Pool', async () => {
      for (const sql of [
        'create temp table k (a)',
        "attach ':memory:' as m",
        "attach '' as m",
        'select * from temp.k',
      ]) {
        const error = await errorOf(pool.execute(sql))
        expect(error).to.include({ name: 'NotSupportedError', sql })
        expect(error.message).to.match(/pool\.connect\(\)/)
      }
    })

    it('and not to a readonly database', async () => {
      await pool.close()
      pool = await createPool(file(), { driver, readonly: true, readers: 1 })
      conn = await pool.connect()
      for (const sql of ['create temp table k (a)', "attach ':memory:' as m"]) {
        expect((await errorOf(conn.execute(sql))).name).to.equal('NotSupportedError')
      }
      expect(await all(conn)).to.deep.equal([])
    })
  })

  describe('and statements', () => {
    beforeEach(() => conn.execute('create temp table k (id integer primary key, a)'))

    it('count rows, rowids and changes', async () => {
      const cursor = await conn.execute("insert into k values (7, 'a'), (8, 'b')")
      expect(cursor).to.include({ rowcount: 2, lastrowid: 8 })
      expect((await conn.execute('update k set a = 1')).rowcount).to.equal(2)
      expect((await conn.execute('insert into k (a) values (1) returning id')).rowcount).to.equal(1)
      expect(conn.totalChanges).to.equal(5)
      await conn.commit()
      const many = await conn.executemany(
        'insert into k (a) values (?)',
        Array.from({ length: 3000 }, (_, i) => [i]),
      )
      expect(many.rowcount).to.equal(3000)
      expect(conn.totalChanges).to.equal(3005)
      const failing = await errorOf(conn.executemany('insert into k values (?, 0)', [[5000], [7]]))
      expect(failing.message).to.match(/^row 1: UNIQUE/)
      await conn.rollback()
      expect(await all(conn, 'select count(*) from k')).to.deep.equal([3])
    })

    it('commit and roll back, with what is not temporary', async () => {
      await conn.execute('insert into k (a) values (1)')
      await conn.execute('insert into t values (1)')
      expect(conn.inTransaction).to.equal(true)
      await conn.rollback()
      expect([...(await all(conn)), ...(await all(conn, 'select a from k'))]).to.deep.equal([])
      await conn.transaction(() => conn.execute('insert into k select 1, max(rowid) from t'))
      expect(await all(conn, 'select count(*) from k')).to.deep.equal([1])
      await expectFree()
    })

    it('that write wait for the writer; those that read wait for nobody', async () => {
      await other.execute("insert into t values ('theirs')")
      expect(await all(conn)).to.deep.equal([])
      expect(await all(conn, 'select a from k')).to.deep.equal([])
      const write = conn.execute('insert into k (a) values (1)')
      await until('it waits', () => pool.stats().waiting.writes === 1)
      await other.commit()
      await write
      expect(await all(conn)).to.deep.equal(['theirs'])
      const theirs = errorOf(other.execute('insert into t values (2)', [], { timeoutMs: 30 }))
      expect((await theirs).code).to.equal('SQLITE_BUSY')
      await conn.commit()
      await expectFree()
    })

    it('keep their order, awaited or not, and are seen when awaited', async () => {
      const calls = Array.from({ length: 40 }, (_, i) =>
        i % 4 === 3 ? conn.commit() : conn.execute('insert into k (a) select count(*) from k'),
      )
      const counted = all(conn, 'select a from k order by id')
      await Promise.all(calls)
      expect(await counted).to.deep.equal(Array.from({ length: 30 }, (_, i) => i))
      for (let i = 0; i < 20; i++) {
        await pool.execute('insert into t values (?)', [i])
        expect((await all(conn)).length).to.equal(i + 1)
      }
    })

    it('read large results, several at once, beside writes', async () => {
      const results = [conn.execute(ROWS), conn.execute(ROWS)]
      for (const result of results) expect((await result.fetchone())?.[0]).to.equal(1)
      await conn.execute('insert into k (a) values (1)')
      results.push(conn.execute(ROWS))
      expect((await results[2]!.fetchone())?.[0]).to.equal(1)
      await conn.execute('insert into k (a) values (2)')
      await conn.commit()
      for (const result of results) expect(await result.fetchall()).to.have.length(4999)
      await expectFree()
    })

    it('end with their signal or deadline while they wait', async () => {
      await other.execute('insert into t values (1)')
      for (const options of [{ timeoutMs: 30 }, { signal: AbortSignal.timeout(30) }]) {
        expect((await errorOf(conn.execute('insert into k (a) values (1)', [], options))).applied).to.equal(
          'no',
        )
      }
      await other.rollback()
      const late = await errorOf(conn.execute('select 1', [], { timeoutMs: 0 }))
      expect(late.name).to.equal('QueryCancelled')
      expect(conn.inTransaction).to.equal(false)
      await expectFree()
    })

    it('that read for ever end at their deadline, with what is temporary, and hold nobody up', async () => {
      const error = await errorOf(conn.execute(counting(Number.POSITIVE_INFINITY), [], { timeoutMs: 30 }))
      expect(error.name).to.equal('QueryCancelled')
      const write = other.execute('insert into t values (1)')
      expect((await errorOf(conn.execute('select a from k'))).code).to.equal('TEMPORARY_LOST')
      await write
      await other.rollback()
      await conn.rollback()
      await conn.execute('create temp table k (a)')
      expect(await all(conn, 'select a from k')).to.deep.equal([])
    })

    it('count against maxQueue', async () => {
      await other.execute('insert into t values (1)')
      const many = await Promise.all(Array.from({ length: 210 }, () => pool.connect()))
      const calls = await Promise.all([
        ...many.map((each) => errorOf(each.execute('create temp table k (a)', [], { timeoutMs: 500 }))),
      ])
      expect(calls.filter(({ name }) => name === 'QueueFull').length).to.equal(10)
      await other.rollback()
      const [first, last] = [many[0]!, many.at(-1)!]
      for (const each of [first, last]) {
        await each.execute('create temp table k (a)')
        expect(await all(each, 'select a from k')).to.deep.equal([])
      }
      expect(await all(conn, 'select a from k')).to.deep.equal([])
    })
  })

  describe('made within a transaction', () => {
    for (const isolationLevel of ['IMMEDIATE', 'DEFERRED'] as const) {
      it(`take it over with what it has done (${isolationLevel})`, async () => {
        conn = await pool.connect({ isolationLevel })
        await conn.execute('insert into t values (1)')
        await conn.execute('create temp table k as select a from t')
        expect(conn.inTransaction).to.equal(true)
        expect(await all(conn, 'select a from k')).to.deep.equal([1])
        expect(await all(pool)).to.deep.equal([])
        await conn.execute('insert into k select a + 1 from t')
        await conn.commit()
        expect(await all(pool)).to.deep.equal([1])
        expect(await all(conn, 'select a from k')).to.deep.equal([1, 2])
        await expectFree()
      })
    }

    it('go with its rollback; the Connection stays usable', async () => {
      await conn.execute('insert into t values (1)')
      await conn.execute('create temp table k (a)')
      await conn.rollback()
      expect(await all(pool)).to.deep.equal([])
      expect((await errorOf(conn.execute('select a from k'))).message).to.match(/no such table/)
      await expectFree()
      await conn.execute('insert into t values (2)')
      await conn.commit()
      expect(await all(pool)).to.deep.equal([2])
    })

    it('with results half-read before, in it and outside', async () => {
      const before = conn.execute(ROWS)
      await before.fetchone()
      await conn.execute('insert into t values (1)')
      const within = conn.execute(ROWS)
      await within.fetchone()
      await conn.execute('create temp table k as select a from t')
      const after = conn.execute(ROWS)
      await after.fetchone()
      expect(await within.fetchmany(1000)).to.have.length(1000)
      await conn.commit()
      for (const [result, left] of [
        [before, 4999],
        [within, 3999],
        [after, 4999],
      ] as const) {
        expect(await result.fetchall()).to.have.length(left)
      }
      await expectFree()
      expect(await all(conn, 'select a from k')).to.deep.equal([1])
    })

    it('by a statement that fails: the transaction goes on', async () => {
      await conn.execute('insert into t values (1)')
      await errorOf(conn.execute('create temp table k as select a from nowhere'))
      expect(conn.inTransaction).to.equal(true)
      await conn.commit()
      expect(await all(pool)).to.deep.equal([1])
      await expectFree()
    })

    it('by savepoints that are rolled back to', async () => {
      await conn.transaction(async () => {
        await conn.execute('insert into t values (1)')
        await errorOf(
          conn.transaction(async () => {
            await conn.execute('create temp table k (a)')
            throw new Error('undone')
          }),
        )
        expect((await errorOf(conn.execute('select * from k'))).message).to.match(/no such table/)
        await conn.execute('create temp table k2 (a)')
      })
      expect(await all(pool)).to.deep.equal([1])
      expect(await all(conn, 'select * from k2')).to.deep.equal([])
      await expectFree()
    })
  })

  describe('databases in memory and without a name', () => {
    it('are attached to their Connection alone, and detached', async () => {
      for (const path of [':memory:', '']) {
        await conn.execute('attach ? as ?', [path, 'Mine'])
        await conn.execute('create table MINE.k (a)')
        await conn.execute('insert into mine.k values (1)')
        await conn.commit()
        expect(await all(conn, 'select a from mine.k')).to.deep.equal([1])
        for (const on of [other, pool])
          expect((await errorOf(on.execute('select a from mine.k'))).message).to.match(/no such/)
        await conn.execute('pragma mine.cache_size = 77')
        expect(await all(conn, 'pragma Mine.cache_size')).to.deep.equal([77])
        await conn.execute('DETACH Mine')
        expect((await errorOf(conn.execute('detach mine'))).message).to.match(/no such database/)
      }
      await expectFree()
    })

    it('with a name that is taken by a file of all take nothing from it', async () => {
      await other.execute(`attach '${file('x.db')}' as x`)
      await other.execute('create table x.v (a)')
      expect((await errorOf(conn.execute("attach ':memory:' as x"))).message).to.match(/already in use/)
      await conn.execute('pragma x.cache_size = 77')
      expect(await all(other, 'pragma x.cache_size')).to.deep.equal([77])
      await conn.execute('detach x')
      for (const on of [conn, other, pool])
        expect((await errorOf(on.execute('select a from x.v'))).message).to.match(/no such/)
    })

    it('keep their name from a file of all, until they are detached or their Connection is closed', async () => {
      const third = await pool.connect()
      for (const each of [conn, third]) await each.execute("attach ':memory:' as x")
      const taken = async () => (await errorOf(other.execute(`attach '${file('x.db')}' as X`))).message
      expect(await taken()).to.match(
        /x is already in use: a Connection has attached one of this name in memory/,
      )
      await conn.execute('detach x')
      expect(await taken()).to.match(/already in use/)
      await third.close()
      await other.execute(`attach '${file('x.db')}' as X`)
      await other.execute('create table x.v (a)')
      expect(await all(conn, 'select a from x.v')).to.deep.equal([])
    })

    it('that could not be detached are still theirs', async () => {
      await conn.execute("attach ':memory:' as m")
      await conn.execute('create table m.k (a)')
      await conn.execute('insert into m.k values (1)')
      expect((await errorOf(conn.execute('detach m'))).message).to.match(/locked/)
      await conn.rollback()
      await conn.execute('detach m')
      expect((await errorOf(conn.execute('select * from m.k'))).message).to.match(/no such/)
    })
  })

  describe('see what others set', () => {
    it('pragmas and attached files, at their next statement outside a transaction', async () => {
      await conn.execute('create temp table k (a)')
      await conn.execute('insert into k values (1)')
      await other.setAutocommit(true)
      const attach = other.execute(`attach '${file('x.db')}' as x`)
      await conn.commit()
      await attach
      await other.execute('create table x.v as select 5 as a')
      await other.execute('pragma cache_size = 123')
      expect(await all(conn, 'select a from x.v')).to.deep.equal([5])
      expect(await all(conn, 'pragma cache_size')).to.deep.equal([123])
      await other.execute('detach x')
      expect((await errorOf(conn.execute('select a from x.v'))).message).to.match(/no such/)
      await conn.execute(`attach '${file('x.db')}' as y`)
      expect(await all(pool, 'select a from y.v')).to.deep.equal([5])
      expect(await all(conn, 'select y.v.a from y.v join k')).to.deep.equal([5])
    })
  })

  describe('when it is over', () => {
    it('closing the Connection frees their SQLite connection', async function () {
      if (!hasProc) this.skip()
      expect(connections()).to.equal(1)
      await conn.execute('create temp table k (a)')
      expect(connections()).to.equal(2)
      await conn.execute('insert into k values (1)')
      await conn.execute('insert into t values (1)')
      await conn.close()
      await expectFree()
      expect(connections()).to.equal(1)
      expect(await all(pool)).to.deep.equal([])
    })

    it('close() waits for what reads', async () => {
      await conn.execute('create temp table k as select 1 as a')
      const reads = [conn.execute(ROWS).fetchall(), conn.execute('select a from k').fetchall()]
      await conn.close()
      expect((await Promise.all(reads)).map(({ length }) => length)).to.deep.equal([5000, 1])
      await expectFree()
    })

    it('and when the writer dies, every call says so until rollback()', async () => {
      await conn.execute('create temp table k (a)')
      await conn.execute("attach ':memory:' as m")
      await killWriter()
      await pool.execute('insert into t values (1)')
      for (const call of [
        () => conn.execute('select * from k'),
        () => conn.execute('insert into t values (2)'),
        () => conn.commit(),
        () => conn.transaction(() => {}),
        () => conn.executescript('select 1'),
      ]) {
        expect((await errorOf(call())).code).to.equal('TEMPORARY_LOST')
      }
      await conn.rollback()
      expect((await errorOf(conn.execute('select * from k'))).message).to.match(/no such table/)
      expect((await errorOf(conn.execute('detach m'))).message).to.match(/no such database/)
      await conn.execute('create temp table k (a)')
      await conn.execute('insert into k values (1)')
      await conn.commit()
      expect(await all(conn, 'select a from k')).to.deep.equal([1])
      expect(await all(conn)).to.deep.equal([1])
    })

    it('and what is under way when the writer dies hears of it', async () => {
      await conn.execute('create temp table k (a)')
      const read = errorOf(conn.execute(counting(1e9)))
      await until('it runs', () => writer().inFlight === 1)
      const behind = [errorOf(conn.execute('select 1')), errorOf(conn.execute('insert into k values (1)'))]
      process.kill(writer().pid, 'SIGKILL')
      expect((await read).code).to.equal('WORKER_EXITED')
      for (const error of await Promise.all(behind)) {
        expect(error.code).to.be.oneOf(['WORKER_EXITED', 'TEMPORARY_LOST'])
      }
      await conn.rollback()
      await expectFree()
      await conn.execute('create temp table k (a)')
    })

    it('and when the writer dies in their transaction', async () => {
      await conn.execute('create temp table k (a)')
      await conn.execute('insert into k values (1)')
      await killWriter()
      await pool.execute('insert into t values (1)')
      expect((await errorOf(conn.execute('select * from k'))).code).to.be.oneOf([
        'TEMPORARY_LOST',
        'TRANSACTION_LOST',
      ])
      await conn.rollback()
      expect(conn.inTransaction).to.equal(false)
      await conn.execute('create temp table k (a)')
      await conn.close()
    })
  })

  it('are refused where a file has one SQLite connection: not in WAL', async () => {
    const alone = await connect(file('delete.db'), { driver, pragmas: { journal_mode: 'delete' } })
    for (const sql of ['create temp table k (a)', "attach ':memory:' as m", 'select * from temp.k']) {
      expect(await errorOf(alone.execute(sql))).to.include({ name: 'NotSupportedError', sql })
      expect((await errorOf(alone.executescript(sql))).name).to.equal('NotSupportedError')
    }
    await alone.execute('create table t (a)')
    await alone.close()
  })

  it("are plain in ':memory:', which has one SQLite connection", async () => {
    for (const path of [':memory:', '']) {
      const alone = await connect(path, { driver })
      await alone.execute('create temp table k (a)')
      await alone.execute("attach ':memory:' as m")
      await alone.execute('create table m.v as select 1 as a')
      await alone.execute('insert into k select a from m.v')
      await alone.commit()
      const half = alone.execute(ROWS)
      await half.fetchone()
      await alone.execute('detach m')
      expect(await half.fetchall()).to.have.length(4999)
      expect(await all(alone, 'select a from k')).to.deep.equal([1])
      expect((await errorOf(alone.execute('select * from m.v'))).message).to.match(/no such/)
      await alone.close()
    }
  })
})

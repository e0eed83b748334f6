/** Checklist, section Transactions: what begins one, what ends it, what others see of it meanwhile. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { startScript } from '../support/run-script.ts'
import { describeCompliance, refused, rows } from './subject.ts'

/** Another process, which writes, and commits on SIGUSR2. */
const WRITES = `
  import { connect } from 'forklite'
  const [path, driver] = process.argv.slice(2)
  const conn = await connect(path, { driver, readers: 1 })
  await conn.execute('insert into t values (1)')
  process.once('SIGUSR2', async () => {
    await conn.commit()
    console.log('committed')
  })
  console.log('written')
  setInterval(() => {}, 1000)`

describeCompliance('transactions', (db) => {
  let other: dbapi.Connection

  beforeEach(async () => {
    other = await db.another()
    await db.cur.execute('create table t (i)')
  })

  const seen = async (on: dbapi.Connection) => (await rows(on, 'select i from t order by i')).map(([i]) => i)

  describe('INSERT/UPDATE/DELETE/REPLACE open a transaction: a second connection does not see the change before commit', () => {
    for (const [sql, after] of [
      ['insert into t values (6)', [5, 6]],
      ['update t set i = 6', [6]],
      ['delete from t', []],
      ['replace into t values (6)', [5, 6]],
      ['with x (i) as (select 6) insert into t select i from x', [5, 6]],
      ['with x (i) as (select 5) update t set i = 6 where i in x', [6]],
      ['/* c */ -- c\n delete from t where i = 5 returning i', []],
    ] as const) {
      it(sql.replace('\n', ' '), async () => {
        await db.cur.execute('insert into t values (5)')
        await db.conn.commit()
        await db.cur.execute(sql)
        expect(db.conn.inTransaction).to.equal(true)
        expect(await seen(db.conn)).to.deep.equal(after)
        expect(await seen(other)).to.deep.equal([5])
        await db.conn.commit()
        expect(db.conn.inTransaction).to.equal(false)
        expect(await seen(other)).to.deep.equal(after)
      })
    }

    it('executemany', async () => {
      await db.cur.executemany('insert into t values (?)', [[1], [2]])
      expect(db.conn.inTransaction).to.equal(true)
      expect(await seen(other)).to.deep.equal([])
      await db.conn.rollback()
      expect(await seen(db.conn)).to.deep.equal([])
    })

    it('nothing else does', async () => {
      for (const sql of [
        'select * from t',
        'values (1)',
        'with x as (select 1) select * from x',
        'explain insert into t values (1)',
        'explain query plan delete from t',
        'create table u (a)',
        'create index by_i on t (i)',
        'alter table u add column b',
        'drop table u',
        'pragma user_version = 3',
        'pragma table_info(t)',
        'analyze',
        'reindex',
        'vacuum',
      ]) {
        await db.cur.execute(sql)
        expect(db.conn.inTransaction, sql).to.equal(false)
      }
    })
  })

  describe('DDL does not commit or open a transaction by itself; DDL inside explicit BEGIN / BEGIN IMMEDIATE is rolled back', () => {
    it('DDL does not open one', async () => {
      await db.cur.execute('create table u (a)')
      await db.conn.rollback()
      expect(await rows(other, 'select * from u')).to.deep.equal([])
    })

    it('DDL does not commit the one that is open', async () => {
      await db.cur.execute('insert into t values (5)')
      await db.cur.execute('create table u (a)')
      expect(db.conn.inTransaction).to.equal(true)
      expect(await seen(other)).to.deep.equal([])
      await refused(dbapi.OperationalError, () => other.execute('select * from u'), /no such table/)
      await db.conn.rollback()
      expect(await seen(db.conn)).to.deep.equal([])
      await refused(dbapi.OperationalError, () => db.conn.execute('select * from u'), /no such table/)
    })

    for (const begin of ['begin', 'begin immediate', 'begin exclusive transaction', 'savepoint s']) {
      it(`DDL inside ${begin.toUpperCase()} is rolled back`, async () => {
        await db.cur.execute(begin)
        expect(db.conn.inTransaction).to.equal(true)
        await db.cur.execute('create table u (a)')
        await db.conn.rollback()
        expect(db.conn.inTransaction).to.equal(false)
        await refused(dbapi.OperationalError, () => db.conn.execute('select * from u'), /no such table/)
      })
    }
  })

  describe('second writer with timeout 0 → OperationalError (locked), and after the first commits it may write', () => {
    async function expectLocked(conn: dbapi.Connection): Promise<void> {
      const error = await refused(
        dbapi.OperationalError,
        () => conn.execute('insert into t values (2)'),
        /locked/,
      )
      expect(error.code).to.match(/^SQLITE_BUSY/)
      expect(conn.inTransaction).to.equal(false)
    }

    async function expectWrites(conn: dbapi.Connection): Promise<void> {
      await conn.execute('insert into t values (3)')
      await conn.commit()
      expect(await seen(conn)).to.deep.equal([1, 3])
    }

    it('of this process', async () => {
      const path = db.file('two-writers.db')
      const one = await db.open(path, { lockTimeoutMs: 0 })
      const two = await db.open(path, { lockTimeoutMs: 0 })
      await one.execute('create table t (i)')
      await one.execute('insert into t values (1)')
      await expectLocked(two)
      // No rollback of the second is needed before the first may commit.
      await one.commit()
      await expectWrites(two)
    })

    it('of another process', async () => {
      const path = db.file('two-processes.db')
      const conn = await db.open(path, { lockTimeoutMs: 0 })
      await conn.execute('create table t (i)')
      const script = startScript(WRITES, { args: [path, db.driver] })
      expect(await script.line()).to.equal('written')
      await expectLocked(conn)
      script.kill('SIGUSR2')
      expect(await script.line()).to.equal('committed')
      await expectWrites(conn)
      script.kill()
      await script.result
    })
  })

  describe('rows pending in a cursor survive a rollback on the connection (fetchall still 1,2,3); after rollback no duplicated rows when the cursor is closed / dropped / re-executed', () => {
    // So many take several chunks.
    const COUNT = 2000
    const numbers = (count: number) =>
      `with recursive n(i) as (values (1) union all select i + 1 from n where i < ${count}) select i, zeroblob(100) from n`

    it('fetchall still 1,2,3', async () => {
      await db.cur.execute('insert into t values (5)')
      await db.cur.execute('select 1 union select 2 union select 3')
      await db.conn.rollback()
      expect(await db.cur.fetchall()).to.deep.equal([[1], [2], [3]])
    })

    for (const end of ['rollback', 'commit'] as const) {
      it(`of a result of many chunks too, after ${end}`, async () => {
        await db.cur.execute('insert into t values (5)')
        await db.cur.execute(numbers(COUNT))
        expect((await db.cur.fetchone())![0]).to.equal(1)
        await db.conn[end]()
        const rest = (await db.cur.fetchall()).map(([i]) => i)
        expect([rest.length, rest[0], rest.at(-1)]).to.deep.equal([COUNT - 1, 2, COUNT])
      })
    }

    for (const [what, count] of [
      ['a few rows', 3],
      ['many rows', COUNT],
    ] as const) {
      const cases: Record<string, (old: dbapi.Cursor) => unknown> = {
        closed: (old) => old.close(),
        dropped: () => {},
        're-executed': (old) => old.execute('select i from t where i = 1'),
      }
      for (const [how, leave] of Object.entries(cases)) {
        it(`no duplicated rows when the cursor is ${how}: ${what}`, async () => {
          await db.cur.execute('alter table t add column filler')
          await db.cur.execute(`insert into t ${numbers(count)}`)
          await db.conn.commit()
          await db.conn.execute('begin')
          let old: dbapi.Cursor | null = db.conn.cursor()
          await old.execute('select * from t')
          await old.fetchone()
          await db.conn.rollback()
          const again = await db.conn.execute('select * from t')
          expect((await again.fetchone())![0]).to.equal(1)
          await leave(old)
          old = null
          let last = 1
          for await (const [i] of again) if (i !== ++last) expect.fail(`${i} where ${last} was due`)
          expect(last).to.equal(count)
        })
      }
    }
  })

  describe('interleaved cursors on two connections see consistent counts', () => {
    it('of rows that come and go', async () => {
      const kept: dbapi.Cursor[] = []
      const run = async (on: dbapi.Connection, sql: string) => {
        const cursor = on.cursor()
        kept.push(cursor)
        await cursor.execute(sql)
        return cursor
      }
      const count = async (on: dbapi.Connection) =>
        (await (await run(on, 'select count(*) from t')).fetchone())![0]

      await run(db.conn, 'insert into t values (1), (2), (3)')
      await db.conn.commit()
      expect(await count(other)).to.equal(3)
      expect(await run(other, 'delete from t')).to.have.property('rowcount', 3)
      expect(await count(db.conn)).to.equal(3)
      await other.commit()
      await run(db.conn, 'insert into t values (4)')
      await run(db.conn, 'insert into t values (5)')
      expect(await count(other)).to.equal(0)
      expect(await count(db.conn)).to.equal(2)
      await db.conn.commit()
      expect(await count(other)).to.equal(2)
    })
  })

  describe('DROP TABLE and PRAGMA inside an open transaction work', () => {
    it('DROP TABLE', async () => {
      await db.cur.execute('insert into t values (5)')
      await db.cur.execute('drop table t')
      expect(db.conn.inTransaction).to.equal(true)
      await db.conn.rollback()
      expect(await seen(db.conn)).to.deep.equal([])
    })

    it('PRAGMAs that ask, and those that change the file', async () => {
      await db.cur.execute('insert into t values (5)')
      expect(await rows(db.conn, 'pragma table_info(t)')).to.have.lengthOf(1)
      expect(await rows(db.conn, 'pragma page_size')).to.have.lengthOf(1)
      await db.cur.execute('pragma user_version = 77')
      expect(await rows(db.conn, 'pragma user_version')).to.deep.equal([[77]])
      expect(db.conn.inTransaction).to.equal(true)
      await db.conn.rollback()
      expect(await rows(other, 'pragma user_version')).to.not.deep.equal([[77]])
    })

    it('(row of differences) PRAGMAs that set what is of one SQLite connection: ProgrammingError', async () => {
      await db.cur.execute('insert into t values (5)')
      await refused(dbapi.ProgrammingError, () => db.cur.execute('pragma cache_size = 100'))
      expect(db.conn.inTransaction).to.equal(true)
      await db.conn.commit()
      expect(await seen(other)).to.deep.equal([5])
    })
  })
})

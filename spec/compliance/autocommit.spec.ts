/** Checklist, section Transactions: isolation levels and autocommit, when connecting and switched later. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

/**
 * An initializer that writes down what begins, writes and ends: the only look at it that there is. The sqlite3
 * package traces by itself; of the others the calls are caught. A bare BEGIN is how the driver for sqlite3 asks
 * whether a transaction is open.
 */
const TRACES = `
  import { appendFileSync } from 'node:fs'
  export default function initialize(db, role, file) {
    const trace = (sql) => {
      if (/^(begin \\w|commit|insert)/i.test(sql)) appendFileSync(file, sql.trim() + '\\n')
    }
    if (db.on !== undefined) {
      db.on('trace', trace)
      return
    }
    const { exec, prepare } = db
    db.exec = (sql) => {
      trace(sql)
      return exec.call(db, sql)
    }
    db.prepare = (sql) => {
      const statement = prepare.call(db, sql)
      for (const verb of ['run', 'all', 'get', 'iterate']) {
        const call = statement[verb]
        statement[verb] = (...args) => {
          trace(sql)
          return call.apply(statement, args)
        }
      }
      return statement
    }
  }`

describeCompliance('autocommit and isolation levels', (db) => {
  let other: dbapi.Connection

  beforeEach(async () => {
    other = await db.another()
    await db.cur.execute('create table t (i)')
  })

  const seen = async (on: dbapi.Connection) => (await rows(on, 'select i from t order by i')).map(([i]) => i)

  describe('switching isolation_level to None commits the pending work; back to DEFERRED starts again', () => {
    it('to None and back', async () => {
      await db.cur.execute('insert into t values (5)')
      expect(await seen(other)).to.deep.equal([])
      await db.conn.setIsolationLevel(null)
      expect(db.conn.isolationLevel).to.equal(null)
      expect(db.conn.inTransaction).to.equal(false)
      expect(await seen(other)).to.deep.equal([5])
      await db.cur.execute('insert into t values (6)')
      expect(db.conn.inTransaction).to.equal(false)
      expect(await seen(other)).to.deep.equal([5, 6])
      await db.conn.setIsolationLevel('DEFERRED')
      expect(db.conn.isolationLevel).to.equal('DEFERRED')
      await db.cur.execute('insert into t values (7)')
      expect(db.conn.inTransaction).to.equal(true)
      expect(await seen(other)).to.deep.equal([5, 6])
      await db.conn.rollback()
      expect(await seen(other)).to.deep.equal([5, 6])
    })

    it('to another level commits nothing', async () => {
      await db.cur.execute('insert into t values (5)')
      await db.conn.setIsolationLevel('EXCLUSIVE')
      expect(db.conn.inTransaction).to.equal(true)
      await db.conn.rollback()
      expect(await seen(other)).to.deep.equal([])
    })

    it('takes its turn behind the calls before it', async () => {
      const insert = db.conn.execute('insert into t values (5)')
      const switched = db.conn.setIsolationLevel(null)
      const after = db.conn.execute('insert into t values (6)')
      await Promise.all([insert, switched, after])
      expect(db.conn.inTransaction).to.equal(false)
      expect(await seen(other)).to.deep.equal([5, 6])
    })
  })

  describe('isolation_level DEFERRED/IMMEDIATE/EXCLUSIVE/None/"" produce `BEGIN DEFERRED` etc. as traced SQL', () => {
    const INSERT = 'insert into t values (1)'

    it('of an SQLite connection that is traced', async () => {
      const initializer = db.file('traces.mjs')
      const traced = db.file('traced.txt')
      writeFileSync(initializer, TRACES)
      const conn = await db.open(':memory:', { initializer, initargs: [traced] })
      await conn.execute('create table t (i)')
      const expected: string[] = []
      for (const [level, begin] of [
        ['', 'BEGIN DEFERRED'],
        ['DEFERRED', 'BEGIN DEFERRED'],
        ['IMMEDIATE', 'BEGIN IMMEDIATE'],
        ['EXCLUSIVE', 'BEGIN EXCLUSIVE'],
      ] as const) {
        await conn.setIsolationLevel(level)
        await conn.execute(INSERT)
        await conn.commit()
        expected.push(begin, INSERT, 'COMMIT')
      }
      await conn.setIsolationLevel(null)
      await conn.execute(INSERT)
      await conn.commit()
      expected.push(INSERT)
      // The sqlite3 package tells it a moment later.
      const told = () => (existsSync(traced) ? readFileSync(traced, 'utf8').trim().split('\n') : [])
      while (told().length < expected.length) await new Promise(setImmediate)
      expect(told()).to.deep.equal(expected)
    })

    for (const level of ['', 'DEFERRED', 'IMMEDIATE', 'EXCLUSIVE'] as const) {
      it(`${JSON.stringify(level)} opens a transaction`, async () => {
        const conn = await db.another({ isolationLevel: level })
        await conn.execute(INSERT)
        expect(conn.inTransaction).to.equal(true)
        await conn.rollback()
        expect(await seen(other)).to.deep.equal([])
      })
    }

    it('None opens none; one by hand works', async () => {
      const conn = await db.another({ isolationLevel: null })
      await conn.execute(INSERT)
      expect(conn.inTransaction).to.equal(false)
      await conn.rollback()
      expect(await seen(other)).to.deep.equal([1])
      await conn.execute('begin')
      await conn.execute(INSERT)
      await conn.rollback()
      expect(await seen(other)).to.deep.equal([1])
    })
  })

  describe('(row of differences) autocommit=False (3.12): transaction always open; commit = COMMIT,BEGIN; rollback = ROLLBACK,BEGIN; close = ROLLBACK; SELECT does not add BEGIN: here legacy control', () => {
    it('none is open at the start, nor after commit and rollback', async () => {
      const conn = await db.another({ autocommit: false })
      expect(conn.autocommit).to.equal(false)
      expect(conn.inTransaction).to.equal(false)
      for (const end of ['commit', 'rollback'] as const) {
        await conn.execute('insert into t values (1)')
        expect(conn.inTransaction).to.equal(true)
        await conn[end]()
        expect(conn.inTransaction).to.equal(false)
      }
      expect(await seen(other)).to.deep.equal([1])
    })

    it('close = ROLLBACK', async () => {
      await db.cur.execute('insert into t values (1)')
      await db.conn.close()
      expect(await seen(other)).to.deep.equal([])
      await other.execute('insert into t values (2)')
      await other.commit()
      expect(await seen(other)).to.deep.equal([2])
    })

    it('SELECT does not add BEGIN', async () => {
      await seen(db.conn)
      expect(db.conn.inTransaction).to.equal(false)
    })
  })

  describe('autocommit=True: no BEGIN/COMMIT issued; commit()/rollback() silently do nothing; `with` is a no-op', () => {
    let conn: dbapi.Connection

    beforeEach(async () => {
      conn = await db.another({ autocommit: true })
    })

    it('every statement commits by itself', async () => {
      expect(conn.autocommit).to.equal(true)
      await conn.execute('insert into t values (1)')
      expect(conn.inTransaction).to.equal(false)
      expect(await seen(other)).to.deep.equal([1])
      await conn.executemany('insert into t values (?)', [[2], [3]])
      expect(await seen(other)).to.deep.equal([1, 2, 3])
    })

    it('commit()/rollback() silently do nothing', async () => {
      await conn.execute('insert into t values (1)')
      await conn.rollback()
      await conn.commit()
      expect(await seen(other)).to.deep.equal([1])
    })

    it('(row of differences) commit()/rollback() end a transaction that was begun by hand', async () => {
      await conn.execute('begin')
      await conn.execute('insert into t values (1)')
      expect(conn.inTransaction).to.equal(true)
      expect(await seen(other)).to.deep.equal([])
      await conn.rollback()
      expect(conn.inTransaction).to.equal(false)
      await conn.execute('begin')
      await conn.execute('insert into t values (2)')
      await conn.commit()
      expect(await seen(other)).to.deep.equal([2])
    })

    it('(row of differences) transaction(…) is one there too', async () => {
      await refused(RangeError, () =>
        conn.transaction(async () => {
          await conn.execute('insert into t values (1)')
          expect(conn.inTransaction).to.equal(true)
          throw new RangeError('mine')
        }),
      )
      expect(await seen(other)).to.deep.equal([])
      await conn.transaction(() => conn.execute('insert into t values (2)').then(() => {}))
      expect(await seen(other)).to.deep.equal([2])
    })
  })

  describe('(row of differences) changing autocommit True→False issues BEGIN (none if explicit BEGIN open), False→True issues COMMIT: here True→False issues nothing', () => {
    it('True→False issues nothing; the next INSERT begins', async () => {
      const conn = await db.another({ autocommit: true })
      await conn.setAutocommit(false)
      expect(conn.autocommit).to.equal(false)
      expect(conn.inTransaction).to.equal(false)
      await conn.execute('insert into t values (1)')
      expect(conn.inTransaction).to.equal(true)
      await conn.rollback()
      expect(await seen(other)).to.deep.equal([])
    })

    it('True→False leaves an explicit BEGIN open', async () => {
      const conn = await db.another({ autocommit: true })
      await conn.execute('begin')
      await conn.execute('insert into t values (1)')
      await conn.setAutocommit(false)
      expect(conn.inTransaction).to.equal(true)
      await conn.rollback()
      expect(await seen(other)).to.deep.equal([])
    })

    it('False→True issues COMMIT', async () => {
      await db.cur.execute('insert into t values (1)')
      await db.conn.setAutocommit(true)
      expect(db.conn.autocommit).to.equal(true)
      expect(db.conn.inTransaction).to.equal(false)
      expect(await seen(other)).to.deep.equal([1])
      await db.cur.execute('insert into t values (2)')
      expect(await seen(other)).to.deep.equal([1, 2])
    })

    it('False→False issues nothing', async () => {
      await db.cur.execute('insert into t values (1)')
      await db.conn.setAutocommit(false)
      expect(db.conn.inTransaction).to.equal(true)
      expect(await seen(other)).to.deep.equal([])
    })

    for (const bad of ['yes', 1, null, undefined]) {
      it(`${JSON.stringify(bad)} is no flag: ProgrammingError`, async () => {
        await refused(dbapi.ProgrammingError, () => db.conn.setAutocommit(bad as never))
        expect(db.conn.autocommit).to.equal(false)
      })
    }
  })
})

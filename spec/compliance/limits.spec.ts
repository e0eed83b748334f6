/** Checklist, section Connection: getlimit and setlimit, and which isolation levels there are. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

describeCompliance('limits and levels', (db) => {
  describe('getlimit/setlimit: returns previous value; unknown category → ProgrammingError; SQL longer than the limit → DataError "query string is too large"', () => {
    it('returns previous value', () => {
      const { conn } = db
      for (const name of ['sqlLength', 'variables', 'attached'] as const) {
        const before = conn.getLimit(name)
        expect(before, name).to.be.a('number').above(0)
        expect(conn.setLimit(name, 5), name).to.equal(before)
        expect(conn.getLimit(name), name).to.equal(5)
        expect(conn.setLimit(name, before), name).to.equal(5)
      }
    })

    it('holds for its Connection, not for others', async () => {
      const other = await db.another()
      const before = other.getLimit('variables')
      db.conn.setLimit('variables', 1)
      expect(other.getLimit('variables')).to.equal(before)
      expect(await other.execute('select ?, ?', [1, 2]).fetchall()).to.deep.equal([[1, 2]])
    })

    it('unknown category → ProgrammingError', async () => {
      for (const name of ['bogus', 'toString', '', 1111, undefined]) {
        await refused(dbapi.ProgrammingError, () => db.conn.getLimit(name as never))
        await refused(dbapi.ProgrammingError, () => db.conn.setLimit(name as never, 0))
      }
    })

    it('SQL longer than the limit → DataError "query string is too large"', async () => {
      const { conn, cur } = db
      conn.setLimit('sqlLength', 10)
      expect(await rows(conn, 'select 123')).to.deep.equal([[123]])
      for (const call of [
        () => conn.execute("select 1 as '16'"),
        () => cur.execute("select 1 as '16'"),
        () => cur.executemany('insert into t values (?)', [[1]]),
        () => conn.executescript("select 1 as '16'"),
      ]) {
        await refused(dbapi.DataError, call, /query string is too large/)
      }
    })

    it('is no limit for close(), which rolls back and lets others write', async () => {
      const path = db.file('limited.db')
      const [conn, other] = [await db.open(path, { lockTimeoutMs: 1000 }), await db.open(path)]
      await conn.execute('create table t (a)')
      await conn.execute('insert into t values (1)')
      conn.setLimit('sqlLength', 1)
      await conn.close()
      await other.execute('insert into t values (2)')
      await other.commit()
      expect(await rows(other, 'select a from t')).to.deep.equal([[2]])
    })

    it('counts bytes, as SQLite does', async () => {
      db.conn.setLimit('sqlLength', 12)
      await refused(dbapi.DataError, () => db.conn.execute("select 'ééé'"), /query string is too large/)
      expect(await rows(db.conn, "select 'eee'")).to.deep.equal([['eee']])
    })

    it('variables and attached databases: OperationalError, in the words of SQLite', async () => {
      db.conn.setLimit('variables', 1)
      await refused(
        dbapi.OperationalError,
        () => db.conn.execute('select ?, ?', [1, 2]),
        /too many SQL variables/,
      )
      db.conn.setLimit('attached', 0)
      await refused(
        dbapi.OperationalError,
        () => db.conn.execute("attach ':memory:' as other"),
        /too many attached databases/,
      )
    })

    it('may be given to connect()', async () => {
      const conn = await db.open(':memory:', { limits: { sqlLength: 20, variables: 2 } })
      expect([conn.getLimit('sqlLength'), conn.getLimit('variables')]).to.deep.equal([20, 2])
      await refused(
        dbapi.DataError,
        () => conn.execute('select 1 as "a long name"'),
        /query string is too large/,
      )
    })
  })

  describe('isolation_level accepts "", DEFERRED, IMMEDIATE, EXCLUSIVE, None (any case); bad value → ValueError; wrong type → TypeError; NUL or non-ascii inside → ValueError (here ProgrammingErrors)', () => {
    const GOOD: [given: dbapi.IsolationLevel | '', read: dbapi.IsolationLevel][] = [
      ['', 'DEFERRED'],
      ['DEFERRED', 'DEFERRED'],
      ['IMMEDIATE', 'IMMEDIATE'],
      ['EXCLUSIVE', 'EXCLUSIVE'],
      ['immediate' as never, 'IMMEDIATE'],
      ['Exclusive' as never, 'EXCLUSIVE'],
      [null, null],
    ]
    for (const [given, read] of GOOD) {
      it(`${JSON.stringify(given)}, in connect() and later`, async () => {
        const conn = await db.another({ isolationLevel: given })
        expect(conn.isolationLevel).to.equal(read)
        await db.conn.setIsolationLevel(given)
        expect(db.conn.isolationLevel).to.equal(read)
      })
    }

    it('(row of differences) the default is IMMEDIATE', () => {
      expect(db.conn.isolationLevel).to.equal('IMMEDIATE')
    })

    for (const bad of [
      'BOGUS',
      ' ',
      'DEFERRE',
      'IMMEDIATES',
      'deferred ',
      'IMMEDIATE\0EXCLUSIVE',
      'DEFERRED\0',
      'é',
      // JavaScript's upper case of these is ASCII.
      'ımmediate',
      'EXCLUſIVE',
      1,
      true,
      Buffer.alloc(0),
      ['DEFERRED'],
    ]) {
      it(`${JSON.stringify(bad)} is refused, and changes nothing`, async () => {
        await refused(dbapi.ProgrammingError, () => db.another({ isolationLevel: bad as never }))
        await db.conn.setIsolationLevel('DEFERRED')
        await refused(dbapi.ProgrammingError, () => db.conn.setIsolationLevel(bad as never))
        expect(db.conn.isolationLevel).to.equal('DEFERRED')
      })
    }

    it('undefined is no level to switch to', async () => {
      await refused(dbapi.ProgrammingError, () => db.conn.setIsolationLevel(undefined as never))
      expect(db.conn.isolationLevel).to.equal('IMMEDIATE')
    })
  })
})

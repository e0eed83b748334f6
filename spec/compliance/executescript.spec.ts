/** Checklist, section executescript, and the shortcuts of a Connection. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

describeCompliance('executescript', (db) => {
  const tables = async () =>
    (await rows(await db.another(), "select name from sqlite_schema where type = 'table' order by name")).map(
      ([name]) => name,
    )

  describe('several statements with comments; syntax error in the middle → OperationalError, statements before it kept', () => {
    it('several statements with comments', async () => {
      const script = `
        -- a comment; with a semicolon
        /* another; */
        create table a (i, t);;
        insert into a values (5, 'x;y');
        create trigger grows after insert on a when new.i < 7 begin
          insert into a values (new.i + 1, 'by; trigger');
          select 1;
        end;
        insert into a values (6, "no -- comment") -- "
      `.replaceAll('"no -- comment"', "'no -- comment'")
      expect(await db.cur.executescript(script)).to.equal(db.cur)
      expect(await rows(await db.another(), 'select i, t from a order by i, t')).to.deep.equal([
        [5, 'x;y'],
        [6, 'no -- comment'],
        [7, 'by; trigger'],
      ])
      expect(db.conn.inTransaction).to.equal(false)
    })

    for (const nothing of ['', ' ', ';;', '-- c', '/* never closed']) {
      it(`nothing at all: ${JSON.stringify(nothing)}`, async () => {
        expect(await db.cur.executescript(nothing)).to.equal(db.cur)
      })
    }

    it('syntax error in the middle → OperationalError, statements before it kept', async () => {
      const error = await refused(
        dbapi.OperationalError,
        () => db.cur.executescript('create table a (x); insert into a values (1); asdf; create table b (x)'),
        /syntax error/,
      )
      expect(error.code).to.equal('SQLITE_ERROR')
      expect(await tables()).to.deep.equal(['a'])
      expect(await rows(await db.another(), 'select x from a')).to.deep.equal([[1]])
    })

    it('an error of another kind in the middle likewise', async () => {
      await refused(dbapi.OperationalError, () =>
        db.cur.executescript('create table a (x); select foo from hurz;'),
      )
      await refused(dbapi.IntegrityError, () =>
        db.cur.executescript(
          'create table b (x unique); insert into b values (1); insert into b values (1); drop table a',
        ),
      )
      expect(await tables()).to.deep.equal(['a', 'b'])
    })

    it('an error inside its own BEGIN leaves that open', async () => {
      await refused(dbapi.OperationalError, () =>
        db.cur.executescript('create table a (x); begin; insert into a values (1); asdf; commit'),
      )
      expect(db.conn.inTransaction).to.equal(true)
      await db.conn.rollback()
      expect(await rows(db.conn, 'select x from a')).to.deep.equal([])
    })

    it('a transaction of its own, ended or left open', async () => {
      await db.cur.executescript('create table a (x); begin; insert into a values (1); commit')
      expect(db.conn.inTransaction).to.equal(false)
      await db.cur.executescript('begin; insert into a values (2)')
      expect(db.conn.inTransaction).to.equal(true)
      const other = await db.another()
      expect(await rows(other, 'select x from a')).to.deep.equal([[1]])
      await db.conn.commit()
      expect(await rows(other, 'select x from a order by x')).to.deep.equal([[1], [2]])
    })

    it('rows of its SELECTs are dropped: rowcount -1, nothing to fetch; totalChanges grows', async () => {
      await db.cur.executescript('create table a (x); insert into a values (1), (2); select x from a')
      expect(db.cur.rowcount).to.equal(-1)
      expect(db.cur.description).to.equal(null)
      await refused(dbapi.ProgrammingError, () => db.cur.fetchall())
      expect(db.conn.totalChanges).to.equal(2)
      await db.cur.executescript('update a set x = 5; delete from a where x = 5')
      expect(db.conn.totalChanges).to.equal(6)
    })

    it('(row of differences) parameters in it: ProgrammingError, and nothing is run', async () => {
      for (const place of ['?', '?1', ':a', '@a', '$a']) {
        await refused(dbapi.ProgrammingError, () =>
          db.cur.executescript(`create table a (x); select ${place}`),
        )
      }
      expect(await tables()).to.deep.equal([])
    })
  })

  describe('bytes → TypeError; NUL char → ValueError; over limit → DataError (here ProgrammingErrors and a DataError)', () => {
    it('bytes, and whatever else is no string', async () => {
      for (const wrong of [Buffer.from('create table a (x)'), 42, null, undefined, ['select 1'], {}]) {
        await refused(dbapi.ProgrammingError, () => db.cur.executescript(wrong as never))
      }
      expect(await tables()).to.deep.equal([])
    })

    it('NUL char', async () => {
      for (const script of [
        'create table a (x);\0 create table b (x)',
        '\0create table a (x)',
        'create table a (x)\0',
      ]) {
        await refused(dbapi.ProgrammingError, () => db.cur.executescript(script), /NUL/i)
      }
      expect(await tables()).to.deep.equal([])
    })

    it('half a surrogate pair', async () => {
      const error = await refused(
        dbapi.DatabaseError,
        () => db.cur.executescript("create table a (x); insert into a values ('\ud8ff')"),
        /surrogate/,
      )
      expect(error.name).to.be.oneOf(['DataError', 'ProgrammingError'])
      expect(await tables()).to.deep.equal([])
    })

    it('over limit → DataError', async () => {
      db.conn.setLimit('sqlLength', 50)
      await db.conn.executescript("select 'almost too large'".padEnd(50))
      await refused(
        dbapi.DataError,
        () => db.conn.executescript("select 'too large'".padEnd(51)),
        /query string is too large/,
      )
    })
  })

  describe('commits a pending transaction first (legacy mode): after begin + executescript in_transaction is false; with autocommit=True it does not', () => {
    it('after begin', async () => {
      await db.conn.execute('begin')
      expect(db.conn.inTransaction).to.equal(true)
      await db.conn.executescript('select 1')
      expect(db.conn.inTransaction).to.equal(false)
    })

    it('after INSERT, and what was pending is committed, even if the script then fails', async () => {
      await db.cur.execute('create table a (x)')
      await db.cur.execute('insert into a values (1)')
      await refused(dbapi.OperationalError, () => db.conn.executescript('asdf'))
      expect(db.conn.inTransaction).to.equal(false)
      expect(await rows(await db.another(), 'select x from a')).to.deep.equal([[1]])
    })

    it('with isolationLevel null too', async () => {
      const conn = await db.another({ isolationLevel: null })
      await conn.execute('begin')
      await conn.executescript('create table a (x)')
      expect(conn.inTransaction).to.equal(false)
      expect(await tables()).to.deep.equal(['a'])
    })

    it('with autocommit=True it does not', async () => {
      const conn = await db.another({ autocommit: true })
      await conn.execute('begin')
      await conn.executescript('create table a (x); insert into a values (1)')
      expect(conn.inTransaction).to.equal(true)
      await conn.execute('rollback')
      expect(await tables()).to.deep.equal([])
    })
  })

  describe('connection-level execute / executemany / executescript return a cursor', () => {
    it('each its own', async () => {
      const script = await db.conn.executescript('create table a (x); insert into a values (5)')
      const many = await db.conn.executemany('insert into a values (?)', [[3], [4]])
      const query = await db.conn.execute('select x from a order by x')
      for (const cursor of [script, many, query]) expect(cursor.connection).to.equal(db.conn)
      expect(new Set<unknown>([script, many, query])).to.have.property('size', 3)
      expect(many.rowcount).to.equal(2)
      expect(await query.fetchall()).to.deep.equal([[3], [4], [5]])
      expect(await (await many.execute('select 1')).fetchall()).to.deep.equal([[1]])
    })
  })
})

/** Checklist, section rowcount / lastrowid / description: what a cursor tells of its statement. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused } from './subject.ts'

describeCompliance('counters', (db) => {
  const run = async (sql: string, params?: dbapi.Parameters): Promise<dbapi.Cursor> => {
    await db.cur.execute(sql, params)
    return db.cur
  }
  const names = () => db.cur.description!.map(([name]) => name)

  describe('rowcount -1 before execute and after SELECT; 2 after an update of 2 rows; executemany of 3 inserts → 3', () => {
    it('-1 before execute, after SELECT and after DDL', async () => {
      expect(db.cur.rowcount).to.equal(-1)
      expect(await run('create table t (a)')).to.have.property('rowcount', -1)
      expect(await run('select 5 union select 6')).to.have.property('rowcount', -1)
      await db.cur.fetchall()
      expect(db.cur.rowcount).to.equal(-1)
    })

    it('2 after an update of 2 rows', async () => {
      await run('create table t (a)')
      expect(await run("insert into t values ('foo')")).to.have.property('rowcount', 1)
      expect(await run("insert into t values ('foo')")).to.have.property('rowcount', 1)
      expect(await run("update t set a = 'bar'")).to.have.property('rowcount', 2)
      expect(await run("update t set a = 'bar' where a = 'foo'")).to.have.property('rowcount', 0)
      expect(await run('delete from t')).to.have.property('rowcount', 2)
      expect(await run('delete from t')).to.have.property('rowcount', 0)
      expect(await run('select 1')).to.have.property('rowcount', -1)
    })

    it('executemany of 3 inserts → 3', async () => {
      await run('create table t (a)')
      await db.cur.executemany('insert into t values (?)', [[1], [2], [3]])
      expect(db.cur.rowcount).to.equal(3)
    })

    it('executemany of updates is their sum', async () => {
      await run('create table t (a)')
      await run('insert into t values (1), (1), (2)')
      await db.cur.executemany('update t set a = a where a = ?', [[1], [2], [3]])
      expect(db.cur.rowcount).to.equal(3)
    })

    it('of each cursor by itself', async () => {
      await run('create table t (a)')
      const other = db.conn.cursor()
      await run('insert into t values (1), (2)')
      await other.execute('insert into t values (3)')
      expect([db.cur.rowcount, other.rowcount]).to.deep.equal([2, 1])
    })
  })

  describe('rowcount right with leading comments (`-- foo`, `/* */`); VACUUM → -1; UPDATE ... RETURNING → 1 at once (CPython: after the row is fetched)', () => {
    it('with leading comments', async () => {
      await run('create table t (a)')
      expect(await run("\n -- foo\n insert into t values ('foo'), ('foo')\n")).to.have.property('rowcount', 2)
      const messy = "/* -- messy *r /* /* ** *- *--\n*/\n/* one more */ insert into t values ('messy')"
      expect(await run(messy)).to.have.property('rowcount', 1)
      expect(await run("/* bar */ update t set a = 'bar' where a = 'foo'")).to.have.property('rowcount', 2)
    })

    it('VACUUM → -1', async () => {
      await run('create table t (a)')
      await db.cur.executemany('insert into t values (?)', [[1], [2], [3]])
      await db.conn.commit()
      expect(await run('vacuum')).to.have.property('rowcount', -1)
    })

    it('UPDATE ... RETURNING → 1 at once', async () => {
      await run('create table t (a)')
      await run("insert into t values ('foo'), ('other')")
      expect(await run("update t set a = 'bar' where a = 'foo' returning 5")).to.have.property('rowcount', 1)
      expect(await db.cur.fetchall()).to.deep.equal([[5]])
      expect(db.cur.rowcount).to.equal(1)
      expect(await run('delete from t returning a')).to.have.property('rowcount', 2)
      expect(await run('insert into t values (1), (2), (3) returning a')).to.have.property('rowcount', 3)
    })
  })

  describe('lastrowid: after INSERT OR REPLACE/REPLACE = the row; after INSERT OR IGNORE that ignored = unchanged; after failed INSERT OR FAIL/ABORT/ROLLBACK = value of last success; not touched by UPDATE/SELECT', () => {
    beforeEach(() => run('create table t (id integer primary key autoincrement, a unique)'))

    it('(row of differences) before an INSERT it is undefined', () => {
      expect(db.cur.lastrowid).to.equal(undefined)
    })

    for (const verb of ['insert or replace', 'replace']) {
      it(`after ${verb.toUpperCase()} = the row`, async () => {
        await run("insert into t (a) values ('foo')")
        expect(db.cur.lastrowid).to.equal(1)
        await run(`${verb} into t (a) values (?)`, ['foo'])
        expect(db.cur.lastrowid).to.equal(2)
        await run(`${verb} into t (a) values (?)`, ['bar'])
        expect(db.cur.lastrowid).to.equal(3)
      })
    }

    it('after INSERT OR IGNORE that ignored = unchanged', async () => {
      await run("insert or ignore into t (a) values ('foo')")
      expect(db.cur.lastrowid).to.equal(1)
      await run("insert or ignore into t (a) values ('foo')")
      expect(db.cur.lastrowid).to.equal(1)
    })

    for (const clause of ['fail', 'abort', 'rollback']) {
      it(`after failed INSERT OR ${clause.toUpperCase()} = value of last success`, async () => {
        await run(`insert or ${clause} into t (a) values ('foo')`)
        await run("insert into t (a) values ('bar')")
        expect(db.cur.lastrowid).to.equal(2)
        await refused(dbapi.IntegrityError, () => run(`insert or ${clause} into t (a) values ('foo')`))
        expect(db.cur.lastrowid).to.equal(2)
      })
    }

    it('not touched by UPDATE/SELECT, nor by DELETE, DDL and executemany', async () => {
      await run('insert into t (id, a) values (7, 1)')
      await run('update t set a = 2')
      expect(db.cur.lastrowid).to.equal(7)
      await run('select id from t')
      await db.cur.fetchall()
      expect(db.cur.lastrowid).to.equal(7)
      await db.cur.executemany('insert into t (id, a) values (?, ?)', [[10, 10]])
      expect(db.cur.lastrowid).to.equal(7)
      await run('delete from t')
      await run('create table u (a)')
      expect(db.cur.lastrowid).to.equal(7)
    })

    it('is exact over 64 bits', async () => {
      await run('insert into t (id) values (?)', [2n ** 63n - 1n])
      expect(db.cur.lastrowid).to.equal(2n ** 63n - 1n)
    })

    it('is that of the table, not of what a trigger inserts', async () => {
      await run('create table log (id integer primary key, line)')
      await run("insert into log values (100, 'first')")
      await run('create trigger logs after insert on t begin insert into log (line) values (new.a); end')
      await run("insert into t (a) values ('foo')")
      expect(db.cur.lastrowid).to.equal(1)
    })
  })

  describe('description: name first, 6 None after; correct for CTEs (simple, multi-column, on virtual tables); present for SELECT with no rows; None after INSERT/DDL; column names with spaces/brackets kept as they are ("foo bar", \'a "b"\'); number of columns right after schema change', () => {
    beforeEach(() => run('create table t (x foo, y)'))

    it('null before execute; name first, seven items', async () => {
      expect(db.cur.description).to.equal(null)
      await run('select x, 5 as five from t')
      expect(names()).to.deep.equal(['x', 'five'])
      for (const column of db.cur.description!) {
        expect(column).to.have.lengthOf(7)
        expect(column.slice(2)).to.deep.equal([null, null, null, null, null])
      }
    })

    it('(row of differences) the second item is a type object where the engine tells the declared type', async () => {
      await run('create table u (a varchar(20), b integer, c blob, d timestamp, e real)')
      await run('select a, b, c, d, e, a || b from u')
      const types = db.cur.description!.map(([, type]) => type)
      const { STRING, NUMBER, BINARY, DATETIME } = dbapi
      expect(types).to.deep.equal(
        db.driver === 'sqlite3'
          ? [null, null, null, null, null, null]
          : [STRING, NUMBER, BINARY, DATETIME, NUMBER, null],
      )
      expect(STRING).to.not.equal(undefined)
    })

    it('correct for CTEs: simple', async () => {
      await run('with one as (select 1) select * from one')
      expect(names()).to.deep.equal(['1'])
    })

    it('correct for CTEs: multi-column', async () => {
      await run('insert into t values (1, 2)')
      await run('with cte as (select * from t) select * from cte')
      expect(names()).to.deep.equal(['x', 'y'])
      await run('with cte (a, b) as (select * from t) select b, a from cte where a = 2')
      expect(names()).to.deep.equal(['b', 'a'])
    })

    it('correct for CTEs: on virtual tables', async () => {
      await run(`with cte as (select key, value as v from json_each('[5]')) select * from cte`)
      expect(names()).to.deep.equal(['key', 'v'])
      expect(await db.cur.fetchall()).to.deep.equal([[0, 5]])
    })

    it('present for SELECT with no rows', async () => {
      await run('select * from t where 0 = 1')
      expect(names()).to.deep.equal(['x', 'y'])
    })

    it('present for RETURNING, with and without rows', async () => {
      await run('insert into t values (1, 2) returning y, x as "the x"')
      expect(names()).to.deep.equal(['y', 'the x'])
      await run('delete from t where x = 5 returning y')
      expect(names()).to.deep.equal(['y'])
    })

    it('None after INSERT/DDL', async () => {
      await run('select 1')
      await run('insert into t values (1, 2)')
      expect(db.cur.description).to.equal(null)
      await run('select 1')
      await run('create table u (a)')
      expect(db.cur.description).to.equal(null)
      await run('select 1')
      await db.cur.executemany('insert into t values (?, ?)', [[1, 2]])
      expect(db.cur.description).to.equal(null)
    })

    it('null after a statement that failed', async () => {
      await run('select 1')
      await refused(dbapi.OperationalError, () => run('select nothing'))
      expect(db.cur.description).to.equal(null)
    })

    for (const name of [
      'foo bar',
      'a "b"',
      'foo bar [datetime]',
      '[x]',
      'x:1',
      '',
      "it's",
      'é✓',
      '__proto__',
      '1',
    ]) {
      it(`column names with spaces/brackets kept as they are: ${JSON.stringify(name)}`, async () => {
        const quoted = `"${name.replaceAll('"', '""')}"`
        await run(`select 1 as ${quoted}, 2 as ${quoted}`)
        expect(names()).to.deep.equal([name, name])
        expect(await db.cur.fetchall()).to.deep.equal([[1, 2]])
        await run(`select 1 as ${quoted} where 0`)
        expect(names()).to.deep.equal([name])
      })
    }

    it('number of columns right after schema change', async () => {
      const other = await db.another()
      const sql = 'select * from t'
      await run(sql)
      expect(names()).to.deep.equal(['x', 'y'])
      await other.execute('alter table t add column z')
      await run(sql)
      expect(names()).to.deep.equal(['x', 'y', 'z'])
      await other.execute('alter table t drop column y')
      await run(sql)
      expect(names()).to.deep.equal(['x', 'z'])
      await run('alter table t rename column z to w')
      await run(sql)
      expect(names()).to.deep.equal(['x', 'w'])
      await run('drop table t')
      await run('create table t (only)')
      await run(sql)
      expect(names()).to.deep.equal(['only'])
    })
  })
})

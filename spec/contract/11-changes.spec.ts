/** Contract: `rowcount` and `lastrowid` are those of this statement, and of no other; see subjects.ts. */
import { expect } from 'chai'
import { describeContract } from './subjects.ts'

describeContract('rowcount and lastrowid', (db) => {
  const told = async (sql: string, params?: unknown) => {
    const { rowcount, lastrowid } = await db.run(sql, params)
    return { rowcount, lastrowid }
  }
  const counts = (rowcount: number, lastrowid?: number) => ({ rowcount, lastrowid })

  it('of INSERT: the rows, and the last one’s rowid', async () => {
    await db.run('create table t (id integer primary key, a)')
    expect(await told('insert into t (a) values (1)')).to.deep.equal(counts(1, 1))
    expect(await told('insert into t (a) values (1), (2), (3)')).to.deep.equal(counts(3, 4))
    expect(await told('insert into t (id) values (?)', [-5])).to.deep.equal(counts(1, -5))
    expect(await told('insert into t (a) select a from t')).to.deep.equal(counts(5, 9))
    expect(await told('insert into t (a) select a from t where 0')).to.deep.equal(counts(0))
    expect(await told('insert into t default values')).to.deep.equal(counts(1, 10))
  })

  it('of UPDATE: the rows that matched, also those that stayed the same', async () => {
    await db.script('create table t (a)', 'insert into t values (1), (2), (3)')
    expect(await told('update t set a = a')).to.deep.equal(counts(3))
    expect(await told('update t set a = 0 where a > 1')).to.deep.equal(counts(2))
    expect(await told('update t set a = 0 where a > 1')).to.deep.equal(counts(0))
  })

  it('of DELETE: the rows that went, with WHERE and without', async () => {
    await db.script('create table t (a)', 'insert into t values (1), (2), (3)')
    expect(await told('delete from t where a = 2')).to.deep.equal(counts(1))
    expect(await told('delete from t')).to.deep.equal(counts(2))
    expect(await told('delete from t')).to.deep.equal(counts(0))
  })

  it('of REPLACE: the new rows, not the old ones that made room', async () => {
    await db.script(
      'create table t (id integer primary key, a unique, b unique)',
      'insert into t values (1, 1, 1), (2, 2, 2)',
    )
    expect(await told('replace into t values (3, 1, 2)')).to.deep.equal(counts(1, 3))
    expect(await db.rows('select * from t')).to.deep.equal([[3, 1, 2]])
    expect(await told('insert or replace into t values (3, 4, 4)')).to.deep.equal(counts(1, 3))
  })

  it('of INSERT OR IGNORE: the rows that were not there', async () => {
    await db.script('create table t (id integer primary key, a unique)', 'insert into t values (1, 1)')
    expect(await told('insert or ignore into t (a) values (1), (2), (1), (3)')).to.deep.equal(counts(2, 3))
    expect(await told('insert or ignore into t (a) values (1)')).to.deep.equal(counts(0))
    expect(await told('insert into t (a) values (1) on conflict do nothing')).to.deep.equal(counts(0))
  })

  describe('of an UPSERT', () => {
    const sql = 'insert into t (a, n) values (?, 1) on conflict (a) do update set n = n + 1'

    it('that inserted: its row', async () => {
      await db.script(
        'create table t (id integer primary key, a unique, n)',
        "insert into t (a) values ('x')",
      )
      expect(await told(sql, ['new'])).to.deep.equal(counts(1, 2))
    })

    if (db.kind === 'in-process') {
      it('that updated: the connection’s last inserted row, as the driver interface has it', async () => {
        await db.script(
          'create table t (id integer primary key, a unique, n)',
          "insert into t values (1, 'x', 1), (2, 'y', 1)",
        )
        expect(await told(sql, ['x'])).to.deep.equal(counts(1, 2))
      })
    } else {
      it('that updated: a row, and no rowid, since it is that of another', async () => {
        await db.script(
          'create table t (id integer primary key, a unique, n)',
          "insert into t values (1, 'x', 1), (2, 'y', 1)",
        )
        expect(await told(sql, ['x'])).to.deep.equal(counts(1))
        expect(await db.rows('select id, n from t')).to.deep.equal([
          [1, 2],
          [2, 1],
        ])
      })

      it('that updated: RETURNING tells the row', async () => {
        await db.script(
          'create table t (id integer primary key, a unique, n)',
          "insert into t values (1, 'x', 1), (2, 'y', 1)",
        )
        expect(await db.run(`${sql} returning id, n`, ['x'])).to.deep.include({
          rows: [[1, 2]],
          rowcount: 1,
          lastrowid: undefined,
        })
      })
    }

    it('that did neither: nothing', async () => {
      await db.script(
        'create table t (id integer primary key, a unique, n)',
        "insert into t values (1, 'x', 1)",
      )
      expect(await told(`${sql} where n > 5`, ['x'])).to.deep.equal(counts(0))
    })
  })

  it('do not tell of what triggers did', async () => {
    await db.script(
      'create table t (id integer primary key, a)',
      'create table log (id integer primary key, a)',
      'insert into log values (100, 0)',
      'create trigger i after insert on t begin insert into log (a) values (new.a), (new.a); end',
      'create trigger u after update on t begin update log set a = 0; end',
      'create trigger d before delete on t begin delete from log; end',
    )
    expect(await told('insert into t (a) values (7)')).to.deep.equal(counts(1, 1))
    expect(await db.rows('select count(*) from log')).to.deep.equal([[3]])
    expect(await told('update t set a = 8')).to.deep.equal(counts(1))
    expect(await told('delete from t')).to.deep.equal(counts(1))
    expect(await db.rows('select count(*) from log')).to.deep.equal([[0]])
  })

  it('do not tell of what a foreign key did', async () => {
    await db.script(
      'create table p (id integer primary key)',
      'create table c (p references p (id) on delete cascade)',
      'insert into p values (1)',
      'insert into c values (1), (1), (1)',
    )
    expect(await told('delete from p where id = 1')).to.deep.equal(counts(1))
    expect(await db.rows('select count(*) from c')).to.deep.equal([[0]])
  })

  it('of a view whose trigger writes for it are none', async () => {
    await db.script(
      'create table t (id integer primary key, a)',
      'insert into t values (1, 1), (2, 2)',
      'create view v as select a from t',
      'create trigger x instead of insert on v begin insert into t (a) values (new.a); end',
    )
    expect(await told('insert into v values (7)')).to.deep.equal(counts(0))
    expect(await db.rows('select count(*) from t')).to.deep.equal([[3]])
  })

  it('of INSERT into a table without rowids have no rowid of another table', async () => {
    await db.script(
      'create table t (id integer primary key)',
      'create table w (a text primary key) without rowid',
      'insert into t values (77)',
    )
    const { rowcount, lastrowid } = await db.run("insert into w values ('x')")
    expect(rowcount).to.equal(1)
    // The driver interface tells the connection's last one, whichever table that was in.
    expect(lastrowid).to.equal(db.kind === 'in-process' ? 77 : undefined)
  })

  it('of a table with AUTOINCREMENT go on after a DELETE', async () => {
    await db.script(
      'create table t (id integer primary key autoincrement, a)',
      'insert into t (a) values (1), (2)',
      'delete from t',
    )
    expect(await told('insert into t (a) values (3)')).to.deep.equal(counts(1, 3))
  })

  for (const sql of [
    'create table u as select * from t',
    'create index i on t (a)',
    'create view v as select * from t',
    'alter table t add b',
    'begin',
    'pragma user_version = 3',
    'pragma user_version',
    'select * from t',
    'values (1)',
    'explain delete from t',
    'drop table t',
    'vacuum',
    'reindex',
    'analyze t',
  ]) {
    it(`are not those of the statement before: ${sql}`, async () => {
      await db.run('create table t (a)')
      expect(await told('insert into t values (1), (2), (3)')).to.deep.equal(counts(3, 3))
      expect(await told(sql)).to.deep.equal(counts(-1))
      // A statement that is run again is another class of mistake.
      if (!/^(create|alter|drop|begin)/.test(sql)) expect(await told(sql)).to.deep.equal(counts(-1))
    })
  }

  it('are not those of the statement before: COMMIT, ROLLBACK, SAVEPOINT and RELEASE', async () => {
    await db.script('create table t (a)', 'begin')
    for (const sql of ['savepoint s', 'rollback to s', 'release s', 'commit']) {
      await db.run('insert into t values (1), (2)')
      expect(await told(sql), sql).to.deep.equal(counts(-1))
    }
    await db.script('begin', 'insert into t values (1)')
    expect(await told('rollback')).to.deep.equal(counts(-1))
  })

  it('of what failed are not told with the next', async () => {
    await db.script('create table t (a unique)', 'insert into t values (1), (2)')
    await db.error('insert into t values (3), (1)')
    expect(await told('update t set a = a where a > 5')).to.deep.equal(counts(0))
    expect(await told('insert or ignore into t values (1)')).to.deep.equal(counts(0))
  })
})

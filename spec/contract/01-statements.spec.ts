/** Contract: what can be run, and what a statement comes to; see subjects.ts. */
import { expect } from 'chai'
import { describeContract } from './subjects.ts'

describeContract('statements', (db) => {
  it('create, insert, select, update and delete', async () => {
    expect(await db.run('create table t (id integer primary key, name text)')).to.deep.equal({
      columns: null,
      types: null,
      rows: [],
      rowcount: -1,
      lastrowid: undefined,
    })
    expect(await db.run('insert into t (name) values (?), (?)', ['a', 'b'])).to.deep.equal({
      columns: null,
      types: null,
      rows: [],
      rowcount: 2,
      lastrowid: 2,
    })
    expect(await db.run('select id, name from t order by id')).to.deep.include({
      columns: ['id', 'name'],
      rows: [
        [1, 'a'],
        [2, 'b'],
      ],
      rowcount: -1,
      lastrowid: undefined,
    })
    expect(await db.run('update t set name = ? where id = ?', ['c', 2])).to.deep.include({
      columns: null,
      rowcount: 1,
      lastrowid: undefined,
    })
    expect(await db.rows('select name from t where id = 2')).to.deep.equal([['c']])
    expect((await db.run('delete from t where id = 7')).rowcount).to.equal(0)
    expect((await db.run('delete from t')).rowcount).to.equal(2)
    expect(await db.rows('select * from t')).to.deep.equal([])
  })

  it('run again, with other parameters', async () => {
    for (const n of [1, 2, 3]) expect(await db.rows('select ? + 1', [n])).to.deep.equal([[n + 1]])
  })

  it('run in the order of the calls when not awaited', async () => {
    await db.run('create table t (id integer primary key, a)')
    await Promise.all([1, 2, 3].map((n) => db.run('insert into t (a) values (?)', [n])))
    expect(await db.rows('select id, a from t order by id')).to.deep.equal([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
  })

  it('run side by side keep their own rows', async () => {
    await db.script(
      'create table t (id integer primary key, a)',
      "insert into t values (1, 'a'), (2, 'b'), (3, 'c')",
    )
    const numbers = Array.from({ length: 60 }, (_, i) => i)
    const sql = [
      'select a, ? from t where id = ?',
      'select ? as x, ? as x',
      'select :n as "1", a as "0" from t where id = :id',
    ]
    const results = await Promise.all(
      numbers.map((n) => db.rows(sql[n % 3]!, n % 3 === 2 ? { n, id: 3 } : [n, 2])),
    )
    expect(results).to.deep.equal(
      numbers.map((n) => [
        [
          ['b', n],
          [n, 2],
          [n, 'c'],
        ][n % 3],
      ]),
    )
  })

  it('VALUES gives rows', async () => {
    expect(await db.run("values (1, 'a'), (2, null)")).to.deep.include({
      columns: ['column1', 'column2'],
      rows: [
        [1, 'a'],
        [2, null],
      ],
      rowcount: -1,
    })
  })

  it('WITH gives rows, and names its columns', async () => {
    const { columns, rows } = await db.run(
      'with one (a, "b c") as (select 1, 2), two as materialized (select a + 1 as d from one) select * from one, two',
    )
    expect(columns).to.deep.equal(['a', 'b c', 'd'])
    expect(rows).to.deep.equal([[1, 2, 2]])
  })

  it('WITH RECURSIVE gives rows in their order', async () => {
    const sql =
      'with recursive n (i) as (values (1) union all select i + 1 from n where i < ?) select i, i * i as square from n'
    const { columns, rows } = await db.run(sql, [2000])
    expect(columns).to.deep.equal(['i', 'square'])
    expect(rows).to.deep.equal(Array.from({ length: 2000 }, (_, i) => [i + 1, (i + 1) ** 2]))
  })

  it('WITH … INSERT, UPDATE and DELETE write', async () => {
    await db.run('create table t (a)')
    const insert = 'with recursive n (i) as (values (1) union all select i + 1 from n where i < 5)'
    expect(await db.run(`${insert} insert into t select i from n`)).to.deep.include({
      columns: null,
      rowcount: 5,
      lastrowid: 5,
    })
    const some = 'with x (v) as (values (2), (3))'
    expect((await db.run(`${some} update t set a = -a where a in (select v from x)`)).rowcount).to.equal(2)
    expect((await db.run(`${some} delete from t where -a in (select v from x)`)).rowcount).to.equal(2)
    expect(await db.rows('select a from t order by a')).to.deep.equal([[1], [4], [5]])
  })

  it('EXPLAIN gives a program, and runs nothing', async () => {
    await db.run('create table t (a)')
    const { columns, rows, rowcount } = await db.run('explain insert into t values (1)')
    expect(columns).to.deep.equal(['addr', 'opcode', 'p1', 'p2', 'p3', 'p4', 'p5', 'comment'])
    expect(rows.map(([, opcode]) => opcode)).to.include.members(['Init', 'Insert', 'Halt'])
    expect(rowcount).to.equal(-1)
    expect(await db.rows('select count(*) from t')).to.deep.equal([[0]])
  })

  it('EXPLAIN QUERY PLAN gives a plan', async () => {
    await db.script('create table t (a, b)', 'create index i on t (b)')
    const { columns, rows } = await db.run('explain query plan select a from t where b = ?', [5])
    expect(columns).to.deep.equal(['id', 'parent', 'notused', 'detail'])
    expect(rows.map((row) => row[3])).to.deep.equal(['SEARCH t USING INDEX i (b=?)'])
  })

  it('EXPLAIN has columns where it has no rows to give', async () => {
    expect(await db.columns('explain query plan select 1')).to.deep.equal([
      'id',
      'parent',
      'notused',
      'detail',
    ])
  })

  it('PRAGMA table_info tells the columns of a table', async () => {
    await db.run("create table t (id integer primary key, name text not null default 'x')")
    const { columns, rows, rowcount } = await db.run('pragma table_info(t)')
    expect(columns).to.deep.equal(['cid', 'name', 'type', 'notnull', 'dflt_value', 'pk'])
    expect(rows).to.deep.equal([
      [0, 'id', 'INTEGER', 0, null, 1],
      [1, 'name', 'TEXT', 1, "'x'", 0],
    ])
    expect(rowcount).to.equal(-1)
  })

  it('PRAGMA table_info of a table that is not there has columns and no rows', async () => {
    expect(await db.run('pragma table_info(missing)')).to.deep.include({
      columns: ['cid', 'name', 'type', 'notnull', 'dflt_value', 'pk'],
      rows: [],
    })
  })

  it('PRAGMA user_version is set and read', async () => {
    expect(await db.run('pragma user_version = 5')).to.deep.include({ columns: null, rows: [], rowcount: -1 })
    expect(await db.run('pragma user_version')).to.deep.include({ columns: ['user_version'], rows: [[5]] })
    expect(await db.rows('pragma main.user_version')).to.deep.equal([[5]])
  })

  it('PRAGMA journal_mode and integrity_check tell', async () => {
    expect(await db.run('pragma journal_mode')).to.deep.include({
      columns: ['journal_mode'],
      rows: [['wal']],
    })
    expect(await db.rows('pragma integrity_check')).to.deep.equal([['ok']])
  })

  it('BEGIN, COMMIT, ROLLBACK and savepoints begin and end a transaction', async () => {
    await db.script('create table t (a)', 'begin')
    expect(db.inTransaction).to.equal(true)
    await db.script('insert into t values (1)', 'savepoint s', 'insert into t values (2)', 'rollback to s')
    expect(db.inTransaction).to.equal(true)
    await db.script('release s', 'commit')
    expect(db.inTransaction).to.equal(false)
    await db.script('begin immediate', 'delete from t', 'rollback')
    expect(db.inTransaction).to.equal(false)
    expect(await db.rows('select a from t')).to.deep.equal([[1]])
  })

  for (const sql of [
    'select 1;',
    ' select 1 ; ',
    'select 1; -- c',
    '-- c\nselect 1 /* c */;;',
    '/* c */ select 1',
  ]) {
    it(`blanks, comments and semicolons around one are fine: ${JSON.stringify(sql)}`, async () => {
      expect(await db.rows(sql)).to.deep.equal([[1]])
    })
  }

  it('a semicolon, a comment and a quote inside of a literal are text', async () => {
    expect(
      await db.rows("select 'a;b', '-- c', '/*', 'it''s', \"x;y\" from (select 1 as \"x;y\")"),
    ).to.deep.equal([['a;b', '-- c', '/*', "it's", 1]])
  })

  for (const sql of ['', ' \n\t', ';', '-- nothing', '/* nothing */ ;']) {
    const shown = JSON.stringify(sql)
    if (db.kind === 'in-process') {
      it(`blanks and comments alone are no statement: ${shown}`, async () => {
        const error = await db.error(sql)
        expect(error).to.include({ name: 'InterfaceError', code: 'SQLITE_MISUSE' })
        expect(error.message).to.match(/no (SQL )?statement/)
      })
    } else {
      it(`blanks and comments alone run, and yield nothing: ${shown}`, async () => {
        expect(await db.run(sql)).to.deep.include({ columns: null, rows: [], rowcount: -1 })
      })
    }
  }

  // Below the pool no driver is given such texts: two of three would drop what follows the first statement.
  if (db.kind === 'through the pool') {
    const two = [
      'insert into t values (1); insert into t values (2)',
      'select 1; -',
      'select 1; /',
      'select 1; // x',
    ]
    for (const sql of two) {
      it(`two in one text are refused, and none is run: ${sql}`, async () => {
        await db.run('create table t (a)')
        const error = await db.error(sql)
        expect(error).to.include({ name: 'ProgrammingError', code: 'BAD_STATEMENT', sql })
        expect(error.message).to.contain('one statement at a time')
        expect(await db.rows('select count(*) from t')).to.deep.equal([[0]])
      })
    }

    for (const sql of ['select 1\0', "select 'a\0b'", 'select 1 --\0', '\0']) {
      it(`NUL in SQL is refused, where every driver would cut it: ${JSON.stringify(sql)}`, async () => {
        const error = await db.error(sql)
        expect(error).to.include({ name: 'ProgrammingError', code: 'BAD_STATEMENT', sql })
        expect(error.message).to.contain('NUL')
      })
    }

    it('half a surrogate pair in SQL is refused', async () => {
      expect(await db.error("select '\ud83d'")).to.include({
        name: 'ProgrammingError',
        code: 'BAD_STATEMENT',
      })
    })
  }
})

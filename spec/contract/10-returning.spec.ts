/** Contract: RETURNING: a statement that writes and gives rows, done when it is answered; see subjects.ts. */
import { expect } from 'chai'
import { describeContract, runOrRefuse } from './subjects.ts'

describeContract('RETURNING', (db) => {
  const schema = 'create table t (id integer primary key, name text unique)'

  it('of INSERT gives the rows, their number and the last rowid', async () => {
    await db.run(schema)
    expect(
      await db.run('insert into t (name) values (?), (?) returning id, name', ['a', 'b']),
    ).to.deep.include({
      columns: ['id', 'name'],
      rows: [
        [1, 'a'],
        [2, 'b'],
      ],
      rowcount: 2,
      lastrowid: 2,
    })
    expect(db.inTransaction).to.equal(false)
  })

  it('of UPDATE gives the rows as they are now', async () => {
    await db.script(schema, "insert into t (name) values ('a'), ('b'), ('c')")
    const { rowcount, lastrowid, rows } = await db.run(
      'update t set name = name || ? where id < 3 returning name, id as n, id * 2 as "d e"',
      ['!'],
    )
    expect({ rowcount, lastrowid }).to.deep.equal({ rowcount: 2, lastrowid: undefined })
    expect(rows).to.deep.equal([
      ['a!', 1, 2],
      ['b!', 2, 4],
    ])
  })

  it('of DELETE gives the rows that were there', async () => {
    await db.script(schema, "insert into t (name) values ('a'), ('b'), ('c')")
    expect(await db.run('delete from t where id > 1 returning *')).to.deep.include({
      columns: ['id', 'name'],
      rows: [
        [2, 'b'],
        [3, 'c'],
      ],
      rowcount: 2,
      lastrowid: undefined,
    })
    expect(await db.rows('select name from t')).to.deep.equal([['a']])
  })

  it('of REPLACE gives the new row', async () => {
    await db.script(schema, "insert into t (name) values ('a')")
    expect(await db.run("replace into t (name) values ('a') returning id, name")).to.deep.include({
      rows: [[2, 'a']],
      rowcount: 1,
      lastrowid: 2,
    })
  })

  it('behind WITH gives rows', async () => {
    await db.script(schema, "insert into t (name) values ('a'), ('b')")
    expect(
      await db.run("with x (v) as (values ('z')) delete from main.t returning id, (select v from x) as z"),
    ).to.deep.include({
      columns: ['id', 'z'],
      rows: [
        [1, 'z'],
        [2, 'z'],
      ],
      rowcount: 2,
    })
    expect(
      await db.run('with n (i) as (values (7), (8)) insert into t (id) select i from n returning id'),
    ).to.deep.include({ rows: [[7], [8]], rowcount: 2, lastrowid: 8 })
  })

  const empty: [sql: string, names: string[]][] = [
    ['update t set name = 1 where id > 5 returning name as n, *', ['n', 'id', 'name']],
    ['delete from t where id > 5 returning id, "name"', ['id', 'name']],
    ["insert into t (name) values ('a') on conflict do nothing returning id as n", ['n']],
    ["insert or ignore into t (name) values ('a') returning *", ['id', 'name']],
    ['insert into t (name) select name from t where 0 returning id, id + 1', ['id', 'id + 1']],
    [
      "insert into 't' (name) values ('a') on conflict (name) do update set name = 'b' where 0 returning name",
      ['name'],
    ],
    ['delete from [t] where name = \'returning\' returning "id" as "from t"', ['from t']],
    [
      'replace into "t" (name) select \'x\' where 0 returning id as "a b", (select count(*) from t) as n',
      ['a b', 'n'],
    ],
    ['update main.t as x set name = 1 where x.id > 5 returning name', ['name']],
    ['with y as (select 1 as v) delete from t where id > 5 returning id', ['id']],
  ]
  for (const [sql, names] of empty) {
    it(`has columns where it has no rows: ${sql}`, async () => {
      await db.script(schema, "insert into t (name) values ('a')")
      expect(await db.run(sql)).to.deep.include({
        columns: names,
        rows: [],
        rowcount: 0,
        lastrowid: undefined,
      })
    })
  }

  it('has columns that are called by their table’s name, where it has no rows, or nothing was changed', async () => {
    await db.script(schema, "insert into t (name) values ('a')")
    const queries: [sql: string, columns: string[]][] = [
      ['delete from t where id > 5 returning t.name, t.id', ['name', 'id']],
      ['update t as x set name = 1 where x.id > 5 returning t.id', ['id']],
    ]
    for (const [sql, columns] of queries) {
      const outcome = await runOrRefuse(db, 'NotSupportedError', sql)
      if (outcome !== null) expect(outcome, sql).to.deep.include({ columns, rows: [], rowcount: 0 })
      expect(await db.rows('select * from t')).to.deep.equal([[1, 'a']])
    }
  })

  it('has written and committed when it is answered, whatever is read of its rows', async () => {
    await db.run('create table t (a)')
    const sql =
      'with recursive n (i) as (values (1) union all select i + 1 from n where i < 5000) insert into t select i from n returning a'
    const { rows, rowcount, lastrowid } = await db.run(sql)
    expect({ rowcount, lastrowid }).to.deep.equal({ rowcount: 5000, lastrowid: 5000 })
    expect(rows).to.deep.equal(Array.from({ length: 5000 }, (_, i) => [i + 1]))
    expect(db.inTransaction).to.equal(false)
    expect((await (await db.other()).run('select count(*) from t')).rows).to.deep.equal([[5000]])
  })

  it('takes parameters in its list', async () => {
    await db.run(schema)
    expect(
      await db.run('insert into t (name) values (:name) returning id + :n as m, :text as u', {
        name: 'a',
        n: 5_000_000_000,
        text: 'x',
      }),
    ).to.deep.include({
      columns: ['m', 'u'],
      rows: [[5_000_000_001, 'x']],
    })
  })

  it('in a transaction is undone by ROLLBACK', async () => {
    await db.script(schema, 'begin')
    expect(await db.rows("insert into t (name) values ('a') returning id")).to.deep.equal([[1]])
    expect(db.inTransaction).to.equal(true)
    await db.run('rollback')
    expect(await db.rows('select * from t')).to.deep.equal([])
  })

  it('keeps columns of the same name and those that are numbers, or nothing was changed', async () => {
    await db.run('create table t (a)')
    const queries: [sql: string, columns: string[], row: number[]][] = [
      ['insert into t values (1) returning a, a + 1 as a', ['a', 'a'], [1, 2]],
      ['insert into t values (1) returning a as "2", a + 1 as "1"', ['2', '1'], [1, 2]],
    ]
    for (const [sql, columns, row] of queries) {
      const outcome = await runOrRefuse(db, 'NotSupportedError', sql)
      expect(await db.rows('select * from t'), sql).to.deep.equal(outcome === null ? [] : [[1]])
      if (outcome !== null) expect(outcome).to.deep.include({ columns, rows: [row], rowcount: 1 })
      expect(db.inTransaction).to.equal(false)
      await db.run('delete from t')
    }
  })

  it('that fails changes nothing', async () => {
    await db.script('create table t (a unique)', 'insert into t values (3)')
    const error = await db.error('insert into t values (1), (2), (3), (4) returning a')
    expect(error).to.include({ name: 'IntegrityError', code: 'SQLITE_CONSTRAINT_UNIQUE' })
    expect(db.inTransaction).to.equal(false)
    expect(await db.rows('select a from t')).to.deep.equal([[3]])
  })

  it('of INSERT OR FAIL keeps the rows before the failing one', async () => {
    await db.run('create table t (a unique)')
    const error = await db.error('insert or fail into t values (1), (2), (1), (3) returning a')
    expect(error.code).to.equal('SQLITE_CONSTRAINT_UNIQUE')
    expect(db.inTransaction).to.equal(false)
    expect(await db.rows('select a from t')).to.deep.equal([[1], [2]])
  })

  it('of INSERT OR ROLLBACK ends the transaction', async () => {
    await db.script(
      'create table t (a unique)',
      'insert into t values (1)',
      'begin',
      'insert into t values (2)',
    )
    expect((await db.error('insert or rollback into t values (1) returning a')).code).to.equal(
      'SQLITE_CONSTRAINT_UNIQUE',
    )
    expect(db.inTransaction).to.equal(false)
    expect(await db.rows('select a from t')).to.deep.equal([[1]])
  })

  it('counts what it changed, not what a trigger did', async () => {
    await db.script(
      'create table t (id integer primary key, a)',
      'create table log (a)',
      'create trigger x after insert on t begin insert into log values (1), (2), (3); end',
    )
    expect(await db.run('insert into t (a) values (7) returning id, a')).to.deep.include({
      rows: [[1, 7]],
      rowcount: 1,
      lastrowid: 1,
    })
  })
})

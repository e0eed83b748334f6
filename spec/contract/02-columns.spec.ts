/** Contract: every column of a result, in order, under its own name, with rows and without; see subjects.ts. */
import { expect } from 'chai'
import { describeContract } from './subjects.ts'

describeContract('columns', (db) => {
  /** What is selected, how its columns are called, and their values. */
  const selections: [what: string, list: string, names: string[], row: unknown[]][] = [
    ['plain ones', 'select 1 as a, 2 as b', ['a', 'b'], [1, 2]],
    ['one twice', 'select 1 as a, 2 as a', ['a', 'a'], [1, 2]],
    [
      'one three times, with others',
      'select 1 as a, 2 as b, 3 as a, 4 as a, 5 as b',
      ['a', 'b', 'a', 'a', 'b'],
      [1, 2, 3, 4, 5],
    ],
    ['two that differ in case', 'select 1 as a, 2 as A', ['a', 'A'], [1, 2]],
    ['numbers', 'select 2, 1', ['2', '1'], [2, 1]],
    [
      'numbers as aliases, downwards',
      'select 1 as "10", 2 as "9", 3 as "0", 4 as a, 5 as "1"',
      ['10', '9', '0', 'a', '1'],
      [1, 2, 3, 4, 5],
    ],
    ['numbers twice', 'select 1 as "1", 2 as "0", 3 as "1"', ['1', '0', '1'], [1, 2, 3]],
    [
      'literals',
      "select 'x', 2.5, null, x'00'",
      ["'x'", '2.5', 'null', "x'00'"],
      ['x', 2.5, null, Buffer.from([0])],
    ],
    [
      'quoted in four ways',
      'select 1 as "a b", 2 as [c d], 3 as `e f`, 4 as \'g h\'',
      ['a b', 'c d', 'e f', 'g h'],
      [1, 2, 3, 4],
    ],
    [
      'quotes in names',
      'select 1 as "a ""b""", 2 as "it\'s", 3 as "`c`", 4 as "d [e]"',
      ['a "b"', "it's", '`c`', 'd [e]'],
      [1, 2, 3, 4],
    ],
    [
      'blanks around and inside',
      'select 1 as " a", 2 as "a ", 3 as "b\tc\nd"',
      [' a', 'a ', 'b\tc\nd'],
      [1, 2, 3],
    ],
    ['expressions as they are written', 'select 1  +  2, max( 3,4 )', ['1  +  2', 'max( 3,4 )'], [3, 4]],
    ['expressions with a comment', 'select 1 /* one */ + 2, 3', ['1 /* one */ + 2', '3'], [3, 3]],
    ['an empty name', 'select 1 as ""', [''], [1]],
    ['empty names', 'select 1 as "", 2 as a, 3 as ""', ['', 'a', ''], [1, 2, 3]],
    ['a name like one made unique', 'select 1 as a, 2 as "a:1", 3 as a', ['a', 'a:1', 'a'], [1, 2, 3]],
    ['names with a colon and a number', 'select 1 as "a:1", 2 as "b:2"', ['a:1', 'b:2'], [1, 2]],
    [
      'names of other alphabets',
      'select 1 as "żółć", 2 as "🚲", 3 as "名前"',
      ['żółć', '🚲', '名前'],
      [1, 2, 3],
    ],
    [
      'names that objects have',
      'select 1 as __proto__, 2 as constructor, 3 as toString, 4 as length',
      ['__proto__', 'constructor', 'toString', 'length'],
      [1, 2, 3, 4],
    ],
    [
      'names that we might use ourselves',
      'select 1 as c0, 2 as c1, 3 as flags, 4 as m, 5 as forklite_q',
      ['c0', 'c1', 'flags', 'm', 'forklite_q'],
      [1, 2, 3, 4, 5],
    ],
    [
      'sixty of one name',
      `select ${Array.from({ length: 60 }, (_, i) => `${i} as x`).join()}`,
      new Array(60).fill('x'),
      Array.from({ length: 60 }, (_, i) => i),
    ],
  ]
  for (const [what, list, names, row] of selections) {
    it(`${what}: ${list.slice(0, 60)}`, async () => {
      const { columns, rows } = await db.run(list)
      expect(columns).to.deep.equal(names)
      expect(rows).to.deep.equal([row])
    })

    it(`${what}, where there are no rows`, async () => {
      expect(await db.run(`${list} where 0`)).to.deep.include({ columns: names, rows: [] })
    })
  }

  it('of a table are all there when it is empty', async () => {
    await db.run('create table t (a, b integer)')
    const queries: [sql: string, names: string[], params?: unknown[]][] = [
      ['select * from t', ['a', 'b']],
      ['select a, b, a + b, count(*) as n from t group by 1', ['a', 'b', 'a + b', 'n']],
      ['select * from t;', ['a', 'b']],
      ['with x as (select * from t) select * from x -- c', ['a', 'b']],
      ['select * from t where a = ? limit ?', ['a', 'b'], [5_000_000_000, 1]],
      ['select x.*, y.a from t x join t y using (a)', ['a', 'b', 'a']],
      ['select a from t union select b from t', ['a']],
      ['select rowid, * from t order by b desc', ['rowid', 'a', 'b']],
      [
        'select (select b from t), exists (select 1 from t) from t',
        ['(select b from t)', 'exists (select 1 from t)'],
      ],
    ]
    for (const [sql, names, params] of queries)
      expect(await db.columns(sql, params), sql).to.deep.equal(names)
  })

  it('of a join stay apart, with integers beyond 2^53 too', async () => {
    await db.run('create table t (a, b)')
    const sql = 'select x.a, y.a, x.b, y.a as "2", x.a as "1", y.* from t x, t y'
    const names = ['a', 'a', 'b', '2', '1', 'a', 'b']
    expect(await db.columns(sql)).to.deep.equal(names)
    await db.run('insert into t values (1, 9007199254740993)')
    expect(await db.run(sql)).to.deep.include({
      columns: names,
      rows: [[1, 1, 9007199254740993n, 1, 1, 1, 9007199254740993n]],
    })
  })

  it('of the same name leave the rows’ order alone', async () => {
    await db.script('create table t (a)', 'insert into t values (3), (1), (2)')
    expect(await db.rows('select a, a from t order by a limit 2')).to.deep.equal([
      [1, 1],
      [2, 2],
    ])
    expect(await db.rows('select a, a from t where a > ? order by -a', [1])).to.deep.equal([
      [3, 3],
      [2, 2],
    ])
  })

  it('of the same name are evaluated once for each row', async () => {
    // Looked at twice, it would be now a small integer and now a large one.
    const either = 'abs(random()) % 2 * 9007199254740993 + 5'
    const sql = `with recursive n (i) as (values (1) union all select i + 1 from n where i < 60) select ${either} as a, i as a from n`
    const rows = await db.rows(sql)
    expect(rows.map((row) => row[1])).to.deep.equal(rows.map((_, i) => i + 1))
    expect(new Set(rows.map((row) => row[0]))).to.deep.equal(new Set([5, 9007199254740998n]))
  })

  it('that are parameters are called as these stand in the SQL', async () => {
    expect(await db.columns('select ?, ?', [5, 5_000_000_000])).to.deep.equal(['?', '?'])
    expect(await db.columns('select -:a, @b', { a: 6_000_000_000, b: 2n ** 60n })).to.deep.equal([
      '-:a',
      '@b',
    ])
  })

  it('of a view are called as the view says', async () => {
    await db.script('create table t (a, b)', 'create view v (x, "y z") as select a, b from t')
    expect(await db.columns('select * from v')).to.deep.equal(['x', 'y z'])
  })

  it('are none for INSERT, UPDATE, DELETE and DDL', async () => {
    await db.run('create table t (a)')
    for (const sql of ['insert into t values (1)', 'update t set a = 2', 'delete from t', 'drop table t']) {
      expect(await db.run(sql), sql).to.deep.include({ columns: null, types: null, rows: [] })
    }
  })

  it('have a declared type where the driver knows it', async () => {
    await db.run('create table t (a varchar(9), b, "c d" INTEGER primary key)')
    for (const sql of ['select a, b, "c d", a || b from t', 'select a, b, "c d", a || b from t limit 0']) {
      // sqlite3 has no call for it.
      const types = db.driver === 'sqlite3' ? [null, null, null, null] : ['varchar(9)', null, 'INTEGER', null]
      expect((await db.run(sql)).types, sql).to.deep.equal(types)
    }
  })
})

/** The sqlite3 driver: names and values as SQLite has them, in whichever way a result is read. */
import { expect } from 'chai'
import type { RowValues, SqlValue } from '../../../lib/drivers/driver.ts'
import { thrownBy } from '../contract.ts'
import { describeSqlite3, everyWay } from './connections.ts'

const BIG = 9007199254740993n
const SCHEMA = `
  create table t (id integer primary key, a text, b int, c real, d);
  insert into t values
    (1, 'x', 5, 2.5, null),
    (2, 'y' || char(0) || 'z', 9007199254740993, 1e300, x''),
    (3, null, -9223372036854775808, 9007199254740994.0, 9e999),
    (4, '🚲e' || char(0x301), 9223372036854775807, 9223372036854775808.0, '9007199254740993');
  create table e (a, b);
  create table odd ("1" int, "" text, "a:1", "true", "A", "x""y");
  insert into odd values (1, 'e', 'q', 'tt', 'AA', 9007199254740993);
  create view mixed as select c from t union all select b from t;
`

/** Statements, the names of their columns, their rows and their parameters. */
const CASES: [sql: string, names: string[], rows: RowValues[], params?: SqlValue[]][] = [
  // Names
  ['select 2, 1', ['2', '1'], [[2, 1]]],
  ['select b as "2", a as "1", id as "007" from t where id = 1', ['2', '1', '007'], [[5, 'x', 1]]],
  ['select * from odd', ['1', '', 'a:1', 'true', 'A', 'x"y'], [[1, 'e', 'q', 'tt', 'AA', BIG]]],
  ['select * from odd where 0', ['1', '', 'a:1', 'true', 'A', 'x"y'], []],
  ['select a, A from e', ['a', 'a'], []],
  ['select a as x, a as X, b as "x:1" from e', ['x', 'X', 'x:1'], []],
  ['select a as x, b as "x:1" from t where id = 1', ['x', 'x:1'], [['x', 5]]],
  ['select * from (select a, b as a from e)', ['a', 'a:1'], []],
  ['select true, false', ['true', 'false'], [[1, 0]]],
  ['select a as true, b as "FALSE" from e', ['true', 'FALSE'], []],
  ['select column1 from (values (1))', ['column1'], [[1]]],
  ['values (1, 2)', ['column1', 'column2'], [[1, 2]]],
  ['select 1 as "", 2 as ""', ['', ''], [[1, 2]]],
  [
    'select 1 as __proto__, 2 as __proto__, 3 as toString',
    ['__proto__', '__proto__', 'toString'],
    [[1, 2, 3]],
  ],
  ['select rowid, _rowid_, oid from t where id < 2', ['id', 'id', 'id'], [[1, 1, 1]]],
  ['select *, rowid from t where id < 1', ['id', 'a', 'b', 'c', 'd', 'id'], []],
  ['select rowid, * from t where 0', ['id', 'id', 'a', 'b', 'c', 'd'], []],
  ['select T.ID, B from t where ID < 2', ['id', 'b'], [[1, 5]]],
  ['select e.a, t.a, e.b from e, t', ['a', 'a', 'b'], []],
  ['select * from t join t as k using (id) where 0', ['id', 'a', 'b', 'c', 'd', 'a', 'b', 'c', 'd'], []],
  ['select a /* c */ , b -- d\n from t where id = 1', ['a', 'b'], [['x', 5]]],
  // Texts
  ['select 1 -- x', ['1 -- x'], [[1]]],
  ['select 1, 1 -- x', ['1', '1 -- x'], [[1, 1]]],
  ['select (select sum(id) from t) -- x', ['(select sum(id) from t) -- x'], [[10]]],
  ['select id from t where id < 3; -- c', ['id'], [[1], [2]]],
  [
    'select id, id from t where id < 3 /* open',
    ['id', 'id'],
    [
      [1, 1],
      [2, 2],
    ],
  ],
  ['; select id, id from t where id < 2 ;;', ['id', 'id'], [[1, 1]]],
  ['select id from t order by id desc limit 2', ['id'], [[4], [3]]],
  ['select id from t order by id desc limit -1 offset 3', ['id'], [[1]]],
  [
    'select id, id from t order by id limit 1, 2',
    ['id', 'id'],
    [
      [2, 2],
      [3, 3],
    ],
  ],
  ['select id from t limit ? offset ?', ['id'], [[2], [3]], [2, 1]],
  ['select id, id from t limit ? offset ?', ['id', 'id'], [[2, 2]], [1, 1]],
  ['select a from e union select id from t order by 1 desc limit 2', ['a'], [[4], [3]]],
  [
    'with n (i) as (values (1), (2)) select i, i * 2 from n order by -i',
    ['i', 'i * 2'],
    [
      [2, 4],
      [1, 2],
    ],
  ],
  [
    'with recursive n (i) as (select 1 union all select i + 1 from n where i < 3) select i from n',
    ['i'],
    [[1], [2], [3]],
  ],
  [
    'select id, sum(id) over (order by id) as s from t where id in (1, 2, 4)',
    ['id', 's'],
    [
      [1, 1],
      [2, 3],
      [4, 7],
    ],
  ],
  [
    'select k.id, (select max(id) from t where id < k.id) as below from t as k where k.id < 3',
    ['id', 'below'],
    [
      [1, null],
      [2, 1],
    ],
  ],
  ['select a collate nocase as q from t where id in (1, 4) order by q', ['q'], [['x'], ['🚲e\u0301']]],
  // Values
  [
    'select a, b from t where id > 1',
    ['a', 'b'],
    [
      ['y\0z', BIG],
      [null, -(2n ** 63n)],
      ['🚲e\u0301', 2n ** 63n - 1n],
    ],
  ],
  [
    'select c, typeof(c) from t where id > 1',
    ['c', 'typeof(c)'],
    [
      [1e300, 'real'],
      [2 ** 53 + 2, 'real'],
      [2 ** 63, 'real'],
    ],
  ],
  ['select d from t', ['d'], [[null], [Buffer.alloc(0)], [Number.POSITIVE_INFINITY], ['9007199254740993']]],
  [
    'select 1e19, -1e19, cast(9007199254740993 as real)',
    ['1e19', '-1e19', 'cast(9007199254740993 as real)'],
    [[1e19, -1e19, 2 ** 53]],
  ],
  [
    "select x'', '', zeroblob(1) from t where id < 2",
    ["x''", "''", 'zeroblob(1)'],
    [[Buffer.alloc(0), '', Buffer.alloc(1)]],
  ],
  // As SQLite itself reads a view's column that is REAL in its first part.
  [
    'select * from mixed',
    ['c'],
    [[2.5], [1e300], [2 ** 53 + 2], [2 ** 63], [5], [2 ** 53], [-(2 ** 63)], [2 ** 63]],
  ],
  ['select c from t where id = 1 union select b from t where id = 2', ['c'], [[2.5], [BIG]]],
  [
    'select c from t where id = 1 union all select b from t where id = 2 order by 1 desc',
    ['c'],
    [[BIG], [2.5]],
  ],
  [
    'select a from t where id = 1 union all select 5 union all select 9007199254740993',
    ['a'],
    [['x'], [5], [BIG]],
  ],
  // Parameters
  ['select ?3, ?1, ?', ['?3', '?1', '?'], [['c', 2 ** 53 - 1, 4]], [2 ** 53 - 1, 2, 'c', 4]],
  [
    'select :a, ?, @b, ?1 from t where id < 3',
    [':a', '?', '@b', '?1'],
    [
      [1, 5e9, 3, 1],
      [1, 5e9, 3, 1],
    ],
    [1, 5e9, 3],
  ],
  ['select ?4 from t where id = 1', ['?4'], [[BIG]], [1, 2, 3, BIG]],
  ['select id from t where b = ? or b = ?', ['id'], [[2], [4]], [BIG, 2n ** 63n - 1n]],
  [
    'select json_array(?), ?, ?/2 from t where id > 3',
    ['json_array(?)', '?', '?/2'],
    [['[1099511627776]', -(2 ** 31) - 1, 2 ** 40]],
    [2 ** 40, -(2 ** 31) - 1, 2 ** 41],
  ],
  [
    'select ? as x, typeof(?) as x from t where id < 3',
    ['x', 'x'],
    [
      [0, 'integer'],
      [0, 'integer'],
    ],
    [-0, -0],
  ],
]

describeSqlite3('results of sqlite3', ({ open }) => {
  for (const [sql, names, rows, params = []] of CASES) {
    it(`are exact: ${sql}`, async () => {
      const db = await open()
      await db.exec(SCHEMA)
      for (const outcome of await everyWay(db, sql, ...params)) {
        expect(outcome.names).to.deep.equal(names)
        expect(outcome.rows).to.deep.equal(rows)
      }
    })
  }

  it('evaluate random() once for each row', async () => {
    const db = await open()
    const many = 'with recursive n (i) as (select 1 union all select i + 1 from n where i < 300)'
    // Half of these are beyond 2^53: looked at twice, one of them would come out rounded, or as 5n.
    for (const { rows } of await everyWay(db, `${many} select abs(random()) >> 9 as r, i from n`)) {
      for (const [r] of rows as [number | bigint, number][]) {
        if (typeof r === 'bigint') expect(r > BigInt(Number.MAX_SAFE_INTEGER)).to.equal(true)
        else expect(Number.isSafeInteger(r)).to.equal(true)
      }
      expect(new Set(rows.map(([r]) => r)).size).to.equal(300)
      expect(rows.map(([, i]) => i)).to.deep.equal(Array.from({ length: 300 }, (_, i) => i + 1))
    }
  })

  it('are refused when their columns cannot be told apart', async () => {
    const db = await open()
    await db.exec('create table u (a, "a:1"); insert into u values (1, 2)')
    const error = await thrownBy(() => db.rows('select u.*, u.* from u'))
    expect(error).to.include({ name: 'NotSupportedError', code: 'UNSUPPORTED' })
    expect(error.message).to.contain('a name of its own')
  })

  it('take as many parameters as SQLite does', async () => {
    const db = await open()
    await db.exec(SCHEMA)
    const params = Array.from({ length: 32_766 }, () => 1)
    for (const { rows } of await everyWay(db, 'select id, ?32766 from t', ...params)) {
      expect(rows).to.deep.equal([
        [1, 1],
        [2, 1],
        [3, 1],
        [4, 1],
      ])
    }
  })

  for (const sql of ['select id, id as x, * from t', 'select rowid, * from t', 'select * from t']) {
    it(`have the names that another connection gave: ${sql}`, async () => {
      const [db, other] = [await open(), await open()]
      await db.run('pragma journal_mode = wal')
      await db.exec('create table t (id integer primary key, a); insert into t values (1, 2)')
      const statement = await db.prepare(sql)
      const before = (await statement.execute([])).columns!.map(({ name }) => name)
      const expectNow = async (id: string, more: string[]) => {
        const names = (await statement.execute([], { bytes: 1, ms: 1 })).columns!.map(({ name }) => name)
        expect(names).to.deep.equal([...before.map((name) => (name === 'id' ? id : name)), ...more])
      }
      await other.run('alter table t rename id to ID')
      await expectNow('ID', [])
      await other.run('alter table t add b')
      await expectNow('ID', ['b'])
      await statement.finalize()
    })
  }
})

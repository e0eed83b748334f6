/** The sqlite3 driver: RETURNING, whose rows come once only, so in a form that is exact or not at all. */
import { expect } from 'chai'
import type { RowValues, SqlValue } from '../../../lib/drivers/driver.ts'
import { thrownBy } from '../contract.ts'
import { CHUNK, describeSqlite3 } from './connections.ts'

const BIG = 9007199254740993n
const SCHEMA = `
  create table t (id integer primary key, a text, b int, c real, d);
  create table w (k text primary key, v, "2" int, "true") without rowid;
  create table log (x);
  create trigger logging after insert on t begin insert into log values (new.id), (new.id); end;
  insert into t (id, a, b) values (1, 'one', 1), (2, 'two', 9007199254740993);
  insert into w values ('p', 9007199254740993, 3, 4);
`

/** Statements, their columns' names, their rows, the number of rows changed, and their parameters. */
const CASES: [sql: string, names: string[], rows: RowValues[], changes: number, params?: SqlValue[]][] = [
  [
    'insert into t values (?, ?, ?, ?, ?) returning *',
    ['id', 'a', 'b', 'c', 'd'],
    [[BIG, 'x\0y', -(2n ** 63n), 2 ** 60, Buffer.alloc(0)]],
    1,
    [BIG, 'x\0y', -(2n ** 63n), 2 ** 60, new Uint8Array(0)],
  ],
  [
    'update t set d = 1 returning id, id as x, b as x, 7',
    ['id', 'x', 'x', '7'],
    [
      [1, 1, 1, 7],
      [2, 2, BIG, 7],
    ],
    2,
  ],
  [
    'delete from t where id = 2 returning *, id, *',
    ['id', 'a', 'b', 'c', 'd', 'id', 'id', 'a', 'b', 'c', 'd'],
    [[2, 'two', BIG, null, null, 2, 2, 'two', BIG, null, null]],
    1,
  ],
  [
    'replace into w values (?, ?, ?, ?) returning "true", "2", k',
    ['true', '2', 'k'],
    [['i5', BIG, 'p']],
    1,
    ['p', 't1', BIG, 'i5'],
  ],
  [
    "insert into w values ('p', 1, 2, 3) on conflict do update set v = v + 1 returning v -- c",
    ['v'],
    [[BIG + 1n]],
    1,
  ],
  ["insert into w values ('p', 1, 2, 3) on conflict do nothing returning v, v as v", ['v', 'v'], [], 0],
  [
    'with x (v) as (values (9007199254740995)) insert into main.t (b) select v from x returning rowid, [b];',
    ['id', 'b'],
    [[3, BIG + 2n]],
    1,
  ],
  [
    "update or ignore t as k set a = 'a,b)' where id < 2 returning 'x, y', (a), coalesce(b, 'q,') c, case when 1 then 9007199254740995 end",
    ["'x, y'", 'a', 'c', 'case when 1 then 9007199254740995 end'],
    [['x, y', 'a,b)', 1, BIG + 2n]],
    1,
  ],
  [
    'insert into t (b) values (?1) returning b, ?2 as "1", json_array(?1)',
    ['b', '1', 'json_array(?1)'],
    [[2 ** 45, 'z', '[35184372088832]']],
    1,
    [2 ** 45, 'z'],
  ],
  [
    'update t set c = 2 returning (select max(b) from t) as m, typeof(c)',
    ['m', 'typeof(c)'],
    [
      [BIG, 'real'],
      [BIG, 'real'],
    ],
    2,
  ],
]

describeSqlite3('RETURNING in sqlite3', ({ open }) => {
  for (const [sql, names, rows, changes, params = []] of CASES) {
    it(`is exact, the first time and the next: ${sql}`, async () => {
      for (const maxResultBytes of [undefined, 10_000]) {
        const db = await open(':memory:', maxResultBytes === undefined ? {} : { maxResultBytes })
        await db.exec(SCHEMA)
        const statement = await db.prepare(sql)
        for (let again = 0; again < 3; again++) {
          await db.exec('begin')
          const result = await statement.execute(params, CHUNK)
          expect(result.columns?.map(({ name }) => name)).to.deep.equal(names)
          expect(result).to.deep.include({ rows, changes, rest: null })
          expect(db.inTransaction).to.equal(true)
          await db.exec('rollback')
        }
        expect(await db.rows('select count(*), (select count(*) from log) from t')).to.deep.equal([[2, 4]])
        await statement.finalize()
      }
    })
  }

  it('has its effects once', async () => {
    const db = await open()
    await db.exec(SCHEMA)
    const inserted = await db.run('insert into t (b) values (1), (2) returning id, b as id, 9007199254740993')
    expect(inserted).to.deep.include({
      changes: 2,
      lastInsertRowid: 4,
      rows: [
        [3, 1, BIG],
        [4, 2, BIG],
      ],
    })
    expect(db.inTransaction).to.equal(false)
    expect(await db.rows('select x from log where x > 2')).to.deep.equal([[3], [3], [4], [4]])
    expect(await db.rows('select last_insert_rowid()')).to.deep.equal([[4]])
  })

  it('evaluates random() once for each row', async () => {
    const db = await open()
    await db.exec(SCHEMA)
    const { rows } = await db.run('insert into t (a) values (1), (2), (3) returning random() as r, id, id')
    expect(new Set(rows.map(([r]) => r)).size).to.equal(3)
  })

  it('follows an ALTER of another connection', async () => {
    const [db, other] = [await open(), await open()]
    await db.exec(`pragma journal_mode = wal; ${SCHEMA}`)
    const statement = await db.prepare('delete from w where k = ? returning *, k')
    const namesNow = async (key: string) => {
      const { columns, rows } = await statement.execute([key])
      expect(rows).to.have.lengthOf(key === 'none' ? 0 : 1)
      return columns!.map(({ name }) => name)
    }
    for (const key of ['none', 'p']) {
      expect(await namesNow(key)).to.deep.equal(['k', 'v', '2', 'true', 'k'])
    }
    await other.exec(
      "insert into w values ('q', 1, 2, 3); alter table w add more; alter table w rename v to V",
    )
    for (const key of ['none', 'q']) {
      expect(await namesNow(key)).to.deep.equal(['k', 'V', '2', 'true', 'more', 'k'])
    }
    await statement.finalize()
  })

  it('that fails tells SQLite’s own error, exact or not, and keeps what OR FAIL keeps', async () => {
    const db = await open()
    await db.exec('create table t (a unique)')
    const statement = await db.prepare('insert or fail into t values (?), (?) returning a, a as a')
    expect((await statement.execute([1, 2])).rows).to.deep.equal([
      [1, 1],
      [2, 2],
    ])
    expect(await thrownBy(() => statement.execute([3, 3]))).to.include({ code: 'SQLITE_CONSTRAINT_UNIQUE' })
    expect(await db.rows('select a from t')).to.deep.equal([[1], [2], [3]])
    await db.exec('begin')
    const rolling = await db.prepare('insert or rollback into t values (?) returning a, a as a')
    await rolling.execute([4])
    expect(await thrownBy(() => rolling.execute([4]))).to.include({ code: 'SQLITE_CONSTRAINT_UNIQUE' })
    expect(db.inTransaction).to.equal(false)
    expect(await db.rows('select count(*) from t')).to.deep.equal([[3]])
    await statement.finalize()
    await rolling.finalize()
  })

  it('is undone and refused when there is no way to be exact', async () => {
    const db = await open()
    await db.exec('create table u (a, "a:1")')
    for (const begin of [false, true]) {
      if (begin) await db.run('begin')
      const error = await thrownBy(() => db.run('insert into u values (1, 2) returning *, *'))
      expect(error).to.include({ name: 'NotSupportedError', code: 'UNSUPPORTED' })
      expect(error.message).to.contain('nothing was changed')
      expect(db.inTransaction).to.equal(begin)
      expect(await db.rows('select count(*) from u')).to.deep.equal([[0]])
    }
    await db.run('commit')
  })
})

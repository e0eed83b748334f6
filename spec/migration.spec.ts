/** README's "Coming from": what stands on its right-hand side does what stands on its left. */
import { existsSync } from 'node:fs'
import { expect } from 'chai'
import {
  connect,
  createPool,
  IntegrityError,
  type Pool,
  type Row,
  Row as RowClass,
  type RowObject,
} from 'forklite'
import { describeEachDriver, errorOf } from './support/drivers.ts'

describeEachDriver('coming from other packages', ({ driver, file }) => {
  let db: Pool<RowObject>

  beforeEach(async () => {
    db = await createPool(file(), { driver, readers: 1, rowFactory: 'object' })
    await db.executescript(
      'create table t (id integer primary key, name text unique); pragma user_version = 7',
    )
  })
  afterEach(() => db.close())

  it('run, get, all, each, exec, prepare, $names, serialize', async () => {
    const { lastrowid, rowcount } = await db.execute('insert into t (name) values ($name)', { $name: 'Ann' })
    expect([lastrowid, rowcount]).to.deep.equal([1, 1])
    expect(await db.execute('select * from t where id = $id', { id: 1 }).fetchone()).to.deep.equal({
      id: 1,
      name: 'Ann',
    })
    expect(await db.execute('select * from t where id = ?', [5]).fetchone()).to.equal(null)
    await db.executescript("insert into t (name) values ('Bob'); insert into t (name) values ('Cem')")
    expect(await db.execute('select name from t order by id').fetchall()).to.deep.equal([
      { name: 'Ann' },
      { name: 'Bob' },
      { name: 'Cem' },
    ])
    const names: unknown[] = []
    for await (const row of db.execute('select name from t order by id desc')) names.push(row.name)
    expect(names).to.deep.equal(['Cem', 'Bob', 'Ann'])
    const conn = await db.connect()
    const moved = await conn.transaction(async () => {
      conn.execute("update t set name = 'Dan' where id = 1")
      return conn.execute('select name from t where id = 1').fetchone()
    })
    expect(moved).to.deep.equal({ name: 'Dan' })
  })

  it('codes of errors, bigints, foreign keys', async () => {
    await db.execute("insert into t (name) values ('Ann')")
    const error = await errorOf(db.execute("insert into t (name) values ('Ann')"))
    expect(error).to.be.instanceOf(IntegrityError)
    expect(error.code).to.match(/^SQLITE_CONSTRAINT/)
    expect(await db.execute('select 9007199254740993 as n').fetchone()).to.deep.equal({
      n: 9007199254740993n,
    })
    expect(await db.execute('pragma foreign_keys').fetchone()).to.deep.equal({ foreign_keys: 1 })
  })

  it('raw, pluck, pragma, transaction, backup', async () => {
    const raw = await db.connect({ rowFactory: null })
    expect(await raw.execute('select 1, 2').fetchall()).to.deep.equal([[1, 2]])
    const plucked = await db.connect({ rowFactory: (_, [value]) => value })
    expect(await plucked.execute('values (1), (2)').fetchall()).to.deep.equal([1, 2])
    expect(await db.execute('pragma user_version').fetchone()).to.deep.equal({ user_version: 7 })
    const add = async (name: string) =>
      (await raw.execute('insert into t (name) values (?)', [name])).lastrowid
    expect(await raw.transaction(() => add('Ann'))).to.equal(1)
    await db.execute('vacuum into ?', [file('copy.db')])
    expect(existsSync(file('copy.db'))).to.equal(true)
  })

  it("Python's sqlite3", async () => {
    const con = await connect(file('app.db'), {
      driver,
      readers: 1,
      lockTimeoutMs: 5000,
      rowFactory: RowClass,
    })
    const cur = await con.execute('select ? as a, ? as b', [1, 'a'])
    const row = (await cur.fetchone()) as Row
    expect([row.a, row[1], row.get('B')]).to.deep.equal([1, 'a', 'a'])
    expect((await con.execute('select :id', { id: 1 }).fetchone())?.[0]).to.equal(1)
    await con.setIsolationLevel(null)
    await con.execute('create table t (a)')
    await con.execute('insert into t values (1)')
    expect([con.inTransaction, con.isolationLevel]).to.deep.equal([false, null])
    await con.close()
  })
})

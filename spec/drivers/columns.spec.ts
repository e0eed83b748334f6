/** Contract: columns, all of them, in order, as the schema is now; see contract.ts. */
import { expect } from 'chai'
import type { DriverStatement } from '../../lib/drivers/driver.ts'
import { describeEachDriver } from './contract.ts'

const namesOf = async (statement: DriverStatement) =>
  (await statement.execute([])).columns?.map(({ name }) => name)

describeEachDriver('a driver’s columns', ({ name, open, file }) => {
  it('are there when there are no rows', async () => {
    const db = await open()
    await db.run('create table t (a, b integer)')
    expect(await db.names('select a, b, a + b, count(*) as n from t group by 1')).to.deep.equal([
      'a',
      'b',
      'a + b',
      'n',
    ])
    expect(await db.names('select * from t;')).to.deep.equal(['a', 'b'])
    expect(await db.names('with x as (select * from t) select * from x -- c')).to.deep.equal(['a', 'b'])
    expect(await db.names('select * from t where a = ? limit ?', 5_000_000_000, 1)).to.deep.equal(['a', 'b'])
    expect(await db.names('values (1, 2)')).to.deep.equal(['column1', 'column2'])
    expect(await db.names('insert into t values (1, 2)')).to.equal(null)
  })

  it('have a declared type where the driver knows it', async () => {
    const db = await open()
    await db.run('create table t (a varchar(9), b)')
    const type = name === 'sqlite3' ? null : 'varchar(9)'
    const { columns } = await db.run('select a, b from t')
    expect(columns).to.deep.equal([
      { name: 'a', type },
      { name: 'b', type: null },
    ])
  })

  it('stay when their names are the same, or numbers', async () => {
    const db = await open()
    await db.run('create table t (a, b)')
    const sql = 'select x.a, y.a, x.b, y.a as "2", x.a as "1", y.* from t x, t y'
    const names = ['a', 'a', 'b', '2', '1', 'a', 'b']
    expect(await db.names(sql)).to.deep.equal(names)
    await db.run('insert into t values (1, 9007199254740993)')
    expect(await db.names(sql)).to.deep.equal(names)
    expect(await db.rows(sql)).to.deep.equal([[1, 1, 9007199254740993n, 1, 1, 1, 9007199254740993n]])
    expect(await db.rows('select 2, 1')).to.deep.equal([[2, 1]])
    expect(await db.names('select 2, 1')).to.deep.equal(['2', '1'])
    expect(await db.rows('select 1 as __proto__, 2 as constructor')).to.deep.equal([[1, 2]])
  })

  it('stay in the rows’ order when they are read by a subquery', async () => {
    const db = await open()
    await db.run('create table t (a)')
    await db.run('insert into t values (3), (1), (2)')
    expect(await db.rows('select a, a from t order by a limit 2')).to.deep.equal([
      [1, 1],
      [2, 2],
    ])
    expect(await db.rows('select a, a from t where a > ? order by -a', 1)).to.deep.equal([
      [3, 3],
      [2, 2],
    ])
  })

  it('of RETURNING stay', async () => {
    const db = await open()
    await db.run('create table t (a)')
    const { columns, rows } = await db.run('insert into t values (1) returning a, a + 1 as a, 7')
    expect(columns?.map((column) => column.name)).to.deep.equal(['a', 'a', '7'])
    expect(rows).to.deep.equal([[1, 2, 7]])
    expect(await db.rows('select * from t')).to.deep.equal([[1]])
  })

  it('are the same object as long as nothing changes', async () => {
    const db = await open()
    await db.run('create table t (a, b)')
    await db.run('insert into t values (1, 2)')
    const statement = await db.prepare('select * from t')
    const first = (await statement.execute([])).columns
    await db.run('create table other (x)')
    await db.exec('begin')
    expect((await statement.execute([])).columns).to.equal(first)
    await db.exec('rollback')
    expect((await statement.execute([])).columns).to.equal(first)
    await statement.finalize()
  })

  for (const rows of [0, 1]) {
    it(`follow an ALTER of their own connection, with ${rows} rows`, async () => {
      const db = await open()
      await db.run('create table t (a)')
      if (rows) await db.run('insert into t values (1)')
      const statement = await db.prepare('select * from t')
      expect(await namesOf(statement)).to.deep.equal(['a'])
      await db.run('alter table t add b')
      expect(await namesOf(statement)).to.deep.equal(['a', 'b'])
      await db.exec('begin; alter table t rename b to c')
      expect(await namesOf(statement)).to.deep.equal(['a', 'c'])
      await db.run('alter table t rename c to d')
      expect(await namesOf(statement)).to.deep.equal(['a', 'd'])
      await db.run('rollback')
      expect(await namesOf(statement)).to.deep.equal(['a', 'b'])
      await statement.finalize()
    })

    it(`follow an ALTER of another connection, with ${rows} rows`, async () => {
      const [db, other] = [await open(), await open()]
      await db.run('pragma journal_mode = wal')
      await db.run('create table t (a)')
      if (rows) await db.run('insert into t values (1)')
      const statement = await db.prepare('select * from t')
      for (let i = 0; i < 3; i++) expect(await namesOf(statement)).to.deep.equal(['a'])
      await other.run('alter table t rename a to b')
      expect(await namesOf(statement)).to.deep.equal(['b'])
      await other.run('alter table t add c')
      expect(await namesOf(statement)).to.deep.equal(['b', 'c'])
      await statement.finalize()
    })
  }

  it('stay as they are in a transaction that began before another’s ALTER', async () => {
    const [db, other] = [await open(), await open()]
    await db.run('pragma journal_mode = wal')
    await db.run('create table t (a)')
    const statement = await db.prepare('select * from t')
    await db.run('begin')
    expect(await namesOf(statement)).to.deep.equal(['a'])
    await other.run('alter table t rename a to b')
    expect(await namesOf(statement)).to.deep.equal(['a'])
    await db.run('commit')
    expect(await namesOf(statement)).to.deep.equal(['b'])
    await statement.finalize()
  })

  it('follow a version that was rolled back and given again', async () => {
    const [db, other] = [await open(), await open()]
    await db.run('pragma journal_mode = wal')
    await db.run('create table t (a)')
    const statement = await db.prepare('select * from t')
    await db.run('begin')
    await db.run('alter table t rename a to b')
    expect(await namesOf(statement)).to.deep.equal(['b'])
    await db.run('rollback')
    await other.run('alter table t rename a to c')
    expect(await namesOf(statement)).to.deep.equal(['c'])
    await statement.finalize()
  })

  it('follow an ALTER in an attached database', async () => {
    const [db, other] = [await open(), await open(file('other.db'))]
    await other.run('create table t (a)')
    await db.run('attach ? as o', file('other.db'))
    const statement = await db.prepare('select * from o.t')
    for (let i = 0; i < 3; i++) expect(await namesOf(statement)).to.deep.equal(['a'])
    await other.run('alter table t rename a to b')
    expect(await namesOf(statement)).to.deep.equal(['b'])
    await statement.finalize()
  })

  it('follow what is done by the handle given away', async () => {
    const db = await open()
    await db.run('create table t (a)')
    const statement = await db.prepare('select * from t')
    const handle = db.raw.handle as { exec(sql: string, done?: (error: Error | null) => void): void }
    await db.run('begin')
    expect(await namesOf(statement)).to.deep.equal(['a'])
    await new Promise<void>((done) => {
      if (name === 'sqlite3') handle.exec('alter table t rename a to b', () => done())
      else done(handle.exec('alter table t rename a to b'))
    })
    expect(await namesOf(statement)).to.deep.equal(['b'])
    await statement.finalize()
  })
})

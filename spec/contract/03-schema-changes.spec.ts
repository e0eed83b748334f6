/**
 * Contract: a statement that was prepared before the schema changed tells the columns of now, whoever changed
 * it; see subjects.ts. `columns` are read before the first row is.
 */
import { expect } from 'chai'
import type { Runner } from './runners.ts'
import { describeContract } from './subjects.ts'

describeContract('columns after a change of the schema', (db) => {
  /** Changes of `create table t (a, b)`, and what `select *` then gives for the row (1, 2). */
  const changes: [what: string, sql: string[], names: string[], row: unknown[]][] = [
    ['rename', ['alter table t rename b to c'], ['a', 'c'], [1, 2]],
    ['add', ['alter table t add c default 3'], ['a', 'b', 'c'], [1, 2, 3]],
    ['drop', ['alter table t drop b'], ['a'], [1]],
    ['drop and add', ['alter table t drop a', 'alter table t add z default 9'], ['b', 'z'], [2, 9]],
    [
      'swap',
      ['alter table t rename a to x', 'alter table t rename b to a', 'alter table t rename x to b'],
      ['b', 'a'],
      [1, 2],
    ],
    [
      'a new table',
      ['drop table t', 'create table t (x, y, z)', 'insert into t values (7, 8, 9)'],
      ['x', 'y', 'z'],
      [7, 8, 9],
    ],
  ]
  const twice = (names: string[]) => [...names, ...names]

  async function make(): Promise<void> {
    await db.script('create table t (a, b)', 'insert into t values (1, 2)')
    expect(await db.run('select * from t')).to.deep.include({ columns: ['a', 'b'], rows: [[1, 2]] })
    expect(await db.run('select * from t where rowid > 5')).to.deep.include({ columns: ['a', 'b'], rows: [] })
    expect(await db.columns('select x.*, y.* from t x, t y')).to.deep.equal(['a', 'b', 'a', 'b'])
  }

  for (const [what, sql, names, row] of changes) {
    const expectChange = async (change: (sql: string) => Promise<unknown>): Promise<void> => {
      await make()
      for (const step of sql) await change(step)
      expect(await db.run('select * from t')).to.deep.include({ columns: names, rows: [row] })
      expect(await db.run('select * from t where rowid > 5')).to.deep.include({ columns: names, rows: [] })
      expect(await db.run('select x.*, y.* from t x, t y')).to.deep.include({
        columns: twice(names),
        rows: [[...row, ...row]],
      })
      expect((await db.rows('pragma table_info(t)')).map((info) => info[1])).to.deep.equal(names)
    }

    it(`follow their own connection's: ${what}`, async () => {
      await expectChange((step) => db.run(step))
    })

    it(`follow their own connection's in a transaction, and its rollback: ${what}`, async () => {
      await db.script('create table other (x)', 'begin')
      await expectChange((step) => db.run(step))
      await db.run('rollback')
      await make()
    })

    it(`follow another connection's: ${what}`, async () => {
      let other: Runner | undefined
      await expectChange(async (step) => {
        other ??= await db.other()
        await other.run(step)
      })
    })
  }

  for (const rows of [0, 1]) {
    it(`follow one change after the other, with ${rows} rows`, async () => {
      const columns = () => db.columns('select * from t')
      await db.run('create table t (a)')
      if (rows) await db.run('insert into t values (1)')
      expect(await columns()).to.deep.equal(['a'])
      await db.run('alter table t add b')
      expect(await columns()).to.deep.equal(['a', 'b'])
      await db.script('begin', 'alter table t rename b to c')
      expect(await columns()).to.deep.equal(['a', 'c'])
      await db.run('alter table t rename c to d')
      expect(await columns()).to.deep.equal(['a', 'd'])
      await db.run('rollback')
      expect(await columns()).to.deep.equal(['a', 'b'])
    })

    it(`follow one change of another connection after the other, with ${rows} rows`, async () => {
      const columns = () => db.columns('select * from t')
      await db.run('create table t (a)')
      if (rows) await db.run('insert into t values (1)')
      const other = await db.other()
      for (let i = 0; i < 3; i++) expect(await columns()).to.deep.equal(['a'])
      await other.run('alter table t rename a to b')
      expect(await columns()).to.deep.equal(['b'])
      await other.run('alter table t add c')
      expect(await columns()).to.deep.equal(['b', 'c'])
      await other.run('alter table t drop b')
      expect(await columns()).to.deep.equal(['c'])
    })
  }

  it('stay as they are in a transaction that began before another’s ALTER', async () => {
    await db.run('create table t (a)')
    const other = await db.other()
    await db.run('begin')
    expect(await db.columns('select * from t')).to.deep.equal(['a'])
    await other.run('alter table t rename a to b')
    expect(await db.columns('select * from t')).to.deep.equal(['a'])
    await db.run('commit')
    expect(await db.columns('select * from t')).to.deep.equal(['b'])
  })

  it('follow another’s ALTER between two transactions', async () => {
    await db.run('create table t (a)')
    const other = await db.other()
    for (const [name, next] of [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
    ]) {
      await db.run('begin')
      expect(await db.columns('select * from t')).to.deep.equal([name])
      expect(await db.columns('select * from t')).to.deep.equal([name])
      await db.run('commit')
      await other.run(`alter table t rename ${name} to ${next}`)
    }
  })

  it('follow a schema version that was rolled back and given again', async () => {
    await db.run('create table t (a)')
    const other = await db.other()
    await db.run('begin')
    await db.run('alter table t rename a to b')
    expect(await db.columns('select * from t')).to.deep.equal(['b'])
    await db.run('rollback')
    await other.run('alter table t rename a to c')
    expect(await db.columns('select * from t')).to.deep.equal(['c'])
  })

  it('follow a view that was made anew', async () => {
    await db.run('create view v as select 1 as a, 2 as b')
    expect(await db.run('select * from v')).to.deep.include({ columns: ['a', 'b'], rows: [[1, 2]] })
    await db.script('drop view v', 'create view v as select 3 as c')
    expect(await db.run('select * from v')).to.deep.include({ columns: ['c'], rows: [[3]] })
  })

  it('of RETURNING * follow an ALTER', async () => {
    const sql = 'insert into t (a) values (1) returning *'
    await db.run('create table t (a)')
    expect(await db.run(sql)).to.deep.include({ columns: ['a'], rows: [[1]] })
    await db.run('alter table t add b default 2')
    expect(await db.run(sql)).to.deep.include({ columns: ['a', 'b'], rows: [[1, 2]] })
    await (await db.other()).run('alter table t rename b to c')
    expect(await db.run(sql)).to.deep.include({ columns: ['a', 'c'], rows: [[1, 2]] })
    await db.run('delete from t')
    expect(await db.run('delete from t returning *')).to.deep.include({ columns: ['a', 'c'], rows: [] })
  })

  it('that are gone make the statement an error, and again good when they are back', async () => {
    await db.script('create table t (a, b)', 'insert into t values (1, 2)')
    expect(await db.rows('select b from t')).to.deep.equal([[2]])
    await db.run('alter table t drop b')
    const error = await db.error('select b from t')
    expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_ERROR' })
    expect(error.message).to.contain('no such column: b')
    await db.run('alter table t add b default 3')
    expect(await db.rows('select b from t')).to.deep.equal([[3]])
  })

  it('that are more make INSERT without a list an error', async () => {
    await db.run('create table t (a)')
    await db.run('insert into t values (?)', [1])
    await db.run('alter table t add b')
    const error = await db.error('insert into t values (?)', [2])
    expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_ERROR' })
    expect(error.message).to.contain('has 2 columns but 1 values')
    expect(await db.rows('select * from t')).to.deep.equal([[1, null]])
  })
})

/**
 * What only a driver's own interface shows of a statement's columns; see contract.ts. Which they are is in
 * spec/contract.
 */
import { expect } from 'chai'
import type { DriverStatement } from '../../lib/drivers/driver.ts'
import { describeEachDriver } from './contract.ts'

const namesOf = async (statement: DriverStatement) =>
  (await statement.execute([])).columns?.map(({ name }) => name)

describeEachDriver('a driver’s columns', ({ name, open, file }) => {
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

/**
 * Contract: a statement that has ended keeps nothing open. What stayed unreset would hold its connection's
 * snapshot, and all it reads later would be stale. See contract.ts.
 */
import { expect } from 'chai'
import { describeEachDriver, type TestConnection, thrownBy } from './contract.ts'

describeEachDriver('a driver’s ended statement', ({ open }) => {
  /** Two connections to one file in WAL. */
  async function pair(): Promise<[db: TestConnection, other: TestConnection]> {
    const db = await open()
    await db.run('pragma journal_mode = wal')
    await db.run('create table t (a)')
    return [db, await open()]
  }

  async function expectToSee(db: TestConnection, other: TestConnection): Promise<void> {
    const count = await db.prepare('select count(*) from t')
    const before = (await count.execute([])).rows[0]![0] as number
    for (const more of [1, 2]) {
      await other.run('insert into t values (1)')
      expect((await count.execute([])).rows, `write ${more}`).to.deep.equal([[before + more]])
    }
  }

  const ended = [
    'explain select * from t',
    'explain query plan select * from t',
    'explain insert into t values (1)',
    'select a from t',
    'values (1), (2)',
    'insert into t values (1)',
    'insert into t values (1) returning a',
    'pragma table_info(t)',
    'pragma database_list',
    'pragma user_version = 3',
    'pragma wal_checkpoint',
    'pragma integrity_check',
    'create table if not exists t (a)',
    'reindex t',
  ]
  for (const sql of ended) {
    it(`lets its connection see another’s writes: ${sql}`, async () => {
      const [db, other] = await pair()
      await db.run('insert into t values (0)')
      // Kept, as the child keeps what it may run again.
      const statement = await db.prepare(sql)
      await statement.execute([])
      await expectToSee(db, other)
      await statement.execute([])
      await expectToSee(db, other)
      await statement.finalize()
    })
  }

  const failed: [sql: string, params: (number | bigint)[]][] = [
    ['insert into t values (?)', [1]],
    ['insert into t values (?) returning a', [1]],
    ['update t set a = abs(?)', [1]],
    ['begin immediate', []],
    ['create table u (a)', []],
  ]
  for (const [sql, params] of failed) {
    it(`that failed at another’s lock too: ${sql}`, async () => {
      const [db, other] = await pair()
      const statement = await db.prepare(sql)
      await other.run('begin immediate')
      expect((await thrownBy(() => statement.execute(params))).code).to.equal('SQLITE_BUSY')
      await other.run('rollback')
      expect(db.inTransaction).to.equal(false)
      await expectToSee(db, other)
      await statement.execute(params)
    })
  }

  it('that failed in its middle too', async () => {
    const [db, other] = await pair()
    await db.run('insert into t values (1), (2)')
    const statement = await db.prepare('select abs(-9223372036854775807 - (a - 1)) from t')
    expect((await thrownBy(() => statement.execute([]))).message).to.include('overflow')
    await expectToSee(db, other)
    await statement.finalize()
  })

  it('that failed at a lock does not keep a read or a commit of its connection from ending', async () => {
    const db = await open()
    await db.run('create table t (a)')
    const other = await open()
    const read = await other.prepare('select count(*) from t')
    const insert = await other.prepare('insert into t values (1)')
    await db.run('begin exclusive')
    expect((await thrownBy(() => read.execute([]))).code).to.equal('SQLITE_BUSY')
    expect((await thrownBy(() => insert.execute([]))).code).to.equal('SQLITE_BUSY')
    await db.run('commit')
    await db.run('insert into t values (1)')
    expect((await read.execute([])).rows).to.deep.equal([[1]])
    await other.run('begin')
    await other.run('insert into t values (2)')
    await other.run('commit')
    await db.run('insert into t values (3)')
    expect((await read.execute([])).rows).to.deep.equal([[3]])
  })
})

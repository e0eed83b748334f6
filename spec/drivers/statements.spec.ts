/**
 * What only a driver's own interface shows of a statement and a connection; see contract.ts. Results, values and
 * columns are in spec/contract.
 */
import { expect } from 'chai'
import { describeEachDriver, thrownBy } from './contract.ts'

describeEachDriver('a driver’s statements', ({ name, driver, open, file }) => {
  it('tell changes and the last rowid beside the rows', async () => {
    const db = await open()
    expect(await db.run('create table t (id integer primary key, name text)')).to.deep.include({
      columns: null,
      rows: [],
      changes: 0,
    })
    expect(await db.run('insert into t (name) values (?), (?)', 'a', 'b')).to.deep.include({
      columns: null,
      rows: [],
      changes: 2,
      lastInsertRowid: 2,
      rest: null,
    })
  })

  it('answer at once if the driver is synchronous', async () => {
    const { raw } = await open()
    const statement = raw.prepare('select 1', [])
    expect(statement instanceof Promise).to.equal(name === 'sqlite3')
    if (statement instanceof Promise) await (await statement).finalize()
    else expect(statement.execute([])).to.have.property('rows')
  })

  it('run one after the other when not awaited', async () => {
    const db = await open()
    await db.run('create table t (a)')
    const insert = await db.prepare('insert into t values (?)')
    await Promise.all([1, 2, 3].map((n) => insert.execute([n])))
    await insert.finalize()
    expect(await db.rows('select a from t order by rowid')).to.deep.equal([[1], [2], [3]])
  })

  const styles: [sql: string, params: (number | string)[], row: (number | string | null)[]][] = [
    ['select ?, ?', [1, 'b'], [1, 'b']],
    ['select ?2, ?1, ?2', [1, 2], [2, 1, 2]],
    ['select :a, :b, :a', ['x', 'y'], ['x', 'y', 'x']],
    ['select @a, $b', ['x', 'y'], ['x', 'y']],
    ['select ?, :a, ?', [1, 2, 3], [1, 2, 3]],
    ['select ?3, ?', [0, 0, 3, 4], [3, 4]],
    ['select ?3', [7, 8, 9], [9]],
    ['select :__proto__, :constructor', [1, 2], [1, 2]],
  ]
  for (const [sql, params, row] of styles) {
    it(`take parameters by place, whatever their style: ${sql}`, async () => {
      expect(await (await open()).rows(sql, ...params)).to.deep.equal([row])
    })
  }

  it('keep the names of columns that are parameters, of mixed styles too', async () => {
    expect(await (await open()).names('select ?, -:a', 5_000_000_000, 6_000_000_000)).to.deep.equal([
      '?',
      '-:a',
    ])
  })

  it('refuse another number of parameters', async () => {
    const statement = await (await open()).prepare('select ?, ?')
    expect(await thrownBy(() => statement.execute([1]))).to.include({
      name: 'DriverError',
      code: 'SQLITE_MISUSE',
    })
    expect(await thrownBy(() => statement.execute([1, 2, 3]))).to.include({ code: 'SQLITE_MISUSE' })
    await statement.finalize()
  })

  it('refuse an integer of more than 64 bits', async () => {
    const db = await open()
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) {
      expect(await thrownBy(() => db.rows('select ?', value))).to.include({ code: 'SQLITE_TOOBIG' })
    }
  })

  it('set WAL, and tell', async () => {
    expect(await (await open()).rows('pragma journal_mode = wal')).to.deep.equal([['wal']])
  })

  it('exec runs several', async () => {
    const db = await open()
    await db.exec('create table t (a); insert into t values (1); -- c\n; insert into t values (2)')
    expect(await db.rows('select count(*) from t')).to.deep.equal([[2]])
  })

  it('close() may be called twice, with statements left, and ends the connection', async () => {
    const db = await open()
    await db.run('create table t (a)')
    const statement = await db.prepare('select * from t')
    await db.close()
    await db.close()
    expect(db.inTransaction).to.equal(false)
    expect(await thrownBy(() => statement.execute([]))).to.include({ code: 'SQLITE_MISUSE' })
    expect(await thrownBy(() => db.run('select 1'))).to.include({ code: 'SQLITE_MISUSE' })
    await statement.finalize()
  })

  it('close() rolls back', async () => {
    const db = await open()
    await db.run('create table t (a)')
    await db.run('begin')
    await db.run('insert into t values (1)')
    await db.close()
    expect(await (await open()).rows('select * from t')).to.deep.equal([])
  })

  it('open a file whose name looks like a URI or has blanks inside', async () => {
    const path = file('file:a b?mode=memory')
    const db = await open(path)
    await db.run('create table t (a)')
    expect((await db.rows('pragma database_list'))[0]?.[2]).to.equal(path)
    expect(driver.name).to.equal(name)
  })
})

/** Contract: statements and their results; see contract.ts. */
import { expect } from 'chai'
import { describeEachDriver, thrownBy } from './contract.ts'

describeEachDriver('a driver’s statements', ({ name, driver, open, file }) => {
  it('create, insert, select, update and delete', async () => {
    const db = await open()
    const created = await db.run('create table t (id integer primary key, name text)')
    expect(created).to.deep.include({ columns: null, rows: [], changes: 0 })
    const inserted = await db.run('insert into t (name) values (?), (?)', 'a', 'b')
    expect(inserted).to.deep.include({ columns: null, rows: [], changes: 2, lastInsertRowid: 2 })
    expect(await db.rows('select id, name from t order by id')).to.deep.equal([
      [1, 'a'],
      [2, 'b'],
    ])
    expect((await db.run('update t set name = ? where id = ?', 'c', 2)).changes).to.equal(1)
    expect((await db.run('delete from t where id = 7')).changes).to.equal(0)
    expect((await db.run('delete from t')).changes).to.equal(2)
    expect(await db.rows('select * from t')).to.deep.equal([])
  })

  it('answer at once if the driver is synchronous', async () => {
    const { raw } = await open()
    const statement = raw.prepare('select 1', [])
    expect(statement instanceof Promise).to.equal(name === 'sqlite3')
    if (statement instanceof Promise) await (await statement).finalize()
    else expect(statement.execute([])).to.have.property('rows')
  })

  it('run again with other parameters', async () => {
    const db = await open()
    const statement = await db.prepare('select ? + 1')
    for (const n of [1, 2, 3]) expect((await statement.execute([n])).rows).to.deep.equal([[n + 1]])
    await statement.finalize()
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
    it(`take parameters by place: ${sql}`, async () => {
      expect(await (await open()).rows(sql, ...params)).to.deep.equal([row])
    })
  }

  it('tell :a and @a apart, or refuse them', async () => {
    const db = await open()
    if (name === 'better-sqlite3') {
      const error = await thrownBy(() => db.run('select :a, @a', 1, 2))
      expect(error).to.include({ name: 'NotSupportedError', code: 'UNSUPPORTED' })
      expect(error.message).to.contain(':a and @a')
    } else {
      expect(await db.rows('select :a, @a', 1, 2)).to.deep.equal([[1, 2]])
    }
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

  it('tell the changes and the rowid of RETURNING', async () => {
    const db = await open()
    await db.run('create table t (id integer primary key, name text unique)')
    const sql = 'insert into t (name) values (?), (?) returning id, name'
    const inserted = await db.run(sql, 'a', 'b')
    expect(inserted.rows).to.deep.equal([
      [1, 'a'],
      [2, 'b'],
    ])
    expect(inserted.columns?.map((column) => column.name)).to.deep.equal(['id', 'name'])
    expect(inserted).to.include({ changes: 2, lastInsertRowid: 2 })
    const updated = await db.run('update t set name = name || ? where id > 5 returning name, *', '!')
    expect(updated).to.deep.include({ rows: [], changes: 0 })
    expect(updated.columns?.map((column) => column.name)).to.deep.equal(['name', 'id', 'name'])
    const ignored = await db.run("insert into t (name) values ('a') on conflict do nothing returning id as n")
    expect(ignored).to.deep.include({ rows: [], changes: 0 })
    expect(ignored.columns?.map((column) => column.name)).to.deep.equal(['n'])
    expect(await db.rows("with x (v) as (values ('z')) delete from main.t returning id")).to.have.lengthOf(2)
    expect(db.inTransaction).to.equal(false)
  })

  it('keep the rows before the failing one of INSERT OR FAIL … RETURNING', async () => {
    const db = await open()
    await db.run('create table t (a unique)')
    const error = await thrownBy(() => db.run('insert or fail into t values (1), (2), (1), (3) returning a'))
    expect(error.code).to.equal('SQLITE_CONSTRAINT_UNIQUE')
    expect(db.inTransaction).to.equal(false)
    expect(await db.rows('select a from t')).to.deep.equal([[1], [2]])
  })

  it('tell no changes of anything else, whatever was changed before', async () => {
    const db = await open()
    await db.run('create table t (a)')
    await db.run('insert into t values (1), (2), (3)')
    const others = [
      'create table u as select * from t',
      'create index i on t (a)',
      'alter table t add b',
      'begin',
      'commit',
      'pragma user_version = 3',
      'select * from t',
      'explain delete from t',
      'drop table u',
      'vacuum',
    ]
    for (const sql of others) expect((await db.run(sql)).changes, sql).to.equal(0)
  })

  it('do not count what triggers change', async () => {
    const db = await open()
    await db.exec(
      'create table t (a); create table log (a); create trigger x after insert on t begin insert into log values (1), (2); end',
    )
    expect((await db.run('insert into t values (1)')).changes).to.equal(1)
    expect((await db.run('insert into t values (1) returning a')).changes).to.equal(1)
  })

  it('run a pragma, with rows and without', async () => {
    const db = await open()
    expect(await db.rows('pragma journal_mode = wal')).to.deep.equal([['wal']])
    expect(await db.run('pragma user_version = 5')).to.deep.include({ columns: null, rows: [] })
    expect(await db.run('pragma user_version')).to.deep.include({ rows: [[5]] })
    expect(await db.names('pragma user_version')).to.deep.equal(['user_version'])
    expect(await db.names('pragma table_info(missing)')).to.deep.equal([
      'cid',
      'name',
      'type',
      'notnull',
      'dflt_value',
      'pk',
    ])
  })

  it('explain', async () => {
    const db = await open()
    expect((await db.names('explain select 1'))?.slice(0, 3)).to.deep.equal(['addr', 'opcode', 'p1'])
    expect(await db.names('explain query plan select 1')).to.include('detail')
  })

  it('exec runs several statements', async () => {
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

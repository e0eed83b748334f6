/** Contract: errors are DriverErrors with SQLite's code by name and SQLite's own text; see contract.ts. */
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { codeName, refineCode } from '../../lib/drivers/codes.ts'
import { describeEachDriver, thrownBy } from './contract.ts'

describeEachDriver('a driver’s errors', ({ name, open, file }) => {
  const schema =
    'create table t (id integer primary key, u unique, n not null default 0, c check (c > 0), r references t (id))'

  const cases: [what: string, sql: string, code: string, message: RegExp][] = [
    [
      'UNIQUE',
      'insert into t (u) values (1), (1)',
      'SQLITE_CONSTRAINT_UNIQUE',
      /^UNIQUE constraint failed: t.u$/,
    ],
    ['NOT NULL', 'insert into t (n) values (null)', 'SQLITE_CONSTRAINT_NOTNULL', /^NOT NULL constraint/],
    ['CHECK', 'insert into t (c) values (0)', 'SQLITE_CONSTRAINT_CHECK', /^CHECK constraint/],
    [
      'a foreign key',
      'insert into t (r) values (99)',
      'SQLITE_CONSTRAINT_FOREIGNKEY',
      /^FOREIGN KEY constraint/,
    ],
    ['syntax', 'selec 1', 'SQLITE_ERROR', /^near "selec": syntax error$/],
    ['a missing table', 'select * from nope', 'SQLITE_ERROR', /^no such table: nope$/],
    ['a missing column', 'select nope from t', 'SQLITE_ERROR', /^no such column: nope/],
    ['a wrong type', "insert into t (id) values ('x')", 'SQLITE_MISMATCH', /^datatype mismatch$/],
    ['no statement', ' -- nothing', 'SQLITE_MISUSE', /no (SQL )?statement/],
  ]
  for (const [what, sql, code, message] of cases) {
    it(`${what}: ${code}`, async () => {
      const db = await open()
      await db.exec('pragma foreign_keys = on')
      await db.exec(schema)
      const error = await thrownBy(() => db.run(sql))
      expect(error).to.include({ name: 'DriverError', code })
      expect(error.message).to.match(message)
      if (what !== 'no statement') expect(error.cause).to.be.instanceOf(Error)
    })
  }

  it('a primary key: the package’s best', async () => {
    const db = await open()
    await db.exec(schema)
    const error = await thrownBy(() => db.run('insert into t (id) values (1), (1)'))
    expect(error.code).to.equal(`SQLITE_CONSTRAINT_${name === 'sqlite3' ? 'UNIQUE' : 'PRIMARYKEY'}`)
  })

  it('of exec too', async () => {
    const db = await open()
    expect(await thrownBy(() => db.exec('select 1; nonsense'))).to.include({
      name: 'DriverError',
      code: 'SQLITE_ERROR',
    })
  })

  it('a missing directory, a directory, and a missing file read-only: SQLITE_CANTOPEN', async () => {
    for (const [path, readonly] of [
      [file('no/such/dir.db'), false],
      [file('missing.db'), true],
      [file('.'), false],
    ] as const) {
      const error = await thrownBy(() => open(path, { readonly }))
      expect(error.code, path).to.match(/^SQLITE_CANTOPEN/)
      expect(error.message).to.contain('unable to open database file')
    }
  })

  it('a file that is no database: SQLITE_NOTADB', async () => {
    writeFileSync(file(), 'no database at all '.repeat(100))
    const db = await open()
    expect(await thrownBy(() => db.run('select * from sqlite_schema'))).to.include({ code: 'SQLITE_NOTADB' })
  })

  it('writing read-only: SQLITE_READONLY', async () => {
    await (await open()).run('create table t (a)')
    const db = await open(file(), { readonly: true })
    expect(await db.rows('select * from t')).to.deep.equal([])
    for (const sql of ['insert into t values (1)', 'insert into t values (1) returning a', 'drop table t']) {
      expect(await thrownBy(() => db.run(sql)), sql).to.include({
        name: 'DriverError',
        code: 'SQLITE_READONLY',
      })
    }
  })

  it('a lock held by another connection: SQLITE_BUSY', async () => {
    const [db, other] = [await open(), await open()]
    await db.run('create table t (a)')
    await other.run('begin exclusive')
    expect(await thrownBy(() => db.run('insert into t values (1)'))).to.include({ code: 'SQLITE_BUSY' })
    expect(await thrownBy(() => db.run('insert into t values (1) returning a'))).to.include({
      code: 'SQLITE_BUSY',
    })
    expect(db.inTransaction).to.equal(false)
    await other.run('commit')
    expect((await db.run('insert into t values (1)')).changes).to.equal(1)
  })

  it('a write after another’s, in a transaction that read before: SQLITE_BUSY', async () => {
    const [db, other] = [await open(), await open()]
    await db.run('pragma journal_mode = wal')
    await db.run('create table t (a)')
    await db.run('begin')
    await db.run('select * from t')
    await other.run('insert into t values (1)')
    const error = await thrownBy(() => db.run('insert into t values (2)'))
    expect(error.code).to.equal(name === 'sqlite3' ? 'SQLITE_BUSY' : 'SQLITE_BUSY_SNAPSHOT')
    expect(db.inTransaction).to.equal(true)
  })
})

describe('names of SQLite’s codes', () => {
  it('are those of the primary and the extended codes', () => {
    expect(codeName(1)).to.equal('SQLITE_ERROR')
    expect(codeName(517)).to.equal('SQLITE_BUSY_SNAPSHOT')
    expect(codeName(2067)).to.equal('SQLITE_CONSTRAINT_UNIQUE')
    expect(codeName(1555)).to.equal('SQLITE_CONSTRAINT_PRIMARYKEY')
    expect(codeName(8714)).to.equal('SQLITE_IOERR_IN_PAGE')
    expect(codeName(1544)).to.equal('SQLITE_READONLY_DIRECTORY')
    expect(codeName(516)).to.equal('SQLITE_ABORT_ROLLBACK')
  })

  it('fall back to the primary code, and to SQLITE_ERROR', () => {
    expect(codeName(19 | (99 << 8))).to.equal('SQLITE_CONSTRAINT')
    expect(codeName(77)).to.equal('SQLITE_ERROR')
  })

  it('are refined from a message only under their primary code', () => {
    expect(refineCode('SQLITE_CONSTRAINT', 'CHECK constraint failed: x')).to.equal('SQLITE_CONSTRAINT_CHECK')
    expect(refineCode('SQLITE_CONSTRAINT', 'my RAISE text')).to.equal('SQLITE_CONSTRAINT')
    expect(refineCode('SQLITE_ERROR', 'CHECK constraint failed: x')).to.equal('SQLITE_ERROR')
  })
})

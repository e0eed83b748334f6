/** Contract: errors: PEP 249's class, SQLite's extended code by name and SQLite's own text; see subjects.ts. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type { DriverName } from '../../lib/drivers/driver.ts'
import { describeContract, errorOf } from './subjects.ts'

/** What has another code with sqlite3, which knows primary codes and the message. */
type Codes = string | { readonly code: string; readonly sqlite3: string }

const codeFor = (codes: Codes, driver: DriverName) =>
  typeof codes === 'string' ? codes : driver === 'sqlite3' ? codes.sqlite3 : codes.code

describeContract('errors', (db) => {
  const schema = [
    'create table t (id integer primary key, u unique, n not null default 0, c check (c > 0), r references t (id))',
    'create table s (i int, x text) strict',
    'create table w (a text primary key) without rowid',
    "create trigger x before insert on w when new.a = 'no' begin select raise(abort, 'not this one'); end",
    "create trigger y before insert on w when new.a = 'unique' begin select raise(abort, 'UNIQUE at heart'); end",
  ]

  const cases: [what: string, sql: string, cls: string, codes: Codes, message: RegExp][] = [
    [
      'UNIQUE',
      'insert into t (u) values (1), (1)',
      'IntegrityError',
      'SQLITE_CONSTRAINT_UNIQUE',
      /^UNIQUE constraint failed: t\.u$/,
    ],
    // A UNIQUE constraint and a PRIMARY KEY give the same text.
    [
      'PRIMARY KEY',
      'insert into t (id) values (1), (1)',
      'IntegrityError',
      { code: 'SQLITE_CONSTRAINT_PRIMARYKEY', sqlite3: 'SQLITE_CONSTRAINT_UNIQUE' },
      /^UNIQUE constraint failed: t\.id$/,
    ],
    [
      'PRIMARY KEY without rowids',
      "insert into w values ('a'), ('a')",
      'IntegrityError',
      { code: 'SQLITE_CONSTRAINT_PRIMARYKEY', sqlite3: 'SQLITE_CONSTRAINT_UNIQUE' },
      /^UNIQUE constraint failed: w\.a$/,
    ],
    [
      'NOT NULL',
      'insert into t (n) values (null)',
      'IntegrityError',
      'SQLITE_CONSTRAINT_NOTNULL',
      /^NOT NULL constraint failed: t\.n$/,
    ],
    [
      'CHECK',
      'insert into t (c) values (0)',
      'IntegrityError',
      'SQLITE_CONSTRAINT_CHECK',
      /^CHECK constraint failed: c > 0$/,
    ],
    [
      'FOREIGN KEY',
      'insert into t (r) values (99)',
      'IntegrityError',
      'SQLITE_CONSTRAINT_FOREIGNKEY',
      /^FOREIGN KEY constraint failed$/,
    ],
    [
      'a type that a STRICT table has not',
      "insert into s (i) values ('x')",
      'IntegrityError',
      'SQLITE_CONSTRAINT_DATATYPE',
      /^cannot store TEXT value in INT column s\.i$/,
    ],
    // Its text is its author's.
    [
      'RAISE(ABORT)',
      "insert into w values ('no')",
      'IntegrityError',
      { code: 'SQLITE_CONSTRAINT_TRIGGER', sqlite3: 'SQLITE_CONSTRAINT' },
      /^not this one$/,
    ],
    [
      'RAISE(ABORT) that sounds like another',
      "insert into w values ('unique')",
      'IntegrityError',
      { code: 'SQLITE_CONSTRAINT_TRIGGER', sqlite3: 'SQLITE_CONSTRAINT' },
      /^UNIQUE at heart$/,
    ],
    [
      'a rowid that is none',
      "insert into t (id) values ('x')",
      'IntegrityError',
      'SQLITE_MISMATCH',
      /^datatype mismatch$/,
    ],
    ['syntax', 'selec 1', 'OperationalError', 'SQLITE_ERROR', /^near "selec": syntax error$/],
    ['a missing table', 'select * from nope', 'OperationalError', 'SQLITE_ERROR', /^no such table: nope$/],
    [
      'a missing table, written',
      'insert into nope values (1)',
      'OperationalError',
      'SQLITE_ERROR',
      /^no such table: nope$/,
    ],
    ['a missing column', 'select nope from t', 'OperationalError', 'SQLITE_ERROR', /^no such column: nope/],
    ['a missing function', 'select nope(1)', 'OperationalError', 'SQLITE_ERROR', /^no such function: nope$/],
    [
      'a missing collation',
      "select 'a' collate nope = 'b'",
      'OperationalError',
      'SQLITE_ERROR_MISSING_COLLSEQ',
      /^no such collation sequence: nope$/,
    ],
    [
      'a table that is there',
      'create table t (a)',
      'OperationalError',
      'SQLITE_ERROR',
      /^table t already exists$/,
    ],
    ['incomplete input', 'select (1', 'OperationalError', 'SQLITE_ERROR', /^incomplete input$/],
    [
      'a quote that is not closed',
      "select 'a",
      'OperationalError',
      'SQLITE_ERROR',
      /^unrecognized token: "'a"$/,
    ],
    [
      'an overflow',
      'select abs(-9223372036854775807 - 1)',
      'OperationalError',
      'SQLITE_ERROR',
      /^integer overflow$/,
    ],
    [
      'what is too big',
      'select zeroblob(3000000000)',
      'DataError',
      'SQLITE_TOOBIG',
      /^string or blob too big$/,
    ],
    [
      'too many columns',
      `select ${new Array(3000).fill('1').join()}`,
      'OperationalError',
      'SQLITE_ERROR',
      /^too many columns in result set$/,
    ],
    [
      'COMMIT without BEGIN',
      'commit',
      'OperationalError',
      'SQLITE_ERROR',
      /^cannot commit - no transaction is active$/,
    ],
  ]
  for (const [what, sql, cls, codes, message] of cases) {
    const code = codeFor(codes, db.driver)
    it(`${what}: ${cls}, ${code}`, async () => {
      await db.script(...schema)
      const error = await db.error(sql)
      expect(error).to.include({ name: cls, code })
      expect(error.message).to.match(message)
      expect(error.cause).to.be.instanceOf(Error)
      if (db.kind === 'through the pool') expect(error.sql).to.equal(sql)
      // Nothing was changed, and all is well.
      expect(
        await db.rows('select (select count(*) from t), (select count(*) from s), (select count(*) from w)'),
      ).to.deep.equal([[0, 0, 0]])
      expect(db.inTransaction).to.equal(false)
    })
  }

  for (const sql of [
    'insert into t values (3), (1)',
    'insert or abort into t values (3), (1)',
    'update t set a = 1',
  ]) {
    it(`a failing statement of a transaction is undone alone: ${sql}`, async () => {
      await db.script('create table t (a unique)', 'begin', 'insert into t values (1), (2)')
      expect((await db.error(sql)).code).to.equal('SQLITE_CONSTRAINT_UNIQUE')
      expect(db.inTransaction).to.equal(true)
      await db.run('commit')
      expect(await db.rows('select a from t order by a')).to.deep.equal([[1], [2]])
    })
  }

  it('a DEFERRED foreign key fails COMMIT, and leaves the transaction open', async () => {
    await db.script(
      'create table p (id integer primary key)',
      'create table c (p references p (id) deferrable initially deferred)',
      'begin',
      'insert into c values (7)',
    )
    expect(await db.error('commit')).to.include({
      name: 'IntegrityError',
      code: 'SQLITE_CONSTRAINT_FOREIGNKEY',
    })
    expect(db.inTransaction).to.equal(true)
    await db.script('insert into p values (7)', 'commit')
    expect(db.inTransaction).to.equal(false)
  })

  describe('in the middle of a result', () => {
    it('is an error, not a shorter result', async () => {
      await db.script('create table t (x)', 'insert into t values (1), (-2), (-9223372036854775807 - 1), (4)')
      for (let run = 0; run < 2; run++) {
        const error = await db.error('select abs(x) from t')
        expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_ERROR' })
        expect(error.message).to.equal('integer overflow')
      }
      expect(await db.rows('select abs(x) from t limit 2')).to.deep.equal([[1], [2]])
    })

    it('is an error, not a shorter result, far down', async () => {
      await db.run('create table t (x)')
      await db.run(
        'with recursive n (i) as (values (1) union all select i + 1 from n where i < 20000) insert into t select iif(i = 19999, -9223372036854775807 - 1, -i) from n',
      )
      const error = await db.error("select abs(x), 'some text of no importance' from t")
      expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_ERROR' })
      expect(error.message).to.equal('integer overflow')
    })

    it('keeps nothing open: what others write is seen, and a COMMIT succeeds', async () => {
      await db.script('create table t (x)', 'insert into t values (1), (-9223372036854775807 - 1)')
      await db.error('select abs(x) from t')
      await (await db.other()).run('insert into t values (3)')
      expect(await db.rows('select count(*) from t')).to.deep.equal([[3]])
      await db.run('begin')
      await db.error('select abs(x) from t')
      await db.script('insert into t values (4)', 'commit')
      expect(await db.rows('select count(*) from t')).to.deep.equal([[4]])
    })

    it('of a statement that writes changes nothing', async () => {
      await db.script('create table t (x)', 'insert into t values (1), (-2), (-9223372036854775807 - 1), (4)')
      for (const sql of [
        'update t set x = abs(x)',
        'insert into t select abs(x) from t',
        'update t set x = abs(x) returning x',
      ]) {
        expect((await db.error(sql)).message, sql).to.equal('integer overflow')
      }
      expect(await db.rows('select x from t where x < 0 order by x desc')).to.deep.equal([
        [-2],
        [-(2n ** 63n)],
      ])
    })
  })

  it('writing a database that is open readonly: SQLITE_READONLY', async () => {
    const path = db.file('readonly.db')
    const writer = await db.stranger(path)
    await writer.run('create table t (a)')
    await writer.close()
    const reader = await db.open(path, { readonly: true })
    expect((await reader.run('select * from t')).columns).to.deep.equal(['a'])
    for (const sql of [
      'insert into t values (1)',
      'insert into t values (1) returning a',
      'drop table t',
      'create table u (a)',
    ]) {
      const error = await errorOf(() => reader.run(sql))
      expect(error, sql).to.include({ name: 'OperationalError', code: 'SQLITE_READONLY' })
      expect(error.message).to.equal('attempt to write a readonly database')
    }
  })

  const unopened: [what: string, name: string, readonly: boolean][] = [
    ['a missing folder', 'no/such/dir.db', false],
    ['a folder', 'folder', false],
    ['a missing file, readonly', 'missing.db', true],
  ]
  for (const [what, name, readonly] of unopened) {
    it(`opening ${what}: SQLITE_CANTOPEN`, async () => {
      mkdirSync(db.file('folder'), { recursive: true })
      const error = await errorOf(() => db.open(db.file(name), { readonly }))
      expect(error.name).to.equal('OperationalError')
      expect(error.code).to.match(/^SQLITE_CANTOPEN/)
      expect(error.message).to.contain('unable to open database file')
    })
  }

  it('a file that is no database: SQLITE_NOTADB', async () => {
    writeFileSync(db.file('garbage.db'), 'no database at all '.repeat(100))
    const error = await errorOf(async () =>
      (await db.open(db.file('garbage.db'))).run('select * from sqlite_schema'),
    )
    expect(error).to.include({ name: 'DatabaseError', code: 'SQLITE_NOTADB' })
    expect(error.message).to.contain('file is not a database')
  })

  it('another’s lock: SQLITE_BUSY, and all is well when it is gone', async () => {
    const path = db.file('locked.db')
    const patient = await db.open(path, { lockTimeoutMs: 1 })
    await patient.run('create table t (a)')
    const stranger = await db.stranger(path)
    await stranger.run('begin immediate')
    for (const sql of [
      'insert into t values (1)',
      'insert into t values (1) returning a',
      'create table u (a)',
    ]) {
      expect(await errorOf(() => patient.run(sql)), sql).to.include({
        name: 'OperationalError',
        code: 'SQLITE_BUSY',
      })
    }
    expect(patient.inTransaction).to.equal(false)
    expect((await patient.run('select count(*) from t')).rows).to.deep.equal([[0]])
    await stranger.run('commit')
    expect((await patient.run('insert into t values (1)')).rowcount).to.equal(1)
  })

  const snapshot = codeFor({ code: 'SQLITE_BUSY_SNAPSHOT', sqlite3: 'SQLITE_BUSY' }, db.driver)
  it(`a write after another’s, in a transaction that has read before: ${snapshot}`, async () => {
    await db.script('create table t (a)', 'begin', 'select * from t')
    await (await db.other()).run('insert into t values (1)')
    expect(await db.error('insert into t values (2)')).to.include({
      name: 'OperationalError',
      code: snapshot,
    })
    expect(db.inTransaction).to.equal(true)
    await db.run('rollback')
    expect((await db.run('insert into t values (2)')).rowcount).to.equal(1)
  })
})

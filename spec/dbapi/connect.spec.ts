import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import * as forklite from 'forklite'
import { connect, createPool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'
import { childrenOf } from '../support/processes.ts'
import { tempDir } from '../support/temp-dir.ts'

describeEachDriver('connect: what file a database is', ({ driver, file }) => {
  const options = { driver, readers: 1 } as const

  async function expectWorks(database: string | URL, path: string, more: object = {}): Promise<void> {
    const conn = await connect(database, { ...options, ...more })
    await conn.execute('create table t (a)')
    await conn.execute('insert into t values (1)')
    await conn.commit()
    expect(await conn.execute('select a from t').fetchall()).to.deep.equal([[1]])
    await conn.close()
    expect(existsSync(path), path).to.equal(true)
    expect(readdirSync(join(path, '..')).filter((name) => /-(wal|shm|journal)$/.test(name))).to.deep.equal([])
  }

  for (const name of [
    'with space',
    'wh?t',
    'ha#h',
    '100%',
    '%20',
    'naïve ✓🙂',
    'a&b=c',
    "quo'te",
    'new\nline',
  ]) {
    it(`takes a folder and a file named ${JSON.stringify(name)}, as a path and as a URL`, async () => {
      mkdirSync(file(name))
      const path = join(file(name), `${name}.db`)
      await expectWorks(path, path)
      const viaUrl = join(file(name), `${name} 2.db`)
      await expectWorks(pathToFileURL(viaUrl), viaUrl)
      const viaUri = join(file(name), `${name} 3.db`)
      await expectWorks(pathToFileURL(viaUri).href, viaUri, { uri: true })
    })
  }

  it('takes a very long name, and one that is too long is one clear error', async () => {
    const long = file(`${'n'.repeat(200)}.db`)
    await expectWorks(long, long)
    const error = await errorOf(connect(file('n'.repeat(300)), options))
    expect(error).to.be.instanceOf(forklite.OperationalError)
    expect(error.code).to.match(/^SQLITE_CANTOPEN/)
  })

  it('takes a relative path', async () => {
    const path = file('relative.db')
    await expectWorks(relative(process.cwd(), path), path)
  })

  it('reads mode from a URI and refuses its other parameters', async () => {
    const path = file()
    const url = (query: string): URL => new URL(`${pathToFileURL(path).href}?${query}`)
    expect((await errorOf(connect(url('mode=rw'), options))).code).to.equal('SQLITE_CANTOPEN')
    await expectWorks(url('mode=rwc'), path)
    const readonly = await connect(url('mode=ro'), options)
    const refused = await errorOf(readonly.execute('insert into t values (2)'))
    expect(refused).to.be.instanceOf(forklite.OperationalError)
    expect(refused.code).to.equal('SQLITE_READONLY')
    await readonly.close()
    expect((await errorOf(connect(url('cache=shared'), options))).name).to.equal('NotSupportedError')
    expect((await errorOf(connect(url('mode=sideways'), options))).message).to.match(/no such access mode/)
    const memory = await connect('file:anything?mode=memory', { ...options, uri: true })
    await memory.execute('create table t (a)')
    await memory.close()
    expect(existsSync('anything')).to.equal(false)
  })

  it('does not take a string for a URI by accident', async () => {
    const error = await errorOf(connect('file:app.db', options))
    expect(error.name).to.equal('ProgrammingError')
    expect(error.message).to.match(/uri: true/)
    expect((await errorOf(connect(new URL('http://localhost/app.db'), options))).message).to.match(
      /only file:/,
    )
    expect((await errorOf(connect(5 as never, options))).message).to.match(/must be a path/)
    expect((await errorOf(connect('a\0b', options))).message).to.match(/NUL/)
  })

  it('refuses a folder, a missing folder and a file that is no database, each with one clear error', async () => {
    mkdirSync(file('folder'))
    const folder = await errorOf(connect(file('folder'), options))
    expect(folder).to.be.instanceOf(forklite.OperationalError)
    expect(folder.code).to.equal('SQLITE_CANTOPEN_ISDIR')
    expect(folder.message).to.match(/unable to open database file.*is a folder/)
    const missing = await errorOf(connect(file('no/such/app.db'), options))
    expect(missing.code).to.equal('SQLITE_CANTOPEN')
    expect(missing.message).to.match(/no folder/)
    writeFileSync(
      file('text.db'),
      'This is no database, but long enough to be looked at as one. '.repeat(100),
    )
    const text = await errorOf(connect(file('text.db'), options))
    expect(text).to.be.instanceOf(forklite.DatabaseError)
    expect(text.code).to.equal('SQLITE_NOTADB')
    expect(childrenOf(process.pid).filter(({ command }) => command.includes('worker/main'))).to.deep.equal([])
  })

  it('opens readonly without a writer and without changing the file', async () => {
    await expectWorks(file(), file())
    const pool = await createPool(file(), { ...options, readonly: true })
    expect(pool.stats().children.map(({ role }) => role)).to.deep.equal(['reader'])
    expect(await pool.execute('select a from t').fetchall()).to.deep.equal([[1]])
    for (const sql of ['insert into t values (2)', 'create table u (a)', 'drop table t']) {
      expect((await errorOf(pool.execute(sql))).code, sql).to.equal('SQLITE_READONLY')
    }
    const conn = await pool.connect()
    expect((await errorOf(conn.execute('insert into t values (2)'))).code).to.equal('SQLITE_READONLY')
    expect(conn.inTransaction).to.equal(false)
    expect((await errorOf(conn.execute('begin'))).name).to.equal('NotSupportedError')
    await conn.commit()
    await pool.close()
    expect((await errorOf(connect(file('missing.db'), { ...options, readonly: true }))).code).to.match(
      /^SQLITE_CANTOPEN/,
    )
  })

  it('keeps a database in memory, or a temporary one, in one child, to itself', async () => {
    for (const database of [':memory:', '']) {
      const one = await createPool(database, options)
      const two = await connect(database, options)
      expect(one.stats().children.map(({ role }) => role)).to.deep.equal(['writer'])
      const conn = await one.connect()
      await conn.execute('create table t (a)')
      await conn.execute('insert into t values (1)')
      expect(await conn.execute('select a from t').fetchall()).to.deep.equal([[1]])
      await conn.commit()
      expect(await one.execute('select count(*) from t').fetchall()).to.deep.equal([[1]])
      expect((await errorOf(two.execute('select * from t'))).message).to.match(/no such table/)
      await one.close()
      await two.close()
    }
  })

  it('keeps a database with another journal mode in one child', async () => {
    const pool = await createPool(file(), { ...options, readers: 2, pragmas: { journal_mode: 'DELETE' } })
    expect(pool.stats().children.map(({ role }) => role)).to.deep.equal(['writer'])
    await pool.execute('create table t (a)')
    await pool.execute('insert into t values (1)')
    expect(await pool.execute('select a from t').fetchall()).to.deep.equal([[1]])
    expect(await pool.execute('pragma journal_mode').fetchall()).to.deep.equal([['delete']])
    await pool.close()
  })

  it('sets its pragmas in every child and reads them back', async () => {
    const pool = await createPool(file(), { ...options, pragmas: { synchronous: 'NORMAL', temp_store: 2 } })
    expect(await pool.execute('pragma synchronous').fetchall()).to.deep.equal([[1]])
    expect(await pool.execute('pragma foreign_keys').fetchall()).to.deep.equal([[1]])
    expect(await pool.execute('pragma trusted_schema').fetchall()).to.deep.equal([[0]])
    expect(await pool.execute('pragma temp_store').fetchall()).to.deep.equal([[2]])
    await pool.close()
    const error = await errorOf(connect(file(), { ...options, pragmas: { no_such_pragma: 1 } }))
    expect(error.message).to.match(/no_such_pragma/)
  })

  it('has durable defaults: WAL and synchronous=FULL', async () => {
    const pool = await createPool(file(), options)
    expect(await pool.execute('pragma journal_mode').fetchall()).to.deep.equal([['wal']])
    expect(await pool.execute('pragma synchronous').fetchall()).to.deep.equal([[2]])
    await pool.close()
  })
})

describe('connect: one set of children for a file', () => {
  const dir = tempDir()

  it('is shared by fifty connects at once, whatever name they use', async () => {
    const path = dir.file('app.db')
    const first = await createPool(path, { readers: 1 })
    symlinkSync(path, dir.file('link.db'))
    linkSync(path, dir.file('hard.db'))
    const names = [
      path,
      dir.file('link.db'),
      dir.file('hard.db'),
      pathToFileURL(path),
      `${dir.path}/./app.db`,
    ]
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, i) => connect(names[i % names.length] as string)),
    )
    const again = await createPool(path)
    expect(again.stats().children).to.deep.equal(first.stats().children)
    expect(again.stats().children).to.have.length(2)
    await Promise.all(all.map((conn) => conn.close()))
    expect(await first.execute('select 1').fetchall()).to.deep.equal([[1]])
    await first.close()
    expect(await again.execute('select 2').fetchall()).to.deep.equal([[2]])
    await again.close()
  })

  it('is shared by fifty connects at once to a file that is not there yet', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, () => connect(dir.file('new.db'), { readers: 1 })),
    )
    const pool = await createPool(dir.file('new.db'))
    expect(pool.stats().children.filter(({ role }) => role === 'writer')).to.have.length(1)
    await Promise.all([...all.map((conn) => conn.close()), pool.close()])
  })

  it('refuses child options that differ, naming them, and takes those of a Connection', async () => {
    const conn = await connect(dir.file('app.db'), { readers: 1, pragmas: { synchronous: 'NORMAL' } })
    const error = await errorOf(connect(dir.file('app.db'), { readers: 2, pragmas: { synchronous: 'FULL' } }))
    expect(error.name).to.equal('ProgrammingError')
    expect(error.message).to.match(/readers, pragmas/)
    expect((await errorOf(connect(dir.file('app.db'), { readonly: true }))).message).to.match(/readonly/)
    const other = await connect(dir.file('app.db'), { readers: 1, autocommit: true })
    expect(other.autocommit).to.equal(true)
    await Promise.all([conn.close(), other.close()])
  })

  it('is a new one while the last user closes', async () => {
    const one = await connect(dir.file('app.db'), { readers: 1 })
    await one.execute('create table t (a)')
    const closing = one.close()
    const two = await connect(dir.file('app.db'), { readers: 1 })
    await two.execute('insert into t values (1)')
    await two.commit()
    await closing
    expect(await two.execute('select * from t').fetchall()).to.deep.equal([[1]])
    await two.close()
  })
})

describe('connect: options', () => {
  it('checks all at once, and names the nearest for one that is misspelled', async () => {
    const error = await errorOf(
      connect(':memory:', {
        raeders: 2,
        readers: 0,
        driver: 'mysql',
        lockTimeoutMs: '5s',
        initargs: 'x',
        env: { A: 1 },
        pragmas: { busy_timeout: 5 },
        isolationLevel: 'SERIALIZABLE',
        readonly: 'yes',
        somethingElse: 1,
      } as never),
    )
    expect(error.name).to.equal('ProgrammingError')
    expect(error.code).to.equal('BAD_OPTION')
    for (const part of [
      "no option 'raeders'; did you mean 'readers'?",
      'readers must be a whole number, 1 or more, not 0',
      'driver must be one of',
      'lockTimeoutMs must be',
      'initargs must be an array',
      'env must be an object of strings',
      'pragmas must be without busy_timeout',
      'isolationLevel must be one of',
      'readonly must be true or false',
      "no option 'somethingElse'",
    ]) {
      expect(error.message).to.contain(part)
    }
    expect((await errorOf(connect(':memory:', null as never))).message).to.match(/must be an object/)
    expect((await errorOf(connect(':memory:', { pragmas: { 'a; b': 1 } }))).message).to.match(/lower-case/)
    expect((await errorOf(connect(':memory:', { pragmas: { synchronous: 'x; y' } }))).message).to.match(
      /words or numbers/,
    )
  })

  it('checks those of pool.connect()', async () => {
    const pool = await createPool(':memory:')
    expect((await errorOf(pool.connect({ autocomit: true } as never))).message).to.match(
      /did you mean 'autocommit'/,
    )
    expect((await errorOf(pool.connect({ readers: 2 } as never))).message).to.match(/no option 'readers'/)
    const conn = await pool.connect({ arraysize: 7, isolationLevel: 'deferred' as never })
    expect(conn.cursor().arraysize).to.equal(7)
    expect(conn.isolationLevel).to.equal('DEFERRED')
    await pool.close()
  })

  it('says where it looked for a driver that is not there', async function () {
    const outcome = await connect(':memory:', { driver: 'node:sqlite' }).catch((error) => error)
    if (!(outcome instanceof forklite.Error)) {
      await outcome.close()
      this.skip()
    }
    expect(outcome.name).to.equal('InterfaceError')
    expect(outcome.message).to.match(/node:sqlite: comes with Node 22/)
  })

  it('finds no program for its children where workerPath is wrong, and says so', async () => {
    const error = await errorOf(connect(':memory:', { workerPath: '/no/such/worker.js' }))
    expect(error.message).to.match(/exited with code 1 before it was ready/)
    expect(error.message).to.match(/Cannot find module/)
  })
})

describe('the module', () => {
  it("has PEP 249's globals and its tree of errors", () => {
    expect(forklite.apilevel).to.equal('2.0')
    expect(forklite.threadsafety).to.equal(2)
    expect(forklite.paramstyle).to.equal('qmark')
    expect(new forklite.Warning('w')).to.be.instanceOf(Error)
    const { Error: Base, DatabaseError, OperationalError } = forklite
    for (const [cls, base, name] of [
      [forklite.InterfaceError, Base, 'InterfaceError'],
      [DatabaseError, Base, 'DatabaseError'],
      [forklite.DataError, DatabaseError, 'DataError'],
      [OperationalError, DatabaseError, 'OperationalError'],
      [forklite.IntegrityError, DatabaseError, 'IntegrityError'],
      [forklite.InternalError, DatabaseError, 'InternalError'],
      [forklite.ProgrammingError, DatabaseError, 'ProgrammingError'],
      [forklite.NotSupportedError, DatabaseError, 'NotSupportedError'],
      [forklite.PoolTimeout, OperationalError, 'PoolTimeout'],
      [forklite.PoolClosed, OperationalError, 'PoolClosed'],
      [forklite.QueueFull, OperationalError, 'QueueFull'],
      [forklite.QueryCancelled, OperationalError, 'QueryCancelled'],
      [forklite.WorkerExited, OperationalError, 'WorkerExited'],
    ] as const) {
      const error = new cls('m', { code: 'C' })
      expect(error).to.be.instanceOf(base)
      expect(error).to.be.instanceOf(globalThis.Error)
      expect(error.name).to.equal(name)
      expect(error.code).to.equal('C')
    }
  })
})

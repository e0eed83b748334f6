/** Registry: one set of children for a database and process, by whatever name; and when it is another database. */
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { relative } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { type Connection, connect, createPool, type Options, type Pool } from 'forklite'
import { usableDrivers } from '../support/drivers.ts'
import { hasProc, isAlive } from '../support/processes.ts'
import { tempDir } from '../support/temp-dir.ts'
import { rejection, workersOn } from './harness.ts'

const pidsOf = (pool: Pool): number[] => pool.stats().children.map((child) => child.pid)

describe('one database in one process', () => {
  const dir = tempDir()
  const open: { close(): Promise<void> }[] = []
  const file = (): string => dir.file('test.db')

  /** A pool that is closed after the test. */
  async function pool(database: string | URL = file(), options: Options = {}): Promise<Pool> {
    const opened = await createPool(database, { readers: 1, ...options })
    open.push(opened)
    return opened
  }

  async function connection(database: string | URL = file(), options: Options = {}): Promise<Connection> {
    const opened = await connect(database, { readers: 1, ...options })
    open.push(opened)
    return opened
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()))
  })

  it('has one writer for fifty connect()s', async () => {
    const [first] = await Promise.all([pool(), ...Array.from({ length: 49 }, () => connection())])
    expect(first.stats().children.map((child) => child.role)).to.deep.equal(['writer', 'reader'])
    if (hasProc) expect(workersOn(file()).map((info) => info.pid)).to.have.members(pidsOf(first))
  })

  it('shares its children among pools and connections until the last is closed', async () => {
    const [a, b, c] = [await pool(), await pool(), await connection()]
    const pids = pidsOf(a)
    expect(pidsOf(b)).to.deep.equal(pids)
    await a.execute('create table t (a)')
    await Promise.all([a.close(), a.close()])
    await c.execute('insert into t values (1)')
    await c.commit()
    await c.close()
    expect(await b.execute('select a from t').fetchall()).to.deep.equal([[1]])
    expect(pids.map(isAlive)).to.deep.equal([true, true])
    await b.close()
    expect(pids.map(isAlive)).to.deep.equal([false, false])
  })

  const names: [what: string, name: () => string | URL, options?: Options][] = [
    ['the same path', () => file()],
    ['a relative path', () => relative(process.cwd(), file())],
    ['a path with dots', () => `${dir.path}/./sub/../test.db`],
    ['a symbolic link', () => dir.file('link.db')],
    ['a symbolic link to its folder', () => `${dir.path}/sub/up/test.db`],
    ['a hard link', () => dir.file('hard.db')],
    ['a file: URL', () => pathToFileURL(file())],
    ['a URI', () => `file:${file()}`, { uri: true }],
  ]
  for (const [what, name, options] of names) {
    it(`is one database by ${what}`, async () => {
      const first = await pool()
      mkdirSync(dir.file('sub'))
      symlinkSync(file(), dir.file('link.db'))
      symlinkSync('..', dir.file('sub/up'))
      linkSync(file(), dir.file('hard.db'))
      const second = await pool(name(), options)
      expect(pidsOf(second)).to.deep.equal(pidsOf(first))
    })
  }

  it('is one database by two names at once, while it starts', async () => {
    await (await pool()).close()
    symlinkSync(file(), dir.file('link.db'))
    linkSync(file(), dir.file('hard.db'))
    const all = await Promise.all([pool(), pool(dir.file('link.db')), pool(dir.file('hard.db'))])
    expect(new Set(all.map((each) => pidsOf(each).join())).size).to.equal(1)
  })

  it('is another for every other file', async () => {
    const [a, b] = await Promise.all([pool(), pool(dir.file('other.db'))])
    expect(pidsOf(a)).not.to.have.any.members(pidsOf(b))
  })

  for (const database of [':memory:', '']) {
    it(`is never shared as '${database}', which has one child each`, async () => {
      const [a, b] = await Promise.all([pool(database), pool(database, { readers: 3 })])
      expect(a.stats().children.map((child) => child.role)).to.deep.equal(['writer'])
      expect(b.stats().children).to.have.length(1)
      expect(pidsOf(a)).not.to.deep.equal(pidsOf(b))
      await a.execute('create table t (a)')
      expect(await rejection(b.execute('select * from t'))).to.include({ name: 'OperationalError' })
      expect(await a.execute('select count(*) from t').fetchall()).to.deep.equal([[0]])
    })
  }

  const [driver, otherDriver] = usableDrivers
  const others: [option: string, first: Options, second: Options][] = [
    ['readers', {}, { readers: 2 }],
    ['pragmas', {}, { pragmas: { synchronous: 'NORMAL' } }],
    ['initializer', {}, { initializer: 'data:text/javascript,export default () => {}' }],
    ['initargs', { initargs: [1] }, { initargs: [2] }],
    ['cacheBytes', {}, { cacheBytes: 1024 }],
    ['lockTimeoutMs', { lockTimeoutMs: 100 }, { lockTimeoutMs: 200 }],
    ['startTimeoutMs', {}, { startTimeoutMs: 500 }],
    ['maxFrameBytes', {}, { maxFrameBytes: 2 ** 21 }],
    ['maxQueue', {}, { maxQueue: 10 }],
    ['env', { env: { A: '1' } }, { env: { A: '2' } }],
    ['driver', { driver }, { driver: otherDriver }],
    ['launcher', { launcher: 'child_process' }, { launcher: 'cluster' }],
    ['readonly', {}, { readonly: true }],
  ]
  for (const [option, first, second] of others) {
    if (option === 'driver' && otherDriver === undefined) {
      it.skip(`refuses another driver, naming it, and takes the same (there is ${driver} only)`)
      continue
    }
    it(`refuses another ${option}, naming it, and takes the same`, async () => {
      const there = await pool(file(), first)
      expect(await rejection(pool(file(), second)))
        .to.include({ name: 'ProgrammingError', code: 'BAD_OPTION' })
        .with.property('message')
        .that.includes(`another ${option};`)
      expect(pidsOf(await pool(file(), structuredClone(first)))).to.deep.equal(pidsOf(there))
    })
  }

  it('names all that differ, and goes by the first where nothing is given', async () => {
    const there = await pool(file(), { initargs: [1], cacheBytes: 4096 })
    const { message } = await rejection(pool(file(), { initargs: [2], cacheBytes: 1024 }))
    expect(message).to.include('initargs').and.to.include('cacheBytes')
    expect(pidsOf(await pool())).to.deep.equal(pidsOf(there))
  })

  it('lets each connection have autocommit, isolationLevel and arraysize of its own', async () => {
    await connection()
    const other = await connection(file(), { autocommit: true, isolationLevel: null, arraysize: 5 })
    expect([other.autocommit, other.isolationLevel, other.cursor().arraysize]).to.deep.equal([true, null, 5])
  })

  it('waits for the old writer when it is opened while the last user closes', async () => {
    let last = await pool()
    await last.execute('create table t (a)')
    for (let i = 1; i <= 4; i++) {
      const old = pidsOf(last)
      await last.execute('insert into t values (?)', [i])
      const closing = last.close()
      // In the same turn it is not closing yet, and whoever comes keeps it open.
      if (i > 1) await turn()
      const [next, beside] = await Promise.all([pool(), pool()])
      if (i === 1) expect(pidsOf(next)).to.deep.equal(old)
      else expect(old.map(isAlive), 'old and new never live side by side').to.deep.equal([false, false])
      expect(pidsOf(beside)).to.deep.equal(pidsOf(next))
      expect(await next.execute('select count(*) from t').fetchall()).to.deep.equal([[i]])
      await closing
      await beside.close()
      last = next
    }
  })

  it('is another database when the file was deleted and made anew', async () => {
    const old = await pool()
    await old.execute('create table old (a)')
    for (const suffix of ['', '-wal', '-shm']) rmSync(file() + suffix, { force: true })
    const fresh = await pool()
    expect(pidsOf(fresh)).not.to.have.any.members(pidsOf(old))
    await fresh.execute('create table fresh (a)')
    expect(await fresh.execute('select name from sqlite_schema').fetchall()).to.deep.equal([['fresh']])
    expect(pidsOf(await pool())).to.deep.equal(pidsOf(fresh))
    // Those who have the old one keep it, and its end takes nothing from the other.
    expect(await old.execute('select count(*) from old').fetchall()).to.deep.equal([[0]])
    await old.close()
    await fresh.execute('insert into fresh values (1)')
    await fresh.close()
    expect(await (await pool()).execute('select a from fresh').fetchall()).to.deep.equal([[1]])
  })

  it('is another database when another file was moved to its name', async () => {
    const other = await pool(dir.file('other.db'))
    await other.execute('create table other (a)')
    await other.close()
    const old = await pool()
    for (const suffix of ['-wal', '-shm']) rmSync(file() + suffix, { force: true })
    renameSync(dir.file('other.db'), file())
    const fresh = await pool()
    expect(await fresh.execute('select name from sqlite_schema').fetchall()).to.deep.equal([['other']])
    expect(pidsOf(fresh)).not.to.have.any.members(pidsOf(old))
  })

  it('fails for all who open it, and can be opened again', async () => {
    const initializer = `data:text/javascript,export default () => { throw new Error('not today') }`
    const errors = await Promise.all([1, 2, 3].map(() => rejection(pool(file(), { initializer }))))
    for (const error of errors) expect(error.message).to.equal('not today')
    if (hasProc) expect(workersOn(file())).to.deep.equal([])
    await (await pool()).execute('create table t (a)')
  })

  it('says when there is no such folder', async () => {
    expect(await rejection(pool(dir.file('no/such/test.db')))).to.include({
      name: 'OperationalError',
      code: 'SQLITE_CANTOPEN',
    })
  })
})

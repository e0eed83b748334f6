/**
 * Children: started side by side, closed in order, replaced one for one when they die; what there is where the
 * database is not in WAL, and what is told when a child cannot be had at all.
 */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { createPool, type Options, type Pool } from 'forklite'
import { describeWithFunctions, itEachDriver } from '../support/drivers.ts'
import { hasProc, isAlive } from '../support/processes.ts'
import { runProgram, runScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'
import { rejection, until, workersOn, writeInitializer } from './harness.ts'

const children = (pool: Pool, role: 'writer' | 'reader'): number[] =>
  pool
    .stats()
    .children.filter((child) => child.role === role)
    .map((child) => child.pid)

describe('children', () => {
  const dir = tempDir()
  const open: Pool[] = []
  const file = (): string => dir.file('test.db')

  async function start(options: Options = {}, database = file()): Promise<Pool> {
    const pool = await createPool(database, { readers: 2, ...options })
    open.push(pool)
    return pool
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((pool) => pool.close()))
  })

  const beside = (suffix: string): boolean => existsSync(file() + suffix)

  it('are one writer and N readers, the default one for each core', async () => {
    const pool = await start({ readers: 3 })
    expect(children(pool, 'writer')).to.have.length(1)
    expect(children(pool, 'reader')).to.have.length(3)
    const other = await createPool(dir.file('other.db'))
    const { availableParallelism } = await import('node:os')
    expect(children(other, 'reader')).to.have.length(availableParallelism())
    await other.close()
  })

  it('are started side by side', async function () {
    if (!hasProc) this.skip()
    // The writer waits until it is told that the readers are there.
    const go = dir.file('go')
    const initializer = dir.file('init.mjs')
    writeFileSync(
      initializer,
      `import { existsSync } from 'node:fs'
       import { setTimeout } from 'node:timers/promises'
       export default async (db, role, go) => { while (role === 'writer' && !existsSync(go)) await setTimeout(2) }`,
    )
    const started = start({ initializer, initargs: [go] })
    await until('all three are there', () => workersOn(file()).length === 3)
    writeFileSync(go, '')
    await started
  })

  for (const launcher of ['cluster', 'child_process'] as const) {
    itEachDriver(`leave no -wal and no -shm behind, forked with ${launcher}`, async (driver) => {
      // Launchers of a kind that this process would not take by itself work when asked for.
      const pool = await start({ driver, launcher })
      await pool.execute('create table t (a)')
      await pool.execute('insert into t values (zeroblob(100000))')
      await pool.execute('select count(*) from t')
      expect([beside('-wal'), beside('-shm')]).to.deep.equal([true, true])
      const conn = await pool.connect()
      await conn.execute('delete from t')
      await pool.close()
      expect([beside('-wal'), beside('-shm')]).to.deep.equal([false, false])
      const again = await start({ driver, launcher })
      expect(await again.execute('select count(*) from t').fetchall()).to.deep.equal([[1]])
    })
  }

  it('finish what they were asked before they leave', async () => {
    const pool = await start()
    await pool.execute('create table t (a)')
    const writes = Array.from({ length: 200 }, (_, i) =>
      pool.execute('insert into t values (?)', [i]).then(() => 1),
    )
    const reads = Array.from({ length: 200 }, (_, i) => pool.execute('select ?', [i]).fetchall())
    await pool.close()
    expect(await Promise.all(writes)).to.have.length(200)
    expect((await Promise.all(reads)).map(([row]) => row![0])).to.deep.equal([...Array(200).keys()])
    expect((await rejection(pool.execute('select 1'))).name).to.equal('PoolClosed')
  })

  describe('that are killed while idle', () => {
    it('are replaced, the writer as the readers, and the pool serves on', async () => {
      const pool = await start()
      await pool.execute('create table t (a)')
      for (const role of ['writer', 'reader'] as const) {
        const before = children(pool, role)
        process.kill(before[0]!, 'SIGKILL')
        await until('it is out of the pool', () => !children(pool, role).includes(before[0]!))
        expect(await pool.execute('select count(*) from t').fetchall()).to.have.length(1)
        await pool.execute('insert into t values (1)')
        await until('another has come', () => children(pool, role).length === before.length)
        expect(children(pool, role)).not.to.include(before[0])
      }
      expect(await pool.execute('select count(*) from t').fetchall()).to.deep.equal([[2]])
    })

    it('are replaced all, also when none is left', async () => {
      const pool = await start({ readers: 3 })
      await pool.execute('create table t (a)')
      const before = pool.stats().children.map((child) => child.pid)
      for (const pid of before) process.kill(pid, 'SIGKILL')
      await until('all are out of the pool', () =>
        pool.stats().children.every(({ pid }) => !before.includes(pid)),
      )
      await Promise.all([pool.execute('insert into t values (1)'), pool.execute('select 1')])
      await until('four have come', () => pool.stats().children.length === 4)
      expect(children(pool, 'writer')).to.have.length(1)
    })

    it('are not replaced any more when the pool closes', async () => {
      const pool = await start()
      const before = pool.stats().children.map((child) => child.pid)
      for (const pid of before) process.kill(pid, 'SIGKILL')
      await pool.close()
      expect(before.some(isAlive)).to.equal(false)
      if (hasProc) expect(workersOn(file())).to.deep.equal([])
    })
  })

  it('that die again and again soon after their start are started with growing pauses', async () => {
    // Each reader notes when it starts, and ends itself when it has been ready for a moment.
    const initializer = dir.file('init.mjs')
    writeFileSync(
      initializer,
      `import { appendFileSync } from 'node:fs'
       export default (db, role, log) => {
         if (role === 'writer') return
         appendFileSync(log, performance.timeOrigin + performance.now() + '\\n')
         setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)
       }`,
    )
    const log = dir.file('log')
    const pool = await start({ readers: 1, initializer, initargs: [log] })
    const starts = (): number[] => readFileSync(log, 'utf8').trim().split('\n').map(Number)
    await until('five have started', () => starts().length >= 5)
    const gaps = starts().map((at, i, all) => at - (all[i - 1] ?? 0))
    // Pauses of 0, 100, 200 and 400 ms; a slow machine only makes them longer.
    expect(gaps[2]).to.be.at.least(100)
    expect(gaps[3]).to.be.at.least(200)
    expect(gaps[4]).to.be.at.least(400)
    // close() does not wait for the next pause to end.
    await pool.close()
    if (hasProc) expect(workersOn(file())).to.deep.equal([])
  })

  it('that cannot be started again fail who waits for them, with the real error, and come back when they can', async () => {
    const stop = dir.file('stop')
    const initializer = dir.file('init.mjs')
    writeFileSync(
      initializer,
      `import { existsSync } from 'node:fs'
       export default (db, role, stop) => {
         if (role === 'reader' && existsSync(stop)) throw new Error('stopped by the operator')
       }`,
    )
    const pool = await start({ readers: 2, initializer, initargs: [stop] })
    writeFileSync(stop, '')
    const readers = children(pool, 'reader')
    for (const pid of readers) process.kill(pid, 'SIGKILL')
    await until('they are out of the pool', () => children(pool, 'reader').length === 0)
    const error = await rejection(pool.execute('select 1'))
    expect(error).to.include({ name: 'OperationalError', message: 'stopped by the operator' })
    await pool.execute('create table t (a)')
    expect(await rejection(pool.execute('select 2'))).to.include({ message: 'stopped by the operator' })
    rmSync(stop)
    await until('one answers', () => {
      void pool.execute('select 3').then(
        () => {},
        () => {},
      )
      return children(pool, 'reader').length > 0
    })
    expect(await pool.execute('select 4').fetchall()).to.deep.equal([[4]])
    await until('the other is back too', () => children(pool, 'reader').length === 2)
  })

  it('that come later do not open, or make, another file of that name', async () => {
    const pool = await start()
    await pool.execute('create table t (a)')
    const [pid] = children(pool, 'writer')
    for (const suffix of ['', '-wal', '-shm']) rmSync(file() + suffix, { force: true })
    process.kill(pid!, 'SIGKILL')
    await until('it is out of the pool', () => !children(pool, 'writer').includes(pid!))
    const error = await rejection(pool.execute('insert into t values (1)'))
    expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_READONLY_DBMOVED' })
    expect(error.message).to.include(file())
    expect(existsSync(file())).to.equal(false)
    // The readers that are there have the old one still.
    expect(await pool.execute('select count(*) from t').fetchall()).to.deep.equal([[0]])
  })

  describe('of a database that is not in WAL', () => {
    it('are one, which reads and writes and is replaced', async () => {
      const pool = await start({ pragmas: { journal_mode: 'DELETE' } })
      expect(pool.stats().children.map((child) => child.role)).to.deep.equal(['writer'])
      if (hasProc) expect(workersOn(file())).to.have.length(1)
      await pool.execute('create table t (a)')
      await pool.execute('insert into t values (1)')
      expect(await pool.execute('select a from t').fetchall()).to.deep.equal([[1]])
      expect(beside('-wal')).to.equal(false)
      const [pid] = children(pool, 'writer')
      process.kill(pid!, 'SIGKILL')
      await until('it is out of the pool', () => !children(pool, 'writer').includes(pid!))
      expect(await pool.execute('select a from t').fetchall()).to.deep.equal([[1]])
      expect(pool.stats().children.map((child) => child.role)).to.deep.equal(['writer'])
    })

    for (const database of [':memory:', '']) {
      it(`are one for '${database}', and its death is told by every later call`, async () => {
        const pool = await start({}, database)
        await pool.execute('create table t (a)')
        const conn = await pool.connect()
        await conn.execute('insert into t values (1)')
        const [pid] = children(pool, 'writer')
        process.kill(pid!, 'SIGKILL')
        await until('it is out of the pool', () => children(pool, 'writer').length === 0)
        for (const sql of ['select 1', 'insert into t values (1)', 'create table u (a)']) {
          const error = await rejection(pool.execute(sql))
          expect(error).to.include({ name: 'WorkerExited', code: 'WORKER_EXITED' })
          expect(error.message).to.include('was in memory').and.to.include('killed by SIGKILL')
        }
        expect(await rejection(conn.execute('select 1'))).to.be.an('error')
        expect(pool.stats().children).to.deep.equal([])
        await conn.close()
      })
    }

    describeWithFunctions('while they answer', (driver) => {
      it('tell so when a database in memory is lost', async () => {
        const initializer = writeInitializer(dir.file('init.mjs'))
        const pool = await start({ driver, initializer }, ':memory:')
        const [running, waiting] = await Promise.all([
          rejection(pool.execute('select die()')),
          rejection(pool.execute('select 1')),
        ])
        expect([running.name, waiting.name]).to.deep.equal(['WorkerExited', 'WorkerExited'])
      })
    })
  })

  describe('of a readonly database', () => {
    it('are readers only, and refuse to write', async () => {
      const pool = await start()
      await pool.execute('create table t (a)')
      await pool.execute('insert into t values (1)')
      await pool.close()
      const reader = await start({ readonly: true })
      expect(reader.stats().children.map((child) => child.role)).to.deep.equal(['reader', 'reader'])
      expect(await reader.execute('select a from t').fetchall()).to.deep.equal([[1]])
      expect(await rejection(reader.execute('insert into t values (2)'))).to.include({
        name: 'OperationalError',
        code: 'SQLITE_READONLY',
      })
    })

    it('never make the file, nor change its journal mode', async () => {
      expect(await rejection(start({ readonly: true }))).to.include({ code: 'SQLITE_CANTOPEN' })
      expect(existsSync(file())).to.equal(false)
      const plain = await start({ pragmas: { journal_mode: 'DELETE' } })
      await plain.execute('create table t (a)')
      await plain.close()
      const reader = await start({ readonly: true })
      expect(await reader.execute('select count(*) from t').fetchall()).to.deep.equal([[0]])
      expect(await reader.execute('pragma journal_mode').fetchall()).to.deep.equal([['delete']])
    })
  })

  // Opens the database as nobody, and prints what happened.
  const AS_NOBODY = `
    process.setgid(65534)
    process.setuid(65534)
    const { connect } = await import('forklite')
    const [database, options] = process.argv.slice(2)
    try {
      const conn = await connect(database, { readers: 1, ...JSON.parse(options) })
      console.log(JSON.stringify(await conn.execute('select count(*) from t').fetchall()))
      await conn.close()
    } catch ({ name, code }) {
      console.log(JSON.stringify({ name, code }))
    }`

  describe('without permission', () => {
    before(function () {
      if (process.getuid?.() !== 0) this.skip()
    })

    const asNobody = async (options: Options): Promise<unknown> => {
      // Nobody may not write where coverage is gathered.
      const env = { NODE_V8_COVERAGE: undefined }
      const { stdout, stderr } = await runScript(AS_NOBODY, { args: [file(), JSON.stringify(options)], env })
      expect(stderr).to.equal('')
      return JSON.parse(stdout)
    }

    beforeEach(async () => {
      const pool = await createPool(file(), { pragmas: { journal_mode: 'DELETE' } })
      await pool.execute('create table t (a)')
      await pool.close()
      chmodSync(dir.path, 0o755)
    })

    it('to read the file: connect() fails', async () => {
      chmodSync(file(), 0o600)
      for (const options of [{}, { readonly: true }]) {
        expect(await asNobody(options)).to.deep.equal({ name: 'OperationalError', code: 'SQLITE_CANTOPEN' })
      }
    })

    it('to write the file: connect() fails, and readonly reads', async () => {
      chmodSync(file(), 0o644)
      expect(await asNobody({})).to.include({ name: 'OperationalError' })
      expect(await asNobody({ readonly: true })).to.deep.equal([[0]])
    })

    it('to write the folder: connect() fails, and readonly reads', async () => {
      chmodSync(file(), 0o666)
      expect(await asNobody({})).to.include({ name: 'OperationalError' })
      expect(await asNobody({ readonly: true })).to.deep.equal([[0]])
    })
  })

  // Fails to open databases in ways that are the machine's, prints the errors, and ends by itself.
  const FAILS = `
    import { connect } from 'forklite'
    const [database, launcher, execPath] = process.argv.slice(2)
    if (execPath) process.execPath = execPath
    await connect(database, { readers: 20, launcher }).then(
      () => console.log('opened'),
      ({ name, code, message }) => console.log(JSON.stringify({ name, code, message })))`

  for (const launcher of ['cluster', 'child_process']) {
    it(`that cannot be forked fail connect() with the system's error (${launcher})`, async () => {
      const noNode = await runScript(FAILS, { args: [file(), launcher, '/no/such/node'] })
      expect(noNode).to.include({ code: 0, stderr: '' })
      expect(JSON.parse(noNode.stdout)).to.deep.equal({
        name: 'WorkerExited',
        code: 'WORKER_EXITED',
        message: "the writer's child process could not be forked: spawn /no/such/node ENOENT",
      })
    })

    it(`that find no file descriptors left fail connect() too (${launcher})`, async () => {
      const script = dir.file('fails.mjs')
      writeFileSync(script, FAILS.replace("'forklite'", JSON.stringify(import.meta.resolve('forklite'))))
      const run = 'ulimit -n 60 && exec "$0" "$@"'
      const result = await runProgram('sh', ['-c', run, process.execPath, script, file(), launcher])
      expect(result).to.include({ code: 0, stderr: '' })
      expect(JSON.parse(result.stdout)).to.include({ name: 'WorkerExited', code: 'WORKER_EXITED' })
      expect(JSON.parse(result.stdout).message).to.match(/could not be forked: spawn .* EMFILE$/)
      if (hasProc) expect(workersOn(file())).to.deep.equal([])
    })
  }

  for (const launcher of ['cluster', 'child_process'] as const) {
    it(`that the system refuses for their environment fail connect() (${launcher})`, async () => {
      const error = await rejection(start({ launcher, env: { HUGE: 'x'.repeat(300_000) } }))
      expect(error).to.include({
        name: 'WorkerExited',
        message: "the writer's child process could not be forked: spawn E2BIG",
      })
    })
  }

  it('whose program is somewhere else, or no such program, fail connect()', async () => {
    const { stdout } = await runScript(
      `import { connect } from 'forklite'
       await connect(process.argv[2], { workerPath: '/no/such/worker.js' }).catch(({ name, message }) => console.log(name, message))`,
      { args: [file()] },
    )
    expect(stdout).to.match(
      /^WorkerExited the writer's child process \d+ exited with code 1 before it was ready; it said:/,
    )
    expect(stdout).to.include('/no/such/worker.js')
  })
})

/** A child's death with work in it: what runs again elsewhere, what is told, and what is lost. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { createPool, type Pool } from 'forklite'
import { describeWithFunctions } from '../support/drivers.ts'
import { tempDir } from '../support/temp-dir.ts'
import { counting, rejection, until, writeInitializer } from './harness.ts'

describeWithFunctions('a child that dies', (driver) => {
  const dir = tempDir()
  let pool: Pool

  beforeEach(async () => {
    const initializer = writeInitializer(dir.file('init.mjs'))
    pool = await createPool(dir.file('test.db'), { readers: 2, driver, initializer })
    await pool.execute('create table t (a)')
  })

  afterEach(() => pool.close())

  const writer = (): number => pool.stats().children.find((child) => child.role === 'writer')!.pid
  const rowsOfT = async (): Promise<unknown> =>
    (await pool.execute('select a from t order by a').fetchall()).flat()

  /** The pids of the children that began a statement with `running(file)`. */
  const ran = (): number[] => {
    try {
      return readFileSync(dir.file('ran'), 'utf8').trim().split('\n').map(Number)
    } catch {
      return []
    }
  }
  const begun = (times: number): Promise<void> => until('it runs', () => ran().length === times)
  const endless = counting(Number.POSITIVE_INFINITY, 'running(?)')

  it('while it runs a read: the read runs again elsewhere', async () => {
    const query = pool.execute(counting(1_000_000, 'running(?)'), [dir.file('ran')]).fetchall()
    await begun(1)
    process.kill(ran()[0]!, 'SIGKILL')
    expect(await query).to.deep.equal([[1_000_000]])
    expect(new Set(ran()).size).to.equal(2)
  })

  it('of a read, and its second child too: the read fails, and others are served', async () => {
    const [died, ...served] = await Promise.all([
      rejection(pool.execute('select die()')),
      ...Array.from({ length: 50 }, (_, i) => pool.execute('select ?', [i]).fetchall()),
    ])
    expect(died).to.include({ name: 'WorkerExited', code: 'WORKER_EXITED', sql: 'select die()' })
    expect(died).not.to.have.property('applied')
    expect(served.map((rows) => rows[0]![0])).to.deep.equal([...Array(50).keys()])
    await until('both readers are back', () => pool.stats().children.length === 3)
  })

  it('with a write that commits by itself: nobody can tell whether it was applied', async () => {
    const write = pool.execute(`insert into t ${endless}`, [dir.file('ran')])
    const failed = rejection(write)
    await begun(1)
    expect(ran()).to.deep.equal([writer()])
    process.kill(writer(), 'SIGKILL')
    const error = await failed
    expect(error).to.include({ name: 'WorkerExited', code: 'WORKER_EXITED', applied: 'unknown' })
    expect(error.message).to.include('killed by SIGKILL').and.to.include('may have been applied')
    await pool.execute('insert into t values (2)')
    expect(await rowsOfT()).to.deep.equal([2])
  })

  it('with writes that wait for it: they were not sent, and are served by its heir', async () => {
    const conn = await pool.connect()
    await conn.execute('insert into t values (0)')
    const waiting = [1, 2, 3].map((i) => pool.execute('insert into t values (?)', [i]))
    process.kill(writer(), 'SIGKILL')
    await Promise.all(waiting)
    expect(await rowsOfT()).to.deep.equal([1, 2, 3])
    await conn.close()
  })

  it('with an idle transaction: every call says that it is lost, until rollback()', async () => {
    const conn = await pool.connect()
    await conn.execute('insert into t values (1)')
    const old = writer()
    process.kill(old, 'SIGKILL')
    // Others are served meanwhile.
    await until('another has come', () =>
      pool.stats().children.some((child) => child.role === 'writer' && child.pid !== old),
    )
    await pool.execute('insert into t values (5)')
    for (const call of [
      () => conn.execute('insert into t values (2)'),
      () => conn.execute('select 1'),
      () => conn.commit(),
    ]) {
      expect(await rejection(call())).to.include({
        name: 'OperationalError',
        code: 'TRANSACTION_LOST',
        applied: 'no',
      })
    }
    await conn.rollback()
    expect(conn.inTransaction).to.equal(false)
    await conn.execute('insert into t values (3)')
    await conn.commit()
    expect(await rowsOfT()).to.deep.equal([3, 5])
    await conn.close()
  })

  it('with a statement of a transaction: nothing of it was applied', async () => {
    const conn = await pool.connect()
    await conn.execute('insert into t values (1)')
    const failed = rejection(conn.execute(`insert into t ${endless}`, [dir.file('ran')]))
    await begun(1)
    process.kill(writer(), 'SIGKILL')
    expect(await failed).to.include({ name: 'WorkerExited', applied: 'no' })
    expect(await rejection(conn.commit())).to.include({ code: 'TRANSACTION_LOST' })
    await conn.rollback()
    expect(await conn.execute('select count(*) from t').fetchall()).to.deep.equal([[0]])
    await conn.close()
  })

  it('with the statement that began a transaction: nothing of it was applied', async () => {
    const conn = await pool.connect()
    const failed = rejection(conn.execute(`insert into t ${endless}`, [dir.file('ran')]))
    await begun(1)
    process.kill(writer(), 'SIGKILL')
    expect(await failed).to.include({ name: 'WorkerExited', applied: 'no' })
    await conn.rollback()
    await conn.execute('insert into t values (1)')
    await conn.commit()
    expect(await rowsOfT()).to.deep.equal([1])
    await conn.close()
  })

  it('with a half-read result: the rest is lost, and said to be', async () => {
    const query =
      'with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000) select x, zeroblob(50) from c'
    const cursor = await pool.execute(query)
    expect((await cursor.fetchone())![0]).to.equal(1)
    const readers = pool.stats().children.filter((child) => child.role === 'reader')
    for (const { pid } of readers) process.kill(pid, 'SIGKILL')
    await until('they are out of the pool', () =>
      pool.stats().children.every(({ pid }) => !readers.some((reader) => reader.pid === pid)),
    )
    const error = await rejection(cursor.fetchall())
    expect(['RESULT_GONE', 'WORKER_EXITED']).to.include(error.code)
    await cursor.execute(query)
    expect(await cursor.fetchall()).to.have.length(20_000)
  })
})

describeWithFunctions('what a reader refuses to write', (driver) => {
  const dir = tempDir()

  it('goes to the writer, and its text ever after', async () => {
    // Its verb says SELECT, and a function behind it writes. node:sqlite's errors have an errcode.
    const initializer = `data:text/javascript,${encodeURIComponent(
      `export default (db, role) => {
         let turn = 0
         db.function('role', () => role)
         db.function('note', { directOnly: true }, () => {
           if (role === 'reader') throw Object.assign(new Error('attempt to write a readonly database'), { code: 'SQLITE_READONLY', errcode: 8 })
           return ++turn
         })
       }`,
    )}`
    const pool = await createPool(dir.file('test.db'), { readers: 1, driver, initializer })
    try {
      expect(await pool.execute('select note(), role()').fetchall()).to.deep.equal([[1, 'writer']])
      expect(await pool.execute('select note(), role()').fetchall()).to.deep.equal([[2, 'writer']])
      expect(await pool.execute('select role()').fetchall()).to.deep.equal([['reader']])
    } finally {
      await pool.close()
    }
  })
})

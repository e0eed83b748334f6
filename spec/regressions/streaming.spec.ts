/** What a review of streaming found, each as it was shown. */
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { connect, createPool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'
import { runScript } from '../support/run-script.ts'

/** A thousand rows and more, of 100 bytes each: two chunks at least. */
const COUNTING =
  "with recursive c(x) as (select 1 union all select x + 1 from c where x < 2000) select x, printf('%090d', x) from c"

describeEachDriver('lastrowid', ({ driver, file }) => {
  it('is never that of another row, whatever moved SQLite’s own meanwhile', async () => {
    const conn = await connect(file(), { driver, readers: 1, autocommit: true })
    const cur = conn.cursor()
    const last = async (sql: string) => {
      await conn.execute('select 1')
      const fresh = conn.cursor()
      await fresh.execute(sql)
      return fresh.lastrowid
    }
    await cur.execute('create table t (a integer primary key, b unique)')
    await cur.execute('create table w (a primary key) without rowid')
    await cur.execute('create table log (a integer primary key)')
    await cur.execute('create trigger after_w after insert on w begin insert into log values (null); end')
    expect(await last("insert into t values (5, 'x')")).to.equal(5)
    expect(await last('insert into w values (1)'), 'a trigger’s').to.equal(undefined)
    const upsert = "insert into t values (9, 'x') on conflict (b) do update set b = 'x'"
    expect((await errorOf(cur.execute("insert into t values (70, 'y'), (71, 'y')"))).name).to.equal(
      'IntegrityError',
    )
    expect(await last(upsert), 'a failed INSERT’s').to.equal(undefined)
    expect(await last('insert into w values (2)'), 'a failed INSERT’s').to.equal(undefined)
    expect(await last("replace into t values (5, 'x')")).to.equal(5)
    expect(await last("replace into t values (5, 'x')"), 'the same again').to.equal(5)
    const insert = 'insert into z values (50)'
    await cur.execute('create table z (a integer primary key)')
    expect(await last(insert)).to.equal(50)
    await cur.execute('drop table z')
    await cur.execute('create table z (a primary key) without rowid')
    expect(await last(insert), 'under another schema').to.equal(undefined)
    await conn.close()
  })
})

describeEachDriver('A half-read result', ({ driver, file }) => {
  it('that was closed while its caller stood still costs no reader', async () => {
    const pool = await createPool(file(), { driver, readers: 1 })
    const conn = await pool.connect()
    await conn.execute('create table t (a integer primary key, b)')
    await conn.execute(`insert into t ${COUNTING}`)
    await conn.commit()
    const { pid } = pool.stats().children.find(({ role }) => role === 'reader')!
    for (let round = 0; round < 10; round++) {
      // Its rows are slow, so that one chunk more was asked for than there are.
      const one = conn.cursor()
      await one.execute(
        'select a, b, b, (select count(*) from t as u where u.a <= 20 + t.a * 0) from t limit 1500',
      )
      while ((await one.fetchmany(7)).length > 0);
      await one.close()
      const run = conn.cursor().execute('select a, b from t')
      await new Promise((resolve) => process.nextTick(() => process.nextTick(resolve)))
      // Whatever was answered lies in the pipe when the timers come.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 80)
      expect(await (await run).fetchall()).to.have.length(2000)
    }
    expect(pool.stats().children.find(({ role }) => role === 'reader')?.pid).to.equal(pid)
    await pool.close()
  })

  it('of the only connection is, after a rollback, what it was before the transaction', async () => {
    const conn = await connect(':memory:', { driver })
    await conn.execute('create table t (a integer primary key, b)')
    await conn.execute(`insert into t ${COUNTING}`)
    await conn.commit()
    await conn.execute("update t set b = 'changed' where a = 2000")
    const cursor = await conn.execute('select a, b from t')
    await cursor.fetchone()
    await conn.rollback()
    const [, b] = (await cursor.fetchall()).at(-1) as [number, string]
    expect(b).to.match(/^0+2000$/)
    await conn.close()
  })

  it('is left alone by a call with a deadline, while another reader holds none', async () => {
    const pool = await createPool(file(), { driver, readers: 2 })
    await pool.execute('create table t (a integer primary key, b)')
    await pool.execute(`insert into t ${COUNTING}`)
    const cursor = await pool.execute('select a, b from t')
    expect((await cursor.fetchone())![0]).to.equal(1)
    const endless = 'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c'
    const error = await errorOf(pool.execute(endless, [], { timeoutMs: 20 }).fetchall())
    expect(error.name).to.equal('QueryCancelled')
    expect(await cursor.fetchall()).to.have.length(1999)
    await pool.close()
  })

  it('does not let a hanging initializer of a further connection hang others', async () => {
    const initializer = file('second.mjs')
    writeFileSync(
      initializer,
      `let runs = 0
       export default (db, role) => (role === 'reader' && ++runs === 2 ? new Promise(() => {}) : undefined)`,
    )
    const conn = await connect(file(), {
      driver,
      readers: 1,
      initializer,
      startTimeoutMs: 2000,
      autocommit: true,
    })
    await conn.execute('create table t (a integer primary key, b)')
    await conn.execute(`insert into t ${COUNTING}`)
    const cursor = await conn.execute('select a, b from t')
    const error = await errorOf(conn.execute('select count(*) from t').fetchall())
    expect(error).to.include({ name: 'OperationalError', code: 'START_TIMEOUT' })
    expect(error.message).to.match(/startTimeoutMs \(2000 ms\), its initializer included/)
    expect(await cursor.fetchall()).to.have.length(2000)
    expect(await conn.execute('select count(*) from t').fetchall()).to.deep.equal([[2000]])
    await conn.close()
  })

  it('that is dropped while a chunk is fetched ahead is let go of, and does not hold its process', async () => {
    const { code, stdout, stderr } = await runScript(
      `import { connect } from 'forklite'
       const conn = await connect(${JSON.stringify(file())}, { driver: ${JSON.stringify(driver)}, readers: 1, autocommit: true })
       // A chunk holds 4000 rows at the most: that with the 7000th is whole, and one of the next two never is.
       const sql = 'with recursive c(i) as (values (1) union all select i + 1 from c) select i, i * 2, i * 3 from c where i < 12000'
       async function drop() {
         const cursor = await conn.execute(sql)
         return (await cursor.fetchmany(7000)).length
       }
       console.log(await drop())
       // Until it is collected, the reader is at a chunk that never ends.
       for (;;) {
         gc()
         const rows = await conn.execute('select 1', [], { timeoutMs: 300 }).fetchall().catch(() => null)
         if (rows !== null) break
       }
       await drop()
       console.log('the end')`,
      { nodeArgs: ['--expose-gc'] },
    )
    expect(stderr).to.equal('')
    expect(stdout).to.equal('7000\nthe end\n')
    expect(code).to.equal(0)
  })
})

describeEachDriver('A function with effects', ({ driver, file }) => {
  if (driver === 'sqlite3') return

  it('is called once, though its value is beyond what a number tells', async () => {
    const initializer = file('counts.mjs')
    writeFileSync(
      initializer,
      `let calls = 0
       export default (db) => db.function('next_id', () => 9007199254740993n + BigInt(++calls))`,
    )
    const conn = await connect(file(), { driver, readers: 1, initializer })
    const seen: unknown[] = []
    for (let i = 0; i < 5; i++) seen.push(...(await conn.execute('select next_id()').fetchall()))
    expect(seen).to.deep.equal([1n, 2n, 3n, 4n, 5n].map((call) => [9007199254740993n + call]))
    await conn.close()
  })
})

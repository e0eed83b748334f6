/**
 * Results that are left before their end: by whatever way, the child lets go of them. Seen from outside by what
 * a checkpoint can move: it stops at the oldest snapshot that anyone still holds.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import { expect } from 'chai'
import { type Connection, type Cursor, createPool, type Pool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'
import { hasProc } from '../support/processes.ts'
import { runScript } from '../support/run-script.ts'

const COUNTING =
  'with recursive c(x) as (select 1 union all select x + 1 from c where x < 5000) ' +
  `select x, '${'f'.repeat(98)}' from c`

describeEachDriver('A result that is left early', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    conn = await pool.connect()
    await conn.execute('create table t (a integer primary key, b)')
    await conn.execute(`insert into t ${COUNTING}`)
    await conn.commit()
    await pool.execute('pragma wal_checkpoint(truncate)').fetchall()
  })
  afterEach(() => pool.close())

  /** Whether anyone holds a snapshot that is older than what is written here. */
  async function isHeld(): Promise<boolean> {
    // Behind what the reader was told to let go of.
    await pool.execute('select 1').fetchall()
    await pool.execute('update t set b = b || 1 where a = 1')
    const [row] = await pool.execute('pragma wal_checkpoint(passive)').fetchall()
    const [, log, moved] = row as number[]
    return log !== moved
  }

  async function expectHeld(held: boolean, what = ''): Promise<void> {
    expect(await isHeld(), what).to.equal(held)
  }

  const half = async (cursor: Cursor = conn.cursor()): Promise<Cursor> => {
    await cursor.execute('select a, b from t')
    expect((await cursor.fetchone())![0]).to.equal(1)
    return cursor
  }

  const ways: Record<string, (cursor: Cursor) => Promise<unknown>> = {
    'break in a loop': async (cursor) => {
      for await (const [a] of cursor) if (a === 5) break
    },
    'break in the second chunk': async (cursor) => {
      for await (const [a] of cursor) if (a === 1000) break
    },
    'return in a loop': (cursor) =>
      (async () => {
        for await (const [a] of cursor) if (a === 5) return a
        return null
      })(),
    'throw in a loop': async (cursor) => {
      const error = await errorOf(
        (async () => {
          for await (const [a] of cursor) if (a === 5) throw new RangeError('of the loop')
        })(),
      )
      expect(error).to.be.instanceOf(RangeError)
    },
    'cursor.close()': (cursor) => cursor.close(),
    'cursor.close() with chunks on their way': async (cursor) => {
      await cursor.fetchmany(600)
      await cursor.close()
    },
    'cursor.close() while a fetch waits': async (cursor) => {
      const rows = cursor.fetchall()
      await cursor.close()
      expect((await errorOf(rows)).name).to.equal('ProgrammingError')
    },
    'await using': async (cursor) => cursor[Symbol.asyncDispose](),
    'a new execute on the cursor': async (cursor) => {
      await cursor.execute('select 1')
      expect(await cursor.fetchall()).to.deep.equal([[1]])
    },
    'an executemany on the cursor': (cursor) =>
      cursor.executemany('insert into t (b) values (?)', []) as Promise<unknown>,
    'a deadline of a fetch': async (cursor) => {
      expect((await errorOf(cursor.fetchall({ timeoutMs: 0 }))).name).to.equal('QueryCancelled')
    },
    'a signal of a fetch': async (cursor) => {
      const signal = AbortSignal.abort()
      expect((await errorOf(cursor.fetchmany(5000, { signal }))).name).to.equal('QueryCancelled')
    },
    'reading to the end': (cursor) => cursor.fetchall(),
    'reading to the end, row by row': async (cursor) => {
      while ((await cursor.fetchone()) !== null);
    },
  }
  for (const [what, leave] of Object.entries(ways)) {
    it(`is let go of in the child: ${what}`, async () => {
      for (let i = 0; i < 3; i++) {
        const cursor = await half()
        await expectHeld(true, 'half-read')
        await leave(cursor)
        await expectHeld(false, 'left')
      }
    })
  }

  it('is let go of in the child: all hundred of a Connection, when that closes', async () => {
    const other = await half((await pool.connect()).cursor())
    for (let i = 0; i < 100; i++) await half()
    await conn.close()
    await expectHeld(true, 'that of another Connection')
    expect((await other.fetchall()).length).to.be.within(4999, 5000)
    await expectHeld(false)
    conn = await pool.connect()
  })

  it('is let go of in the child: with its Pool, whose processes others use on', async () => {
    const other = await createPool(file(), { driver })
    const cursor = await other.execute('select a, b from t')
    await cursor.fetchone()
    await expectHeld(true)
    await other.close()
    await expectHeld(false)
  })

  it('leaves at most five connections open in the child', async function () {
    if (!hasProc) this.skip()
    const [reader] = pool.stats().children.filter(({ role }) => role === 'reader')
    const folder = `/proc/${reader!.pid}/fd`
    const open = () => readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`))
    let most = 0
    for (let round = 0; round < 3; round++) {
      const cursors: Cursor[] = []
      for (let i = 0; i < 30; i++) cursors.push(await half())
      for (const cursor of cursors) await cursor.close()
      // Of a driver with a thread of its own they are closed some time later.
      const wals = () => open().filter((path) => path.endsWith('-wal')).length
      do await pool.execute('select 1').fetchall()
      while (wals() > 5)
      // Each has its WAL open. The database itself SQLite closes when nobody of this process has it locked, and
      // opens it again from what it has not closed: see findReusableFd() in os_unix.c.
      expect(wals()).to.be.within(1, 5)
      if (round === 0) most = open().length
      else expect(open().length).to.be.at.most(most)
    }
    await expectHeld(false)
  })

  it('of a writer’s transaction is let go of too', async () => {
    await conn.execute('update t set b = 2 where a = 2')
    const cursor = await half()
    await conn.commit()
    await expectHeld(true)
    await cursor.close()
    await conn.execute('update t set b = 3 where a = 2')
    await conn.commit()
    await expectHeld(false)
  })

  it('closes with its pool, though chunks are on their way', async () => {
    const cursor = await half()
    await cursor.fetchmany(600)
    await pool.close()
    expect((await errorOf(cursor.fetchall())).name).to.match(/ProgrammingError|PoolClosed/)
  })

  it('ends the loop over it with an error when its Connection closes meanwhile', async () => {
    const lone = await pool.connect()
    const rows = lone.execute('select a, b from t')
    let seen = 0
    const error = await errorOf(
      (async () => {
        for await (const [a] of rows) {
          expect(a).to.equal(++seen)
          if (seen === 10) await lone.close()
        }
      })(),
    )
    expect(error.name).to.match(/^(ProgrammingError|QueryCancelled)$/)
    expect(seen).to.be.within(10, 4999)
    await pool.execute('select 1').fetchall()
    for (const { inFlight } of pool.stats().children) expect(inFlight).to.equal(0)
  })

  it('that is long in coming does not keep its Connection from closing, when nobody waits for it', async () => {
    // Quick for the first chunk; then a row that takes for ever, which is asked for ahead.
    const sql =
      "with recursive c(x) as (select 1 union all select x + 1 from c where x < 1000000000) select x, '" +
      `${'f'.repeat(98)}' from c where x < 1500 or x > 999999990`
    const lone = await pool.connect()
    const cursor = await lone.execute(sql)
    expect(await cursor.fetchmany(600)).to.have.length(600)
    // By now the reader is at it.
    for (let i = 0; i < 20; i++) await pool.execute('update t set b = 1 where a = 1')
    await lone.close()
    await pool.close()
  })

  it('is what a fetchall() made before close() still reads to its end', async () => {
    const lone = await pool.connect()
    const cursor = await lone.execute('select a, b from t')
    const rows = cursor.fetchall()
    const more = lone.execute('select b, a from t').fetchall()
    await lone.close()
    expect((await rows).length).to.equal(5000)
    expect((await more).length).to.equal(5000)
    const some = pool.execute('select a, b from t').fetchall()
    const many = pool.execute('select a, b from t').then((its) => its.fetchmany(4000))
    await pool.execute('select 1')
    const closed = pool.close()
    expect((await some).length).to.equal(5000)
    expect((await many).length).to.equal(4000)
    await closed
  })

  it('is let go of in the child: a cursor that nobody holds any more', async function () {
    this.timeout(60_000)
    await pool.close()
    const { code, stdout, stderr } = await runScript(
      `import { createPool } from 'forklite'
       const pool = await createPool(${JSON.stringify(file())}, { driver: ${JSON.stringify(driver)}, readers: 1 })
       const conn = await pool.connect()
       async function isHeld() {
         await pool.execute('select 1').fetchall()
         await pool.execute('update t set b = b || 1 where a = 1')
         const [[, log, moved]] = await pool.execute('pragma wal_checkpoint(passive)').fetchall()
         return log !== moved
       }
       async function half(take) {
         for (const executor of [conn, pool]) {
           for (let i = 0; i < 10; i++) {
             const cursor = await executor.execute('select a, b from t')
             await cursor.fetchmany(take)
           }
           // A loop that is never gone on with, and an execution that nobody asks for rows.
           const rows = executor.execute('select a, b from t')[Symbol.asyncIterator]()
           await rows.next()
           await executor.execute('select a, b from t')
         }
       }
       for (const take of [1, 600]) {
         await half(take)
         console.log(await isHeld())
         // As often as the collector needs; what is never let go of ends with this script's deadline.
         do {
           gc()
           await new Promise((resolve) => setImmediate(resolve))
         } while (await isHeld())
         console.log('let go of')
       }
       await pool.close()`,
      { nodeArgs: ['--expose-gc'], deadlineMs: 40_000 },
    )
    expect(stderr).to.equal('')
    expect(stdout).to.equal('true\nlet go of\ntrue\nlet go of\n')
    expect(code).to.equal(0)
  })

  for (const take of [1, 600, 700]) {
    it(`does not keep its process alive, ${take} rows read and nothing closed`, async () => {
      await pool.close()
      const { code, stdout, stderr } = await runScript(
        `import { createPool } from 'forklite'
         const pool = await createPool(${JSON.stringify(file())}, { driver: ${JSON.stringify(driver)}, readers: 1 })
         const cursor = await pool.execute('select a, b from t')
         console.log((await cursor.fetchmany(${take})).length)`,
      )
      expect([code, stdout, stderr]).to.deep.equal([0, `${take}\n`, ''])
    })
  }
})

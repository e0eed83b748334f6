/** Results that break in their middle: by an error of a row, a child's death, a deadline. */
import { expect } from 'chai'
import { type Cursor, connect, createPool, type Pool, type RowArray } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'
import { runScript } from '../support/run-script.ts'

const FILLER = 'f'.repeat(98)
const LEAST = '-9223372036854775807 - 1'
/** Fails at this row, which is in a late chunk. */
const FATAL = 2345

describeEachDriver('A result that breaks', ({ driver, file }) => {
  let pool: Pool

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    await pool.execute('create table t (a integer primary key, n, b)')
    await pool.execute(
      'insert into t with recursive c(x) as (select 1 union all select x + 1 from c where x < 5000) ' +
        `select x, case x when ${FATAL} then ${LEAST} else x end, '${FILLER}' from c`,
    )
  })
  afterEach(() => pool.close())

  const BREAKS = 'select abs(n), b from t order by a'

  /** Rows by a way of fetching, up to the error that ends them. */
  async function untilError(
    fetch: () => Promise<RowArray | RowArray[] | null>,
  ): Promise<[RowArray[], Error & { code?: string }]> {
    const rows: RowArray[] = []
    for (;;) {
      try {
        const got = await fetch()
        if (got === null || got.length === 0) throw new Error('it has ended, where an error was expected')
        if (Array.isArray(got[0])) rows.push(...(got as RowArray[]))
        else rows.push(got as RowArray)
      } catch (error) {
        return [rows, error as Error]
      }
    }
  }

  function expectOverflow(error: Error): void {
    expect(error.name).to.match(/^(OperationalError|DatabaseError|DataError|InternalError)$/)
    expect(error.message).to.match(/integer overflow/)
    expect(error).to.have.property('sql', BREAKS)
  }

  for (const [way, fetch] of Object.entries<(cursor: Cursor) => () => Promise<RowArray | RowArray[] | null>>({
    fetchone: (cursor) => () => cursor.fetchone(),
    'fetchmany(97)': (cursor) => () => cursor.fetchmany(97),
    'for await': (cursor) => {
      const rows = cursor[Symbol.asyncIterator]()
      return async () => {
        const { done, value } = await rows.next()
        return done ? null : value
      }
    },
  })) {
    it(`by an error of a row, gives the rows before it, then that error, again and again: ${way}`, async () => {
      const conn = await pool.connect()
      const cursor = conn.cursor()
      await cursor.execute(BREAKS)
      const [rows, error] = await untilError(fetch(cursor))
      expectOverflow(error)
      expect(rows.map(([a]) => a)).to.deep.equal(Array.from({ length: FATAL - 1 }, (_, i) => i + 1))
      expect(await errorOf(cursor.fetchone())).to.equal(error)
      expect(await errorOf(cursor.fetchmany(3))).to.equal(error)
      expect(await errorOf(cursor.fetchall())).to.equal(error)
      await cursor.execute('select a from t where a = 7')
      expect(await cursor.fetchall()).to.deep.equal([[7]])
      await conn.execute('delete from t where a = 8')
      await conn.commit()
      await conn.close()
    })
  }

  it('by an error of a row, fails fetchall()', async () => {
    expectOverflow(await errorOf(pool.execute(BREAKS).fetchall()))
    expect(await pool.execute('select count(*) from t').fetchall()).to.deep.equal([[5000]])
  })

  it('by an error of a row, inside a transaction, leaves that open', async () => {
    const conn = await pool.connect()
    await conn.execute('insert into t (b) values (1)')
    expectOverflow(await errorOf(conn.execute(BREAKS).fetchall()))
    expect(conn.inTransaction).to.equal(true)
    await conn.commit()
    expect(await pool.execute('select count(*) from t').fetchall()).to.deep.equal([[5001]])
    await conn.close()
  })

  it('behind what was read breaks nothing for one who leaves before', async () => {
    for (const rows of [1, 400, 700]) {
      const cursor = await pool.execute(BREAKS)
      expect(await cursor.fetchmany(rows)).to.have.length(rows)
      await cursor.close()
    }
    expect(await pool.execute('select 1').fetchone()).to.deep.equal([1])
  })

  it('behind what was read makes no unhandled rejection, held on to or dropped', async () => {
    const { code, stdout, stderr } = await runScript(
      `import { createPool } from 'forklite'
       const pool = await createPool(${JSON.stringify(file())}, { driver: ${JSON.stringify(driver)}, readers: 1 })
       for (const rows of [1, 400, 1000, 1999]) {
         try {
           const cursor = await pool.execute(${JSON.stringify(BREAKS)})
           await cursor.fetchmany(rows)
           // By now the error is here, where it was asked for ahead.
           for (let i = 0; i < 3; i++) await pool.execute('select 1').fetchall()
           if (rows === 1999) await cursor.close()
         } catch (error) {
           throw error
         }
       }
       const dying = await pool.execute('select a, b from t')
       await dying.fetchmany(400)
       for (const { pid, role } of pool.stats().children) if (role === 'reader') process.kill(pid, 'SIGKILL')
       while (pool.stats().children.length < 2) await pool.execute('select 1').fetchall()
       await pool.close()
       console.log('closed')`,
    )
    expect([code, stdout, stderr]).to.deep.equal([0, 'closed\n', ''])
  })

  it('with its child, is a WorkerExited for each, and new ones work', async () => {
    const cursors: Cursor[] = []
    for (let i = 0; i < 20; i++) {
      const cursor = await pool.execute('select a, b from t')
      await cursor.fetchmany(i * 40 + 1)
      cursors.push(cursor)
    }
    const [reader] = pool.stats().children.filter(({ role }) => role === 'reader')
    process.kill(reader!.pid, 'SIGKILL')
    // Half of them notice while it dies, half after another has taken its place.
    const now = await Promise.all(cursors.slice(0, 10).map((cursor) => cursor.fetchall().catch((e) => e)))
    expect(await pool.execute('select count(*) from t').fetchone()).to.deep.equal([5000])
    const later = await Promise.all(cursors.slice(10).map((cursor) => cursor.fetchall().catch((e) => e)))
    for (const outcome of [...now, ...later]) {
      // What a driver has read at once waits in the child, too.
      expect(outcome).to.include({ name: 'WorkerExited', code: 'WORKER_EXITED' })
    }
    const [again] = cursors
    await again!.execute('select a, b from t')
    expect(await again!.fetchall()).to.have.length(5000)
    // Behind what was asked for ahead, and found nothing.
    await pool.execute('select 1').fetchall()
    for (const { inFlight } of pool.stats().children) expect(inFlight).to.equal(0)
  })

  it('with its child, in a transaction, is lost with that', async () => {
    const conn = await pool.connect()
    await conn.execute('insert into t (b) values (1)')
    const cursor = await conn.execute('select a, b from t')
    await cursor.fetchone()
    const [writer] = pool.stats().children.filter(({ role }) => role === 'writer')
    process.kill(writer!.pid, 'SIGKILL')
    expect((await errorOf(cursor.fetchall())).name).to.equal('WorkerExited')
    await pool.execute('select 1').fetchall()
    await errorOf(conn.execute('insert into t (b) values (2)'))
    await conn.rollback()
    await conn.execute('insert into t (b) values (3)')
    await conn.commit()
    expect(await pool.execute('select count(*) from t where a > 5000').fetchone()).to.deep.equal([1])
    await conn.close()
  })

  describe('for a caller who has no more time', () => {
    /** Chunks that come at once (sqlite3 may ask for 1000 rows), and then a row that takes as long as a test could. */
    const STUCK =
      "with recursive c(x) as (select 1 union all select x + 1 from c where x < 1000000000) select x, '" +
      `${FILLER}' from c where x < 5000 or x > 999999990`

    for (const [what, options] of Object.entries({
      timeoutMs: () => ({ timeoutMs: 1 }),
      signal: () => {
        const abort = new AbortController()
        setImmediate(() => abort.abort(new RangeError('enough')))
        return { signal: abort.signal }
      },
    })) {
      it(`fails with QueryCancelled, and the reader serves again: ${what}`, async () => {
        const cursor = await pool.execute(STUCK)
        expect(await cursor.fetchone()).to.deep.equal([1, FILLER])
        const error = await errorOf(cursor.fetchall(options()))
        expect(error).to.include({ name: 'QueryCancelled', code: 'QUERY_CANCELLED' })
        expect((await errorOf(cursor.fetchone())).code).to.equal('RESULT_GONE')
        expect(await pool.execute('select 1').fetchone()).to.deep.equal([1])
      })
    }

    it('gives what is here in time, and has taken no row for a call that failed', async () => {
      const cursor = await pool.execute('select a, b from t')
      expect(await cursor.fetchmany(5, { timeoutMs: 10_000 })).to.have.length(5)
      expect(await cursor.fetchone({ signal: new AbortController().signal })).to.deep.equal([6, FILLER])
      expect((await cursor.fetchall({ timeoutMs: 10_000 })).length).to.equal(4994)
    })
  })

  it('does not keep its process from ending, whatever is left of it', async () => {
    const { code, stdout, stderr } = await runScript(
      `import { createPool } from 'forklite'
       const pool = await createPool(${JSON.stringify(file())}, { driver: ${JSON.stringify(driver)}, readers: 1 })
       const conn = await pool.connect()
       const rows = conn.execute('select a, b from t')[Symbol.asyncIterator]()
       for (let i = 0; i < 500; i++) await rows.next()
       const left = await conn.execute('select a, b from t')
       await left.fetchmany(600)
       await left.close()
       const stuck = await conn.execute('select b, a from t')
       stuck.fetchmany(3000, { timeoutMs: 0 }).catch(() => {})
       const broken = await conn.execute(${JSON.stringify(BREAKS)}).catch(() => null)
       await broken?.fetchmany(1999)
       console.log('done')`,
    )
    expect([code, stdout, stderr]).to.deep.equal([0, 'done\n', ''])
  })
})

for (const [database, pragmas] of [
  [':memory:', {}],
  ['test.db', { journal_mode: 'delete' }],
] as [string, Record<string, string>][]) {
  describeEachDriver(`A result from ${database}, not in WAL, that breaks`, ({ driver, file }) => {
    it('takes more than maxResultBytes when something writes, is alone in that', async () => {
      const conn = await connect(database === 'test.db' ? file() : database, {
        driver,
        pragmas,
        maxResultBytes: 150_000,
      })
      await conn.execute('create table t (a integer primary key, b)')
      await conn.execute(
        `insert into t with recursive c(x) as (select 1 union all select x + 1 from c where x < 5000) select x, '${FILLER}' from c`,
      )
      await conn.commit()
      const [large, small] = [
        await conn.execute('select a, b from t'),
        await conn.execute('select a, b from t where a <= 1200'),
      ]
      await conn.execute('delete from t where a = 1')
      await conn.commit()
      const got = large.fetchall()
      const error = await errorOf(got)
      expect(error).to.include({ name: 'DataError', code: 'RESULT_TOO_LARGE' })
      expect(error.message).to.match(/maxResultBytes/)
      expect((await small.fetchall()).length).to.equal(1200)
      expect(await conn.execute('select count(*) from t').fetchone()).to.deep.equal([4999])
      await conn.close()
    })
  })
}

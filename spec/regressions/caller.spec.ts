/**
 * What a review found wrong in the caller, one test for each.
 */
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type * as forklite from 'forklite'
import { connect, createPool } from 'forklite'
import { errorOf } from '../support/drivers.ts'
import { tempDir } from '../support/temp-dir.ts'

const MIB = 1024 * 1024
const ENDLESS = 'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c'
const COUNT =
  'with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) select count(*) from c'

describe('regressions in the caller', () => {
  const dir = tempDir()

  it('says again and again that the rest of a result is lost, and never that it has ended', async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1 })
    const execution = pool.execute(
      'with recursive c(x) as (select 1 union all select x + 1 from c where x < 50000) select x, zeroblob(20) from c',
    )
    await execution
    const before = await execution.fetchmany(10)
    expect(before).to.have.length(10)
    const [reader] = pool.stats().children.filter(({ role }) => role === 'reader')
    process.kill(reader?.pid as number, 'SIGKILL')
    let rows = before
    let seen = 0
    let error: unknown = null
    while (error === null) {
      seen += rows.length
      rows = await execution.fetchmany(1000).catch((thrown) => {
        error = thrown
        return []
      })
    }
    expect(seen).to.be.lessThan(50000)
    expect(['RESULT_GONE', 'WORKER_EXITED']).to.include((error as forklite.Error).code)
    expect(await errorOf(execution.fetchone())).to.equal(error)
    expect(await errorOf(execution.fetchall())).to.equal(error)
    expect(await errorOf(execution.fetchmany(5))).to.equal(error)
    await pool.close()
  })

  it('refuses what is larger than maxFrameBytes before it is sent, and harms nobody', async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1, maxFrameBytes: 8 * MIB })
    await pool.execute('create table t (v)')
    const { children } = pool.stats()
    const big = Buffer.alloc(9 * MIB)
    const cursor = await pool.execute('select 1')
    const calls = [
      pool.execute('select length(?)', [big]),
      pool.execute('insert into t values (?)', [big]),
      pool.execute(`select length('${'x'.repeat(9 * MIB)}')`),
      pool.execute('select length(?)', ['✓'.repeat(3 * MIB)]),
      cursor.executemany('insert into t values (?)', [[1], [big]]),
    ]
    for (const error of await Promise.all(calls.map(errorOf))) {
      expect(error.name).to.equal('DataError')
      expect(error.code).to.equal('FRAME_TOO_LARGE')
      expect(error.message.length).to.be.lessThan(1000)
    }
    const conn = await pool.connect()
    await conn.execute('insert into t values (2)')
    expect((await errorOf(conn.execute('insert into t values (?)', [big]))).code).to.equal('FRAME_TOO_LARGE')
    await conn.commit()
    expect(await pool.execute('select v from t').fetchall()).to.deep.equal([[2]])
    expect(await pool.execute('select length(?)', ['x'.repeat(7 * MIB)]).fetchone()).to.deep.equal([7 * MIB])
    expect(pool.stats().children.map(({ pid }) => pid)).to.deep.equal(children.map(({ pid }) => pid))
    await pool.close()
  })

  it('sends many large calls in several frames', async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1, maxFrameBytes: 4 * MIB })
    await pool.execute('create table t (v)')
    const conn = await pool.connect()
    await conn.execute('insert into t values (1)')
    const literal = 'y'.repeat(100 * 1024)
    const inside = Array.from({ length: 100 }, (_, i) =>
      conn.execute('select ?, length(?)', [i, literal]).fetchone(),
    )
    const beside = Array.from({ length: 60 }, (_, i) =>
      pool.execute(`select ${i}, length('${literal}')`).fetchone(),
    )
    expect(await Promise.all(inside)).to.deep.equal(inside.map((_, i) => [i, literal.length]))
    expect(await Promise.all(beside)).to.deep.equal(beside.map((_, i) => [i, literal.length]))
    await conn.commit()
    await pool.close()
  })

  it('copies a table through one connection: executemany may be fed by it', async () => {
    const conn = await connect(dir.file('a.db'), { readers: 1 })
    await conn.execute('create table a (x)')
    await conn.execute('create table b (x)')
    await conn.executemany(
      'insert into a values (?)',
      Array.from({ length: 30_000 }, (_, i) => [i]),
    )
    await conn.commit()
    async function* rows(): AsyncGenerator<(number | string)[]> {
      for await (const [x] of conn.execute('select x from a order by x')) yield [x as number]
    }
    const copied = await conn.executemany('insert into b values (?)', rows())
    expect(copied.rowcount).to.equal(30_000)
    await conn.commit()
    expect(await conn.execute('select count(*), sum(x) from b').fetchall()).to.deep.equal([
      [30_000, (30_000 * 29_999) / 2],
    ])
    await conn.close()
  })

  it('keeps a commit behind the executemany before it, though that is fed slowly', async () => {
    const conn = await connect(dir.file('a.db'), { readers: 1 })
    await conn.execute('create table a (x)')
    async function* slowly(): AsyncGenerator<number[]> {
      for (let i = 0; i < 5; i++) {
        await new Promise(setImmediate)
        yield [i]
      }
    }
    const many = conn.executemany('insert into a values (?)', slowly())
    const commit = conn.commit()
    await commit
    expect(conn.inTransaction).to.equal(false)
    expect((await many).rowcount).to.equal(5)
    expect(await conn.execute('select count(*) from a').fetchone()).to.deep.equal([5])
    await conn.close()
  })

  it('ends an executemany whose sets never come, by its signal or its deadline', async () => {
    const conn = await connect(':memory:')
    await conn.execute('create table a (x)')
    let returned = 0
    const never = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => {
          returned++
          return { done: true as const, value: undefined }
        },
      }),
    }
    const { signal } = new AbortController()
    const late = await errorOf(conn.executemany('insert into a values (?)', never, { timeoutMs: 20, signal }))
    expect(late.name).to.equal('QueryCancelled')
    const aborted = AbortSignal.timeout(20)
    expect(
      (await errorOf(conn.executemany('insert into a values (?)', never, { signal: aborted }))).name,
    ).to.equal('QueryCancelled')
    expect(returned).to.equal(2)
    await conn.close()
  })

  it('closes a pool whose last waiting calls failed', async () => {
    const failing = dir.file('init.mjs')
    const marker = dir.file('marker')
    writeFileSync(
      failing,
      `import { existsSync } from 'node:fs'
       export default () => { if (existsSync(${JSON.stringify(marker)})) throw new Error('no more') }`,
    )
    const pool = await createPool(dir.file('a.db'), { readers: 1, initializer: failing })
    writeFileSync(marker, '')
    const [reader] = pool.stats().children.filter(({ role }) => role === 'reader')
    process.kill(reader?.pid as number, 'SIGKILL')
    const reads = [errorOf(pool.execute(COUNT, [50_000_000])), errorOf(pool.execute('select 2'))]
    const closing = pool.close()
    const [one, two] = await Promise.all(reads)
    await closing
    expect(one?.message).to.match(/no more/)
    expect(two?.message).to.match(/no more/)
    expect(one).to.not.equal(two)
    expect(two?.sql).to.equal('select 2')
  })

  it('ends a query that ran away though it was always short before, and answers those behind it', async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1 })
    for (let i = 0; i < 20; i++) await pool.execute(COUNT, [10]).fetchone()
    for (let i = 0; i < 5; i++) await pool.execute('select 1').fetchone()
    const long = errorOf(pool.execute(COUNT, [2e9], { timeoutMs: 100 }))
    const others = Array.from({ length: 3 }, () => pool.execute('select 1').fetchone())
    expect((await long).name).to.equal('QueryCancelled')
    expect(await Promise.all(others)).to.deep.equal([[1], [1], [1]])
    expect(await pool.execute('select 2').fetchone()).to.deep.equal([2])
    await pool.close()
  })

  it('ends the wait behind a call of its own Connection, and a read in a transaction', async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1 })
    const conn = await pool.connect()
    await conn.execute('create table t (v)')
    const slow = conn.execute(`insert into t ${COUNT}`, [1_500_000])
    let written = false
    void slow.then(() => {
      written = true
    })
    const late = await errorOf(conn.execute('select 1', [], { timeoutMs: 5 }))
    expect(late.name).to.equal('QueryCancelled')
    const controller = new AbortController()
    const aborted = errorOf(conn.execute('select 1', [], { signal: controller.signal }))
    controller.abort()
    expect((await aborted).name).to.equal('QueryCancelled')
    expect(written).to.equal(false)
    await slow
    const inside = await errorOf(conn.execute(COUNT, [3_000_000], { timeoutMs: 5 }))
    expect(inside.name).to.equal('QueryCancelled')
    expect(await conn.execute('select count(*) from t').fetchone()).to.deep.equal([1])
    await conn.commit()
    await pool.close()
  })

  it('ends a read where one child does everything, and lets that child finish it', async () => {
    const pool = await createPool(':memory:')
    const late = await errorOf(pool.execute(COUNT, [3_000_000], { timeoutMs: 20 }))
    expect(late.name).to.equal('QueryCancelled')
    const { signal } = new AbortController()
    expect(await pool.execute('select 1', [], { signal, timeoutMs: 60_000 }).fetchone()).to.deep.equal([1])
    await pool.close()
  })

  it('fails a refused call once, and not again at its deadline or signal', async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1 })
    const conn = await pool.connect()
    const unhandled: unknown[] = []
    const note = (error: unknown): void => {
      unhandled.push(error)
    }
    process.on('unhandledRejection', note)
    try {
      const controller = new AbortController()
      const options = { timeoutMs: 20, signal: controller.signal }
      expect((await errorOf(conn.execute('select changes()', [], options))).code).to.equal('BAD_STATEMENT')
      await conn.commit(options)
      controller.abort()
      // Due after the refused call's own deadline: when this one is over, that one was looked at.
      expect((await errorOf(pool.execute(ENDLESS, [], { timeoutMs: 60 }))).name).to.equal('QueryCancelled')
      expect(unhandled).to.deep.equal([])
    } finally {
      process.off('unhandledRejection', note)
    }
    await pool.close()
  })

  it("lets a pool cursor's executemany finish when the pool closes", async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1 })
    await pool.execute('create table t (v)')
    const cursor = await pool.execute('select 1')
    const many = cursor.executemany(
      'insert into t values (?)',
      Array.from({ length: 5000 }, () => ['x'.repeat(100)]),
    )
    await pool.close()
    expect((await many).rowcount).to.equal(5000)
  })

  it('heeds arraysize wherever a cursor comes from', async () => {
    const conn = await connect(':memory:', { arraysize: 2 })
    const three = 'values (1), (2), (3)'
    expect(await conn.execute(three).fetchmany()).to.have.length(2)
    expect(await (await conn.execute(three)).fetchmany()).to.have.length(2)
    const cursor = conn.cursor()
    cursor.arraysize = 3
    expect(await cursor.execute(three).fetchmany()).to.have.length(3)
    await conn.close()
  })

  it('counts the changes of an executemany that failed', async () => {
    const conn = await connect(':memory:')
    await conn.execute('create table t (id integer primary key)')
    await errorOf(conn.executemany('insert into t values (?)', [[1], [2], [1]]))
    expect(conn.totalChanges).to.equal(2)
    await conn.close()
  })

  it('fetches nothing through a closed connection or pool', async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1 })
    const conn = await pool.connect()
    const cursor = await conn.execute('values (1), (2)')
    const poolCursor = await pool.execute('values (1), (2)')
    await conn.close()
    expect((await errorOf(cursor.fetchone())).name).to.equal('ProgrammingError')
    await pool.close()
    expect((await errorOf(poolCursor.fetchall())).name).to.equal('PoolClosed')
  })

  it('takes a signal and a time limit for a fetch', async () => {
    const pool = await createPool(dir.file('a.db'), { readers: 1 })
    expect((await errorOf(pool.execute(ENDLESS).fetchall({ timeoutMs: 30 }))).name).to.equal('QueryCancelled')
    const signal = AbortSignal.timeout(30)
    const cursor = pool.execute(ENDLESS)
    expect((await errorOf(cursor.fetchone({ signal }))).name).to.equal('QueryCancelled')
    expect(await pool.execute('values (1), (2)').fetchmany(2, { timeoutMs: 5000 })).to.deep.equal([[1], [2]])
    const rows = await pool.execute('values (1), (2)')
    expect(await rows.fetchone({ timeoutMs: 5000 })).to.deep.equal([1])
    expect((await errorOf(rows.fetchall({ timeout: 5 } as never))).code).to.equal('BAD_OPTION')
    await pool.close()
  })

  it("shows the caller's line in a chain of then() with captureStacks", async () => {
    const conn = await connect(':memory:', { captureStacks: true })
    function whoCallsWithoutAwait(): Promise<unknown> {
      return conn.execute('select * from nowhere').then(
        () => null,
        (error) => error,
      )
    }
    const error = (await whoCallsWithoutAwait()) as Error
    expect(error.stack).to.match(/^OperationalError: no such table: nowhere\n[\s\S]*whoCallsWithoutAwait/)
    await conn.close()
  })

  it('gives advice about pragmas that holds', async () => {
    const conn = await connect(':memory:')
    expect((await errorOf(conn.execute('pragma busy_timeout = 5'))).message).to.match(
      /option 'lockTimeoutMs'/,
    )
    expect((await errorOf(conn.execute('pragma query_only = 1'))).message).to.match(/option 'readonly'/)
    await conn.close()
  })
})

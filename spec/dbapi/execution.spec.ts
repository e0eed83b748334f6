import { once } from 'node:events'
import { expect } from 'chai'
import { type Connection, connect, createPool, type Execution, type Pool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'
import { runScript } from '../support/run-script.ts'

const ROWS = [[1], [2], [3]]
const QUERY = 'select 1 union all select 2 union all select 3'

describeEachDriver('Execution', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    conn = await pool.connect()
    await pool.execute('create table t (id integer primary key)')
  })
  afterEach(() => pool.close())

  // Where an execution comes from: each must behave the same.
  const sources: [string, (sql: string) => Execution][] = [
    ['cursor.execute', (sql) => conn.cursor().execute(sql)],
    ['connection.execute', (sql) => conn.execute(sql)],
    ['pool.execute', (sql) => pool.execute(sql)],
  ]

  // Each way to ask for something, with what it gives for QUERY.
  const asks: [string, (execution: Execution) => Promise<unknown>, unknown][] = [
    ['await, then fetchall', async (execution) => (await execution).fetchall(), ROWS],
    ['fetchall', (execution) => execution.fetchall(), ROWS],
    ['fetchone', (execution) => execution.fetchone(), [1]],
    ['fetchmany', (execution) => execution.fetchmany(2), [[1], [2]]],
    ['then', (execution) => execution.then((cursor) => cursor.fetchone()), [1]],
    ['finally', (execution) => execution.finally(() => {}).then((cursor) => cursor.fetchone()), [1]],
    [
      'for await',
      async (execution) => {
        const rows = []
        for await (const row of execution) rows.push(row)
        return rows
      },
      ROWS,
    ],
  ]

  for (const [source, start] of sources) {
    for (const [how, ask, expected] of asks) {
      it(`${source}: ${how} gives the rows`, async () => {
        expect(await ask(start(QUERY))).to.deep.equal(expected)
      })

      it(`${source}: ${how} gives the rows when asked after the answer`, async () => {
        const execution = start(QUERY)
        await execution
        expect(await ask(execution)).to.deep.equal(expected)
      })

      for (const [when, sql, code] of [
        ['fails in the child', 'select * from nowhere', 'SQLITE_ERROR'],
        ['is refused before it is sent', 'select 1; select 2', 'BAD_STATEMENT'],
      ] as const) {
        it(`${source}: ${how} rejects when the statement ${when}`, async () => {
          expect((await errorOf(ask(start(sql)))).code).to.equal(code)
        })

        it(`${source}: ${how} rejects when asked a second time, after a statement that ${when}`, async () => {
          const execution = start(sql)
          const first = errorOf(execution)
          expect((await errorOf(ask(execution))).code).to.equal(code)
          expect((await first).code).to.equal(code)
        })
      }
    }

    it(`${source}: asked twice before the answer, gives the cursor and the rows`, async () => {
      const execution = start(QUERY)
      const [cursor, rows] = await Promise.all([execution, execution.fetchall()])
      expect(rows).to.deep.equal(ROWS)
      expect(await cursor.fetchall()).to.deep.equal([])
    })

    it(`${source}: fetchall asked twice gives all rows and then none`, async () => {
      const execution = start(QUERY)
      expect(await Promise.all([execution.fetchall(), execution.fetchall()])).to.deep.equal([ROWS, []])
    })

    it(`${source}: gives the same cursor each time`, async () => {
      const execution = start(QUERY)
      const [one, two] = await Promise.all([execution, execution])
      expect(one).to.equal(two)
      expect(await execution).to.equal(one)
    })

    it(`${source}: catch is called for a failure, and not without one`, async () => {
      expect(await start('select * from nowhere').catch((error) => error.code)).to.equal('SQLITE_ERROR')
      const cursor = await start(QUERY).catch(() => null)
      expect(await cursor?.fetchone()).to.deep.equal([1])
    })

    it(`${source}: fetching from a statement without a result set is an error, and the statement was run`, async () => {
      const id = 1 + sources.findIndex(([name]) => name === source)
      const error = await errorOf(start(`insert into t values (${id})`).fetchall())
      expect(error.code).to.equal('NO_RESULT')
      await conn.commit()
      expect(await pool.execute('select id from t where id = ?', [id]).fetchall()).to.deep.equal([[id]])
    })

    it(`${source}: the error's stack is the caller's line, its cause the child's error`, async () => {
      async function theCallersOwnFunction(): Promise<void> {
        await start('select * from nowhere')
      }
      const error = await errorOf(theCallersOwnFunction())
      expect(error.stack).to.match(/theCallersOwnFunction/)
      expect(error.stack).to.not.match(/lib\/(pool|ipc)\//)
      expect((error.cause as Error).stack).to.match(/no such table/)
      expect(error.sql).to.equal('select * from nowhere')
      async function whoAsksForRows(): Promise<void> {
        await start('select * from nowhere').fetchall()
      }
      expect((await errorOf(whoAsksForRows())).stack).to.match(/whoAsksForRows/)
    })
  }

  it('starts at once, without being asked', async () => {
    conn.execute('insert into t values (5)')
    await conn.commit()
    expect(await pool.execute('select id from t').fetchall()).to.deep.equal([[5]])
  })

  it('is seen by every statement issued after it was awaited', async () => {
    for (let i = 0; i < 200; i++) {
      await pool.execute('insert into t values (?)', [i])
      expect(await pool.execute('select count(*) from t').fetchone()).to.deep.equal([i + 1])
    }
  })

  it('runs many callers at once, each with its own answer', async () => {
    await conn.executemany(
      'insert into t values (?)',
      Array.from({ length: 500 }, (_, i) => [i]),
    )
    await conn.commit()
    const answers = await Promise.all(
      Array.from({ length: 2000 }, (_, i) =>
        pool.execute('select id, ? from t where id = ?', [`#${i}`, i % 500]).fetchall(),
      ),
    )
    answers.forEach((rows, i) => {
      expect(rows).to.deep.equal([[i % 500, `#${i}`]])
    })
  })
})

describe('Execution, an error nobody asked for', () => {
  const script = (ask: string): string => `
    import { connect } from 'forklite'
    process.on('unhandledRejection', (error) => console.log('unhandled', error.code))
    const conn = await connect(':memory:')
    ${ask}
    await conn.execute('select 1').fetchall()
    await new Promise(setImmediate)
    await conn.close()
  `
  it('is an unhandled rejection', async () => {
    const { stdout } = await runScript(script("conn.execute('select * from nowhere')"))
    expect(stdout).to.equal('unhandled SQLITE_ERROR\n')
  })

  it('is an unhandled rejection when it was refused before it was sent', async () => {
    const { stdout } = await runScript(script("conn.execute('select 1; select 2')"))
    expect(stdout).to.equal('unhandled BAD_STATEMENT\n')
  })

  it('is none once the rows, or the cursor, were asked for', async () => {
    const { stdout } = await runScript(
      script(`
        const a = conn.execute('select * from nowhere'); a.fetchall().catch(() => {})
        const b = conn.execute('select * from nowhere'); b.catch(() => {})
        const c = conn.execute('select 1; select 2'); c.catch(() => {})
      `),
    )
    expect(stdout).to.equal('')
  })
})

describe('Execution, thrown away half-read', () => {
  it('is let go of in the child when it is collected', async () => {
    // A collected result makes the FinalizationRegistry send FINALIZE; a fetch of it could then only fail, so
    // what shows is the child's memory. Here: that the registry's message passes and the connection serves on.
    const { code, stdout, stderr } = await runScript(
      `
      import { connect } from 'forklite'
      const conn = await connect(':memory:')
      const big = 'with recursive c(x) as (select 1 union all select x + 1 from c where x < 50000) select x, zeroblob(20) from c'
      for (let i = 0; i < 20; i++) { await conn.execute(big); globalThis.gc() }
      await new Promise(setImmediate)
      globalThis.gc()
      await new Promise(setImmediate)
      console.log(await conn.execute('select 1').fetchall())
      await conn.close()
      `,
      { nodeArgs: ['--expose-gc'] },
    )
    expect(stderr).to.equal('')
    expect(stdout).to.equal('[ [ 1 ] ]\n')
    expect(code).to.equal(0)
  })
})

describe('Execution, options of the call', () => {
  let pool: Pool
  beforeEach(async () => {
    pool = await createPool(':memory:')
  })
  afterEach(() => pool.close())

  it('refuses what is no option, and says where options go', async () => {
    expect((await errorOf(pool.execute('select 1', [], { timeout: 5 } as never))).message).to.match(
      /no option 'timeout'/,
    )
    expect((await errorOf(pool.execute('select 1', [], { timeoutMs: -1 }))).message).to.match(/0 or more/)
    expect((await errorOf(pool.execute('select 1', [], { signal: 5 as never }))).message).to.match(
      /AbortSignal/,
    )
    const { signal } = new AbortController()
    expect((await errorOf(pool.execute('select 1', { signal } as never))).message).to.match(/third argument/)
    expect((await errorOf(pool.execute('select ?', { timeoutMs: 5 } as never))).message).to.match(
      /third argument/,
    )
    // Names that the SQL has are parameters, whatever they are called.
    expect(await pool.execute('select :timeoutMs', { timeoutMs: 5 }).fetchall()).to.deep.equal([[5]])
  })

  it('refuses at once what was aborted before', async () => {
    const error = await errorOf(pool.execute('select 1', [], { signal: AbortSignal.abort(new Error('why')) }))
    expect(error.code).to.equal('QUERY_CANCELLED')
    expect((error.cause as Error).message).to.equal('why')
  })
})

describeEachDriver('Execution, ended by its caller', ({ driver, file }) => {
  const ENDLESS = 'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c'

  it('rejects a running query at its deadline or signal, and the pool serves on', async () => {
    const pool = await createPool(file(), { driver, readers: 1 })
    const late = await errorOf(pool.execute(ENDLESS, [], { timeoutMs: 50 }))
    expect(late.name).to.equal('QueryCancelled')
    const controller = new AbortController()
    const running = errorOf(pool.execute(ENDLESS, [], { signal: controller.signal }))
    controller.abort()
    expect((await running).name).to.equal('QueryCancelled')
    expect(await pool.execute('select 1').fetchall()).to.deep.equal([[1]])
    await pool.close()
  })

  it('takes a waiting query out of the queue', async () => {
    const pool = await createPool(file(), { driver, readers: 1 })
    const running = new AbortController()
    const first = errorOf(pool.execute(ENDLESS, [], { signal: running.signal }))
    await new Promise(setImmediate)
    const controller = new AbortController()
    const waiting = errorOf(pool.execute('select 1', [], { signal: controller.signal }))
    const late = await errorOf(pool.execute('select 1', [], { timeoutMs: 20 }))
    expect(late.name).to.equal('PoolTimeout')
    controller.abort()
    expect((await waiting).message).to.match(/before it was sent/)
    expect(pool.stats().waiting.reads).to.equal(0)
    running.abort()
    await first
    await pool.close()
  })

  it('listens once to a signal that many calls share', async () => {
    const pool = await createPool(file(), { driver, readers: 1 })
    const { signal } = new AbortController()
    const warned = once(process, 'warning', { signal: AbortSignal.timeout(300) }).then(
      ([warning]) => String(warning),
      () => null,
    )
    await Promise.all(Array.from({ length: 50 }, () => pool.execute('select 1', [], { signal })))
    expect(await warned).to.equal(null)
    await pool.close()
  })
})

describe('connect', () => {
  it('makes a connection whose shortcut runs executemany', async () => {
    const conn = await connect(':memory:')
    await conn.execute('create table t (a)')
    const cursor = await conn.executemany('insert into t values (?)', [[1], [2]])
    expect(cursor.rowcount).to.equal(2)
    await conn.close()
  })
})

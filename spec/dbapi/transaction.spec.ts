import { expect } from 'chai'
import { type Connection, connect, createPool, type Pool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

describeEachDriver('transaction()', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection
  let other: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1, lockTimeoutMs: 3000 })
    conn = await pool.connect()
    other = await pool.connect({ autocommit: true })
    await pool.execute('create table t (a)')
  })
  afterEach(() => pool.close())

  const insert = (a: unknown, on = conn) => on.execute('insert into t values (?)', [a as string])
  const all = async () => (await pool.execute('select a from t order by rowid').fetchall()).map(([a]) => a)
  /** A transaction that is still open makes this a SQLITE_BUSY. */
  const expectFree = async (): Promise<void> => {
    expect(conn.inTransaction).to.equal(false)
    await other.execute('begin immediate')
    await other.execute('rollback')
  }

  it('commits when its function resolves, and resolves with what that gave', async () => {
    const result = await conn.transaction(async (given) => {
      expect(given).to.equal(conn)
      expect(conn.inTransaction).to.equal(true)
      await insert(1)
      expect(await all()).to.deep.equal([])
      return { a: 1 }
    })
    expect(result).to.deep.equal({ a: 1 })
    expect(await all()).to.deep.equal([1])
    expect(await conn.transaction(() => 'at once')).to.equal('at once')
    expect(await conn.transaction(() => {})).to.equal(undefined)
    await expectFree()
  })

  it('rolls back when it throws, at once or later, and rejects with that very error', async () => {
    const mine = new Error('mine')
    for (const fail of [
      () => {
        throw mine
      },
      async () => {
        await insert(1)
        throw mine
      },
      () => Promise.reject(mine),
    ]) {
      expect(await errorOf(conn.transaction(fail))).to.equal(mine)
      await expectFree()
    }
    expect(await errorOf(conn.transaction(() => Promise.reject('no error at all')))).to.equal(
      'no error at all',
    )
    const failing = errorOf(conn.transaction(() => conn.execute('insert into nowhere values (1)')))
    expect((await failing).message).to.match(/no such table/)
    expect(await all()).to.deep.equal([])
    await expectFree()
  })

  it('belongs to the calls that its function did not await too', async () => {
    await conn.transaction(() => {
      for (let i = 0; i < 50; i++) void insert(i)
    })
    expect(await all()).to.have.length(50)
    await expectFree()
  })

  it('is a savepoint within another: what fails alone is undone alone', async () => {
    await conn.transaction(async () => {
      await insert('outer')
      await conn.transaction(() => insert('inner'))
      const failed = await errorOf(
        conn.transaction(async () => {
          await insert('undone')
          await conn.transaction(() => insert('undone too'))
          throw new Error('inner')
        }),
      )
      expect(failed.message).to.equal('inner')
      expect(conn.inTransaction).to.equal(true)
      await conn.transaction(async () => conn.transaction(async () => conn.transaction(() => insert('deep'))))
    })
    expect(await all()).to.deep.equal(['outer', 'inner', 'deep'])
    await expectFree()
  })

  it('undoes what was within it when it fails itself', async () => {
    await errorOf(
      conn.transaction(async () => {
        await conn.transaction(() => insert('inner'))
        throw new Error('outer')
      }),
    )
    expect(await all()).to.deep.equal([])
    await expectFree()
  })

  it('is a savepoint within what was begun by a statement', async () => {
    await insert(1)
    await conn.transaction(() => insert(2))
    expect(conn.inTransaction).to.equal(true)
    await errorOf(conn.transaction(() => conn.execute('nonsense')))
    expect(conn.inTransaction).to.equal(true)
    await conn.commit()
    expect(await all()).to.deep.equal([1, 2])
    await expectFree()
  })

  it('rolls back, and rejects, when its COMMIT fails', async () => {
    await pool.executescript(
      'create table p (a primary key); create table k (a references p deferrable initially deferred)',
    )
    const error = await errorOf(conn.transaction(() => conn.execute('insert into k values (1)')))
    expect(error.name).to.equal('IntegrityError')
    expect(await pool.execute('select * from k').fetchall()).to.deep.equal([])
    await expectFree()
  })

  for (const isolationLevel of ['DEFERRED', 'IMMEDIATE', 'EXCLUSIVE', null] as const) {
    it(`with isolationLevel ${isolationLevel}`, async () => {
      conn = await pool.connect({ isolationLevel })
      await conn.transaction(() => insert(1))
      await errorOf(conn.transaction(async () => (await insert(2)) && conn.execute('nonsense')))
      expect(await all()).to.deep.equal([1])
      await expectFree()
    })
  }

  it('with autocommit: true', async () => {
    conn = await pool.connect({ autocommit: true })
    await conn.transaction(async () => {
      await insert(1)
      expect(conn.inTransaction).to.equal(true)
    })
    await errorOf(conn.transaction(async () => (await insert(2)) && conn.execute('nonsense')))
    expect(await all()).to.deep.equal([1])
    await expectFree()
  })

  describe('where the function ends it itself', () => {
    it('by commit() or rollback(), which are refused', async () => {
      await conn.transaction(async () => {
        await insert(1)
        for (const end of [conn.commit(), conn.rollback(), conn.transaction(() => conn.commit())])
          expect((await errorOf(end)).code).to.equal('IN_TRANSACTION')
      })
      expect(await all()).to.deep.equal([1])
      await expectFree()
    })

    it('by a script or a statement, which is told, and what comes after it is rolled back', async () => {
      for (const ending of [
        () => conn.executescript('commit'),
        () => conn.executescript('rollback'),
        () => conn.execute('commit'),
        () => conn.transaction(async () => void (await conn.execute('rollback'))).catch(() => {}),
      ]) {
        const error = await errorOf(
          conn.transaction(async () => {
            await ending()
            await insert(7)
          }),
        )
        expect(error.code).to.equal('TRANSACTION_LOST')
        expect(await all()).to.deep.equal([])
        await expectFree()
      }
    })

    it('by close(), which is told', async () => {
      const error = await errorOf(
        conn.transaction(async () => {
          await insert(1)
          await conn.close()
        }),
      )
      expect(error).to.include({ name: 'ProgrammingError', code: 'CLOSED' })
      expect(await all()).to.deep.equal([])
      await other.execute('begin immediate')
      await other.execute('rollback')
    })
  })

  describe('two that overlap on one Connection', () => {
    const overlaps: [what: string, first: () => unknown, second: () => unknown][] = [
      ['the first does nothing', () => {}, () => insert(2)],
      ['both write', () => insert(1), () => insert(2)],
      ['the second does nothing', () => insert(1), () => {}],
      [
        'the second goes on for longer',
        () => insert(1),
        async () => {
          for (let i = 0; i < 10; i++) await insert(i)
        },
      ],
      [
        'the first goes on for longer',
        async () => {
          for (let i = 0; i < 10; i++) await insert(i)
        },
        () => insert(2),
      ],
    ]
    for (const [what, first, second] of overlaps) {
      for (const autocommit of [false, true]) {
        it(`leave nothing open: ${what}${autocommit ? ', autocommit' : ''}`, async () => {
          conn = await pool.connect({ autocommit })
          const outcomes = await Promise.allSettled([conn.transaction(first), conn.transaction(second)])
          const [a] = outcomes.map(({ status }) => status)
          if (a === 'rejected' && !autocommit) expect(await all()).to.deep.equal([])
          if (a === 'rejected') {
            const refusal = (outcomes[0] as PromiseRejectedResult).reason
            expect(refusal).to.include({ name: 'ProgrammingError', code: 'IN_TRANSACTION' })
          }
          await expectFree()
          await conn.transaction(() => insert('next'))
          expect((await all()).at(-1)).to.equal('next')
        })
      }
    }

    it('are fine one after the other, un-awaited', async () => {
      const first = conn.transaction(() => insert(1))
      await first
      const second = conn.transaction(() => insert(2))
      const close = second.then(() => conn.close())
      await close
      expect(await all()).to.deep.equal([1, 2])
    })

    it('are fine on two Connections: one waits', async () => {
      const third = await pool.connect()
      const count = async (on: Connection) => {
        const [n] = (await on.execute('select count(*) from t').fetchone()) as [number]
        await insert(n, on)
      }
      await Promise.all(
        Array.from({ length: 2 }, (_, i) => (i ? third : conn)).map((on) => on.transaction(() => count(on))),
      )
      expect(await all()).to.deep.equal([0, 1])
      await expectFree()
    })
  })

  it('waits no longer for the writer than it is told, and does not call its function then', async () => {
    await other.execute('begin immediate')
    let called = 0
    const error = await errorOf(conn.transaction(() => called++, { timeoutMs: 30 }))
    expect(error).to.include({ code: 'SQLITE_BUSY', applied: 'no' })
    const aborted = await errorOf(conn.transaction(() => called++, { signal: AbortSignal.abort() }))
    expect(aborted.name).to.equal('QueryCancelled')
    await other.execute('rollback')
    await conn.transaction(() => called++)
    expect(called).to.equal(1)
    await expectFree()
  })

  it('refuses what is no function, an option there is not, and a closed Connection', async () => {
    for (const wrong of [undefined, null, 'select 1', {}, Promise.resolve()]) {
      expect((await errorOf(conn.transaction(wrong as never))).name).to.equal('ProgrammingError')
    }
    expect((await errorOf(conn.transaction(() => {}, { mode: 'x' } as never))).code).to.equal('BAD_OPTION')
    await conn.transaction(() => insert(1))
    await conn.close()
    expect((await errorOf(conn.transaction(() => {}))).code).to.equal('CLOSED')
    expect(await all()).to.deep.equal([1])
  })

  it('rejects when the writer dies in it, and the Connection goes on', async () => {
    for (const kill of [true, false]) {
      const error = await errorOf(
        conn.transaction(async () => {
          await insert('lost')
          const { pid } = pool.stats().children.find(({ role }) => role === 'writer')!
          process.kill(pid, 'SIGKILL')
          // Either the statement that meets the death, or the COMMIT, tells.
          if (kill) await insert('lost too')
        }),
      )
      expect(error).to.include({ applied: kill ? 'no' : error.applied })
      expect(error.code).to.be.oneOf(['TRANSACTION_LOST', 'WORKER_EXITED'])
      await conn.transaction(() => insert('next'))
      await expectFree()
    }
    expect(await all()).to.deep.equal(['next', 'next'])
  })

  it('rejects when the writer dies within the inner of two, whatever the outer makes of it', async () => {
    const error = await errorOf(
      conn.transaction(async () => {
        await insert('lost')
        const inner = await errorOf(
          conn.transaction(async () => {
            process.kill(pool.stats().children.find(({ role }) => role === 'writer')!.pid, 'SIGKILL')
            await insert('lost too')
          }),
        )
        expect(inner.code).to.be.oneOf(['TRANSACTION_LOST', 'WORKER_EXITED'])
      }),
    )
    expect(error.code).to.equal('TRANSACTION_LOST')
    expect(await all()).to.deep.equal([])
    await expectFree()
  })

  it("has no place in a readonly database, and works on ':memory:'", async () => {
    await pool.close()
    const readonly = await connect(file(), { driver, readonly: true })
    expect((await errorOf(readonly.transaction(() => {}))).name).to.equal('NotSupportedError')
    await readonly.close()
    const memory = await connect(':memory:', { driver })
    await memory.execute('create table t (a)')
    await memory.transaction(async () => memory.transaction(() => memory.execute('insert into t values (1)')))
    await errorOf(
      memory.transaction(async () => (await memory.execute('delete from t')) && memory.execute('nonsense')),
    )
    expect(await memory.execute('select a from t').fetchall()).to.deep.equal([[1]])
    await memory.close()
  })
})

describeEachDriver('autocommit and isolationLevel', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    conn = await pool.connect()
    await pool.execute('create table t (a)')
  })
  afterEach(() => pool.close())

  const all = async () => (await pool.execute('select a from t order by rowid').fetchall()).map(([a]) => a)

  it('commit what is open when autocommit is switched on, and begin nothing when off', async () => {
    await conn.execute('insert into t values (1)')
    await conn.setAutocommit(true)
    expect(conn).to.include({ autocommit: true, inTransaction: false })
    await conn.execute('insert into t values (2)')
    expect(await all()).to.deep.equal([1, 2])
    await conn.setAutocommit(false)
    expect(conn).to.include({ autocommit: false, inTransaction: false })
    await conn.execute('insert into t values (3)')
    expect(conn.inTransaction).to.equal(true)
    await conn.rollback()
    expect(await all()).to.deep.equal([1, 2])
  })

  it('hold from the calls behind them on, awaited or not', async () => {
    const calls = [
      conn.execute('insert into t values (1)'),
      conn.setAutocommit(true),
      conn.execute('insert into t values (2)'),
      conn.setAutocommit(false),
      conn.execute('insert into t values (3)'),
      conn.rollback(),
    ]
    await Promise.all(calls)
    expect(await all()).to.deep.equal([1, 2])
  })

  it('are what they were when the commit fails', async () => {
    await pool.executescript(
      'create table p (a primary key); create table k (a references p deferrable initially deferred)',
    )
    await conn.execute('insert into k values (1)')
    expect((await errorOf(conn.setAutocommit(true))).name).to.equal('IntegrityError')
    expect(conn).to.include({ autocommit: false, inTransaction: true })
    expect((await errorOf(conn.setIsolationLevel(null))).name).to.equal('IntegrityError')
    expect(conn).to.include({ isolationLevel: 'IMMEDIATE', inTransaction: true })
    await conn.rollback()
  })

  it('take each level in any case of letters; null commits and begins nothing more', async () => {
    for (const [given, level] of [
      ['exclusive', 'EXCLUSIVE'],
      ['', 'DEFERRED'],
      ['Immediate', 'IMMEDIATE'],
    ] as const) {
      await conn.execute('insert into t values (1)')
      await conn.setIsolationLevel(given as 'EXCLUSIVE')
      expect(conn).to.include({ isolationLevel: level, inTransaction: true })
    }
    await conn.setIsolationLevel(null)
    expect(conn).to.include({ isolationLevel: null, inTransaction: false })
    await conn.execute('insert into t values (2)')
    expect(await all()).to.deep.equal([1, 1, 1, 2])
  })

  it('refuse what is none, and a closed Connection', async () => {
    expect((await errorOf(conn.setAutocommit(1 as never))).code).to.equal('BAD_OPTION')
    expect((await errorOf(conn.setIsolationLevel('SERIALIZABLE' as never))).code).to.equal('BAD_OPTION')
    await conn.close()
    expect((await errorOf(conn.setAutocommit(true))).code).to.equal('CLOSED')
    expect((await errorOf(conn.setIsolationLevel(null))).code).to.equal('CLOSED')
  })
})

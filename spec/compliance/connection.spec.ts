/** Checklist, section Connection; its limits and its `with` have files of their own. */
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { childrenOf } from '../support/processes.ts'
import { describeCompliance, EXCEPTIONS, refused, rows } from './subject.ts'

const ENDLESS = 'with recursive n(i) as (values (1) union all select i + 1 from n) select count(*) from n'

describeCompliance('connection', (db) => {
  describe('commit works, also twice/with no changes; rollback likewise', () => {
    it('with no changes', async () => {
      for (const end of ['commit', 'rollback'] as const) {
        await db.conn[end]()
        await db.conn[end]()
        expect(db.conn.inTransaction).to.equal(false)
      }
    })

    it('with changes, twice', async () => {
      await db.cur.execute('create table t (a)')
      await db.cur.execute('insert into t values (1)')
      await db.conn.commit()
      await db.conn.commit()
      await db.cur.execute('insert into t values (2)')
      await db.conn.rollback()
      await db.conn.rollback()
      expect(await rows(await db.another(), 'select a from t')).to.deep.equal([[1]])
    })
  })

  it('cursor() gives a cursor; cursor.connection is the connection', async () => {
    expect(db.conn.cursor()).to.not.equal(db.conn.cursor())
    expect(db.conn.cursor().connection).to.equal(db.conn)
    expect((await db.conn.execute('select 1')).connection).to.equal(db.conn)
  })

  it('connect to an impossible path → OperationalError', async () => {
    const error = await refused(
      dbapi.OperationalError,
      () => db.open('/no/such/folder/at/all/app.db'),
      /unable to open database file/,
    )
    expect(error.code).to.match(/^SQLITE_CANTOPEN/)
  })

  describe('close; every use after close → ProgrammingError: cursor(), commit, rollback, execute, executemany, executescript, in_transaction..., also cursors made earlier; closing twice is fine', () => {
    let conn: dbapi.Connection
    let cur: dbapi.Cursor

    beforeEach(async () => {
      conn = db.conn
      cur = await conn.execute('select 1')
      await conn.close()
      await conn.close()
    })

    const uses: Record<string, () => unknown> = {
      'cursor()': () => conn.cursor(),
      commit: () => conn.commit(),
      rollback: () => conn.rollback(),
      execute: () => conn.execute('select 1'),
      'execute of blanks': () => conn.execute(''),
      executemany: () => conn.executemany('insert into t values (?)', []),
      executescript: () => conn.executescript('select 1'),
      transaction: () => conn.transaction(() => {}),
      inTransaction: () => conn.inTransaction,
      autocommit: () => conn.autocommit,
      isolationLevel: () => conn.isolationLevel,
      totalChanges: () => conn.totalChanges,
      interrupt: () => conn.interrupt(),
      getLimit: () => conn.getLimit('variables'),
      setLimit: () => conn.setLimit('variables', 5),
      setAutocommit: () => conn.setAutocommit(true),
      setIsolationLevel: () => conn.setIsolationLevel(null),
      'execute of a cursor made earlier': () => cur.execute('select 1'),
      'executemany of a cursor made earlier': () => cur.executemany('insert into t values (?)', []),
      'executescript of a cursor made earlier': () => cur.executescript('select 1'),
      'fetchone of a cursor made earlier': () => cur.fetchone(),
      'fetchmany of a cursor made earlier': () => cur.fetchmany(2),
      'fetchall of a cursor made earlier': () => cur.fetchall(),
      'a loop over a cursor made earlier': async () => {
        for await (const row of cur) expect(row).to.equal('no row')
      },
    }
    for (const [name, use] of Object.entries(uses)) {
      it(name, async () => {
        await refused(dbapi.ProgrammingError, use, /closed/)
      })
    }
  })

  describe('exception classes reachable as connection attributes', () => {
    for (const [name, cls] of Object.entries(EXCEPTIONS)) {
      it(name, async () => {
        expect(db.conn).to.have.property(name, cls)
        // Where an error is caught there may be only a connection at hand that was closed.
        await db.conn.close()
        expect(db.conn).to.have.property(name, cls)
      })
    }
  })

  describe('in_transaction: false at start, true after INSERT, false after commit; attribute is read-only', () => {
    it('through a transaction', async () => {
      expect(db.conn.inTransaction).to.equal(false)
      await db.cur.execute('create table t (a)')
      expect(db.conn.inTransaction).to.equal(false)
      await db.cur.execute('insert into t values (?)', ['a'])
      expect(db.conn.inTransaction).to.equal(true)
      await db.cur.execute('select a from t where a = ?', ['a'])
      expect(await db.cur.fetchone()).to.deep.equal(['a'])
      expect(db.conn.inTransaction).to.equal(true)
      await db.conn.commit()
      expect(db.conn.inTransaction).to.equal(false)
      await db.cur.execute('select a from t')
      expect(await db.cur.fetchall()).to.deep.equal([['a']])
      expect(db.conn.inTransaction).to.equal(false)
    })

    it('is read-only, as totalChanges, autocommit and isolationLevel are', () => {
      for (const name of ['inTransaction', 'totalChanges', 'autocommit', 'isolationLevel'] as const) {
        expect(() => {
          ;(db.conn as unknown as Record<string, unknown>)[name] = true
        }, name).to.throw(TypeError)
      }
    })
  })

  describe("interrupt() on open connection is a no-op when idle; on a closed one ProgrammingError; a running query interrupted → OperationalError 'interrupted'", () => {
    /** A query that ends by itself only if it has to. */
    function endless(): Promise<unknown> {
      const answer = db.conn.execute(ENDLESS, [], { timeoutMs: 5000 }).fetchall()
      answer.catch(() => {})
      return answer
    }

    async function interrupted(answer: Promise<unknown>): Promise<void> {
      const error = await refused(dbapi.OperationalError, () => answer, /interrupted/)
      expect(error.code).to.equal('SQLITE_INTERRUPT')
      expect(await rows(db.conn, 'select 5')).to.deep.equal([[5]])
    }

    it('does nothing when idle', async () => {
      expect(db.conn.interrupt()).to.equal(undefined)
      expect(await rows(db.conn, 'select 1')).to.deep.equal([[1]])
    })

    it('keeps the transaction that is open when idle', async () => {
      await db.cur.execute('create table t (a)')
      await db.cur.execute('insert into t values (1)')
      db.conn.interrupt()
      expect(db.conn.inTransaction).to.equal(true)
      await db.conn.commit()
      expect(await rows(await db.another(), 'select a from t')).to.deep.equal([[1]])
    })

    it('on a closed one ProgrammingError', async () => {
      await db.conn.close()
      await refused(dbapi.ProgrammingError, () => db.conn.interrupt(), /closed/)
    })

    it("ends a query that was only just called: 'interrupted'", async () => {
      const answer = endless()
      db.conn.interrupt()
      await interrupted(answer)
    })

    it("ends a query that runs: 'interrupted'", async () => {
      const answer = endless()
      const running = () => db.pool.stats().children.some(({ inFlight }) => inFlight > 0)
      while (!running()) await new Promise(setImmediate)
      db.conn.interrupt()
      await interrupted(answer)
    })

    it('leaves alone what another Connection runs', async () => {
      const other = await db.another()
      const count = `with recursive n(i) as (values (1) union all select i + 1 from n where i < 100000) select count(*) from n`
      const answer = other.execute(count).fetchall()
      db.conn.interrupt()
      expect(await answer).to.deep.equal([[100_000]])
    })
  })

  describe('connect() of a database that cannot be opened rejects, and leaves no process behind', () => {
    const workers = () =>
      childrenOf(process.pid)
        .filter(({ command }) => command.includes('worker/main'))
        .map(({ pid }) => pid)

    for (const [what, database, options] of [
      ['a folder that is not there', '/no/such/folder/app.db', {}],
      ['a file that is not there, with mode=ro', 'file:/no-such-file.db?mode=ro', { uri: true }],
    ] as const) {
      it(what, async () => {
        const there = workers()
        await refused(dbapi.OperationalError, () => db.open(database, options))
        expect(workers()).to.deep.equal(there)
      })
    }

    it('a file that is no database', async () => {
      const path = db.file('text.db')
      writeFileSync(path, 'This is no database, but long enough to be looked at as one. '.repeat(100))
      const there = workers()
      await refused(dbapi.DatabaseError, () => db.open(path), /not a database/)
      expect(workers()).to.deep.equal(there)
    })
  })

  describe('total_changes grows by the changed rows', () => {
    it('of INSERT, UPDATE, DELETE and executemany, not of SELECT and DDL', async () => {
      expect(db.conn.totalChanges).to.equal(0)
      await db.cur.execute('create table t (a)')
      expect(db.conn.totalChanges).to.equal(0)
      await db.cur.execute('insert into t values (1), (2)')
      expect(db.conn.totalChanges).to.equal(2)
      await db.cur.execute('update t set a = 5')
      expect(db.conn.totalChanges).to.equal(4)
      await rows(db.conn, 'select * from t')
      expect(db.conn.totalChanges).to.equal(4)
      await db.cur.executemany('insert into t values (?)', [[3], [4], [5]])
      expect(db.conn.totalChanges).to.equal(7)
      await db.cur.execute('delete from t where a <> 5')
      expect(db.conn.totalChanges).to.equal(9)
    })

    it('of each Connection by itself, over its transactions', async () => {
      const other = await db.another()
      await db.cur.execute('create table t (a)')
      await db.cur.execute('insert into t values (1)')
      await db.conn.rollback()
      expect(db.conn.totalChanges).to.equal(1)
      expect(other.totalChanges).to.equal(0)
      await other.execute('insert into t values (1)')
      expect(other.totalChanges).to.equal(1)
      expect(db.conn.totalChanges).to.equal(1)
    })
  })

  it('serialize → bytes → deserialize gives same data; corrupt data → DatabaseError on first use (optional) (row of differences: NotSupportedError)', async () => {
    await refused(dbapi.NotSupportedError, () => db.conn.serialize(), /VACUUM INTO/i)
    await refused(dbapi.NotSupportedError, () =>
      db.conn.deserialize.apply(db.conn, [Buffer.from('\0\u0001\u0003')] as never),
    )
  })

  it('(row of differences) `await using` closes, so it rolls back', async () => {
    await db.cur.execute('create table t (a)')
    await db.cur.execute('insert into t values (1)')
    await db.conn[Symbol.asyncDispose]()
    await refused(dbapi.ProgrammingError, () => db.conn.execute('select 1'), /closed/)
    expect(await rows(await db.another(), 'select a from t')).to.deep.equal([])
  })
})

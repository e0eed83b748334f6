import { expect } from 'chai'
import { type Connection, connect, createPool, type Pool } from 'forklite'
import { until } from '../pool/harness.ts'
import { corpusFiles, readScript } from '../sql/corpora.ts'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

/** Counts to so many, on the writer: long enough for something to happen meanwhile. */
const busy = (rows: number): string =>
  `insert into t select max(x) from (with recursive c(x) as (select 1 union all select x + 1 from c where x < ${rows}) select x from c)`

describeEachDriver('executescript', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection
  let other: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1, maxFrameBytes: 1024 * 1024, lockTimeoutMs: 3000 })
    conn = await pool.connect()
    other = await pool.connect()
    await pool.execute('create table t (a)')
  })
  afterEach(() => pool.close())

  const all = async (of: Connection | Pool = pool, sql = 'select a from t order by rowid') =>
    (await of.execute(sql).fetchall()).map(([a]) => a)
  const writerPid = (): number => pool.stats().children.find(({ role }) => role === 'writer')!.pid
  /** A script that does not give the writer back makes this a SQLITE_BUSY. */
  const expectFree = async (): Promise<void> => {
    const cursor = await other.execute('insert into t values (?)', ['free'])
    expect(cursor.rowcount).to.equal(1)
    await other.rollback()
  }

  describe('reads a text as SQLite does', () => {
    it('with the bodies of triggers, comments, strings and empty statements', async () => {
      await conn.executescript(
        `;; -- a comment; with a semicolon
        /* another; */ insert into t values ('a;b'), ("c;" || 'd');
        ;create table [odd;name] ("a;b");
        create trigger tr after insert on t when new.a = 'fire' begin
          insert into [odd;name] values (case when 1 then 'x;y' else ';' end);
          delete from t where a = 'fire';
        end;
        insert into t values ('fire')
        -- the end`.replace('"c;" || \'d\'', "'c;' || 'd'"),
      )
      expect(await all()).to.deep.equal(['a;b', 'c;d'])
      expect(await all(pool, 'select * from "odd;name"')).to.deep.equal(['x;y'])
      await expectFree()
    })

    for (const nothing of ['', ' ', ';;', '-- nothing', '/* nothing */;\n;', '\ufeff']) {
      it(`of nothing: ${JSON.stringify(nothing)}`, async () => {
        await conn.execute('insert into t values (1)')
        const cursor = await conn.executescript(nothing)
        expect(cursor.rowcount).to.equal(-1)
        expect(cursor.description).to.equal(null)
        expect(conn.inTransaction).to.equal(false)
        expect(await all()).to.deep.equal([1])
        await pool.executescript(nothing)
        await expectFree()
      })
    }

    it('SELECT and RETURNING, whose rows it drops', async () => {
      const cursor = await conn.executescript(
        'select 1; insert into t values (1), (2) returning a; select a from t; update t set a = a + 1 returning a',
      )
      expect(cursor.description).to.equal(null)
      expect(cursor.rowcount).to.equal(-1)
      expect((await errorOf(cursor.fetchall())).name).to.equal('ProgrammingError')
      expect(await all()).to.deep.equal([2, 3])
      expect(conn.totalChanges).to.equal(4)
    })

    it('large ones', async () => {
      const count = 5000
      const rows = Array.from(
        { length: count },
        (_, i) => `insert into t values ('${i};${'x'.repeat(100)}');`,
      )
      await conn.executescript(`begin;${rows.join('\n')}commit`)
      expect(await all(pool, 'select count(*) from t')).to.deep.equal([count])
      expect(conn.totalChanges).to.equal(count)
      await expectFree()
    })

    it('Northwind, where it is here', async function () {
      const [path] = corpusFiles('northwind', '.sql')
      if (path === undefined) return this.skip()
      await conn.executescript(readScript(path))
      expect(await all(pool, 'select count(*) from Orders')).to.deep.equal([830])
      expect(conn.inTransaction).to.equal(false)
      await expectFree()
    })
  })

  describe('refuses, before anything runs,', () => {
    const refused: [what: string, sql: unknown, message: RegExp][] = [
      ['parameters', 'insert into t values (1); insert into t values (?)', /takes no parameters/],
      ['NUL', 'insert into t values (1); select 1\0', /NUL/],
      ['half a surrogate pair', "insert into t values (1); select '\ud800'", /surrogate/],
      ['what cannot be set', 'insert into t values (1); pragma journal_mode = delete', /journal_mode/],
      ['what is no string', Buffer.from('insert into t values (1)'), /must be a string/],
      ['null', null, /must be a string/],
      ['more than a frame', `insert into t values (1); select '${'x'.repeat(1_100_000)}'`, /maxFrameBytes/],
    ]
    for (const [what, sql, message] of refused) {
      it(what, async () => {
        for (const script of [conn, pool]) {
          const error = await errorOf(script.executescript(sql as string))
          expect(error.message).to.match(message)
        }
        expect(await all()).to.deep.equal([])
        expect(conn.inTransaction).to.equal(false)
        await expectFree()
      })
    }

    it('a call while its cursor is busy, and the other way round', async () => {
      const cursor = conn.cursor()
      const running = cursor.executescript('insert into t values (1)')
      expect((await errorOf(cursor.executescript('select 1'))).code).to.equal('CURSOR_BUSY')
      expect((await errorOf(cursor.execute('select 1'))).code).to.equal('CURSOR_BUSY')
      await running
      const slow = cursor.execute('select a from t')
      expect((await errorOf(cursor.executescript('delete from t'))).code).to.equal('CURSOR_BUSY')
      expect(await slow.fetchall()).to.deep.equal([[1]])
    })

    it('a closed Connection and a closed Pool', async () => {
      await conn.close()
      expect((await errorOf(conn.executescript('select 1'))).code).to.equal('CLOSED')
      await pool.close()
      expect((await errorOf(pool.executescript('select 1'))).code).to.equal('POOL_CLOSED')
    })
  })

  describe('ends at the statement that fails', () => {
    it('names it; those before it stay, those behind it do not run', async () => {
      for (const script of [conn, pool]) {
        await pool.execute('delete from t')
        const error = await errorOf(
          script.executescript(
            'insert into t values (1);\n insert into nowhere values (2) ;insert into t values (3)',
          ),
        )
        expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_ERROR' })
        expect(error.message).to.equal('statement 2 of the script: no such table: nowhere')
        expect(error.sql?.replace(/;$/, '').trim()).to.equal('insert into nowhere values (2)')
        expect(await all()).to.deep.equal([1])
        await expectFree()
      }
      expect(conn.totalChanges).to.equal(1)
    })

    it('and a script of one says no number', async () => {
      const error = await errorOf(conn.executescript('insert into nowhere values (1)'))
      expect(error.message).to.equal('no such table: nowhere')
      await expectFree()
    })

    it('with the code of what SQLite said, and counts what changed before', async () => {
      await pool.execute('create table u (a unique check (a < 10))')
      const error = await errorOf(
        conn.executescript('insert into u values (1), (2); insert into u values (3), (1)'),
      )
      expect(error.name).to.equal('IntegrityError')
      expect(error.code).to.match(/^SQLITE_CONSTRAINT/)
      expect(await all(pool, 'select a from u')).to.deep.equal([1, 2])
      expect(conn.totalChanges).to.equal(2)
    })

    it('counts statements through those that stand by themselves', async () => {
      const error = await errorOf(
        conn.executescript(`insert into t values (1); pragma foreign_keys = on; insert into t values (2);
          attach '${file('other.db')}' as o; insert into t values (3); insert into nowhere values (6); select 1`),
      )
      expect(error.message).to.match(/^statement 6 of the script: no such table: nowhere/)
      expect(await all()).to.deep.equal([1, 2, 3])
      await expectFree()
    })

    it('within its BEGIN: the transaction stays open on a Connection, as in Python', async () => {
      await errorOf(
        conn.executescript('begin; insert into t values (1); insert into nowhere values (2); commit'),
      )
      expect(conn.inTransaction).to.equal(true)
      expect(await all(conn)).to.deep.equal([1])
      expect(await all()).to.deep.equal([])
      await conn.rollback()
      expect(await all()).to.deep.equal([])
      await expectFree()
    })

    it('within its BEGIN on a Pool: it is rolled back', async () => {
      const error = await errorOf(
        pool.executescript('begin; insert into t values (1); insert into nowhere values (2); commit'),
      )
      expect(error.message).to.match(/no such table: nowhere/)
      expect(await all()).to.deep.equal([])
      await expectFree()
    })

    it('with OR ROLLBACK, which ends the transaction too', async () => {
      await pool.execute('create table u (a unique)')
      for (const script of [conn, pool]) {
        const error = await errorOf(
          script.executescript(
            'begin; insert into u values (1); insert or rollback into u values (1); insert into u values (2); commit',
          ),
        )
        expect(error.message).to.match(/^statement 3 of the script: UNIQUE/)
        expect(conn.inTransaction).to.equal(false)
        expect(await all(pool, 'select a from u')).to.deep.equal([])
        await expectFree()
      }
    })
  })

  describe('and transactions', () => {
    it('commits what is open first, also when its own first statement fails', async () => {
      await conn.execute('insert into t values (1)')
      await errorOf(conn.executescript('nonsense'))
      expect(conn.inTransaction).to.equal(false)
      expect(await all()).to.deep.equal([1])
      await expectFree()
    })

    it('begins none by itself: each statement commits', async () => {
      const running = conn.executescript('insert into t values (1); insert into t values (2)')
      await running
      expect(conn.inTransaction).to.equal(false)
      await conn.rollback()
      expect(await all()).to.deep.equal([1, 2])
    })

    it('leaves an open transaction alone with autocommit: true', async () => {
      const auto = await pool.connect({ autocommit: true })
      await auto.execute('begin')
      await auto.execute('insert into t values (1)')
      await auto.executescript('insert into t values (2); insert into t values (3)')
      expect(auto.inTransaction).to.equal(true)
      await auto.rollback()
      expect(await all()).to.deep.equal([])
      await expectFree()
    })

    it('does not run when the commit before it fails, which leaves the transaction open', async () => {
      await conn.executescript(
        'create table p (a primary key); create table k (a references p deferrable initially deferred)',
      )
      await conn.execute('insert into k values (1)')
      const error = await errorOf(conn.executescript('insert into t values (1)'))
      expect(error.name).to.equal('IntegrityError')
      expect(conn.inTransaction).to.equal(true)
      await conn.rollback()
      expect(await all()).to.deep.equal([])
      await expectFree()
    })

    it('stays open on a Connection when the script has BEGIN and no COMMIT', async () => {
      await conn.executescript('begin; insert into t values (1)')
      expect(conn.inTransaction).to.equal(true)
      expect(await all()).to.deep.equal([])
      await conn.execute('insert into t values (2)')
      await conn.commit()
      expect(await all()).to.deep.equal([1, 2])
      await expectFree()
    })

    it('goes on from one script to the next with autocommit: true', async () => {
      const auto = await pool.connect({ autocommit: true })
      await auto.executescript('begin; insert into t values (1)')
      await auto.executescript('insert into t values (2); commit; begin; insert into t values (3); rollback')
      expect(auto.inTransaction).to.equal(false)
      expect(await all()).to.deep.equal([1, 2])
      await expectFree()
    })

    it('is rolled back on a Pool when the script leaves one open', async () => {
      const error = await errorOf(
        pool.executescript('insert into t values (1); begin; insert into t values (2)'),
      )
      expect(error.name).to.equal('ProgrammingError')
      expect(error.message)
        .to.match(/left a transaction open/)
        .and.match(/pool\.connect\(\)/)
      expect(await all()).to.deep.equal([1])
      await expectFree()
    })

    it('ends at a setting within it, and gives the writer back', async () => {
      const script = `begin; insert into t values (1); attach '${file('other.db')}' as other; commit`
      const error = await errorOf(pool.executescript(script))
      expect(error.name).to.equal('ProgrammingError')
      expect(error.message).to.match(/^statement 3 .*within a transaction/)
      expect(await all()).to.deep.equal([])
      await expectFree()
      expect((await errorOf(conn.executescript(script))).code).to.equal('IN_TRANSACTION')
      expect(conn.inTransaction).to.equal(true)
      await conn.rollback()
      await expectFree()
    })

    it('takes defer_foreign_keys within it', async () => {
      await pool.executescript('create table p (a primary key); create table k (a references p)')
      for (const [i, script] of [conn, pool].entries()) {
        await script.executescript(
          `begin; pragma defer_foreign_keys = on; insert into k values (${i}); insert into p values (${i}); commit`,
        )
      }
      expect(await all(pool, 'select a from k')).to.deep.equal([0, 1])
      await expectFree()
    })
  })

  describe('keeps the writer to its end', () => {
    it("so that others' writes do not come between its parts", async () => {
      const script = conn.executescript(
        `insert into t values (1); pragma foreign_keys = on; ${busy(200_000)}; pragma foreign_keys = on;
         update t set a = 2; pragma recursive_triggers = off; insert into t select count(*) from t`,
      )
      await other.setAutocommit(true)
      const others = [
        other.execute("insert into t values ('other')"),
        pool.execute("insert into t values ('pool')"),
      ]
      await script
      await Promise.all(others)
      expect(
        await all(pool, "select a from t where a not in ('other', 'pool') order by rowid"),
      ).to.deep.equal([2, 2, 2])
    })

    it('also from a Pool', async () => {
      const script = pool.executescript(
        'insert into t values (1); pragma foreign_keys = on; insert into t values (2); pragma foreign_keys = on; insert into t select count(*) from t',
      )
      const between = pool.execute("insert into t values ('pool')")
      await Promise.all([script, between])
      expect((await all()).slice(0, 3)).to.deep.equal([1, 2, 2])
    })

    it('and gives it back where a part is larger than a frame', async () => {
      const script = `insert into t values (1); pragma foreign_keys = on; select '${'x'.repeat(1_100_000)}'`
      for (const each of [conn, pool]) {
        expect((await errorOf(each.executescript(script))).code).to.equal('FRAME_TOO_LARGE')
        await expectFree()
      }
    })

    it('and says to who waits in vain who has it', async () => {
      const quick = { timeoutMs: 20 }
      const script = pool.executescript(`begin; ${busy(2_000_000)}; commit`)
      const error = await errorOf(other.execute('insert into t values (1)', [], quick))
      expect(error.code).to.equal('SQLITE_BUSY')
      expect(error.message).to.match(/a script of the pool has held it/)
      await script
    })
  })

  describe('keeps the order of the calls', () => {
    it('with those before and after it, awaited or not', async () => {
      const before = conn.execute('insert into t values (1)')
      const script = conn.executescript('insert into t select count(*) + 1 from t; insert into t values (3)')
      const read = conn.execute('select a from t order by rowid').fetchall()
      const after = conn.execute('insert into t values (4)')
      const commit = conn.commit()
      const second = conn.executescript('insert into t values (5)')
      expect(await read).to.deep.equal([[1], [2], [3]])
      await Promise.all([before, script, after, commit, second])
      expect(await all()).to.deep.equal([1, 2, 3, 4, 5])
    })

    it('and an error in it stops no call behind it', async () => {
      const script = errorOf(conn.executescript('insert into t values (1); nonsense'))
      const read = conn.execute('select a from t').fetchall()
      expect(await read).to.deep.equal([[1]])
      expect((await script).message).to.match(/statement 2/)
    })
  })

  describe('with temporary objects and settings', () => {
    it('runs all of it on the connection that has them', async () => {
      await conn.executescript(`create table s (a); create temp table k (a); insert into k values (1);
        attach '${file('other.db')}' as o; create table o.t2 (a); insert into o.t2 select a from k;
        attach ':memory:' as m; create table m.t3 as select a from o.t2; pragma foreign_keys = off;
        insert into s select a from m.t3; detach m; drop table k`)
      expect(await all(pool, 'select a from s')).to.deep.equal([1])
      expect(await all(pool, 'select a from o.t2')).to.deep.equal([1])
      expect(await all(pool, 'pragma foreign_keys')).to.deep.equal([0])
      expect((await errorOf(conn.execute('select * from k'))).message).to.match(/no such table/)
      await expectFree()
    })

    it('refuses the temporary ones on a Pool, before anything runs', async () => {
      const error = await errorOf(pool.executescript('insert into t values (1); create temp table k (a)'))
      expect(error.name).to.equal('NotSupportedError')
      expect(await all()).to.deep.equal([])
      const late = await errorOf(pool.executescript("insert into t values (1); attach ':memory:' as m"))
      expect(late.name).to.equal('NotSupportedError')
      await expectFree()
    })
  })

  describe('ended from outside', () => {
    it('does not begin when its signal is aborted or its time over', async () => {
      for (const script of [conn, pool]) {
        const aborted = await errorOf(
          script.executescript('insert into t values (1)', { signal: AbortSignal.abort() }),
        )
        expect(aborted).to.include({ name: 'QueryCancelled', applied: 'no' })
        const late = await errorOf(script.executescript('insert into t values (1)', { timeoutMs: 0 }))
        expect(late.name).to.equal('QueryCancelled')
      }
      expect(await all()).to.deep.equal([])
      await expectFree()
    })

    it('leaves the queue where it waits for the writer', async () => {
      await other.execute('insert into t values (9)')
      for (const script of [conn, pool]) {
        const controller = new AbortController()
        const waiting = errorOf(
          script.executescript('insert into t values (1)', { signal: controller.signal }),
        )
        await until('it waits', () => pool.stats().waiting.writes === 1)
        controller.abort()
        expect(await waiting).to.include({ name: 'QueryCancelled', applied: 'no' })
        const late = await errorOf(script.executescript('insert into t values (1)', { timeoutMs: 30 }))
        expect(late.code).to.equal('SQLITE_BUSY')
      }
      await other.rollback()
      expect(await all()).to.deep.equal([])
      await expectFree()
    })

    it('ends between two parts, and gives the writer back', async () => {
      for (const script of [conn, pool]) {
        await pool.execute('delete from t')
        const controller = new AbortController()
        const running = errorOf(
          script.executescript(`${busy(300_000)}; pragma foreign_keys = on; insert into t values (2)`, {
            signal: controller.signal,
          }),
        )
        await until('it runs', () =>
          pool.stats().children.some((child) => child.role === 'writer' && child.inFlight > 0),
        )
        controller.abort()
        expect((await running).name).to.equal('QueryCancelled')
        expect(await all()).to.deep.equal([300_000])
        await expectFree()
      }
    })

    it('is waited for by close()', async () => {
      const script = conn.executescript(
        `${busy(200_000)}; pragma foreign_keys = on; insert into t values (2)`,
      )
      await conn.close()
      await script
      const last = pool.executescript(`${busy(200_000)}; pragma foreign_keys = on; insert into t values (3)`)
      await pool.close()
      await last
      const again = await connect(file(), { driver })
      expect(await all(again)).to.deep.equal([200_000, 2, 200_000, 3])
      await again.close()
    })

    it("says 'unknown' when the writer dies in it; nobody hangs", async () => {
      for (const script of [conn, pool]) {
        const running = errorOf(script.executescript(`insert into t values (1); ${busy(1e9)}`))
        await until('it runs', () =>
          pool.stats().children.some((child) => child.role === 'writer' && child.inFlight > 0),
        )
        process.kill(writerPid(), 'SIGKILL')
        expect(await running).to.include({ name: 'WorkerExited', applied: 'unknown' })
        expect(conn.inTransaction).to.equal(false)
        await conn.execute('insert into t values (2)')
        await conn.rollback()
        await expectFree()
      }
    })

    it('says so when the writer dies within its transaction, until rollback()', async () => {
      await conn.executescript('begin; insert into t values (1)')
      // It waits for the transaction, and runs on the next writer.
      const waiting = other.execute('insert into t values (2)')
      process.kill(writerPid(), 'SIGKILL')
      await waiting
      await other.rollback()
      expect((await errorOf(conn.executescript('insert into t values (3)'))).code).to.be.oneOf([
        'TRANSACTION_LOST',
        'WORKER_EXITED',
      ])
      await conn.rollback()
      await conn.executescript('insert into t values (4)')
      expect(await all()).to.deep.equal([4])
    })
  })

  it('says on a readonly database what SQLite says', async () => {
    await pool.close()
    pool = await createPool(file(), { driver, readonly: true, readers: 1 })
    conn = await pool.connect()
    for (const script of [conn, pool]) {
      const error = await errorOf(script.executescript('select 1; insert into t values (1)'))
      expect(error.message).to.match(/^statement 2 of the script: .*readonly/)
      await script.executescript('select a from t; select 2')
    }
    expect((await errorOf(conn.executescript('create temp table k (a)'))).name).to.equal('NotSupportedError')
    expect(await all(conn)).to.deep.equal([])
  })

  it("works on ':memory:', and where the database is not in WAL", async () => {
    for (const [path, options] of [
      [':memory:', {}],
      [file('delete.db'), { pragmas: { journal_mode: 'delete' } }],
    ] as const) {
      const alone = await connect(path, { driver, ...options })
      // Where there is one connection, temporary objects are for ':memory:' only: see temporary.spec.
      const temporary =
        path === ':memory:' ? "create temp table y (a); attach '' as x; create table x.y (a);" : ''
      await alone.executescript(
        `create table t (a); create table k (a); insert into k values (1); ${temporary} pragma foreign_keys = off; insert into t select * from k`,
      )
      expect(await all(alone)).to.deep.equal([1])
      expect(await all(alone, 'pragma foreign_keys')).to.deep.equal([0])
      expect(
        (await errorOf(alone.executescript('begin; insert into t values (2); nonsense'))).message,
      ).to.match(/statement 3/)
      expect(alone.inTransaction).to.equal(true)
      await alone.rollback()
      expect(await all(alone)).to.deep.equal([1])
      await alone.close()
    }
  })
})

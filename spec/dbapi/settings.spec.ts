import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect } from 'chai'
import { type Connection, connect, createPool, type Pool } from 'forklite'
import { until } from '../pool/harness.ts'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

describeEachDriver('ATTACH, DETACH and pragmas', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 2, lockTimeoutMs: 3000 })
    conn = await pool.connect()
    await pool.execute('create table t (a)')
  })
  afterEach(() => pool.close())

  const all = async (of: Connection | Pool, sql: string) => (await of.execute(sql).fetchall()).map(([a]) => a)
  const ROWS = `with recursive c(x) as (select 1 union all select x + 1 from c where x < 5000) select x, '${'x'.repeat(100)}' from c`
  /** Makes a database with one row in its table v. */
  const make = async (name: string, a: unknown, journal = 'delete'): Promise<string> => {
    const other = await connect(file(name), { driver, pragmas: { journal_mode: journal } })
    await other.execute('create table v (a)')
    await other.execute('insert into v values (?)', [a as string])
    await other.commit()
    await other.close()
    return file(name)
  }
  const killAll = async (): Promise<void> => {
    const before = pool.stats().children.map(({ pid }) => pid)
    for (const pid of before) process.kill(pid, 'SIGKILL')
    await until('others', () => {
      const now = pool.stats().children.map(({ pid }) => pid)
      return now.length === before.length && now.every((pid) => !before.includes(pid))
    })
  }
  /** Each of these runs on another connection, as far as they can be made to. */
  const everywhere = (sql: string) =>
    Promise.all(Array.from({ length: 40 }, (_, i) => (i % 3 ? pool : conn).execute(sql).fetchall()))

  describe('attached files', () => {
    it('are seen by every reader as soon as ATTACH was awaited, and by none after DETACH', async () => {
      const path = await make('x.db', 7)
      for (let round = 0; round < 5; round++) {
        const busy = Array.from({ length: 20 }, () => pool.execute('select count(*) from t').fetchall())
        await conn.execute(`attach '${path}' as x`)
        for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[7]])
        await pool.execute('insert into x.v select a from x.v where 0')
        await conn.execute('detach x')
        const gone = await Promise.all(
          Array.from({ length: 20 }, () => errorOf(pool.execute('select a from x.v'))),
        )
        for (const error of gone) expect(error.message).to.match(/no such table/)
        await Promise.all(busy)
      }
    })

    it('are seen beside half-read results, also by connections that are opened for them', async () => {
      const half = Array.from({ length: 6 }, () => conn.execute(ROWS))
      for (const each of half) await each.fetchone()
      await conn.execute(`attach '${await make('x.db', 7)}' as x`)
      for (let i = 0; i < 6; i++) {
        half.push(conn.execute(ROWS))
        await half.at(-1)!.fetchone()
        expect(await all(pool, 'select a from x.v')).to.deep.equal([7])
      }
      for (const each of half) expect(await each.fetchall()).to.have.length(4999)
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[7]])
    })

    it('are seen by children that come later', async () => {
      await conn.execute(`attach '${await make('x.db', 7)}' as x`)
      await conn.execute('pragma x.cache_size = 77')
      await conn.execute('pragma foreign_keys = off')
      await killAll()
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[7]])
      expect(await all(pool, 'pragma x.cache_size')).to.deep.equal([77])
      expect(await all(pool, 'pragma foreign_keys')).to.deep.equal([0])
      await conn.execute('insert into x.v values (8)')
      await conn.commit()
      await conn.execute('detach x')
      await killAll()
      expect((await errorOf(pool.execute('select a from x.v'))).message).to.match(/no such/)
    })

    it('are in WAL, written as durably as asked, and whole after DETACH', async () => {
      const path = await make('x.db', 7)
      await conn.execute(`attach '${path}' as x`)
      expect(await all(pool, 'pragma x.journal_mode')).to.deep.equal(['wal'])
      expect(await all(pool, 'pragma x.synchronous')).to.deep.equal([2])
      await everywhere('select a from x.v')
      await pool.execute('insert into x.v values (8)')
      await everywhere('select a from x.v')
      await conn.execute('detach x')
      copyFileSync(path, file('copy.db'))
      const copy = await connect(file('copy.db'), { driver })
      expect(await all(copy, 'select a from v')).to.deep.equal([7, 8])
      await copy.close()
    })

    it('leave nothing beside them when the pool closes', async () => {
      const path = await make('x.db', 7)
      await conn.execute(`attach '${path}' as x`)
      await pool.execute('insert into x.v values (8)')
      await everywhere('select a from x.v')
      await pool.close()
      expect(existsSync(`${path}-wal`)).to.equal(false)
    })

    it('take part in transactions', async () => {
      await conn.execute(`attach '${await make('x.db', 7)}' as x`)
      await conn.execute('insert into x.v values (8)')
      await conn.execute('insert into t select a from x.v')
      expect(await all(pool, 'select a from x.v')).to.deep.equal([7])
      await conn.rollback()
      expect(await all(conn, 'select a from x.v union all select a from t')).to.deep.equal([7])
      await conn.transaction(() => conn.execute('insert into t select a from x.v'))
      expect(await all(pool, 'select a from t')).to.deep.equal([7])
    })

    const names: [written: string, meant: string][] = [
      ['x', 'X'],
      ['"we""ird name"', '[we"ird name]'],
      ["'quoted'", 'QUOTED'],
      ['`a.b`', '"a.B"'],
      ['[ÜBER]', '"ÜBER"'],
      ['"select"', '"SELECT"'],
    ]
    for (const [written, meant] of names) {
      it(`by the name ${written}`, async () => {
        await conn.execute(
          `attach database '${await make("it's.db", 7).then((path) => path.replaceAll("'", "''"))}' as ${written}`,
        )
        for (const rows of await everywhere(`select a from ${meant}.v`)) expect(rows).to.deep.equal([[7]])
        await conn.execute(`pragma ${meant}.cache_size = 77`)
        expect(await all(pool, `pragma ${written}.cache_size`)).to.deep.equal([77])
        await conn.execute(`detach database ${meant}`)
        expect((await errorOf(pool.execute(`select a from ${meant}.v`))).message).to.match(/no such/)
      })
    }

    it('by parameters', async () => {
      const path = await make('x.db', 7)
      await conn.execute('attach ? as ?', [path, 'X'])
      await conn.execute('attach :file as :name', { file: path, name: 'y' })
      expect(await all(pool, 'select x.v.a + y.v.a from x.v join y.v')).to.deep.equal([14])
      await conn.execute('detach ?', ['x'])
      await pool.execute('detach ?', ['Y'])
      for (const params of [
        [path, null],
        [1, 'x'],
        [path, Buffer.from('x')],
      ]) {
        expect((await errorOf(conn.execute('attach ? as ?', params as string[]))).name).to.equal(
          'ProgrammingError',
        )
      }
      const expression = await errorOf(conn.execute(`attach '${path}' || '' as z`))
      expect(expression.message).to.match(/must be written out/)
    })

    it('by a relative path, as of the working directory when it is attached', async () => {
      const path = await make('x.db', 7)
      const before = process.cwd()
      try {
        process.chdir(dirname(path))
        await conn.execute("attach 'x.db' as x")
      } finally {
        process.chdir(before)
      }
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[7]])
      await conn.execute('detach x')
      await conn.execute(`attach 'file:${path}' as x`)
      expect(await all(pool, 'select a from x.v')).to.deep.equal([7])
      for (const uri of [`file:${path}?mode=ro`, `file:${path}?cache=shared`]) {
        expect((await errorOf(conn.execute('attach ? as u', [uri]))).name).to.equal('NotSupportedError')
      }
    })

    it('by two Connections at once', async () => {
      const [x, y] = [await make('x.db', 7), await make('y.db', 8)]
      const other = await pool.connect()
      await Promise.all([conn.execute(`attach '${x}' as x`), other.execute(`attach '${y}' as y`)])
      for (const rows of await everywhere('select x.v.a, y.v.a from x.v, y.v'))
        expect(rows).to.deep.equal([[7, 8]])
      const same = await Promise.allSettled([
        conn.execute(`attach '${x}' as z`),
        other.execute(`attach '${y}' as z`),
      ])
      expect(same.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected'])
      const [first] = await all(pool, 'select a from z.v')
      for (const rows of await everywhere('select a from z.v')) expect(rows).to.deep.equal([[first]])
    })

    it('un-awaited, before what reads and writes them on the same Connection', async () => {
      const path = await make('x.db', 7)
      const calls = [
        conn.execute(`attach '${path}' as x`),
        conn.execute('select a from x.v').fetchall(),
        conn.execute('insert into x.v values (8)'),
        conn.commit(),
        conn.execute('select a from x.v').fetchall(),
        conn.execute('detach x'),
        conn.execute(`attach '${path}' as x`),
        conn.execute('select count(*) from x.v').fetchall(),
      ]
      const results = await Promise.all(calls)
      expect([results[1], results[4], results[7]]).to.deep.equal([[[7]], [[7], [8]], [[2]]])
    })

    it('are detached while results from them are half-read, which go on', async () => {
      const path = await make('x.db', 7)
      await conn.execute(`attach '${path}' as x`)
      await pool.execute(
        `insert into x.v ${ROWS.replace('select x, ', 'select ').replace(/ from c$/, ' || x from c')}`,
      )
      const half = Array.from({ length: 3 }, () => conn.execute('select a from x.v'))
      for (const each of half) await each.fetchone()
      await conn.execute('detach x')
      expect((await errorOf(conn.execute('select a from x.v'))).message).to.match(/no such/)
      await conn.execute(`attach '${await make('y.db', 9)}' as x`)
      expect(await all(conn, 'select a from x.v')).to.deep.equal([9])
      for (const each of half) expect(await each.fetchall()).to.have.length(5000)
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[9]])
    })

    it('are replaced by another file of the same name or path, for readers that were idle meanwhile too', async () => {
      const path = await make('x.db', 'old')
      await conn.execute(`attach '${path}' as x`)
      await everywhere('select a from x.v')
      await conn.execute('detach x')
      await conn.execute(`attach '${await make('y.db', 'other')}' as x`)
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([['other']])
      await conn.execute('detach x')
      await conn.execute(`attach '${path}' as x`)
      await everywhere('select a from x.v')
      await conn.execute('detach x')
      for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
      await make('x.db', 'new')
      await conn.execute(`attach '${path}' as x`)
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([['new']])
    })

    it('that cannot be had any more can be detached', async () => {
      mkdirSync(file('folder'))
      await make('folder/x.db', 7)
      await conn.execute(`attach '${file('folder/x.db')}' as x`)
      rmSync(file('folder'), { recursive: true })
      await killAll()
      expect((await errorOf(pool.execute('select 1'))).code).to.match(/^SQLITE_CANTOPEN/)
      expect((await errorOf(pool.execute('insert into t values (1)'))).code).to.match(/^SQLITE_CANTOPEN/)
      await conn.execute('detach x')
      for (const rows of await everywhere('select 1')) expect(rows).to.deep.equal([[1]])
      await pool.execute('insert into t values (1)')
    })

    const wrong: [what: string, sql: () => string, message: RegExp][] = [
      ['a file that is no database', () => `attach '${file('text.txt')}' as x`, /not a database/],
      ['a folder', () => `attach '${dirname(file())}' as x`, /is a folder/],
      ['a missing folder', () => `attach '${file('nowhere/x.db')}' as x`, /unable to open/],
      ['main', () => `attach '${file('x.db')}' as main`, /main is already in use/],
      ['temp', () => `attach '${file('x.db')}' as TEMP`, /temp is already in use/i],
      ['to detach main', () => 'detach main', /cannot detach database main/],
      ['to detach what there is not', () => 'detach nosuch', /no such database: nosuch/],
    ]
    for (const [what, sql, message] of wrong) {
      it(`refuses ${what}, and goes on as before`, async () => {
        writeFileSync(file('text.txt'), 'no database '.repeat(1000))
        for (const on of [conn, pool]) expect((await errorOf(on.execute(sql()))).message).to.match(message)
        expect(await all(conn, 'select count(*) from pragma_database_list')).to.deep.equal([1])
        await conn.execute(`attach '${await make('y.db', 7)}' as x`)
        for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[7]])
        await pool.execute('insert into t values (1)')
      })
    }

    it('are refused within a transaction, which stays as it is', async () => {
      const path = await make('x.db', 7)
      await conn.execute('insert into t values (1)')
      for (const sql of [
        `attach '${path}' as x`,
        'detach x',
        'pragma foreign_keys = off',
        'pragma cache_size = 5',
      ]) {
        expect(await errorOf(conn.execute(sql))).to.include({
          name: 'ProgrammingError',
          code: 'IN_TRANSACTION',
          sql,
        })
      }
      const other = await pool.connect()
      const waiting = other.execute(`attach '${path}' as x`)
      await until('it waits', () => pool.stats().waiting.writes === 1)
      await conn.commit()
      await waiting
      expect(await all(pool, 'select a from x.v')).to.deep.equal([7])
      expect(await all(pool, 'select a from t')).to.deep.equal([1])
    })

    it('wait for the writer no longer than they may, and nothing comes of those that gave up', async () => {
      const path = await make('x.db', 7)
      await conn.execute('insert into t values (1)')
      const error = await errorOf(pool.execute(`attach '${path}' as x`, [], { timeoutMs: 20 }))
      expect(error).to.include({ code: 'SQLITE_BUSY', applied: 'no' })
      await conn.rollback()
      expect((await errorOf(pool.execute('select a from x.v'))).message).to.match(/no such/)
    })

    it('are explained without being attached', async () => {
      expect((await all(conn, `explain attach '${file('x.db')}' as x`)).length).to.be.greaterThan(1)
      expect(await all(conn, 'select count(*) from pragma_database_list')).to.deep.equal([1])
      expect(existsSync(file('x.db'))).to.equal(false)
    })
  })

  describe('in other kinds of pools', () => {
    it('of a readonly database', async () => {
      const path = await make('x.db', 7, 'wal')
      await pool.close()
      pool = await createPool(file(), { driver, readonly: true, readers: 2 })
      conn = await pool.connect()
      expect((await errorOf(conn.execute(`attach '${file('nosuch.db')}' as x`))).code).to.match(
        /^SQLITE_CANTOPEN/,
      )
      await conn.execute(`attach '${path}' as x`)
      await conn.execute('pragma cache_size = 77')
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[7]])
      for (const rows of await everywhere('pragma cache_size')) expect(rows).to.deep.equal([[77]])
      expect((await errorOf(pool.execute('insert into x.v values (1)'))).message).to.match(/readonly/)
      await killAll()
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[7]])
      await conn.execute('detach x')
      expect((await errorOf(pool.execute('select a from x.v'))).message).to.match(/no such/)
      await conn.execute(`attach 'file:${path}?mode=ro' as x`)
      for (const rows of await everywhere('select a from x.v')) expect(rows).to.deep.equal([[7]])
    })

    it("that is not in WAL, and of ':memory:'", async () => {
      const path = await make('x.db', 7)
      for (const [database, options] of [
        [file('delete.db'), { pragmas: { journal_mode: 'delete' } }],
        [':memory:', {}],
      ] as const) {
        const alone = await connect(database, { driver, ...options })
        const half = alone.execute(ROWS)
        await half.fetchone()
        await alone.execute(`attach '${path}' as x`)
        expect(await all(alone, 'pragma x.journal_mode')).to.deep.equal(['delete'])
        expect(await all(alone, 'select a from x.v')).to.deep.equal([7])
        await alone.execute('pragma foreign_keys = off')
        expect(await all(alone, 'pragma foreign_keys')).to.deep.equal([0])
        expect(await half.fetchall()).to.have.length(4999)
        await alone.execute('detach x')
        expect((await errorOf(alone.execute('select a from x.v'))).message).to.match(/no such/)
        await alone.close()
      }
    })
  })

  describe('pragmas', () => {
    it('hold on every connection, also beside half-read results', async () => {
      const half = conn.execute(ROWS)
      await half.fetchone()
      await conn.execute('pragma case_sensitive_like = on')
      for (const rows of await everywhere("select 'A' like 'a'")) expect(rows).to.deep.equal([[0]])
      await conn.execute('pragma case_sensitive_like = off')
      for (const rows of await everywhere("select 'A' like 'a'")) expect(rows).to.deep.equal([[1]])
      expect(await half.fetchall()).to.have.length(4999)
    })

    it('the last one counts, whatever came between and however it was written', async () => {
      const other = await pool.connect()
      await other.execute('create temp table k (a)')
      const now = async (on: Connection | Pool) => all(on, 'pragma foreign_keys')
      for (const [sql, value] of [
        ['pragma foreign_keys = off', 0],
        ['PRAGMA Foreign_Keys(1)', 1],
        ['pragma foreign_keys = off', 0],
        ['pragma main.foreign_keys = on', 1],
        ['pragma foreign_keys = off', 0],
        ['pragma foreign_keys = on', 1],
      ] as const) {
        await conn.execute(sql)
        expect([await now(pool), await now(other)]).to.deep.equal([[value], [value]])
      }
      await killAll()
      expect(await now(pool)).to.deep.equal([1])
    })

    it('have rows where SQLite gives some', async () => {
      expect(await conn.execute('pragma journal_size_limit = 4096').fetchall()).to.deep.equal([[4096]])
      const cursor = await conn.execute('pragma journal_size_limit = 8192')
      expect(cursor.description?.[0]?.[0]).to.equal('journal_size_limit')
      expect(await cursor.fetchall()).to.deep.equal([[8192]])
      for (const sql of ['pragma cache_size = 77', 'pragma nosuchpragma = 1']) {
        expect((await conn.execute(sql)).description).to.equal(null)
      }
    })

    const refused: [name: string, advice: RegExp][] = [
      ['journal_mode', /option 'pragmas'/],
      ['locking_mode', /the pool sets it itself/],
      ['query_only', /option 'readonly'/],
      ['writable_schema', /the pool sets it itself/],
      ['wal_autocheckpoint', /the pool sets it itself/],
      ['busy_timeout', /option 'lockTimeoutMs'/],
    ]
    for (const [name, advice] of refused) {
      it(`${name} is refused, with what to do instead; asking is not`, async () => {
        for (const sql of [
          `pragma ${name} = 1`,
          `PRAGMA main."${name.toUpperCase()}"(1)`,
          `explain pragma ${name} = 1`,
          `/* */ pragma '${name}' = off`,
        ]) {
          for (const on of [conn, pool]) {
            const error = await errorOf(on.execute(sql))
            expect(error).to.include({ name: 'NotSupportedError', code: 'UNSUPPORTED', sql })
            if (!sql.startsWith('explain')) expect(error.message).to.match(advice)
          }
          expect((await errorOf(conn.executescript(`select 1; ${sql}`))).name).to.equal('NotSupportedError')
        }
        await conn.execute(`pragma ${name}`)
      })
    }

    it('defer_foreign_keys belongs to a transaction', async () => {
      await pool.executescript('create table p (a primary key); create table k (a references p)')
      expect((await errorOf(conn.execute('pragma defer_foreign_keys = on'))).code).to.equal('NO_TRANSACTION')
      expect((await errorOf(pool.execute('pragma defer_foreign_keys = on'))).name).to.equal(
        'ProgrammingError',
      )
      await conn.transaction(async () => {
        await conn.execute('pragma defer_foreign_keys = on')
        await conn.execute('insert into k values (1)')
        await conn.execute('insert into p values (1)')
      })
      expect((await errorOf(conn.execute('insert into k values (2)'))).name).to.equal('IntegrityError')
      await conn.rollback()
    })

    it('foreign_keys off and on again', async () => {
      await pool.executescript('create table p (a primary key); create table k (a references p)')
      await conn.execute('pragma foreign_keys = off')
      await pool.execute('insert into k values (1)')
      await conn.execute('pragma foreign_keys = on')
      expect((await errorOf(pool.execute('insert into k values (1)'))).name).to.equal('IntegrityError')
      expect((await all(pool, 'pragma foreign_key_check(k)')).length).to.equal(1)
    })

    it('of an attached file go with it', async () => {
      const path = await make('x.db', 7)
      await conn.execute(`attach '${path}' as x`)
      await conn.execute('pragma x.cache_size = 77')
      await conn.execute('pragma cache_size = 55')
      for (const rows of await everywhere('pragma X.cache_size')) expect(rows).to.deep.equal([[77]])
      await conn.execute('detach x')
      await killAll()
      expect(await all(pool, 'pragma cache_size')).to.deep.equal([55])
      await conn.execute(`attach '${path}' as x`)
      expect(await all(pool, 'pragma x.cache_size')).to.not.deep.equal([77])
    })

    it('that change the file are no setting, and are seen at once', async () => {
      await conn.execute('insert into t values (1)')
      await conn.execute('pragma user_version = 3')
      await conn.rollback()
      await conn.execute('pragma user_version = 4')
      expect(await all(pool, 'pragma user_version')).to.deep.equal([4])
      expect(await all(pool, 'pragma integrity_check(5)')).to.deep.equal(['ok'])
      expect((await all(conn, 'pragma table_info(t)')).length).to.equal(1)
    })
  })
})

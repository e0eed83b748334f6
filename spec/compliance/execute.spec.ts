/** Checklist, section Cursor.execute: which texts and parameters it takes, and what it says of the others. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

describeCompliance('execute', (db) => {
  const create = () => db.cur.execute('create table t (id integer primary key, name text, income)')

  describe('no parameters; illegal SQL → OperationalError; SQL not a string → TypeError (here a ProgrammingError)', () => {
    it('no parameters', async () => {
      await create()
      expect(await db.cur.execute('delete from t')).to.equal(db.cur)
      for (const none of [undefined, null, [], {}]) {
        expect(await db.cur.execute('select 1', none as never)).to.equal(db.cur)
      }
    })

    for (const sql of [
      'select asdf',
      'selct 1',
      'select',
      'select * from nowhere',
      'insert into nowhere values (1)',
    ]) {
      it(`illegal SQL → OperationalError: ${sql}`, async () => {
        const error = await refused(dbapi.OperationalError, () => db.cur.execute(sql))
        expect(error).to.include({ code: 'SQLITE_ERROR', sql })
        expect(db.conn.inTransaction).to.equal(false)
      })
    }

    for (const sql of [42, null, undefined, Buffer.from('select 1'), ['select 1'], {}]) {
      it(`SQL not a string: ${JSON.stringify(sql)}`, async () => {
        await refused(dbapi.ProgrammingError, () => db.cur.execute(sql as never))
        await refused(dbapi.ProgrammingError, () => db.conn.execute(sql as never))
      })
    }
  })

  describe('two statements in one execute → ProgrammingError "You can only execute one statement at a time" (10 variants, also `select 1; -`, `select 1; /`, `select 1; // x`); trailing `;`, comments and blanks after one statement are fine (5 variants: `select 1;`, `; -- c`, `/* c */`, ...)', () => {
    for (const sql of [
      'select 1; select 2',
      'select 1; // x',
      'select 1; *no comment',
      'select 1; -*no comment',
      'select 1; /* */ a',
      'select 1; /**/a',
      'select 1; -',
      'select 1; /',
      'select 1; -\n- select 2',
      'select 1;\n-- comment\nselect 2\n',
    ]) {
      it(JSON.stringify(sql), async () => {
        const error = await refused(
          dbapi.ProgrammingError,
          () => db.cur.execute(sql),
          /one statement at a time/i,
        )
        expect(error).to.include({ sql })
      })
    }

    it('runs neither of them', async () => {
      await create()
      await refused(dbapi.ProgrammingError, () =>
        db.cur.execute("insert into t (name) values ('a'); drop table t"),
      )
      expect(await rows(db.conn, 'select * from t')).to.deep.equal([])
      expect(db.conn.inTransaction).to.equal(false)
    })

    for (const sql of [
      'select 1;',
      'select 1; -- c',
      'select 1; --',
      'select 1; /* never closed',
      '\n select 1;\n\n /*\n c\n */\n ',
    ]) {
      it(`trailing \`;\`, comments and blanks after one statement are fine: ${JSON.stringify(sql)}`, async () => {
        await db.cur.execute(sql)
        expect(await db.cur.fetchall()).to.deep.equal([[1]])
      })
    }
  })

  describe('empty / comment-only SQL runs and yields nothing', () => {
    for (const sql of ['', ' \n\t', '-- c', '/* c */', '/* c', ';', ' ; -- c\n ; ']) {
      it(JSON.stringify(sql), async () => {
        await db.cur.execute('select 1')
        expect(await db.cur.execute(sql)).to.equal(db.cur)
        expect(db.cur.description).to.equal(null)
        expect(db.cur.rowcount).to.equal(-1)
        expect(db.conn.inTransaction).to.equal(false)
        // Python gives no rows; PEP 249 wants an error where there is no result set.
        await refused(dbapi.ProgrammingError, () => db.cur.fetchall())
      })
    }
  })

  describe('int, float, text args; text with embedded NUL round-trips', () => {
    for (const value of [42, -7, 2500.32, 'Hugo', 'Hü✓🚲', '']) {
      it(JSON.stringify(value), async () => {
        await create()
        await db.cur.execute('insert into t (income) values (?)', [value])
        await db.cur.execute('select income, typeof(income) from t where id = ?', [
          db.cur.lastrowid as number,
        ])
        const type = typeof value === 'string' ? 'text' : Number.isInteger(value) ? 'integer' : 'real'
        expect(await db.cur.fetchone()).to.deep.equal([value, type])
      })
    }

    it('text with embedded NUL round-trips', async function () {
      const [[whole]] = (await rows(db.conn, 'select length(char(97, 0, 98)), sqlite_version()')) as [
        [number],
      ]
      expect(whole).to.equal(1)
      await create()
      for (const name of ['Hu\0go', '\0', 'end\0']) {
        let stored: unknown
        try {
          stored = await db.cur.execute('insert into t (name) values (?)', [name])
        } catch (error) {
          // node:sqlite before Node 24.16 cannot carry it, and says so.
          if (db.driver === 'node:sqlite' && error instanceof dbapi.DataError) this.skip()
          throw error
        }
        expect(stored).to.equal(db.cur)
        await db.cur.execute('select name from t where id = ?', [db.cur.lastrowid as number])
        expect(await db.cur.fetchone()).to.deep.equal([name])
      }
    })
  })

  describe('lone surrogate in SQL or in a bound string → encoding error, not corruption', () => {
    for (const half of ['\ud8ff', '\udcff', 'a\ud83d', '\udeb2b']) {
      it(JSON.stringify(half), async () => {
        await create()
        for (const call of [
          () => db.cur.execute(`insert into t (name) values ('${half}')`),
          () => db.cur.execute('insert into t (name) values (?)', [half]),
          () => db.cur.execute('insert into t (name) values (:name)', { name: half }),
          () => db.cur.executemany('insert into t (name) values (?)', [[half]]),
        ]) {
          const error = await refused(dbapi.DatabaseError, call, /surrogate/)
          expect(error.name).to.be.oneOf(['DataError', 'ProgrammingError'])
        }
        expect(await rows(db.conn, 'select * from t')).to.deep.equal([])
      })
    }
  })

  describe('very large SQL text (beyond limit) → DataError/OperationalError', () => {
    it('and one just within runs', async () => {
      const conn = await db.open(':memory:', { limits: { sqlLength: 100_000 } })
      expect(await rows(conn, 'select 1'.padEnd(100_000))).to.deep.equal([[1]])
      const tooLarge = 'select 3'.padEnd(100_001)
      await refused(dbapi.DataError, () => conn.execute(tooLarge), /query string is too large/)
      await refused(dbapi.DataError, () => conn.cursor().execute(tooLarge), /query string is too large/)
    })

    it('without a limit of ours a megabyte is fine', async () => {
      expect(await rows(db.conn, `select '${'x'.repeat(1_000_000)}' = ''`)).to.deep.equal([[0]])
    })
  })
})

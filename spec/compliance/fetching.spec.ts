/** Checklist, section Fetching: rows one by one, by many and all; executemany; closed cursors. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

/** Rows that take several chunks. */
const COUNT = 2000
const LARGE = `with recursive n(i) as (values (1) union all select i + 1 from n where i < ${COUNT}) select i, zeroblob(100) from n`

describeCompliance('fetching', (db) => {
  const upTo = (count: number) =>
    `with recursive n(i) as (values (1) union all select i + 1 from n where i < ${count}) select i from n`

  describe('iteration over the cursor gives rows in order; fetchone then null at end and keeps giving null; fetchone with no result set → an Error (PEP 249; CPython gives None)', () => {
    it('iteration over the cursor gives rows in order', async () => {
      for (const on of [await db.cur.execute(LARGE), db.conn.execute(LARGE)]) {
        let last = 0
        for await (const [i] of on) expect(i).to.equal(++last)
        expect(last).to.equal(COUNT)
      }
    })

    it('iteration goes on where fetchone left off', async () => {
      await db.cur.execute(upTo(4))
      expect(await db.cur.fetchone()).to.deep.equal([1])
      const seen = []
      for await (const [i] of db.cur) seen.push(i)
      expect(seen).to.deep.equal([2, 3, 4])
      expect(await db.cur.fetchone()).to.equal(null)
    })

    it('fetchone then null at end and keeps giving null', async () => {
      await db.cur.execute(upTo(2))
      const found = []
      for (let i = 0; i < 5; i++) found.push(await db.cur.fetchone())
      expect(found).to.deep.equal([[1], [2], null, null, null])
    })

    it('fetchone with no result set → an Error, before a query, after DDL and after INSERT', async () => {
      await refused(dbapi.ProgrammingError, () => db.cur.fetchone())
      await db.cur.execute('create table t (a)')
      await refused(dbapi.ProgrammingError, () => db.cur.fetchone())
      await db.cur.execute('insert into t values (1)')
      await refused(dbapi.ProgrammingError, () => db.cur.fetchone())
      await db.cur.executemany('insert into t values (?)', [[2]])
      await refused(dbapi.ProgrammingError, () => db.cur.fetchone())
    })
  })

  describe('arraysize default 1; set 2 → fetchmany() gives 2; fetchmany(100) of 1 row gives 1, next gives []; size as keyword (here by place)', () => {
    it('default 1', async () => {
      expect(db.cur.arraysize).to.equal(1)
      await db.cur.execute(upTo(3))
      expect(await db.cur.fetchmany()).to.deep.equal([[1]])
      expect(await db.cur.fetchmany(undefined)).to.deep.equal([[2]])
    })

    it('set 2 → fetchmany() gives 2', async () => {
      db.cur.arraysize = 2
      await db.cur.execute(upTo(3))
      expect(await db.cur.fetchmany()).to.deep.equal([[1], [2]])
      expect(await db.cur.fetchmany()).to.deep.equal([[3]])
      expect(await db.cur.fetchmany()).to.deep.equal([])
    })

    it('fetchmany(100) of 1 row gives 1, next gives []', async () => {
      await db.cur.execute(upTo(1))
      expect(await db.cur.fetchmany(100)).to.deep.equal([[1]])
      expect(await db.cur.fetchmany(100)).to.deep.equal([])
    })

    it('fetchmany over the ends of chunks gives each row once', async () => {
      await db.cur.execute(LARGE)
      let last = 0
      for (let some = await db.cur.fetchmany(99); some.length > 0; some = await db.cur.fetchmany(99)) {
        for (const [i] of some) if (i !== ++last) expect.fail(`${i} where ${last} was due`)
      }
      expect(last).to.equal(COUNT)
    })
  })

  describe('fetchall gives all, second call []', () => {
    for (const [what, sql, count] of [
      ['a few', upTo(3), 3],
      ['none', 'select 1 where 0', 0],
      ['many', LARGE, COUNT],
    ] as const) {
      it(what, async () => {
        await db.cur.execute(sql)
        expect(await db.cur.fetchall()).to.have.lengthOf(count)
        expect(await db.cur.fetchall()).to.deep.equal([])
        expect(await db.cur.fetchone()).to.equal(null)
        expect(await db.cur.fetchmany(5)).to.deep.equal([])
      })
    }
  })

  describe('same SQL open in several cursors at once stays independent', () => {
    for (const [what, inTransaction] of [
      ['outside a transaction', false],
      ['in one', true],
    ] as const) {
      it(what, async () => {
        await db.cur.execute('create table t (a, filler)')
        await db.cur.execute(`insert into t ${LARGE}`)
        if (!inTransaction) await db.conn.commit()
        const cursors = [db.conn.cursor(), db.conn.cursor(), db.conn.cursor()]
        for (const cursor of cursors) await cursor.execute('select * from t')
        expect(db.conn.inTransaction).to.equal(inTransaction)
        for (const [step, cursor] of cursors.entries()) await cursor.fetchmany(700 * step)
        for (const [step, cursor] of cursors.entries()) {
          expect((await cursor.fetchone())![0]).to.equal(700 * step + 1)
        }
        for (const [step, cursor] of cursors.entries()) {
          expect(await cursor.fetchall()).to.have.lengthOf(COUNT - 700 * step - 1)
        }
      })
    }
  })

  describe('setinputsizes / setoutputsize accepted, no effect (with and without column)', () => {
    it('before and between statements', async () => {
      await db.cur.setinputsizes([3, 4, 5])
      await db.cur.setinputsizes([])
      await db.cur.setoutputsize(5, 0)
      await db.cur.setoutputsize(42)
      await db.cur.execute("select 'a long text', ?", ['and another'])
      await db.cur.setoutputsize(1)
      expect(await db.cur.fetchall()).to.deep.equal([['a long text', 'and another']])
    })
  })

  describe('executemany with sequence / iterator / generator; not iterable → TypeError; SELECT in executemany → ProgrammingError; SQL not string → TypeError (here ProgrammingErrors)', () => {
    const sql = 'insert into t values (?)'
    beforeEach(() => db.cur.execute('create table t (a)'))
    const stored = async () => (await rows(db.conn, 'select a from t order by a')).map(([a]) => a)

    it('sequence', async () => {
      expect(await db.cur.executemany(sql, [[1], [2], [3]])).to.equal(db.cur)
      expect(await stored()).to.deep.equal([1, 2, 3])
    })

    it('iterator', async () => {
      let last = 5
      const iterator: IterableIterator<[number]> = {
        next: () => (last === 8 ? { done: true, value: undefined } : { done: false, value: [++last] }),
        [Symbol.iterator]: () => iterator,
      }
      await db.cur.executemany(sql, iterator)
      expect(await stored()).to.deep.equal([6, 7, 8])
    })

    it('generator, async generator, and another query', async () => {
      await db.cur.executemany(
        sql,
        (function* () {
          for (let i = 0; i < 3; i++) yield [i]
        })(),
      )
      await db.cur.executemany(
        sql,
        (async function* () {
          for (let i = 3; i < 5; i++) yield [i]
        })(),
      )
      await db.cur.executemany(sql, db.conn.execute('select 5 union select 6'))
      expect(await stored()).to.deep.equal([0, 1, 2, 3, 4, 5, 6])
    })

    for (const wrong of [42, null, undefined, {}, true]) {
      it(`not iterable: ${JSON.stringify(wrong)}`, async () => {
        await refused(dbapi.ProgrammingError, () => db.cur.executemany(sql, wrong as never))
        expect(await stored()).to.deep.equal([])
      })
    }

    it('SELECT in executemany → ProgrammingError', async () => {
      await refused(dbapi.ProgrammingError, () => db.cur.executemany('select ?', [[3]]))
      await refused(dbapi.ProgrammingError, () => db.cur.executemany('select 1', []))
    })

    it('SQL not string', async () => {
      for (const wrong of [42, null, undefined, Buffer.from(sql)]) {
        await refused(dbapi.ProgrammingError, () => db.cur.executemany(wrong as never, [[3]]))
      }
    })
  })

  describe('closed cursor: execute, executemany, executescript, fetch* → ProgrammingError', () => {
    const uses: Record<string, () => unknown> = {
      execute: () => db.cur.execute('select 4 union select 5'),
      executemany: () => db.cur.executemany('insert into foo (bar) values (?)', [[3], [4]]),
      executescript: () => db.cur.executescript('select 4 union select 5'),
      fetchone: () => db.cur.fetchone(),
      fetchmany: () => db.cur.fetchmany(),
      fetchall: () => db.cur.fetchall(),
      'a loop': async () => {
        for await (const row of db.cur) expect(row).to.equal('no row')
      },
    }
    for (const [name, use] of Object.entries(uses)) {
      it(name, async () => {
        await db.cur.execute('select 1')
        await db.cur.close()
        await db.cur.close()
        await refused(dbapi.ProgrammingError, use, /closed/)
        expect(await rows(db.conn, 'select 1')).to.deep.equal([[1]])
      })
    }
  })
})

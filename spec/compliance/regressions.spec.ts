/** Checklist, section Regression picks: what once went wrong in CPython's sqlite3. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

/** Rows that take several chunks, with some filler. */
const COUNT = 2000
const NUMBERS = `with recursive n(i) as (values (0) union all select i + 1 from n where i < ${COUNT - 1}) select i, zeroblob(100) from n`

describeCompliance('regressions', (db) => {
  describe('user_version / schema_version pragma; statement reset after error; commit while another cursor is mid-result does not lose or repeat rows (commit_cursor_reset); table lock released when a cursor statement is replaced/closed (3 tests, bpo-44092 family); executescript steps SELECTs fully; closing db with open statements works; statement cached across ALTER (return_empty_bytestring; too many)', () => {
    it('user_version pragma', async () => {
      await db.cur.execute('pragma user_version = 11')
      expect(await rows(db.conn, 'pragma user_version')).to.deep.equal([[11]])
      await db.cur.execute('pragma user_version = 0')
      await db.cur.execute('pragma user_version')
      expect(db.cur.description![0]![0]).to.equal('user_version')
    })

    it('schema_version pragma', async () => {
      const version = async () => (await rows(db.conn, 'pragma schema_version'))[0]![0] as number
      const before = await version()
      await db.cur.execute('create table t (a)')
      expect(await version()).to.be.above(before)
    })

    it('statement reset after error', async () => {
      await db.cur.execute('create table t (a unique)')
      const insert = (a: number) => db.cur.execute('insert into t values (?)', [a])
      await insert(1)
      await refused(dbapi.IntegrityError, () => insert(1))
      await insert(2)
      await refused(dbapi.IntegrityError, () => insert(2))
      await db.conn.commit()
      const sql = 'select abs(a - 9223372036854775807 - 1 - ?) from t order by a'
      await refused(dbapi.OperationalError, () => db.conn.execute(sql, [1]).fetchall(), /overflow/)
      expect(await db.conn.execute(sql, [-100]).fetchall()).to.have.lengthOf(2)
      await db.cur.execute('drop table t')
    })

    for (const [where, database] of [
      ['in a file', null],
      ['in memory', ':memory:'],
    ] as const) {
      describe(where, () => {
        let conn: dbapi.Connection

        beforeEach(async () => {
          conn = database === null ? db.conn : await db.open(database)
        })

        for (const [what, fill, count] of [
          ['a few rows', 'insert into t (c) values (0), (1), (2)', 3],
          ['many rows', `insert into t ${NUMBERS}`, COUNT],
        ] as const) {
          it(`commit while another cursor is mid-result does not lose or repeat rows: ${what}`, async () => {
            await conn.execute('create table t (c, filler)')
            await conn.execute('create table u (c)')
            await conn.execute(fill)
            await conn.commit()
            let next = 0
            for await (const [c] of conn.execute('select * from t')) {
              if (c !== next++) expect.fail(`${c} where ${next - 1} was due`)
              if (next > 5 && next % 500 !== 0) continue
              await conn.execute('insert into u values (?)', [c as number])
              await conn.commit()
            }
            expect(next).to.equal(count)
            expect(await rows(conn, 'select count(*) from u')).to.deep.equal([[count === 3 ? 3 : 9]])
          })

          const leaves: Record<string, (cur: dbapi.Cursor) => unknown> = {
            'replaced by the DROP': (cur) => cur.execute('drop table t'),
            'replaced before it': async (cur) => {
              await cur.execute('select 1')
              await conn.execute('drop table t')
            },
            'closed before it': async (cur) => {
              await cur.close()
              await conn.execute('drop table t')
            },
            'left half-read': () => conn.execute('drop table t'),
          }
          for (const [how, leave] of Object.entries(leaves)) {
            it(`table lock released when a cursor statement is ${how}: ${what}`, async () => {
              await conn.execute('create table t (c, filler)')
              await conn.execute(fill)
              await conn.commit()
              const cur = conn.cursor()
              await cur.execute('select * from t')
              await cur.fetchone()
              await leave(cur)
              await conn.commit()
              await refused(dbapi.OperationalError, () => conn.execute('select * from t'), /no such table/)
            })
          }
        }

        it('closing db with open statements works', async () => {
          await conn.execute('create table t (c, filler)')
          await conn.execute(`insert into t ${NUMBERS}`)
          await conn.commit()
          for (let i = 0; i < 105; i++) await conn.execute(`select 1 as x union select ${i}`)
          for (let i = 0; i < 12; i++) await conn.execute(`select c + ${i}, filler from t`)
          await conn.execute('insert into t (c) values (-1)')
          await conn.close()
          await refused(dbapi.ProgrammingError, () => conn.execute('select 1'), /closed/)
        })
      })
    }

    it('executescript steps SELECTs fully', async () => {
      await db.cur.execute('create table t (c)')
      await db.cur.executemany('insert into t values (?)', [[1], [2], [-(2n ** 63n)]])
      await db.conn.commit()
      // Only the last row overflows.
      await refused(dbapi.OperationalError, () => db.conn.executescript('select abs(c) from t'), /overflow/)
      await db.conn.executescript('select abs(c) from t where c > 0; drop table t')
    })

    it('statement cached across ALTER', async () => {
      await db.cur.execute('create table t (a)')
      await db.cur.execute('insert into t values (1)')
      await db.conn.commit()
      const sql = 'select * from t'
      expect(await rows(db.conn, sql)).to.deep.equal([[1]])
      await db.cur.execute('alter table t add column b default 5')
      expect(await rows(db.conn, sql)).to.deep.equal([[1, 5]])
      await db.cur.execute('drop table t')
      await db.cur.execute('create table t (a text)')
      await db.cur.execute('insert into t values (2)')
      expect(await rows(db.conn, sql)).to.deep.equal([['2']])
    })

    it('return_empty_bytestring', async () => {
      expect(await rows(db.conn, "select x''")).to.deep.equal([[Buffer.alloc(0)]])
    })

    it('too many statements for any cache', async () => {
      for (let i = 0; i < 300; i++) expect(await rows(db.conn, `select ${i}`)).to.deep.equal([[i]])
      expect(await rows(db.conn, 'select 0')).to.deep.equal([[0]])
    })
  })

  describe('recursive use of one cursor while it executes → ProgrammingError ("Recursive use of cursors not allowed"): for us: overlapping await on one cursor', () => {
    beforeEach(() => db.cur.execute('create table t (a)'))

    it('execute while it executes', async () => {
      const first = db.cur.execute('select 1')
      const error = await refused(dbapi.ProgrammingError, () => db.cur.execute('select 2'))
      expect(error.code).to.equal('CURSOR_BUSY')
      await first
      expect(await db.cur.fetchall()).to.deep.equal([[1]])
    })

    it('executemany and executescript while it executes', async () => {
      for (const call of [
        () => db.cur.executemany('insert into t values (?)', [[1]]),
        () => db.cur.executescript('insert into t values (1)'),
      ]) {
        const first = db.cur.execute('select 1')
        await refused(dbapi.ProgrammingError, call)
        expect(await first.fetchall()).to.deep.equal([[1]])
      }
      expect(await rows(db.conn, 'select * from t')).to.deep.equal([])
    })

    it('execute while it runs a script', async () => {
      const script = db.cur.executescript('insert into t values (1)')
      await refused(dbapi.ProgrammingError, () => db.cur.execute('select 2'))
      expect(await script).to.equal(db.cur)
    })

    it('execute from the parameter sets of its own executemany', async () => {
      async function* sets(): AsyncGenerator<[number]> {
        await db.cur.execute('insert into t values (1)')
        yield [1]
      }
      await refused(dbapi.ProgrammingError, () => db.cur.executemany('insert into t values (?)', sets()))
      await db.conn.rollback()
      expect(await rows(db.conn, 'select * from t')).to.deep.equal([])
    })

    it('works again afterwards', async () => {
      const first = db.cur.execute('select 1')
      await refused(dbapi.ProgrammingError, () => db.cur.execute('select 2'))
      await first
      await db.cur.execute('select 3')
      expect(await db.cur.fetchall()).to.deep.equal([[3]])
    })
  })
})

/** Checklist, section Conflict clauses: OR ROLLBACK and its kin, with and without a BEGIN by hand. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

describeCompliance('conflicts', (db) => {
  describe('OR ROLLBACK inside a transaction drops the whole transaction; OR ABORT keeps earlier statements; OR FAIL raises; OR IGNORE silently keeps first; OR REPLACE replaces; all with and without explicit BEGIN; error is IntegrityError', () => {
    for (const [how, byHand] of [
      ['without explicit BEGIN', false],
      ['with explicit BEGIN', true],
    ] as const) {
      describe(how, () => {
        let conn: dbapi.Connection

        beforeEach(async () => {
          conn = await db.another({ isolationLevel: byHand ? null : 'IMMEDIATE' })
          await conn.execute('create table t (id integer primary key, name, once unique)')
          if (byHand) await conn.execute('begin')
          await conn.execute("insert into t (name) values ('earlier')")
        })

        /** Inserts 'foo' once, and then again; resolves to the error, if any. */
        const twice = async (clause: string) => {
          const sql = `insert or ${clause} into t (name, once) values (?, ?)`
          await conn.execute(sql, ['first', 'foo'])
          await conn.execute(sql, ['second', 'foo'])
        }
        const names = async (on: dbapi.Connection) =>
          (await rows(on, 'select name from t order by id')).map(([name]) => name)

        async function conflict(clause: string): Promise<void> {
          const error = await refused(dbapi.IntegrityError, () => twice(clause), /UNIQUE constraint failed/)
          expect(error.code).to.equal('SQLITE_CONSTRAINT_UNIQUE')
        }

        async function expectKept(expected: string[]): Promise<void> {
          expect(conn.inTransaction).to.equal(true)
          expect(await names(conn)).to.deep.equal(expected)
          await conn.commit()
          expect(await names(await db.another())).to.deep.equal(expected)
        }

        it('OR ROLLBACK drops the whole transaction', async () => {
          await conflict('rollback')
          expect(conn.inTransaction).to.equal(false)
          expect(await names(conn)).to.deep.equal([])
          await conn.commit()
          expect(await names(await db.another())).to.deep.equal([])
        })

        it('OR ROLLBACK lets go of the writer, and the Connection can write again', async () => {
          await conflict('rollback')
          const other = await db.another()
          await other.execute("insert into t (name) values ('of another')")
          await other.commit()
          await conn.execute("insert into t (name) values ('mine')")
          await conn.commit()
          expect(await names(other)).to.deep.equal(['of another', 'mine'])
        })

        it('OR ABORT keeps earlier statements', async () => {
          await conflict('abort')
          await expectKept(['earlier', 'first'])
        })

        it('OR ABORT undoes the rows of its own statement', async () => {
          const sql = "insert or abort into t (name, once) values ('a', 1), ('b', 2), ('c', 1)"
          await refused(dbapi.IntegrityError, () => conn.execute(sql))
          await expectKept(['earlier'])
        })

        it('OR FAIL raises', async () => {
          await conflict('fail')
          await expectKept(['earlier', 'first'])
        })

        it('OR FAIL keeps the rows of its own statement', async () => {
          const sql = "insert or fail into t (name, once) values ('a', 1), ('b', 2), ('c', 1), ('d', 4)"
          await refused(dbapi.IntegrityError, () => conn.execute(sql))
          await expectKept(['earlier', 'a', 'b'])
        })

        it('OR IGNORE silently keeps first', async () => {
          await twice('ignore')
          await expectKept(['earlier', 'first'])
        })

        it('OR REPLACE replaces', async () => {
          await twice('replace')
          await expectKept(['earlier', 'second'])
        })

        it('executemany meets OR ROLLBACK in the middle', async () => {
          const sql = "insert or rollback into t (name, once) values ('many', ?)"
          await refused(dbapi.IntegrityError, () => conn.executemany(sql, [[1], [2], [1], [4]]))
          expect(conn.inTransaction).to.equal(false)
          expect(await names(await db.another())).to.deep.equal([])
        })
      })
    }

    it('as a clause of the table: ON CONFLICT ROLLBACK, and then on', async () => {
      await db.cur.execute('create table once (x, unique (x) on conflict rollback)')
      await db.cur.execute('insert into once values (1)')
      await refused(dbapi.IntegrityError, () => db.cur.execute('insert into once values (1)'))
      expect(db.conn.inTransaction).to.equal(false)
      await db.cur.execute('insert into once values (2)')
      await db.conn.commit()
      expect(await rows(await db.another(), 'select x from once')).to.deep.equal([[2]])
    })
  })
})

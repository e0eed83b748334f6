/** Checklist, section Connection: what is `with con:` in Python, `conn.transaction(…)` here. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { startScript } from '../support/run-script.ts'
import { describeCompliance, refused, rows } from './subject.ts'

/** Another process, which holds a shared lock on the file in an open transaction until it is killed. */
const READS = `
  import { connect } from 'forklite'
  const [path, driver] = process.argv.slice(2)
  const conn = await connect(path, { driver, pragmas: { journal_mode: 'DELETE' } })
  await conn.execute('begin')
  console.log(JSON.stringify(await conn.execute('select a from t').fetchall()))
  setInterval(() => {}, 1000)`

describeCompliance('with', (db) => {
  describe('`with con:` commits on success, rolls back on exception, and re-raises; if COMMIT fails (locked by another process) it rolls back (MultiprocessTests)', () => {
    beforeEach(() => db.cur.execute('create table t (a)'))

    const committed = async () => rows(await db.another(), 'select a from t order by a')

    it('commits on success, and gives what the function gives', async () => {
      const result = await db.conn.transaction(async () => {
        await db.cur.execute('insert into t values (1)')
        expect(db.conn.inTransaction).to.equal(true)
        return 'done'
      })
      expect(result).to.equal('done')
      expect(db.conn.inTransaction).to.equal(false)
      expect(await committed()).to.deep.equal([[1]])
    })

    it('rolls back on exception, and re-raises the same', async () => {
      const mine = new RangeError('mine')
      const thrown = await refused(RangeError, () =>
        db.conn.transaction(async () => {
          await db.cur.execute('insert into t values (1)')
          throw mine
        }),
      )
      expect(thrown).to.equal(mine)
      expect(db.conn.inTransaction).to.equal(false)
      expect(await committed()).to.deep.equal([])
    })

    it('rolls back when the function throws before it waits for anything', async () => {
      await refused(RangeError, () =>
        db.conn.transaction(() => {
          throw new RangeError('at once')
        }),
      )
      expect(db.conn.inTransaction).to.equal(false)
    })

    it('what is no function is refused, and begins nothing', async () => {
      for (const wrong of [undefined, null, 5, Promise.resolve()]) {
        await refused(dbapi.ProgrammingError, () => db.conn.transaction(wrong as never))
      }
      expect(db.conn.inTransaction).to.equal(false)
    })

    it('rolls back on an error of the database', async () => {
      await db.cur.execute('create unique index once on t (a)')
      await refused(dbapi.IntegrityError, () =>
        db.conn.transaction(async () => {
          await db.cur.execute('insert into t values (1)')
          await db.cur.execute('insert into t values (1)')
        }),
      )
      expect(db.conn.inTransaction).to.equal(false)
      expect(await committed()).to.deep.equal([])
    })

    it('refuses a commit or rollback inside, and goes on (row of differences)', async () => {
      await db.conn.transaction(async () => {
        await db.cur.execute('insert into t values (1)')
        await refused(dbapi.ProgrammingError, () => db.conn.commit())
        await refused(dbapi.ProgrammingError, () => db.conn.rollback())
      })
      expect(db.conn.inTransaction).to.equal(false)
      expect(await committed()).to.deep.equal([[1]])
    })

    it('tells when a statement inside has rolled it back, and keeps nothing that came after', async () => {
      await db.cur.execute('create unique index once on t (a)')
      const error = await refused(dbapi.OperationalError, () =>
        db.conn.transaction(async () => {
          await db.cur.execute('insert into t values (1)')
          await refused(dbapi.IntegrityError, () => db.cur.execute('insert or rollback into t values (1)'))
          await db.cur.execute('insert into t values (2)')
        }),
      )
      expect(error.code).to.equal('TRANSACTION_LOST')
      expect(db.conn.inTransaction).to.equal(false)
      expect(await committed()).to.deep.equal([])
    })

    it('if COMMIT fails for a deferred foreign key it rolls back', async () => {
      await db.cur.execute(
        'create table part (id integer primary key, whole references part deferrable initially deferred)',
      )
      const error = await refused(dbapi.IntegrityError, () =>
        db.conn.transaction(() => db.conn.execute('insert into part values (1, 2)').then(() => {})),
      )
      expect(error.code).to.equal('SQLITE_CONSTRAINT_FOREIGNKEY')
      expect(db.conn.inTransaction).to.equal(false)
      expect(await rows(await db.another(), 'select * from part')).to.deep.equal([])
      await db.conn.transaction(() => db.conn.execute('insert into part values (1, 1)').then(() => {}))
      expect(await rows(await db.another(), 'select * from part')).to.deep.equal([[1, 1]])
    })

    it('if COMMIT fails (locked by another process) it rolls back', async () => {
      const path = db.file('locked.db')
      // In WAL a reader is in nobody's way.
      const conn = await db.open(path, { pragmas: { journal_mode: 'DELETE' }, lockTimeoutMs: 0 })
      await conn.execute('create table t (a)')
      const script = startScript(READS, { args: [path, db.driver] })
      expect(JSON.parse(await script.line())).to.deep.equal([])
      const error = await refused(
        dbapi.OperationalError,
        () => conn.transaction(() => conn.execute('insert into t values (1)').then(() => {})),
        /locked/,
      )
      expect(error.code).to.match(/^SQLITE_BUSY/)
      expect(conn.inTransaction).to.equal(false)
      script.kill()
      await script.result
      expect(await rows(conn, 'select a from t')).to.deep.equal([])
    })
  })
})

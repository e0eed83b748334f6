/** Checklist, section Backup / dump: not there yet, and what does the work until then. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

describeCompliance('dump', (db) => {
  describe('(row of differences) backup: target not a connection/same/closed/in transaction → errors; pages=1 progress callbacks (remaining,total); pages=-1 one go; progress raising stops; source name main/temp/attached/wrong: here NotSupportedError', () => {
    it('whatever the target, and says what to do instead', async () => {
      const target = await db.open(':memory:')
      for (const args of [[target], [db.conn], [null], [target, { pages: 1 }], ['copy.db']]) {
        await refused(
          dbapi.NotSupportedError,
          () => db.conn.backup.apply(db.conn, args as never),
          /VACUUM INTO/i,
        )
      }
    })

    it('VACUUM INTO is the way round', async () => {
      await db.cur.execute('create table t (id integer primary key autoincrement, a, b)')
      await db.cur.execute('create index by_a on t (a)')
      const values = [1, 'text', Buffer.from([0, 255]), null, 2n ** 60n]
      await db.cur.executemany(
        'insert into t (a, b) values (?, ?)',
        values.map((value) => [value, 0.5]),
      )
      await db.conn.commit()
      await db.cur.execute('vacuum into ?', [db.file('copy.db')])
      const copy = await db.open(db.file('copy.db'))
      for (const sql of [
        'select * from t',
        'select name, sql from sqlite_schema',
        'select * from sqlite_sequence',
      ]) {
        expect(await rows(copy, sql), sql).to.deep.equal(await rows(db.conn, sql))
      }
      expect(await rows(copy, 'select count(*) from t')).to.deep.equal([[5]])
    })
  })

  describe('(row of differences) dump: iterates SQL that recreates tables, indexes, triggers, views, autoincrement (sqlite_sequence), virtual tables, odd-typed rows, names with quotes; load into new db gives same content: here NotSupportedError', () => {
    it('iterdump() says what to do instead', async () => {
      await refused(dbapi.NotSupportedError, () => db.conn.iterdump(), /VACUUM INTO/i)
    })
  })
})

/** Checklist, section Open: what names a database. */
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

describeCompliance('open', (db) => {
  describe("path given as path-like/URL object; path with unusual bytes; `file:` URI only when uri option is on; mode=ro URI refuses writes (OperationalError); '?' and '#' in a plain path", () => {
    async function expectOpens(database: string | URL, path: string, options = {}): Promise<void> {
      expect(existsSync(path)).to.equal(false)
      const conn = await db.open(database, options)
      await conn.execute('create table t (a)')
      await conn.close()
      expect(readFileSync(path).subarray(0, 15).toString()).to.equal('SQLite format 3')
    }

    it('path given as URL object', async () => {
      await expectOpens(pathToFileURL(db.file('url.db')), db.file('url.db'))
    })

    it('path relative to the working directory', async () => {
      await expectOpens(relative(process.cwd(), db.file('relative.db')), db.file('relative.db'))
    })

    it('path with unusual bytes', async () => {
      const name = '\u0001\u007f é e\u0301 名🚲 \\ " \' %41 ; *.db'
      await expectOpens(db.file(name), db.file(name))
    })

    it('(row of differences) path of bytes that are no string: ProgrammingError', async () => {
      const bytes = Buffer.concat([Buffer.from(db.file('latin')), Buffer.from([0xe9])])
      await refused(dbapi.ProgrammingError, () => db.open(bytes as never))
    })

    it("'?' and '#' in a plain path", async () => {
      await expectOpens(db.file('a?mode=ro#b.db'), db.file('a?mode=ro#b.db'))
    })

    it("'?' and '#' in a URL object, quoted", async () => {
      await expectOpens(pathToFileURL(db.file('c?d#e.db')), db.file('c?d#e.db'))
    })

    it('`file:` URI when the uri option is on', async () => {
      await expectOpens(pathToFileURL(db.file('uri é.db')).href, db.file('uri é.db'), { uri: true })
    })

    it('`file:` URI unquoted', async () => {
      await expectOpens(`file:${db.file('unquoted.db')}`, db.file('unquoted.db'), { uri: true })
    })

    it('(row of differences) `file:` URI when it is off is no file of that name: ProgrammingError', async () => {
      await refused(dbapi.ProgrammingError, () => db.open(pathToFileURL(db.file('off.db')).href), /uri: true/)
      expect(existsSync(db.file('off.db'))).to.equal(false)
    })

    it('mode=ro URI makes no file (OperationalError)', async () => {
      const uri = `${pathToFileURL(db.file('none.db')).href}?mode=ro`
      const error = await refused(dbapi.OperationalError, () => db.open(uri, { uri: true }))
      expect(error.code).to.match(/^SQLITE_CANTOPEN/)
      expect(existsSync(db.file('none.db'))).to.equal(false)
    })

    it('mode=ro URI refuses writes (OperationalError)', async () => {
      const path = db.file('readonly.db')
      await expectOpens(path, path)
      const conn = await db.open(`${pathToFileURL(path).href}?mode=ro`, { uri: true })
      for (const sql of ['insert into t values (1)', 'create table u (a)', 'drop table t']) {
        const error = await refused(dbapi.OperationalError, () => conn.execute(sql))
        expect(error.code, sql).to.equal('SQLITE_READONLY')
      }
      expect(await rows(conn, 'select * from t')).to.deep.equal([])
    })
  })
})

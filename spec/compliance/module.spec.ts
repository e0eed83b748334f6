/** Checklist, section Module: constants, the tree of errors, what an error tells, completeStatement(). */
import { mkdirSync } from 'node:fs'
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, EXCEPTIONS, refused, rows } from './subject.ts'

describeCompliance('module', (db) => {
  it("apilevel '2.0'; threadsafety in 0..3; paramstyle 'qmark'", () => {
    expect(dbapi.apilevel).to.equal('2.0')
    expect(dbapi.threadsafety).to.be.oneOf([0, 1, 2, 3])
    expect(dbapi.paramstyle).to.equal('qmark')
  })

  describe('Error tree: Warning and Error are base; InterfaceError, DatabaseError < Error; DataError, OperationalError, IntegrityError, InternalError, ProgrammingError, NotSupportedError < DatabaseError', () => {
    const { Warning, Error: Base, InterfaceError, DatabaseError, ...others } = EXCEPTIONS
    const parentOf = (cls: unknown) => Object.getPrototypeOf(cls)

    it('Warning and Error stand at the root, apart', () => {
      expect(parentOf(Warning)).to.equal(globalThis.Error)
      expect(parentOf(Base)).to.equal(globalThis.Error)
    })

    it('InterfaceError and DatabaseError are Errors', () => {
      expect(parentOf(InterfaceError)).to.equal(Base)
      expect(parentOf(DatabaseError)).to.equal(Base)
    })

    for (const [name, cls] of Object.entries(others)) {
      it(`${name} is a DatabaseError`, () => {
        expect(parentOf(cls)).to.equal(DatabaseError)
      })
    }
  })

  it("sqliteVersion() tells the workers' engine", async () => {
    const version = await dbapi.sqliteVersion({ driver: db.driver })
    expect(version).to.match(/^3\.\d+\.\d+$/)
    expect(await rows(db.conn, 'select sqlite_version()')).to.deep.equal([[version]])
  })

  describe('opening a folder as a database: Error, message "unable to open database file", code SQLITE_CANTOPEN*, numeric code and name on the error object (here the name only)', () => {
    it('by connect(), by name in `code` (row of differences: no number beside it)', async () => {
      mkdirSync(db.file('folder'), { recursive: true })
      const error = await refused(
        dbapi.OperationalError,
        () => db.open(db.file('folder')),
        /unable to open database file/,
      )
      expect(error).to.be.instanceOf(dbapi.Error)
      expect(error.code).to.match(/^SQLITE_CANTOPEN/)
    })
  })

  describe('CHECK violation: IntegrityError with extended code SQLITE_CONSTRAINT_CHECK and name', () => {
    it('on INSERT and UPDATE, by execute and executemany', async () => {
      await db.cur.execute('create table t (a check (a > 0))')
      await db.cur.execute('insert into t values (1)')
      for (const call of [
        () => db.cur.execute('insert into t values (-1)'),
        () => db.cur.execute('update t set a = ?', [-1]),
        () => db.cur.executemany('insert into t values (?)', [[5], [-5]]),
      ]) {
        const error = await refused(dbapi.IntegrityError, call, /constraint failed/)
        expect(error).to.include({ name: 'IntegrityError', code: 'SQLITE_CONSTRAINT_CHECK' })
      }
    })
  })

  describe(`complete_statement("select t from t;") true, without ';' false (optional)`, () => {
    for (const [sql, complete] of [
      ['select t from t;', true],
      ['select t from t', false],
      ['create table t (t);', true],
      ['', false],
      ['select 1; -- and a comment', true],
      ["select ';", false],
      ['create trigger a after insert on b begin select 1;', false],
      ['create trigger a after insert on b begin select 1; end;', true],
    ] as const) {
      it(`${JSON.stringify(sql)}: ${complete}`, () => {
        expect(dbapi.completeStatement(sql)).to.equal(complete)
      })
    }

    it('of what is no string is refused', async () => {
      for (const wrong of [undefined, null, 5, Buffer.from(';')]) {
        await refused(dbapi.ProgrammingError, () => dbapi.completeStatement(wrong as never))
      }
    })
  })
})

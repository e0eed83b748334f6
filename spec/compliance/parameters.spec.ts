/** Checklist, section Cursor.execute: parameters by place and by name. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

describeCompliance('parameters', (db) => {
  const value = async (sql: string, params: dbapi.Parameters) => {
    const row = await db.conn.execute(sql, params).fetchone()
    return row![0]
  }

  const misused = (sql: string, params?: unknown, message?: RegExp) =>
    refused(dbapi.ProgrammingError, () => db.cur.execute(sql, params as never), message)

  describe('parameter not a sequence/mapping → error; too few / too many / none given → ProgrammingError; list and any sequence accepted; more parameters than SQLITE_LIMIT_VARIABLE_NUMBER → OperationalError "too many SQL variables"', () => {
    for (const wrong of [42, 'text', true, 5n, Symbol('s'), () => 1]) {
      it(`parameter not a sequence/mapping → error: ${String(wrong)}`, async () => {
        await misused('select ?', wrong)
        await misused('select :a', wrong)
        await misused('select 1', wrong)
      })
    }

    it('a BLOB is no sequence of parameters', async () => {
      await misused('select ?', Buffer.from('a'))
      await misused('select ?, ?', new Uint8Array(2))
    })

    it('too many', async () => {
      await misused('select ?', [17, 'Egon'])
      await misused('select 1', [17])
    })

    it('too few', async () => {
      await misused('select ?, ?', [17])
      await misused('select ?', [])
      await misused('select ?3', [17])
    })

    it('none given', async () => {
      await misused('select ?')
      await misused('select ?', null)
    })

    it('in executemany, for the set that does not fit', async () => {
      await db.cur.execute('create table t (a, b)')
      await refused(dbapi.ProgrammingError, () =>
        db.cur.executemany('insert into t values (?, ?)', [[1, 2], [3]]),
      )
      await refused(dbapi.ProgrammingError, () =>
        db.cur.executemany('insert into t values (?, ?)', [4, 5] as never),
      )
    })

    it('begins no transaction and changes nothing', async () => {
      await db.cur.execute('create table t (a)')
      await misused('insert into t values (?)', [1, 2])
      expect(db.conn.inTransaction).to.equal(false)
      expect(await rows(db.conn, 'select * from t')).to.deep.equal([])
    })

    it('list and any sequence accepted', async () => {
      expect(await value('select ?', ['foo'])).to.equal('foo')
      expect(await value('select ?', Object.freeze(['foo']))).to.equal('foo')
      expect(await value('select ?', new Set(['foo']))).to.equal('foo')
      const sequence = {
        *[Symbol.iterator]() {
          yield 'foo'
        },
      }
      expect(await value('select ?', sequence)).to.equal('foo')
      class Sequence extends Array {}
      expect(await value('select ?', Sequence.from(['foo']))).to.equal('foo')
    })

    it("passes on a sequence's own error", async () => {
      const sequence = {
        *[Symbol.iterator]() {
          yield 1
          throw new RangeError('its own')
        },
      }
      await refused(RangeError, () => db.cur.execute('select ?', sequence), /its own/)
      expect(await value('select 1', [])).to.equal(1)
    })

    it('more parameters than setLimit allows → OperationalError "too many SQL variables"', async () => {
      db.conn.setLimit('variables', 1)
      expect(await value('select ?', [1])).to.equal(1)
      await refused(
        dbapi.OperationalError,
        () => db.cur.execute('select ?, ?', [1, 2]),
        /too many SQL variables/,
      )
      await refused(dbapi.OperationalError, () => db.cur.execute('select ?2', [1, 2]))
    })

    it('more parameters than the engine allows → OperationalError', async () => {
      // 32,766 since SQLite 3.32; a package may be built with another limit, Debian's 250,000 say.
      const list = (count: number) => `select 1 in (${Array(count).fill('?').join(', ')})`
      const ones = (count: number) => Array(count).fill(1) as number[]
      expect(await value(list(30_000), ones(30_000))).to.equal(1)
      await refused(
        dbapi.OperationalError,
        () => db.cur.execute(list(300_000), ones(300_000)),
        /too many SQL variables/,
      )
    })
  })

  describe('named :a and dict; missing key → ProgrammingError; dict with only-positional `?` → ProgrammingError; no dict for named → ProgrammingError; mapping via getter supported', () => {
    it('named :a and dict', async () => {
      expect(await value('select :name', { name: 'foo' })).to.equal('foo')
      expect(await value('select :name || :name', { name: 'foo', more: 1 })).to.equal('foofoo')
      expect(await value('select @name', { name: 'foo' })).to.equal('foo')
      expect(await value('select $name', { name: 'foo' })).to.equal('foo')
    })

    it('missing key → ProgrammingError', async () => {
      await misused('select :name, :id', { name: 'foo' }, /:id/)
      await misused('select :name', {})
      await misused('select :name', { Name: 'case counts' })
    })

    it('what every object inherits is no value', async () => {
      for (const name of ['toString', 'constructor', 'hasOwnProperty', '__proto__']) {
        await misused(`select :${name}`, { name: 'foo' })
        await misused(`select :${name}`, Object.create(null))
      }
    })

    it('dict with only-positional `?` → ProgrammingError', async () => {
      await misused('select ?', { name: 'foo' })
      await misused('select ?1', { 1: 'foo' })
    })

    it('no dict for named → ProgrammingError', async () => {
      await misused('select :name')
      await misused('select :name', ['foo'])
      await misused('select :name', [])
    })

    it('mapping via getter supported', async () => {
      const own = {
        get name() {
          return 'foo'
        },
      }
      expect(await value('select :name', own)).to.equal('foo')
      class Inherited {
        get name() {
          return 'foo'
        }
      }
      // To TypeScript the names of a class are no index.
      expect(await value('select :name', new Inherited() as never)).to.equal('foo')
    })

    it('mapping via Proxy supported, as __missing__ is in Python', async () => {
      const all = new Proxy(
        {},
        { has: (_, key) => typeof key === 'string', get: (_, key) => `no ${String(key)}` },
      )
      expect(await value('select :name', all)).to.equal('no name')
    })

    it("passes on a getter's own error", async () => {
      const params = {
        get name(): string {
          throw new RangeError('its own')
        },
      }
      await refused(RangeError, () => db.cur.execute('select :name', params), /its own/)
      expect(await value('select 1', {})).to.equal(1)
    })
  })

  describe('a parameter list changed during binding must not crash', () => {
    /** Its first item empties it when it is read. */
    function shrinking(): number[] {
      const params = [1, 2]
      Object.defineProperty(params, 0, {
        configurable: true,
        get() {
          Object.defineProperty(params, 0, { value: 1 })
          params.length = 0
          return 1
        },
      })
      return params
    }

    it('emptied: an error, and nothing inserted', async () => {
      await db.cur.execute('create table t (a, b)')
      await misused('insert into t values (?, ?)', shrinking())
      await refused(dbapi.ProgrammingError, () =>
        db.cur.executemany('insert into t values (?, ?)', [shrinking()]),
      )
      expect(await rows(db.conn, 'select * from t')).to.deep.equal([])
    })

    it('changed after the call: what counts is what it was then', async () => {
      const params = ['before', Buffer.from('before')] as [string, Buffer]
      const execution = db.conn.execute('select ?, ?', params)
      params[0] = 'after'
      params[1].fill(0)
      params.length = 0 as never
      expect(await execution.fetchall()).to.deep.equal([['before', Buffer.from('before')]])
    })
  })
})

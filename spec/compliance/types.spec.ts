/** Checklist, section Types: values in and out. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused, rows } from './subject.ts'

describeCompliance('types', (db) => {
  beforeEach(() => db.cur.execute('create table t (i integer, s varchar, f number, b blob)'))

  /** What comes back of a value, by a parameter, from a column and by name. */
  async function roundTrip(value: dbapi.Parameter, column: 'i' | 's' | 'f' | 'b'): Promise<unknown> {
    await db.cur.execute(`insert into t (${column}) values (?)`, [value])
    await db.cur.execute(
      `select ${column}, ?, typeof(${column}) from t where ${column} is :v`.replace('?', ':v'),
      {
        v: value,
      },
    )
    const row = await db.cur.fetchone()
    expect(row![0]).to.deep.equal(row![1])
    return row![0]
  }

  const stored = async () => (await rows(db.conn, 'select count(*) from t'))[0]![0]

  describe('text (also with NUL char, non-ASCII, astral), small int, 2^40 int, float, blob (bytes and views, zero-length), NULL', () => {
    for (const text of ['Hugo', '', 'Österreich', 'żółć 名', '🚲𝒳']) {
      it(`text ${JSON.stringify(text)}`, async () => {
        expect(await roundTrip(text, 's')).to.equal(text)
        expect(await rows(db.conn, `select '${text}'`)).to.deep.equal([[text]])
      })
    }

    it('text with NUL char', async function () {
      try {
        expect(await roundTrip('a\0b', 's')).to.equal('a\0b')
      } catch (error) {
        // node:sqlite before Node 24.16 cannot carry it, and says so.
        if (db.driver === 'node:sqlite' && error instanceof dbapi.DataError) this.skip()
        throw error
      }
    })

    for (const integer of [0, 42, -1, 2 ** 31, 2 ** 40, -(2 ** 40), Number.MAX_SAFE_INTEGER]) {
      it(`int ${integer}`, async () => {
        expect(await roundTrip(integer, 'i')).to.equal(integer)
        expect(await rows(db.conn, 'select typeof(i) from t')).to.deep.equal([['integer']])
      })
    }

    for (const integer of [123_456_789_123_456_789n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      it(`int of 64 bits ${integer}`, async () => {
        expect(await roundTrip(integer, 'i')).to.equal(integer)
      })
    }

    for (const float of [3.14, -0.1, 1e300, 5e-324]) {
      it(`float ${float}`, async () => {
        expect(await roundTrip(float, 'f')).to.equal(float)
      })
    }

    const bytes = Buffer.from([0, 1, 255, 0])
    for (const [what, blob] of [
      ['Buffer', bytes],
      ['Uint8Array', new Uint8Array(bytes)],
      ['a view into a larger one', new Uint8Array([9, 9, ...bytes, 9]).subarray(2, 6)],
    ] as const) {
      it(`blob from ${what}`, async () => {
        const found = await roundTrip(blob, 'b')
        expect(found).to.be.instanceOf(Buffer)
        expect(found).to.deep.equal(bytes)
      })
    }

    it('NULL', async () => {
      expect(await roundTrip(null, 'i')).to.equal(null)
    })

    it('booleans as 0 and 1, a Date as ISO 8601', async () => {
      expect(await roundTrip(true, 'i')).to.equal(1)
      expect(await roundTrip(false, 'i')).to.equal(0)
      expect(await roundTrip(new Date(0), 's')).to.equal('1970-01-01T00:00:00.000Z')
    })
  })

  describe('int outside int64 (2^63, -2^63-1, 2^64) → OverflowError and nothing inserted; string or blob beyond 2^31 → error (skip for memory): here DataError', () => {
    for (const integer of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n]) {
      it(`${integer}`, async () => {
        for (const call of [
          () => db.cur.execute('insert into t (i) values (?)', [integer]),
          () => db.cur.execute('insert into t (i) values (:i)', { i: integer }),
          () => db.cur.executemany('insert into t (i) values (?)', [[integer]]),
        ]) {
          await refused(dbapi.DataError, call)
        }
        expect(db.conn.inTransaction).to.equal(false)
        expect(await stored()).to.equal(0)
      })
    }
  })

  it('zero-length blob comes back as empty bytes, not NULL', async () => {
    for (const empty of [Buffer.alloc(0), new Uint8Array(0), new Uint8Array(5).subarray(5)]) {
      expect(await db.conn.execute('select ?, typeof(?)', [empty, empty]).fetchall()).to.deep.equal([
        [Buffer.alloc(0), 'blob'],
      ])
    }
    expect(await rows(db.conn, "select x'', zeroblob(0)")).to.deep.equal([[Buffer.alloc(0), Buffer.alloc(0)]])
    await db.cur.execute('insert into t (b) values (?)', [Buffer.alloc(0)])
    expect(await rows(db.conn, 'select b, b is null from t')).to.deep.equal([[Buffer.alloc(0), 0]])
  })

  describe('unsupported parameter type (positional and named) → ProgrammingError', () => {
    class Bar {}
    for (const [what, value] of [
      ['undefined', undefined],
      ['a symbol', Symbol('s')],
      ['a function', () => 1],
      ['an object', {}],
      ['an array', [1]],
      ['a Map', new Map()],
      ['an instance of a class', new Bar()],
      ['an ArrayBuffer', new ArrayBuffer(4)],
      ['a DataView', new DataView(new ArrayBuffer(4))],
      ['a Uint16Array', new Uint16Array(2)],
      ['a promise', Promise.resolve(1)],
    ] as const) {
      it(what, async () => {
        const bad = value as never
        await refused(dbapi.ProgrammingError, () => db.cur.execute('insert into t (f) values (?)', [bad]))
        await refused(dbapi.ProgrammingError, () =>
          db.cur.execute('insert into t (f) values (:v)', { v: bad }),
        )
        await refused(dbapi.ProgrammingError, () =>
          db.cur.executemany('insert into t (f) values (?)', [[bad]]),
        )
        expect(await stored()).to.equal(0)
      })
    }

    it('until registerAdapter() knows its class', async () => {
      class Point {
        readonly x = 3
        readonly y = 5
      }
      await refused(dbapi.ProgrammingError, () => db.cur.execute('select ?', [new Point() as never]))
      dbapi.registerAdapter(Point, ({ x, y }) => `${x};${y}`)
      expect(await db.conn.execute('select ?', [new Point() as never]).fetchall()).to.deep.equal([['3;5']])
      expect(await db.conn.execute('select :p', { p: new Point() as never }).fetchall()).to.deep.equal([
        ['3;5'],
      ])
      await db.cur.executemany('insert into t (s) values (?)', [[new Point() as never]])
      expect(await rows(db.conn, 'select s from t')).to.deep.equal([['3;5']])
    })

    it("an adapter's own error, or a result that cannot be bound, fails the call", async () => {
      const mine = new RangeError('its own')
      class Broken {}
      class Odd {}
      dbapi.registerAdapter(Broken, () => {
        throw mine
      })
      dbapi.registerAdapter(Odd, () => ({}) as never)
      const error = await refused(Error, () => db.cur.execute('select ?', [new Broken() as never]))
      expect([error, error.cause]).to.include(mine)
      await refused(dbapi.ProgrammingError, () => db.cur.execute('select ?', [new Odd() as never]))
      expect(await rows(db.conn, 'select 1')).to.deep.equal([[1]])
    })
  })

  describe('NaN is refused (CPython binds NULL); Infinity round-trips', () => {
    it('(row of differences) NaN', async () => {
      await refused(dbapi.DataError, () => db.cur.execute('insert into t (f) values (?)', [Number.NaN]))
      await refused(dbapi.DataError, () => db.cur.execute('insert into t (f) values (:f)', { f: Number.NaN }))
      expect(await stored()).to.equal(0)
    })

    for (const infinity of [Infinity, -Infinity]) {
      it(`${infinity}`, async () => {
        expect(await roundTrip(infinity, 'f')).to.equal(infinity)
      })
    }
  })

  describe('text invalid as UTF-8 → (row of differences: U+FFFD) OperationalError "Could not decode to UTF-8 ..." (text_factory bytes gives raw)', () => {
    it('comes out with U+FFFD; as a BLOB it is raw', async () => {
      const bytes = Buffer.from([0x61, 0xff, 0x62])
      await db.cur.execute('insert into t (s) values (cast(? as text))', [bytes])
      expect(await rows(db.conn, 'select s, typeof(s), cast(s as blob) from t')).to.deep.equal([
        ['a\ufffdb', 'text', bytes],
      ])
    })
  })
})

/** Checklist, section Row factory: Row, and rows of one's own making. */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, refused } from './subject.ts'

describeCompliance('rows', (db) => {
  // Its factory is changed on the way.
  let conn: dbapi.Connection<unknown>

  beforeEach(async () => {
    conn = await db.another({ rowFactory: dbapi.Row })
  })

  const rowOf = async (sql: string) => (await conn.execute<dbapi.Row>(sql).fetchone())!

  async function noColumn(read: () => unknown): Promise<void> {
    const error = await refused(dbapi.ProgrammingError, read)
    expect(error.code).to.equal('NO_COLUMN')
  }

  describe('row by index, negative index, name, case-insensitive name; unknown name/index out of range → IndexError; keys(); iteration; slice; equality/hash; to tuple/dict; duplicate names first wins (here ProgrammingErrors, and no hash)', () => {
    it('is a Row, by every way of fetching', async () => {
      expect(await rowOf('select 1')).to.be.instanceOf(dbapi.Row)
      const cur = conn.cursor()
      await cur.execute('values (1), (2), (3), (4), (5)')
      const found: unknown[] = [await cur.fetchone(), ...(await cur.fetchmany(2))]
      for await (const row of cur) {
        found.push(row)
        break
      }
      found.push(...(await conn.execute('select 5 as column1').fetchall()))
      expect(found).to.have.lengthOf(5)
      for (const [i, row] of found.entries()) {
        expect(row).to.be.instanceOf(dbapi.Row)
        expect((row as dbapi.Row)[0]).to.equal(i + 1)
      }
    })

    it('by index', async () => {
      const row = await rowOf('select 1 as a_1, 2 as b')
      expect([row[0], row[1]]).to.deep.equal([1, 2])
      expect([row.get(0), row.get(1)]).to.deep.equal([1, 2])
      expect(row).to.have.lengthOf(2)
    })

    it('by negative index', async () => {
      const row = await rowOf('select 1 as a_1, 2 as b')
      expect([row.get(-1), row.get(-2)]).to.deep.equal([2, 1])
    })

    it('by name', async () => {
      const row = await rowOf('select 1 as a_1, 2 as b, 3 as "foo bar"')
      expect([row.a_1, row.b, row['foo bar']]).to.deep.equal([1, 2, 3])
      expect([row.get('a_1'), row.get('b'), row.get('foo bar')]).to.deep.equal([1, 2, 3])
    })

    it('by case-insensitive name, as SQLite compares names: ASCII only', async () => {
      const row = await rowOf('select 1 as a_1, 2 as B, 3 as ÿ')
      expect([row.get('A_1'), row.get('b'), row.get('ÿ')]).to.deep.equal([1, 2, 3])
      await noColumn(() => row.get('Ÿ'))
    })

    it('unknown name', async () => {
      const row = await rowOf('select 1 as a_1, 2 as b')
      for (const name of [
        'c',
        'a_\u0011',
        'a\u007f1',
        '',
        'a_1 ',
        'toString',
        'constructor',
        '__proto__',
        'length',
      ]) {
        await noColumn(() => row.get(name))
      }
    })

    it('index out of range', async () => {
      const row = await rowOf('select 1 as a_1, 2 as b')
      for (const index of [2, -3, 2 ** 1000, -Infinity, Number.NaN, 0.5]) await noColumn(() => row.get(index))
      for (const key of [undefined, null, {}, true]) {
        await refused(dbapi.ProgrammingError, () => row.get(key as never))
      }
    })

    it('names that a Row has for itself can be read by get()', async () => {
      const names = ['keys', 'get', 'length', 'constructor', '__proto__', 'toObject', 'then', 'toJSON']
      const row = await rowOf(`select ${names.map((name, i) => `${i} as "${name}"`).join(', ')}`)
      expect(row.keys()).to.deep.equal(names)
      for (const [i, name] of names.entries()) expect(row.get(name), name).to.equal(i)
      expect(Object.entries(row.toObject())).to.deep.equal(names.map((name, i) => [name, i]))
    })

    it('keys()', async () => {
      expect((await rowOf('select 1 as a, 2 as B, 3 as a')).keys()).to.deep.equal(['a', 'B', 'a'])
    })

    it('iteration, twice', async () => {
      const row = await rowOf('select 1 as a, 2 as b')
      expect([...row]).to.deep.equal([1, 2])
      expect([...row]).to.deep.equal([1, 2])
    })

    it('slice', async () => {
      const row = await rowOf('select 1, 2, 3, 4')
      expect(row.slice(0, 0)).to.deep.equal([])
      expect(row.slice(0, 1)).to.deep.equal([1])
      expect(row.slice(1, 3)).to.deep.equal([2, 3])
      expect(row.slice(3, 1)).to.deep.equal([])
      expect(row.slice(1)).to.deep.equal([2, 3, 4])
      expect(row.slice(-2, -1)).to.deep.equal([3])
      expect(row.slice()).to.deep.equal([1, 2, 3, 4])
    })

    it('equality: of values and names, by equals(); (row of differences) no hash', async () => {
      const row = await rowOf('select 1 as a, 2 as b')
      const blob = "select x'0102' as a, 9007199254740993 as b, null as c"
      expect(row.equals(row)).to.equal(true)
      expect(row.equals(await rowOf('select 1 as a, 2 as b'))).to.equal(true)
      expect((await rowOf(blob)).equals(await rowOf(blob))).to.equal(true)
      for (const sql of [
        'select 1 as a, 3 as b',
        'select 1 as b, 2 as a',
        'select 2 as b, 1 as a',
        'select 1 as a',
        'select 1 as a, 2 as b, 3 as c',
        "select 1 as a, '2' as b",
      ]) {
        expect(row.equals(await rowOf(sql)), sql).to.equal(false)
      }
      for (const other of [[1, 2], { a: 1, b: 2 }, null, undefined, 5])
        expect(row.equals(other)).to.equal(false)
    })

    it('to tuple/dict', async () => {
      const row = await rowOf('select 1 as a, 2 as b')
      expect(Array.from(row)).to.deep.equal([1, 2])
      expect(row.toObject()).to.deep.equal({ a: 1, b: 2 })
    })

    it('duplicate names first wins', async () => {
      const row = await rowOf('select 1 as a, 2 as a, 3 as b')
      expect(row.get('a')).to.equal(1)
      expect(row.a).to.equal(1)
      expect(row.toObject()).to.deep.equal({ a: 1, b: 3 })
      expect([...row]).to.deep.equal([1, 2, 3])
    })

    it('a factory of one’s own gets the cursor and the values', async () => {
      const own: dbapi.Connection<unknown> = db.conn
      own.rowFactory = (cursor, values) => ({
        [cursor.description![0]![0]]: values[0],
      })
      expect(await own.execute('select 5 as five').fetchone()).to.deep.equal({ five: 5 })
    })

    it('a cursor has its connection’s factory of when it was made', async () => {
      const before = conn.cursor()
      conn.rowFactory = null
      await before.execute('select 1')
      expect(await before.fetchone()).to.be.instanceOf(dbapi.Row)
      const after = conn.cursor()
      await after.execute('select 1')
      expect(await after.fetchone()).to.deep.equal([1])
      after.rowFactory = (_, [one]) => one
      await after.execute('select 7')
      expect(await after.fetchall()).to.deep.equal([7])
      expect(await conn.execute('select 8').fetchone()).to.deep.equal([8])
    })

    it('without one rows are arrays', async () => {
      expect(await db.conn.execute('select 1, 2').fetchone()).to.deep.equal([1, 2])
    })
  })
})

/**
 * Checklist, section Types: converters, by declared type and by column name. What is registered holds for the
 * process, so the types have names of their own.
 */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { type Compliance, describeCompliance, refused, rows } from './subject.ts'

describeCompliance('converters', (db) => {
  const mine = new RangeError('its own')
  const shown = (value: unknown) => `<${Buffer.isBuffer(value) ? `blob ${value.length}` : value}>`

  before(() => {
    dbapi.registerConverter('shown', shown)
    dbapi.registerConverter('BROKEN', () => {
      throw mine
    })
  })

  describe("decltype converters if offered: `foo integer` → 'integer', NUMBER(10), case-insensitive, none for NULL; not used when off; zero-size blob passes through converter", () => {
    if (db.driver === 'sqlite3') {
      it('(row of differences) the sqlite3 package tells no declared types: NotSupportedError', async () => {
        await refused(dbapi.NotSupportedError, async () => {
          const conn = await db.open(':memory:', { detectTypes: dbapi.PARSE_DECLTYPES })
          await conn.execute('create table t (a shown)')
          await conn.execute('select a from t').fetchall()
        })
      })
    } else {
      declared(db)
    }

    it('not used when off', async () => {
      await db.cur.execute('create table t (a shown)')
      await db.cur.execute('insert into t values (5)')
      expect(await rows(db.conn, 'select a from t')).to.deep.equal([[5]])
    })
  })

  describe('column alias `x [type]` handling only with PARSE_COLNAMES', () => {
    const open = () => db.open(':memory:', { detectTypes: dbapi.PARSE_COLNAMES })

    it('converts, and takes the type out of the name', async () => {
      const conn = await open()
      const cur = await conn.execute(
        'select 5 as "x y [shown]", 6 as z, 7 as "w [SHOWN]", 8 as "v [unknown]"',
      )
      expect(await cur.fetchall()).to.deep.equal([['<5>', 6, '<7>', 8]])
      expect(cur.description!.map(([name]) => name)).to.deep.equal(['x y', 'z', 'w', 'v'])
    })

    it('none for NULL', async () => {
      expect(await rows(await open(), 'select null as "x [shown]"')).to.deep.equal([[null]])
    })

    it('does not use the declared type', async () => {
      const conn = await open()
      await conn.execute('create table t (a shown)')
      await conn.execute('insert into t values (5)')
      expect(await rows(conn, 'select a, a as "a [shown]" from t')).to.deep.equal([[5, '<5>']])
    })

    it('by every way of fetching', async () => {
      const conn = await open()
      const cur = conn.cursor()
      await cur.execute('select column1 as "x [shown]" from (values (1), (2), (3), (4), (5))')
      expect(await cur.fetchone()).to.deep.equal(['<1>'])
      expect(await cur.fetchmany(2)).to.deep.equal([['<2>'], ['<3>']])
      for await (const row of cur) {
        expect(row).to.deep.equal(['<4>'])
        break
      }
      expect(await conn.execute('select 6 as "x [shown]"').fetchone()).to.deep.equal(['<6>'])
    })

    it("a converter's own error fails the fetch", async () => {
      const conn = await open()
      const error = await refused(Error, () => rows(conn, 'select 5 as "x [broken]"'))
      expect([error, error.cause]).to.include(mine)
      expect(await rows(conn, 'select 1')).to.deep.equal([[1]])
    })

    it('the name is as it stands when it is off', async () => {
      await db.cur.execute('select 5 as "x [shown]"')
      expect(db.cur.description![0]![0]).to.equal('x [shown]')
      expect(await db.cur.fetchall()).to.deep.equal([[5]])
    })
  })
})

/** Registers what holds where the engine tells the declared types. */
function declared(db: Compliance): void {
  let conn: dbapi.Connection

  beforeEach(async () => {
    conn = await db.open(':memory:', { detectTypes: dbapi.PARSE_DECLTYPES })
  })

  for (const type of ['shown', 'SHOWN', 'Shown not null', 'shown(10)', 'shown (10, 2)', 'shown unsigned']) {
    it(`of a column declared ${type}`, async () => {
      await conn.execute(`create table t (a ${type}, b integer)`)
      await conn.execute('insert into t values (5, 6)')
      expect(await rows(conn, 'select a, b from t')).to.deep.equal([['<5>', 6]])
      expect(await rows(conn, 'select a as other from t')).to.deep.equal([['<5>']])
    })
  }

  it('(row of differences) gets the value as it came, not bytes', async () => {
    await conn.execute('create table t (a shown)')
    const seen: unknown[] = []
    dbapi.registerConverter('seen', (value) => seen.push(value))
    await conn.execute('create table u (a seen)')
    const values = [5, 1.5, 'text', Buffer.from('blob'), 2n ** 60n]
    await conn.executemany(
      'insert into u values (?)',
      values.map((value) => [value]),
    )
    expect(await rows(conn, 'select a from u')).to.deep.equal([[1], [2], [3], [4], [5]])
    expect(seen).to.deep.equal(values)
  })

  it('none for NULL', async () => {
    await conn.execute('create table t (a shown)')
    await conn.execute('insert into t values (null)')
    expect(await rows(conn, 'select a from t')).to.deep.equal([[null]])
  })

  it('none for an expression, nor for a type that nobody registered', async () => {
    await conn.execute('create table t (a shown, b unshown)')
    await conn.execute('insert into t values (5, 6)')
    expect(await rows(conn, 'select a + 0, b from t')).to.deep.equal([[5, 6]])
  })

  it('zero-size blob passes through converter', async () => {
    await conn.execute('create table t (a shown)')
    await conn.execute("insert into t values (x'')")
    expect(await rows(conn, 'select a from t')).to.deep.equal([['<blob 0>']])
  })

  it('column alias is then no type', async () => {
    const cur = await conn.execute('select 5 as "x [shown]"')
    expect(cur.description![0]![0]).to.equal('x [shown]')
    expect(await cur.fetchall()).to.deep.equal([[5]])
  })

  it('both together: the alias goes first', async () => {
    const both = await db.open(':memory:', { detectTypes: dbapi.PARSE_DECLTYPES | dbapi.PARSE_COLNAMES })
    dbapi.registerConverter('other', (value) => `other ${value}`)
    await both.execute('create table t (a shown)')
    await both.execute('insert into t values (5)')
    expect(await rows(both, 'select a, a as "a [other]" from t')).to.deep.equal([['<5>', 'other 5']])
  })
}

import { expect } from 'chai'
import { type BaseParameter, type Connection, connect, ProgrammingError, registerAdapter } from 'forklite'
import { errorOf, itEachDriver } from '../support/drivers.ts'
import { runScript } from '../support/run-script.ts'

class Point {
  readonly x: number
  readonly y: number
  constructor(x: number, y: number) {
    this.x = x
    this.y = y
  }
}

describe('registerAdapter', () => {
  let conn: Connection
  before(async () => {
    conn = await connect(':memory:')
    await conn.execute('create table t (a)')
  })
  after(() => conn.close())
  afterEach(() => conn.rollback())

  async function stored(value: unknown): Promise<unknown> {
    return (await conn.execute('select ?', [value as never]).fetchone())?.[0]
  }

  it('makes parameters of the values of a class, by place, by name and in executemany', async () => {
    registerAdapter(Point, ({ x, y }) => `${x};${y}`)
    expect(await stored(new Point(1, 2))).to.equal('1;2')
    const named = conn.execute('select :p, :n', { p: new Point(3, 4) as never, n: 5 })
    expect(await named.fetchall()).to.deep.equal([['3;4', 5]])
    const points = [new Point(5, 6), new Point(7, 8)] as never[]
    await conn.executemany(
      'insert into t values (?)',
      points.map((point) => [point]),
    )
    expect(await conn.execute('select a from t').fetchall()).to.deep.equal([['5;6'], ['7;8']])
  })

  it('may make every kind of parameter, which is checked as any other', async () => {
    class Maker {
      readonly made: BaseParameter
      constructor(made: BaseParameter) {
        this.made = made
      }
    }
    registerAdapter(Maker, ({ made }) => made)
    for (const [made, read] of [
      [null, null],
      [1.5, 1.5],
      [2n ** 62n, 2n ** 62n],
      ['text', 'text'],
      [true, 1],
      [Uint8Array.of(1), Buffer.from([1])],
      [new Date(0), '1970-01-01T00:00:00.000Z'],
    ] as const) {
      expect(await stored(new Maker(made))).to.deep.equal(read)
    }
    for (const made of [Number.NaN, 2n ** 64n, '\ud800', new Date(Number.NaN)]) {
      const error = await errorOf(stored(new Maker(made)))
      expect(error.name).to.equal('DataError')
      expect(error.message).to.match(/^parameter 1 is/)
    }
    for (const made of [undefined, {}, [1], new Maker(1), () => 1, Symbol('x'), Promise.resolve(1)]) {
      const error = await errorOf(stored(new Maker(made as never)))
      expect(error, String(made)).to.be.instanceOf(ProgrammingError)
      expect(error.code).to.equal('BAD_PARAMETERS')
      expect(error.message).to.match(/^the adapter of Maker made .* of parameter 1; it must return null, a/)
    }
  })

  it('adapts the classes that extend it, the nearest first, and may be replaced', async () => {
    class Shape {}
    class Circle extends Shape {}
    class Disc extends Circle {}
    registerAdapter(Shape, () => 'shape')
    expect(await stored(new Disc())).to.equal('shape')
    registerAdapter(Circle, () => 'circle')
    expect(await stored(new Disc())).to.equal('circle')
    expect(await stored(new Shape())).to.equal('shape')
    registerAdapter(Circle, () => 'another circle')
    expect(await stored(new Disc())).to.equal('another circle')
  })

  it("passes on what an adapter throws as the cause, with the parameter's place", async () => {
    class Broken {}
    const cause = new RangeError('no form')
    registerAdapter(Broken, () => {
      throw cause
    })
    const error = await errorOf(conn.execute('select ?, :p', [1, new Broken() as never]))
    expect(error.message).to.match(/named parameters/)
    const named = await errorOf(conn.execute('select :n, :p', { n: 1, p: new Broken() as never }))
    expect(named).to.be.instanceOf(ProgrammingError)
    expect(named.message).to.equal('the adapter of Broken failed for parameter 2 (:p): no form')
    expect(named.cause).to.equal(cause)
    expect(named.sql).to.equal('select :n, :p')
    const row = await errorOf(conn.executemany('insert into t values (?)', [[1], [new Broken() as never]]))
    expect(row.message).to.match(/^row 1: the adapter of Broken failed for parameter 1: no form/)
  })

  // In a process of its own: what is registered stays, and the other specs have Dates too.
  it('may adapt Date otherwise, and a class of Dates', async () => {
    const { stderr, stdout } = await runScript(`
      import { connect, registerAdapter } from 'forklite'
      const conn = await connect(':memory:')
      const stored = async (value) => (await conn.execute('select ?', [value]).fetchone())[0]
      class Day extends Date {}
      registerAdapter(Day, (day) => day.getTime() * 2)
      console.log(await stored(new Day(5)), await stored(new Date(5)))
      registerAdapter(Date, (date) => date.getTime())
      console.log(await stored(new Day(5)), await stored(new Date(5)))
      await conn.close()`)
    expect(stderr).to.equal('')
    expect(stdout).to.equal('10 1970-01-01T00:00:00.005Z\n10 5\n')
  })

  it('leaves values alone whose class has none', async () => {
    const error = await errorOf(stored(new (class Unknown {})()))
    expect(error.message).to.match(/^parameter 1 is an object \(Unknown\)/)
    expect((await errorOf(stored(Object.create(null)))).message).to.match(/null prototype/)
    expect((await errorOf(stored({}))).message).to.match(/an object \(Object\)/)
  })

  it('refuses what is stored as it is, and what is no class or no function', () => {
    class Bytes extends Uint8Array {}
    for (const cls of [Number, String, Boolean, BigInt, Symbol, Uint8Array, Buffer, Bytes]) {
      expect(() => registerAdapter(cls as never, () => 1), cls.name)
        .to.throw(ProgrammingError, /is stored as it is/)
        .with.property('code', 'BAD_ADAPTER')
    }
    for (const wrong of [undefined, null, 'Point', {}, () => 1]) {
      expect(() => registerAdapter(wrong as never, () => 1)).to.throw(ProgrammingError, /takes a class/)
    }
    expect(() => registerAdapter(Point, 'text' as never)).to.throw(ProgrammingError, /must be a function/)
  })

  itEachDriver('stores what the adapter makes as any other value', async (driver) => {
    class Big {}
    registerAdapter(Big, () => 2n ** 60n + 1n)
    const other = await connect(':memory:', { driver })
    expect(await other.execute('select typeof(?1), ?1', [new Big() as never]).fetchone()).to.deep.equal([
      'integer',
      2n ** 60n + 1n,
    ])
    await other.close()
  })
})

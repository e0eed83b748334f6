import { expect } from 'chai'
import {
  type Connection,
  type Cursor,
  connect,
  createPool,
  ProgrammingError,
  Row,
  type RowFactory,
  type Value,
} from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

const COUNT = 'with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) select x from c'
// So many rows of this are several chunks of 64 KiB.
const WIDE = COUNT.replace('select x from', "select x, printf('%50d', x) as text from")
const MANY = 6000

/** Rows of a cursor by each way to fetch them, up to the first error, which is passed on. */
const WAYS: Record<string, (cursor: Cursor<unknown>) => Promise<unknown[]>> = {
  fetchone: async (cursor) => {
    const rows: unknown[] = []
    for (let row = await cursor.fetchone(); row !== null; row = await cursor.fetchone()) rows.push(row)
    return rows
  },
  fetchmany: async (cursor) => {
    const rows: unknown[] = []
    for (let some = await cursor.fetchmany(700); some.length > 0; some = await cursor.fetchmany(700)) {
      rows.push(...some)
    }
    return rows
  },
  fetchall: (cursor) => cursor.fetchall(),
  'for await': async (cursor) => {
    const rows: unknown[] = []
    for await (const row of cursor) rows.push(row)
    return rows
  },
}

describeEachDriver('rowFactory', ({ driver, file }) => {
  let conn: Connection<unknown>
  const options = { driver, readers: 1 } as const

  beforeEach(async () => {
    conn = await connect(file(), options)
  })
  afterEach(() => conn.close())

  for (const [way, fetch] of Object.entries(WAYS)) {
    it(`makes every row of a result of many chunks, in order, by ${way}`, async () => {
      const cur = conn.cursor()
      const kinds: [RowFactory, (row: never) => unknown][] = [
        [null, ([x]: [number]) => x],
        [Row, (row: Row) => (row instanceof Row ? row.x : row)],
        ['object', ({ x }: { x: number }) => x],
        [(_, [x]) => `row ${x}`, (row: string) => Number(row.slice(4))],
      ]
      for (const [factory, xOf] of kinds) {
        cur.rowFactory = factory
        await cur.execute(WIDE, [MANY])
        const values = (await fetch(cur)).map((row) => xOf(row as never))
        expect(values.length).to.equal(MANY)
        expect(values.every((value, i) => value === i + 1)).to.equal(true)
        expect(cur.rownumber).to.equal(MANY)
      }
    })
  }

  it('is what a new cursor takes over from its connection, and may be another for each', async () => {
    const before = conn.cursor()
    conn.rowFactory = 'object'
    const after = conn.cursor()
    expect([before.rowFactory, after.rowFactory, conn.rowFactory]).to.deep.equal([null, 'object', 'object'])
    for (const cur of [before, after]) await cur.execute('select 1 as a')
    expect(await before.fetchone()).to.deep.equal([1])
    expect(await after.fetchone()).to.deep.equal({ a: 1 })
    expect(await conn.execute('select 2 as b').fetchall()).to.deep.equal([{ b: 2 }])
  })

  it("is the connection's as it was when its execute() was called", async () => {
    const early = conn.execute('select 1 as a')
    conn.rowFactory = 'object'
    expect(await early.fetchall()).to.deep.equal([[1]])
    expect((await early).rowFactory).to.equal(null)
    const late = conn.execute('select 1 as a')
    conn.rowFactory = null
    expect(await (await late).fetchall()).to.deep.equal([{ a: 1 }])
  })

  it('is asked for when a row is fetched, in the middle of a result too', async () => {
    const cur = conn.cursor()
    await cur.execute(COUNT, [4])
    expect(await cur.fetchone()).to.deep.equal([1])
    cur.rowFactory = 'object'
    expect(await cur.fetchone()).to.deep.equal({ x: 2 })
    cur.rowFactory = (_, [x]) => x
    expect(await cur.fetchmany(1)).to.deep.equal([3])
    cur.rowFactory = null
    expect(await cur.fetchall()).to.deep.equal([[4]])
  })

  it('is an option of connect(), createPool() and pool.connect(), which may take it back', async () => {
    const other = await connect(file(), { ...options, rowFactory: Row })
    expect((await other.execute('select 5 as five').fetchone())?.five).to.equal(5)
    await other.close()
    const pool = await createPool(file(), { ...options, rowFactory: 'object' })
    expect(await pool.execute('select 1 as a').fetchall()).to.deep.equal([{ a: 1 }])
    expect(await (await pool.execute('select 1 as a')).fetchone()).to.deep.equal({ a: 1 })
    for await (const row of pool.execute('select 1 as a')) expect(row).to.deep.equal({ a: 1 })
    expect(await (await pool.connect()).execute('select 1 as a').fetchone()).to.deep.equal({ a: 1 })
    const arrays = await pool.connect({ rowFactory: null })
    expect(await arrays.execute('select 1 as a').fetchone()).to.deep.equal([1])
    const own = await pool.connect({ rowFactory: (_, row) => row.length })
    expect(await own.execute('select 1, 2, 3').fetchmany(5)).to.deep.equal([3])
    await pool.close()
  })

  it('may be changed by nothing that is no row factory', async () => {
    const cur = conn.cursor()
    class City {}
    for (const wrong of [undefined, 'array', 'Row', 42, {}, City, true]) {
      for (const target of [conn, cur]) {
        expect(() => {
          target.rowFactory = wrong as never
        }, String(wrong))
          .to.throw(ProgrammingError, /null, Row, 'object' or a function/)
          .with.property('code', 'BAD_OPTION')
        expect(target.rowFactory).to.equal(null)
      }
      if (wrong === undefined) continue
      const error = await errorOf(connect(file(), { ...options, rowFactory: wrong as never }))
      expect(error).to.be.instanceOf(ProgrammingError)
      expect(error.message).to.match(/^rowFactory must be/)
    }
  })

  it('is called with the cursor and a row of its own', async () => {
    const cur = conn.cursor()
    const seen: unknown[] = []
    cur.rowFactory = (cursor, row) => {
      seen.push(
        cursor,
        cursor.description?.map(([name]) => name),
      )
      return row.reverse()
    }
    await cur.execute('select 1 as a, 2 as b')
    expect(await cur.fetchall()).to.deep.equal([[2, 1]])
    expect(seen).to.deep.equal([cur, ['a', 'b']])
    conn.rowFactory = (cursor) => cursor
    const execution = conn.execute('select 1')
    const own = await execution.fetchone()
    expect(own).to.equal(await execution)
  })

  it('may make null and undefined of rows, and a loop goes on', async () => {
    conn.rowFactory = (_, [x]) => (x === 2 ? undefined : null)
    const rows: unknown[] = []
    for await (const row of conn.execute(COUNT, [3])) rows.push(row)
    expect(rows).to.deep.equal([null, undefined, null])
    expect(await conn.execute(COUNT, [3]).fetchall()).to.deep.equal(rows)
  })

  it('is not asked where there are no rows, and changes no error', async () => {
    conn.rowFactory = () => {
      throw new Error('called')
    }
    expect(await conn.execute('select 1 where 0').fetchall()).to.deep.equal([])
    expect(await conn.execute('select 1 where 0').fetchone()).to.equal(null)
    await conn.execute('create table t (a)')
    expect((await errorOf(conn.execute('drop table t').fetchall())).code).to.equal('NO_RESULT')
    expect((await errorOf(conn.execute('select * from nowhere').fetchall())).name).to.equal(
      'OperationalError',
    )
  })

  describe('that throws', () => {
    const refusal = new RangeError('no such row')
    const refusing = (...refused: Value[]) => {
      const calls: Value[] = []
      const factory = (_: unknown, [x]: Value[]) => {
        calls.push(x as Value)
        if (refused.includes(x as Value)) throw refusal
        return x
      }
      return { calls, factory }
    }
    const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1)

    for (const [way, fetch] of Object.entries(WAYS)) {
      it(`fails ${way} with its own error, and loses no other row`, async () => {
        const cur = conn.cursor()
        const { factory } = refusing(2, 5900)
        const rows: unknown[] = []
        cur.rowFactory = (cursor, row) => {
          const made = factory(cursor, row)
          return made
        }
        await cur.execute(WIDE, [MANY])
        const errors: unknown[] = []
        for (let ended = false; !ended; ) {
          try {
            if (way === 'for await') for await (const row of cur) rows.push(row)
            else if (way === 'fetchall') rows.push(...(await fetch(cur)))
            else {
              for (;;) {
                const some = way === 'fetchone' ? [await cur.fetchone()] : await cur.fetchmany(700)
                if (some.length === 0 || some[0] === null) break
                rows.push(...some)
              }
            }
            ended = true
          } catch (error) {
            errors.push(error)
          }
        }
        expect(errors).to.deep.equal([refusal, refusal])
        expect(errors[0]).to.equal(refusal)
        expect(rows.length).to.equal(MANY - 2)
        expect(rows).to.deep.equal(upTo(MANY).filter((x) => x !== 2 && x !== 5900))
        expect(cur.rownumber).to.equal(MANY)
      })
    }

    it('may be replaced before the other rows are fetched', async () => {
      const cur = conn.cursor()
      cur.rowFactory = refusing(3).factory
      await cur.execute(COUNT, [5])
      expect(await errorOf(cur.fetchmany(4))).to.equal(refusal)
      expect(cur.rownumber).to.equal(1)
      cur.rowFactory = 'object'
      expect(await cur.fetchall()).to.deep.equal([{ x: 1 }, { x: 2 }, { x: 4 }, { x: 5 }])
    })

    it('fails the call that was refused, and not those beside it', async () => {
      const cur = conn.cursor()
      cur.rowFactory = refusing(2).factory
      await cur.execute(WIDE, [MANY])
      const [first, second] = await Promise.allSettled([cur.fetchmany(3), cur.fetchmany(MANY)])
      expect(first).to.deep.equal({ status: 'rejected', reason: refusal })
      const rest = [...(second as PromiseFulfilledResult<number[]>).value, ...(await cur.fetchall())]
      // Those given back come late to a call that was already under way.
      expect((rest as number[]).sort((a, b) => a - b)).to.deep.equal(upTo(MANY).filter((x) => x !== 2))
    })

    it('gives nothing back to a cursor that went on to something else', async () => {
      const cur = conn.cursor()
      cur.rowFactory = refusing(MANY - 1).factory
      await cur.execute(WIDE, [MANY])
      const failed = errorOf(cur.fetchall())
      await cur.execute('select 7')
      expect((await failed).name).to.match(/^(RangeError|ProgrammingError)$/)
      expect(await cur.fetchall()).to.deep.equal([7])
    })
  })

  it("'object' gives plain objects: every name once, as own properties", async () => {
    conn.rowFactory = 'object'
    const row = await conn
      .execute('select 1 as b, 2 as a, 3 as b, 4 as __proto__, 5 as constructor, 6 as "10", 7 as "2"')
      .fetchone()
    expect(Object.getPrototypeOf(row)).to.equal(Object.prototype)
    expect(Object.entries(row as object)).to.deep.equal([
      ['2', 7],
      ['10', 6],
      ['b', 1],
      ['a', 2],
      ['__proto__', 4],
      ['constructor', 5],
    ])
  })

  it('goes by the columns there are, after an ALTER too', async () => {
    conn.rowFactory = 'object'
    await conn.execute('create table t (a)')
    await conn.execute('insert into t values (1)')
    await conn.commit()
    expect(await conn.execute('select * from t').fetchall()).to.deep.equal([{ a: 1 }])
    await conn.execute('alter table t add column b default 5')
    expect(await conn.execute('select * from t').fetchall()).to.deep.equal([{ a: 1, b: 5 }])
    conn.rowFactory = Row
    await conn.execute('alter table t rename column a to z')
    const row = (await conn.execute('select * from t').fetchone()) as Row
    expect(row.toObject()).to.deep.equal({ z: 1, b: 5 })
  })

  it('makes the rows of RETURNING', async () => {
    conn.rowFactory = Row
    await conn.execute('create table t (a integer primary key, b)')
    const row = await conn.execute('insert into t (b) values (?) returning *', ['x']).fetchone()
    expect((row as Row).toObject()).to.deep.equal({ a: 1, b: 'x' })
  })
})

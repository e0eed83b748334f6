import { deepStrictEqual, notDeepStrictEqual } from 'node:assert'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { type Connection, connect, ProgrammingError, Row, type Value } from 'forklite'

describe('Row', () => {
  let conn: Connection<Row>

  before(async () => {
    conn = await connect(':memory:', { rowFactory: Row })
  })
  after(() => conn.close())

  async function rowOf(sql: string): Promise<Row> {
    const row = await conn.execute(sql).fetchone()
    return row as Row
  }

  function thrown(call: () => unknown): Error & { code?: string } {
    try {
      call()
    } catch (error) {
      return error as Error
    }
    throw new Error('nothing was thrown')
  }

  it('has its values by place, by place from the end, by name, and by a name in other letters', async () => {
    const row = await rowOf(`select 1 as id, 'Ede' as "Full Name", x'0102' as data, null as none`)
    expect(row).to.be.instanceOf(Row)
    expect(row[0]).to.equal(1)
    expect(row.id).to.equal(1)
    expect(row['Full Name']).to.equal('Ede')
    expect(row.data).to.deep.equal(Buffer.from([1, 2]))
    expect(row.get(1)).to.equal('Ede')
    expect(row.get(-1)).to.equal(null)
    expect(row.get(-4)).to.equal(1)
    expect(row.get('full NAME')).to.equal('Ede')
    expect(row.get('none')).to.equal(null)
    expect(row[4]).to.equal(undefined)
    expect(row.nothing).to.equal(undefined)
  })

  it('lists the columns when get() is asked for one that is not there', async () => {
    const row = await rowOf('select 1 as a, 2 as "b c"')
    for (const column of ['d', 'A B', '', 2, -3, 0.5, Number.NaN, null, undefined]) {
      const error = thrown(() => row.get(column as string))
      expect(error, String(column)).to.be.instanceOf(ProgrammingError)
      expect(error.code).to.equal('NO_COLUMN')
      expect(error.message).to.match(/its columns are a, b c$/)
    }
  })

  it('folds the case of ASCII letters only, as SQLite does, and prefers the name as it is written', async () => {
    const row = await rowOf('select 1 as ä, 2 as b, 3 as B, 4 as K')
    expect(thrown(() => row.get('Ä')).message).to.include('no column "Ä"')
    expect([row.get('b'), row.get('B'), row.b, row.B]).to.deep.equal([2, 3, 2, 3])
    expect(row.get('k')).to.equal(4)
    // The Kelvin sign, whose lower case is an ASCII k.
    expect(thrown(() => row.get('\u212a')).name).to.equal('ProgrammingError')
  })

  it('takes the first of several columns with one name', async () => {
    const row = await rowOf('select 1 as a, 2 as a, 3 as b')
    expect([row.a, row.get('a'), row.get('A')]).to.deep.equal([1, 1, 1])
    expect(row.keys()).to.deep.equal(['a', 'a', 'b'])
    expect(row.toObject()).to.deep.equal({ a: 1, b: 3 })
    expect([...row]).to.deep.equal([1, 2, 3])
  })

  it('is iterated over, sliced and copied in column order', async () => {
    const row = await rowOf('select 2 as b, 1 as a, 3 as c')
    const [b, , c] = row
    expect([b, c]).to.deep.equal([2, 3])
    expect(row.length).to.equal(3)
    expect(row.slice()).to.deep.equal([2, 1, 3])
    expect(row.slice(1)).to.deep.equal([1, 3])
    expect(row.slice(-2, -1)).to.deep.equal([1])
    expect(row.toArray()).to.deep.equal([2, 1, 3])
    row.toArray()[0] = 9
    row.keys()[0] = 'z'
    expect([row[0], row.keys()]).to.deep.equal([2, ['b', 'a', 'c']])
    expect(JSON.stringify([row])).to.equal('[{"b":2,"a":1,"c":3}]')
    expect(inspect(row)).to.equal('Row { b: 2, a: 1, c: 3 }')
    expect(inspect([[[row]]])).to.include('[Row]')
  })

  const inherited = ['get', 'keys', 'length', 'equals', 'constructor', 'toString', 'hasOwnProperty', 'toJSON']
  it('lets methods win over columns that are called like them, and get() finds the columns', async () => {
    const plain = await rowOf('select 0 as a')
    const list = [...inherited, '__proto__', 'valueOf'].map((name, i) => `${i + 10} as "${name}"`)
    const row = await rowOf(`select ${list.join(', ')}`)
    for (const [i, name] of inherited.entries()) {
      expect(row.get(name), name).to.equal(i + 10)
      if (name !== 'length' && name !== 'constructor') {
        expect((row as never)[name], name).to.equal((plain as never)[name])
      }
    }
    expect(row.length).to.equal(10)
    expect(row.get('__proto__')).to.equal(18)
    expect(Object.getPrototypeOf(row)).to.be.instanceOf(Row)
    expect(row).to.be.instanceOf(Row)
    expect(`${row}`).to.equal('[object Object]')
    expect(inspect(row)).to.match(/^Row \{/)
    const object = row.toObject()
    expect(Object.keys(object)).to.deep.equal([...inherited, '__proto__', 'valueOf'])
    expect(Object.getPrototypeOf(object)).to.equal(Object.prototype)
  })

  it('takes numbers for places, and strings of digits in get() for names', async () => {
    const row = await rowOf('select 5 as "1", 6 as "0", 7 as "9"')
    expect([row[0], row[1], row[2], row[9]]).to.deep.equal([5, 6, 7, undefined])
    expect([row.get(0), row.get('0'), row.get('1'), row.get('9')]).to.deep.equal([5, 6, 5, 7])
  })

  it('cannot be changed', async () => {
    const row = (await rowOf('select 1 as a')) as unknown as { [key: string]: Value }
    expect(thrown(() => Object.assign(row, { a: 2 }))).to.be.instanceOf(TypeError)
    expect(thrown(() => Object.assign(row, [2]))).to.be.instanceOf(TypeError)
    expect(row.a).to.equal(1)
  })

  it('equals a Row of the same names and values, Buffers by their bytes', async () => {
    const sql = "select 1 as a, x'00ff' as b, null as c, 9007199254740993 as d"
    const [one, other] = [await rowOf(sql), await rowOf(`${sql} /* again */`)]
    expect(one.equals(other)).to.equal(true)
    expect(one.equals(one)).to.equal(true)
    for (const sql of [
      "select 1 as a, x'00fe' as b, null as c, 9007199254740993 as d",
      "select 1 as a, x'00ff' as b, null as c, 9007199254740992 as d",
      "select 1 as a, x'00ff' as b, null as c, 9007199254740993 as e",
      "select 1 as a, x'00ff' as b, null as c",
      "select 1 as A, x'00ff' as b, null as c, 9007199254740993 as d",
    ]) {
      expect(one.equals(await rowOf(sql)), sql).to.equal(false)
    }
    expect(one.equals(one.toArray())).to.equal(false)
    expect(one.equals(null)).to.equal(false)
  })

  it('is told apart by those who compare own properties, and is the same to them where it is equal', async () => {
    const [one, same, other] = await Promise.all(
      ["select 1 as a, 'x' as b", "select 1 as a, 'x' as b -- c", "select 2 as a, 'x' as b"].map(rowOf),
    )
    expect(one).to.deep.equal(same)
    expect(one).to.not.deep.equal(other)
    deepStrictEqual(one, same)
    notDeepStrictEqual(one, other)
  })

  it('is made by new Row(cursor, values) too, for a row factory', async () => {
    const cur = conn.cursor()
    cur.rowFactory = (cursor, [a, b]) => new Row(cursor, [b as Value, a as Value])
    const row = (await cur.execute('select 1 as a, 2 as b').fetchone()) as Row
    expect(row.toObject()).to.deep.equal({ a: 2, b: 1 })
    expect(row).to.be.instanceOf(Row)
    for (const make of [
      () => new Row(cur, [1]),
      () => new Row(cur, 5 as never),
      () => new Row(conn.cursor(), []),
      () => new Row(null as never, []),
      () => new (class City extends Row {})(cur, [1, 2]),
    ]) {
      expect(thrown(make).name).to.equal('ProgrammingError')
    }
  })
})

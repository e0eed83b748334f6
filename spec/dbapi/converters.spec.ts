import { expect } from 'chai'
import {
  type Connection,
  connect,
  createPool,
  DataError,
  NotSupportedError,
  PARSE_COLNAMES,
  PARSE_DECLTYPES,
  ProgrammingError,
  Row,
  registerConverter,
} from 'forklite'
import { columnsOf } from '../../lib/dbapi/columns.ts'
import { rowConverter } from '../../lib/dbapi/converters.ts'
import { describeEachDriver, errorOf, itWithDriver } from '../support/drivers.ts'
import { childrenOf } from '../support/processes.ts'
import { tempDir } from '../support/temp-dir.ts'

const BOTH = PARSE_DECLTYPES | PARSE_COLNAMES

registerConverter('spec_shout', (value) => `${value}!`)
registerConverter('SPEC_pair', (value) => [value, value])
registerConverter('spec_kind', (value) => (Buffer.isBuffer(value) ? `${value.length} bytes` : typeof value))
registerConverter('spec_broken', () => {
  throw new RangeError('no such thing')
})

describe('converters', () => {
  /** Of one column the converted value of 'v', and its name; null for a value that stays as it is. */
  function converted(name: string, declared: string | null, detectTypes: number): [unknown, string] {
    const columns = columnsOf([[name, declared]], detectTypes)
    const [value] = rowConverter(columns, detectTypes, '')?.(['v']) ?? [null]
    return [value, columns.names[0] as string]
  }

  for (const [declared, wanted] of [
    ['spec_shout', 'v!'],
    ['SPEC_Shout', 'v!'],
    ['spec_shout(10)', 'v!'],
    ['spec_shout (10, 5)', 'v!'],
    ['Spec_shout not null', 'v!'],
    ['spec_pair', ['v', 'v']],
    ['spec_shouting', null],
    [' spec_shout', null],
    ['big spec_shout', null],
    ['', null],
    [null, null],
  ] as const) {
    it(`finds ${JSON.stringify(wanted)} for the declared type ${JSON.stringify(declared)}`, () => {
      expect(converted('x', declared, PARSE_DECLTYPES)).to.deep.equal([wanted, 'x'])
      expect(converted('x', declared, PARSE_COLNAMES)).to.deep.equal([null, 'x'])
      expect(converted('x', declared, 0)).to.deep.equal([null, 'x'])
    })
  }

  // As CPython 3.11 does it.
  for (const [name, wanted, cut] of [
    ['x [spec_shout]', 'v!', 'x'],
    ['x[Spec_Shout]', 'v!', 'x'],
    ['x  [spec_shout]', 'v!', 'x '],
    ['x y [spec_shout] z', 'v!', 'x y'],
    ['[spec_shout]', 'v!', ''],
    ['x [spec_shout] [spec_pair]', 'v!', 'x'],
    ['x [a[spec_shout]', 'v!', 'x'],
    [']x [spec_shout]', 'v!', ']x'],
    ['x [unknown]', null, 'x'],
    ['x [spec_shout', null, 'x'],
    ['x spec_shout]', null, 'x spec_shout]'],
    ['x', null, 'x'],
  ] as const) {
    it(`finds ${JSON.stringify(wanted)} for the name ${JSON.stringify(name)}, cut to ${JSON.stringify(cut)}`, () => {
      expect(converted(name, null, PARSE_COLNAMES)).to.deep.equal([wanted, cut])
      expect(converted(name, null, BOTH)).to.deep.equal([wanted, cut])
      expect(converted(name, null, PARSE_DECLTYPES)).to.deep.equal([null, name])
    })
  }

  it('go by the name before the declared type, if that has a converter', () => {
    expect(converted('x [spec_pair]', 'spec_shout', BOTH)).to.deep.equal([['v', 'v'], 'x'])
    expect(converted('x [unknown]', 'spec_shout', BOTH)).to.deep.equal(['v!', 'x'])
    expect(converted('x [spec_pair]', 'spec_shout', PARSE_DECLTYPES)).to.deep.equal(['v!', 'x [spec_pair]'])
  })

  it('leave the row that they convert as it is', () => {
    const row = ['v']
    rowConverter(columnsOf([['x', 'spec_shout']], 1), 1, '')?.(row)
    expect(row).to.deep.equal(['v'])
  })

  it('are a name and a function', () => {
    for (const [name, converter] of [
      ['', String],
      [5, String],
      ['spec_x', 'text'],
      ['spec_x', undefined],
    ]) {
      expect(() => registerConverter(name as string, converter as never)).to.throw(ProgrammingError)
    }
  })
})

describeEachDriver('detectTypes', ({ driver, file }) => {
  let conn: Connection
  const options = { driver, readers: 1 } as const
  const declared = driver !== 'sqlite3'

  beforeEach(async () => {
    conn = await connect(file(), { ...options, detectTypes: declared ? BOTH : PARSE_COLNAMES })
    await conn.execute(
      'create table t (id integer primary key, a spec_shout(10), b spec_kind, c SPEC_BROKEN)',
    )
  })
  afterEach(() => conn.close())

  it('converts by a type in the name, with every way of fetching', async () => {
    const sql = 'select ? as "x [spec_shout]", 2 as y'
    const wanted = ['hi!', 2]
    const cur = await conn.execute(sql, ['hi'])
    expect(cur.description?.map(([name]) => name)).to.deep.equal(['x', 'y'])
    expect(await cur.fetchone()).to.deep.equal(wanted)
    expect(await conn.execute(sql, ['hi']).fetchmany(2)).to.deep.equal([wanted])
    expect(await conn.execute(sql, ['hi']).fetchall()).to.deep.equal([wanted])
    for await (const row of conn.execute(sql, ['hi'])) expect(row).to.deep.equal(wanted)
    conn.cursor().rowFactory = null
    const ofRows = conn.cursor<Row>()
    ofRows.rowFactory = Row
    await ofRows.execute(sql, ['hi'])
    const row = (await ofRows.fetchone()) as Row
    expect([row.x, row.keys(), row.toObject()]).to.deep.equal(['hi!', ['x', 'y'], { x: 'hi!', y: 2 }])
  })

  it('converts what came, and not bytes; never NULL, but an empty BLOB', async () => {
    const sql = 'select ? as "x [spec_kind]"'
    const kindOf = async (value: null | number | bigint | string | Buffer) =>
      (await conn.execute(sql, [value]).fetchone())?.[0]
    expect(await kindOf(5)).to.equal('number')
    expect(await kindOf(2n ** 60n)).to.equal('bigint')
    expect(await kindOf('')).to.equal('string')
    expect(await kindOf(Buffer.alloc(0))).to.equal('0 bytes')
    expect(await kindOf(Buffer.alloc(7))).to.equal('7 bytes')
    expect(await kindOf(null)).to.equal(null)
  })

  it('converts by the declared type where the package tells it', async function () {
    if (!declared) this.skip()
    await conn.execute('insert into t (a, b) values (?, ?)', ['hi', Buffer.alloc(3)])
    await conn.commit()
    expect(await conn.execute('select id, a, b, c, a || b from t').fetchall()).to.deep.equal([
      [1, 'hi!', '3 bytes', null, 'hi\0\0\0'],
    ])
    expect(await conn.execute('select a as "x [spec_pair]" from t').fetchall()).to.deep.equal([
      [['hi', 'hi']],
    ])
  })

  it('fails a fetch whose converter throws, names the column, and loses no other row', async () => {
    registerConverter('spec_odd', (value) => {
      if (value === 2) throw new RangeError('even')
      return value
    })
    const cur = await conn.execute('select 0 as a, column1 as "b [spec_odd]" from (values (1), (2), (3))')
    const error = await errorOf(cur.fetchall())
    expect(error).to.be.instanceOf(DataError)
    expect(error.code).to.equal('CONVERTER_FAILED')
    expect(error.message).to.equal('the converter of type spec_odd failed for column 2 (b): even')
    expect(error.cause).to.be.instanceOf(RangeError)
    expect(error.sql).to.match(/^select 0/)
    expect(await cur.fetchall()).to.deep.equal([
      [0, 1],
      [0, 3],
    ])
  })

  it('is 0 unless told otherwise, and then nothing is converted or cut', async () => {
    const pool = await createPool(file(), options)
    const cur = await pool.execute('select 1 as "x [spec_shout]"')
    expect(cur.description?.[0]?.[0]).to.equal('x [spec_shout]')
    expect(await cur.fetchall()).to.deep.equal([[1]])
    const other = await pool.connect({ detectTypes: PARSE_COLNAMES })
    expect(await other.execute('select 1 as "x [spec_shout]"').fetchall()).to.deep.equal([['1!']])
    await pool.close()
  })

  it('is 0, PARSE_DECLTYPES, PARSE_COLNAMES or both', async () => {
    expect([PARSE_DECLTYPES, PARSE_COLNAMES]).to.deep.equal([1, 2])
    for (const wrong of [4, -1, 0.5, '1', true, null]) {
      const error = await errorOf(connect(file(), { ...options, detectTypes: wrong as never }))
      expect(error).to.be.instanceOf(ProgrammingError)
      expect(error.message).to.match(/detectTypes must be 0, PARSE_DECLTYPES/)
    }
  })
})

describe('detectTypes by declared type', () => {
  const dir = tempDir()

  itWithDriver('sqlite3', 'is refused on connecting, and leaves no process behind', async () => {
    // Not the guardian, which there is one of for each process.
    const workers = () => childrenOf(process.pid).filter(({ command }) => command.includes('worker/main'))
    expect(workers()).to.deep.equal([])
    for (const detectTypes of [PARSE_DECLTYPES, BOTH]) {
      for (const open of [connect, createPool]) {
        const error = await errorOf(open(dir.file('a.db'), { driver: 'sqlite3', readers: 1, detectTypes }))
        expect(error).to.be.instanceOf(NotSupportedError)
        expect(error.message).to.match(/PARSE_COLNAMES/)
        expect(workers()).to.deep.equal([])
      }
    }
    const pool = await createPool(dir.file('a.db'), { driver: 'sqlite3', readers: 1 })
    const error = await errorOf(pool.connect({ detectTypes: PARSE_DECLTYPES }))
    expect(error).to.be.instanceOf(NotSupportedError)
    expect(await pool.execute('select 1').fetchall()).to.deep.equal([[1]])
    await pool.close()
  })
})

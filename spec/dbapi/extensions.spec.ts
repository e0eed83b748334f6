/** PEP 249's optional extensions, and the methods that every cursor must have though SQLite needs none of them. */
import { expect } from 'chai'
import * as forklite from 'forklite'
import { type Connection, type Cursor, connect } from 'forklite'
import { errorOf } from '../support/drivers.ts'

describe('optional extensions', () => {
  let conn: Connection
  let cur: Cursor
  beforeEach(async () => {
    conn = await connect(':memory:')
    cur = conn.cursor()
  })
  afterEach(() => conn.close())

  it('exceptions are attributes of connections', () => {
    const classes = {
      Warning: forklite.Warning,
      Error: forklite.Error,
      InterfaceError: forklite.InterfaceError,
      DatabaseError: forklite.DatabaseError,
      DataError: forklite.DataError,
      OperationalError: forklite.OperationalError,
      IntegrityError: forklite.IntegrityError,
      InternalError: forklite.InternalError,
      ProgrammingError: forklite.ProgrammingError,
      NotSupportedError: forklite.NotSupportedError,
    }
    for (const [name, cls] of Object.entries(classes)) {
      expect(conn[name as keyof typeof classes], name)
        .to.be.a('function')
        .and.to.equal(cls)
      expect(() => Object.assign(conn, { [name]: null }), name).to.throw(TypeError)
    }
  })

  it('rownumber is the index of the next row, null without a result set', async () => {
    expect(cur.rownumber).to.equal(null)
    await cur.execute('select * from (values (1), (2), (3), (4), (5), (6))')
    expect(cur.rownumber).to.equal(0)
    await cur.fetchone()
    expect(cur.rownumber).to.equal(1)
    await cur.fetchmany(2)
    expect(cur.rownumber).to.equal(3)
    for await (const [value] of cur) if (value === 5) break
    expect(cur.rownumber).to.equal(5)
    await cur.execute('select * from (values (1), (2))')
    expect(cur.rownumber).to.equal(0)
    await cur.fetchall()
    await cur.fetchall()
    await cur.fetchone()
    expect(cur.rownumber).to.equal(2)
    await cur.execute('create table t (a)')
    expect(cur.rownumber).to.equal(null)
    await cur.execute('select 1')
    await cur.executemany('insert into t values (?)', [[1]])
    expect(cur.rownumber).to.equal(null)
    await cur.close()
    expect(cur.rownumber).to.equal(null)
  })

  it('setinputsizes and setoutputsize are taken, and change nothing', async () => {
    expect(cur.setinputsizes([25])).to.equal(undefined)
    expect(cur.setoutputsize(1000)).to.equal(undefined)
    expect(cur.setoutputsize(2, 0)).to.equal(undefined)
    await cur.execute('select ?', ['x'.repeat(5000)])
    expect((await cur.fetchone())?.[0]).to.have.length(5000)
  })

  it('nextset and callproc are not supported, and say what to do instead', async () => {
    await cur.execute('select 1')
    const nextset = await errorOf(cur.nextset())
    expect(nextset).to.be.instanceOf(forklite.NotSupportedError)
    expect(nextset.message).to.match(/an execute\(\) of its own/)
    const callproc = await errorOf(cur.callproc('lower', ['FOO']))
    expect(callproc).to.be.instanceOf(forklite.NotSupportedError)
    expect(callproc.message).to.match(/no stored procedures, .*lower.*initializer/)
    expect(await cur.fetchall()).to.deep.equal([[1]])
  })
})

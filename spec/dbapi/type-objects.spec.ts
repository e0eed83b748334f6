import { inspect } from 'node:util'
import { expect } from 'chai'
import { BINARY, type Connection, connect, DATETIME, NUMBER, ROWID, STRING } from 'forklite'
import { typeObjectOf } from '../../lib/dbapi/type-objects.ts'
import { describeEachDriver } from '../support/drivers.ts'

describe('type objects', () => {
  it('are five, each with its name', () => {
    const all = [STRING, BINARY, NUMBER, DATETIME, ROWID]
    expect(new Set(all).size).to.equal(5)
    expect(all.map(({ name }) => name)).to.deep.equal(['STRING', 'BINARY', 'NUMBER', 'DATETIME', 'ROWID'])
    expect(inspect([STRING])).to.equal('[ STRING ]')
    expect(`${NUMBER} ${JSON.stringify(BINARY)}`).to.equal('NUMBER "BINARY"')
    expect(() => Object.assign(STRING, { name: 'NUMBER' })).to.throw(TypeError)
  })

  for (const [type, declared] of [
    [STRING, ['TEXT', 'varchar(20)', 'CHARACTER(20)', 'nchar', 'CLOB', 'json', 'native character(70)']],
    [BINARY, ['BLOB', 'longblob', 'blob(20)']],
    [NUMBER, ['INTEGER', 'int', 'BIGINT', 'unsigned big int', 'INT2', 'REAL', 'double precision', 'FLOAT']],
    [NUMBER, ['NUMERIC', 'decimal(10, 5)', 'BOOLEAN', 'money', 'ANY', '']],
    // SQLite's rule for INT goes before its others, and ours for dates before all.
    [NUMBER, ['CHARINT', 'POINT', 'floating point']],
    [DATETIME, ['DATE', 'time', 'DATETIME', 'timestamp', 'TIMESTAMP WITH TIME ZONE', 'smalldatetime']],
    [null, [null]],
  ] as const) {
    it(`${type} is what ${declared.join(', ')} is`, () => {
      for (const each of declared) expect(typeObjectOf(each), String(each)).to.equal(type)
    })
  }
})

describeEachDriver('description and declaredTypes', ({ driver, file }) => {
  let conn: Connection
  beforeEach(async () => {
    conn = await connect(file(), { driver, readers: 1 })
  })
  afterEach(() => conn.close())

  it('tell the type objects and the declared types, where the package does', async () => {
    await conn.execute('create table t (a varchar(9), b BLOB, c "Decimal (9)", d timestamp, e)')
    const cur = await conn.execute('select a, b, c, d, e, a || b as x from t')
    const known = driver !== 'sqlite3'
    expect(cur.description).to.deep.equal(
      [
        ['a', known ? STRING : null],
        ['b', known ? BINARY : null],
        ['c', known ? NUMBER : null],
        ['d', known ? DATETIME : null],
        ['e', null],
        ['x', null],
      ].map((column) => [...column, null, null, null, null, null]),
    )
    for (const [, type] of cur.description ?? []) {
      expect([STRING, BINARY, NUMBER, DATETIME, null]).to.include(type)
    }
    expect(cur.declaredTypes).to.deep.equal(
      known ? ['varchar(9)', 'BLOB', 'Decimal (9)', 'timestamp', null, null] : new Array(6).fill(null),
    )
  })

  it('are null without a result set, and cannot be changed', async () => {
    const cur = conn.cursor()
    expect([cur.description, cur.declaredTypes]).to.deep.equal([null, null])
    await cur.execute('select 1 as a')
    const { description, declaredTypes } = cur
    expect(() => Object.assign(description!, [null])).to.throw(TypeError)
    expect(() => Object.assign(description![0]!, ['b'])).to.throw(TypeError)
    expect(() => Object.assign(declaredTypes!, ['b'])).to.throw(TypeError)
    await cur.execute('create table t (a)')
    expect([cur.description, cur.declaredTypes]).to.deep.equal([null, null])
  })
})

/**
 * What a driver throws, before it is made one of PEP 249's errors; see contract.ts. Which codes and messages
 * there are is in spec/contract.
 */
import { expect } from 'chai'
import { codeName, refineCode } from '../../lib/drivers/codes.ts'
import { describeEachDriver, thrownBy } from './contract.ts'

describeEachDriver('a driver’s errors', ({ open, file }) => {
  for (const [when, sql, code] of [
    ['does not compile', 'selec 1', 'SQLITE_ERROR'],
    ['fails', 'insert into t values (1), (1)', 'SQLITE_CONSTRAINT_UNIQUE'],
    ['fails, with RETURNING', 'insert into t values (1), (1) returning a', 'SQLITE_CONSTRAINT_UNIQUE'],
    ['fails in the middle of its rows', 'select abs(-9223372036854775807 - 1)', 'SQLITE_ERROR'],
  ] as const) {
    it(`of a statement that ${when} is a DriverError, with the package’s own as its cause`, async () => {
      const db = await open()
      await db.run('create table t (a unique)')
      const error = await thrownBy(() => db.run(sql))
      expect(error).to.include({ name: 'DriverError', code })
      expect(error.cause).to.be.instanceOf(Error)
    })
  }

  it('of a text without a statement is a DriverError', async () => {
    expect(await thrownBy(async () => (await open()).run(' -- nothing'))).to.include({
      name: 'DriverError',
      code: 'SQLITE_MISUSE',
    })
  })

  it('of exec is a DriverError', async () => {
    const db = await open()
    expect(await thrownBy(() => db.exec('select 1; nonsense'))).to.include({
      name: 'DriverError',
      code: 'SQLITE_ERROR',
    })
  })

  it('of opening is a DriverError', async () => {
    const error = await thrownBy(() => open(file('no/such/dir.db')))
    expect(error.name).to.equal('DriverError')
    expect(error.code).to.match(/^SQLITE_CANTOPEN/)
  })
})

describe('names of SQLite’s codes', () => {
  it('are those of the primary and the extended codes', () => {
    expect(codeName(1)).to.equal('SQLITE_ERROR')
    expect(codeName(517)).to.equal('SQLITE_BUSY_SNAPSHOT')
    expect(codeName(2067)).to.equal('SQLITE_CONSTRAINT_UNIQUE')
    expect(codeName(1555)).to.equal('SQLITE_CONSTRAINT_PRIMARYKEY')
    expect(codeName(8714)).to.equal('SQLITE_IOERR_IN_PAGE')
    expect(codeName(1544)).to.equal('SQLITE_READONLY_DIRECTORY')
    expect(codeName(516)).to.equal('SQLITE_ABORT_ROLLBACK')
  })

  it('fall back to the primary code, and to SQLITE_ERROR', () => {
    expect(codeName(19 | (99 << 8))).to.equal('SQLITE_CONSTRAINT')
    expect(codeName(77)).to.equal('SQLITE_ERROR')
  })

  it('are refined from a message only under their primary code', () => {
    expect(refineCode('SQLITE_CONSTRAINT', 'CHECK constraint failed: x')).to.equal('SQLITE_CONSTRAINT_CHECK')
    expect(refineCode('SQLITE_CONSTRAINT', 'my RAISE text')).to.equal('SQLITE_CONSTRAINT')
    expect(refineCode('SQLITE_ERROR', 'CHECK constraint failed: x')).to.equal('SQLITE_ERROR')
  })
})

import { expect } from 'chai'
import {
  DatabaseError,
  DataError,
  Error as DbapiError,
  DriverError,
  fromWire,
  IntegrityError,
  InterfaceError,
  InternalError,
  NotSupportedError,
  OperationalError,
  PoolClosed,
  toWire,
  type WireError,
} from '../lib/errors.ts'

describe('errors', () => {
  for (const [code, cls] of [
    ['SQLITE_ERROR', OperationalError],
    ['SQLITE_BUSY', OperationalError],
    ['SQLITE_BUSY_SNAPSHOT', OperationalError],
    ['SQLITE_READONLY_DBMOVED', OperationalError],
    ['SQLITE_CANTOPEN_ISDIR', OperationalError],
    ['SQLITE_CONSTRAINT', IntegrityError],
    ['SQLITE_CONSTRAINT_UNIQUE', IntegrityError],
    ['SQLITE_MISMATCH', IntegrityError],
    ['SQLITE_TOOBIG', DataError],
    ['SQLITE_INTERNAL', InternalError],
    ['SQLITE_NOTFOUND', InternalError],
    ['SQLITE_MISUSE', InterfaceError],
    ['SQLITE_RANGE', InterfaceError],
    ['SQLITE_CORRUPT', DatabaseError],
    ['SQLITE_NOTADB', DatabaseError],
    ['SQLITE_OF_TOMORROW', DatabaseError],
  ] as const) {
    it(`makes a driver's ${code} a ${cls.className}`, () => {
      const error = fromWire(toWire(new DriverError(code, 'what SQLite said')), 'select 1', 'no')
      expect(error.constructor).to.equal(cls)
      expect(error.name).to.equal(cls.className)
      expect(error).to.include({ code, message: 'what SQLite said', sql: 'select 1', applied: 'no' })
    })
  }

  it("keeps class, code and message over the wire, and the child's stack as the cause", () => {
    for (const cls of [NotSupportedError, PoolClosed, DbapiError]) {
      const there = new cls('why', { code: 'CODE' })
      const here = fromWire(structuredClone(toWire(there)))
      expect(here.constructor).to.equal(cls)
      expect(here).to.include({ code: 'CODE', message: 'why' })
      expect(here).to.not.have.property('sql')
      expect(here).to.not.have.property('applied')
      expect((here.cause as Error).stack).to.equal(there.stack)
    }
  })

  it('carries whatever an initializer throws', () => {
    const typeError = fromWire(toWire(new TypeError('not a function')))
    expect(typeError).to.be.instanceOf(OperationalError)
    expect(typeError).to.include({ message: 'not a function', code: 'WORKER_ERROR' })
    const system = fromWire(toWire(Object.assign(new Error('gone'), { code: 'ENOENT' })))
    expect(system.code).to.equal('ENOENT')
    expect(fromWire(toWire('just text')).message).to.equal('just text')
    expect(fromWire(toWire(undefined)).message).to.equal('undefined')
    expect(fromWire(toWire(new RangeError())).message).to.equal('RangeError')
  })

  it('takes an unknown class for a DatabaseError', () => {
    const wire: WireError = ['ErrorOfTomorrow', 'CODE', 'why', '']
    expect(fromWire(wire).constructor).to.equal(DatabaseError)
  })
})

import { expect } from 'chai'
import { DataError, ProgrammingError } from 'forklite'
import { bindValues, boundBytes, type Parameters } from '../../lib/dbapi/values.ts'
import { Router } from '../../lib/pool/router.ts'

const router = new Router()
const bind = (sql: string, params?: unknown): unknown[] =>
  bindValues(router.statement(sql), params as Parameters)

describe('values', () => {
  it('puts parameters by place', () => {
    expect(bind('select ?, ?', [1, 'a'])).to.deep.equal([1, 'a'])
    expect(bind('select ?', new Set([1]))).to.deep.equal([1])
    expect(bind('select 1')).to.deep.equal([])
    expect(bind('select 1', [])).to.deep.equal([])
    expect(bind('select 1', {})).to.deep.equal([])
    expect(bind('select ?3', [1, 2, 3])).to.deep.equal([1, 2, 3])
  })

  it('puts parameters by name, bare or with the prefix, through getters too, and ignores others', () => {
    expect(bind('select :a, @b, $c, :a', { a: 1, '@b': 2, c: 3, d: 4 })).to.deep.equal([1, 2, 3])
    class City {
      get name(): string {
        return 'Ede'
      }
    }
    expect(bind('select :name', new City())).to.deep.equal(['Ede'])
    expect(bind('select :toString', { toString: 5 })).to.deep.equal([5])
  })

  it('makes numbers of booleans, ISO text of dates, and copies of BLOBs', () => {
    const blob = Buffer.from('abc')
    const bound = bind('select ?, ?, ?, ?', [true, false, new Date(0), blob])
    expect(bound.slice(0, 3)).to.deep.equal([1, 0, '1970-01-01T00:00:00.000Z'])
    blob.fill(0)
    expect(Buffer.from(bound[3] as Uint8Array).toString()).to.equal('abc')
  })

  it('tells about how many bytes they take', () => {
    bind('select ?, ?', ['x'.repeat(1000), Buffer.alloc(500)])
    expect(boundBytes()).to.be.within(1500, 1600)
  })

  for (const [what, sql, params, cls, message] of [
    ['too few', 'select ?, ?', [1], ProgrammingError, /has 2 parameters, and 1 were given/],
    ['too many', 'select ?', [1, 2], ProgrammingError, /has 1 parameters, and 2 were given/],
    ['none', 'select ?', undefined, ProgrammingError, /has 1 parameters, and 0/],
    ['none for names', 'select :a', undefined, ProgrammingError, /named parameters \(:a\)/],
    ['an array for names', 'select :a', [1], ProgrammingError, /give an object/],
    ['an object for places', 'select ?', { a: 1 }, ProgrammingError, /give an array/],
    ['a missing name', 'select :a, :b', { a: 1 }, ProgrammingError, /no value for its parameter :b/],
    ['a mix of both', 'select :a, ?', { a: 1 }, ProgrammingError, /mixes/],
    ['a bare value', 'select ?', 5, ProgrammingError, /must be an array or an object/],
    ['a string', 'select ?', 'x', ProgrammingError, /must be an array or an object/],
    ['a BLOB for the list', 'select ?', Buffer.from([1]), ProgrammingError, /give an array/],
    ['undefined', 'select ?, ?', [1, undefined], ProgrammingError, /parameter 2 is undefined/],
    ['undefined by name', 'select :a', { a: undefined }, ProgrammingError, /parameter 1 \(:a\) is undefined/],
    ['a symbol', 'select ?', [Symbol('x')], ProgrammingError, /a symbol/],
    ['a function', 'select ?', [() => 1], ProgrammingError, /a function/],
    ['a plain object', 'select ?', [{}], ProgrammingError, /an object \(Object\)/],
    ['an object without prototype', 'select ?', [Object.create(null)], ProgrammingError, /null prototype/],
    ['an array', 'select ?', [[1]], ProgrammingError, /an object \(Array\)/],
    ['another typed array', 'select ?', [new Uint16Array(2)], ProgrammingError, /Uint16Array/],
    ['NaN', 'select ?', [Number.NaN], DataError, /parameter 1 is NaN/],
    ['an invalid Date', 'select ?', [new Date(Number.NaN)], DataError, /invalid Date/],
    ['2^63', 'select ?', [2n ** 63n], DataError, /more than 64 bits/],
    ['-2^63 - 1', 'select ?', [-(2n ** 63n) - 1n], DataError, /more than 64 bits/],
    ['half a surrogate pair', 'select ?', ['a\ud800b'], DataError, /surrogate/],
  ] as const) {
    it(`refuses ${what}, and quotes no value`, () => {
      const error = (() => {
        try {
          bind(sql, params)
        } catch (thrown) {
          return thrown as DataError
        }
        throw new Error('it was taken')
      })()
      expect(error).to.be.instanceOf(cls)
      expect(error.code).to.equal('BAD_PARAMETERS')
      expect(error.message).to.match(message)
      expect(error.sql).to.equal(sql)
    })
  }

  it('takes the ends of 64 bits, infinities and the largest safe integers', () => {
    const values = [2n ** 63n - 1n, -(2n ** 63n), Infinity, -Infinity, 2 ** 53, -(2 ** 53)]
    expect(bind('select ?, ?, ?, ?, ?, ?', values)).to.deep.equal(values)
  })
})

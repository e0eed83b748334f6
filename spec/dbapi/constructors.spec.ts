import { expect } from 'chai'
import * as forklite from 'forklite'
import {
  Binary,
  type Connection,
  connect,
  DateFromTicks,
  Date as DbDate,
  Time,
  TimeFromTicks,
  Timestamp,
  TimestampFromTicks,
} from 'forklite'

describe('constructors', () => {
  it('make the text that Python stores', () => {
    expect(DbDate(2026, 11, 21)).to.equal('2026-11-21')
    expect(DbDate(1, 2, 3)).to.equal('0001-02-03')
    expect(DbDate(2000, 2, 29)).to.equal('2000-02-29')
    expect(Time(10, 30, 0)).to.equal('10:30:00')
    expect(Time(23, 59, 59)).to.equal('23:59:59')
    expect(Timestamp(2026, 11, 21, 10, 30, 0)).to.equal('2026-11-21 10:30:00')
  })

  it('keep fractions of a second to the microsecond', () => {
    expect(Time(1, 2, 3.04)).to.equal('01:02:03.040000')
    expect(Time(1, 2, 1.000005)).to.equal('01:02:01.000005')
    expect(Time(1, 2, 59.99999999)).to.equal('01:02:59.999999')
    expect(Timestamp(2026, 11, 21, 10, 30, 0.5)).to.equal('2026-11-21 10:30:00.500000')
  })

  it('read ticks as seconds in local time, and drop their fraction', () => {
    const ticks = 1_790_000_000.75
    const at = new Date(Math.floor(ticks) * 1000)
    const date = DbDate(at.getFullYear(), at.getMonth() + 1, at.getDate())
    const time = Time(at.getHours(), at.getMinutes(), at.getSeconds())
    expect(DateFromTicks(ticks)).to.equal(date)
    expect(TimeFromTicks(ticks)).to.equal(time)
    expect(TimestampFromTicks(ticks)).to.equal(`${date} ${time}`)
    expect(TimeFromTicks(-0.5)).to.match(/:59$/)
  })

  for (const [what, make] of [
    ['a 13th month', () => DbDate(2026, 13, 1)],
    ['month 0', () => DbDate(2026, 0, 1)],
    ['a 31st of November', () => DbDate(2026, 11, 31)],
    ['a 29th of February', () => DbDate(2026, 2, 29)],
    ['one of 1900', () => DbDate(1900, 2, 29)],
    ['day 0', () => DbDate(2026, 1, 0)],
    ['the year 0', () => DbDate(0, 1, 1)],
    ['the year 10000', () => DbDate(10_000, 1, 1)],
    ['half a day', () => DbDate(2026, 1, 1.5)],
    ['a day that is text', () => DbDate(2026, 1, '1' as never)],
    ['no day', () => (DbDate as (year: number) => string)(2026)],
    ['hour 24', () => Time(24, 0, 0)],
    ['minute 60', () => Time(0, 60, 0)],
    ['second 60', () => Time(0, 0, 60)],
    ['a second below 0', () => Time(0, 0, -0.1)],
    ['NaN for a second', () => Time(0, 0, Number.NaN)],
    ['a timestamp of either', () => Timestamp(2026, 2, 30, 0, 0, 0)],
    ['ticks that are none', () => DateFromTicks(Number.NaN)],
    ['ticks that are text', () => TimeFromTicks('0' as never)],
    ['ticks beyond the calendar', () => TimestampFromTicks(1e12)],
    ['ticks beyond all calendars', () => DateFromTicks(1e18)],
  ] as const) {
    it(`refuse ${what}`, () => {
      expect(make).to.throw(forklite.DataError).with.property('code', 'BAD_VALUE')
    })
  }

  it('are no classes', () => {
    const asClass = DbDate as unknown as new (year: number, month: number, day: number) => string
    expect(() => new asClass(2026, 11, 21)).to.throw(TypeError)
  })

  it('make Buffers of bytes, whatever they are in', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4)
    expect(Binary(bytes)).to.be.instanceOf(Buffer)
    expect(Binary(bytes)).to.deep.equal(Buffer.from([1, 2, 3, 4]))
    expect(Binary(bytes.subarray(1, 3))).to.deep.equal(Buffer.from([2, 3]))
    expect(Binary(bytes.buffer)).to.deep.equal(Buffer.from([1, 2, 3, 4]))
    expect(Binary(new DataView(bytes.buffer, 2))).to.deep.equal(Buffer.from([3, 4]))
    expect(Binary(new SharedArrayBuffer(2))).to.deep.equal(Buffer.from([0, 0]))
    expect(Binary(Uint16Array.of(0x0102)).length).to.equal(2)
    expect(Binary('é')).to.deep.equal(Buffer.from([0xc3, 0xa9]))
    expect(Binary('')).to.deep.equal(Buffer.alloc(0))
    expect(Binary()).to.deep.equal(Buffer.alloc(0))
    for (const wrong of [5, null, [1, 2], {}]) {
      expect(() => Binary(wrong as never)).to.throw(forklite.ProgrammingError)
    }
  })

  describe('in a database', () => {
    let conn: Connection
    before(async () => {
      conn = await connect(':memory:')
    })
    after(() => conn.close())

    it('go in as they are, and SQLite reads them', async () => {
      const row = await conn
        .execute('select typeof(?1), strftime(?2, ?1), date(?1), julianday(?3) is not null, typeof(?4)', [
          Timestamp(2026, 11, 21, 10, 30, 59.25),
          '%d.%m.%Y %H:%M:%f',
          Time(10, 30, 0.000001),
          Binary('x'),
        ])
        .fetchone()
      expect(row).to.deep.equal(['text', '21.11.2026 10:30:59.250', '2026-11-21', 1, 'blob'])
    })
  })
})

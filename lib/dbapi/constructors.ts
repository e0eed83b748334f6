/**
 * The constructors of PEP 249: dates and times as the text that Python's sqlite3 stores for them, and that
 * SQLite's date functions read; bytes as a Buffer. Runs in the caller. lib/index.ts gives them PEP 249's names,
 * which would hide the global Date in here.
 */
import { DataError, ProgrammingError } from '../errors.ts'

// Arrow functions all: `new Date()` on one that was imported by PEP 249's name is then a TypeError, and no
// empty object.

/**
 * PEP 249, Type Objects and Constructors, Date(): `'2026-11-21'`. Years from 1 to 9999, months from 1 to 12.
 * Throws a DataError for a day that is in no calendar.
 */
export const dateText = (year: number, month: number, day: number): string => {
  expectWhole('year', year, 1, 9999)
  expectWhole('month', month, 1, 12)
  expectWhole('day', day, 1, daysIn(year, month))
  return `${digits(year, 4)}-${digits(month)}-${digits(day)}`
}

/**
 * PEP 249, Type Objects and Constructors, Time(): `'10:30:00'`. A second may have a fraction, kept to the
 * microsecond: `'10:30:00.500000'`. Throws a DataError for what no clock shows.
 */
export const timeText = (hour: number, minute: number, second: number): string => {
  expectWhole('hour', hour, 0, 23)
  expectWhole('minute', minute, 0, 59)
  if (typeof second !== 'number' || !(second >= 0 && second < 60)) throw outOfRange('second', second, 0, 59)
  const whole = Math.floor(second)
  // What rounds up to the next second stays in its own.
  const micros = Math.min(Math.round((second - whole) * 1e6), 999_999)
  const fraction = micros === 0 ? '' : `.${digits(micros, 6)}`
  return `${digits(hour)}:${digits(minute)}:${digits(whole)}${fraction}`
}

/** PEP 249, Type Objects and Constructors, Timestamp(): `'2026-11-21 10:30:00'`. Throws as Date() and Time() do. */
export const timestampText = (
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): string => `${dateText(year, month, day)} ${timeText(hour, minute, second)}`

/** PEP 249, DateFromTicks(): the local date, `ticks` seconds after the epoch. Throws a DataError out of range. */
export const dateFromTicks = (ticks: number): string => {
  const at = localTime(ticks)
  return dateText(at.getFullYear(), at.getMonth() + 1, at.getDate())
}

/**
 * PEP 249, TimeFromTicks(): the local time of day, `ticks` seconds after the epoch; a fraction is dropped, as in
 * Python. Throws a DataError out of range.
 */
export const timeFromTicks = (ticks: number): string => {
  const at = localTime(ticks)
  return timeText(at.getHours(), at.getMinutes(), at.getSeconds())
}

/** PEP 249, TimestampFromTicks(): both, a blank between them. Throws a DataError out of range. */
export const timestampFromTicks = (ticks: number): string => `${dateFromTicks(ticks)} ${timeFromTicks(ticks)}`

/**
 * PEP 249, Type Objects and Constructors, Binary(): a Buffer of the same bytes, over the same memory where there
 * is some; of a string, its UTF-8. Throws a ProgrammingError for anything else.
 */
export const binary = (bytes: ArrayBufferView | ArrayBufferLike | string = ''): Buffer => {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'utf8')
  if (ArrayBuffer.isView(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes instanceof ArrayBuffer || bytes instanceof SharedArrayBuffer) return Buffer.from(bytes)
  throw new ProgrammingError('Binary takes a Uint8Array or another view, an ArrayBuffer or a string', {
    code: 'BAD_VALUE',
  })
}

function localTime(ticks: number): Date {
  const at = new Date(typeof ticks === 'number' ? Math.floor(ticks) * 1000 : Number.NaN)
  if (!Number.isNaN(at.getTime())) return at
  throw new DataError(`${String(ticks)} is no number of seconds since the epoch`, { code: 'BAD_VALUE' })
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

function expectWhole(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) throw outOfRange(what, value, least, most)
}

function outOfRange(what: string, value: unknown, least: number, most: number): DataError {
  return new DataError(`the ${what} must be from ${least} to ${most}, not ${String(value)}`, {
    code: 'BAD_VALUE',
  })
}

function digits(value: number, count = 2): string {
  return String(value).padStart(count, '0')
}

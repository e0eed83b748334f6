/**
 * Renders values as the two formats have them in their expectations: sqllogictest's types T, I and R, and the
 * list mode of the sqlite3 shell. Pure functions.
 *
 * JavaScript has one kind of number: 2 may be the INTEGER 2, which reads `2`, or the REAL 2.0, which reads
 * `2.0`. Where that matters the caller says how integral numbers are to be taken, or gets both.
 */
import type { Value } from './database.ts'

/** How integral numbers are taken. */
export type Numbers = 'integers' | 'reals'

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

/** Whether a value may be an INTEGER as well as a REAL. Beyond ±2^53 an INTEGER is a bigint. */
export function isAmbiguous(value: Value): boolean {
  return Number.isSafeInteger(value)
}

/** The text of a REAL, `%!.15g`: always with a point, and no more than 15 significant digits. */
export function realText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Inf' : '-Inf'
  const [mantissa, power] = exponential(Math.abs(value), 15)
  const digits = mantissa.replace(/0+$/, '')
  const sign = value < 0 ? '-' : ''
  if (power < -4 || power > 14) {
    const exponent = String(Math.abs(power)).padStart(2, '0')
    return `${sign}${digits[0] ?? 0}.${digits.slice(1) || '0'}e${power < 0 ? '-' : '+'}${exponent}`
  }
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`
  return `${sign}${mantissa.slice(0, power + 1)}.${digits.slice(power + 1) || '0'}`
}

/** `%.3f` from 16 significant digits: 1.0005 is 1.001, though as a double it is a little less. */
export function threeDecimals(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Inf' : '-Inf'
  const [digits, power] = exponential(Math.abs(value), 16)
  const wanted = power + 1 + 3
  let thousandths = 0n
  if (wanted >= digits.length) thousandths = BigInt(digits.padEnd(wanted, '0'))
  else if (wanted >= 0) {
    thousandths = BigInt(digits.slice(0, wanted) || '0') + (digits[wanted]! >= '5' ? 1n : 0n)
  }
  const text = String(thousandths).padStart(4, '0')
  return `${value < 0 ? '-' : ''}${text.slice(0, -3)}.${text.slice(-3)}`
}

/** The significant digits of a number that is not negative, and the power of ten of the first. */
function exponential(value: number, digits: number): [digits: string, power: number] {
  const [mantissa, power] = value.toExponential(digits - 1).split('e')
  return [mantissa!.replace('.', ''), Number(power)]
}

/** SQLite's cast to text; a text or BLOB is cut at its first NUL, as every C program reads it. */
function bytesOf(value: Exclude<Value, null>, numbers: Numbers): Uint8Array {
  let bytes: Uint8Array
  if (value instanceof Uint8Array) bytes = value
  else if (typeof value === 'string') bytes = Buffer.from(value)
  else if (typeof value === 'bigint' || (isAmbiguous(value) && numbers === 'integers'))
    return Buffer.from(`${value}`)
  else return Buffer.from(realText(value))
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}

/** What a number at the beginning of a text is worth. */
function leading(value: string | Uint8Array, number: RegExp): string {
  const text = Buffer.from(bytesOf(value, 'integers')).toString('latin1')
  return number.exec(text)?.[1] ?? '0'
}

/** SQLite's cast to a 64-bit integer. */
function integerOf(value: Exclude<Value, null>): bigint {
  if (typeof value === 'bigint') return value
  let integer: bigint
  if (typeof value !== 'number') integer = BigInt(leading(value, /^[\t-\r ]*([+-]?\d+)/).replace('+', ''))
  else if (Number.isFinite(value)) integer = BigInt(Math.trunc(value))
  else return value > 0 ? MAX_INT64 : MIN_INT64
  if (integer > MAX_INT64) return MAX_INT64
  return integer < MIN_INT64 ? MIN_INT64 : integer
}

/** SQLite's cast to a REAL. */
function realOf(value: Exclude<Value, null>): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  return Number(leading(value, /^[\t-\r ]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/))
}

/** A value of a sqllogictest query, as its column's type letter (T, I or R) has it. */
export function sltValue(value: Value, type: string, numbers: Numbers = 'integers'): string {
  if (value === null) return 'NULL'
  if (type === 'I') return String(BigInt.asIntN(32, integerOf(value)))
  if (type === 'R') return threeDecimals(realOf(value))
  const bytes = bytesOf(value, numbers)
  if (bytes.length === 0) return '(empty)'
  return Buffer.from(bytes.map((byte) => (byte < 0x20 || byte > 0x7e ? 0x40 : byte))).toString('latin1')
}

/** A value in the sqlite3 shell's list mode; two texts where a number may be an INTEGER or a REAL. */
export function listValue(value: Value): [text: string, ifReal?: string] {
  if (value === null) return ['']
  const text = Buffer.from(bytesOf(value, 'integers')).toString()
  return isAmbiguous(value) ? [text, realText(value as number)] : [text]
}

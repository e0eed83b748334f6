/**
 * Values as sqlite3 (npm) takes and gives them: it knows integers of 32 bits on the way in, and doubles on the
 * way out. Runs in the child. Pure functions; what they cannot tell is told by another form of the statement.
 */
import { DriverError } from '../../errors.ts'
import { isBoundAsInteger } from '../binding.ts'
import { resultTooLarge, rowsBytes } from '../chunk.ts'
import type { RowValues, SqlValue } from '../driver.ts'
import type { Bound, RowObject } from './native.ts'

const MIN_INT32 = -(2 ** 31)
const MAX_INT32 = 2 ** 31 - 1
const MAX_INT64 = 2 ** 63
const { MAX_SAFE_INTEGER } = Number

/** Parameters as sqlite3 takes them. */
export interface Encoded {
  readonly values: readonly Bound[]
  /** Numbers of the parameters, from 1, that are decimal text here and are to be integers. */
  readonly cast: ReadonlySet<number>
}

/** sqlite3 binds a number of 32 bits as INTEGER, any other as REAL, and a BigInt as NULL. */
export function encode(params: readonly SqlValue[]): Encoded {
  const cast = new Set<number>()
  const values = params.map((value, i) => {
    if (typeof value === 'bigint') {
      if (value !== BigInt.asIntN(64, value)) {
        throw new DriverError('SQLITE_TOOBIG', `parameter ${i + 1} is an integer of more than 64 bits`)
      }
      if (value >= MIN_INT32 && value <= MAX_INT32) return Number(value)
    } else if (typeof value !== 'number' || !isBoundAsInteger(value)) {
      return value
    } else if (value >= MIN_INT32 && value <= MAX_INT32) {
      return value
    }
    cast.add(i + 1)
    return String(value)
  })
  return { values, cast }
}

/** The row as it is. */
export function valuesOf(row: RowObject): RowValues {
  return Object.values(row) as RowValues
}

/** A row of the form `exactly`. */
export function decode(row: RowObject): RowValues {
  const values = valuesOf(row)
  const flags = values.pop() as string
  if (flags.includes('1')) {
    for (let i = 0; i < values.length; i++) if (flags[i] === '1') values[i] = BigInt(values[i] as string)
  }
  return values
}

/** A row of the form `returningExactly`. */
export function decodeMarked(row: RowObject): RowValues {
  return valuesOf(row).map((value) => {
    if (typeof value !== 'string') return value
    return value[0] === 'i' ? BigInt(value.slice(1)) : value.slice(1)
  })
}

/** Whether no value may be an integer that was rounded. Beyond 64 bits it is a REAL. */
export function isSafe(row: RowObject): boolean {
  for (const name in row) {
    const value = row[name]
    if (typeof value === 'number') {
      const size = Math.abs(value)
      if (size > MAX_SAFE_INTEGER && size <= MAX_INT64) return false
    }
  }
  return true
}

/** Whether an object with these keys tells all columns, in their order: keys like numbers come first. */
export function isWhole(names: readonly string[], columnCount: number): boolean {
  return names.length === columnCount && !names.some((name) => /^\d+$/.test(name))
}

/** An integer as SQLite writes it: a number where that is exact. */
export function integer(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** Counts what the rows take, and refuses them when that is more than `most`. */
export function countBytes(rows: readonly RowValues[], most: number): number {
  const bytes = rowsBytes(rows)
  if (bytes > most) throw resultTooLarge(most)
  return bytes
}

/**
 * Row factories: what the rows of a result are handed out as. Runs in the caller, when rows are fetched. It knows
 * one row at a time, and nothing of where rows come from.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { ProgrammingError } from '../errors.ts'
import type { Columns } from './columns.ts'
import { rowConverter } from './converters.ts'
import type { Cursor } from './cursor.ts'
import { type BaseRow, Row, type RowConstructor, rowClassOf } from './row.ts'
import type { RowArray, Value } from './values.ts'

/** A row as a plain object: its columns' names as keys, of several columns with one name the first. */
export interface RowObject {
  /** By its name. */
  [column: string]: Value
}

/**
 * A row factory of the application's own: makes what is fetched of a row, its values in column order. It is
 * called when the row is fetched, and returns at once. What it throws fails that fetch, and no other row is lost.
 */
export type RowFunction<R = unknown> = (cursor: Cursor<unknown>, row: RowArray) => R

// Which of the factories that come with forklite make an R.
type BuiltInFactory<R> =
  | (R extends readonly unknown[] ? null : never)
  | (R extends BaseRow<object> ? RowConstructor : never)
  | (R extends readonly unknown[] | BaseRow<object> ? never : R extends object ? 'object' : never)

/** The row factories that come with forklite: arrays, Rows, plain objects. */
export type NamedFactory = null | RowConstructor | 'object'

/**
 * What rows are handed out as: null for arrays, `Row`, `'object'` for plain objects, or a function of one's own.
 * A `RowFactory<R>` is one that makes an R.
 */
export type RowFactory<R = unknown> = unknown extends R
  ? NamedFactory | RowFunction
  : BuiltInFactory<R> | RowFunction<R>

/** What a row factory makes: a T for the functions that do, else what comes with forklite. */
export type RowOf<F, T = never> = [T] extends [never]
  ? F extends null
    ? RowArray
    : F extends RowConstructor
      ? Row
      : RowObject
  : T

/** What a row factory must be, if this is none; else null. */
export function wantedRowFactory(value: unknown): string | null {
  if (value === null || value === 'object' || value === Row) return null
  if (typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value))) return null
  return "null, Row, 'object' or a function (cursor, row) => anything"
}

/** The value, if it is a row factory. Throws a ProgrammingError. */
export function expectRowFactory(value: unknown): RowFactory {
  const wanted = wantedRowFactory(value)
  if (wanted === null) return value as RowFactory
  throw new ProgrammingError(`rowFactory must be ${wanted}`, { code: 'BAD_OPTION' })
}

/** Who reads a result: says what its rows are to be. */
export interface RowReader {
  /** Asked for at each fetch. */
  readonly rowFactory: RowFactory
  /** The option of that name. */
  readonly detectTypes: number
  /** What functions are called with. */
  ownCursor(): Cursor<unknown>
}

/** Makes the rows of one result with one factory. */
export interface RowMaker {
  readonly factory: RowFactory
  /** Whether make() never throws. */
  readonly safe: boolean
  /** What is handed out for a row, which stays as it is. */
  readonly make: (row: SqlValue[]) => unknown
}

/** The RowMaker for what the reader wants now. */
export function rowMaker(columns: Columns, reader: RowReader, sql: string): RowMaker {
  const factory = reader.rowFactory
  const convert = rowConverter(columns, reader.detectTypes, sql)
  const build = builder(factory, columns, reader)
  if (convert === null) return { factory, safe: !isFunction(factory), make: build }
  return { factory, safe: false, make: (row) => build(convert(row) as SqlValue[]) }
}

function builder(factory: RowFactory, columns: Columns, reader: RowReader): (row: SqlValue[]) => unknown {
  if (factory === null) return (row) => row
  if (factory === 'object') {
    const { named } = columns
    return (row) => named.object(row)
  }
  if (isFunction(factory)) {
    // A copy, for what it does to its row must not show when that is fetched again, after another one failed.
    return (row) => factory(reader.ownCursor(), row.slice() as RowArray)
  }
  const cls = rowClassOf(columns.named)
  return (row) => new cls(null, row as RowArray)
}

function isFunction(factory: RowFactory): factory is RowFunction {
  return typeof factory === 'function' && factory !== Row
}

/**
 * Converters: how what SQLite stores becomes values of the application's own, by a column's type. Runs in the
 * caller, when rows are fetched. It knows types and values, and nothing of how rows are handed out.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { DataError, NotSupportedError, ProgrammingError } from '../errors.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { type Columns, PARSE_COLNAMES, PARSE_DECLTYPES } from './columns.ts'
import type { Value } from './values.ts'

type Converter = (value: Exclude<Value, null>) => unknown

// By type, in lower case.
const converters = new Map<string, Converter>()

/**
 * Registers what makes a value of what a column of type `typeName` (case does not matter) holds, for all
 * connections of this process with the option `detectTypes`. One that is there already is replaced. There are
 * none to begin with.
 *
 * `converter` gets the value as it came, a number, bigint, string or Buffer, and returns at once; it is never
 * asked about NULL. What it throws fails that fetch: a DataError names the column, with the original as cause.
 *
 * As Python's sqlite3.register_converter(). Differs from it: Python's converters get bytes, whatever was stored.
 */
export function registerConverter(
  typeName: string,
  converter: (value: Exclude<Value, null>) => unknown,
): void {
  if (typeof typeName !== 'string' || typeName === '' || typeof converter !== 'function') {
    throw new ProgrammingError('registerConverter takes the name of a type and a function', {
      code: 'BAD_CONVERTER',
    })
  }
  converters.set(typeName.toLowerCase(), converter)
}

/** A function that converts a copy of each row of a result; null where no column has a converter. */
export function rowConverter(
  columns: Columns,
  detectTypes: number,
  sql: string,
): ((row: SqlValue[]) => unknown[]) | null {
  if (detectTypes === 0 || converters.size === 0) return null
  const found: [at: number, type: string, convert: Converter][] = []
  for (const [at, [name, declared]] of columns.wire.entries()) {
    // A type in the name goes before the declared one, unless it has no converter.
    for (const type of typesOf(name, declared, detectTypes)) {
      const convert = converters.get(type)
      if (convert === undefined) continue
      found.push([at, type, convert])
      break
    }
  }
  if (found.length === 0) return null
  return (row) => {
    const converted: unknown[] = row.slice()
    for (const [at, type, convert] of found) {
      const value = row[at] as Value
      if (value === null) continue
      try {
        converted[at] = convert(value)
      } catch (error) {
        const column = `column ${at + 1} (${columns.names[at]})`
        const reason = error instanceof Error ? error.message : String(error)
        throw new DataError(`the converter of type ${type} failed for ${column}: ${reason}`, {
          code: 'CONVERTER_FAILED',
          sql,
          cause: error,
        })
      }
    }
    return converted
  }
}

/**
 * Throws a NotSupportedError where converters are to be found by declared type, and the pool's SQLite package
 * does not tell these.
 */
export function expectTypesTold(pool: WorkerPool, detectTypes: number): void {
  if ((detectTypes & PARSE_DECLTYPES) === 0 || pool.stats().driver !== 'sqlite3') return
  throw new NotSupportedError(
    'the package sqlite3 does not tell declared types: name the type in the query, `select x as "x [type]"`, ' +
      'with detectTypes: PARSE_COLNAMES; or npm install better-sqlite3',
    { code: 'UNSUPPORTED' },
  )
}

// As CPython's pysqlite_build_row_cast_map(), which takes of "x [a[b]" the type b.
function* typesOf(name: string, declared: string | null, detectTypes: number): Generator<string> {
  const inName = (detectTypes & PARSE_COLNAMES) === 0 ? null : /\[(?:[^\]]*\[)?([^\]]*)\]/.exec(name)
  if (inName !== null) yield (inName[1] as string).toLowerCase()
  if ((detectTypes & PARSE_DECLTYPES) === 0 || declared === null) return
  yield (/^[^ (]*/.exec(declared) as RegExpExecArray)[0].toLowerCase()
}

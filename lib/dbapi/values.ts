/**
 * Values: checks a call's parameters and puts them into the order of the statement's places. Runs in the
 * caller, before anything is sent: what cannot be carried exactly is refused with its place, never bent.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { DataError, ProgrammingError } from '../errors.ts'
import type { Statement } from '../pool/router.ts'
import { type AdaptedTypes, type Adapter, adapterOf } from './adapters.ts'
import { CALL_OPTIONS } from './call-options.ts'

/** What a parameter may be without an adapter. A boolean is stored as 0 or 1, a Date as ISO 8601 text. */
export type BaseParameter = null | number | bigint | string | boolean | Uint8Array | Date

/** What a parameter may be: also a value of a class with an adapter that `AdaptedTypes` names. */
export type Parameter = BaseParameter | AdaptedTypes[keyof AdaptedTypes]

/** By place, for `?` and `?NNN`; or by name, for `:a`, `@a` and `$a`: `{ a: 1 }`. */
export type Parameters = readonly Parameter[] | Iterable<Parameter> | { readonly [name: string]: Parameter }

/** What SQLite holds: integers beyond ±2^53 are bigint, BLOBs are Buffers. */
export type Value = null | number | bigint | string | Buffer

/** A row as it is without a row factory: one value for each column, in column order. */
export type RowArray = Value[]

const MAX_INTEGER = 2n ** 63n - 1n
const MIN_INTEGER = -(2n ** 63n)

// What msgpack takes for a number at the most, and for the head of a string or a BLOB.
const VALUE_BYTES = 9

const NO_VALUES: SqlValue[] = []

// The size of what bindValues() last bound: beside its result, so that a call makes one array and no more.
let bytes = 0

/** About how many bytes the values of the last bindValues() take on the wire. */
export function boundBytes(): number {
  return bytes
}

/** The values by place. Copies all, so that the call is what it was when it was made. */
export function bindValues(statement: Statement, params: Parameters | undefined | null): SqlValue[] {
  bytes = VALUE_BYTES
  const { names, named } = statement.parsed
  if (params === undefined || params === null) {
    if (names.length > 0) throw wrongCount(statement, 0)
    return NO_VALUES
  }
  if (typeof params !== 'object') {
    throw misuse(
      statement,
      `parameters must be an array or an object, not a ${typeof params}; put it into [ ]`,
    )
  }
  const values = Array.isArray(params) ? (params as readonly Parameter[]) : sequenceOf(params)
  if (values === null) return bindByName(statement, params as Record<string, Parameter>)
  if (named) {
    throw misuse(
      statement,
      `it has named parameters (${names.find((name) => name !== null)}): give an object`,
    )
  }
  if (values.length !== names.length) throw wrongCount(statement, values.length)
  const { length } = names
  const bound: SqlValue[] = new Array(length)
  // A list that its own getters make shorter meanwhile has undefined at its end, which is refused.
  for (let i = 0; i < length; i++) bound[i] = bindValue(statement, values[i], i)
  return bound
}

function bindByName(statement: Statement, params: Record<string, Parameter>): SqlValue[] {
  const { names, named } = statement.parsed
  if (!named) {
    const keys = Object.keys(params)
    if (keys.length > 0 && keys.every((key) => CALL_OPTIONS.has(key))) {
      throw misuse(statement, `options are the third argument: execute(sql, [], { ${keys.join(', ')} })`)
    }
    if (names.length > 0) throw misuse(statement, 'its parameters have no names (?): give an array')
    return NO_VALUES
  }
  return names.map((name, i) => {
    if (name === null || name.startsWith('?')) {
      if (statement.parsed.gaps.includes(i + 1)) return null
      throw misuse(
        statement,
        `it mixes named and unnamed parameters, and an object has no value for ${name ?? '?'}`,
      )
    }
    const bare = name.slice(1)
    // The sqlite3 package wants the names with their prefix; both are taken.
    const key = bare in params ? bare : name
    if (!(key in params)) throw misuse(statement, `no value for its parameter ${name}`)
    return bindValue(statement, params[key], i)
  })
}

function bindValue(statement: Statement, value: unknown, index: number): SqlValue {
  bytes += VALUE_BYTES
  switch (typeof value) {
    case 'number':
      if (Number.isNaN(value)) throw unfit(statement, index, 'NaN, which SQLite cannot store; give null')
      return value
    case 'string':
      if (!value.isWellFormed()) {
        throw unfit(statement, index, 'a string with half a surrogate pair, which no encoding can carry')
      }
      bytes += value.length
      return value
    case 'bigint':
      if (value > MAX_INTEGER || value < MIN_INTEGER) {
        throw unfit(statement, index, 'an integer of more than 64 bits; give it as a string')
      }
      return value
    case 'boolean':
      return value ? 1 : 0
    case 'object': {
      if (value === null) return null
      if (value instanceof Uint8Array) {
        bytes += value.length
        return Uint8Array.prototype.slice.call(value)
      }
      const adapter = adapterOf(value)
      if (adapter !== null) return bindAdapted(statement, value, index, adapter)
      if (value instanceof Date) return bindDate(statement, value, index)
    }
  }
  throw misuse(
    statement,
    `parameter ${place(statement, index)} is ${describe(value)}; ` +
      'give null, a number, bigint, string, boolean, Uint8Array or Date',
  )
}

function bindDate(statement: Statement, value: Date, index: number): string {
  if (Number.isNaN(value.getTime())) throw unfit(statement, index, 'an invalid Date')
  return value.toISOString()
}

function bindAdapted(statement: Statement, value: object, index: number, adapter: Adapter): SqlValue {
  let adapted: unknown
  try {
    adapted = adapter.adapt(value as never)
  } catch (error) {
    const { sql } = statement
    throw new ProgrammingError(
      `the adapter of ${adapter.className} failed for parameter ${place(statement, index)}: ${messageOf(error)}`,
      { code: 'BAD_PARAMETERS', sql, cause: error },
    )
  }
  // Not adapted once more, lest two adapters call each other for ever.
  if (adapted instanceof Date) return bindDate(statement, adapted, index)
  if (adapted === null || typeof adapted !== 'object' || adapted instanceof Uint8Array) {
    if (adapted !== undefined && typeof adapted !== 'function' && typeof adapted !== 'symbol')
      return bindValue(statement, adapted, index)
  }
  throw misuse(
    statement,
    `the adapter of ${adapter.className} made ${describe(adapted)} of parameter ${place(statement, index)}; ` +
      'it must return null, a number, bigint, string, boolean, Uint8Array or Date',
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

// An iterable that is no array; null for an object of names.
function sequenceOf(params: object): readonly Parameter[] | null {
  if (!(Symbol.iterator in params) || params instanceof Uint8Array) return null
  return Array.from(params as Iterable<Parameter>)
}

function place(statement: Statement, index: number): string {
  const name = statement.parsed.names[index] ?? null
  return name === null ? String(index + 1) : `${index + 1} (${name})`
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'object')
    return `an object (${(value as object).constructor?.name ?? 'null prototype'})`
  return `a ${typeof value}`
}

function misuse(statement: Statement, message: string): ProgrammingError {
  return new ProgrammingError(message, { code: 'BAD_PARAMETERS', sql: statement.sql })
}

function unfit(statement: Statement, index: number, what: string): DataError {
  return new DataError(`parameter ${place(statement, index)} is ${what}`, {
    code: 'BAD_PARAMETERS',
    sql: statement.sql,
  })
}

function wrongCount(statement: Statement, given: number): ProgrammingError {
  const { names, named } = statement.parsed
  if (named) return misuse(statement, `it has named parameters (${names.join(', ')}): give an object`)
  return misuse(statement, `it has ${names.length} parameters, and ${given} were given`)
}

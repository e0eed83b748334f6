/**
 * The type objects of PEP 249: what `description` says of a column. Runs in the caller. SQLite types values, not
 * columns: a type object tells what a column was declared for, and not what a row may hold there.
 */
import { inspect } from 'node:util'

/** PEP 249, Type Objects and Constructors: compared by identity, `column[1] === STRING`. */
export class TypeObject {
  /** `'STRING'`, `'BINARY'`, `'NUMBER'`, `'DATETIME'` or `'ROWID'`. */
  readonly name: string

  /** There are five, and no others are made. */
  constructor(name: string) {
    this.name = name
    Object.freeze(this)
  }

  /** Its name. */
  toString(): string {
    return this.name
  }

  /** Its name too. */
  toJSON(): string {
    return this.name
  }

  /** Its name, for console.log(). */
  [inspect.custom](): string {
    return this.name
  }
}

/** PEP 249, Type Objects, STRING: declared as CHAR, CLOB, TEXT or JSON. */
export const STRING: TypeObject = new TypeObject('STRING')
/** PEP 249, Type Objects, BINARY: declared as BLOB. */
export const BINARY: TypeObject = new TypeObject('BINARY')
/** PEP 249, Type Objects, NUMBER: declared as INT, REAL, FLOAT, DOUBLE, or anything that the others are not. */
export const NUMBER: TypeObject = new TypeObject('NUMBER')
/** PEP 249, Type Objects, DATETIME: declared as DATE, TIME, DATETIME or TIMESTAMP. */
export const DATETIME: TypeObject = new TypeObject('DATETIME')
/** PEP 249, Type Objects, ROWID. No column is described by it: SQLite calls its rowids INTEGER. */
export const ROWID: TypeObject = new TypeObject('ROWID')

/**
 * The type object of a declared type; null without one. By the rules of SQLite's column affinity, section 3.1 of
 * https://sqlite.org/datatype3.html, after those types that only the application knows.
 */
export function typeObjectOf(declared: string | null): TypeObject | null {
  if (declared === null) return null
  if (/DATE|TIME/i.test(declared)) return DATETIME
  if (/INT/i.test(declared)) return NUMBER
  if (/CHAR|CLOB|TEXT|JSON/i.test(declared)) return STRING
  return /BLOB/i.test(declared) ? BINARY : NUMBER
}

/**
 * Row: the values of a row under their columns' names, as Python's sqlite3.Row. Runs in the caller. Each list of
 * names has a class of its own, with a getter for each, so that a row itself is no more than its array.
 */
import { inspect, isDeepStrictEqual } from 'node:util'
import { ProgrammingError } from '../errors.ts'
import type { Cursor } from './cursor.ts'
import { type Names, namesOf } from './names.ts'
import type { Value } from './values.ts'

/** What a Row knows of its columns unless told more: `Row<{ name: string, people: number }>`. */
export interface NamedValues {
  /** By its name. */
  readonly [column: string]: Value
}

// An own property by a symbol, and no #private one: those who compare own properties (node:assert, chai, jest)
// would take any two rows for equal.
const VALUES = Symbol('values')
// On the prototype of the class that belongs to the names.
const NAMES = Symbol('names')

/** What every Row has besides its columns. */
export class BaseRow<T extends object = NamedValues> implements Iterable<Value> {
  /** Its values by place, from 0. */
  readonly [index: number]: Value
  readonly [VALUES]: readonly Value[]
  declare readonly [NAMES]: Names

  /** A Row of the cursor's newest result with these values, for a row factory of one's own. */
  constructor(cursor: Cursor<unknown> | null, values: readonly Value[]) {
    this[VALUES] = values
    // The classes of rowClassOf() give none.
    // biome-ignore lint/correctness/noConstructorReturn: the class of a Row depends on the cursor's columns.
    if (cursor !== null || new.target === BaseRow) return rowOf(cursor, values, new.target) as this
  }

  /** How many columns it has. */
  get length(): number {
    return this[VALUES].length
  }

  /**
   * The value of a column: by its place from 0, by its place from the end (-1 is the last), or by its name, which
   * is looked for as it is written and then with ASCII letters of any case. Of several alike the first is taken.
   * Throws a ProgrammingError with the code `'NO_COLUMN'`, which lists the columns, where there is none.
   */
  get(column: string | number): Value {
    const values = this[VALUES]
    const at = typeof column === 'number' ? fromEitherEnd(column, values) : this[NAMES].placeOf(column)
    if (at === undefined || !(at in values)) throw noColumn(column, this[NAMES])
    return values[at] as Value
  }

  /** The names of its columns, in order. */
  keys(): string[] {
    return [...this[NAMES].list]
  }

  /** Its values from `start` to before `end` in an array, counted as Array's slice() counts. */
  slice(start?: number, end?: number): Value[] {
    return this[VALUES].slice(start, end)
  }

  /** Whether the other is a Row of the same names and values in the same order; Buffers by their bytes. */
  equals(other: unknown): boolean {
    if (!(other instanceof BaseRow)) return false
    const sameNames = this[NAMES] === other[NAMES] || isDeepStrictEqual(this[NAMES].list, other[NAMES].list)
    return sameNames && this[VALUES].every((value, i) => sameValue(value, other[VALUES][i]))
  }

  /** A plain object of names and values; of several columns with one name the first. */
  toObject(): T {
    return this[NAMES].object(this[VALUES]) as T
  }

  /** Its values in an array of its own, in column order. */
  toArray(): Value[] {
    return this[VALUES].slice()
  }

  /** For JSON.stringify(): toObject(). A bigint is a TypeError there, as it is everywhere in JSON. */
  toJSON(): T {
    return this.toObject()
  }

  /** Its values, in column order. */
  [Symbol.iterator](): IterableIterator<Value> {
    return this[VALUES][Symbol.iterator]()
  }

  /** For console.log(): `Row { name: 'Ede' }`. */
  [inspect.custom](depth: number, options: object): string {
    return depth < 0 ? '[Row]' : `Row ${inspect(this.toObject(), options)}`
  }
}
// It is known as Row.
Object.defineProperty(BaseRow, 'name', { value: 'Row' })

/**
 * A row whose values have their columns' names: `row.name`, `row[0]`, `row.get('NAME')`; it can be iterated over.
 * A column that is called like a method (`keys`, `get`) or anything else that every object has (`constructor`) is
 * found by `get()`. Its values cannot be set.
 *
 * `connect(database, { rowFactory: Row })` gives such rows. As Python's sqlite3.Row.
 */
export type Row<T extends object = NamedValues> = BaseRow<T> & Readonly<T>

/** The class of Row. */
export interface RowConstructor {
  /** A Row of the cursor's newest result with these values, for a row factory of one's own. */
  new (cursor: Cursor<unknown>, values: readonly Value[]): Row
  /** What all Rows have: for `instanceof`. */
  readonly prototype: Row
}

/** Gives rows as Row objects: the option `rowFactory`. */
export const Row: RowConstructor = BaseRow as unknown as RowConstructor

type RowClass = new (cursor: null, values: readonly Value[]) => BaseRow

const classes = new WeakMap<Names, RowClass>()

/** The class of the rows with these names. */
export function rowClassOf(names: Names): RowClass {
  let cls = classes.get(names)
  if (cls === undefined) {
    cls = makeClass(names)
    classes.set(names, cls)
  }
  return cls
}

function makeClass(names: Names): RowClass {
  const cls = class Row extends BaseRow {}
  const getter = (place: number): PropertyDescriptor => ({
    get(this: BaseRow) {
      return this[VALUES][place]
    },
  })
  Object.defineProperty(cls.prototype, NAMES, { value: names })
  for (const place of names.list.keys()) Object.defineProperty(cls.prototype, place, getter(place))
  for (const [name, place] of names.entries()) {
    // A number is a place, also where there is none; and what all rows have comes first.
    if (/^\d+$/.test(name) || name in BaseRow.prototype) continue
    Object.defineProperty(cls.prototype, name, getter(place))
  }
  return cls
}

function rowOf(cursor: Cursor<unknown> | null, values: readonly Value[], cls: unknown): BaseRow {
  if (cls !== BaseRow) {
    throw new ProgrammingError('Row cannot be extended: each list of columns has a class of its own', {
      code: 'BAD_ROW_FACTORY',
    })
  }
  const columns = cursor?.description
  if (!columns || !Array.isArray(values) || values.length !== columns.length) {
    throw new ProgrammingError(
      "new Row() takes a cursor and an array of one value for each of its result's columns",
      {
        code: 'BAD_PARAMETERS',
      },
    )
  }
  return new (rowClassOf(namesOf(columns.map(([name]) => name))))(null, [...values])
}

function fromEitherEnd(place: number, values: readonly Value[]): number {
  return place < 0 ? place + values.length : place
}

function sameValue(one: unknown, other: unknown): boolean {
  return one === other || isDeepStrictEqual(one, other)
}

function noColumn(column: unknown, { list }: Names): ProgrammingError {
  const shown = typeof column === 'string' ? JSON.stringify(column) : String(column)
  return new ProgrammingError(`the row has no column ${shown}; its columns are ${list.join(', ')}`, {
    code: 'NO_COLUMN',
  })
}

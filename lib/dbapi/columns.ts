/**
 * Columns: what is known of a result's columns, once for all results that have the same ones. Runs in the caller.
 * It knows names and declared types, and nothing of rows.
 */
import type { WireColumns } from '../pool/request.ts'
import { type Names, namesOf } from './names.ts'
import { type TypeObject, typeObjectOf } from './type-objects.ts'

/** The option `detectTypes`: converters are found by a column's declared type. As in Python's sqlite3. */
export const PARSE_DECLTYPES = 1
/** The option `detectTypes`: converters are found by a column's name, `"x [type]"`. As in Python's sqlite3. */
export const PARSE_COLNAMES = 2

/**
 * A column of PEP 249's `description`: its name, its type object (null where no type was declared, and of an
 * expression), and five items that SQLite does not know.
 */
export type ColumnDescription = readonly [
  name: string,
  typeCode: TypeObject | null,
  displaySize: null,
  internalSize: null,
  precision: null,
  scale: null,
  nullOk: null,
]

export class Columns {
  /** As the child told them. */
  readonly wire: WireColumns
  /** In column order; with PARSE_COLNAMES without the types in them. */
  readonly names: readonly string[]
  #named: Names | null = null
  #description: readonly ColumnDescription[] | null = null
  #declaredTypes: readonly (string | null)[] | null = null

  constructor(wire: WireColumns, detectTypes: number) {
    this.wire = wire
    const named = (detectTypes & PARSE_COLNAMES) !== 0
    this.names = Object.freeze(wire.map(([name]) => (named ? withoutType(name) : name)))
  }

  /** The names, to find columns by and to make objects of. */
  get named(): Names {
    this.#named ??= namesOf(this.names)
    return this.#named
  }

  /** PEP 249's description. Frozen, since all cursors on these columns share it. */
  get description(): readonly ColumnDescription[] {
    this.#description ??= Object.freeze(
      this.wire.map(([, type], i): ColumnDescription => {
        const name = this.names[i] as string
        return Object.freeze([name, typeObjectOf(type), null, null, null, null, null] as const)
      }),
    )
    return this.#description
  }

  /** The declared types as they were written; null for an expression. Frozen too. */
  get declaredTypes(): readonly (string | null)[] {
    this.#declaredTypes ??= Object.freeze(this.wire.map(([, type]) => type))
    return this.#declaredTypes
  }
}

// The children tell a statement's columns once, so results have the same array as long as these do not change.
const plain = new WeakMap<WireColumns, Columns>()
const cut = new WeakMap<WireColumns, Columns>()

/** The Columns of what a child told, read with an option `detectTypes`. */
export function columnsOf(wire: WireColumns, detectTypes: number): Columns {
  const known = (detectTypes & PARSE_COLNAMES) === 0 ? plain : cut
  let columns = known.get(wire)
  if (columns === undefined) {
    columns = new Columns(wire, detectTypes)
    known.set(wire, columns)
  }
  return columns
}

// As CPython's _pysqlite_build_column_name(): up to the first bracket, and one blank before it.
function withoutType(name: string): string {
  const bracket = name.indexOf('[')
  if (bracket < 0) return name
  return name.slice(0, name[bracket - 1] === ' ' ? bracket - 1 : bracket)
}

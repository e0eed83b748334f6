/**
 * Parameters as the synchronous packages take them. Runs in the child. Both bind a JS number as REAL and a
 * BigInt as INTEGER, so integral numbers are handed over as BigInts (19 ns each), and both want parameters
 * that have a name, `?NNN` too, in an object.
 */
import { NotSupportedError } from '../errors.ts'
import type { SqlValue } from './driver.ts'

const MAX_INTEGRAL = 2 ** 53

/** The value as it is bound: an integral number within ±2^53 as BigInt. */
export function bindable(value: SqlValue): SqlValue {
  return typeof value === 'number' && isBoundAsInteger(value) ? BigInt(value) : value
}

/** Whether this number is an INTEGER to SQLite, by DESIGN's rule for values. */
export function isBoundAsInteger(value: number): boolean {
  return Number.isInteger(value) && value <= MAX_INTEGRAL && value >= -MAX_INTEGRAL
}

/** All values as they are bound; the same array where none changes. */
export function bindableAll(params: readonly SqlValue[]): readonly SqlValue[] {
  let bound: SqlValue[] | null = null
  for (let i = 0; i < params.length; i++) {
    const value = params[i]
    if (typeof value !== 'number' || !isBoundAsInteger(value)) continue
    // The caller's array is not ours to change.
    bound ??= params.slice()
    bound[i] = BigInt(value)
  }
  return bound ?? params
}

/** Parameters parted into those without a name and those with one. */
export interface Parted {
  /** In order; those at places that the SQL jumps over are among them, and SQLite never reads them. */
  readonly plain: SqlValue[]
  readonly named: Record<string, SqlValue>
}

/** Parts the parameters of one statement. */
export type Part = (params: readonly SqlValue[]) => Parted

/**
 * How to part the parameters of a statement with these names, under the keys a package knows them by, null for
 * a name that is none to it; null where no parameter has a key.
 */
export function parting(
  names: readonly (string | null)[],
  keyOf: (name: string) => string | null,
): Part | null {
  const keys = names.map((name) => (name === null ? null : keyOf(name)))
  if (keys.every((key) => key === null)) return null
  // With a prototype an object is made sooner, but `:__proto__` is a parameter like any other.
  const bare = keys.includes('__proto__')
  return (params) => {
    const plain: SqlValue[] = []
    const named: Record<string, SqlValue> = bare ? Object.create(null) : {}
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string | null
      const value = bindable(params[i] as SqlValue)
      if (key === null) plain.push(value)
      else named[key] = value
    }
    return { plain, named }
  }
}

/** Refuses two names that become one when their first character goes, as `:a` and `@a`. */
export function refuseSameNames(names: readonly (string | null)[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    if (name === null) continue
    const bare = name.slice(1)
    const other = seen.get(bare)
    if (other !== undefined) {
      throw new NotSupportedError(
        `better-sqlite3 cannot tell the parameters ${other} and ${name} apart: rename one of them`,
        { code: 'UNSUPPORTED' },
      )
    }
    seen.set(bare, name)
  }
}

const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number

/** An INTEGER that was read as BigInt: a number where that is exact. Beyond 2^53 rounding stays beyond. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return number <= MAX_SAFE_INTEGER && number >= MIN_SAFE_INTEGER ? number : value
}

/** What to say of too few or too many parameters. */
export function wrongCount(wanted: number, given: number): string {
  return `the statement takes ${wanted} parameters, ${given} were given`
}

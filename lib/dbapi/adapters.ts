/**
 * Adapters: how values of the application's own classes become parameters. Runs in the caller. It knows which
 * class has an adapter; where a parameter stands, and what may be one, is known in values.ts.
 */
import { ProgrammingError } from '../errors.ts'
import type { BaseParameter } from './values.ts'

/** A class, by its constructor; an abstract one too. */
export type Class<T> = abstract new (...args: never[]) => T

/** An adapter and the name of the class it was registered for. */
export interface Adapter {
  readonly className: string
  readonly adapt: (value: never) => unknown
}

// By prototype, so that a value finds its class's, or that of the nearest class above.
const adapters = new Map<object, Adapter>()

const PRIMITIVE: ReadonlySet<unknown> = new Set([Number, String, BigInt, Boolean, Symbol])

/**
 * Registers what makes a parameter of a value of `cls`, and of the classes that extend it, for all connections of
 * this process, from now on. One that is there already is replaced.
 *
 * `adapter` gets the value and returns null, a number, bigint, string, boolean, Uint8Array or Date at once. What
 * it throws, and any other result, fails the statement with a ProgrammingError that names the parameter's place.
 * Date may have one of its own; numbers, strings, booleans and Uint8Arrays may not: ProgrammingError.
 *
 * TypeScript takes the class for a parameter once `AdaptedTypes` names it.
 *
 * As Python's sqlite3.register_adapter(). Differs from it: subclasses are adapted too.
 */
export function registerAdapter<T extends object>(cls: Class<T>, adapter: (value: T) => BaseParameter): void {
  const prototype: unknown = typeof cls === 'function' ? cls.prototype : undefined
  if (typeof prototype !== 'object' || prototype === null) {
    throw refused('registerAdapter takes a class and a function')
  }
  if (typeof adapter !== 'function') {
    throw refused(`the adapter of ${cls.name} must be a function that returns a parameter`)
  }
  const bytes = prototype === Uint8Array.prototype || prototype instanceof Uint8Array
  if (bytes || PRIMITIVE.has(cls)) {
    throw refused(`${cls.name} is stored as it is: an adapter would never be asked`)
  }
  adapters.set(prototype, { className: cls.name || 'a class without a name', adapt: adapter })
}

/** The adapter of a value's class, or of the nearest class above that has one; null without. */
export function adapterOf(value: object): Adapter | null {
  if (adapters.size === 0) return null
  for (let p: unknown = Object.getPrototypeOf(value); p !== null; p = Object.getPrototypeOf(p)) {
    const adapter = adapters.get(p as object)
    if (adapter !== undefined) return adapter
    // What is known of a Date goes before what is known of every object.
    if (p === Date.prototype) return null
  }
  return null
}

/**
 * Tells TypeScript of classes with an adapter, whose values may then be parameters:
 *
 *     declare module 'forklite' {
 *       interface AdaptedTypes { point: Point }
 *     }
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications add to it.
export interface AdaptedTypes {}

function refused(message: string): ProgrammingError {
  return new ProgrammingError(message, { code: 'BAD_ADAPTER' })
}

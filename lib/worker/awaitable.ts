/**
 * Sequencing of calls that a driver may answer at once or by a promise. Runs in the child. A synchronous
 * driver passes through here without one promise: with `await` each statement would cost a turn of the
 * microtask queue, a tenth of a point read.
 */
import type { Awaitable } from '../drivers/driver.ts'

/** Calls `next` with the value, now or when it is there. */
export function chain<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Calls `next` with the value, or `failed` with what `start`, its promise or `next` threw. */
export function attempt<T>(
  start: () => Awaitable<T>,
  next: (value: T) => Awaitable<void>,
  failed: (thrown: unknown) => Awaitable<void>,
): Awaitable<void> {
  try {
    const value = start()
    return value instanceof Promise ? value.then(next).catch(failed) : next(value)
  } catch (thrown) {
    return failed(thrown)
  }
}

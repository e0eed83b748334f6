/**
 * The options of a single call: its deadline and its signal. Runs in the caller.
 */
import { ProgrammingError } from '../errors.ts'

/** The last argument of every call that waits. */
export interface CallOptions {
  /** Ends the call with QueryCancelled when aborted. */
  signal?: AbortSignal
  /** Ends the call when it has waited so long for its turn, in milliseconds. */
  timeoutMs?: number
}

export const CALL_OPTIONS: ReadonlySet<string> = new Set(['signal', 'timeoutMs'])

/** When the call is over, by performance.now(); Infinity for never. Throws on what is no option. */
export function deadlineOf(options: CallOptions | undefined): number {
  if (options === undefined) return Number.POSITIVE_INFINITY
  for (const key of Object.keys(options)) {
    if (!CALL_OPTIONS.has(key)) {
      throw new ProgrammingError(`a call has no option '${key}'; its options are signal and timeoutMs`, {
        code: 'BAD_OPTION',
      })
    }
  }
  const { signal, timeoutMs } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new ProgrammingError('signal must be an AbortSignal', { code: 'BAD_OPTION' })
  }
  if (timeoutMs === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
    throw new ProgrammingError('timeoutMs must be a number of milliseconds, 0 or more', {
      code: 'BAD_OPTION',
    })
  }
  return performance.now() + timeoutMs
}

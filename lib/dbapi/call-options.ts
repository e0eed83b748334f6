/**
 * The options of a single call: its deadline and its signal. Runs in the caller.
 */
import { ProgrammingError, QueryCancelled } from '../errors.ts'

/** The last argument of every call that waits. */
export interface CallOptions {
  /**
   * Ends the call when aborted: what waits leaves the queue, a query that runs is ended. A write that was sent
   * is waited for, since whether it was applied is worth knowing.
   */
  signal?: AbortSignal
  /** Ends the call in the same way after so many milliseconds. */
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

/** When a call is over, and by what: absolute, so that whatever it consists of ends together. */
export interface CallEnd {
  /** By performance.now(); Infinity for never. */
  readonly deadline: number
  readonly signal: AbortSignal | null
}

export const NO_END: CallEnd = { deadline: Number.POSITIVE_INFINITY, signal: null }

/** The end of a call that is made now with these options. Throws on what is no option. */
export function endOf(options: CallOptions | undefined): CallEnd {
  return options === undefined ? NO_END : { deadline: deadlineOf(options), signal: options.signal ?? null }
}

/**
 * What `promise` resolves to, or a QueryCancelled as soon as the deadline (by performance.now()) has passed or
 * the signal is aborted. The promise itself goes on.
 */
export async function ended<T>(
  promise: Promise<T>,
  deadline: number,
  signal: AbortSignal | null,
  sql: string,
): Promise<T> {
  if (deadline === Number.POSITIVE_INFINITY && signal === null) return promise
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const over = new Promise<never>((_, reject) => {
    const end = (message: string): void =>
      reject(new QueryCancelled(message, { code: 'QUERY_CANCELLED', sql, cause: signal?.reason }))
    onAbort = () => end('the call was cancelled by its signal')
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort)
    if (deadline === Number.POSITIVE_INFINITY) return
    const wait = Math.min(Math.max(Math.ceil(deadline - performance.now()), 0), 2 ** 31 - 1)
    timer = setTimeout(() => end('the call ran past its deadline'), wait)
  })
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
  }
}

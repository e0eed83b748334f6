/**
 * Transactions: `transaction(fn)` of one Connection: committed when the function resolves, rolled back when it
 * throws, a savepoint when it is called within another. Runs in the caller. It knows the order in which they were
 * opened, and no processes.
 */
import { OperationalError, ProgrammingError } from '../errors.ts'
import type { CallOptions } from './call-options.ts'
import type { ConnectionExecutor } from './connection-executor.ts'

/** The options of transaction(). */
export interface TransactionOptions extends CallOptions {
  /**
   * `'readonly'`: only SELECTs, which all see one snapshot of the database, on a reader: the writer is not held.
   * Default: `'readwrite'`.
   */
  mode?: 'readwrite' | 'readonly'
}

interface Opened {
  /** Null for the transaction itself. */
  readonly savepoint: string | null
  /** The number of the transaction that it is, or is part of. */
  readonly transaction: number
  /** That in which it was opened; null for the outermost. */
  readonly outer: Opened | null
  /** Whether what failed within it could not be undone. */
  spoilt: boolean
}

export class Transactions {
  readonly #executor: ConnectionExecutor
  // Outermost first. Each ends before the one it was opened in.
  readonly #opened: Opened[] = []
  // Names of savepoints that are in use, or about to be: few, so that their statements are prepared once.
  readonly #names = new Set<string>()

  constructor(executor: ConnectionExecutor) {
    this.#executor = executor
  }

  /** Runs `work` within one; resolves with what that resolves with. */
  async run<T>(work: () => T | Promise<T>, { mode, ...options }: TransactionOptions = {}): Promise<T> {
    if (mode !== undefined && mode !== 'readwrite' && mode !== 'readonly')
      throw misuse("the mode of a transaction is 'readwrite' or 'readonly'", 'BAD_OPTION')
    const name = this.#takeName()
    try {
      const begins = await this.#executor.begin(name, mode === 'readonly', options)
      const { transaction } = this.#executor
      const outer = begins ? null : (this.#opened.at(-1) ?? null)
      return await this.#runIn({ savepoint: begins ? null : name, transaction, outer, spoilt: false }, work)
    } finally {
      this.#names.delete(name)
    }
  }

  /** Throws a ProgrammingError while one is open: `call` would end it under its function. */
  expectNone(call: string): void {
    if (this.#opened.length === 0) return
    throw misuse(
      `${call} within transaction(): it commits when its function resolves, and rolls back when that throws`,
      'IN_TRANSACTION',
    )
  }

  async #runIn<T>(opened: Opened, work: () => T | Promise<T>): Promise<T> {
    const { savepoint } = opened
    this.#opened.push(opened)
    try {
      const result = await work()
      this.#expectWhole(opened)
      if (savepoint === null) await this.#executor.end('COMMIT')
      else await this.#executor.control(`RELEASE ${savepoint}`)
      return result
    } catch (error) {
      await this.#undo(opened)
      throw error
    } finally {
      this.#opened.splice(this.#opened.indexOf(opened), 1)
      this.#executor.ended()
    }
  }

  // What went wrong is told; that its undoing may fail too (the child is gone) adds nothing.
  async #undo(opened: Opened): Promise<void> {
    const executor = this.#executor
    const { savepoint, transaction } = opened
    const ended = executor.transaction !== transaction
    try {
      // Also what its statements have begun by themselves since something else ended it: it would stay open for ever.
      if (savepoint === null || (ended && this.#opened[0] === opened)) await executor.end('ROLLBACK')
      else if (!ended) {
        await executor.control(`ROLLBACK TO ${savepoint}`)
        await executor.control(`RELEASE ${savepoint}`)
      }
    } catch {
      // What could not be undone is still there: the transaction around it must not commit it.
      if (opened.outer !== null) opened.outer.spoilt = true
    }
  }

  // What would be committed is what was done in it, all of it, and nothing else.
  #expectWhole(opened: Opened): void {
    const { outer, transaction } = opened
    const overlaps = this.#opened.at(-1) !== opened || (outer !== null && !this.#opened.includes(outer))
    if (overlaps) {
      throw misuse(
        'two calls of transaction() on this Connection overlapped, of which neither was made within the other: ' +
          'await the first, or give each a Connection of its own (pool.connect())',
        'IN_TRANSACTION',
      )
    }
    if (this.#executor.transaction === transaction && !opened.spoilt) return
    throw new OperationalError(
      'the transaction was ended before its function was: by OR ROLLBACK or RAISE(ROLLBACK), by a ' +
        'COMMIT in a script, or with its child process; what was done since is rolled back',
      { code: 'TRANSACTION_LOST' },
    )
  }

  #takeName(): string {
    let i = 1
    while (this.#names.has(`forklite_${i}`)) i++
    this.#names.add(`forklite_${i}`)
    return `forklite_${i}`
  }
}

function misuse(message: string, code: string): ProgrammingError {
  return new ProgrammingError(message, { code })
}

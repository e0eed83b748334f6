/**
 * Transactions: `transaction(fn)` of one Connection: committed when the function resolves, rolled back when it
 * throws, a savepoint when it is called within another. Runs in the caller. It knows the order in which they were
 * opened, and no processes.
 */
import { ProgrammingError } from '../errors.ts'
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
    if (typeof work !== 'function') {
      throw new ProgrammingError('transaction() takes a function to run within it', {
        code: 'BAD_PARAMETERS',
      })
    }
    if (mode !== undefined && mode !== 'readwrite' && mode !== 'readonly') {
      throw new ProgrammingError("the mode of a transaction is 'readwrite' or 'readonly'", {
        code: 'BAD_OPTION',
      })
    }
    const name = this.#takeName()
    try {
      return await this.#runIn(
        { savepoint: await this.#executor.begin(name, mode === 'readonly', options) },
        work,
      )
    } finally {
      this.#names.delete(name)
    }
  }

  async #runIn<T>(opened: Opened, work: () => T | Promise<T>): Promise<T> {
    const { savepoint } = opened
    this.#opened.push(opened)
    let result: T
    try {
      result = await work()
      this.#expectLast(opened)
      if (savepoint === null) await this.#executor.end('COMMIT')
      else await this.#executor.start(null, `RELEASE ${savepoint}`)
    } catch (error) {
      await this.#undo(opened)
      throw error
    } finally {
      this.#close(opened)
    }
    return result
  }

  // What went wrong is told; that its undoing may fail too (the child is gone) adds nothing.
  async #undo({ savepoint }: Opened): Promise<void> {
    const executor = this.#executor
    try {
      if (savepoint === null) await executor.end('ROLLBACK')
      else if (executor.inTransaction) {
        await executor.start(null, `ROLLBACK TO ${savepoint}`)
        await executor.start(null, `RELEASE ${savepoint}`)
      }
    } catch {}
  }

  // Two that overlap would commit each other's half-done work.
  #expectLast(opened: Opened): void {
    if (this.#opened.at(-1) === opened) return
    throw new ProgrammingError(
      'another transaction() of this Connection was begun within this one and is still running: ' +
        'await it first, or give each a Connection of its own (pool.connect())',
      { code: 'IN_TRANSACTION' },
    )
  }

  #takeName(): string {
    let i = 1
    while (this.#names.has(`forklite_${i}`)) i++
    this.#names.add(`forklite_${i}`)
    return `forklite_${i}`
  }

  #close(opened: Opened): void {
    const at = this.#opened.indexOf(opened)
    if (at >= 0) this.#opened.splice(at, 1)
    this.#executor.ended()
  }
}

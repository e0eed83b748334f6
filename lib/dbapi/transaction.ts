/**
 * Transactions: `transaction(fn)` of one Connection: committed when the function resolves, rolled back when it
 * throws, a savepoint when it is called within another. Runs in the caller. It knows the order in which they were
 * opened, and no processes.
 */
import { ProgrammingError } from '../errors.ts'
import type { CallOptions } from './call-options.ts'
import type { ConnectionExecutor } from './connection-executor.ts'

interface Opened {
  /** Null for the transaction itself, and until it is begun. */
  savepoint: string | null
  /** Whether the transaction that it is a savepoint of has ended before it. */
  orphaned: boolean
}

export class Transactions {
  readonly #executor: ConnectionExecutor
  // Outermost first, from the call on. Each ends before the one it was opened in.
  readonly #opened: Opened[] = []
  // Names of savepoints that are in use, or about to be: few, so that their statements are prepared once.
  readonly #names = new Set<string>()

  constructor(executor: ConnectionExecutor) {
    this.#executor = executor
  }

  /** Runs `work` within one; resolves with what that resolves with. */
  async run<C, T>(work: (connection: C) => T | Promise<T>, connection: C, options?: CallOptions): Promise<T> {
    if (typeof work !== 'function') {
      throw new ProgrammingError('transaction() takes a function to run within it', {
        code: 'BAD_PARAMETERS',
      })
    }
    const name = this.#takeName()
    const opened: Opened = { savepoint: null, orphaned: false }
    this.#opened.push(opened)
    try {
      opened.savepoint = await this.#executor.begin(name, options)
      return await this.#runIn(opened, () => work(connection))
    } finally {
      this.#close(opened)
      this.#names.delete(name)
    }
  }

  async #runIn<T>(opened: Opened, work: () => T | Promise<T>): Promise<T> {
    const { savepoint } = opened
    try {
      const result = await work()
      this.#expectLast(opened)
      if (savepoint === null) await this.#executor.end('COMMIT')
      else await this.#executor.start(null, `RELEASE ${savepoint}`)
      return result
    } catch (error) {
      await this.#undo(opened)
      throw error
    } finally {
      const inner = this.#opened.slice(this.#opened.indexOf(opened) + 1)
      if (savepoint === null) for (const each of inner) each.orphaned = true
    }
  }

  // What went wrong is told; that its undoing may fail too (the child is gone) adds nothing.
  async #undo(opened: Opened): Promise<void> {
    const executor = this.#executor
    const { orphaned, savepoint } = opened
    try {
      // What its statements have begun since then by themselves would stay open for ever.
      if (savepoint === null || (orphaned && this.#opened[0] === opened)) await executor.end('ROLLBACK')
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
    this.#opened.splice(this.#opened.indexOf(opened), 1)
  }
}

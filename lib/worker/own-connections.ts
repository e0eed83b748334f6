/**
 * OwnConnections: SQLite connections that one Connection of the caller's has for itself in this child, since its
 * temporary objects exist nowhere else. Runs in the child. Who has which number is the caller's business.
 */
import type { Awaitable, DriverConnection } from '../drivers/driver.ts'
import { chain } from './awaitable.ts'
import { Connections } from './connections.ts'
import type { Settings } from './settings.ts'
import type { KnownSql } from './sql-texts.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

export interface OwnConnectionsOptions {
  /** Those that all others share. */
  readonly shared: Connections
  /** Opens one more. */
  readonly open: () => Awaitable<DriverConnection>
  readonly maxResultBytes: number
  readonly settings: Settings
}

export class OwnConnections {
  readonly #all = new Map<number, Connections>()
  readonly #options: OwnConnectionsOptions

  constructor(options: OwnConnectionsOptions) {
    this.#options = options
  }

  /**
   * The connection of a number. One that is new is opened; if a transaction is open among the shared ones, which
   * can only be that of who asks, it takes that connection over.
   */
  get(number: number): Awaitable<Connections> {
    const known = this.#all.get(number)
    if (known !== undefined) return known
    const { maxResultBytes, open, settings, shared } = this.#options
    const opened: Awaitable<DriverConnection | SqliteConnection> = shared.current.inTransaction
      ? shared.giveAway()
      : open()
    return chain(opened, (connection) => {
      const own = new Connections(connection, { openSpare: null, maxResultBytes, settings })
      this.#all.set(number, own)
      return own
    })
  }

  /** Closes the connection of a number; what it has not committed is rolled back. */
  async leave(number: number): Promise<void> {
    const own = this.#all.get(number)
    this.#all.delete(number)
    // Results that are half-read live on, as behind a COMMIT.
    await own?.current.keepHalfRead(this.#options.maxResultBytes)
    await own?.close()
  }

  forget(known: KnownSql): void {
    for (const own of this.#all.values()) own.forget(known)
  }

  schemaChanged(): void {
    for (const own of this.#all.values()) own.schemaChanged()
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled([...this.#all.values()].map((own) => own.close()))
    this.#all.clear()
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason
  }
}

/**
 * Connections: the SQLite connections of this child, and which of them runs the next statement. Runs in the
 * child. SQLite freezes what a connection sees while any of its statements is half-read, so a half-read result
 * keeps its connection to itself, and the next statement gets another: it is never stale, and never waits.
 *
 * In a transaction there is no other: its statements share the connection with its half-read results. Where a
 * database has one connection only (it is not in WAL, or the connection is a caller's own), what is half-read is first read to its end.
 */
import type { Awaitable, DriverConnection } from '../drivers/driver.ts'
import { Error as DbapiError, DriverError, OperationalError } from '../errors.ts'
import type { Setting } from '../ipc/settings.ts'
import { chain } from './awaitable.ts'
import type { Settings } from './settings.ts'
import type { KnownSql } from './sql-texts.ts'
import { SqliteConnection } from './sqlite-connection.ts'

/** So many spare connections stay open when they are not needed. */
const IDLE_SPARES = 4

export interface ConnectionsOptions {
  /** Opens one more connection, with the large cache if it is to be the first; null where there is only one. */
  readonly openSpare: ((first: boolean) => Awaitable<DriverConnection>) | null
  /** For results that must be kept whole. */
  readonly maxResultBytes: number
  /** What every connection is to have. */
  readonly settings: Settings
}

export class Connections {
  /** The first: its page cache is the large one. */
  #main: SqliteConnection
  #current: SqliteConnection
  /** Connections that nobody uses. */
  readonly #idle: SqliteConnection[] = []
  readonly #all = new Set<SqliteConnection>()
  readonly #openSpare: ConnectionsOptions['openSpare']
  readonly #maxResultBytes: number
  readonly #settings: Settings

  constructor(
    main: DriverConnection | SqliteConnection,
    { openSpare, maxResultBytes, settings }: ConnectionsOptions,
  ) {
    this.#main = main instanceof SqliteConnection ? main : new SqliteConnection(main)
    this.#current = this.#main
    this.#all.add(this.#main)
    this.#openSpare = openSpare
    this.#maxResultBytes = maxResultBytes
    this.#settings = settings
  }

  /** The one that ran the last statement: where a transaction is open, if one is. */
  get current(): SqliteConnection {
    return this.#current
  }

  /** The connection for a statement, which from now on is the current one; `shares`: see KnownSql. */
  forStatement(shares: boolean): Awaitable<SqliteConnection> {
    // What is half-read stands in the way of a new setting, of a file that is detached say.
    const chosen = this.#choose(shares && !this.#settings.lacks(this.#current.settings))
    return chosen instanceof Promise
      ? chosen.then((connection) => this.#settled(connection))
      : this.#settled(chosen)
  }

  /** The connection to try a setting out on, with all those before it. */
  forSetting([kind]: Setting): Awaitable<SqliteConnection> {
    return kind === 'detach' ? this.forDetach() : this.forStatement(false)
  }

  /** The connection to detach from, as it is: whoever detaches may do so because a file cannot be attached. */
  forDetach(): Awaitable<SqliteConnection> {
    return this.#choose(false)
  }

  /** Gives away the current connection, with its transaction and its half-read results: another takes its place. */
  giveAway(): Awaitable<SqliteConnection> {
    const given = this.#current
    if (this.#openSpare === null)
      throw new TypeError('there is one connection only, and it cannot be given away')
    return chain(this.#open(this.#openSpare, given === this.#main), (fresh) => {
      this.#all.delete(given)
      if (given === this.#main) this.#main = fresh
      this.#current = fresh
      return given
    })
  }

  /** Hears that a half-read result is done with: its connection may be free. */
  freed(connection: SqliteConnection): void {
    if (connection !== this.#current && connection.halfRead.size === 0) this.#rest(connection)
  }

  /** Finalizes the statements of a text. */
  forget(known: KnownSql): void {
    for (const { statements } of this.#all) statements.forget(known)
  }

  /** What the schema decides of a text is to be asked anew. Another process's changes are not noticed. */
  schemaChanged(): void {
    for (const { rowids } of this.#all) rowids.schemaChanged()
  }

  /** Rolls back what is open and closes all. */
  async close(): Promise<void> {
    const closed = await Promise.allSettled([...this.#all].map((connection) => connection.close()))
    for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason
  }

  #choose(shares: boolean): Awaitable<SqliteConnection> {
    const current = this.#current
    if (current.halfRead.size === 0) {
      if (current === this.#main || this.#main.halfRead.size > 0 || current.driver.inTransaction)
        return current
      // Back to the large cache.
      return this.#change(this.#main)
    }
    if (this.#openSpare === null) {
      // Others' locks are in the way of a write, and the connection's own half-read results of its COMMIT.
      return shares ? current : chain(current.keepHalfRead(this.#maxResultBytes), () => current)
    }
    if (current.inTransaction) return current
    if (this.#main.halfRead.size === 0) return this.#change(this.#main)
    const idle = this.#idle.pop()
    if (idle !== undefined) return this.#change(idle)
    return chain(this.#open(this.#openSpare, false), (spare) => this.#change(spare))
  }

  // In a transaction nothing is set: it was begun before, and sees what it saw.
  #settled(connection: SqliteConnection): Awaitable<SqliteConnection> {
    if (!this.#settings.lacks(connection.settings) || connection.driver.inTransaction) return connection
    return chain(this.#settings.apply(connection.driver, connection.settings), () => connection)
  }

  #change(next: SqliteConnection): SqliteConnection {
    const previous = this.#current
    this.#current = next
    if (previous.halfRead.size === 0) this.#rest(previous)
    return next
  }

  #rest(connection: SqliteConnection): void {
    // Told twice when it was finalized while it was fetched from; it may be closed by then.
    if (connection === this.#main || this.#idle.includes(connection) || !this.#all.has(connection)) return
    if (this.#idle.length < IDLE_SPARES) {
      this.#idle.push(connection)
      return
    }
    this.#all.delete(connection)
    // It has nothing open; what its closing says concerns nobody.
    connection.close().catch(() => {})
  }

  #open(
    openSpare: (first: boolean) => Awaitable<DriverConnection>,
    first: boolean,
  ): Awaitable<SqliteConnection> {
    const opened = (driver: DriverConnection): SqliteConnection => {
      const spare = new SqliteConnection(driver)
      this.#all.add(spare)
      return spare
    }
    try {
      const driver = openSpare(first)
      if (!(driver instanceof Promise)) return opened(driver)
      return driver.then(opened, (thrown) => {
        throw this.#refused(thrown)
      })
    } catch (thrown) {
      throw this.#refused(thrown)
    }
  }

  #refused(thrown: unknown): OperationalError {
    if (!(thrown instanceof DriverError)) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      return new OperationalError(
        `a further connection, beside half-read results, could not be made ready: ${reason}`,
        { code: thrown instanceof DbapiError ? thrown.code : 'INITIALIZER_FAILED', cause: thrown },
      )
    }
    // Out of file descriptors, most likely.
    return new OperationalError(
      `no further connection could be opened beside ${this.#all.size} that have half-read results: ${thrown.message}; ` +
        'read results to their end or close their cursors',
      { code: thrown.code, cause: thrown },
    )
  }
}

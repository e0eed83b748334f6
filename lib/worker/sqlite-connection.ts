/**
 * SqliteConnection: one SQLite connection of this child with what belongs to it: its prepared statements, the
 * transaction of its reading batch, its half-read results. Runs in the child. Which connection runs which
 * statement is decided by Connections.
 */
import type { Awaitable, DriverConnection, DriverCursor, DriverStatement } from '../drivers/driver.ts'
import { ProgrammingError } from '../errors.ts'
import { HalfRead } from './half-read.ts'
import { ReadTransaction } from './read-transaction.ts'
import { Rowids } from './rowids.ts'
import { AppliedSettings } from './settings.ts'
import type { KnownSql } from './sql-texts.ts'
import { Statements } from './statements.ts'

export class SqliteConnection {
  readonly driver: DriverConnection
  readonly statements: Statements
  /** The reading batch's own transaction; no request ever sees it. */
  readonly reading: ReadTransaction
  readonly rowids: Rowids
  /** What it has of the child's Settings. */
  readonly settings = new AppliedSettings()
  /** Results that SQLite has between two steps: they hold this connection's snapshot as it is. */
  readonly halfRead = new Set<HalfRead>()

  constructor(driver: DriverConnection) {
    this.driver = driver
    this.statements = new Statements(driver)
    this.rowids = new Rowids(driver)
    this.reading = new ReadTransaction(driver)
  }

  /** Whether a transaction of the caller's is open. */
  get inTransaction(): boolean {
    return this.driver.inTransaction && !this.reading.open
  }

  /** Keeps what is left of a result, with its statement, which cannot run again until then. */
  hold(known: KnownSql, statement: DriverStatement, rest: DriverCursor): HalfRead {
    this.statements.checkOut(known)
    const result = new HalfRead(rest, () => {
      this.halfRead.delete(result)
      this.statements.checkIn(known, statement)
    })
    this.halfRead.add(result)
    return result
  }

  /** Reads what is half-read to its end, into memory: at most so many bytes of each. */
  keepHalfRead(maxBytes: number): Awaitable<void> {
    for (const result of this.halfRead) {
      const kept = result.keep(maxBytes)
      if (kept instanceof Promise) return kept.then(() => this.keepHalfRead(maxBytes))
    }
    return undefined
  }

  /** Lets go of everything, rolls back what is open and closes the connection. */
  async close(): Promise<void> {
    for (const result of this.halfRead) await result.breakOff(connectionClosed())
    this.statements.clear()
    this.reading.finalize()
    this.rowids.finalize()
    if (this.driver.inTransaction) await this.driver.exec('ROLLBACK')
    await this.driver.close()
  }
}

function connectionClosed(): ProgrammingError {
  return new ProgrammingError(
    'the SQLite connection of this result was closed before it was read to its end',
    {
      code: 'RESULT_GONE',
    },
  )
}

/**
 * Compliance: what the specs of one section run on: for each driver one pool over one file, with a reader, for
 * all of its tests, and a Connection with a Cursor for each. Runs in the caller. It knows no section.
 */
import { expect } from 'chai'
import type {
  Connection,
  ConnectionOptions,
  Cursor,
  NamedFactory,
  Options,
  Pool,
  RowArray,
  RowFunction,
  RowOf,
} from 'forklite'
import * as dbapi from 'forklite'
import { type DriverName, describeEachDriver, errorOf } from '../support/drivers.ts'
import { tempDir } from '../support/temp-dir.ts'

export interface Compliance {
  readonly driver: DriverName
  /** Over a file; what a test leaves in it is dropped behind it. */
  readonly pool: Pool
  /** A Connection of this test alone. */
  readonly conn: Connection
  readonly cur: Cursor
  /** Another Connection on the same file, closed behind the test. */
  another<F extends NamedFactory = null, T = never>(
    options?: ConnectionOptions<F | RowFunction<T>>,
  ): Promise<Connection<RowOf<F, T>>>
  /** A database of this test's own, closed behind it. */
  open(database: string | URL, options?: Options): Promise<Connection>
  /** The path of a file that is not the pool's. */
  file(name: string): string
}

/** Calls `tests` once for each driver, with what they run on. */
export function describeCompliance(section: string, tests: (db: Compliance) => void): void {
  describeEachDriver(`compliance: ${section}`, ({ driver }) => {
    const dir = tempDir('all')
    let pool: Pool
    let conn: Connection
    let cur: Cursor
    let opened: Connection<unknown>[]

    before(async () => {
      // Nothing here is about what outlives a power failure.
      const pragmas = { synchronous: 'OFF' }
      pool = await dbapi.createPool(dir.file('shared.db'), { driver, readers: 1, pragmas })
    })
    after(() => pool.close())

    beforeEach(async () => {
      opened = []
      conn = await another()
      cur = conn.cursor()
    })
    afterEach(async function () {
      const closings = await Promise.allSettled(opened.map((each) => each.close()))
      await dropAll(pool)
      const failed = closings.find((closing) => closing.status === 'rejected')
      // A hook that fails ends its block; what failed in a test need not be told twice.
      if (failed !== undefined && this.currentTest?.state !== 'failed') throw failed.reason
    })

    async function another<F extends NamedFactory = null, T = never>(
      options?: ConnectionOptions<F | RowFunction<T>>,
    ): Promise<Connection<RowOf<F, T>>> {
      const connection = await pool.connect<F, T>(options)
      opened.push(connection)
      return connection
    }

    tests({
      driver,
      get pool() {
        return pool
      },
      get conn() {
        return conn
      },
      get cur() {
        return cur
      },
      another,
      async open(database, options) {
        const connection = await dbapi.connect(database, { driver, readers: 1, ...options })
        opened.push(connection)
        return connection
      },
      file: (name) => dir.file(name),
    })
  })
}

async function dropAll(pool: Pool): Promise<void> {
  const named = await pool
    .execute(
      "select type, name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%'",
    )
    .fetchall()
  for (const [type, name] of named) await pool.execute(`drop ${type} if exists "${name}"`)
}

/** All rows of a query. */
export function rows(on: Pick<Connection, 'execute'>, sql: string): Promise<RowArray[]> {
  return on.execute(sql).fetchall()
}

/** PEP 249's exceptions, by name. */
export const EXCEPTIONS = {
  Warning: dbapi.Warning,
  Error: dbapi.Error,
  InterfaceError: dbapi.InterfaceError,
  DatabaseError: dbapi.DatabaseError,
  DataError: dbapi.DataError,
  OperationalError: dbapi.OperationalError,
  IntegrityError: dbapi.IntegrityError,
  InternalError: dbapi.InternalError,
  ProgrammingError: dbapi.ProgrammingError,
  NotSupportedError: dbapi.NotSupportedError,
}

type ErrorClass = abstract new (...args: never[]) => Error

/** Expects a call to throw, or to reject, with an error of this class; resolves to the error. */
export async function refused(
  cls: ErrorClass,
  call: () => unknown,
  message = /./,
): Promise<Error & { code?: string; cause?: unknown }> {
  const error = await errorOf((async () => call())())
  expect(error, String(call)).to.be.instanceOf(cls)
  expect(error.message).to.match(message)
  return error
}

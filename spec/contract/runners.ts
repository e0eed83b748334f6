/**
 * The two ways to run a statement that the contract suite compares: a driver loaded in this process, and
 * connect() with its child processes. What they answer is the same. They know nothing of tests; see subjects.ts.
 */
import { type Connection, connect } from 'forklite'
import { bindValues, type Parameters } from '../../lib/dbapi/values.ts'
import type {
  Awaitable,
  Driver,
  DriverConnection,
  DriverName,
  DriverStatement,
  SqlValue,
} from '../../lib/drivers/driver.ts'
import { DriverError, fromWire, toWire } from '../../lib/errors.ts'
import { Statement } from '../../lib/pool/router.ts'
import { parseSql } from '../../lib/sql/parse.ts'

/** What a statement came to, the same for both kinds. */
export interface Outcome {
  /** The names as they were before the first row was fetched; null where there is no result set. */
  readonly columns: string[] | null
  /** The declared types, null for one that is not told. */
  readonly types: (string | null)[] | null
  readonly rows: SqlValue[][]
  /** -1 for anything but INSERT, UPDATE, DELETE and REPLACE. */
  readonly rowcount: number
  readonly lastrowid: number | bigint | undefined
}

export interface OpenOptions {
  readonly readonly?: boolean
  /** How long a foreign lock is waited for. */
  readonly lockTimeoutMs?: number
}

/** A connection of either kind, in autocommit. It rejects with the PEP 249 errors that a user gets. */
export interface Runner {
  readonly inTransaction: boolean
  run(sql: string, params?: unknown): Promise<Outcome>
  close(): Promise<void>
}

const WRITING = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE'])

/** A driver of this process, used as a child uses it: what was prepared is kept and run again. */
export class DriverRunner implements Runner {
  readonly #connection: DriverConnection
  readonly #prepared = new Map<string, Awaitable<DriverStatement>>()

  private constructor(connection: DriverConnection) {
    this.#connection = connection
  }

  static open(driver: Driver, path: string, options: OpenOptions = {}): Promise<DriverRunner> {
    const { readonly = false, lockTimeoutMs: busyTimeoutMs = 0 } = options
    return inPublic(async () => {
      const runner = new DriverRunner(await driver.open(path, { readonly, busyTimeoutMs }))
      try {
        // As the pool sets them.
        const pragmas = ['foreign_keys = on', 'synchronous = off', 'trusted_schema = off']
        if (!readonly) pragmas.unshift('journal_mode = wal')
        for (const pragma of pragmas) await runner.#connection.exec(`pragma ${pragma}`)
        return runner
      } catch (error) {
        await runner.close()
        throw error
      }
    })
  }

  get inTransaction(): boolean {
    return this.#connection.inTransaction
  }

  run(sql: string, params?: unknown): Promise<Outcome> {
    return inPublic(async () => {
      const parsed = parseSql(sql)
      const values = bindValues(new Statement(parsed), params as Parameters)
      const statement = await this.#prepare(sql, parsed.names)
      const { columns, rows, changes, lastInsertRowid } = await statement.execute(values)
      const inserted = (parsed.verb === 'INSERT' || parsed.verb === 'REPLACE') && changes > 0
      return {
        columns: columns?.map(({ name }) => name) ?? null,
        types: columns?.map(({ type }) => type) ?? null,
        rows,
        // What is told of any other statement is wrong, and shall be seen.
        rowcount: WRITING.has(parsed.verb) || changes !== 0 ? changes : -1,
        lastrowid: inserted ? lastInsertRowid : undefined,
      }
    })
  }

  #prepare(sql: string, names: readonly (string | null)[]): Awaitable<DriverStatement> {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const statement = this.#connection.prepare(sql, names)
    this.#prepared.set(sql, statement)
    if (statement instanceof Promise) statement.catch(() => this.#prepared.delete(sql))
    return statement
  }

  async close(): Promise<void> {
    for (const statement of this.#prepared.values()) await (await statement).finalize()
    this.#prepared.clear()
    await this.#connection.close()
  }
}

/** Turns what a driver throws into what a user gets, as the Channel does. Anything else stays as it is. */
async function inPublic<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (thrown) {
    throw thrown instanceof DriverError ? fromWire(toWire(thrown)) : thrown
  }
}

/** connect(), and a cursor for each statement. */
export class PoolRunner implements Runner {
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  static async open(driver: DriverName, path: string, options: OpenOptions = {}): Promise<PoolRunner> {
    // What a crash of the machine would lose, no test can see.
    const pragmas = { synchronous: 'OFF' }
    const connection = await connect(path, { driver, readers: 1, autocommit: true, pragmas, ...options })
    return new PoolRunner(connection)
  }

  get inTransaction(): boolean {
    return this.#connection.inTransaction
  }

  async run(sql: string, params?: unknown): Promise<Outcome> {
    const cursor = this.#connection.cursor()
    await cursor.execute(sql, params as Parameters)
    const { description, declaredTypes, rowcount, lastrowid } = cursor
    return {
      columns: description?.map(([name]) => name) ?? null,
      types: declaredTypes === null ? null : [...declaredTypes],
      rows: description === null ? [] : await cursor.fetchall(),
      rowcount,
      lastrowid,
    }
  }

  /** Empties the database for the next test: to fork for each would take most of the suite's time. */
  async wipe(): Promise<void> {
    const connection = this.#connection
    if (connection.inTransaction) await connection.rollback()
    // A virtual table takes its own tables along, and nobody else may drop those.
    const virtual = "select name from sqlite_schema where sql like 'create virtual table%'"
    for (const [name] of await connection.execute(virtual).fetchall()) {
      await connection.execute(`drop table "${name}"`)
    }
    const rest =
      "select type, name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%'"
    // The newest first: a table is made after those it refers to.
    for (const [type, name] of (await connection.execute(rest).fetchall()).reverse()) {
      await connection.execute(`drop ${type} "${String(name).replaceAll('"', '""')}"`)
    }
    await connection.execute('pragma user_version = 0')
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }
}

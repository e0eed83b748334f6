/**
 * The contract suite's frame. Every `describeContract` runs for each driver twice: loaded here, behind the
 * driver interface (in-process), and behind connect() in child processes (through the pool). A driver that
 * cannot be used here is skipped, with the reason in the title.
 *
 * In this process no two drivers ever open the same file: two SQLite libraries cancel each other's locks.
 */
import { connect } from 'forklite'
import { bindValues, type Parameters } from '../../lib/dbapi/values.ts'
import type {
  Awaitable,
  Driver,
  DriverConnection,
  DriverName,
  DriverStatement,
  SqlValue,
} from '../../lib/drivers/driver.ts'
import { Error as DbapiError, DriverError, fromWire, toWire } from '../../lib/errors.ts'
import { Statement } from '../../lib/pool/router.ts'
import { parseSql } from '../../lib/sql/parse.ts'
import { DRIVERS } from '../drivers/contract.ts'
import { tempDir } from '../support/temp-dir.ts'

export type Kind = 'in-process' | 'through the pool'

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
class DriverRunner implements Runner {
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
class PoolRunner implements Runner {
  readonly #connection: Awaited<ReturnType<typeof connect>>

  private constructor(connection: Awaited<ReturnType<typeof connect>>) {
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
    const { description, rowcount, lastrowid } = cursor
    return {
      columns: description?.map(([name]) => name) ?? null,
      types: description?.map(([, type]) => type) ?? null,
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

/** What an engine was built with, and what a driver of this Node can. */
export interface Features {
  readonly json: boolean
  readonly fts5: boolean
  /** Whether `$a::b(c)` is a parameter. */
  readonly tclNames: boolean
  /** Whether text is read beyond its first NUL. */
  readonly nulInText: boolean
}

async function findFeatures(driver: Driver): Promise<Features> {
  const connection = await DriverRunner.open(driver, ':memory:')
  const works = (sql: string) =>
    connection.run(sql).then(
      () => true,
      () => false,
    )
  try {
    return {
      json: await works("select json('[1]')"),
      fts5: await works('create virtual table f using fts5 (x)'),
      tclNames:
        (await connection.run("select sqlite_compileoption_used('OMIT_TCL_VARIABLE')")).rows[0]![0] === 0,
      nulInText: (await connection.run("select 'a' || char(0) || 'b'")).rows[0]![0] === 'a\0b',
    }
  } finally {
    await connection.close()
  }
}

const FEATURES = new Map<DriverName, Features>()
for (const [name, driver] of DRIVERS) {
  if (typeof driver !== 'string') FEATURES.set(name, await findFeatures(driver))
}

/** What a test is given: one driver in one way, with an empty database for each test. */
export class Subject {
  readonly driver: DriverName
  readonly kind: Kind
  readonly features: Features
  readonly #loaded: Driver
  #runner: Runner | null = null
  #file: (name: string) => string = () => ''
  readonly #others: Runner[] = []

  constructor(driver: DriverName, loaded: Driver, kind: Kind) {
    this.driver = driver
    this.kind = kind
    this.features = FEATURES.get(driver)!
    this.#loaded = loaded
  }

  get #current(): Runner {
    if (this.#runner === null) throw new Error('a subject is there while a test runs')
    return this.#runner
  }

  get inTransaction(): boolean {
    return this.#current.inTransaction
  }

  run(sql: string, params?: unknown): Promise<Outcome> {
    return this.#current.run(sql, params)
  }

  async rows(sql: string, params?: unknown): Promise<SqlValue[][]> {
    return (await this.run(sql, params)).rows
  }

  async columns(sql: string, params?: unknown): Promise<string[] | null> {
    return (await this.run(sql, params)).columns
  }

  /** Runs several statements, one after the other. */
  async script(...statements: string[]): Promise<void> {
    for (const sql of statements) await this.run(sql)
  }

  /** The PEP 249 error that a statement ends with; fails when it succeeds or throws anything else. */
  error(sql: string, params?: unknown): Promise<DbapiError> {
    return errorOf(() => this.run(sql, params))
  }

  /** The path of another file of this driver's, in this test only. */
  file(name: string): string {
    return this.#file(name)
  }

  /** Another connection of this kind; closed after the test. */
  async open(path: string, options?: OpenOptions): Promise<Runner> {
    const runner =
      this.kind === 'in-process'
        ? await DriverRunner.open(this.#loaded, path, options)
        : await PoolRunner.open(this.driver, path, options)
    this.#others.push(runner)
    return runner
  }

  /** A stranger's connection to the same database: to a pool, that of another process. */
  other(): Promise<Runner> {
    return this.stranger(this.#file('test.db'))
  }

  /** A stranger's connection to a database; closed after the test. */
  async stranger(path: string): Promise<Runner> {
    const runner = await DriverRunner.open(this.#loaded, path)
    this.#others.push(runner)
    return runner
  }

  /** Registers the hooks with the block that is being described. */
  install(): void {
    if (this.kind === 'in-process') this.#installInProcess()
    else this.#installThroughThePool()
  }

  #installInProcess(): void {
    const dir = tempDir()
    this.#file = (name) => dir.file(name)
    beforeEach(async () => {
      this.#runner = await DriverRunner.open(this.#loaded, dir.file('test.db'))
    })
    afterEach(async () => {
      await this.#closeOthers()
      await this.#runner?.close()
      this.#runner = null
    })
  }

  #installThroughThePool(): void {
    const dir = tempDir('all')
    this.#file = (name) => dir.file(name)
    let runner: PoolRunner
    before(async () => {
      runner = await PoolRunner.open(this.driver, dir.file('test.db'))
      this.#runner = runner
    })
    afterEach(async () => {
      await this.#closeOthers()
      await runner.wipe()
    })
    after(async () => {
      await runner?.close()
      this.#runner = null
    })
  }

  async #closeOthers(): Promise<void> {
    for (const runner of this.#others.splice(0)) await runner.close()
  }
}

/** The PEP 249 error that a call ends with; fails when it succeeds, or throws anything else. */
export async function errorOf(call: () => Promise<unknown>): Promise<DbapiError> {
  try {
    await call()
  } catch (error) {
    if (error instanceof DbapiError) return error
    throw error
  }
  throw new Error('it succeeded, where an error was expected')
}

/**
 * Runs what the sqlite3 package may refuse, if it then says so, tells a way round and has changed nothing:
 * null when it did. Every other driver has no such choice.
 */
export async function runOrRefuse(db: Subject, sql: string, params?: unknown): Promise<Outcome | null> {
  if (db.driver !== 'sqlite3') return db.run(sql, params)
  try {
    return await db.run(sql, params)
  } catch (error) {
    const { name, code, message } = error as DbapiError
    const refused =
      (name === 'DataError' || name === 'NotSupportedError') &&
      code === 'UNSUPPORTED' &&
      /nothing was changed: .*npm install better-sqlite3/.test(message)
    if (refused) return null
    throw error
  }
}

const KINDS: readonly Kind[] = ['in-process', 'through the pool']

/** Registers the tests for each driver and kind: "contract: <title> <driver>, <kind> <test>". */
export function describeContract(title: string, tests: (db: Subject) => void): void {
  describe(`contract: ${title}`, () => {
    for (const [name, driver] of DRIVERS) {
      for (const kind of KINDS) {
        if (typeof driver === 'string') {
          describe(`${name}, ${kind}`, () => {
            it.skip(`(skipped: ${driver})`)
          })
        } else {
          describe(`${name}, ${kind}`, () => {
            const subject = new Subject(name, driver, kind)
            subject.install()
            tests(subject)
          })
        }
      }
    }
  })
}

/**
 * The contract suite's frame. Every `describeContract` runs for each driver twice: loaded here, behind the
 * driver interface (in-process), and behind connect() in child processes (through the pool). A driver that
 * cannot be used here is skipped, with the reason in the title.
 *
 * In this process no two drivers ever open the same file: two SQLite libraries cancel each other's locks.
 */
import type { Driver, DriverName, SqlValue } from '../../lib/drivers/driver.ts'
import { Error as DbapiError } from '../../lib/errors.ts'
import { DRIVERS } from '../drivers/contract.ts'
import { tempDir } from '../support/temp-dir.ts'
import { DriverRunner, type OpenOptions, type Outcome, PoolRunner, type Runner } from './runners.ts'

export type Kind = 'in-process' | 'through the pool'

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
 * Runs what the sqlite3 package may refuse, if it then says so by this class, tells a way round and has changed
 * nothing: null when it did. Every other driver has no such choice.
 */
export async function runOrRefuse(
  db: Subject,
  refusal: 'DataError' | 'NotSupportedError',
  sql: string,
  params?: unknown,
): Promise<Outcome | null> {
  if (db.driver !== 'sqlite3') return db.run(sql, params)
  try {
    return await db.run(sql, params)
  } catch (error) {
    const { name, code, message } = error as DbapiError
    const refused =
      name === refusal &&
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

/**
 * The frame for what only a driver's own interface shows: every `describeEachDriver` runs once for each driver,
 * in this process, on files that no other driver opens (two SQLite libraries in one process cancel each other's
 * locks). A driver that cannot be loaded here is skipped, with the reason in the title. What a user sees of a
 * driver is in spec/contract.
 */
import type {
  Driver,
  DriverConnection,
  DriverName,
  ExecuteResult,
  OpenOptions,
  SqlValue,
} from '../../lib/drivers/driver.ts'
import { DRIVER_NAMES } from '../../lib/drivers/driver.ts'
import { loadDriver } from '../../lib/drivers/load.ts'
import { resolveDrivers } from '../../lib/pool/driver-path.ts'
import { parseSql } from '../../lib/sql/parse.ts'
import { tempDir } from '../support/temp-dir.ts'

async function tryToLoad(name: DriverName): Promise<Driver | string> {
  try {
    const [candidate] = resolveDrivers(name)
    return await loadDriver(name, candidate!.path)
  } catch (error) {
    return (error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 120)
  }
}

/** Each driver, or why it cannot be loaded here. */
export const DRIVERS: ReadonlyMap<DriverName, Driver | string> = await loadAll()

async function loadAll(): Promise<Map<DriverName, Driver | string>> {
  const drivers = new Map<DriverName, Driver | string>()
  for (const name of DRIVER_NAMES) drivers.set(name, await tryToLoad(name))
  return drivers
}

/** Every loadable driver's own directory, and connections that are closed after each test. */
export interface Subject {
  readonly name: DriverName
  readonly driver: Driver
  /** The absolute path of a file of this test. */
  file(name?: string): string
  open(path?: string, options?: Partial<OpenOptions>): Promise<TestConnection>
}

/** Registers the tests once for each driver. */
export function describeEachDriver(title: string, tests: (subject: Subject) => void): void {
  describe(title, () => {
    for (const [name, driver] of DRIVERS) {
      if (typeof driver === 'string') {
        describe(`${name} (skipped: ${driver})`, () => {
          it('runs the contract', function () {
            this.skip()
          })
        })
      } else {
        describe(name, () => describeDriver(name, driver, tests))
      }
    }
  })
}

function describeDriver(name: DriverName, driver: Driver, tests: (subject: Subject) => void): void {
  const open: TestConnection[] = []
  const dir = tempDir()
  const file = (base = 'test.db') => dir.file(base)
  afterEach(async () => {
    for (const connection of open.splice(0)) await connection.close()
  })
  tests({
    name,
    driver,
    file,
    async open(path = file(), options = {}) {
      const raw = await driver.open(path, { readonly: false, busyTimeoutMs: 0, ...options })
      const connection = new TestConnection(raw)
      open.push(connection)
      return connection
    },
  })
}

export class TestConnection {
  readonly raw: DriverConnection

  constructor(raw: DriverConnection) {
    this.raw = raw
  }

  get inTransaction(): boolean {
    return this.raw.inTransaction
  }

  async prepare(sql: string) {
    return await this.raw.prepare(sql, parseSql(sql).names)
  }

  /** Prepares, executes and finalizes. */
  async run(sql: string, ...params: SqlValue[]): Promise<ExecuteResult> {
    const statement = await this.prepare(sql)
    try {
      return await statement.execute(params)
    } finally {
      await statement.finalize()
    }
  }

  async rows(sql: string, ...params: SqlValue[]): Promise<SqlValue[][]> {
    return (await this.run(sql, ...params)).rows
  }

  async names(sql: string, ...params: SqlValue[]): Promise<string[] | null> {
    return (await this.run(sql, ...params)).columns?.map(({ name }) => name) ?? null
  }

  async exec(sql: string): Promise<void> {
    await this.raw.exec(sql)
  }

  async close(): Promise<void> {
    await this.raw.close()
  }
}

/** What the call throws; fails when it throws nothing. */
export async function thrownBy(call: () => unknown): Promise<Error & { code: string }> {
  try {
    await call()
  } catch (error) {
    return error as Error & { code: string }
  }
  throw new Error('nothing was thrown')
}

/**
 * CaseDatabases: an empty database for each case of a `.sqltest` file: a file, behind its writer and readers. To
 * fork a pool for each of thousands would take minutes, so most cases run one after the other in one, and what
 * each has made is dropped. Whatever could leave a trace, or see one, gets a database for itself. Runs in the
 * runner's process.
 */
import { join } from 'node:path'
import { type Connection, connect } from 'forklite'
import { type Database, type DriverName, withinTime } from './database.ts'
import { ForkliteDatabase, optionsFor, type Reading } from './forklite-database.ts'
import type { SqltestCase } from './sqltest-parse.ts'

/** Pragmas that only ask, and of tables and indexes that the case has made. */
const ASKING =
  /\bpragma(?:\s+|_)(?:integrity_check|quick_check|table_x?info|index_x?info|index_list|foreign_key_list)\b/gi

/** What shows that a database is a file, where a case has declared `:memory:`; and which pages others have used. */
const SHOWS_FILE = words('pragma', 'rootpage', 'dbstat', 'sqlite_dbpage')

/** Besides, what belongs to a connection, counts what it did, or stays in a file, as sqlite_sequence does. */
const TRACES = words(
  ...['pragma', 'rootpage', 'dbstat', 'sqlite_dbpage'],
  ...['attach', 'detach', 'temp', 'temporary', 'changes', 'total_changes', 'last_insert_rowid'],
  ...['autoincrement', 'vacuum'],
)

/** Any of them as a word; `pragma_page_count` is a pragma too. */
function words(...all: string[]): RegExp {
  return new RegExp(`\\b(?:${all.join('|')})(?:\\b|_)`, 'i')
}

/** Whether a case is run in a database that no other case has used. */
export function needsOwn(test: SqltestCase): boolean {
  return TRACES.test(textOf(test))
}

/** All SQL of a case, without what is harmless. */
function textOf({ setups, sql }: SqltestCase): string {
  return [...setups.map((setup) => setup.sql ?? ''), sql].join('\n').replace(ASKING, '')
}

export class CaseDatabases {
  readonly #folder: string
  readonly #driver: DriverName
  readonly #reading: Reading
  /** The file that is shared, and the connection that keeps its processes; null until a case needs it. */
  #shared: { readonly path: string; readonly keeper: Connection } | null = null
  #files = 0

  /** Files are made in `folder`, which nobody else uses. */
  constructor(folder: string, driver: DriverName, reading: Reading) {
    this.#folder = folder
    this.#driver = driver
    this.#reading = reading
  }

  /** Calls `use` with an empty database. */
  async with<T>(test: SqltestCase, use: (database: Database) => Promise<T>): Promise<T> {
    return needsOwn(test) ? this.withOwn(test, use) : this.#withShared(use)
  }

  /** Calls `use` with a database that only it uses: a file, or `:memory:` where it could see the difference. */
  async withOwn<T>(test: SqltestCase, use: (database: Database) => Promise<T>): Promise<T> {
    const path = SHOWS_FILE.test(textOf(test)) ? ':memory:' : this.#newFile()
    const database = await ForkliteDatabase.open(path, this.#driver, this.#reading)
    return use(database).finally(() => database.close())
  }

  async close(): Promise<void> {
    const shared = this.#shared
    this.#shared = null
    // If it hangs, its processes end with this one.
    if (shared !== null) await withinTime(shared.keeper.close()).catch(() => {})
  }

  async #withShared<T>(use: (database: Database) => Promise<T>): Promise<T> {
    const { path, keeper } = await this.#open()
    const database = await ForkliteDatabase.open(path, this.#driver, this.#reading)
    try {
      return await use(database).finally(() => database.close())
    } finally {
      const clean = await withinTime(clear(keeper)).catch(() => false)
      if (!clean) await this.close()
    }
  }

  #newFile(): string {
    return join(this.#folder, `cases-${++this.#files}.db`)
  }

  async #open(): Promise<{ readonly path: string; readonly keeper: Connection }> {
    if (this.#shared === null) {
      const path = this.#newFile()
      this.#shared = { path, keeper: await connect(path, optionsFor(this.#driver)) }
    }
    return this.#shared
  }
}

/** What a case has made, virtual tables first: they take tables of their own along. */
const MADE = `
  select type, name from sqlite_schema
  where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' or name like 'sqlite\\_stat_' escape '\\'
  order by sql like 'create virtual table%' desc, rowid desc`

/** Drops all there is, and tells whether then there is nothing. */
async function clear(keeper: Connection): Promise<boolean> {
  for (const [type, name] of await keeper.execute(MADE).fetchall()) {
    await keeper.execute(`drop ${type} if exists "${String(name).replaceAll('"', '""')}"`)
  }
  return (await keeper.execute('select 1 from sqlite_schema').fetchall()).length === 0
}

/**
 * Settings: what every connection of this child is to have though SQLite keeps it for each alone: attached files
 * and pragmas. Runs in the child. A connection gets what it lacks before its next statement; the pool sees to it
 * that all children have the same settings.
 */
import { existsSync } from 'node:fs'
import type { Awaitable, Column, DriverConnection, RowValues } from '../drivers/driver.ts'
import { DriverError } from '../errors.ts'
import { type Setting, withSetting } from '../ipc/settings.ts'
import { chain } from './awaitable.ts'
import { readPragma } from './pragmas.ts'
import { finalizeQuietly } from './statements.ts'

/** What a setting gives: a pragma may have rows. */
export interface SettingResult {
  readonly rows: RowValues[]
  readonly columns: readonly Column[] | null
}

export interface SettingsOptions {
  /** Those in force when the child was started. */
  readonly settings: readonly Setting[]
  /** Pragmas that SQLite has for each attached file, by their own words. */
  readonly filePragmas: readonly [name: string, value: string | number][]
  /** Whether an attached file is put into WAL: by the writer, before readers open it. */
  readonly setsWal: boolean
}

/** What one connection has of them. */
export class AppliedSettings {
  /** Of the Settings it has all of. */
  version = 0
  all: readonly Setting[] = []
}

export class Settings {
  #all: readonly Setting[]
  #version: number
  readonly #filePragmas: SettingsOptions['filePragmas']
  readonly #setsWal: boolean

  constructor({ settings, filePragmas, setsWal }: SettingsOptions) {
    this.#all = settings
    this.#version = settings.length
    this.#filePragmas = filePragmas
    this.#setsWal = setsWal
  }

  /** Whether a connection lacks something. */
  lacks(applied: AppliedSettings): boolean {
    return applied.version !== this.#version
  }

  /** Takes a setting that another child has tried out: each connection gets it before its next statement. */
  adopt(setting: Setting): void {
    this.#all = withSetting(this.#all, setting)
    this.#version++
  }

  /** Gives a connection what it lacks, and takes from it what is no more. It is in no transaction. */
  apply(connection: DriverConnection, applied: AppliedSettings): Awaitable<void> {
    const version = this.#version
    return chain(this.#make(connection, applied, this.#lacking(applied)), () => {
      applied.version = version
    })
  }

  /** Makes a setting on this connection first; what SQLite says against it is thrown, and it is none then. */
  async set(
    connection: DriverConnection,
    applied: AppliedSettings,
    setting: Setting,
  ): Promise<SettingResult> {
    const [kind] = setting
    let result: SettingResult = { rows: [], columns: null }
    // Whoever detaches a file may do so because it cannot be attached any more.
    if (kind !== 'detach') await this.apply(connection, applied)
    if (kind === 'attach') await this.#attach(connection, setting)
    else if (kind === 'detach') await this.#detach(connection, applied, setting)
    else result = await ask(connection, sqlOf(setting))
    applied.all = withSetting(applied.all, setting)
    const upToDate = !this.lacks(applied)
    this.adopt(setting)
    if (upToDate) applied.version = this.#version
    return result
  }

  async #attach(connection: DriverConnection, setting: Setting): Promise<void> {
    const [, name] = setting
    await connection.exec(sqlOf(setting))
    try {
      await connection.exec(this.#pragmasOf(name))
      // Of a file that cannot be written SQLite tells the mode it is in: it is read as it is.
      if (this.#setsWal) await readPragma(connection, `${quoted(name)}.journal_mode = WAL`)
    } catch (thrown) {
      await connection.exec(sqlOf(['detach', name, '']))
      throw thrown
    }
  }

  async #detach(connection: DriverConnection, { all }: AppliedSettings, setting: Setting): Promise<void> {
    const attached = (settings: readonly Setting[]): boolean =>
      settings.some(([kind, name]) => kind === 'attach' && name === setting[1])
    if (this.#setsWal && attached(all)) await checkpoint(connection, setting[1])
    if (attached(all) || !attached(this.#all)) await connection.exec(sqlOf(setting))
  }

  #lacking({ all }: AppliedSettings): Setting[] {
    // By identity: the same words again, after others, may mean another file, or undo another pragma.
    const detached = all
      .filter((setting) => setting[0] === 'attach' && !this.#all.includes(setting))
      .map(([, name]): Setting => ['detach', name, ''])
    const left = detached.reduce(withSetting, all)
    return [...detached, ...this.#all.filter((setting) => !left.includes(setting))]
  }

  #make(
    connection: DriverConnection,
    applied: AppliedSettings,
    [setting, ...rest]: readonly Setting[],
  ): Awaitable<void> {
    if (setting === undefined) return undefined
    const [kind, name] = setting
    if (kind === 'attach') expectFile(setting)
    const made = chain(connection.exec(sqlOf(setting)), () =>
      kind === 'attach' ? connection.exec(this.#pragmasOf(name)) : undefined,
    )
    return chain(made, () => {
      applied.all = withSetting(applied.all, setting)
      return this.#make(connection, applied, rest)
    })
  }

  #pragmasOf(schema: string): string {
    return this.#filePragmas.map(([name, value]) => `PRAGMA ${quoted(schema)}.${name} = ${value};`).join('')
  }
}

// SQLite would make a new one of that name.
function expectFile([, name, path]: Setting): void {
  if (existsSync(path)) return
  throw new DriverError(
    'SQLITE_CANTOPEN',
    `unable to open database file: ${path}, which was attached as ${name}, is gone; put it back, or DETACH ${quoted(name)}`,
  )
}

// The readers let go of the file later, and cannot: its newest rows would stay in its -wal for good.
async function checkpoint(connection: DriverConnection, schema: string): Promise<void> {
  try {
    await ask(connection, `PRAGMA ${quoted(schema)}.wal_checkpoint(PASSIVE)`)
  } catch {}
}

async function ask(connection: DriverConnection, sql: string): Promise<SettingResult> {
  const statement = await connection.prepare(sql, [])
  try {
    const { rows, columns } = await statement.execute([])
    return { rows, columns }
  } finally {
    finalizeQuietly(statement)
  }
}

function sqlOf([kind, name, value]: Setting): string {
  if (kind === 'pragma') return value
  if (kind === 'detach') return `DETACH ${quoted(name)}`
  return `ATTACH '${value.replaceAll("'", "''")}' AS ${quoted(name)}`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

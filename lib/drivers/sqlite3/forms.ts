/**
 * The driver for sqlite3 (npm): one statement compiled in several forms, and what is known of its columns. Runs
 * in the child. A form is the text as it stands or one that rewrite.ts makes of it.
 */
import { NotSupportedError } from '../../errors.ts'
import type { ParsedSql } from '../../sql/parse.ts'
import { sameOr } from '../columns.ts'
import type { Column } from '../driver.ts'
import type { Sqlite3Connection } from './connection.ts'
import { namesInPlace, originalNames } from './names.ts'
import type { Native, RowObject } from './native.ts'
import { lastPlaces, neverEmpty, places } from './rewrite.ts'
import { Shape } from './shape.ts'
import { castParameters, withoutCasts } from './text.ts'
import { type Encoded, isWhole } from './values.ts'

/** How many forms are kept; each combination of large integers among the parameters has its own. */
const MAX_FORMS = 12

export class Forms {
  readonly parsed: ParsedSql
  readonly parameterCount: number
  readonly #connection: Sqlite3Connection
  /** By the kind of the form and the numbers of those parameters that are cast; '' is the text as it stands. */
  readonly #natives = new Map<string, Native>()
  #columns: readonly Column[] | null = null
  /** What the connection's schemaStamp() was when #columns were asked for; '' if they were not. */
  #stamp = ''

  private constructor(
    connection: Sqlite3Connection,
    parsed: ParsedSql,
    parameterCount: number,
    native: Native,
  ) {
    this.#connection = connection
    this.parsed = parsed
    this.parameterCount = parameterCount
    this.#natives.set('', native)
  }

  /** Compiles the text as it stands, so that SQLite says now what is wrong with it. */
  static async of(connection: Sqlite3Connection, parsed: ParsedSql, parameterCount: number): Promise<Forms> {
    return new Forms(connection, parsed, parameterCount, await connection.compile(parsed.sql))
  }

  /** The text as it stands. */
  plain(params: Encoded): Promise<Native> {
    return this.form('', params, (sql) => sql)
  }

  /** The form of this kind for these parameters. The one not used for longest makes room for a new one, never the text as it stands. */
  async form(kind: string, params: Encoded, rewrite: (sql: string) => string): Promise<Native> {
    const key = kind + [...params.cast].join()
    const known = this.#natives.get(key)
    if (known !== undefined) {
      // To the end: what is being read must not make room.
      this.#natives.delete(key)
      this.#natives.set(key, known)
      return known
    }
    const native = await this.#connection.compile(rewrite(this.text(params)))
    if (this.#natives.size > MAX_FORMS) {
      const oldest = [...this.#natives.keys()].find((other) => other !== '')!
      await this.#forget(oldest)
    }
    this.#natives.set(key, native)
    return native
  }

  /** Forgets all forms that were made for another number of columns. */
  async forget(): Promise<void> {
    for (const key of this.#natives.keys()) if (key !== '') await this.#forget(key)
  }

  async finalize(): Promise<void> {
    for (const native of this.#natives.values()) await this.#connection.finalize(native)
    this.#natives.clear()
  }

  /** Columns of these names; the same array as long as they are the same. */
  columns(names: readonly string[]): readonly Column[] {
    const columns = names.map((name) => ({ name: withoutCasts(name), type: null }))
    const before = this.#columns
    this.#columns = sameOr(before, columns)
    if (this.#columns !== before) this.#stamp = ''
    return this.#columns
  }

  /** The columns of a SELECT or VALUES, asked for by themselves: no rows tell none, and neither do exact ones. */
  async askColumns(params: Encoded, columnCount: number): Promise<readonly Column[]> {
    const stamp = await this.#connection.schemaStamp()
    if (this.#columns !== null && this.#stamp === stamp) return this.#columns
    const ask: Ask = (kind, rewrite, read) =>
      this.form(kind, params, rewrite).then((native) => read(native, params.values))
    const columns = this.columns(await askNames(ask, columnCount, this.parameterCount))
    this.#stamp = stamp
    return columns
  }

  /** The text with casts where these parameters want them. */
  text({ cast }: Encoded): string {
    return cast.size === 0 ? this.parsed.sql : castParameters(this.parsed.sql, cast)
  }

  async #forget(key: string): Promise<void> {
    const native = this.#natives.get(key)
    this.#natives.delete(key)
    if (native !== undefined) await this.#connection.finalize(native)
  }
}

/** The column names of a SELECT that is asked for nothing else. */
export async function namesOf(connection: Sqlite3Connection, select: string): Promise<string[]> {
  const ask: Ask = (_, rewrite, read) => connection.once(rewrite(select), (native) => read(native, []))
  const names = async () => askNames(ask, (await Shape.of(connection, select)).columnCount, 0)
  // EXPLAIN goes by the schema as this connection last saw it. Where another has changed it, the next step of
  // any form fails, and has read it anew.
  return names().catch(names)
}

/** Runs a form of the statement in question. */
type Ask = <T>(
  kind: string,
  rewrite: (sql: string) => string,
  read: (native: Native, params: Encoded['values']) => Promise<T>,
) => Promise<T>

/** A statement's column names: by a row that has them, and where that does not tell all, by the names in a subquery. */
async function askNames(ask: Ask, columnCount: number, parameterCount: number): Promise<string[]> {
  const names = await ask('names ', (sql) => neverEmpty(sql, columnCount, parameterCount), firstKeys)
  if (isWhole(names, columnCount)) return names
  const row = await ask('places ', (sql) => places(sql, columnCount), first)
  const given = namesInPlace(row, columnCount)
  let original = originalNames(given, { names, lastPlaces: null })
  if (original === null) {
    const last = await ask('last ', (sql) => lastPlaces(sql, columnCount, parameterCount), first)
    const known = { names: Object.keys(last), lastPlaces: Object.values(last) as number[] }
    original = originalNames(given, known)
  }
  if (original !== null) return original
  throw new NotSupportedError(
    'sqlite3 cannot tell the columns apart: give each a name of its own, or npm install better-sqlite3',
    { code: 'UNSUPPORTED' },
  )
}

async function first(native: Native, params: Encoded['values']): Promise<RowObject> {
  const row = await native.first(params)
  await native.reset()
  return row!
}

async function firstKeys(native: Native, params: Encoded['values']): Promise<string[]> {
  return Object.keys(await first(native, params))
}

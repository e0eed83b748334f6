/**
 * The driver for sqlite3 (npm): INSERT, UPDATE, DELETE and REPLACE with RETURNING. Runs in the child. It cannot
 * stand in a subquery and has effects, so it runs in a savepoint: when its rows are not certain it is undone and
 * run in a form that tells, and undone and refused where there is no such form.
 */
import { DriverError, NotSupportedError } from '../../errors.ts'
import { Lexer } from '../../sql/lexer.ts'
import { resultTooLarge, rowBytes, whole } from '../chunk.ts'
import type { ExecuteResult, RowValues } from '../driver.ts'
import type { Sqlite3Connection } from './connection.ts'
import { type Forms, namesOf } from './forms.ts'
import type { Native, RowObject } from './native.ts'
import { expand, returningAsSelect, returningExactly, takeApart } from './rewrite-returning.ts'
import { Shape } from './shape.ts'
import type { Runner } from './statement.ts'
import { decodeMarked, type Encoded, isSafe, isWhole, valuesOf } from './values.ts'

const SAVEPOINT = 'forklite_returning'

/** What there is to know of a RETURNING clause under one schema. */
interface Look {
  readonly stamp: string
  /** The names of its columns. */
  readonly names: readonly string[]
  /** The columns of its table. */
  readonly table: readonly string[]
}

export class ReturningStatement implements Runner {
  readonly #connection: Sqlite3Connection
  readonly #forms: Forms
  readonly #shape: Shape
  /** Whether the text itself says how many rows there can be. */
  readonly #bounded: boolean
  /** Once a row was not what it seemed, the exact form is used from the start. */
  #exact = false
  #seen: Look | null = null
  /** What SQLite said of the run that failed last. */
  #thrown: unknown = null

  private constructor(connection: Sqlite3Connection, forms: Forms, shape: Shape) {
    this.#connection = connection
    this.#forms = forms
    this.#shape = shape
    this.#bounded = insertsValues(forms.parsed.sql)
  }

  static async of(connection: Sqlite3Connection, forms: Forms): Promise<ReturningStatement> {
    return new ReturningStatement(connection, forms, await Shape.of(connection, forms.parsed.sql))
  }

  async run(params: Encoded): Promise<ExecuteResult> {
    await this.#shape.refresh()
    await this.#connection.runScript(`SAVEPOINT ${SAVEPOINT}`)
    let result: ExecuteResult
    try {
      result = (this.#exact ? null : await this.#asItStands(params)) ?? (await this.#exactly(params))
    } catch (thrown) {
      // What the statement itself threw SQLite has undone as it should, which of OR FAIL is not all; and OR
      // ROLLBACK has left no savepoint.
      if (thrown === this.#thrown) await this.#release().catch(() => {})
      else await this.#undo()
      throw thrown
    }
    await this.#release()
    return result
  }

  /** Null when the rows are not certain: then nothing was changed. */
  async #asItStands(params: Encoded): Promise<ExecuteResult | null> {
    const rows = await this.#rows(await this.#forms.plain(params), params)
    const names = Object.keys(rows[0] ?? {})
    if (rows.length === 0) return this.#result((await this.#look()).names, [])
    if (isWhole(names, this.#shape.columnCount) && rows.every(isSafe)) {
      return this.#result(names, rows.map(valuesOf))
    }
    this.#exact = true
    await this.#connection.runScript(`ROLLBACK TO ${SAVEPOINT}`)
    return null
  }

  async #exactly(params: Encoded): Promise<ExecuteResult> {
    for (;;) {
      const { stamp, names, table } = await this.#look()
      const rows = await this.#rows(await this.#exactForm(params, table), params)
      // Before the first change another process could still change what `*` stands for. Now it cannot.
      if ((await this.#connection.schemaStamp()) === stamp) return this.#result(names, rows.map(decodeMarked))
      await this.#connection.runScript(`ROLLBACK TO ${SAVEPOINT}`)
    }
  }

  async #exactForm(params: Encoded, table: readonly string[]): Promise<Native> {
    try {
      return await this.#forms.form('returning ', params, (sql) =>
        returningExactly(expand(takeApart(sql)!, table), table[0]!),
      )
    } catch (thrown) {
      throw refused(thrown)
    }
  }

  /** What the clause returns and what its table has, as the schema is now. */
  async #look(): Promise<Look> {
    const stamp = await this.#connection.schemaStamp()
    if (this.#seen?.stamp === stamp) return this.#seen
    try {
      const apart = takeApart(this.#forms.parsed.sql)
      if (apart === null) throw new Error('not understood')
      const names = await namesOf(this.#connection, returningAsSelect(apart))
      const table = await namesOf(this.#connection, `SELECT * FROM ${apart.table}`)
      await this.#forms.forget()
      this.#seen = { stamp, names, table }
      return this.#seen
    } catch (thrown) {
      throw refused(thrown)
    }
  }

  /** All rows, as long as they are not too many. */
  async #rows(native: Native, params: Encoded): Promise<RowObject[]> {
    const most = this.#connection.maxResultBytes
    const rows: RowObject[] = []
    let bytes = 0
    const add = (row: RowObject): void => {
      rows.push(row)
      bytes += rowBytes(valuesOf(row))
      if (bytes > most) throw resultTooLarge(most)
    }
    try {
      if (most === Infinity) return await native.all(params.values)
      if (this.#bounded) for (const row of await native.all(params.values)) add(row)
      else for (let row = await native.first(params.values); row !== null; row = await native.next()) add(row)
    } catch (thrown) {
      if (thrown instanceof DriverError) this.#thrown = thrown
      else await native.reset()
      throw thrown
    }
    return rows
  }

  async #result(names: readonly string[], rows: RowValues[]): Promise<ExecuteResult> {
    const columns = this.#forms.columns(names)
    return { columns, ...whole(rows), ...(await this.#connection.counts()) }
  }

  async #release(): Promise<void> {
    try {
      await this.#connection.runScript(`RELEASE ${SAVEPOINT}`)
    } catch (thrown) {
      // Outside a transaction it is a COMMIT, which may find the database locked.
      await this.#undo().catch(() => {})
      throw thrown
    }
  }

  #undo(): Promise<void> {
    return this.#connection.runScript(`ROLLBACK TO ${SAVEPOINT}; RELEASE ${SAVEPOINT}`)
  }
}

/** Whether it is an INSERT of VALUES: it gives no more rows than the text has. */
function insertsValues(sql: string): boolean {
  const lexer = new Lexer(sql)
  let depth = 0
  let values = false
  while (lexer.next() !== 'end') {
    if (lexer.kind === '(') depth++
    else if (lexer.kind === ')') depth--
    else if (depth === 0 && lexer.isWord('select')) return false
    else if (depth === 0 && lexer.isWord('values')) values = true
  }
  return values
}

function refused(cause: unknown): NotSupportedError {
  return new NotSupportedError(
    'sqlite3 cannot tell the rows of this RETURNING, nothing was changed: give each column a name of its own that is no number, cast integers beyond 2^53 to text, or npm install better-sqlite3',
    { code: 'UNSUPPORTED', cause },
  )
}

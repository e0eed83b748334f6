/**
 * The driver for sqlite3 (npm): its statements. Runs in the child. A statement is run as it stands, and when
 * its rows may not be what SQLite said (a column gone, an integer rounded) it is run again in a form that
 * tells; what cannot be run again is undone and refused.
 */
import { DataError, DriverError, NotSupportedError } from '../errors.ts'
import { Lexer } from '../sql/lexer.ts'
import { type ParsedSql, parseSql } from '../sql/parse.ts'
import { isBoundAsInteger, wrongCount } from './binding.ts'
import { whole } from './chunk.ts'
import { noStatement } from './codes.ts'
import { sameOr } from './columns.ts'
import type { Column, DriverStatement, ExecuteResult, RowValues, SqlValue } from './driver.ts'
import type { NativeStatement, RowObject, Sqlite3Connection } from './sqlite3.ts'
import {
  castParameters,
  exactly,
  namesInPlace,
  originalNames,
  places,
  returningAsSelect,
  withoutCasts,
} from './sqlite3-rewrite.ts'

const WRITING = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE'])

/** What executions with other large integers than before are compiled to, of one statement; see #native. */
const MAX_VARIANTS = 8

const MIN_INT32 = -(2 ** 31)
const MAX_INT32 = 2 ** 31 - 1
const MAX_INT64 = 2 ** 63
const { MAX_SAFE_INTEGER } = Number

export async function prepareStatement(
  connection: Sqlite3Connection,
  sql: string,
  names: readonly (string | null)[],
): Promise<DriverStatement> {
  const parsed = parseSql(sql)
  const { verb } = parsed
  if (parsed.statements === 0) throw noStatement()
  const native = await connection.compile(sql)
  const common = [connection, parsed, names.length, native] as const
  try {
    if (verb === 'SELECT' || verb === 'VALUES')
      return new ReadStatement(...common, await countColumns(connection, sql))
    if (WRITING.has(verb) && parsed.returning) {
      return new ReturningStatement(...common, await countColumns(connection, sql))
    }
  } catch (thrown) {
    await connection.finalize(native)
    throw thrown
  }
  if (WRITING.has(verb)) return new WriteStatement(...common)
  return new OtherStatement(...common)
}

/** How many columns a statement has, duplicates too: its program says so. 0 when it gives no rows. */
async function countColumns(connection: Sqlite3Connection, sql: string): Promise<number> {
  const program = await connection.ask(`EXPLAIN ${sql}`)
  return (program.find(({ opcode }) => opcode === 'ResultRow')?.p2 as number | undefined) ?? 0
}

abstract class BaseStatement implements DriverStatement {
  protected readonly connection: Sqlite3Connection
  protected readonly parsed: ParsedSql
  readonly #parameterCount: number
  /** The statement compiled, by the numbers of those parameters that are cast; '' is the text as it stands. */
  readonly #natives = new Map<string, NativeStatement>()
  protected columns: readonly Column[] | null = null

  constructor(
    connection: Sqlite3Connection,
    parsed: ParsedSql,
    parameterCount: number,
    native: NativeStatement,
  ) {
    this.connection = connection
    this.parsed = parsed
    this.#parameterCount = parameterCount
    this.#natives.set('', native)
  }

  execute(params: readonly SqlValue[]): Promise<ExecuteResult> {
    return this.connection.inTurn(() => {
      if (params.length !== this.#parameterCount) {
        throw new DriverError('SQLITE_MISUSE', wrongCount(this.#parameterCount, params.length))
      }
      const { verb, rollbackTo } = this.parsed
      return this.connection.track(verb, rollbackTo, () => this.run(encode(params)))
    })
  }

  protected abstract run(params: Encoded): Promise<ExecuteResult>

  finalize(): Promise<void> {
    return this.connection.inTurn(async () => {
      for (const native of this.#natives.values()) await this.connection.finalize(native)
      this.#natives.clear()
    })
  }

  /**
   * The statement compiled for these parameters, and under a name in the form that `rewrite` gives it. The
   * oldest form makes room, never the text as it stands.
   */
  protected async native(
    params: Encoded,
    form = '',
    rewrite: (sql: string) => string = (sql) => sql,
  ): Promise<NativeStatement> {
    const key = `${form}${[...params.cast].join()}`
    const known = this.#natives.get(key)
    if (known !== undefined) return known
    const sql = params.cast.size === 0 ? this.parsed.sql : castParameters(this.parsed.sql, params.cast)
    const native = await this.connection.compile(rewrite(sql))
    if (this.#natives.size > MAX_VARIANTS) {
      const oldest = [...this.#natives.keys()].find((other) => other !== '')!
      await this.forget(oldest)
    }
    this.#natives.set(key, native)
    return native
  }

  protected async forget(key: string): Promise<void> {
    const native = this.#natives.get(key)
    this.#natives.delete(key)
    if (native !== undefined) await this.connection.finalize(native)
  }

  protected async forgetForms(): Promise<void> {
    for (const key of this.#natives.keys()) if (key !== '') await this.forget(key)
  }

  protected named(names: readonly string[]): readonly Column[] {
    const columns = names.map((name) => ({ name: withoutCasts(name), type: null }))
    this.columns = sameOr(this.columns, columns)
    return this.columns
  }
}

/** SELECT and VALUES. */
class ReadStatement extends BaseStatement {
  #columnCount: number
  #epoch: number
  /** Once a row was not what it seemed, the exact form is used from the start. */
  #exact = false
  /** The column names of a row, where one was seen. */
  #seen: ReadonlySet<string> | null = null

  constructor(
    connection: Sqlite3Connection,
    parsed: ParsedSql,
    parameterCount: number,
    native: NativeStatement,
    columnCount: number,
  ) {
    super(connection, parsed, parameterCount, native)
    this.#columnCount = columnCount
    this.#epoch = connection.schemaEpoch
  }

  protected async run(params: Encoded): Promise<ExecuteResult> {
    // `*` may stand for more columns than before. Another process's ALTER is not seen here: it is seen by
    // names that change, and by forms that no longer compile.
    if (this.#epoch !== this.connection.schemaEpoch) await this.#countAgain()
    if (!this.#exact) {
      const rows = await this.connection.all(await this.native(params), params.values)
      if (rows.length === 0) return read(await this.#names(params), [])
      const names = Object.keys(rows[0]!)
      if (isWhole(names, this.#columnCount) && rows.every(isSafe)) {
        return read(
          this.named(names),
          rows.map((row) => Object.values(row) as RowValues),
        )
      }
      this.#seen = new Set(names)
      this.#exact = true
    }
    return this.#again(async () => {
      const form = await this.native(params, 'exactly ', (sql) => exactly(sql, this.#columnCount))
      const rows = await this.connection.all(form, params.values)
      return read(await this.#names(params), rows.map(decode))
    })
  }

  /** The columns, asked for by themselves: an empty result tells none, and neither does the exact form. */
  #names(params: Encoded): Promise<readonly Column[]> {
    return this.#again(async () => {
      const form = await this.native(params, 'places ', (sql) => places(sql, this.#columnCount))
      const [row] = await this.connection.all(form, params.values)
      return this.named(originalNames(namesInPlace(row!), this.#seen))
    })
  }

  /** Runs a form of the statement, and once more if it was made for another number of columns. */
  async #again<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (thrown) {
      const before = this.#columnCount
      await this.#countAgain()
      if (this.#columnCount === before) throw thrown
      return run()
    }
  }

  async #countAgain(): Promise<void> {
    this.#epoch = this.connection.schemaEpoch
    const count = await countColumns(this.connection, this.parsed.sql)
    if (count === this.#columnCount) return
    this.#columnCount = count
    await this.forgetForms()
  }
}

/** INSERT, UPDATE, DELETE and REPLACE without RETURNING. */
class WriteStatement extends BaseStatement {
  protected async run(params: Encoded): Promise<ExecuteResult> {
    const { lastID, changes } = await this.connection.run(await this.native(params), params.values)
    const lastInsertRowid =
      Math.abs(lastID) <= MAX_SAFE_INTEGER ? lastID : (await counts(this.connection)).lastInsertRowid
    return { columns: null, ...whole([]), changes, lastInsertRowid }
  }
}

const SAVEPOINT = 'forklite_returning'

/**
 * INSERT, UPDATE, DELETE and REPLACE with RETURNING: cannot be run twice, and cannot stand in a subquery. So
 * it runs in a savepoint, and when its rows are not certain it is undone and refused.
 */
class ReturningStatement extends BaseStatement {
  #columnCount: number
  #epoch: number

  constructor(
    connection: Sqlite3Connection,
    parsed: ParsedSql,
    parameterCount: number,
    native: NativeStatement,
    columnCount: number,
  ) {
    super(connection, parsed, parameterCount, native)
    this.#columnCount = columnCount
    this.#epoch = connection.schemaEpoch
  }

  protected async run(params: Encoded): Promise<ExecuteResult> {
    const { connection } = this
    if (this.#epoch !== connection.schemaEpoch) {
      this.#epoch = connection.schemaEpoch
      this.#columnCount = await countColumns(connection, this.parsed.sql)
    }
    const native = await this.native(params)
    await connection.runScript(`SAVEPOINT ${SAVEPOINT}`)
    let rows: RowObject[]
    try {
      rows = await connection.all(native, params.values)
    } catch (thrown) {
      // SQLite has undone what it should, which of OR FAIL is not all.
      await this.#release().catch(() => {})
      throw thrown
    }
    let result: ExecuteResult
    try {
      const columns = rows.length === 0 ? await this.#names() : this.#certain(rows)
      const { changes, lastInsertRowid } = await counts(connection)
      const values = rows.map((row) => Object.values(row) as RowValues)
      result = { columns, ...whole(values), changes, lastInsertRowid }
    } catch (thrown) {
      await this.#undo()
      throw thrown
    }
    await this.#release()
    return result
  }

  /** The columns of rows that are certainly what SQLite said. */
  #certain(rows: readonly RowObject[]): readonly Column[] {
    const names = Object.keys(rows[0]!)
    if (!isWhole(names, this.#columnCount)) {
      throw new NotSupportedError(
        'sqlite3 cannot tell the columns of this RETURNING apart, nothing was changed: give each a name of its own that is no number, or npm install better-sqlite3',
        { code: 'UNSUPPORTED' },
      )
    }
    if (!rows.every(isSafe)) {
      throw new DataError(
        'sqlite3 may have rounded a number beyond 2^53 in this RETURNING, nothing was changed: cast it to text, or npm install better-sqlite3',
        { code: 'UNSUPPORTED' },
      )
    }
    return this.named(names)
  }

  /** The columns of no rows: those of a SELECT with the same list. */
  async #names(): Promise<readonly Column[]> {
    const select = returningAsSelect(this.parsed.sql)
    try {
      if (select === null) throw new Error('not understood')
      const [row] = await this.connection.ask(places(select, this.#columnCount))
      return this.named(originalNames(namesInPlace(row!), null))
    } catch (thrown) {
      throw new NotSupportedError(
        'sqlite3 cannot name the columns of this RETURNING, nothing was changed: leave RETURNING away, or npm install better-sqlite3',
        { code: 'UNSUPPORTED', cause: thrown },
      )
    }
  }

  async #release(): Promise<void> {
    try {
      await this.connection.runScript(`RELEASE ${SAVEPOINT}`)
    } catch (thrown) {
      // Outside a transaction it is a COMMIT, which may find the database locked.
      await this.#undo().catch(() => {})
      throw thrown
    }
  }

  #undo(): Promise<void> {
    return this.connection.runScript(`ROLLBACK TO ${SAVEPOINT}; RELEASE ${SAVEPOINT}`)
  }
}

const EXPLAIN_COLUMNS = ['addr', 'opcode', 'p1', 'p2', 'p3', 'p4', 'p5', 'comment']
const QUERY_PLAN_COLUMNS = ['id', 'parent', 'notused', 'detail']

/** Everything else. What gives rows here has fixed columns, no two alike. */
class OtherStatement extends BaseStatement {
  protected async run(params: Encoded): Promise<ExecuteResult> {
    const native = await this.native(params)
    const rows = await this.connection.all(native, params.values)
    if (this.parsed.verb === 'EXPLAIN') await this.connection.reset(native)
    if (rows.length === 0) return read(await this.#names(), [])
    if (!rows.every(isSafe)) {
      throw new DataError('sqlite3 may have rounded a number beyond 2^53: npm install better-sqlite3', {
        code: 'UNSUPPORTED',
      })
    }
    return read(
      this.named(Object.keys(rows[0]!)),
      rows.map((row) => Object.values(row) as RowValues),
    )
  }

  async #names(): Promise<readonly Column[] | null> {
    const { verb, pragma, sql } = this.parsed
    if (verb === 'EXPLAIN') {
      const lexer = new Lexer(sql)
      lexer.next()
      lexer.next()
      return this.named(lexer.isWord('query') ? QUERY_PLAN_COLUMNS : EXPLAIN_COLUMNS)
    }
    if (pragma === null) return null
    const info = await this.connection.ask(
      `PRAGMA table_xinfo("pragma_${pragma.name.replaceAll('"', '""')}")`,
    )
    const visible = info.filter(({ hidden }) => hidden === 0)
    // With an argument a pragma sets something, and gives no columns, unless its table form takes one too.
    const asks = pragma.argument === null || info.some(({ name }) => name === 'arg')
    return asks && visible.length > 0 ? this.named(visible.map(({ name }) => name as string)) : null
  }
}

function read(columns: readonly Column[] | null, rows: RowValues[]): ExecuteResult {
  return { columns, ...whole(rows), changes: 0, lastInsertRowid: 0 }
}

/** Parameters as sqlite3 takes them. */
interface Encoded {
  readonly values: readonly (string | number | Uint8Array | null)[]
  /** Numbers of the parameters, from 1, that are decimal text here and are to be integers. */
  readonly cast: ReadonlySet<number>
}

/** sqlite3 binds a number of 32 bits as INTEGER, any other as REAL, and a BigInt as NULL. */
function encode(params: readonly SqlValue[]): Encoded {
  const cast = new Set<number>()
  const values = params.map((value, i) => {
    if (typeof value === 'bigint') {
      if (value !== BigInt.asIntN(64, value)) {
        throw new DriverError('SQLITE_TOOBIG', `parameter ${i + 1} is an integer of more than 64 bits`)
      }
      if (value >= MIN_INT32 && value <= MAX_INT32) return Number(value)
    } else if (typeof value !== 'number' || !isBoundAsInteger(value)) {
      return value
    } else if (value >= MIN_INT32 && value <= MAX_INT32) {
      return value
    }
    cast.add(i + 1)
    return String(value)
  })
  return { values, cast }
}

/** A row of the exact form; see `exactly`. */
function decode(row: RowObject): RowValues {
  const values = Object.values(row) as SqlValue[]
  const flags = values.pop() as string
  if (flags.includes('1')) {
    for (let i = 0; i < values.length; i++) if (flags[i] === '1') values[i] = BigInt(values[i] as string)
  }
  return values
}

/** Whether an object with these keys tells all columns, in their order: keys like numbers come first. */
function isWhole(names: readonly string[], columnCount: number): boolean {
  return names.length === columnCount && !names.some((name) => /^\d+$/.test(name))
}

/** Whether no value may be an integer that was rounded. Beyond 64 bits it is a REAL. */
function isSafe(row: RowObject): boolean {
  for (const name in row) {
    const value = row[name]
    if (typeof value === 'number') {
      const size = Math.abs(value)
      if (size > MAX_SAFE_INTEGER && size <= MAX_INT64) return false
    }
  }
  return true
}

async function counts(
  connection: Sqlite3Connection,
): Promise<{ changes: number; lastInsertRowid: number | bigint }> {
  const sql = 'SELECT changes() AS changes, CAST(last_insert_rowid() AS TEXT) AS id'
  const [row] = (await connection.ask(sql)) as [{ changes: number; id: string }]
  const id = Number(row.id)
  return { changes: row.changes, lastInsertRowid: Number.isSafeInteger(id) ? id : BigInt(row.id) }
}

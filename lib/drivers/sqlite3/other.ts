/**
 * The driver for sqlite3 (npm): PRAGMA, EXPLAIN, DDL, and what begins and ends transactions. Runs in the child.
 * What gives rows here has fixed columns, no two alike, and no integers beyond 2^53 but by accident.
 */
import { DataError } from '../../errors.ts'
import { Lexer } from '../../sql/lexer.ts'
import type { Column, ExecuteResult } from '../driver.ts'
import type { Sqlite3Connection } from './connection.ts'
import type { Forms } from './forms.ts'
import type { Runner } from './statement.ts'
import { countBytes, type Encoded, isSafe, valuesOf } from './values.ts'

const EXPLAIN_COLUMNS = ['addr', 'opcode', 'p1', 'p2', 'p3', 'p4', 'p5', 'comment']
const QUERY_PLAN_COLUMNS = ['id', 'parent', 'notused', 'detail']

export class OtherStatement implements Runner {
  readonly #connection: Sqlite3Connection
  readonly #forms: Forms

  constructor(connection: Sqlite3Connection, forms: Forms) {
    this.#connection = connection
    this.#forms = forms
  }

  async run(params: Encoded): Promise<ExecuteResult> {
    const native = await this.#forms.plain(params)
    const objects = await native.all(params.values)
    if (this.#forms.parsed.verb === 'EXPLAIN') await native.reset()
    if (!objects.every(isSafe)) {
      throw new DataError('sqlite3 may have rounded a number beyond 2^53: npm install better-sqlite3', {
        code: 'UNSUPPORTED',
      })
    }
    const columns =
      objects.length === 0 ? await this.#columns() : this.#forms.columns(Object.keys(objects[0]!))
    const rows = objects.map(valuesOf)
    const bytes = countBytes(rows, this.#connection.maxResultBytes)
    return { columns, rows, bytes, late: false, changes: 0, lastInsertRowid: 0, rest: null }
  }

  /** The columns of no rows. */
  async #columns(): Promise<readonly Column[] | null> {
    const { verb, pragma, sql } = this.#forms.parsed
    if (verb === 'EXPLAIN') {
      const lexer = new Lexer(sql)
      while (lexer.next() === ';');
      lexer.next()
      return this.#forms.columns(lexer.isWord('query') ? QUERY_PLAN_COLUMNS : EXPLAIN_COLUMNS)
    }
    if (pragma === null) return null
    const info = await this.#connection.ask(
      `PRAGMA table_xinfo("pragma_${pragma.name.replaceAll('"', '""')}")`,
    )
    const visible = info.filter(({ hidden }) => hidden === 0)
    // With an argument a pragma sets something, and gives no columns, unless its table form takes one too.
    const asks = pragma.argument === null || info.some(({ name }) => name === 'arg')
    return asks && visible.length > 0 ? this.#forms.columns(visible.map(({ name }) => name as string)) : null
  }
}

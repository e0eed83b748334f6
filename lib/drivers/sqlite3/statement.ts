/**
 * The driver for sqlite3 (npm): which class a statement gets, what all have in common, and those that give no
 * rows. Runs in the child.
 */
import { DriverError } from '../../errors.ts'
import { parseSql, WRITING } from '../../sql/parse.ts'
import { wrongCount } from '../binding.ts'
import { type ChunkLimit, whole } from '../chunk.ts'
import { noStatement } from '../codes.ts'
import type { DriverStatement, ExecuteResult, SqlValue } from '../driver.ts'
import type { Sqlite3Connection } from './connection.ts'
import { Forms } from './forms.ts'
import { OtherStatement } from './other.ts'
import { ReadStatement } from './read.ts'
import { ReturningStatement } from './returning.ts'
import { type Encoded, encode } from './values.ts'

/** How a statement of one kind runs, once its turn has come. */
export interface Runner {
  run(params: Encoded, limit: ChunkLimit | undefined): Promise<ExecuteResult>
}

export async function prepareStatement(
  connection: Sqlite3Connection,
  sql: string,
  names: readonly (string | null)[],
): Promise<DriverStatement> {
  const parsed = parseSql(sql)
  if (parsed.statements === 0) throw noStatement()
  const forms = await Forms.of(connection, parsed, names.length)
  try {
    return new Sqlite3Statement(connection, forms, await runner(connection, forms))
  } catch (thrown) {
    await forms.finalize()
    throw thrown
  }
}

function runner(connection: Sqlite3Connection, forms: Forms): Runner | Promise<Runner> {
  const { verb, returning } = forms.parsed
  if (verb === 'SELECT' || verb === 'VALUES') return ReadStatement.of(connection, forms)
  if (!WRITING.has(verb)) return new OtherStatement(connection, forms)
  return returning ? ReturningStatement.of(connection, forms) : new WriteStatement(connection, forms)
}

class Sqlite3Statement implements DriverStatement {
  readonly #connection: Sqlite3Connection
  readonly #forms: Forms
  readonly #runner: Runner

  constructor(connection: Sqlite3Connection, forms: Forms, runner: Runner) {
    this.#connection = connection
    this.#forms = forms
    this.#runner = runner
  }

  execute(params: readonly SqlValue[], limit?: ChunkLimit): Promise<ExecuteResult> {
    return this.#connection.inTurn(() => {
      const { parsed, parameterCount } = this.#forms
      if (params.length !== parameterCount) {
        throw new DriverError('SQLITE_MISUSE', wrongCount(parameterCount, params.length))
      }
      const run = () => this.#runner.run(encode(params), limit)
      return this.#connection.track(parsed.verb, parsed.rollbackTo, run)
    })
  }

  finalize(): Promise<void> {
    return this.#connection.inTurn(() => this.#forms.finalize())
  }
}

/** INSERT, UPDATE, DELETE and REPLACE without RETURNING. */
class WriteStatement implements Runner {
  readonly #connection: Sqlite3Connection
  readonly #forms: Forms

  constructor(connection: Sqlite3Connection, forms: Forms) {
    this.#connection = connection
    this.#forms = forms
  }

  async run(params: Encoded): Promise<ExecuteResult> {
    const { lastID, changes } = await (await this.#forms.plain(params)).run(params.values)
    const lastInsertRowid = Number.isSafeInteger(lastID)
      ? lastID
      : (await this.#connection.counts()).lastInsertRowid
    return { columns: null, ...whole([]), changes, lastInsertRowid }
  }
}

/**
 * Router: decides from an SQL text, read once, where it runs and what forklite refuses about it. Runs in the
 * caller. The verb offers, the database decides: what a reader turns out to refuse goes to the writer for ever
 * after.
 */
import { NotSupportedError, ProgrammingError } from '../errors.ts'
import { ClockCache } from '../sql/clock-cache.ts'
import { type ParsedSql, parseSql, WRITING } from '../sql/parse.ts'

/** So many texts are remembered, and none longer than this. */
const TEXTS = 2048
const LONG_TEXT = 64 * 1024
const SHORT_TEXT = 1024

const READING = new Set(['SELECT', 'VALUES', 'EXPLAIN', ''])
const TRANSACTION = new Set(['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE'])

// Pragmas that take an argument and only ask with it, or that change the file and not the connection:
// https://sqlite.org/pragma.html. Any other with an argument would hold for one connection among several.
const SHARED_PRAGMAS = new Set([
  'application_id',
  'auto_vacuum',
  'encoding',
  'foreign_key_check',
  'foreign_key_list',
  'incremental_vacuum',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'optimize',
  'page_size',
  'quick_check',
  'schema_version',
  'shrink_memory',
  'table_info',
  'table_list',
  'table_xinfo',
  'user_version',
  'wal_checkpoint',
])

/** Pragmas that a child sets by itself, and that would break the pool when set otherwise. */
export const OWN_PRAGMAS: ReadonlySet<string> = new Set([
  'query_only',
  'locking_mode',
  'wal_autocheckpoint',
  'busy_timeout',
  'writable_schema',
])

/** An SQL text and what is known of it. One object for each text, as long as it is in use. */
export class Statement {
  readonly parsed: ParsedSql
  /** Where it is sent. Set to `'writer'` when a reader has refused it. */
  route: 'reader' | 'writer'
  /** INSERT, UPDATE, DELETE or REPLACE, behind WITH too: begins the implicit transaction. */
  readonly writes: boolean
  /** BEGIN, COMMIT and their kin: only a Connection may run them. */
  readonly controls: boolean
  /** Whether a child may remember it by number. */
  readonly numbered: boolean
  /** What its text adds to a request that carries it: nothing worth counting if it is short. */
  readonly bytes: number
  /** What a run costs a child, in microseconds: a moving average, NaN until one has told. */
  cost = Number.NaN

  constructor(parsed: ParsedSql) {
    this.parsed = parsed
    // SQLite runs some pragmas while it prepares, behind EXPLAIN too, so none goes to a reader.
    const reads = READING.has(parsed.verb) && parsed.counter === null && parsed.pragma === null
    this.route = reads ? 'reader' : 'writer'
    this.writes = WRITING.has(parsed.verb)
    this.controls = TRANSACTION.has(parsed.verb)
    this.numbered = parsed.sql.length <= LONG_TEXT
    this.bytes = parsed.sql.length <= SHORT_TEXT ? 0 : parsed.sql.length
  }

  get sql(): string {
    return this.parsed.sql
  }
}

export class Router {
  readonly #statements = new ClockCache<string, Statement>(TEXTS)

  /** The Statement of a text. Throws a ProgrammingError or NotSupportedError on what cannot be run. */
  statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    if (typeof sql !== 'string') {
      throw new ProgrammingError(`SQL must be a string, not ${sql === null ? 'null' : typeof sql}`, {
        code: 'BAD_STATEMENT',
      })
    }
    const statement = new Statement(accept(parseSql(sql)))
    if (statement.numbered) this.#statements.set(sql, statement)
    return statement
  }
}

function accept(parsed: ParsedSql): ParsedSql {
  const { sql, verb, pragma } = parsed
  if (parsed.hasNul) throw misuse('SQL holds a NUL character, where every SQLite package would cut it', sql)
  if (parsed.loneSurrogate) throw misuse('SQL holds half a surrogate pair, which no encoding can carry', sql)
  if (parsed.statements > 1) {
    throw misuse('you can only execute one statement at a time; give each its own execute()', sql)
  }
  if (parsed.temporary) {
    throw refusal(
      'temporary objects belong to one SQLite connection and the pool has several; use a table',
      sql,
    )
  }
  if (verb === 'ATTACH' || verb === 'DETACH') {
    throw refusal(
      `${verb} holds for one SQLite connection and the pool has several; connect() to that file`,
      sql,
    )
  }
  if (pragma !== null && pragma.argument !== null && !SHARED_PRAGMAS.has(pragma.name)) {
    const advice = OWN_PRAGMAS.has(pragma.name)
      ? 'and is set by the pool itself'
      : "and the pool has several; give it to connect() or createPool() in the option 'pragmas'"
    throw refusal(`PRAGMA ${pragma.name} = … holds for one SQLite connection ${advice}`, sql)
  }
  return parsed
}

function misuse(message: string, sql: string): ProgrammingError {
  return new ProgrammingError(message, { code: 'BAD_STATEMENT', sql })
}

function refusal(message: string, sql: string): NotSupportedError {
  return new NotSupportedError(message, { code: 'UNSUPPORTED', sql })
}

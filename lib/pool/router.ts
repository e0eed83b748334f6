/**
 * Router: decides from an SQL text, read once, where it runs and what forklite refuses about it. Runs in the
 * caller. The verb offers, the database decides: what a reader turns out to refuse goes to the writer for ever
 * after.
 */
import { NotSupportedError, ProgrammingError } from '../errors.ts'
import { ClockCache } from '../sql/clock-cache.ts'
import { type ParsedSql, parseScript, parseSql, WRITING } from '../sql/parse.ts'

/** So many texts are remembered, and none longer than this. */
const TEXTS = 2048
const LONG_TEXT = 64 * 1024
const SHORT_TEXT = 1024

const READING = new Set(['SELECT', 'VALUES', 'EXPLAIN', ''])
const TRANSACTION = new Set(['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE'])

// Pragmas that take an argument and only ask with it, or that change the file and not the connection:
// https://sqlite.org/pragma.html. Any other with an argument holds for one connection, and so is set on all.
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

/** Those that cannot be set while the database is open. */
const FIXED_PRAGMAS: ReadonlySet<string> = new Set([...OWN_PRAGMAS, 'journal_mode'])

/** What to do about a pragma that cannot be set. */
const PRAGMA_ADVICE: Record<string, string> = {
  busy_timeout: "give the option 'lockTimeoutMs'",
  journal_mode: "give it to connect() or createPool() in the option 'pragmas'",
  query_only: "open the database with the option 'readonly'",
}

/** SQLite forgets it at the end of each transaction. */
const PRAGMA_OF_TRANSACTION = 'defer_foreign_keys'

/** An SQL text and what is known of it. One object for each text, as long as it is in use. */
export class Statement {
  readonly parsed: ParsedSql
  /** Where it is sent. Set to `'writer'` when a reader has refused it. */
  route: 'reader' | 'writer'
  /** INSERT, UPDATE, DELETE or REPLACE, behind WITH too: begins the implicit transaction. */
  readonly writes: boolean
  /** BEGIN, COMMIT and their kin: only a Connection may run them. */
  readonly controls: boolean
  /**
   * Whether it may concern more than the connection it runs on, or one only: temporary objects, ATTACH, DETACH,
   * and pragmas that are set.
   */
  readonly special: boolean
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
    this.special = parsed.temporary || parsed.attached !== null || setsPragma(parsed)
    this.numbered = parsed.sql.length <= LONG_TEXT
    this.bytes = parsed.sql.length <= SHORT_TEXT ? 0 : parsed.sql.length
  }

  get sql(): string {
    return this.parsed.sql
  }

  /** The pragma that it sets, for connections: its key among settings; null for any other statement. */
  get setPragma(): string | null {
    const { pragma } = this.parsed
    if (pragma === null || !setsPragma(this.parsed)) return null
    return pragma.schema === null ? pragma.name : `${pragma.schema}.${pragma.name}`
  }

  /** Whether it sets what SQLite forgets at the end of the transaction. */
  get setsForTransaction(): boolean {
    return setsPragma(this.parsed) && this.parsed.pragma?.name === PRAGMA_OF_TRANSACTION
  }
}

/** A script, read once: its statements, and where each ends in the text. */
export interface Script {
  readonly sql: string
  readonly statements: readonly Statement[]
  readonly ends: readonly number[]
}

export class Router {
  readonly #statements = new ClockCache<string, Statement>(TEXTS)

  /** The Statement of a text. Throws a ProgrammingError or NotSupportedError on what cannot be run. */
  statement(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    expectString(sql)
    const parsed = parseSql(sql)
    expectWhole(parsed)
    if (parsed.statements > 1) {
      throw misuse(
        'you can only execute one statement at a time; give each its own execute(), or all to executescript()',
        sql,
      )
    }
    expectSettable(parsed)
    const statement = new Statement(parsed)
    if (statement.numbered) this.#statements.set(sql, statement)
    return statement
  }

  /** The statements of a text. Throws as statement() does, of any of them. */
  script(sql: string): Script {
    expectString(sql)
    expectWhole({ hasNul: sql.includes('\0'), loneSurrogate: !sql.isWellFormed(), sql })
    const ends: number[] = []
    const statements: Statement[] = []
    let end = 0
    for (const parsed of parseScript(sql)) {
      expectSettable(parsed)
      if (parsed.names.length > 0)
        throw misuse('a script takes no parameters: use execute() or executemany()', parsed.sql)
      end += parsed.sql.length
      ends.push(end)
      statements.push(new Statement(parsed))
    }
    return { sql, statements, ends }
  }
}

const NOTHING = parseSql('')

/** A part of a script as one Statement, of which no more is known: it has been read already. */
export function scriptPart(
  sql: string,
  { route, temporary }: { route: 'reader' | 'writer'; temporary: boolean },
): Statement {
  const statement = new Statement({ ...NOTHING, sql, temporary })
  statement.route = route
  return statement
}

function setsPragma({ pragma, verb }: ParsedSql): boolean {
  return verb === 'PRAGMA' && pragma !== null && pragma.argument !== null && !SHARED_PRAGMAS.has(pragma.name)
}

function expectString(sql: unknown): void {
  if (typeof sql === 'string') return
  throw new ProgrammingError(`SQL must be a string, not ${sql === null ? 'null' : typeof sql}`, {
    code: 'BAD_STATEMENT',
  })
}

function expectWhole({
  hasNul,
  loneSurrogate,
  sql,
}: Pick<ParsedSql, 'hasNul' | 'loneSurrogate' | 'sql'>): void {
  if (hasNul) throw misuse('SQL holds a NUL character, where every SQLite package would cut it', sql)
  if (loneSurrogate) throw misuse('SQL holds half a surrogate pair, which no encoding can carry', sql)
}

function expectSettable(parsed: ParsedSql): void {
  const { pragma, sql } = parsed
  // Behind EXPLAIN too: SQLite runs some while it prepares.
  if (pragma === null || pragma.argument === null || SHARED_PRAGMAS.has(pragma.name)) return
  const refused = FIXED_PRAGMAS.has(pragma.name) || parsed.verb === 'EXPLAIN'
  if (!refused) return
  const advice = PRAGMA_ADVICE[pragma.name] ?? 'the pool sets it itself'
  throw new NotSupportedError(
    parsed.verb === 'EXPLAIN'
      ? `SQLite may set PRAGMA ${pragma.name} where it is explained; run it without EXPLAIN`
      : `PRAGMA ${pragma.name} cannot be set while the database is open: ${advice}`,
    { code: 'UNSUPPORTED', sql },
  )
}

function misuse(message: string, sql: string): ProgrammingError {
  return new ProgrammingError(message, { code: 'BAD_STATEMENT', sql })
}

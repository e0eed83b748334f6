/**
 * Runs the records of a sqllogictest script on a Database, in order, and compares. Knows nothing of files, nor
 * of what runs the SQL.
 */
import { createHash } from 'node:crypto'
import { type Answer, cut, type Database, describeError } from './database.ts'
import { isAmbiguous, type Numbers, sltValue } from './render.ts'
import type { QueryRecord, SltRecord, StatementRecord } from './slt-parse.ts'

/** A record or test that is not as it should be. */
export interface Failure {
  /** Where it begins in its file, from 1. */
  readonly line: number
  /** `query`, or a test's name. */
  readonly what: string
  readonly problem: string
  readonly sql: string
}

export interface SltOutcome {
  readonly statements: number
  readonly queries: number
  readonly failures: readonly Failure[]
}

/** So many values are given as they are until the script says otherwise. */
const FIRST_THRESHOLD = 8

/** Runs all records; `onRecord` hears of each. */
export async function runSlt(
  records: readonly SltRecord[],
  database: Database,
  onRecord: () => void = () => {},
): Promise<SltOutcome> {
  const queries = new Queries(database)
  const failures: Failure[] = []
  const counts = { statement: 0, query: 0 }
  for (const record of records) {
    if (record.kind === 'hash-threshold') queries.threshold = record.values
    else if (record.kind === 'problem') {
      failures.push({ line: record.line, what: 'file', problem: record.message, sql: '' })
    } else {
      counts[record.kind]++
      const problem =
        record.kind === 'statement' ? await runStatement(record, database) : await queries.run(record)
      const { line, kind, sql } = record
      if (problem !== null) failures.push({ line, what: kind, problem, sql })
    }
    onRecord()
  }
  return { statements: counts.statement, queries: counts.query, failures }
}

async function runStatement({ sql, expect }: StatementRecord, database: Database): Promise<string | null> {
  let error: Error | null = null
  for (const statement of cut(sql)) {
    error = (await database.run(statement)).error
    if (error !== null) break
  }
  if (expect === 'ok') return error === null ? null : describeError(error)
  return error === null ? 'it succeeded, and an error was expected' : null
}

/** The queries of one script, which have a threshold and labels in common. */
class Queries {
  threshold = FIRST_THRESHOLD
  readonly #database: Database
  /** The hash of the values that the first query of a label gave. */
  readonly #labels = new Map<string, string>()

  constructor(database: Database) {
    this.#database = database
  }

  /** What is wrong with a query, or null. */
  async run(query: QueryRecord): Promise<string | null> {
    // As the C runner does, which prepares one statement and does not look behind it.
    const sql = cut(query.sql)[0] ?? ''
    const answer = await this.#database.run(sql)
    const { columns, error } = answer
    if (error !== null && !(isOfSqlite(error) && (await this.#canBePrepared(sql))))
      return describeError(error)
    const width = columns?.length ?? (error === null ? 0 : query.types.length)
    if (width !== query.types.length)
      return `it has ${width} columns, and ${query.types.length} were expected`
    const values = valuesOf(query, answer, 'integers')
    const problem = this.#compareAll(query, answer, values) ?? this.#compareLabel(query, values)
    return problem === null || error === null ? problem : `${problem}; it failed with ${describeError(error)}`
  }

  /** A text is T whether it shows `2` or `2.0`: both are tried where a column of that type has such a number. */
  #compareAll(query: QueryRecord, answer: Answer, values: readonly string[]): string | null {
    const problem = this.#compare(query.expected, values)
    const ambiguous = () =>
      answer.rows.some((row) => row.some((value, i) => query.types[i] === 'T' && isAmbiguous(value)))
    if (problem === null || !ambiguous()) return problem
    return this.#compare(query.expected, valuesOf(query, answer, 'reals')) === null ? null : problem
  }

  #compare(expected: readonly string[], values: readonly string[]): string | null {
    if (this.threshold > 0 && values.length > this.threshold) {
      const hash = `${values.length} values hashing to ${hashOf(values)}`
      if (expected.length === 1 && expected[0] === hash) return null
      return `it gave ${hash}, and ${told(expected)} was expected`
    }
    const differs = values.findIndex((value, i) => value !== expected[i])
    if (differs !== -1 && differs < expected.length) {
      return `value ${differs + 1} is '${values[differs]}', and '${expected[differs]}' was expected`
    }
    if (values.length === expected.length) return null
    return `it gave ${values.length} values (${told(values)}), and ${expected.length} (${told(expected)}) were expected`
  }

  #compareLabel({ label }: QueryRecord, values: readonly string[]): string | null {
    if (label === '') return null
    const hash = hashOf(values)
    const before = this.#labels.get(label) ?? hash
    this.#labels.set(label, before)
    return before === hash ? null : `it gave other values than the query before it with the label ${label}`
  }

  /** A failure while preparing is one; a query that fails while it runs counts as the rows that it gave. */
  async #canBePrepared(sql: string): Promise<boolean> {
    return (await this.#database.run(`EXPLAIN ${sql}`)).error === null
  }
}

/** Whether SQLite itself failed, and not forklite or a package on the way. */
function isOfSqlite(error: Error): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && code.includes('SQLITE_')
}

/** The values of a result, rendered and sorted. */
function valuesOf({ types, sort }: QueryRecord, { rows }: Answer, numbers: Numbers): string[] {
  const rendered = rows.map((row) => row.map((value, i) => sltValue(value, types[i]!, numbers)))
  if (sort === 'rowsort') rendered.sort(compareRows)
  const values = rendered.flat()
  // All of them are ASCII now, so this is byte by byte.
  return sort === 'valuesort' ? values.sort() : values
}

function compareRows(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((value, i) => value !== b[i])
  if (differs === -1) return 0
  return a[differs]! < b[differs]! ? -1 : 1
}

function hashOf(values: readonly string[]): string {
  const md5 = createHash('md5')
  for (const value of values) md5.update(`${value}\n`)
  return md5.digest('hex')
}

function told(values: readonly string[]): string {
  if (values.length === 0) return 'nothing'
  const text = values.slice(0, 5).join(', ')
  return values.length > 5 ? `${text}, …` : text
}

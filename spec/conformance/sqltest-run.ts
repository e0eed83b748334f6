/**
 * Runs one case of a `.sqltest` file on a Database that is empty, and compares what it printed. Knows nothing of
 * files, nor of what runs the SQL.
 */
import { type Answer, cut, type Database, describeError, type Value } from './database.ts'
import { listValue } from './render.ts'
import type { Expectation, SqltestCase } from './sqltest-parse.ts'

/** What a case came to. */
export interface CaseOutcome {
  /** The rows of all its statements, and names of columns where `.headers` is on. */
  readonly rows: readonly (readonly Value[])[]
  /** What a statement of the case failed with; those after it were not run. */
  readonly error: Error | null
  /** What went wrong outside of the case: a setup, or the database afterwards. */
  readonly problem: string | null
}

/** A line that is for the sqlite3 shell and not for SQLite. */
const DOT_COMMAND = /^[ \t]*(\.[a-z]+.*)$/m
const HEADERS = /^\.headers\s+(on|off)\s*$/

/** The shell's command that a case needs and that there is not here, or null. */
export function shellCommand({ sql }: SqltestCase): string | null {
  const commands = sql.match(new RegExp(DOT_COMMAND, 'gm')) ?? []
  return commands.map((line) => line.trim()).find((command) => !HEADERS.test(command)) ?? null
}

/** Runs the setups, the case and, if it is asked for, the check of the database. */
export async function runCase(test: SqltestCase, database: Database): Promise<CaseOutcome> {
  const rows: (readonly Value[])[] = []
  for (const { name, sql } of test.setups) {
    if (sql === undefined) return { rows, error: null, problem: `there is no setup ${name}` }
    for (const statement of cut(sql)) {
      const { error } = await database.run(statement)
      if (error !== null) return { rows, error: null, problem: `setup ${name}: ${describeError(error)}` }
    }
  }
  const error = await runScript(test.sql, database, rows)
  const problem = test.crossCheck ? await checkIntegrity(database) : null
  return { rows, error, problem }
}

/** Runs the statements up to the first that fails, whose error it gives. */
async function runScript(sql: string, database: Database, rows: (readonly Value[])[]): Promise<Error | null> {
  let headers = false
  // Every second piece is a command.
  for (const [i, piece] of sql.split(DOT_COMMAND).entries()) {
    if (i % 2 === 1) headers = HEADERS.exec(piece)?.[1] === 'on'
    else {
      for (const statement of cut(piece)) {
        const answer = await database.run(statement)
        if (headers && answer.columns !== null && answer.rows.length > 0) rows.push(answer.columns)
        rows.push(...answer.rows)
        if (answer.error !== null) return answer.error
      }
    }
  }
  return null
}

async function checkIntegrity(database: Database): Promise<string | null> {
  // A transaction that the case left open would be gone with its connection; without one this fails.
  await database.run('ROLLBACK')
  const answer: Answer = await database.run('PRAGMA integrity_check')
  if (answer.error !== null) return `integrity_check: ${describeError(answer.error)}`
  const text = answer.rows.flat().join('; ')
  return text === 'ok' ? null : `integrity_check: ${text}`
}

/** What is wrong with an outcome, or null. `agreement` needs what the package gave when called directly. */
export function judge(expectation: Expectation, ours: CaseOutcome, direct?: CaseOutcome): string | null {
  if (ours.problem !== null) return ours.problem
  const { error, rows } = ours
  if (expectation.kind === 'error') {
    return error === null ? `it gave ${shown(rows)}, and an error was expected` : null
  }
  if (expectation.kind === 'agreement') return disagreement(ours, direct!)
  if (error !== null) return describeError(error)
  try {
    if (fits(expectation, rows)) return null
  } catch (invalid) {
    return `a pattern that cannot be read here: ${(invalid as Error).message}`
  }
  return `it gave ${shown(rows)}, and ${JSON.stringify(expectation.text)} was expected`
}

/** Both give the same rows, or both fail. */
function disagreement({ rows, error }: CaseOutcome, direct: CaseOutcome): string | null {
  if (error !== null && direct.error !== null) return null
  if (error !== null) return `${describeError(error)}, and the package called directly gives rows`
  if (direct.error !== null) return `it gave rows, and the package: ${describeError(direct.error)}`
  const [got, expected] = [shown(rows), shown(direct.rows)]
  return got === expected ? null : `it gave ${got}, and the package called directly ${expected}`
}

function fits({ kind, text }: Expectation & { text: string }, rows: CaseOutcome['rows']): boolean {
  switch (kind) {
    case 'unordered':
      return fitsUnordered(text.split('\n'), rows)
    case 'pattern': {
      const pattern = regularExpression(text)
      return [0, 1].some((form) => pattern.test(printed(rows, form)))
    }
    default:
      return fitsInOrder(text, rows)
  }
}

/** What the shell prints; numbers that may be either as INTEGER (0) or as REAL (1). */
function printed(rows: CaseOutcome['rows'], form: number): string {
  return rows
    .map((row) => row.map((value) => listValue(value)[form] ?? listValue(value)[0]).join('|'))
    .join('\n')
}

/**
 * Whether the shell would print this text, where each number that may be INTEGER or REAL stands for itself.
 * `2.0` is tried before `2`, and behind both there is a `|`, the end of a line, or that of the text.
 */
function fitsInOrder(text: string, rows: CaseOutcome['rows']): boolean {
  let at = 0
  const take = (piece: string) => {
    const there = text.startsWith(piece, at)
    if (there) at += piece.length
    return there
  }
  for (const [i, row] of rows.entries()) {
    if (i > 0 && !take('\n')) return false
    for (const [j, value] of row.entries()) {
      if (j > 0 && !take('|')) return false
      const [integer, real] = listValue(value)
      if (!(real !== undefined && take(real)) && !take(integer)) return false
    }
  }
  return at === text.length
}

/** Each line is one row's, whichever; an empty line may be no row at all. */
function fitsUnordered(lines: readonly string[], rows: CaseOutcome['rows']): boolean {
  const left = [...rows]
  for (const line of lines) {
    const row = left.findIndex((each) => fitsInOrder(line, [each]))
    if (row !== -1) left.splice(row, 1)
    else if (line !== '') return false
  }
  return left.length === 0
}

/** Written for another language's library, whose flags stand at the beginning. */
function regularExpression(text: string): RegExp {
  const [, flags = '', pattern = text] = /^\(\?([ims]+)\)(.*)$/s.exec(text) ?? []
  return new RegExp(pattern, flags)
}

function shown(rows: CaseOutcome['rows']): string {
  return JSON.stringify(printed(rows, 0))
}

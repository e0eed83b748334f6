/**
 * SQL texts that make sqlite3 (npm) tell the truth: its rows are objects, its integers are doubles. Runs in
 * the child. Only texts are made here, from a statement's text and its number of columns; nothing is run.
 */
import { Lexer } from '../../sql/lexer.ts'
import { bare, MAX_SAFE, ParameterNumbers, topWord } from './text.ts'

/**
 * A SELECT of which no more rows come than parameter number `limit` says, with names as it has them; null where
 * it has a LIMIT, or ends in VALUES, which can have none.
 */
export function limited(sql: string, limit: number): string | null {
  const words = new Set(['limit', 'values'])
  return topWord(sql, words) === null ? `${bare(sql)}\nLIMIT ?${limit}` : null
}

/** How many rows a SELECT's own LIMIT lets through: a number, or the number of a parameter; null if not clear. */
export function ownLimit(sql: string): { rows: number } | { parameter: number } | null {
  const text = bare(sql)
  const start = topWord(text, new Set(['limit']))
  if (start === null) return null
  const lexer = new Lexer(text)
  const numbers = new ParameterNumbers()
  let parameter = 0
  while (lexer.stop < start || lexer.start < start) {
    lexer.next()
    if (lexer.kind === 'variable') numbers.of(lexer.text())
  }
  const kind = lexer.next()
  const value = lexer.text()
  if (kind === 'variable') parameter = numbers.of(value)
  else if (kind !== 'number' || !/^\d{1,15}$/.test(value)) return null
  // `limit 5, 10` and `limit 5 + 10` say something else.
  if (lexer.next() !== 'end' && !lexer.isWord('offset')) return null
  return parameter > 0 ? { parameter } : { rows: Number(value) }
}

/**
 * A SELECT or VALUES whose columns are called c0, c1, …, so that none collapse or change places, followed by
 * one of '0' and '1' for each: '1' where an integer comes as text, because a double cannot tell it. No more
 * rows come than `limit` says, a number or a parameter's; -1 is no limit.
 *
 * The OFFSET keeps SQLite from flattening the subquery (flattenSubquery() in select.c, restriction 14): its
 * rows come one by one from a co-routine, and `random()` is the same value each time it is looked at. The `+`
 * takes the columns' affinity away: with that of REAL, integers read from the co-routine would become REAL.
 */
export function exactly(sql: string, columnCount: number, limit: string): string {
  const names = Array.from({ length: columnCount }, (_, i) => `c${i}`)
  const isLarge = (name: string) =>
    `(typeof(${name})='integer' AND (${name}>${MAX_SAFE} OR ${name}<-${MAX_SAFE}))`
  const values = names.map(
    (name) => `CASE WHEN ${isLarge(name)} THEN CAST(${name} AS TEXT) ELSE ${name} END AS ${name}`,
  )
  const flags = names.map(isLarge).join('||')
  return (
    `WITH forklite_s(${names.join()}) AS (${withoutAffinity(sql, columnCount)}\n), ` +
    `forklite_q(${names.join()}) AS (SELECT ${names.map((name) => `+${name}`).join()} FROM forklite_s LIMIT ${limit} OFFSET 0) ` +
    `SELECT ${values.join()},${flags}||'' AS flags FROM forklite_q`
  )
}

/**
 * One row whose keys are the column names of a SELECT or VALUES as a subquery and whose values are their
 * places, counted from 0, whatever order the keys come in.
 */
export function places(sql: string, columnCount: number): string {
  return `SELECT * FROM (${bare(sql)}\n) WHERE 0 UNION ALL ${numbered(columnCount, 0)}`
}

/**
 * A SELECT or VALUES with its own names and without its ORDER BY and LIMIT, of which at least one row comes: it
 * is not to be read to its end.
 */
export function neverEmpty(sql: string, columnCount: number, parameterCount: number): string {
  return `${unordered(sql)}\nUNION ALL ${numbered(columnCount, parameterCount)}`
}

/**
 * The same with one row, whose values are the columns' places, of those with the same name the last one's. All
 * of the statement is run for it.
 */
export function lastPlaces(sql: string, columnCount: number, parameterCount: number): string {
  const nothing = `SELECT ${Array.from({ length: columnCount }, () => 'NULL').join()} WHERE 0`
  return `${unordered(sql)}\nINTERSECT ${nothing} UNION ALL ${numbered(columnCount, parameterCount)}`
}

/** A row of places. It refers to the last parameter, so that there are as many as before. */
function numbered(columnCount: number, parameterCount: number): string {
  const numbers = Array.from({ length: columnCount }, (_, i) => i).join()
  return `SELECT ${numbers}${parameterCount > 0 ? ` WHERE 1 OR ?${parameterCount}` : ''}`
}

/**
 * A compound SELECT whose columns have no affinity. Else they have that of its first part, and where it cannot be
 * flattened, as UNION cannot, the integers of another part become REAL when they are read from it.
 */
function withoutAffinity(sql: string, columnCount: number): string {
  const text = bare(sql)
  if (topWord(text, COMPOUND) === null) return text
  // Behind WITH's list.
  const start = topWord(text, new Set(['select', 'values']))!
  const none = Array.from({ length: columnCount }, () => 'CAST(NULL AS BLOB)').join()
  return `${text.slice(0, start)}SELECT ${none} WHERE 0 UNION ALL ${text.slice(start)}`
}

const COMPOUND = new Set(['union', 'intersect', 'except', 'values'])

/** The SELECT or VALUES without its ORDER BY and LIMIT, so that another can follow it. */
function unordered(sql: string): string {
  const text = bare(sql)
  return text.slice(0, topWord(text, new Set(['order', 'limit'])) ?? text.length)
}

/**
 * SQL texts that make sqlite3 (npm) tell the truth: its rows are objects, its integers are doubles. Runs in
 * the child. Only texts are made here, from a statement's text and its number of columns; nothing is run.
 */
import { Lexer } from '../sql/lexer.ts'

/** 2^53 - 1, the largest integer that sqlite3 does not round on its way out. */
const MAX_SAFE = '9007199254740991'

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

/** SQLite keeps a column's text as its name, comments and all: by this one the casts are found in it again. */
const MARK = '/*forklite*/'
const CAST = /\+cast\(\/\*forklite\*\/([^\s]+) as integer\)/g

/**
 * Puts `+cast(? as integer)` for the parameters with these numbers: bound as decimal text they are integers of
 * 64 bits, and have no affinity, as bound integers have none (without the `+` an index would not be used).
 */
export function castParameters(sql: string, numbers: ReadonlySet<number>): string {
  const lexer = new Lexer(sql)
  const parameters = new ParameterNumbers()
  let copied = 0
  let cast = ''
  while (lexer.next() !== 'end') {
    if (lexer.kind !== 'variable') continue
    const text = lexer.text()
    if (!numbers.has(parameters.of(text))) continue
    cast += `${sql.slice(copied, lexer.start)}+cast(${MARK}${text} as integer)`
    copied = lexer.stop
  }
  return cast + sql.slice(copied)
}

/** The numbers that SQLite gives to parameters, in the order of the text; see sql/parameters.ts. */
class ParameterNumbers {
  readonly #named = new Map<string, number>()
  #highest = 0

  /** The number of the next parameter, as it is written. */
  of(text: string): number {
    let number: number
    if (text === '?') number = this.#highest + 1
    else if (text[0] === '?') number = Number(text.slice(1))
    else number = this.#named.get(text) ?? this.#highest + 1
    if (text[0] !== '?') this.#named.set(text, number)
    this.#highest = Math.max(this.#highest, number)
    return number
  }
}

/** A column's name as it was before `castParameters`. */
export function withoutCasts(name: string): string {
  return name.includes(MARK) ? name.replaceAll(CAST, '$1') : name
}

/** A statement with RETURNING, taken apart. */
export interface Returning {
  /** Up to and with the word RETURNING. */
  readonly head: string
  /** What is returned, between the commas, each with its alias. */
  readonly items: readonly string[]
  /** The table, with its schema and alias: `main.t AS x`. */
  readonly table: string
}

/** Takes a statement with RETURNING apart; null when the text is not understood. */
export function takeApart(sql: string): Returning | null {
  const text = bare(sql)
  const lexer = new Lexer(text)
  let depth = 0
  let table: string | null = null
  // Where items begin: behind RETURNING, and behind each comma.
  const starts: number[] = []
  const stops: number[] = []
  for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
    if (kind === '(') depth++
    else if (kind === ')') depth--
    else if (depth > 0) continue
    else if (kind === ',' && starts.length > 0) {
      stops.push(lexer.start)
      starts.push(lexer.stop)
    } else if (kind === 'word') {
      if (lexer.isWord('returning')) starts.push(lexer.stop)
      else if (table === null && isBeforeTable(lexer)) table = tableAfter(lexer)
    }
  }
  if (table === null || starts.length === 0) return null
  stops.push(text.length)
  const items = starts.map((start, i) => text.slice(start, stops[i]))
  return { head: text.slice(0, starts[0]), items, table }
}

/** A SELECT with the columns that a RETURNING clause has, to ask for their names. */
export function returningAsSelect({ items, table }: Returning): string {
  return `SELECT ${items.join()}\n FROM ${table}`
}

/**
 * The statement with columns called c0, c1, …, whose texts begin with `t`, and with `i` those that are integers
 * beyond what a double tells. Each value is evaluated once, in a subquery of its own that refers to `column`,
 * one of the table's: SQLite evaluates a subquery that refers to nothing once for all rows.
 */
export function returningExactly({ head, items }: Returning, column: string): string {
  const name = quoted(column)
  const marked = items.map(
    (item, i) =>
      `(WITH forklite_v(v) AS (SELECT ${item}\n FROM (SELECT 1 AS forklite_1 WHERE ${name} IS ${name}) LIMIT 1 OFFSET 0) ` +
      `SELECT CASE typeof(v) WHEN 'text' THEN 't'||v WHEN 'integer' THEN ` +
      `CASE WHEN v BETWEEN -${MAX_SAFE} AND ${MAX_SAFE} THEN v ELSE 'i'||v END ELSE v END FROM forklite_v) AS c${i}`,
  )
  return `${head} ${marked.join()}`
}

/** A name as an identifier. In double quotes SQLite might take it for a string. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** Whether the word at hand is INTO, UPDATE, or the FROM of DELETE: at depth 0 none comes before the table's. */
function isBeforeTable(lexer: Lexer): boolean {
  return lexer.isWord('into') || lexer.isWord('update') || lexer.isWord('from')
}

/** The table named next, with its schema and alias: `main.t AS x`. */
function tableAfter(lexer: Lexer): string {
  const ahead = lexer.fork()
  ahead.next()
  // UPDATE OR IGNORE t
  if (ahead.isWord('or')) {
    ahead.next()
    ahead.next()
  }
  let table = ahead.text()
  ahead.next()
  if (ahead.kind === '.') {
    ahead.next()
    table += `.${ahead.text()}`
    ahead.next()
  }
  if (ahead.isWord('as')) {
    ahead.next()
    table += ` AS ${ahead.text()}`
  }
  return table
}

/**
 * The statement without semicolons around it, so that it can stand in parentheses if a line's end follows. What
 * is behind it stays, since it belongs to the last column's name, `1 -- c`, but for a comment that nothing closes.
 */
export function bare(sql: string): string {
  const lexer = new Lexer(sql)
  let start = -1
  let stop = 0
  while (lexer.next() !== 'end') {
    if (lexer.kind === ';') {
      if (start !== -1) break
    } else {
      if (start === -1) start = lexer.start
      stop = lexer.stop
    }
  }
  const behind = sql.slice(stop, lexer.start)
  const closed = new Lexer(`${behind}\n;`).next() === ';'
  return sql.slice(Math.max(start, 0), closed ? lexer.start : stop)
}

/** The SELECT or VALUES without its ORDER BY and LIMIT, so that another can follow it. */
function unordered(sql: string): string {
  const text = bare(sql)
  return text.slice(0, topWord(text, new Set(['order', 'limit'])) ?? text.length)
}

/** Where the first of these words stands outside of parentheses; null if nowhere. All of them are reserved. */
function topWord(sql: string, words: ReadonlySet<string>): number | null {
  const lexer = new Lexer(sql)
  let depth = 0
  for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
    if (kind === '(') depth++
    else if (kind === ')') depth--
    else if (depth === 0 && kind === 'word' && words.has(lexer.text().toLowerCase())) return lexer.start
  }
  return null
}

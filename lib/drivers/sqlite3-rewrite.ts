/**
 * SQL texts that make sqlite3 (npm) tell the truth: its rows are objects, its integers are doubles. Runs in
 * the child. Only texts are made here, from a statement's text and its number of columns; nothing is run.
 */
import { Lexer } from '../sql/lexer.ts'

/** 2^53 - 1, the largest integer that sqlite3 does not round on its way out. */
const MAX_SAFE = '9007199254740991'

/**
 * A SELECT or VALUES whose columns are called c0, c1, …, so that none collapse or change places, followed by
 * one of '0' and '1' for each: '1' where an integer comes as text, because a double cannot tell it.
 * MATERIALIZED, or `random()` would be another value each time it is looked at.
 */
export function exactly(sql: string, columnCount: number): string {
  const names = Array.from({ length: columnCount }, (_, i) => `c${i}`)
  const isLarge = (name: string) =>
    `(typeof(${name})='integer' AND (${name}>${MAX_SAFE} OR ${name}<-${MAX_SAFE}))`
  const values = names.map(
    (name) => `CASE WHEN ${isLarge(name)} THEN CAST(${name} AS TEXT) ELSE ${name} END AS ${name}`,
  )
  const flags = names.map(isLarge).join('||')
  return `WITH forklite_q(${names.join()}) AS MATERIALIZED (${bare(sql)}\n) SELECT ${values.join()},${flags}||'' AS flags FROM forklite_q`
}

/**
 * One row whose keys are the column names of a SELECT or VALUES and whose values are their places, counted
 * from 0, whatever order the keys come in. Of `a` and `a` the second is called `a:1`.
 */
export function places(sql: string, columnCount: number): string {
  const numbers = Array.from({ length: columnCount }, (_, i) => i)
  return `SELECT * FROM (${bare(sql)}\n) WHERE 0 UNION ALL VALUES (${numbers.join()})`
}

/** The names in order, from the row that `places` gives. */
export function namesInPlace(row: Readonly<Record<string, unknown>>): string[] {
  const names: string[] = []
  for (const [name, place] of Object.entries(row)) names[place as number] = name
  return names
}

/**
 * Takes back what a subquery does to a name that stands twice: `a:1` is `a`. `known` are names that a row of
 * the statement itself has, where there is one: `a:1` among them is a column's own name.
 */
export function originalNames(names: readonly string[], known: ReadonlySet<string> | null): string[] {
  return names.map((name, i) => {
    const colon = /^(.+):\d+$/s.exec(name)
    if (colon === null || known?.has(name)) return name
    const original = colon[1]!
    return names.slice(0, i).some((other) => other.toLowerCase() === original.toLowerCase()) ? original : name
  })
}

/** SQLite keeps a column's text as its name, comments and all: by this one the casts are found in it again. */
const MARK = '/*forklite*/'
const CAST = /\+cast\(\/\*forklite\*\/([^\s]+) as integer\)/g

/**
 * Puts `+cast(? as integer)` for the parameters with these numbers: bound as decimal text they are integers of
 * 64 bits, and have no affinity, as bound integers have none (without the `+` an index would not be used).
 */
export function castParameters(sql: string, numbers: ReadonlySet<number>): string {
  const lexer = new Lexer(sql)
  const named = new Map<string, number>()
  let highest = 0
  let copied = 0
  let cast = ''
  while (lexer.next() !== 'end') {
    if (lexer.kind !== 'variable') continue
    const text = lexer.text()
    let number: number
    if (text === '?') number = highest + 1
    else if (text[0] === '?') number = Number(text.slice(1))
    else number = named.get(text) ?? highest + 1
    if (text[0] !== '?') named.set(text, number)
    highest = Math.max(highest, number)
    if (!numbers.has(number)) continue
    cast += `${sql.slice(copied, lexer.start)}+cast(${MARK}${text} as integer)`
    copied = lexer.stop
  }
  return cast + sql.slice(copied)
}

/** A column's name as it was before `castParameters`. */
export function withoutCasts(name: string): string {
  return name.includes(MARK) ? name.replaceAll(CAST, '$1') : name
}

/**
 * A SELECT with the columns that the RETURNING clause of this statement has, to ask for their names; null
 * when the text is not understood.
 */
export function returningAsSelect(sql: string): string | null {
  const lexer = new Lexer(sql)
  let depth = 0
  let table: string | null = null
  let list: number | null = null
  for (let kind = lexer.next(); kind !== 'end' && kind !== ';'; kind = lexer.next()) {
    if (kind === '(') depth++
    else if (kind === ')') depth--
    else if (depth === 0 && kind === 'word') {
      if (lexer.isWord('returning')) list = lexer.stop
      else if (table === null && isBeforeTable(lexer)) table = tableAfter(lexer)
    }
  }
  return table === null || list === null ? null : `SELECT ${bare(sql).slice(list)}\n FROM ${table}`
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

/** The statement without a semicolon at its end, so that it can stand in parentheses. */
function bare(sql: string): string {
  const lexer = new Lexer(sql)
  while (lexer.next() !== 'end') if (lexer.kind === ';' && lexer.start > 0) return sql.slice(0, lexer.start)
  return sql
}

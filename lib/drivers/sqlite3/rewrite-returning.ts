/**
 * The forms that the sqlite3 driver makes of a statement with RETURNING. Runs in the child. Only texts are made
 * here; nothing is run.
 */
import { Lexer } from '../../sql/lexer.ts'
import { bare, MAX_SAFE, quoted } from './text.ts'

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

/** The same statement, with the columns that `*` stands for. */
export function expand(apart: Returning, columns: readonly string[]): Returning {
  const items = apart.items.flatMap((item) => {
    const lexer = new Lexer(item)
    return lexer.next() === '*' ? columns.map(quoted) : [item]
  })
  return { ...apart, items }
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

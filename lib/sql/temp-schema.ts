/**
 * namesTempSchema: whether `temp.x` in an SQL text means SQLite's schema of temporary objects, where an alias, a
 * table or a column is called temp too. Runs in both processes. It goes by places: a schema stands before the
 * name of a table, an alias before that of a column.
 */
import { Lexer } from './lexer.ts'

/** Words with the name of a table, an index, a view, a trigger or a pragma behind them. */
const BEFORE_NAME = new Set([
  ...['into', 'update', 'table', 'index', 'view', 'trigger', 'exists', 'in'],
  ...['pragma', 'analyze', 'reindex'],
  // UPDATE OR …
  ...['rollback', 'abort', 'replace', 'fail', 'ignore'],
])

/** Words that end a FROM clause, beside a `)`. ON and USING do not: a comma behind them goes on with tables. */
const NO_FROM = new Set([
  ...['select', 'where', 'group', 'having', 'window', 'order', 'limit'],
  ...['values', 'set', 'returning', 'union', 'except', 'intersect'],
])

/** What the next token may be: nothing that matters, a name, or a name or a parenthesis in a FROM clause. */
type Place = 'other' | 'name' | 'from'

/** Reads the whole text, in time linear in its length. Never throws. */
export function namesTempSchema(sql: string): boolean {
  const lexer = new Lexer(sql)
  let place: Place = 'other'
  let word = ''
  // Whether ON will have a trigger's table behind it.
  let inTrigger = false
  // Whether a FROM clause is at hand, in each parenthesis that is open.
  let clauses = [false]
  for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
    if (lexer.is('temp') && isSchema(lexer, place)) return true
    const before = word
    word = kind === 'word' ? lexer.text().toLowerCase() : ''
    if (kind === '(') {
      if (place === 'name') place = 'other'
      clauses.push(place === 'from')
    } else if (kind === ')') {
      if (clauses.length > 1) clauses.pop()
      place = 'other'
    } else if (kind === ';') {
      clauses = [false]
      place = 'other'
    } else if (kind === ',') {
      place = clauses.at(-1) ? 'from' : 'other'
    } else if (word === 'join' || (word === 'from' && before !== 'distinct')) {
      clauses[clauses.length - 1] = true
      place = 'from'
    } else if (word === 'on' && inTrigger) {
      inTrigger = false
      place = 'name'
    } else {
      if (word === 'trigger') inTrigger = true
      if (NO_FROM.has(word)) clauses[clauses.length - 1] = false
      place = BEFORE_NAME.has(word) ? 'name' : 'other'
    }
  }
  return false
}

function isSchema(lexer: Lexer, place: Place): boolean {
  const ahead = lexer.fork()
  if (ahead.next() !== '.') return false
  if (place !== 'other') return true
  // schema.table.column
  ahead.next()
  return ahead.next() === '.'
}

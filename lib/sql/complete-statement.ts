/**
 * completeStatement(): whether a text holds whole statements, as a shell asks before it runs what was typed. Runs
 * in the caller, without a database.
 */
import { ProgrammingError } from '../errors.ts'
import { Lexer } from './lexer.ts'

/** What a token means here; all blanks and comments are passed over. */
type Meaning = 'semicolon' | 'other' | 'explain' | 'create' | 'temp' | 'trigger' | 'end'

/** Where in a statement a text is; `start` is behind a `;` that has ended one, `empty` where there was nothing yet. */
type State = 'empty' | 'start' | 'within' | 'explain' | 'create' | 'trigger' | 'body' | 'end'

// The table of sqlite3_complete() in SQLite's complete.c: what leads elsewhere than `other` does.
const NEXT: Record<State, Partial<Record<Meaning, State>> & { readonly other: State }> = {
  empty: { semicolon: 'start', explain: 'explain', create: 'create', other: 'within' },
  start: { semicolon: 'start', explain: 'explain', create: 'create', other: 'within' },
  within: { semicolon: 'start', other: 'within' },
  // `EXPLAIN QUERY PLAN` is as long as it likes.
  explain: {
    semicolon: 'start',
    create: 'create',
    other: 'explain',
    explain: 'within',
    temp: 'within',
    trigger: 'within',
    end: 'within',
  },
  create: { semicolon: 'start', temp: 'create', trigger: 'trigger', other: 'within' },
  trigger: { semicolon: 'body', other: 'trigger' },
  body: { semicolon: 'body', end: 'end', other: 'trigger' },
  end: { semicolon: 'start', other: 'trigger' },
}

/** Behind a text, whether it is a token of its own tells that no quote and no comment was left open. */
const PROBE = 'x'

/**
 * Whether the text ends with a `;` that ends a statement: not one within a string or a comment, nor one within
 * CREATE TRIGGER … END. The statement itself may still be wrong.
 * Throws a ProgrammingError for what is no string.
 *
 * Source: CPython, sqlite3.complete_statement(); https://sqlite.org/c3ref/complete.html
 */
export function completeStatement(sql: string): boolean {
  if (typeof sql !== 'string')
    throw new ProgrammingError('completeStatement() takes a string', { code: 'BAD_STATEMENT' })
  const lexer = new Lexer(`${sql}\n${PROBE}`)
  let state: State = 'empty'
  while (lexer.next() !== 'end') {
    if (lexer.start > sql.length) return state === 'start'
    state = NEXT[state][meaningOf(lexer)] ?? NEXT[state].other
  }
  return false
}

function meaningOf(lexer: Lexer): Meaning {
  if (lexer.kind === ';') return 'semicolon'
  if (lexer.kind !== 'word') return 'other'
  if (lexer.isWord('temporary')) return 'temp'
  return (
    (['explain', 'create', 'temp', 'trigger', 'end'] as const).find((word) => lexer.isWord(word)) ?? 'other'
  )
}

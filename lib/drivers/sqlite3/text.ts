/**
 * Parts of an SQL text, and texts of parts, for the forms that the sqlite3 driver makes of a statement. Runs in
 * the child. Pure functions; they know the lexer and no drivers.
 */
import { Lexer } from '../../sql/lexer.ts'

/** 2^53 - 1, the largest integer that sqlite3 does not round on its way out. */
export const MAX_SAFE = '9007199254740991'

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

/** Where the first of these words stands outside of parentheses; null if nowhere. All of them are reserved. */
export function topWord(sql: string, words: ReadonlySet<string>): number | null {
  const lexer = new Lexer(sql)
  let depth = 0
  for (let kind = lexer.next(); kind !== 'end'; kind = lexer.next()) {
    if (kind === '(') depth++
    else if (kind === ')') depth--
    else if (depth === 0 && kind === 'word' && words.has(lexer.text().toLowerCase())) return lexer.start
  }
  return null
}

/** A name as an identifier. In double quotes SQLite might take it for a string. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
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
export class ParameterNumbers {
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

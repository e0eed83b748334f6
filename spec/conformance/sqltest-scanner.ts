/**
 * Scanner: the words, strings and blocks of a `.sqltest` file, one after the other. Pure; it knows how they are
 * written, and not what they mean.
 */

const MACRO = /\{\{(.*?)\}\}/gs
/** A count, or SQLite's own limit, more or less. */
const COUNT = /^(?:(\d+)|expr_depth_limit(?:([+-])(\d+))?)$/
/** What SQLite is built with: https://sqlite.org/limits.html#max_expr_depth */
const EXPRESSION_DEPTH = 1000

/** What is wrong with a file, and where. */
export class SqltestError extends Error {
  readonly line: number

  constructor(message: string, line: number) {
    super(message)
    this.line = line
  }
}

export class Scanner {
  readonly #text: string
  #at = 0
  // The line of #lineAt, so that no line is counted twice.
  #line = 1
  #lineAt = 0

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  }

  /** The line of the next token, from 1. */
  get line(): number {
    this.#skipBlanks()
    for (; this.#lineAt < this.#at; this.#lineAt++) if (this.#text[this.#lineAt] === '\n') this.#line++
    return this.#line
  }

  get atEnd(): boolean {
    this.#skipBlanks()
    return this.#at === this.#text.length
  }

  /** The next word, `@setup` say, without going on; '' where there is a block, a string or the end. */
  peek(): string {
    this.#skipBlanks()
    return this.#match(/[^\s{}"#]+/y) ?? ''
  }

  /** A word. `what` it is to be is for the error. */
  word(what: string): string {
    const word = this.peek()
    if (word === '') throw this.#unexpected(what)
    this.#at += word.length
    return word
  }

  /** What stands between double quotes. */
  string(what: string): string {
    this.#skipBlanks()
    const string = this.#match(/"(?:[^"\\]|\\.)*"/sy)
    if (string === null) throw this.#unexpected(what)
    this.#at += string.length
    return string.slice(1, -1)
  }

  /**
   * What stands between braces, without the line breaks next to them. Braces within are balanced or behind a
   * backslash, which is dropped; so is the first of two backslashes.
   */
  block(what: string): string {
    const { line } = this
    if (this.#text[this.#at] !== '{') throw this.#unexpected(what)
    let content = ''
    let depth = 1
    let at = this.#at + 1
    for (; at < this.#text.length; at++) {
      const character = this.#text[at]!
      const next = this.#text[at + 1]
      if (character === '\\' && (next === '{' || next === '}' || next === '\\')) {
        content += next
        at++
        continue
      }
      if (character === '{') depth++
      if (character === '}' && --depth === 0) break
      content += character
    }
    this.#at = Math.min(at + 1, this.#text.length)
    if (depth > 0) throw new SqltestError('a block without an end', line)
    return content.replace(/^\n/, '').replace(/\n$/, '')
  }

  /** A block with its macros written out. */
  text(what: string): string {
    const { line } = this
    return this.block(what).replace(MACRO, (_, macro: string) => expand(macro.trim(), line))
  }

  /** Goes behind the line, and a block that begins in it: for what is not understood. */
  skipLine(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') {
      if (this.#text[this.#at] === '{') {
        this.block('a block')
        return
      }
      this.#at++
    }
  }

  #skipBlanks(): void {
    const blanks = this.#match(/(?:\s|#[^\n]*)+/y)
    if (blanks !== null) this.#at += blanks.length
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#text)?.[0] ?? null
  }

  #unexpected(what: string): SqltestError {
    const { line } = this
    const rest = this.#text.slice(this.#at, this.#at + 30).split('\n')[0]
    return new SqltestError(`expected ${what}, and there is ${rest === '' ? 'the end' : `'${rest}'`}`, line)
  }
}

/** `repeat:n:text`, or a number. */
function expand(macro: string, line: number): string {
  const [, count, text] = /^repeat:(.*?):(.*)$/s.exec(macro) ?? []
  if (count !== undefined) return text!.repeat(evaluate(count, line))
  return String(evaluate(macro, line))
}

function evaluate(count: string, line: number): number {
  const found = COUNT.exec(count.replace(/\s/g, ''))
  if (found === null) throw new SqltestError(`unknown macro or count '${count}'`, line)
  const [, number, sign, delta = '0'] = found
  if (number !== undefined) return Number(number)
  return Math.max(0, EXPRESSION_DEPTH + Number(`${sign ?? '+'}${delta}`))
}

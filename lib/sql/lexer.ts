/**
 * Lexer: walks an SQL text token by token, where SQLite's own tokenizer would cut it (`sqlite3GetToken()`
 * in tokenize.c). Runs in both processes. It knows no grammar, and judges nothing: a malformed literal is
 * only as long as SQLite finds it, since SQLite is asked anyway and says so better.
 */

/**
 * What a token is. `word` is a keyword or an unquoted identifier, SQLite's grammar decides which; `quoted`
 * is an identifier in "…", `…` or […]; `=` is also `==`; `other` is any other operator, or nothing SQLite knows.
 */
export type TokenKind =
  | 'end'
  | 'word'
  | 'quoted'
  | 'string'
  | 'number'
  | 'blob'
  | 'variable'
  | 'other'
  | ';'
  | '.'
  | ','
  | '('
  | ')'
  | '='
  | '+'
  | '-'
  | '*'

// What a character may be part of: bits, since `1` belongs to a word, a number and a variable's name.
const IDENTIFIER = 1
const DIGIT = 2
const DIGIT_OR_SEPARATOR = 4
const HEX = 8
const SPACE = 16

const CLASS_OF_ASCII = new Uint8Array(128)
classify('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$', IDENTIFIER)
classify('0123456789', DIGIT | DIGIT_OR_SEPARATOR)
classify('_', DIGIT_OR_SEPARATOR)
classify('0123456789ABCDEFabcdef', HEX)
classify(' \t\n\v\f\r', SPACE)

function classify(characters: string, bits: number): void {
  for (const character of characters) CLASS_OF_ASCII[character.charCodeAt(0)]! |= bits
}

const code = (character: string): number => character.charCodeAt(0)

const VERTICAL_TAB = code('\v')
const QUOTE = code("'")
const DOUBLE_QUOTE = code('"')
const BACKTICK = code('`')
const BRACKET = code('[')
const DOLLAR = code('$')
const AT = code('@')
const HASH = code('#')
const COLON = code(':')
const QUESTION = code('?')
const MINUS = code('-')
const PLUS = code('+')
const SLASH = code('/')
const STAR = code('*')
const DOT = code('.')
const COMMA = code(',')
const SEMICOLON = code(';')
const OPEN = code('(')
const CLOSE = code(')')
const EQUALS = code('=')
const ZERO = code('0')
const LOWER_E = code('e')
const LOWER_X = code('x')
const BYTE_ORDER_MARK = 0xfeff

/** The bit in which an ASCII letter's two cases differ. */
const CASE_BIT = 0x20

/** An operator that no `case` below knows, or one character that SQLite refuses. */
const OPERATOR = /->>?|==?|<[<=>]?|>[=>]?|!=|\|\||./sy

export class Lexer {
  readonly sql: string
  /** The kind of the token at hand. Before the first `next()` there is none. */
  kind: TokenKind = 'other'
  /** Where the token at hand begins, and where it has ended. */
  start: number
  stop: number
  /** Where the text ends, for SQLite: at a NUL, if there is one. */
  readonly #end: number

  constructor(sql: string, from = 0, end = endOf(sql)) {
    this.sql = sql
    this.start = from
    this.stop = from
    this.#end = end
  }

  /** Another Lexer that goes on from here, to look ahead with. */
  fork(): Lexer {
    return new Lexer(this.sql, this.stop, this.#end)
  }

  /** Goes to the next token that is neither blank nor comment and returns its kind, at last always `end`. */
  next(): TokenKind {
    this.start = this.#skipBlanks(this.stop)
    this.stop = this.start
    this.kind = this.start < this.#end ? this.#scan(this.start) : 'end'
    return this.kind
  }

  /** Whether the token at hand is this name, quoted or not. `name` is in lower case; SQLite folds A to Z only. */
  is(name: string): boolean {
    const quotes = this.kind === 'word' ? 0 : 1
    if (this.stop - this.start !== name.length + 2 * quotes) return false
    for (let i = 0; i < name.length; i++) {
      const at = this.sql.charCodeAt(this.start + quotes + i)
      const upper = at >= 0x41 && at <= 0x5a
      if ((upper ? at | CASE_BIT : at) !== name.charCodeAt(i)) return false
    }
    return true
  }

  /** Whether the token at hand is this word, unquoted. `word` is in lower case. */
  isWord(word: string): boolean {
    return this.kind === 'word' && this.is(word)
  }

  /** The token at hand as it is written. */
  text(): string {
    return this.sql.slice(this.start, this.stop)
  }

  /** The token at hand without its quotes, as `sqlite3Dequote()` does it. */
  unquoted(): string {
    const text = this.text()
    if (this.kind !== 'quoted' && this.kind !== 'string') return text
    const quote = text[0]!
    const inner = text.slice(1, -1)
    return quote === '[' ? inner : inner.replaceAll(quote + quote, quote)
  }

  #skipBlanks(from: number): number {
    const { sql } = this
    let at = from
    for (;;) {
      const c = sql.charCodeAt(at)
      const next = sql.charCodeAt(at + 1)
      if (c === VERTICAL_TAB) return at // a blank for SQLite behind other blanks only
      if (c === BYTE_ORDER_MARK) at++
      else if (classOf(c) & SPACE) at = this.#skip(at, SPACE)
      else if (c === MINUS && next === MINUS) at = this.#after('\n', at + 2)
      // A `/*` that ends the text is no comment: tokenize.c wants a third character.
      else if (c === SLASH && next === STAR && at + 2 < this.#end) at = this.#after('*/', at + 2)
      else return at
    }
  }

  /** Finds the kind of the token that begins at `at`, and sets `stop`. */
  #scan(at: number): TokenKind {
    const { sql } = this
    const c = sql.charCodeAt(at)
    const next = sql.charCodeAt(at + 1)
    const bits = classOf(c)
    if (bits & DIGIT || (c === DOT && classOf(next) & DIGIT)) {
      this.stop = this.#afterNumber(at)
      return 'number'
    }
    if ((c | CASE_BIT) === LOWER_X && next === QUOTE) {
      this.stop = this.#after("'", at + 2)
      return 'blob'
    }
    if (bits & IDENTIFIER && c !== DOLLAR) {
      this.stop = this.#skip(at + 1, IDENTIFIER)
      return 'word'
    }
    switch (c) {
      case QUOTE:
        this.stop = this.#afterQuoted("'", at)
        return 'string'
      case DOUBLE_QUOTE:
        this.stop = this.#afterQuoted('"', at)
        return 'quoted'
      case BACKTICK:
        this.stop = this.#afterQuoted('`', at)
        return 'quoted'
      case BRACKET:
        this.stop = this.#after(']', at + 1)
        return 'quoted'
      case QUESTION:
        this.stop = this.#skip(at + 1, DIGIT)
        return 'variable'
      case COLON:
      case AT:
      case HASH:
      case DOLLAR:
        this.stop = this.#afterVariable(at)
        return this.stop > at + 1 ? 'variable' : 'other'
    }
    this.stop = at + 1
    switch (c) {
      case SEMICOLON:
        return ';'
      case DOT:
        return '.'
      case COMMA:
        return ','
      case OPEN:
        return '('
      case CLOSE:
        return ')'
      case PLUS:
        return '+'
      case STAR:
        return '*'
      default:
        OPERATOR.lastIndex = at
        OPERATOR.test(sql)
        this.stop = OPERATOR.lastIndex
        if (c === EQUALS) return '='
        return c === MINUS && this.stop === at + 1 ? '-' : 'other'
    }
  }

  /** The first place from `at` on whose character has none of `bits`. */
  #skip(at: number, bits: number): number {
    while (at < this.#end && classOf(this.sql.charCodeAt(at)) & bits) at++
    return at
  }

  /** The place behind the next `mark`, or the end. */
  #after(mark: string, at: number): number {
    const found = this.sql.indexOf(mark, at)
    return found === -1 || found >= this.#end ? this.#end : found + mark.length
  }

  /** The place behind a quoted text in which the quote itself stands twice. */
  #afterQuoted(quote: string, at: number): number {
    let stop = this.#after(quote, at + 1)
    while (stop < this.#end && this.sql[stop] === quote) stop = this.#after(quote, stop + 1)
    return stop
  }

  /** Letters and the like behind a number belong to it, and make it one that SQLite refuses. */
  #afterNumber(start: number): number {
    const { sql } = this
    let at = start
    const hex =
      sql.charCodeAt(at) === ZERO &&
      (sql.charCodeAt(at + 1) | CASE_BIT) === LOWER_X &&
      classOf(sql.charCodeAt(at + 2)) & HEX
    if (!hex) {
      at = this.#skip(at, DIGIT_OR_SEPARATOR)
      if (sql.charCodeAt(at) === DOT) at = this.#skip(at + 1, DIGIT_OR_SEPARATOR)
      if ((sql.charCodeAt(at) | CASE_BIT) === LOWER_E) {
        const sign = sql.charCodeAt(at + 1)
        const digits = sign === PLUS || sign === MINUS ? at + 2 : at + 1
        if (classOf(sql.charCodeAt(digits)) & DIGIT) at = this.#skip(digits, DIGIT_OR_SEPARATOR)
      }
    }
    return this.#skip(at, IDENTIFIER)
  }

  /**
   * `:name`, `@name`, `#name`, `$name`, and Tcl's `$name::space(index)`. SQLite allows the suffix behind all
   * four; an engine built with SQLITE_OMIT_TCL_VARIABLE (better-sqlite3's) refuses every text that has one.
   */
  #afterVariable(start: number): number {
    const { sql } = this
    let at = start + 1
    let named = false
    while (at < this.#end) {
      const c = sql.charCodeAt(at)
      if (classOf(c) & IDENTIFIER) {
        named = true
        at++
      } else if (c === COLON && sql.charCodeAt(at + 1) === COLON) {
        at += 2
      } else if (c === OPEN && named) {
        return this.#afterIndex(at)
      } else {
        break
      }
    }
    return at
  }

  #afterIndex(open: number): number {
    let at = open + 1
    while (at < this.#end) {
      const c = this.sql.charCodeAt(at)
      if (c === CLOSE) return at + 1
      if (classOf(c) & SPACE) return at
      at++
    }
    return at
  }
}

/** Where SQLite stops reading, whatever length it was given. */
function endOf(sql: string): number {
  const nul = sql.indexOf('\0')
  return nul === -1 ? sql.length : nul
}

/** Every character beyond ASCII may be part of an identifier, a no-break space too; NaN is beyond the text. */
function classOf(c: number): number {
  return c < 128 ? CLASS_OF_ASCII[c]! : c >= 128 ? IDENTIFIER : 0
}

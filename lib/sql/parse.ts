/**
 * parseSql: what can be told of an SQL text without a database: how many statements it holds, and of the
 * first one its verb and its parameters. Runs in both processes. It refuses nothing: what SQLite would not
 * accept comes out as something, and SQLite says what is wrong with it.
 */

import { Lexer } from './lexer.ts'
import { ParameterList } from './parameters.ts'
import { namesTempSchema } from './temp-schema.ts'

/** What forklite knows of an SQL text without asking a database. */
export interface ParsedSql {
  readonly sql: string
  /**
   * The number of statements: pieces between semicolons that hold anything but blanks and comments.
   * CREATE TRIGGER … BEGIN … END is one; `select 1; -` is two.
   */
  readonly statements: number
  /** Where each of them ends in the text, its `;` included: the next begins there. */
  readonly ends: readonly number[]
  /**
   * The first statement's first keyword in upper case; for WITH the verb behind its list; EXPLAIN stands for
   * itself. `''` for an empty text, and for one that begins as no statement does.
   */
  readonly verb: string
  /**
   * The first statement's parameters: `names[i]` is the name of parameter i+1 as it stands in the SQL (`':a'`,
   * `'?2'`), null for a plain `?` and for a number in a gap.
   */
  readonly names: readonly (string | null)[]
  /** Whether one of them is `:a`, `@a`, `$a` or `#a`, so that an object is wanted. */
  readonly named: boolean
  /** Numbers, from 1, that are below the highest but stand nowhere: 1 and 2 for `?3`. */
  readonly gaps: readonly number[]
  /**
   * Whether anything in the text makes a temporary object or names one: CREATE TEMP, `temp.x`, sqlite_temp_schema.
   * Where something else is called temp, as in `select temp.x from a as temp`, only `temp.x` in a table's place.
   */
  readonly temporary: boolean
  /**
   * The function called first in the text among last_insert_rowid, changes and total_changes, else null. What a
   * CREATE TRIGGER or CREATE VIEW calls does not count: it runs later.
   */
  readonly counter: string | null
  /** The pragma, if the first statement is one; also behind EXPLAIN, since many take effect when prepared. */
  readonly pragma: ParsedPragma | null
  /** What it attaches or detaches, if the first statement is ATTACH or DETACH. */
  readonly attached: ParsedAttached | null
  /** Whether there is a NUL, where SQLite would stop reading. Nothing behind it is told of here. */
  readonly hasNul: boolean
  readonly loneSurrogate: boolean
  /** Whether it is ROLLBACK TO a savepoint, which leaves the transaction open. */
  readonly rollbackTo: boolean
  /** Whether the first statement has a RETURNING clause. */
  readonly returning: boolean
  /** Whether the first statement has an ON CONFLICT clause: an INSERT that has may update instead. */
  readonly upsert: boolean
}

export interface ParsedPragma {
  /** In lower case, without its schema. */
  readonly name: string
  /** In lower case. */
  readonly schema: string | null
  /** What follows `=` or stands in parentheses, without blanks and quotes: `wal`, `-2000`. */
  readonly argument: string | null
}

/** `ATTACH file AS schema` or `DETACH schema`. */
export interface ParsedAttached {
  /** Undefined for DETACH. */
  readonly file: Operand | undefined
  readonly schema: Operand
}

/** A text as it stands, the index of a parameter from 0 on, or null for any other expression. */
export type Operand = string | number | null

/** Verbs that change rows and have a number of them, behind WITH too. */
export const WRITING: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE'])

/** What can follow WITH's list. */
const VERBS_WITH_CTES = ['select', 'values', 'insert', 'replace', 'update', 'delete']

/** What a statement can begin with, WITH and EXPLAIN apart. */
const VERBS = [
  ...VERBS_WITH_CTES,
  ...['begin', 'commit', 'end', 'rollback', 'savepoint', 'release'],
  ...['create', 'drop', 'alter', 'reindex', 'analyze', 'vacuum'],
  ...['pragma', 'attach', 'detach'],
]

/** Functions whose value belongs to one SQLite connection. */
const COUNTERS = ['last_insert_rowid', 'changes', 'total_changes']

/** A surrogate without its other half: with the `u` flag a pair is one character, and not of this category. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** A name as SQLite compares it: of letters it folds A to Z only. */
export function inLowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

/** Reads the text once, in time linear in its length. Never throws. */
export function parseSql(sql: string): ParsedSql {
  return new Reader(sql).read()
}

/**
 * Each statement of a text by itself, as parseSql() tells of its piece alone, in time linear in the length of all.
 * There is no NUL in the text.
 */
export function parseScript(sql: string): ParsedSql[] {
  const statements: ParsedSql[] = []
  let from = 0
  for (;;) {
    const reader = new Reader(sql, from, sql.length)
    const end = reader.readStatement()
    if (end === null) return statements
    statements.push(reader.parsed(sql.slice(from, end)))
    from = end
  }
}

/** One reading of one text. Each `#read` method begins with its first token at hand and ends behind its last. */
class Reader {
  readonly #lexer: Lexer
  readonly #parameters = new ParameterList()
  /** Whether the token at hand belongs to the first statement. */
  #first = true
  /** Parentheses open at the token at hand, in the first statement; a `)` is outside of what it closes. */
  #depth = 0
  #temporary = false
  /** Whether there is `temp.x`, and whether there is `temp` alone: a table, an alias or a column. */
  #tempDotted = false
  #tempAlone = false
  #counter: string | null = null

  // What follows is told of the first statement.
  #verb = ''
  #pragma: ParsedPragma | null = null
  #attached: ParsedAttached | null = null
  #to = false
  #returning = false
  #upsert = false

  constructor(sql: string, from?: number, end?: number) {
    this.#lexer = new Lexer(sql, from, end)
  }

  read(): ParsedSql {
    const ends: number[] = []
    for (let end = this.readStatement(); end !== null; end = this.readStatement()) ends.push(end)
    return this.parsed(this.#lexer.sql, ends)
  }

  /** Reads the next statement. Returns where it ends, null if there is none. */
  readStatement(): number | null {
    do this.#advance()
    while (this.#lexer.kind === ';')
    if (this.#lexer.kind === 'end') return null
    this.#readStatement()
    return this.#lexer.stop
  }

  /** What was read of a text. */
  parsed(sql: string, ends = [sql.length]): ParsedSql {
    return {
      sql,
      statements: ends.length,
      ends,
      verb: this.#verb,
      names: this.#parameters.names(),
      named: this.#parameters.named,
      gaps: this.#parameters.gaps(),
      temporary: this.#temporary || (this.#tempDotted && (!this.#tempAlone || namesTempSchema(sql))),
      counter: this.#counter,
      pragma: this.#pragma,
      attached: this.#attached,
      hasNul: sql.includes('\0'),
      loneSurrogate: LONE_SURROGATE.test(sql),
      rollbackTo: this.#verb === 'ROLLBACK' && this.#to,
      returning: this.#returning,
      upsert: this.#upsert,
    }
  }

  /** Goes to the next token, and notes of it what means the same wherever it stands. */
  #advance(): void {
    const lexer = this.#lexer
    const behindDot = lexer.kind === '.'
    switch (lexer.next()) {
      case '(':
        this.#depth++
        break
      case ')':
        this.#depth--
        break
      case 'variable':
        if (this.#first) this.#parameters.add(lexer.text())
        break
      case 'word':
        if (this.#first && this.#depth === 0) this.#noteKeyword()
        this.#noteName(behindDot)
        break
      case 'quoted':
        this.#noteName(behindDot)
        break
      case 'string':
        // SQLite takes `'temp'.x` for a name too.
        this.#noteSchema(behindDot)
        break
    }
  }

  /** RETURNING and TO are reserved: no name can be written so without quotes. CONFLICT is not; few are called so. */
  #noteKeyword(): void {
    if (this.#lexer.isWord('returning')) this.#returning = true
    else if (this.#lexer.isWord('conflict')) this.#upsert = true
    else if (this.#lexer.isWord('to')) this.#to = true
  }

  #noteName(behindDot: boolean): void {
    const lexer = this.#lexer
    this.#noteSchema(behindDot)
    if (lexer.is('sqlite_temp_master') || lexer.is('sqlite_temp_schema')) this.#temporary = true
    this.#counter ??= COUNTERS.find((name) => lexer.is(name) && this.#isCall()) ?? null
  }

  #noteSchema(behindDot: boolean): void {
    if (!this.#lexer.is('temp')) return
    if (this.#lexer.fork().next() !== '.') this.#tempAlone = true
    else if (!behindDot) this.#tempDotted = true
  }

  /**
   * Whether the name at hand is called as a function without arguments. A table of this name has columns
   * instead, `insert into changes (id)`; `changes(*)`, `changes(all)` and the like are calls for SQLite.
   */
  #isCall(): boolean {
    const ahead = this.#lexer.fork()
    if (ahead.next() !== '(') return false
    const inside = ahead.next()
    return inside === ')' || inside === '*' || ['distinct', 'all', 'order'].some((word) => ahead.isWord(word))
  }

  /** No parenthesis keeps a `;` in: SQLite's grammar has it in the body of a trigger only. */
  #atEnd(): boolean {
    return this.#lexer.kind === ';' || this.#lexer.kind === 'end'
  }

  #readStatement(): void {
    const explained = this.#readExplain()
    const verbs = this.#readWith() ? VERBS_WITH_CTES : VERBS
    const verb = verbs.find((word) => this.#lexer.isWord(word)) ?? ''
    if (this.#first) this.#verb = explained ? 'EXPLAIN' : verb.toUpperCase()
    if (verb === 'pragma') this.#readPragma()
    else if (verb === 'create') this.#readCreate(explained)
    else if ((verb === 'attach' || verb === 'detach') && !explained) this.#readAttached(verb)
    while (!this.#atEnd()) this.#advance()
    this.#first = false
  }

  #readExplain(): boolean {
    if (!this.#lexer.isWord('explain')) return false
    this.#advance()
    if (this.#lexer.isWord('query')) this.#advance()
    if (this.#lexer.isWord('plan')) this.#advance()
    return true
  }

  /**
   * `WITH [RECURSIVE] name [(columns)] AS [[NOT] MATERIALIZED] (select), …`: the verb is the word behind a `)`
   * that is not AS. Words alone do not tell: `with replace as (…) select …`.
   */
  #readWith(): boolean {
    const lexer = this.#lexer
    if (!lexer.isWord('with')) return false
    let closed = false
    while (!this.#atEnd()) {
      if (closed && lexer.kind === 'word' && !lexer.isWord('as')) break
      closed = lexer.kind === ')' && this.#depth === 0
      this.#advance()
    }
    return true
  }

  /** `PRAGMA [schema.]name [= value | (value)]`; names may be quoted, and values too. */
  #readPragma(): void {
    this.#advance()
    let schema: string | null = null
    let name = this.#readName()
    if (this.#lexer.kind === '.') {
      this.#advance()
      schema = name
      name = this.#readName()
    }
    const argument = this.#lexer.kind === '=' || this.#lexer.kind === '(' ? this.#readArgument() : null
    if (this.#first && name !== null) this.#pragma = { name, schema, argument }
  }

  #readName(): string | null {
    const lexer = this.#lexer
    if (lexer.kind !== 'word' && lexer.kind !== 'quoted' && lexer.kind !== 'string') return null
    const name = inLowerCase(lexer.unquoted())
    this.#advance()
    return name
  }

  /** One token, or a number behind its sign. */
  #readArgument(): string | null {
    const lexer = this.#lexer
    this.#advance()
    let sign = ''
    if (lexer.kind === '-' || lexer.kind === '+') {
      sign = lexer.kind
      this.#advance()
    }
    if (this.#atEnd() || lexer.kind === ')') return null
    const value = lexer.unquoted()
    this.#advance()
    return sign + value
  }

  /** `ATTACH [DATABASE] file AS schema [KEY key]`, `DETACH [DATABASE] schema`. */
  #readAttached(verb: 'attach' | 'detach'): void {
    this.#advance()
    if (this.#lexer.isWord('database')) this.#advance()
    const file = verb === 'attach' ? this.#readOperand() : undefined
    if (this.#lexer.isWord('as')) this.#advance()
    const schema = this.#readOperand()
    if (this.#first) this.#attached = { file, schema }
  }

  /** One name, string or parameter; all tokens up to AS, KEY or the end of any other expression. */
  #readOperand(): Operand {
    const lexer = this.#lexer
    let operand: Operand = null
    let tokens = 0
    while (!this.#atEnd() && !lexer.isWord('as') && !lexer.isWord('key')) {
      if (lexer.kind === 'variable') operand = this.#parameters.numberOf(lexer.text()) - 1
      else if (lexer.kind === 'word' || lexer.kind === 'quoted' || lexer.kind === 'string')
        operand = lexer.unquoted()
      else operand = null
      tokens++
      this.#advance()
    }
    return tokens === 1 ? operand : null
  }

  #readCreate(explained: boolean): void {
    const lexer = this.#lexer
    this.#advance()
    if (lexer.isWord('temp') || lexer.isWord('temporary')) {
      if (!explained) this.#temporary = true
      this.#advance()
    }
    const trigger = lexer.isWord('trigger')
    if (!trigger && !lexer.isWord('view')) return
    const counter = this.#counter
    if (trigger) this.#readTrigger()
    while (!this.#atEnd()) this.#advance()
    this.#counter = counter
  }

  /**
   * `… BEGIN statement; statement; END`: an END that closes a CASE never stands behind a `;`, and the
   * trigger's own always does. `sqlite3_complete()` goes by the same rule.
   */
  #readTrigger(): void {
    const lexer = this.#lexer
    let inBody = false
    let behindSemicolon = false
    while (lexer.kind !== 'end') {
      if (lexer.kind === ';' && !inBody) return
      if (lexer.isWord('begin')) inBody = true
      if (behindSemicolon && lexer.isWord('end')) inBody = false
      behindSemicolon = lexer.kind === ';'
      this.#advance()
    }
  }
}

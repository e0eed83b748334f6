/**
 * Reads a `.sqltest` file into its cases, each with the SQL of its setups, its expectation and, where it is not
 * to be run on SQLite, the reason. Pure: it knows nothing of databases.
 *
 * Besides what the format's README names there are `matrix` cases: one statement for each combination of their
 * `@var` values, expected to give what SQLite gives; and snapshots of query plans, which are another engine's.
 */
import { combinations, substitute } from './sqltest-matrix.ts'
import { Scanner, SqltestError } from './sqltest-scanner.ts'
import { skipDatabase, skipIf, skipUnless } from './sqltest-skips.ts'

const MODIFIERS = ['error', 'pattern', 'raw', 'unordered'] as const

export type Expectation =
  /** Lines, the blanks around them dropped unless `raw`. */
  | { readonly kind: 'rows' | 'raw' | 'unordered'; readonly text: string }
  /** A regular expression. */
  | { readonly kind: 'pattern'; readonly text: string }
  | { readonly kind: 'error' }
  /** What the SQLite package gives when called directly. */
  | { readonly kind: 'agreement' }

export interface SqltestCase {
  readonly name: string
  /** Where it begins in the file, from 1. */
  readonly line: number
  readonly setups: readonly { readonly name: string; readonly sql: string | undefined }[]
  readonly sql: string
  readonly expectation: Expectation
  /** Whether the database is to be sound afterwards. */
  readonly crossCheck: boolean
  /** Why it is not run, or null. */
  readonly skip: string | null
}

export interface SqltestFile {
  readonly cases: readonly SqltestCase[]
  /** What is not of the format. */
  readonly problems: readonly SqltestError[]
}

/** Whose expectations are meant for the sqlite3 shell's list mode. */
const OWN_BACKEND = '@cli'

/** What stands before a case. */
interface Decorators {
  readonly setups: string[]
  readonly vars: Map<string, string[]>
  skip: string | null
  crossCheck: boolean
}

/** Never throws: what is wrong is told in `problems`, and the rest is read on. */
export function parseSqltest(text: string): SqltestFile {
  return new Reader(text).read()
}

class Reader {
  readonly #scanner: Scanner
  readonly #setups = new Map<string, string>()
  readonly #cases: (Omit<SqltestCase, 'setups'> & { setups: readonly string[] })[] = []
  readonly #problems: SqltestError[] = []
  #decorators = undecorated()
  /** Why no case of the file is run, or null. */
  #skipFile: string | null = null

  constructor(text: string) {
    this.#scanner = new Scanner(text)
  }

  read(): SqltestFile {
    while (!this.#scanner.atEnd) {
      const { line } = this.#scanner
      try {
        this.#readNext(line)
      } catch (error) {
        if (!(error instanceof SqltestError)) throw error
        this.#problems.push(error)
        this.#leave(line)
      }
    }
    const cases = this.#cases.map((each) => ({
      ...each,
      setups: each.setups.map((name) => ({ name, sql: this.#setups.get(name) })),
      skip: this.#skipFile ?? each.skip,
    }))
    return { cases, problems: this.#problems }
  }

  /** Goes behind what was not understood, if it goes on in the line in which it began. */
  #leave(line: number): void {
    if (this.#scanner.line !== line) return
    try {
      this.#scanner.skipLine()
    } catch {
      // The block without an end that the line began is told by now.
    }
  }

  #readNext(line: number): void {
    const scanner = this.#scanner
    const word = scanner.word('a directive, setup or test')
    switch (word) {
      case 'setup':
        this.#setups.set(scanner.word('a name'), scanner.text('a block of SQL'))
        break
      case 'test':
        this.#readTest(line)
        break
      case 'matrix':
        this.#readMatrix(line)
        break
      case 'snapshot':
      case 'snapshot-eqp':
        this.#readSnapshot(line)
        break
      default:
        if (!word.startsWith('@')) throw new SqltestError(`unknown word '${word}'`, line)
        this.#readDirective(word, line)
    }
  }

  #readDirective(word: string, line: number): void {
    const scanner = this.#scanner
    const decorators = this.#decorators
    switch (word) {
      case '@database': {
        const name = scanner.word('a database')
        if (scanner.peek() === 'readonly') scanner.word('readonly')
        this.#skipAll(skipDatabase(name))
        break
      }
      case '@setup':
        decorators.setups.push(scanner.word('the name of a setup'))
        break
      case '@var':
        decorators.vars.set(
          scanner.word('a name'),
          scanner
            .block('values')
            .split('|')
            .map((value) => value.trim()),
        )
        break
      case '@skip':
        this.#skip(`@skip: ${scanner.string('a reason')}`)
        break
      case '@skip-if':
        this.#skip(this.#condition(skipIf, word, line))
        break
      case '@requires':
        this.#skip(this.#condition(skipUnless, word, line))
        break
      case '@skip-file':
        this.#skipAll(`@skip-file: ${scanner.string('a reason')}`)
        break
      case '@skip-file-if':
        this.#skipAll(this.#condition(skipIf, word, line))
        break
      case '@requires-file':
        this.#skipAll(this.#condition(skipUnless, word, line))
        break
      case '@backend':
        // How the other engine is called makes no difference to SQL.
        scanner.word('a backend')
        break
      case '@cross-check-integrity':
        decorators.crossCheck = true
        break
      default:
        throw new SqltestError(`unknown directive ${word}`, line)
    }
  }

  // The first reason is told.
  #skip(reason: string | null): void {
    this.#decorators.skip ??= reason
  }

  #skipAll(reason: string | null): void {
    this.#skipFile ??= reason
  }

  /** `NAME "reason"`. */
  #condition(skip: typeof skipIf, word: string, line: number): string | null {
    const name = this.#scanner.word('a condition')
    return skip(word, name, this.#scanner.string('a reason'), line)
  }

  #readTest(line: number): void {
    const scanner = this.#scanner
    const decorators = this.#takeDecorators()
    const name = scanner.word('a name')
    const sql = scanner.text('a block of SQL')
    let expectation: Expectation | null = null
    while (scanner.peek() === 'expect') {
      scanner.word('expect')
      const backend = scanner.peek().startsWith('@') ? scanner.word('a backend') : null
      const found = this.#readExpectation(line)
      if (backend === OWN_BACKEND || (backend === null && expectation === null)) expectation = found
    }
    if (expectation === null) throw new SqltestError(`the test ${name} has no expect block`, line)
    this.#add(decorators, line, name, sql, expectation)
  }

  #readExpectation(line: number): Expectation {
    const modifier = this.#scanner.peek()
    if (modifier !== '') this.#scanner.word('a modifier')
    const text = this.#scanner.text('a block of lines')
    const kind = MODIFIERS.find((word) => word === modifier)
    if (kind === 'error') return { kind }
    if (kind === 'raw') return { kind, text }
    if (kind === 'pattern') return { kind, text: text.trim() }
    if (modifier !== '' && kind === undefined) throw new SqltestError(`unknown 'expect ${modifier}'`, line)
    return { kind: kind ?? 'rows', text: trimLines(text) }
  }

  #readMatrix(line: number): void {
    const decorators = this.#takeDecorators()
    const name = this.#scanner.word('a name')
    const template = this.#scanner.text('a block of SQL')
    for (const values of combinations([...decorators.vars])) {
      const choice = [...values.values()].map((value) => `[${value}]`).join('')
      this.#add(decorators, line, name + choice, substitute(template, values), { kind: 'agreement' })
    }
  }

  #readSnapshot(line: number): void {
    const decorators = this.#takeDecorators()
    decorators.skip ??= SNAPSHOT
    const name = this.#scanner.word('a name')
    this.#add(decorators, line, name, this.#scanner.text('a block of SQL'), { kind: 'agreement' })
  }

  #takeDecorators(): Decorators {
    const decorators = this.#decorators
    this.#decorators = undecorated()
    return decorators
  }

  #add(decorators: Decorators, line: number, name: string, sql: string, expectation: Expectation): void {
    const { setups, skip, crossCheck } = decorators
    this.#cases.push({ name, line, setups, sql, expectation, crossCheck, skip })
  }
}

const SNAPSHOT = "snapshot: the plans are another engine's"

function undecorated(): Decorators {
  return { setups: [], vars: new Map(), skip: null, crossCheck: false }
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
}

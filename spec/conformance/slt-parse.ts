/**
 * Reads a sqllogictest script into its records, those for other engines left out. Pure: it knows the format as
 * its C runner has it, and nothing of databases.
 */

export interface StatementRecord {
  readonly kind: 'statement'
  /** Where it begins in the file, from 1. */
  readonly line: number
  /** One statement or several. */
  readonly sql: string
  readonly expect: 'ok' | 'error'
}

export interface QueryRecord {
  readonly kind: 'query'
  readonly line: number
  readonly sql: string
  /** A letter for each column: T, I or R. */
  readonly types: string
  readonly sort: Sort
  /** Queries with the same label give the same values; '' for none. */
  readonly label: string
  /** One value a line, or the line that tells their hash. */
  readonly expected: readonly string[]
}

/** From here on results of more values than this are given by their hash; 0 for never. */
export interface ThresholdRecord {
  readonly kind: 'hash-threshold'
  readonly line: number
  readonly values: number
}

/** What is not of the format. */
export interface ProblemRecord {
  readonly kind: 'problem'
  readonly line: number
  readonly message: string
}

export type SltRecord = StatementRecord | QueryRecord | ThresholdRecord | ProblemRecord

const SORTS = ['nosort', 'rowsort', 'valuesort'] as const
export type Sort = (typeof SORTS)[number]

export interface SltScript {
  readonly records: readonly SltRecord[]
  /** Statements and queries that are for other engines. */
  readonly skipped: number
}

/** The name that skipif and onlyif have for what is tested here. */
const ENGINE = 'sqlite'

interface Line {
  readonly number: number
  readonly text: string
}

/** Never throws: what is wrong comes out as a record that says so. */
export function parseSlt(text: string): SltScript {
  const records: SltRecord[] = []
  let skipped = 0
  for (const lines of blocks(text)) {
    const problem = (message: string, line = lines[0]!) =>
      records.push({ kind: 'problem', line: line.number, message })
    const { wanted, rest } = conditions(lines)
    const [head, ...body] = rest
    if (head === undefined) {
      problem('a condition without a record')
      continue
    }
    const [command, ...words] = wordsOf(head.text)
    if (!wanted) {
      if (command === 'statement' || command === 'query') skipped++
      continue
    }
    if (command === 'halt') break
    if (command === 'statement') records.push(statement(head, words, body))
    else if (command === 'query') records.push(query(head, words, body))
    else if (command === 'hash-threshold') {
      if (!/^\d+$/.test(words[0] ?? '')) problem(`hash-threshold takes a number: ${head.text}`, head)
      else records.push({ kind: 'hash-threshold', line: head.number, values: Number(words[0]) })
      if (body.length > 0) problem(`what follows ${command} without a blank line is not run`, body[0])
    } else problem(`unknown record type '${command}'`, head)
  }
  return { records, skipped }
}

/** The runs of lines between blank ones. Lines that begin with `#` are nowhere. */
function* blocks(text: string): Generator<Line[]> {
  let block: Line[] = []
  let number = 0
  for (const raw of text.replace(/^\uFEFF/, '').split('\n')) {
    number++
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    if (line.startsWith('#')) continue
    if (line.trim() !== '') block.push({ number, text: line })
    else if (block.length > 0) {
      yield block
      block = []
    }
  }
  if (block.length > 0) yield block
}

/** Whether the conditions before a record let SQLite run it, and what comes behind them. */
function conditions(lines: readonly Line[]): { wanted: boolean; rest: readonly Line[] } {
  let wanted = true
  let at = 0
  for (; at < lines.length; at++) {
    const [word, engine = ''] = wordsOf(lines[at]!.text)
    if (word !== 'skipif' && word !== 'onlyif') break
    if ((engine.toLowerCase() === ENGINE) === (word === 'skipif')) wanted = false
  }
  return { wanted, rest: lines.slice(at) }
}

function wordsOf(line: string): string[] {
  return line.trim().split(/\s+/)
}

function statement(head: Line, [expect]: string[], body: readonly Line[]): SltRecord {
  const line = head.number
  if (expect !== 'ok' && expect !== 'error') {
    return { kind: 'problem', line, message: `a statement is ok or error: ${head.text}` }
  }
  return { kind: 'statement', line, sql: textOf(body), expect }
}

function query(head: Line, words: string[], body: readonly Line[]): SltRecord {
  const line = head.number
  const [types = '', sort = 'nosort', label = ''] = words
  const problem = (message: string): SltRecord => ({ kind: 'problem', line, message })
  if (!/^[TIR]+$/.test(types)) return problem(`a query's types are T, I and R: ${head.text}`)
  if (!isSort(sort)) return problem(`a query is sorted by ${SORTS.join(', ')}: ${head.text}`)
  const rule = body.findIndex(({ text }) => text.trimEnd() === '----')
  const expected = rule === -1 ? [] : body.slice(rule + 1).map(({ text }) => text)
  const sql = textOf(rule === -1 ? body : body.slice(0, rule))
  return { kind: 'query', line, sql, types, sort, label, expected }
}

function isSort(word: string): word is Sort {
  return (SORTS as readonly string[]).includes(word)
}

function textOf(lines: readonly Line[]): string {
  return lines.map(({ text }) => text).join('\n')
}

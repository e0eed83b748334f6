/** The summary of a run as text: a table, and the lists of what failed and of what was not run. Pure functions. */
import type { FileReport } from './runner.ts'
import type { Failure } from './slt-run.ts'

/** What the reports of one driver, reading and format come to. */
export interface Totals {
  readonly driver: string
  readonly reading: string
  readonly format: string
  readonly files: number
  readonly statements: number
  readonly queries: number
  readonly tests: number
  readonly passed: number
  readonly failed: number
  readonly own: number
  readonly skipped: number
  readonly seconds: number
}

/** Adds up reports that have driver, reading and format in common; `seconds` is what they took side by side. */
export function totalsOf(reports: readonly FileReport[], seconds: number): Totals {
  const sum = (count: (report: FileReport) => number) => reports.reduce((all, each) => all + count(each), 0)
  const first = reports[0]
  const statements = sum((report) => report.statements)
  const queries = sum((report) => report.queries)
  const tests = sum((report) => report.tests)
  const failed = sum(({ failures }) => failures.length)
  // A failure of a file is about nothing that was run.
  const ran = sum(({ failures }) => failures.filter(({ what }) => what !== 'file').length)
  const own = sum((report) => report.own.length)
  return {
    driver: first?.driver ?? '',
    reading: first?.reading ?? '',
    format: first?.file.format ?? '',
    files: reports.length,
    ...{ statements, queries, tests, failed, own, seconds },
    passed: statements + queries + tests - ran - own,
    skipped: sum(({ skipped }) => [...skipped.values()].reduce((all, count) => all + count, 0)),
  }
}

const COLUMNS: readonly [title: string, cell: (totals: Totals) => string | number][] = [
  ['driver', ({ driver }) => driver],
  ['rows by', ({ reading }) => reading],
  ['format', ({ format }) => format],
  ['files', ({ files }) => files],
  ['statements', ({ format, statements }) => (format === 'slt' ? statements : '')],
  ['queries', ({ format, queries }) => (format === 'slt' ? queries : '')],
  ['tests', ({ format, tests }) => (format === 'slt' ? '' : tests)],
  ['passed', ({ passed }) => passed],
  ['failed', ({ failed }) => failed],
  ["engine's own", ({ own }) => own],
  ['skipped', ({ skipped }) => skipped],
  ['seconds', ({ seconds }) => seconds.toFixed(1)],
]
/** So many columns hold words; the others hold numbers and stand to the right. */
const WORDS = 3

export function table(all: readonly Totals[]): string {
  const rows = all.map((totals) => COLUMNS.map(([, cell]) => show(cell(totals))))
  const lines = [COLUMNS.map(([title]) => title), ...rows]
  const widths = COLUMNS.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  const pad = (cell: string, i: number) => (i < WORDS ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))
  const [head, ...body] = lines.map((line) => line.map(pad).join('  ').trimEnd())
  return [head, '─'.repeat(widths.reduce((a, b) => a + b + 2, -2)), ...body].join('\n')
}

function show(cell: string | number): string {
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : cell
}

/** No more of a list is shown than this, and of each failure no more than these. */
const MOST_LINES = 1000
const MOST_CHARACTERS = 400

/** The failures, one once for all readings that have it; '' for none. */
export function failureList(reports: readonly FileReport[]): string {
  const entries = grouped(
    reports,
    ({ failures }) => failures,
    ({ problem }) => problem,
  )
  return list('FAILED', entries, true)
}

/** Those that the package shows too when it is called directly; '' for none. */
export function ownList(reports: readonly FileReport[]): string {
  const entries = grouped(
    reports,
    ({ own }) => own,
    ({ direct }) => direct,
  )
  return list("the engine's own, shown by the package called directly too", entries, false)
}

interface Entry {
  readonly where: string
  readonly what: string
  readonly problem: string
  readonly sql: string
  readonly readings: Set<string>
}

function grouped<T extends Failure>(
  reports: readonly FileReport[],
  of: (report: FileReport) => readonly T[],
  problemOf: (failure: T) => string,
): Entry[] {
  const entries = new Map<string, Entry>()
  for (const report of reports) {
    for (const failure of of(report)) {
      const where = `${report.file.name}${failure.line > 0 ? `:${failure.line}` : ''}`
      const { what, sql } = failure
      const problem = problemOf(failure)
      const key = [report.driver, where, what, problem].join('\0')
      const entry = entries.get(key) ?? { where, what, problem, sql, readings: new Set() }
      entry.readings.add(`${report.driver} ${report.reading}`)
      entries.set(key, entry)
    }
  }
  return [...entries.values()]
}

function list(title: string, entries: readonly Entry[], withSql: boolean): string {
  if (entries.length === 0) return ''
  const shown = entries.slice(0, MOST_LINES).map(({ where, what, problem, sql, readings }) => {
    const lines = [`  ${where} ${what} (${[...readings].join(', ')})`, `    ${clip(problem)}`]
    if (withSql && sql !== '') lines.push(`    ${clip(sql.trim().replace(/\s+/g, ' '))}`)
    return lines.join('\n')
  })
  if (entries.length > MOST_LINES) shown.push(`  … and ${entries.length - MOST_LINES} more`)
  return [`${title} (${entries.length}):`, ...shown].join('\n')
}

function clip(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}…`
}

/** Why records and tests were not run, and how many; '' when all were. */
export function skippedList(reports: readonly FileReport[]): string {
  const counts = new Map<string, number>()
  for (const { skipped } of reports) {
    for (const [reason, count] of skipped) counts.set(reason, (counts.get(reason) ?? 0) + count)
  }
  if (counts.size === 0) return ''
  const lines = [...counts].map(([reason, count]) => `  ${count.toLocaleString('en-US')} × ${clip(reason)}`)
  return ['skipped, in all runs:', ...lines].join('\n')
}

/**
 * Runner: runs corpus files through forklite with one driver and one way to read rows, and holds what fails
 * against the SQLite package called directly. A failure that the package shows too is the engine's own.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CaseDatabases, needsOwn } from './case-databases.ts'
import { type Database, type DriverName, describeError } from './database.ts'
import type { DirectEngine } from './direct-engine.ts'
import type { CorpusFile } from './files.ts'
import { ForkliteDatabase, type Reading } from './forklite-database.ts'
import { parseSlt, type SltRecord } from './slt-parse.ts'
import { type Failure, runSlt } from './slt-run.ts'
import { parseSqltest, type SqltestCase } from './sqltest-parse.ts'
import { judge, runCase, shellCommand } from './sqltest-run.ts'

/** What became of one file, read in one way. */
export interface FileReport {
  readonly file: Pick<CorpusFile, 'name' | 'format'>
  readonly driver: DriverName
  readonly reading: Reading
  statements: number
  queries: number
  tests: number
  /** Records and tests that were not run, by the reason. */
  readonly skipped: Map<string, number>
  readonly failures: Failure[]
  /** Failures that the package shows too, when called directly, with its own problem. */
  readonly own: (Failure & { readonly direct: string })[]
  ms: number
}

/** The `what` of a failure that is about the file, and nothing that was run. */
const FILE = 'file'

export class Runner {
  readonly #driver: DriverName
  readonly #reading: Reading
  readonly #folder: string
  readonly #direct: DirectEngine
  #files = 0

  /** Databases are made in `folder`, in folders of their own. */
  constructor(driver: DriverName, reading: Reading, folder: string, direct: DirectEngine) {
    this.#driver = driver
    this.#reading = reading
    this.#folder = folder
    this.#direct = direct
  }

  /** Runs a file to its end. Never rejects: a file that cannot be read is a failure. */
  async run(file: CorpusFile, onPart: (fraction: number) => void = () => {}): Promise<FileReport> {
    const report = newReport(file, this.#driver, this.#reading)
    const folder = join(this.#folder, `${this.#driver.replace(':', '-')}-${this.#reading}-${++this.#files}`)
    const started = performance.now()
    try {
      mkdirSync(folder, { recursive: true })
      const text = readFileSync(file.path, 'utf8')
      if (file.format === 'slt') await this.#runSlt(text, folder, report, onPart)
      else await this.#runSqltest(text, folder, report, onPart)
    } catch (error) {
      report.failures.push({ line: 0, what: FILE, problem: describeError(error as Error), sql: '' })
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    report.ms = performance.now() - started
    return report
  }

  async #runSlt(
    text: string,
    folder: string,
    report: FileReport,
    onPart: (fraction: number) => void,
  ): Promise<void> {
    const { records, skipped } = parseSlt(text)
    if (skipped > 0) report.skipped.set('records for other engines', skipped)
    const database = await ForkliteDatabase.open(join(folder, 'test.db'), this.#driver, this.#reading)
    let done = 0
    const { statements, queries, failures } = await runSlt(records, database, () => {
      done++
      if (done % 256 === 0) onPart(done / records.length)
    }).finally(() => database.close())
    report.statements = statements
    report.queries = queries
    const about = failures.some(({ what }) => what !== FILE)
    const direct = about ? await this.#runSltDirectly(records, join(folder, 'direct.db')) : new Map()
    for (const failure of failures) {
      const problem = failure.what === FILE ? undefined : direct.get(failure.line)
      if (problem === undefined) report.failures.push(failure)
      else report.own.push({ ...failure, direct: problem })
    }
  }

  /** The problems of the package called directly, by their lines. */
  async #runSltDirectly(records: readonly SltRecord[], path: string): Promise<Map<number, string>> {
    const database = await this.#direct.open(path)
    const { failures } = await runSlt(records, database).finally(() => database.close())
    return new Map(failures.map(({ line, problem }) => [line, problem]))
  }

  async #runSqltest(
    text: string,
    folder: string,
    report: FileReport,
    onPart: (fraction: number) => void,
  ): Promise<void> {
    const { cases, problems } = parseSqltest(text)
    for (const { line, message } of problems) {
      report.failures.push({ line, what: FILE, problem: message, sql: '' })
    }
    const databases = new CaseDatabases(folder, this.#driver, this.#reading)
    try {
      for (const [i, test] of cases.entries()) {
        const command = shellCommand(test)
        const skip = test.skip ?? (command === null ? null : `the shell's ${command}`)
        if (skip !== null) report.skipped.set(skip, (report.skipped.get(skip) ?? 0) + 1)
        else await this.#runTest(test, databases, report)
        onPart((i + 1) / cases.length)
      }
    } finally {
      await databases.close()
    }
  }

  async #runTest(test: SqltestCase, databases: CaseDatabases, report: FileReport): Promise<void> {
    report.tests++
    const run = (database: Database) => runCase(test, database)
    const agreement = test.expectation.kind === 'agreement'
    const direct = agreement ? await this.#runDirectly(test) : undefined
    const attempt = (outcome: ReturnType<typeof run>) =>
      outcome.then((ours) => judge(test.expectation, ours, direct), describeError)
    const problem = await attempt(databases.with(test, run))
    if (problem === null) return
    const failure = { line: test.line, what: test.name, problem, sql: test.sql }
    const theirs = agreement ? null : judge(test.expectation, await this.#runDirectly(test))
    if (theirs !== null) {
      report.own.push({ ...failure, direct: theirs })
      return
    }
    const alone = needsOwn(test) ? problem : await attempt(databases.withOwn(test, run))
    if (alone === null) failure.problem += ' (only where other tests were run before)'
    report.failures.push(failure)
  }

  async #runDirectly(test: SqltestCase) {
    const database = await this.#direct.open(':memory:')
    return runCase(test, database).finally(() => database.close())
  }
}

function newReport({ name, format }: CorpusFile, driver: DriverName, reading: Reading): FileReport {
  return {
    ...{ file: { name, format }, driver, reading },
    ...{ statements: 0, queries: 0, tests: 0, skipped: new Map(), failures: [], own: [], ms: 0 },
  }
}

/** Runs files side by side, the largest first, and gives their reports in the files' order. */
export async function runFiles(
  runner: Runner,
  files: readonly CorpusFile[],
  jobs: number,
  listener: { onPart(file: CorpusFile, fraction: number): void; onFile(report: FileReport): void },
): Promise<FileReport[]> {
  const reports = new Map<CorpusFile, FileReport>()
  const waiting = [...files].sort((a, b) => b.bytes - a.bytes)
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const current = file
      const report = await runner.run(current, (fraction) => listener.onPart(current, fraction))
      reports.set(current, report)
      listener.onFile(report)
    }
  }
  await Promise.all(Array.from({ length: Math.min(jobs, files.length) }, work))
  return files.map((file) => reports.get(file)!)
}

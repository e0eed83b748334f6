/**
 * The conformance command: `npm run conformance -- DIR [--driver NAME]`, see USAGE. Its own process loads no
 * SQLite package: forklite's children do, and direct-child.ts.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readArguments, USAGE, UsageError } from './command-line.ts'
import { DRIVERS, type DriverName, describeError } from './database.ts'
import { DirectEngine } from './direct-engine.ts'
import { type Found, findFiles } from './files.ts'
import { findDriver, READINGS } from './forklite-database.ts'
import { startProgress } from './progress.ts'
import { type FileReport, Runner, runFiles } from './runner.ts'
import { failureList, ownList, skippedList, type Totals, table, totalsOf } from './summary.ts'

/** The statements of a file come one after the other, so a job is about one core's work. */
const JOBS = Math.min(4, availableParallelism())

const FORMATS = ['slt', 'sqltest'] as const

// Whoever reads our output may have enough of it, as head has.
process.stdout.on('error', () => process.exit(1))

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`conformance: ${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}

async function main(): Promise<number> {
  const args = readArguments(process.argv.slice(2))
  if (args === 'help') {
    console.log(USAGE)
    return 0
  }
  const found = look(args.root)
  const drivers = await usable(args.driver)
  const folder = mkdtempSync(join(tmpdir(), 'forklite-conformance-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  process.once('exit', remove)
  for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 })) {
    process.once(signal, () => process.exit(128 + number))
  }
  // Where SQL names a file, it is one of ours.
  process.chdir(folder)
  const { reports, totals } = await runAll(found, drivers, folder)
  return conclude(found, reports, totals)
}

/** What there is to run. npm runs us in the package's folder, wherever it was called. */
function look(root: string): Found {
  const base = process.env.npm_lifecycle_event === 'conformance' ? process.env.INIT_CWD : undefined
  const path = resolve(base ?? '', root)
  if (statSync(path, { throwIfNoEntry: false }) === undefined) throw new UsageError(`there is no ${path}`)
  const found = findFiles(path)
  if (found.files.length + found.unreadable.length === 0) {
    throw new UsageError(`there is no *.test, *.slt or *.sqltest file in ${path}`)
  }
  return found
}

/** The drivers to run with, in order; those of `all` that cannot be used here are told. */
async function usable(driver: DriverName | 'auto' | 'all'): Promise<DriverName[]> {
  const names: DriverName[] = []
  const reasons: string[] = []
  for (const name of driver === 'all' ? DRIVERS : [driver]) {
    try {
      names.push(await findDriver(name))
    } catch (error) {
      reasons.push(describeError(error as Error))
    }
  }
  if (names.length === 0) throw new UsageError(`no driver can be used here: ${reasons.join('; ')}`)
  for (const reason of reasons) console.log(`not run: ${reason}`)
  return names
}

async function runAll(
  found: Found,
  drivers: readonly DriverName[],
  folder: string,
): Promise<{ reports: FileReport[]; totals: Totals[] }> {
  const progress = startProgress(found.files.length * drivers.length * READINGS.length)
  const reports: FileReport[] = []
  const totals: Totals[] = []
  for (const driver of drivers) {
    const direct = new DirectEngine(driver)
    for (const reading of READINGS) {
      const runner = new Runner(driver, reading, folder, direct)
      for (const format of FORMATS) {
        const files = found.files.filter((file) => file.format === format)
        if (files.length === 0) continue
        const started = performance.now()
        const done = await runFiles(runner, files, JOBS, progress)
        totals.push(totalsOf(done, (performance.now() - started) / 1000))
        reports.push(...done)
      }
    }
    await direct.stop()
  }
  progress.end()
  return { reports, totals }
}

/** Prints the summary and gives the exit code. */
function conclude(found: Found, reports: readonly FileReport[], totals: readonly Totals[]): number {
  const sections = [
    found.others.length === 0 ? '' : ['files of neither format, skipped:', ...found.others].join('\n  '),
    skippedList(reports),
    ownList(reports),
    found.unreadable.map(({ name, reason }) => `FAILED: ${name} cannot be read: ${reason}`).join('\n'),
    failureList(reports),
    table(totals),
  ]
  for (const section of sections) if (section !== '') console.log(`\n${section}`)
  const failed = totals.reduce((sum, each) => sum + each.failed, found.unreadable.length)
  const own = totals.reduce((sum, each) => sum + each.own, 0)
  console.log(`\n${failed === 0 ? 'passed' : `${failed} FAILED`}, ${own} failures the engine's own`)
  return failed === 0 ? 0 : 1
}

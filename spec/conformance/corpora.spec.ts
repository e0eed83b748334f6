/**
 * A part of the corpora beside the checkout, for each driver, through the conformance runner: nothing fails but
 * what the package fails at too when called directly. `npm run conformance` runs all of them.
 */
import { join } from 'node:path'
import { expect } from 'chai'
import { DATA } from '../sql/corpora.ts'
import { itWithDriver } from '../support/drivers.ts'
import { tempDir } from '../support/temp-dir.ts'
import { DRIVERS, type DriverName } from './database.ts'
import { DirectEngine } from './direct-engine.ts'
import { type CorpusFile, type Format, findFiles } from './files.ts'
import { READINGS } from './forklite-database.ts'
import { type FileReport, Runner, runFiles } from './runner.ts'
import { failureList, totalsOf } from './summary.ts'

/** About ten seconds of each format, on two cores; sqlite3 takes longer for the same. */
const PARTS: Record<Format, { readonly all: RegExp; readonly sqlite3: RegExp; readonly least: number }> = {
  slt: {
    all: /^select1|^random\/groupby|^index\/random|^evidence\//,
    sqlite3: /^select1|^index\/random|^evidence\//,
    least: 1000,
  },
  sqltest: {
    all: /^temp|^pragma|^vacuum|^views|^upsert|^create_table|^strict|^trigger|^column|^correlated|^where|^integrity|^subquery|^window\/(n|d|frame_[es])/,
    sqlite3:
      /^temp|^pragma|^vacuum|^views|^upsert|^create_table|^strict|^trigger|^column|^correlated|^integrity|^window\/frame_[es]/,
    least: 100,
  },
}

describe('the corpora through the conformance runner', function () {
  this.timeout(180_000)
  const dir = tempDir('all')

  async function run(driver: DriverName, files: readonly CorpusFile[]): Promise<FileReport[]> {
    const direct = new DirectEngine(driver)
    const reports: FileReport[] = []
    try {
      for (const reading of READINGS) {
        const runner = new Runner(driver, reading, dir.path, direct)
        reports.push(...(await runFiles(runner, files, 2, { onPart() {}, onFile() {} })))
      }
    } finally {
      await direct.stop()
    }
    return reports
  }

  for (const format of ['slt', 'sqltest'] as const) {
    for (const driver of DRIVERS) {
      itWithDriver(driver, `pass, as far as the package does: ${format}`, async function () {
        const { all, sqlite3, least } = PARTS[format]
        const part = driver === 'sqlite3' ? sqlite3 : all
        const files = filesOf(format).filter(({ name }) => part.test(name))
        if (files.length === 0) this.skip()
        const reports = await run(driver, files)
        expect(failureList(reports)).to.equal('')
        const { passed, own } = totalsOf(reports, 0)
        expect(passed).above(least * READINGS.length)
        // The README of the data speaks of 3 in 100.
        expect(own).below(passed / 20)
      })
    }
  }
})

function filesOf(format: Format): readonly CorpusFile[] {
  try {
    return findFiles(join(DATA, format)).files
  } catch {
    return []
  }
}

/**
 * Mocha's spec reporter that also writes the totals, failed hooks included, as JSON to the file named by
 * FORKLITE_SPEC_TOTALS. For .ci/run; without that variable it is the spec reporter.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import Mocha from 'mocha'

export default class TotalsReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options)
    const file = process.env.FORKLITE_SPEC_TOTALS
    if (file === undefined) return
    // A mocha that a spec starts must not write over the totals of this one.
    delete process.env.FORKLITE_SPEC_TOTALS
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }))
    })
  }
}

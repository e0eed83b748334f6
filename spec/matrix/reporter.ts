/**
 * Mocha's reporter in a cell of the matrix: tells failures and counts, not what passed, and writes the counts
 * and what was skipped as JSON to the file named by FORKLITE_MATRIX_TOTALS.
 */
import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

export interface Totals {
  readonly passed: number
  readonly failed: number
  /** Full titles. */
  readonly skipped: readonly string[]
}

export default class MatrixReporter extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options)
    const file = process.env.FORKLITE_MATRIX_TOTALS
    const skipped: string[] = []
    runner.on('pending', (test) => skipped.push(test.fullTitle()))
    runner.once('end', () => {
      const { passes, failures } = this.stats
      this.epilogue()
      if (file === undefined) return
      const totals: Totals = { passed: passes, failed: failures, skipped }
      writeFileSync(file, JSON.stringify(totals))
    })
  }
}

/**
 * The matrix: `npm run test:matrix [-- --all] [--only TEXT]`. Runs the specs on other Nodes, with other
 * versions of the drivers, a cell after the other. Installs what they need into .matrix/, once, and compiles
 * copies of the checkout there; the checkout itself, its node_modules and dist are read only.
 *
 * --all runs the whole suite in every cell; --only those cells whose title contains the text. Exits with 1
 * when a cell fails: a spec of it, its leak check, or a driver it is there for that could not be used.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CELLS, type Cell, skippedDrivers, titleOf } from './cells.ts'
import { installNode, installPackage } from './install.ts'
import type { Totals } from './reporter.ts'
import { makeTree } from './tree.ts'

/** This file, compiled by a tsconfig.json of its own, is .matrix/compiled/spec/matrix/main.js. */
const checkout = fileURLToPath(new URL('../../../../', import.meta.url))
const matrix = join(checkout, '.matrix')

/** A cell that takes longer hangs. */
const CELL_MS = 15 * 60_000

const { values: options } = parseArgs({
  options: { all: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
})
const cells = CELLS.filter(
  (cell) => titleOf(cell).includes(options.only) && (options.all || cell.specs.length > 0),
)
if (cells.length === 0) throw new Error(`no cell has ${options.only} in its title`)

const lines: string[] = []
let failed = 0
for (const cell of cells) {
  const start = performance.now()
  let outcome: string
  try {
    outcome = runCell(cell)
  } catch (error) {
    failed++
    outcome = `FAILED: ${(error as Error).message}`
  }
  const seconds = Math.round((performance.now() - start) / 1000)
  console.log(`\n${titleOf(cell)}: ${outcome} (${seconds} s)\n`)
  lines.push(`${titleOf(cell)}: ${outcome} (${seconds} s)`)
}
console.log(['the matrix:', ...lines].join('\n  '))
process.exitCode = failed === 0 ? 0 : 1

/** Runs one cell and gives its counts; throws with what failed. */
function runCell(cell: Cell): string {
  console.log(`\n${titleOf(cell)}`)
  const packages = join(matrix, 'packages')
  const node = installNode(cell.node, packages)
  const own: Record<string, string> = {}
  if (cell.betterSqlite3 !== undefined) {
    own['better-sqlite3'] = installPackage('better-sqlite3', cell.betterSqlite3, packages)
  }
  const tree = join(matrix, 'trees', cell.betterSqlite3 ?? 'plain')
  makeTree(checkout, tree, own)

  const totalsFile = join(tree, 'totals.json')
  // What a spec starts by its name, npm, say, runs on this Node too.
  const PATH = [dirname(node), process.env.PATH].join(delimiter)
  const env = { ...process.env, PATH, FORKLITE_MATRIX_TOTALS: totalsFile }
  const run = (...args: string[]) =>
    spawnSync(node, args, {
      ...{ cwd: tree, env, timeout: CELL_MS },
      stdio: ['ignore', 'inherit', 'inherit'],
    })

  const { status: usable } = run(join(tree, 'dist', 'spec', 'matrix', 'probe.js'), ...cell.drivers)
  if (usable !== 0) throw new Error('a driver it is there for cannot be used')

  const globs = options.all ? ['**/*'] : cell.specs
  const specs = globs.map((glob) => `dist/spec/${glob}.spec.js`)
  const reporter = join(tree, 'dist', 'spec', 'matrix', 'reporter.js')
  const mocha = join(tree, 'node_modules', 'mocha', 'bin', 'mocha.js')
  const { status, signal } = run(mocha, '--reporter', reporter, ...specs)
  const totals = readTotals(totalsFile)
  if (totals === null) throw new Error(`mocha ended with ${status ?? signal} and left no counts`)

  const { passed, skipped } = totals
  if (skipped.length > 0) console.log(['skipped:', ...skipped].join('\n  '))
  const counts = `${passed} passed, ${totals.failed} failed, ${skipped.length} skipped`
  if (status !== 0) throw new Error(counts)
  const unwanted = skippedDrivers(skipped, cell.drivers)
  if (unwanted.length > 0) throw new Error(`${counts}, of them for a driver it is there for: ${unwanted[0]}`)
  if (passed === 0) throw new Error('no spec was run')
  return counts
}

function readTotals(file: string): Totals | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

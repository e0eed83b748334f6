/**
 * The run: the name by which everything that one mocha process starts or makes can be found again. Runs in
 * the caller (mocha's process). The name travels in the environment, so a child, its child and an orphan
 * of either still carry it; a mocha run inside a spec extends its parent's name.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const VARIABLE = 'FORKLITE_SPEC_RUN'
const parent = process.env[VARIABLE]
const own = `${process.pid.toString(36)}${Date.now().toString(36)}`

/** Unique per mocha process, and begins with the name of the run that started this one. */
export const runName = parent === undefined ? own : `${parent}.${own}`
process.env[VARIABLE] = runName

/** What `/proc/PID/environ` of everything this run started contains. */
export const environmentMark = `${VARIABLE}=${runName}`

/** The prefix of every directory this run makes, in `os.tmpdir()` and among the scripts. */
export const directoryPrefix = `forklite-spec-${runName}-`

/** The checkout: `dist/spec/support/` is three folders below it. */
export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))

/** Where scripts are written: inside the package, so that `import 'forklite'` finds it by self-reference. */
export const scriptsFolder = join(projectRoot, 'dist', 'spec', '.scripts')

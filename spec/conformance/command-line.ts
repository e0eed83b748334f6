/** The arguments of the conformance command, checked. Pure. */
import { parseArgs } from 'node:util'
import { DRIVERS, type DriverName } from './database.ts'

export const USAGE = `npm run conformance -- DIR [--driver NAME]

Runs the sqllogictest files (*.test, *.slt) and *.sqltest files below DIR, or the one file DIR, through
connect().cursor(), each twice: rows read with fetchall(), and with fetchmany(). What fails is run again with the
SQLite package called directly, in a process of its own; what fails there too is the engine's own.

  --driver NAME   ${DRIVERS.join(', ')}, auto (the first of them that loads; the default),
                  or all, one after the other
  --help          this text

Exit code: 0, 1 when something failed that is not the engine's own, 2 when nothing could be run.
`

export interface Arguments {
  readonly root: string
  readonly driver: DriverName | 'auto' | 'all'
}

/** What cannot be run, and so ends with exit code 2. */
export class UsageError extends Error {}

/** `'help'` when that is asked for. Throws a UsageError. */
export function readArguments(args: readonly string[]): Arguments | 'help' {
  const { values, positionals } = parse(args)
  if (values.help) return 'help'
  const [root, ...rest] = positionals
  if (root === undefined) throw new UsageError('it wants a folder')
  if (rest.length > 0) throw new UsageError(`it wants one folder, and there is also '${rest.join("', '")}'`)
  const driver = [...DRIVERS, 'auto' as const, 'all' as const].find((name) => name === values.driver)
  if (driver === undefined) {
    throw new UsageError(`--driver is ${DRIVERS.join(', ')}, auto or all, not '${values.driver}'`)
  }
  return { root, driver }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { driver: { type: 'string', default: 'auto' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Why cases of a `.sqltest` file are not for SQLite, or not for here. Pure. */
import { SqltestError } from './sqltest-scanner.ts'

/** Databases that are made new for each case; the others are files that are not here. */
const NEW_DATABASES = [':memory:', ':temp:']
/** Conditions of @skip-if, and whether they hold here. */
const CONDITIONS: Record<string, boolean> = { sqlite: true, mvcc: false }
/** Capabilities of @requires, and whether SQLite has them. */
const CAPABILITIES: Record<string, boolean> = {
  trigger: true,
  strict: true,
  materialized_views: false,
  custom_types: false,
}

/** Why a file with this database is not run, or null. */
export function skipDatabase(name: string): string | null {
  return NEW_DATABASES.includes(name) ? null : `the database ${name} is not here`
}

/** Why @skip-if or @skip-file-if leaves a case out, or null. Throws a SqltestError if it does not know the name. */
export function skipIf(directive: string, name: string, reason: string, line: number): string | null {
  return known(CONDITIONS, directive, name, line) ? `${directive} ${name}: ${reason}` : null
}

/** The same of @requires and @requires-file. */
export function skipUnless(directive: string, name: string, reason: string, line: number): string | null {
  return known(CAPABILITIES, directive, name, line) ? null : `${directive} ${name}: ${reason}`
}

function known(names: Record<string, boolean>, directive: string, name: string, line: number): boolean {
  if (!Object.hasOwn(names, name)) throw new SqltestError(`${directive} of an unknown '${name}'`, line)
  return names[name]!
}

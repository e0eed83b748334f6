/**
 * Limits: what a Connection's statements may not exceed. Runs in the caller. SQLite has limits of its own, which
 * no package of the three lets us set; these come before them.
 */
import { DataError, OperationalError, ProgrammingError } from '../errors.ts'
import type { Statement } from '../pool/router.ts'
import type { Limits } from './options.ts'

/** Throws a DataError if the text is longer than `sqlLength` allows. */
export function expectLength(sql: string, { sqlLength }: Limits): void {
  // A UTF-16 unit is one to three bytes of UTF-8. What is no string is told of elsewhere.
  if (!(sql?.length * 3 > sqlLength) || Buffer.byteLength(String(sql)) <= sqlLength) return
  throw new DataError(`query string is too large: more than the ${sqlLength} bytes of the limit sqlLength`, {
    code: 'SQLITE_TOOBIG',
    sql: sql.slice(0, 200),
  })
}

/** Throws an OperationalError if the statement has more parameters than `variables` allows. */
export function expectVariables({ parsed, sql }: Statement, { variables }: Limits): void {
  if (parsed.names.length <= variables) return
  throw new OperationalError(
    `too many SQL variables: ${parsed.names.length}, where the limit variables allows ${variables}`,
    { code: 'SQLITE_ERROR', sql },
  )
}

/** Throws an OperationalError if one database more than `count` are more than `attached` allows. */
export function expectAttachable(count: number, { attached }: Limits, sql: string): void {
  if (count < attached) return
  throw new OperationalError(`too many attached databases - max ${attached}`, { code: 'SQLITE_ERROR', sql })
}

/** Throws a ProgrammingError if there is no such limit. */
export function expectLimit(limits: Limits, name: keyof Limits): void {
  if (!Object.hasOwn(limits, name)) {
    throw new ProgrammingError(
      `there is no limit '${String(name)}'; the limits are ${Object.keys(limits).join(', ')}`,
      {
        code: 'BAD_OPTION',
      },
    )
  }
}

/** Throws a ProgrammingError if no limit can be of this value. */
export function expectLimitValue(value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new ProgrammingError(`a limit is a whole number, 0 or more, not ${String(value)}`, {
    code: 'BAD_OPTION',
  })
}

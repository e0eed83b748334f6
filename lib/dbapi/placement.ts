/**
 * Placement: which SQLite connection a statement concerns: any, one that its Connection has for itself, or all of
 * the pool. Runs in the caller, for the few statements that may not concern any.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { NotSupportedError, OperationalError, ProgrammingError } from '../errors.ts'
import { isPrivate } from '../pool/child-options.ts'
import type { Statement } from '../pool/router.ts'
import type { Setting } from '../pool/settings.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { inLowerCase, type Operand } from '../sql/parse.ts'
import { databasePath } from './database-path.ts'

const TEMP_STORE = 'temp_store'

/** `'transaction'`: any, but within a transaction only. */
export type Placement = 'any' | 'own' | 'transaction' | Setting

/**
 * Where a statement belongs. `isOwn` tells whether a schema, in lower case, is attached on the Connection's own
 * SQLite connection. Throws what is wrong with the names in ATTACH.
 */
export function placementOf(
  statement: Statement,
  params: readonly SqlValue[],
  pool: WorkerPool,
  isOwn: (schema: string) => boolean,
): Placement {
  const { attached, temporary } = statement.parsed
  // The only connection there will ever be: everything holds for it, and for all.
  if (isPrivate(pool.options.database) && !pool.options.readonly) return 'any'
  if (statement.setsForTransaction) return 'transaction'
  if (temporary) return 'own'
  const key = statement.setPragma
  // It says where what is temporary is kept, and drops what there is: everybody's, if it were for all.
  if (key?.endsWith(TEMP_STORE)) return 'own'
  if (key !== null) {
    const schema = statement.parsed.pragma?.schema ?? null
    return schema !== null && isOwn(schema) ? 'own' : ['pragma', key, statement.sql]
  }
  if (attached === null) return 'any'
  const schema = inLowerCase(text(attached.schema, params, statement, 'the name of a schema'))
  if (attached.file === undefined) return isOwn(schema) ? 'own' : ['detach', schema, '']
  const file = text(attached.file, params, statement, 'the name of a file')
  const { path, readonly } = databasePath(file, file.startsWith('file:'))
  if (isPrivate(path)) return 'own'
  if (readonly && !pool.options.readonly) {
    throw new NotSupportedError(
      'a file cannot be attached readonly beside one that is not: open it with connect() and mode=ro',
      { code: 'UNSUPPORTED', sql: statement.sql },
    )
  }
  if (pool.settings.ownSchemas.has(schema)) {
    throw new OperationalError(
      `database ${schema} is already in use: a Connection has attached one of this name in memory; ` +
        'take another name, or detach that first',
      { code: 'SQLITE_ERROR', sql: statement.sql },
    )
  }
  return ['attach', schema, path]
}

function text(operand: Operand, params: readonly SqlValue[], { sql }: Statement, what: string): string {
  const value = typeof operand === 'number' ? params[operand] : operand
  if (typeof value === 'string') return value
  throw new ProgrammingError(`${what} must be written out, or a parameter that is a string`, {
    code: 'BAD_STATEMENT',
    sql,
  })
}

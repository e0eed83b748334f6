/**
 * executescript: several statements of one text, one after the other, to the first that fails. Runs in the child.
 * Rows that they give are stepped over and dropped, as in CPython.
 */
import type { DriverConnection } from '../drivers/driver.ts'
import { parseScript, WRITING } from '../sql/parse.ts'
import { finalizeQuietly } from './statements.ts'

/** How far a script has come. */
export interface ScriptProgress {
  /** Rows changed by its INSERTs, UPDATEs, DELETEs and REPLACEs. */
  changes: number
  /** The index of the statement that runs, or has failed. */
  statement: number
}

/** Runs a script on a connection. Throws what its first failing statement threw; `progress` tells which. */
export async function runScript(
  connection: DriverConnection,
  sql: string,
  progress: ScriptProgress,
): Promise<void> {
  for (const [i, statement] of parseScript(sql).entries()) {
    progress.statement = i
    if (WRITING.has(statement.verb)) progress.changes += await write(connection, statement.sql)
    else await connection.exec(statement.sql)
  }
}

// What exec() runs tells no changes.
async function write(connection: DriverConnection, sql: string): Promise<number> {
  const statement = await connection.prepare(sql, [])
  try {
    return (await statement.execute([])).changes
  } finally {
    finalizeQuietly(statement)
  }
}

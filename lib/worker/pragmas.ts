/**
 * Sets pragmas on a new connection and reads each back. Runs in the child. SQLite answers an unknown pragma
 * or an impossible value with silence, so only what reads back as asked counts as set.
 */
import type { DriverConnection, SqlValue } from '../drivers/driver.ts'
import { OperationalError } from '../errors.ts'

/** How SQLite's words for a value read back: https://sqlite.org/pragma.html */
const WORDS: Record<string, Record<string, number>> = {
  synchronous: { off: 0, normal: 1, full: 2, extra: 3 },
  temp_store: { default: 0, file: 1, memory: 2 },
  auto_vacuum: { none: 0, full: 1, incremental: 2 },
  secure_delete: { fast: 2 },
}
const SWITCH: Record<string, number> = { on: 1, yes: 1, true: 1, off: 0, no: 0, false: 0 }

/** Sets `pragmas` in their order. Throws an OperationalError that names the one that did not take. */
export async function setPragmas(
  connection: DriverConnection,
  pragmas: readonly [name: string, value: string | number][],
): Promise<void> {
  for (const [name, value] of pragmas) {
    await readPragma(connection, `${name} = ${value}`)
    // WAL is asked for, not demanded: where it cannot be had (':memory:'), the caller is told by the Hello.
    if (name === 'journal_mode') continue
    const now = await readPragma(connection, name)
    if (now === undefined) {
      throw new OperationalError(`pragma ${name}: this SQLite has no such pragma, or none that can be read`, {
        code: 'BAD_OPTION',
      })
    }
    if (comparable(name, now) !== comparable(name, value)) {
      throw new OperationalError(`pragma ${name} was set to ${value} but reads back as ${now}`, {
        code: 'BAD_OPTION',
      })
    }
  }
}

/** The first value that `PRAGMA <text>` gives, undefined if it gives no row. */
export async function readPragma(connection: DriverConnection, text: string): Promise<SqlValue | undefined> {
  const statement = await connection.prepare(`PRAGMA ${text}`, [])
  try {
    const { rows } = await statement.execute([])
    return rows[0]?.[0]
  } finally {
    await statement.finalize()
  }
}

function comparable(name: string, value: SqlValue | undefined): string {
  const word = String(value).toLowerCase()
  return String(WORDS[name]?.[word] ?? SWITCH[word] ?? word)
}

/** ScriptedDatabase: a Database for specs, which gives what it was told to and remembers what it was asked. */
import { type Answer, type Database, failed, type Value } from './database.ts'

/** Rows, with as many columns as the first has; an error's message; or an answer as it is. */
export type Scripted = Value[][] | string | Partial<Answer>

export class ScriptedDatabase implements Database {
  /** What was run, in order. */
  readonly ran: string[] = []
  readonly #script: Record<string, Scripted>

  /** Answers by statement, blanks and semicolons around it left out; any other has no result set. */
  constructor(script: Record<string, Scripted> = {}) {
    this.#script = script
  }

  async run(sql: string): Promise<Answer> {
    const statement = sql.trim().replace(/;$/, '')
    this.ran.push(statement)
    const scripted = this.#script[statement] ?? {}
    if (typeof scripted === 'string') {
      return failed(Object.assign(new Error(scripted), { code: 'SQLITE_ERROR' }))
    }
    if (!Array.isArray(scripted)) return { columns: null, rows: [], error: null, ...scripted }
    return { columns: (scripted[0] ?? []).map((_, i) => `c${i}`), rows: scripted, error: null }
  }

  async close(): Promise<void> {}
}

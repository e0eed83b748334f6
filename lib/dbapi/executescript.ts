/**
 * executescript: several statements of one text, in their order. Runs in the caller. What the child can run by
 * itself goes out in one piece; what concerns other connections too, or another one, goes out by itself.
 */
import type { Error as DbapiError } from '../errors.ts'
import { type Script, type Statement, scriptPart } from '../pool/router.ts'
import type { CallEnd } from './call-options.ts'
import { Exchange } from './exchange.ts'

/** Statements of a script that are sent together. */
interface Part {
  readonly statement: Statement
  /** Its first statement's place among all of the script. */
  readonly first: number
  /** Whether it is sent as a script: else it is one statement that stands for itself. */
  readonly script: boolean
}

/** What carries the parts. */
export interface PartCarrier {
  /** Sends one; `last` tells whether the writer may be given back after it. */
  send(part: Exchange, last: boolean): void
  /** Hears of each answer: `changes` are the rows it changed, up to a failure. */
  answered(part: Exchange, changes: number): void
}

/** Runs a script. `standsAlone` tells of a statement whether it is to go by itself. */
export async function runScript(
  script: Script,
  { deadline, signal }: CallEnd,
  standsAlone: (statement: Statement) => boolean,
  carrier: PartCarrier,
): Promise<void> {
  const parts = partsOf(script, standsAlone)
  for (const [i, part] of parts.entries()) {
    const { statement } = part
    const exchange = new Exchange(statement, null, statement.sql.length, deadline, signal)
    exchange.script = part.script
    carrier.send(exchange, i === parts.length - 1)
    try {
      await exchange.answer
    } catch (error) {
      throw atStatement(error as DbapiError, script, part.first + (exchange.detail?.[2] ?? 0))
    } finally {
      carrier.answered(exchange, exchange.detail?.[0] ?? 0)
    }
  }
}

function partsOf({ ends, sql, statements }: Script, standsAlone: (statement: Statement) => boolean): Part[] {
  const parts: Part[] = []
  let first = 0
  const close = (end: number): void => {
    if (end === first) return
    const text = sql.slice(ends[first - 1] ?? 0, ends[end - 1])
    const temporary = statements.slice(first, end).some(({ parsed }) => parsed.temporary)
    parts.push({ statement: scriptPart(text, { route: 'writer', temporary }), first, script: true })
    first = end
  }
  for (const [i, statement] of statements.entries()) {
    if (!standsAlone(statement)) continue
    close(i)
    parts.push({ statement, first: i, script: false })
    first = i + 1
  }
  close(statements.length)
  return parts
}

// The error says which statement it was, as the caller cannot count on the text alone.
function atStatement(error: DbapiError, { statements }: Script, index: number): DbapiError {
  const sql = statements[index]?.sql.trim()
  if (statements.length > 1) error.message = `statement ${index + 1} of the script: ${error.message}`
  Object.defineProperty(error, 'sql', { value: sql, enumerable: true, configurable: true })
  return error
}

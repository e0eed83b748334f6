/**
 * executemany: one statement for many sets of parameters, sent in slices. Runs in the caller. It cuts and
 * counts; what a slice begins and where it runs is its Connection's business.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { type Error as DbapiError, ProgrammingError } from '../errors.ts'
import type { Request } from '../pool/request.ts'
import type { Statement } from '../pool/router.ts'
import { Exchange } from './exchange.ts'
import { bindValues, boundBytes, type Parameters } from './values.ts'

/** A slice is sent when it has so many bytes: enough to make its message cheap, small enough to be held twice. */
const SLICE_BYTES = 256 * 1024

export interface ManyRun {
  readonly statement: Statement
  readonly sets: Iterable<Parameters> | AsyncIterable<Parameters>
  readonly deadline: number
  readonly signal: AbortSignal | null
}

/**
 * Runs the slices one after the other. Resolves with the rows changed.
 * `send` takes each slice; `note` hears of each answer.
 */
export async function runMany(
  { statement, sets, deadline, signal }: ManyRun,
  send: (slice: Request) => void,
  note: (slice: Request) => void,
): Promise<number> {
  if (!statement.writes) {
    throw new ProgrammingError('executemany takes an INSERT, UPDATE, DELETE or REPLACE', {
      code: 'BAD_STATEMENT',
      sql: statement.sql,
    })
  }
  let changes = 0
  let sent = 0
  let rows: SqlValue[][] = []
  let bytes = 0

  async function flush(): Promise<void> {
    const slice = new Exchange(statement, rows, bytes, deadline, signal, false)
    const first = sent
    sent += rows.length
    rows = []
    bytes = 0
    send(slice)
    try {
      const { detail } = await slice.answer
      changes += detail?.[0] ?? 0
    } catch (error) {
      const row = slice.failure?.[2]
      if (row !== undefined) (error as Error).message = `row ${first + row}: ${(error as Error).message}`
      throw error
    } finally {
      note(slice)
    }
  }

  for await (const params of setsOf(statement, sets)) {
    rows.push(bindRow(statement, params, sent + rows.length))
    bytes += boundBytes()
    if (bytes >= SLICE_BYTES) await flush()
  }
  if (rows.length > 0) await flush()
  return changes
}

function setsOf(
  statement: Statement,
  sets: Iterable<Parameters> | AsyncIterable<Parameters>,
): Iterable<Parameters> | AsyncIterable<Parameters> {
  if (
    typeof sets === 'object' &&
    sets !== null &&
    (Symbol.iterator in sets || Symbol.asyncIterator in sets)
  ) {
    return sets
  }
  throw new ProgrammingError('executemany takes an iterable of sets of parameters: [[1, "a"], [2, "b"]]', {
    code: 'BAD_PARAMETERS',
    sql: statement.sql,
  })
}

function bindRow(statement: Statement, params: Parameters, index: number): SqlValue[] {
  try {
    return bindValues(statement, params)
  } catch (error) {
    ;(error as DbapiError).message = `row ${index}: ${(error as DbapiError).message}`
    throw error
  }
}

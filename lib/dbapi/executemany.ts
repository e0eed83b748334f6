/**
 * executemany: one statement for many sets of parameters, sent in slices. Runs in the caller. It cuts and
 * counts; what a slice begins and where it runs is its executor's business.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { type Error as DbapiError, ProgrammingError } from '../errors.ts'
import type { Request } from '../pool/request.ts'
import type { Statement } from '../pool/router.ts'
import { type CallOptions, deadlineOf, ended } from './call-options.ts'
import type { Executor } from './cursor.ts'
import { Exchange } from './exchange.ts'
import { expectLength, expectVariables } from './limits.ts'
import { bindValues, boundBytes, type Parameters } from './values.ts'

/** A slice is sent when it has so many bytes: enough to make its message cheap, small enough to be held twice. */
const SLICE_BYTES = 256 * 1024

/** What executemany() is called with. */
export interface ManyRun {
  readonly statement: Statement
  readonly sets: ParameterSets
  readonly deadline: number
  readonly signal: AbortSignal | null
}

/** What executemany() is called with, checked. Throws what is wrong with the text or the options. */
export function manyRun(
  { limits, pool }: Executor,
  sql: string,
  sets: ParameterSets,
  options?: CallOptions,
): ManyRun {
  expectLength(sql, limits)
  const statement = pool.router.statement(sql)
  expectVariables(statement, limits)
  return { statement, sets, deadline: deadlineOf(options), signal: options?.signal ?? null }
}

export type ParameterSets = Iterable<Parameters> | AsyncIterable<Parameters>

/** What carries the slices. */
export interface SliceCarrier {
  /** Sends one. */
  send(slice: Request): void
  /** Hears of each answer: `changes` are the rows it changed, up to one that failed. */
  answered(slice: Request, changes: number): void
  /** The sets are to be asked for more, which may take long and may need this very connection. */
  beforeAsking(): void
  /** They have answered. */
  afterAsking(): Promise<void>
}

/** Runs the slices one after the other. Resolves with the rows changed. */
export async function runMany(run: ManyRun, carrier: SliceCarrier): Promise<number> {
  const { statement, sets } = run
  if (!statement.writes) {
    throw new ProgrammingError('executemany takes an INSERT, UPDATE, DELETE or REPLACE', {
      code: 'BAD_STATEMENT',
      sql: statement.sql,
    })
  }
  const slices = new Slices(run, carrier)
  // A loop of its own: `for await` over an array would cost promises for each row.
  if (isIterable(sets)) for (const params of sets) await slices.add(params)
  else if (isAsyncIterable(sets))
    for await (const params of asked(sets, run, carrier)) await slices.add(params)
  else {
    throw new ProgrammingError('executemany takes an iterable of sets of parameters: [[1, "a"], [2, "b"]]', {
      code: 'BAD_PARAMETERS',
      sql: statement.sql,
    })
  }
  await slices.flush()
  return slices.changes
}

class Slices {
  changes = 0
  readonly #run: ManyRun
  readonly #carrier: SliceCarrier
  #rows: SqlValue[][] = []
  #bytes = 0
  #sent = 0

  constructor(run: ManyRun, carrier: SliceCarrier) {
    this.#run = run
    this.#carrier = carrier
  }

  /** Adds a row. What it returns is to be awaited when the slice is full, and undefined when it is not. */
  add(params: Parameters): Promise<void> | undefined {
    try {
      this.#rows.push(bindValues(this.#run.statement, params))
    } catch (error) {
      throw atRow(error, this.#sent + this.#rows.length)
    }
    this.#bytes += boundBytes()
    return this.#bytes >= SLICE_BYTES ? this.flush() : undefined
  }

  async flush(): Promise<void> {
    if (this.#rows.length === 0) return
    const { deadline, signal, statement } = this.#run
    const slice = new Exchange(statement, this.#rows, this.#bytes, deadline, signal)
    const first = this.#sent
    this.#sent += this.#rows.length
    this.#rows = []
    this.#bytes = 0
    this.#carrier.send(slice)
    try {
      await slice.answer
    } catch (error) {
      const row = slice.detail?.[2]
      throw row === undefined ? error : atRow(error, first + row)
    } finally {
      const changes = slice.detail?.[0] ?? 0
      this.changes += changes
      this.#carrier.answered(slice, changes)
    }
  }
}

// An async iterable may wait for this very connection, or for ever: it is asked with the gate open, and no
// longer than the call may take.
async function* asked(
  sets: AsyncIterable<Parameters>,
  { deadline, signal, statement }: ManyRun,
  carrier: SliceCarrier,
): AsyncGenerator<Parameters> {
  const iterator = sets[Symbol.asyncIterator]()
  let finished = false
  try {
    for (;;) {
      carrier.beforeAsking()
      let result: IteratorResult<Parameters>
      try {
        result = await ended(iterator.next(), deadline, signal, statement.sql)
      } finally {
        await carrier.afterAsking()
      }
      finished = result.done === true
      if (result.done) return
      yield result.value
    }
  } finally {
    // Not awaited: an iterable that never answers would not answer this either.
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => {})
  }
}

function atRow(error: unknown, row: number): unknown {
  ;(error as DbapiError).message = `row ${row}: ${(error as DbapiError).message}`
  return error
}

function isIterable(sets: ParameterSets): sets is Iterable<Parameters> {
  return typeof sets === 'object' && sets !== null && Symbol.iterator in sets
}

function isAsyncIterable(sets: ParameterSets): sets is AsyncIterable<Parameters> {
  return typeof sets === 'object' && sets !== null && Symbol.asyncIterator in sets
}

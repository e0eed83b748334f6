/**
 * Session: runs the requests of one Channel on one SQLite connection, in their order, and answers each. Runs
 * in the child. It knows statements and transactions; who asked and why is the pool's business.
 */
import { rowBytes } from '../drivers/chunk.ts'
import type {
  Awaitable,
  DriverConnection,
  DriverStatement,
  ExecuteResult,
  RowValues,
  SqlValue,
} from '../drivers/driver.ts'
import { ProgrammingError } from '../errors.ts'
import {
  CHUNK_BYTES,
  type Detail,
  IN_TRANSACTION,
  MORE,
  type RequestHandler,
  WROTE,
} from '../ipc/messages.ts'
import { attempt, chain } from './awaitable.ts'
import { ReadTransaction } from './read-transaction.ts'
import type { Replies } from './replies.ts'
import type { KnownSql, Statements } from './statements.ts'

/** From this many requests on, reads share one transaction: it costs two statements and saves two a read. */
const BATCH_READS = 3

/** A statement that takes longer, in microseconds, shares no transaction and delays no other's answer. */
const LONG_US = 1000

/** Weight of the newest run in the moving average of a statement's cost. */
const COST_WEIGHT = 0.25

interface Request {
  readonly verb: 'execute' | 'executemany' | 'fetch'
  readonly id: number
  /** Of an execute: its text. Of a fetch: its cursor. */
  readonly known: KnownSql | null
  readonly cursor: number
  readonly params: SqlValue[]
  readonly rows: SqlValue[][]
  readonly begin: string | null
}

const NOTHING: never[] = []

export class Session implements RequestHandler {
  readonly #connection: DriverConnection
  readonly #statements: Statements
  readonly #replies: Replies
  /** Whether reads that come together share a transaction: on readers only. */
  readonly #batches: boolean
  // What has come since #batch was begun.
  #queue: Request[] = []
  // What is being answered. Nothing joins it: see #prepareTurn.
  #batch: Request[] = []
  #next = 0
  #running = false
  // The reading batch's own transaction; no request ever sees it.
  readonly #reading: ReadTransaction
  // What is left of results that did not end in their first chunk, by cursor.
  readonly #cursors = new Map<number, { rows: RowValues[]; from: number }>()
  #lastCursor = 0
  #idle: () => void = () => {}

  constructor(connection: DriverConnection, statements: Statements, replies: Replies, batches: boolean) {
    this.#connection = connection
    this.#statements = statements
    this.#replies = replies
    this.#batches = batches
    this.#reading = new ReadTransaction(connection)
  }

  execute(id: number, slot: number, sql: string | null, params: SqlValue[], begin: string | null): void {
    const known = this.#statements.know(slot, sql)
    this.#queue.push({ verb: 'execute', id, known, cursor: 0, params, rows: NOTHING, begin })
  }

  executemany(id: number, slot: number, sql: string | null, rows: SqlValue[][], begin: string | null): void {
    const known = this.#statements.know(slot, sql)
    this.#queue.push({ verb: 'executemany', id, known, cursor: 0, params: NOTHING, rows, begin })
  }

  fetch(id: number, cursor: number): void {
    this.#queue.push({ verb: 'fetch', id, known: null, cursor, params: NOTHING, rows: NOTHING, begin: null })
  }

  finalize(cursor: number): void {
    this.#cursors.delete(cursor)
  }

  /** Answers all that is queued. A synchronous driver is done when this returns. */
  run(): void {
    if (this.#running) return
    try {
      this.#drain()
    } catch (thrown) {
      // Answers could not be sent. The Channel ends with this, and close() shall not wait for the rest.
      this.#queue = []
      this.#batch = []
      this.#running = false
      throw thrown
    }
  }

  /** Resolves when nothing is queued or running. */
  async settled(): Promise<void> {
    if (!this.#running) return
    await new Promise<void>((resolve) => {
      this.#idle = resolve
    })
  }

  /** Rolls back what is open and closes the connection; nothing may be queued any more. */
  async close(): Promise<void> {
    this.#cursors.clear()
    this.#statements.clear()
    this.#reading.finalize()
    if (this.#connection.inTransaction) await this.#connection.exec('ROLLBACK')
    await this.#connection.close()
  }

  #drain(): void {
    this.#running = true
    this.#batch = this.#queue
    this.#next = 0
    this.#queue = []
    this.#answerBatch()
  }

  #answerBatch(): void {
    while (this.#next < this.#batch.length) {
      const answered = this.#answer(this.#batch[this.#next++] as Request)
      if (answered instanceof Promise) {
        answered.then(() => this.#answerBatch())
        return
      }
    }
    this.#batch = []
    const left = this.#reading.end()
    if (left instanceof Promise) left.then(() => this.#finish())
    else this.#finish()
  }

  #finish(): void {
    this.#running = false
    this.#replies.flush()
    if (this.#queue.length > 0) this.#drain()
    else this.#idle()
  }

  // Never throws or rejects: whatever goes wrong is the answer.
  #answer(request: Request): Awaitable<void> {
    if (request.verb === 'fetch') return this.#answerFetch(request)
    const known = request.known as KnownSql
    const started = performance.now()
    this.#replies.flushIfOld(started)
    // What is long or unmeasured lets the others' answers go first.
    if (!(known.cost < LONG_US)) this.#replies.flush()
    return attempt(
      () => chain(this.#prepareTurn(request, known), () => this.#run(request, known)),
      () => {
        this.#statements.release()
        this.#measure(known, started)
      },
      (thrown) => this.#fail(request, known, thrown, null),
    )
  }

  #run(request: Request, known: KnownSql): Awaitable<void> {
    // Prepared first: as in CPython, a statement that does not compile begins no transaction.
    return chain(this.#statements.prepare(known), (statement) =>
      chain(request.begin === null ? undefined : this.#connection.exec(`BEGIN ${request.begin}`), () =>
        request.verb === 'execute'
          ? chain(statement.execute(request.params), (result) => this.#succeed(request, known, result))
          : this.#runMany(request, known, statement),
      ),
    )
  }

  #succeed(request: Request, known: KnownSql, result: ExecuteResult): void {
    let flags = this.#transactionFlag()
    let detail: Detail | null = null
    if (known.writes) {
      flags |= WROTE
      detail = [result.changes, known.inserts && result.changes > 0 ? result.lastInsertRowid : null]
    }
    const columns = result.columns === known.toldColumns ? null : result.columns
    const sent = this.#sendChunk(request.id, flags, result.rows, 0, columns, detail)
    if (sent && columns !== null && known.slot >= 0) known.toldColumns = columns
  }

  // Row after row, to the first that fails. Rows before it stay: in a transaction until that ends, in
  // autocommit for good.
  #runMany(request: Request, known: KnownSql, statement: DriverStatement): Awaitable<void> {
    const { rows } = request
    let changes = 0
    let lastrowid: number | bigint | null = null
    const count = (result: ExecuteResult): void => {
      changes += result.changes
      if (known.inserts && result.changes > 0) lastrowid = result.lastInsertRowid
    }
    const stop = (index: number, thrown: unknown): Awaitable<void> =>
      this.#fail(request, known, thrown, [changes, lastrowid, index])
    const finish = (): void => {
      this.#replies.rows(request.id, this.#transactionFlag() | WROTE, [], 0, null, [changes, lastrowid])
    }
    let i = 0
    // A loop, where a chain of thens would hold a promise for each row until the last one.
    const goOn = async (first: Promise<ExecuteResult>): Promise<void> => {
      try {
        count(await first)
        for (i++; i < rows.length; i++) count(await statement.execute(rows[i] as SqlValue[]))
      } catch (thrown) {
        return stop(i, thrown)
      }
      finish()
    }
    try {
      for (; i < rows.length; i++) {
        const result = statement.execute(rows[i] as SqlValue[])
        if (result instanceof Promise) return goOn(result)
        count(result)
      }
    } catch (thrown) {
      return stop(i, thrown)
    }
    finish()
  }

  #fail(request: Request, known: KnownSql, thrown: unknown, detail: Detail | null): Awaitable<void> {
    this.#statements.release()
    // A BEGIN of this request's own that worked stays open, as in CPython: the caller's rollback ends it.
    const flags = this.#transactionFlag() | (known.writes ? WROTE : 0)
    this.#replies.failure(request.id, flags, thrown, detail)
    return this.#reading.end()
  }

  #answerFetch({ id, cursor }: Request): void {
    const rest = this.#cursors.get(cursor)
    if (rest === undefined) {
      const gone = new ProgrammingError('this result was finalized before it was read to its end', {
        code: 'RESULT_GONE',
      })
      this.#replies.failure(id, this.#transactionFlag(), gone, null)
      return
    }
    this.#cursors.delete(cursor)
    this.#sendChunk(id, this.#transactionFlag(), rest.rows, rest.from, null, null, cursor)
  }

  // The rows from `from` on that fit into one chunk, at least one; the others wait for a fetch. A row as large
  // as a chunk goes alone: one that is too large to be sent takes no other with it. Returns whether they went.
  #sendChunk(
    id: number,
    flags: number,
    rows: RowValues[],
    from: number,
    columns: ExecuteResult['columns'],
    detail: Detail | null,
    cursor = 0,
  ): boolean {
    let bytes = 0
    let end = from
    while (end < rows.length && bytes < CHUNK_BYTES) {
      const next = rowBytes(rows[end] as RowValues)
      if (next > CHUNK_BYTES && end > from) break
      bytes += next
      end++
    }
    if (end === rows.length) {
      const all = from === 0 ? rows : rows.slice(from)
      return this.#replies.rows(id, flags, all, bytes, columns, detail)
    }
    const number = cursor || ++this.#lastCursor
    const [changes, lastrowid] = detail ?? [0, null]
    const chunk = rows.slice(from, end)
    const sent = this.#replies.rows(id, flags | MORE, chunk, bytes, columns, [changes, lastrowid, number])
    if (sent) this.#cursors.set(number, { rows, from: end })
    return sent
  }

  // Reads that came together run in one transaction: it halves what a point read costs the child, since
  // SQLite takes its shared lock and looks for a newer WAL once instead of each time. It begins after all of
  // the batch was read, so it misses nothing that was acknowledged before these requests were sent.
  #prepareTurn(request: Request, known: KnownSql): Awaitable<void> {
    const joins = known.reads && known.cost < LONG_US && request.begin === null
    if (this.#reading.open) return joins ? undefined : this.#reading.end()
    if (!joins || !this.#batches || this.#batch.length - this.#next + 1 < BATCH_READS) return undefined
    // Somebody's own transaction is open: it has a snapshot already.
    return this.#connection.inTransaction ? undefined : this.#reading.begin()
  }

  #transactionFlag(): number {
    return this.#connection.inTransaction && !this.#reading.open ? IN_TRANSACTION : 0
  }

  #measure(known: KnownSql, started: number): void {
    const now = performance.now()
    const took = (now - started) * 1000
    known.cost = Number.isNaN(known.cost) ? took : known.cost + (took - known.cost) * COST_WEIGHT
    // The caller is told when what it believes is off by half; the 2 µs are this clock's own noise.
    const off = Math.abs(known.cost - known.toldCost)
    if (known.slot >= 0 && !(off <= Math.max(known.toldCost / 2, 2))) this.#replies.cost(known)
  }
}

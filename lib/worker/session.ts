/**
 * Session: runs the requests of one Channel, in their order, and answers each. Runs in the child. It knows
 * statements, transactions and half-read results; who asked and why is the pool's business.
 */

import { sameColumns } from '../drivers/columns.ts'
import type {
  Awaitable,
  Chunk,
  DriverCursor,
  DriverStatement,
  ExecuteResult,
  SqlValue,
} from '../drivers/driver.ts'
import { ProgrammingError } from '../errors.ts'
import {
  CHUNK_BYTES,
  type Detail,
  IN_TRANSACTION,
  LATE,
  MORE,
  type RequestHandler,
  WROTE,
} from '../ipc/messages.ts'
import { attempt, chain } from './awaitable.ts'
import type { Connections } from './connections.ts'
import { HalfRead, KeptRows } from './half-read.ts'
import type { Replies } from './replies.ts'
import { type KnownSql, SqlTexts } from './sql-texts.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** From this many requests on, reads share one transaction: it costs two statements and saves two a read. */
const BATCH_READS = 3

/** A statement that takes longer, in microseconds, shares no transaction and delays no other's answer. */
const LONG_US = 1000

/** A chunk of rows that come slowly is sent after so many milliseconds, so that nobody waits for it to fill. */
const CHUNK_MS = 10
const CHUNK = { bytes: CHUNK_BYTES, ms: CHUNK_MS }

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

/** What a child does: it reads, it writes, or it does everything, on a database that is not in WAL. */
export type Duty = 'reads' | 'writes' | 'everything'

/** A half-read result, and whose it is; null for rows that only wait in memory. */
interface Open {
  readonly result: HalfRead
  readonly connection: SqliteConnection | null
}

export class Session implements RequestHandler {
  readonly #connections: Connections
  readonly #texts: SqlTexts
  readonly #replies: Replies
  readonly #duty: Duty
  // What has come since #batch was begun.
  #queue: Request[] = []
  // What is being answered. Nothing joins it: see #takeTurn.
  #batch: Request[] = []
  #next = 0
  #running = false
  // What is left of results that did not end in their first chunk, by cursor.
  readonly #open = new Map<number, Open>()
  #lastCursor = 0
  #idle: () => void = () => {}

  constructor(connections: Connections, replies: Replies, duty: Duty) {
    this.#connections = connections
    this.#texts = new SqlTexts((known) => connections.forget(known))
    this.#replies = replies
    this.#duty = duty
  }

  execute(id: number, slot: number, sql: string | null, params: SqlValue[], begin: string | null): void {
    const known = this.#texts.know(slot, sql)
    this.#queue.push({ verb: 'execute', id, known, cursor: 0, params, rows: NOTHING, begin })
  }

  executemany(id: number, slot: number, sql: string | null, rows: SqlValue[][], begin: string | null): void {
    const known = this.#texts.know(slot, sql)
    this.#queue.push({ verb: 'executemany', id, known, cursor: 0, params: NOTHING, rows, begin })
  }

  fetch(id: number, cursor: number): void {
    this.#queue.push({ verb: 'fetch', id, known: null, cursor, params: NOTHING, rows: NOTHING, begin: null })
  }

  finalize(cursor: number): void {
    const open = this.#open.get(cursor)
    if (open === undefined) return
    this.#open.delete(cursor)
    const closed = open.result.close()
    if (closed instanceof Promise) closed.then(() => this.#freed(open))
    else this.#freed(open)
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

  /** Rolls back what is open and closes the database; nothing may be queued any more. */
  async close(): Promise<void> {
    this.#open.clear()
    await this.#connections.close()
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
    const left = this.#connections.current.reading.end()
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
      () => chain(this.#takeTurn(request, known), (connection) => this.#run(request, known, connection)),
      () => {
        this.#connections.current.statements.release()
        this.#measure(known, started)
      },
      (thrown) => this.#fail(request, known, thrown, null),
    )
  }

  #run(request: Request, known: KnownSql, connection: SqliteConnection): Awaitable<void> {
    // Prepared first: as in CPython, a statement that does not compile begins no transaction.
    return chain(connection.statements.prepare(known), (statement) =>
      chain(request.begin === null ? undefined : connection.driver.exec(`BEGIN ${request.begin}`), () => {
        if (request.verb !== 'execute') return this.#runMany(request, known, statement)
        if (known.writes) return this.#write(request, known, connection, statement)
        if (known.alters) this.#texts.schemaChanged()
        const limit = this.#mayBeHalfRead(known, connection) ? CHUNK : undefined
        return chain(statement.execute(request.params, limit), (result) =>
          result.rest === null
            ? this.#succeed(request, known, result, null)
            : this.#succeedInPart(request, known, result, connection, statement),
        )
      }),
    )
  }

  #write(
    request: Request,
    known: KnownSql,
    { rowids }: SqliteConnection,
    statement: DriverStatement,
  ): Awaitable<void> {
    return chain(rowids.look(known, request.params), () =>
      chain(statement.execute(request.params), (result) =>
        this.#succeed(request, known, result, [result.changes, rowids.of(known, result)]),
      ),
    )
  }

  // A SELECT that came to the writer because a reader refused it writes, by a function: half-read, it would
  // keep all other writers out. In a transaction they wait anyway.
  #mayBeHalfRead(known: KnownSql, connection: SqliteConnection): boolean {
    return known.reads && (this.#duty !== 'writes' || connection.inTransaction)
  }

  #succeed(request: Request, known: KnownSql, result: ExecuteResult, detail: Detail | null): void {
    if (result.bytes <= CHUNK_BYTES) {
      this.#sendFirst(request, known, result, result, detail, 0)
      return
    }
    // Rows that had to be read at once: those that do not fit wait in memory.
    const rest = new KeptRows(result.rows)
    const chunk = rest.next(CHUNK)
    const cursor = chunk.ended ? 0 : this.#keep(new HalfRead(rest, null), null)
    this.#sendFirst(request, known, result, chunk, detail, cursor)
  }

  // The rest keeps the connection; the reading batch goes on without it.
  #succeedInPart(
    request: Request,
    known: KnownSql,
    result: ExecuteResult,
    connection: SqliteConnection,
    statement: DriverStatement,
  ): Awaitable<void> {
    const rest = connection.hold(known, statement, result.rest as DriverCursor)
    const cursor = this.#keep(rest, connection)
    return attempt(
      () => connection.reading.end(),
      () => this.#sendFirst(request, known, result, result, null, cursor),
      (thrown) => {
        this.finalize(cursor)
        throw thrown
      },
    )
  }

  #keep(result: HalfRead, connection: SqliteConnection | null): number {
    const cursor = ++this.#lastCursor
    this.#open.set(cursor, { result, connection })
    return cursor
  }

  #sendFirst(
    request: Request,
    known: KnownSql,
    { columns: current }: ExecuteResult,
    chunk: Chunk,
    detail: Detail | null,
    cursor: number,
  ): void {
    const flags = this.#transactionFlag() | (known.writes ? WROTE : 0)
    // By identity where it can be: each connection has columns of its own, mostly the same.
    const told = known.toldColumns
    const columns = current === told || sameColumns(current, told) ? null : current
    const sent = this.#sendChunk(request.id, flags, chunk, columns, detail, cursor)
    if (sent && known.slot >= 0 && current !== null) known.toldColumns = current
  }

  // Row after row, to the first that fails. Rows before it stay: in a transaction until that ends, in
  // autocommit for good. As in CPython it tells no rowid.
  #runMany(request: Request, known: KnownSql, statement: DriverStatement): Awaitable<void> {
    const { rows } = request
    let changes = 0
    const count = (result: ExecuteResult): void => {
      changes += result.changes
    }
    const stop = (index: number, thrown: unknown): Awaitable<void> =>
      this.#fail(request, known, thrown, [changes, null, index])
    const finish = (): void => {
      this.#replies.rows(request.id, this.#transactionFlag() | WROTE, [], 0, null, [changes, null])
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
    const { current } = this.#connections
    current.statements.release()
    // A BEGIN of this request's own that worked stays open, as in CPython: the caller's rollback ends it.
    const flags = this.#transactionFlag() | (known.writes ? WROTE : 0)
    this.#replies.failure(request.id, flags, thrown, detail)
    // An end that fails concerns the next statement: it will hear of it.
    return attempt(
      () => current.reading.end(),
      () => {},
      () => {},
    )
  }

  #answerFetch({ id, cursor }: Request): Awaitable<void> {
    const open = this.#open.get(cursor)
    if (open === undefined) {
      const gone = new ProgrammingError('this result was finalized before it was read to its end', {
        code: 'RESULT_GONE',
      })
      this.#replies.failure(id, this.#transactionFlag(), gone, null)
      return
    }
    // Its next row may be long in coming.
    this.#replies.flush()
    return attempt(
      () => open.result.next(CHUNK),
      (chunk) => {
        if (chunk.ended) this.#end(cursor, open)
        this.#sendChunk(id, this.#transactionFlag(), chunk, null, null, chunk.ended ? 0 : cursor)
      },
      (thrown) => {
        this.#end(cursor, open)
        this.#replies.failure(id, this.#transactionFlag(), thrown, null)
      },
    )
  }

  #end(cursor: number, open: Open): void {
    this.#open.delete(cursor)
    this.#freed(open)
  }

  #freed({ connection }: Open): void {
    if (connection !== null) this.#connections.freed(connection)
  }

  // Returns whether it went: a row may be too large. `cursor` is that of the rows that are left, 0 for none.
  #sendChunk(
    id: number,
    flags: number,
    { rows, bytes, late }: Chunk,
    columns: ExecuteResult['columns'],
    detail: Detail | null,
    cursor: number,
  ): boolean {
    if (cursor === 0) return this.#replies.rows(id, flags, rows, bytes, columns, detail)
    const [changes, lastrowid] = detail ?? [0, null]
    const more = flags | MORE | (late ? LATE : 0)
    const sent = this.#replies.rows(id, more, rows, bytes, columns, [changes, lastrowid, cursor])
    if (!sent) this.finalize(cursor)
    return sent
  }

  // The connection for a statement, in its turn. Reads that came together run in one transaction: it halves
  // what a point read costs the child, since SQLite takes its shared lock and looks for a newer WAL once
  // instead of each time. It begins after all of the batch was read, so it misses nothing that was
  // acknowledged before these requests were sent.
  #takeTurn(request: Request, known: KnownSql): Awaitable<SqliteConnection> {
    const { reading } = this.#connections.current
    const joins = known.reads && known.cost < LONG_US && request.begin === null
    if (reading.open) {
      if (joins) return this.#connections.current
      return chain(reading.end(), () => this.#connections.forStatement(known.shares))
    }
    const connection = this.#connections.forStatement(known.shares)
    if (!joins || this.#duty !== 'reads' || this.#batch.length - this.#next + 1 < BATCH_READS)
      return connection
    return chain(connection, (ready) => {
      // Somebody's own transaction is open: it has a snapshot already.
      if (ready.driver.inTransaction) return ready
      return chain(ready.reading.begin(), () => ready)
    })
  }

  #transactionFlag(): number {
    return this.#connections.current.inTransaction ? IN_TRANSACTION : 0
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

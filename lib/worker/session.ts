/**
 * Session: runs the requests of one Channel, in their order, and answers each. Runs in the child. It knows
 * statements, transactions and half-read results; who asked and why is the pool's business.
 */

import { rowsBytes } from '../drivers/chunk.ts'
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
import type { Setting } from '../ipc/settings.ts'
import { attempt, chain } from './awaitable.ts'
import type { Connections } from './connections.ts'
import { Cursors, type Origin } from './cursors.ts'
import { runMany } from './executemany.ts'
import { runScript, type ScriptProgress } from './executescript.ts'
import { HalfRead, KeptRows } from './half-read.ts'
import type { OwnConnections } from './own-connections.ts'
import type { Replies } from './replies.ts'
import type { Settings } from './settings.ts'
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
  readonly verb: 'execute' | 'executemany' | 'executescript' | 'fetch' | 'leave' | 'set'
  readonly id: number
  /** The own connection that it is for; 0 for those that all share. */
  readonly own: number
  /** Of an execute: its text. Of a fetch: its cursor. */
  readonly known: KnownSql | null
  readonly cursor: number
  readonly params: SqlValue[]
  readonly rows: SqlValue[][]
  readonly begin: string | null
  /** Of an executescript: its text. Of a set: what to set. */
  readonly script: string
  readonly setting: Setting | null
}

const NOTHING: never[] = []

/** What a child does: it reads, it writes, or it does everything, on a database that is not in WAL. */
export type Duty = 'reads' | 'writes' | 'everything'

export interface SessionOptions {
  /** The connections that all requests share but those for an own one. */
  readonly connections: Connections
  readonly own: OwnConnections
  readonly settings: Settings
  readonly replies: Replies
  readonly duty: Duty
}

export class Session implements RequestHandler {
  readonly #connections: Connections
  readonly #own: OwnConnections
  readonly #settings: Settings
  readonly #texts: SqlTexts
  readonly #replies: Replies
  readonly #duty: Duty
  // What has come since #batch was begun.
  #queue: Request[] = []
  // What is being answered. Nothing joins it: see #takeTurn.
  #batch: Request[] = []
  #next = 0
  #running = false
  // The own connection that the request to come is for.
  #on = 0
  readonly #cursors = new Cursors()
  #idle: () => void = () => {}

  constructor({ connections, own, settings, replies, duty }: SessionOptions) {
    this.#connections = connections
    this.#own = own
    this.#settings = settings
    this.#texts = new SqlTexts((known) => {
      connections.forget(known)
      own.forget(known)
    })
    this.#replies = replies
    this.#duty = duty
  }

  execute(id: number, slot: number, sql: string | null, params: SqlValue[], begin: string | null): void {
    const known = this.#texts.know(slot, sql)
    this.#take('execute', id, known, 0, params, NOTHING, begin)
  }

  executemany(id: number, slot: number, sql: string | null, rows: SqlValue[][], begin: string | null): void {
    const known = this.#texts.know(slot, sql)
    this.#take('executemany', id, known, 0, NOTHING, rows, begin)
  }

  executescript(id: number, sql: string): void {
    this.#take('executescript', id, null, 0, NOTHING, NOTHING, null, sql)
  }

  fetch(id: number, cursor: number): void {
    this.#take('fetch', id, null, cursor, NOTHING, NOTHING, null)
  }

  finalize(cursor: number): void {
    void this.#cursors.finalize(cursor)
  }

  on(connection: number): void {
    this.#on = connection
  }

  leave(connection: number): void {
    // In its turn: what is queued for it would open it anew, and nobody would close that.
    this.#on = connection
    this.#take('leave', 0, null, 0, NOTHING, NOTHING, null)
  }

  set(id: number, setting: Setting): void {
    this.#take('set', id, null, 0, NOTHING, NOTHING, null, '', setting)
  }

  adopt(setting: Setting): void {
    this.#settings.adopt(setting)
    this.#schemaChanged()
  }

  #take(
    verb: Request['verb'],
    id: number,
    known: KnownSql | null,
    cursor: number,
    params: SqlValue[],
    rows: SqlValue[][],
    begin: string | null,
    script = '',
    setting: Setting | null = null,
  ): void {
    const own = this.#on
    this.#on = 0
    this.#queue.push({ verb, id, own, known, cursor, params, rows, begin, script, setting })
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
    this.#cursors.clear()
    await this.#own.close()
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
    // What its closing says concerns nobody.
    if (request.verb === 'leave') return this.#own.leave(request.own).catch(() => {})
    this.#replies.flushIfOld(performance.now())
    if (request.own === 0) return this.#answerOn(request, this.#connections)
    return attempt(
      () => this.#own.get(request.own),
      (connections) => this.#answerOn(request, connections),
      (thrown) => this.#replies.failure(request.id, 0, thrown, null),
    )
  }

  #answerOn(request: Request, connections: Connections): Awaitable<void> {
    if (request.verb === 'execute' || request.verb === 'executemany')
      return this.#answerStatement(request, request.known as KnownSql, connections)
    // What is long, or unmeasured, lets the others' answers go first.
    this.#replies.flush()
    return request.verb === 'set'
      ? this.#answerSetting(request, request.setting as Setting)
      : this.#answerScript(request, connections)
  }

  #answerStatement(request: Request, known: KnownSql, connections: Connections): Awaitable<void> {
    const started = performance.now()
    if (!(known.cost < LONG_US)) this.#replies.flush()
    return attempt(
      () =>
        chain(this.#takeTurn(request, known, connections), (connection) =>
          this.#run(request, known, { connections, connection }),
        ),
      () => {
        connections.current.statements.release()
        this.#measure(known, started)
      },
      (thrown) => this.#fail(request, known, connections, thrown, null),
    )
  }

  #run(request: Request, known: KnownSql, origin: Origin): Awaitable<void> {
    const { connection, connections } = origin
    // Prepared first: as in CPython, a statement that does not compile begins no transaction.
    return chain(connection.statements.prepare(known), (statement) =>
      chain(request.begin === null ? undefined : connection.driver.exec(`BEGIN ${request.begin}`), () => {
        if (request.verb === 'executemany') return this.#answerMany(request, known, connections, statement)
        if (known.writes) return this.#write(request, known, origin, statement)
        if (known.alters) this.#schemaChanged()
        const limit = this.#mayBeHalfRead(known, connection) ? CHUNK : undefined
        return chain(statement.execute(request.params, limit), (result) =>
          result.rest === null
            ? this.#succeed(request, known, connections, result, null)
            : this.#succeedInPart(request, known, origin, result, statement),
        )
      }),
    )
  }

  #write(
    request: Request,
    known: KnownSql,
    { connection: { rowids }, connections }: Origin,
    statement: DriverStatement,
  ): Awaitable<void> {
    return chain(rowids.look(known, request.params), () =>
      chain(statement.execute(request.params), (result) =>
        this.#succeed(request, known, connections, result, [result.changes, rowids.of(known, result)]),
      ),
    )
  }

  // Rows before one that fails stay: in a transaction until that ends, in autocommit for good. As in CPython it
  // tells no rowid.
  #answerMany(
    request: Request,
    known: KnownSql,
    connections: Connections,
    statement: DriverStatement,
  ): Awaitable<void> {
    return chain(runMany(statement, request.rows), ({ changes, failed }) => {
      if (failed !== null)
        return this.#fail(request, known, connections, failed.thrown, [changes, null, failed.row])
      const flags = transactionFlag(connections) | WROTE
      this.#replies.rows(request.id, flags, [], 0, null, [changes, null])
    })
  }

  async #answerScript({ id, script }: Request, connections: Connections): Promise<void> {
    const progress: ScriptProgress = { changes: 0, statement: 0 }
    try {
      const { driver } = await connections.forStatement(false)
      await runScript(driver, script, progress)
      const flags = transactionFlag(connections) | WROTE
      this.#replies.rows(id, flags, [], 0, null, [progress.changes, null])
    } catch (thrown) {
      const detail: Detail = [progress.changes, null, progress.statement]
      this.#replies.failure(id, transactionFlag(connections) | WROTE, thrown, detail)
    } finally {
      this.#schemaChanged()
    }
  }

  async #answerSetting({ id }: Request, setting: Setting): Promise<void> {
    const connections = this.#connections
    try {
      await connections.current.reading.end()
      const { driver, settings } = await connections.forSetting(setting)
      const { columns, rows } = await this.#settings.set(driver, settings, setting)
      this.#replies.rows(id, transactionFlag(connections), rows, rowsBytes(rows), columns, null)
    } catch (thrown) {
      this.#replies.failure(id, transactionFlag(connections), thrown, null)
    } finally {
      this.#schemaChanged()
    }
  }

  #schemaChanged(): void {
    this.#connections.schemaChanged()
    this.#own.schemaChanged()
  }

  // A SELECT that came to the writer because a reader refused it writes, by a function: half-read, it would
  // keep all other writers out. In a transaction they wait anyway.
  #mayBeHalfRead(known: KnownSql, connection: SqliteConnection): boolean {
    return known.reads && (this.#duty !== 'writes' || connection.inTransaction)
  }

  #succeed(
    request: Request,
    known: KnownSql,
    connections: Connections,
    result: ExecuteResult,
    detail: Detail | null,
  ): void {
    if (result.bytes <= CHUNK_BYTES) {
      this.#sendFirst(request, known, connections, result, result, detail, 0)
      return
    }
    // Rows that had to be read at once: those that do not fit wait in memory.
    const rest = new KeptRows(result.rows)
    const chunk = rest.next(CHUNK)
    const cursor = chunk.ended ? 0 : this.#cursors.keep(new HalfRead(rest, null), null)
    this.#sendFirst(request, known, connections, result, chunk, detail, cursor)
  }

  // The rest keeps the connection; the reading batch goes on without it.
  #succeedInPart(
    request: Request,
    known: KnownSql,
    origin: Origin,
    result: ExecuteResult,
    statement: DriverStatement,
  ): Awaitable<void> {
    const { connection, connections } = origin
    const rest = connection.hold(known, statement, result.rest as DriverCursor)
    const cursor = this.#cursors.keep(rest, origin)
    return attempt(
      () => connection.reading.end(),
      () => this.#sendFirst(request, known, connections, result, result, null, cursor),
      (thrown) => {
        this.finalize(cursor)
        throw thrown
      },
    )
  }

  #sendFirst(
    request: Request,
    known: KnownSql,
    connections: Connections,
    { columns: current }: ExecuteResult,
    chunk: Chunk,
    detail: Detail | null,
    cursor: number,
  ): void {
    const flags = transactionFlag(connections) | (known.writes ? WROTE : 0)
    // By identity where it can be: each connection has columns of its own, mostly the same.
    const told = known.toldColumns
    const columns = current === told || sameColumns(current, told) ? null : current
    const sent = this.#sendChunk(request.id, flags, chunk, columns, detail, cursor)
    if (sent && known.slot >= 0 && current !== null) known.toldColumns = current
  }

  #fail(
    request: Request,
    known: KnownSql,
    connections: Connections,
    thrown: unknown,
    detail: Detail | null,
  ): Awaitable<void> {
    const { current } = connections
    current.statements.release()
    // A BEGIN of this request's own that worked stays open, as in CPython: the caller's rollback ends it.
    const flags = transactionFlag(connections) | (known.writes ? WROTE : 0)
    this.#replies.failure(request.id, flags, thrown, detail)
    // An end that fails concerns the next statement: it will hear of it.
    return attempt(
      () => current.reading.end(),
      () => {},
      () => {},
    )
  }

  #answerFetch({ id, cursor }: Request): Awaitable<void> {
    const result = this.#cursors.get(cursor)
    const flags = transactionFlag(this.#connections)
    if (result === undefined) {
      const gone = new ProgrammingError('this result was finalized before it was read to its end', {
        code: 'RESULT_GONE',
      })
      this.#replies.failure(id, flags, gone, null)
      return
    }
    // Its next row may be long in coming.
    this.#replies.flush()
    return attempt(
      () => result.next(CHUNK),
      (chunk) => {
        if (chunk.ended) this.#cursors.end(cursor)
        this.#sendChunk(id, flags, chunk, null, null, chunk.ended ? 0 : cursor)
      },
      (thrown) => {
        this.#cursors.end(cursor)
        this.#replies.failure(id, flags, thrown, null)
      },
    )
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
  #takeTurn(request: Request, known: KnownSql, connections: Connections): Awaitable<SqliteConnection> {
    // An own connection is not one of those that the batch reads on.
    if (request.own !== 0) {
      // What stands in the way of a file that is attached for all must be detachable.
      const { attached } = known.parsed
      if (attached !== null && attached.file === undefined) return connections.forDetach()
      return connections.forStatement(known.shares)
    }
    const { reading } = connections.current
    const joins = known.reads && known.cost < LONG_US && request.begin === null
    if (reading.open) {
      if (joins) return connections.current
      return chain(reading.end(), () => connections.forStatement(known.shares))
    }
    const connection = connections.forStatement(known.shares)
    if (!joins || this.#duty !== 'reads' || this.#batch.length - this.#next + 1 < BATCH_READS)
      return connection
    return chain(connection, (ready) => {
      // Somebody's own transaction is open: it has a snapshot already.
      if (ready.driver.inTransaction) return ready
      return chain(ready.reading.begin(), () => ready)
    })
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

function transactionFlag(connections: Connections): number {
  return connections.current.inTransaction ? IN_TRANSACTION : 0
}

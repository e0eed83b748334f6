/**
 * Session: runs the requests of one Channel, in their order, and answers each. Runs in the child. It knows
 * statements, transactions and half-read results; who asked and why is the pool's business.
 */

import { rowsBytes } from '../drivers/chunk.ts'
import { sameColumns } from '../drivers/columns.ts'
import type { Awaitable, Chunk, DriverCursor, DriverStatement, ExecuteResult } from '../drivers/driver.ts'
import { CHUNK_BYTES, type Detail, IN_TRANSACTION, WROTE } from '../ipc/messages.ts'
import type { Setting } from '../ipc/settings.ts'
import { attempt, chain } from './awaitable.ts'
import type { Connections } from './connections.ts'
import { CHUNK, Cursors, type Origin } from './cursors.ts'
import { runMany } from './executemany.ts'
import { runScript, type ScriptProgress } from './executescript.ts'
import { HalfRead, KeptRows } from './half-read.ts'
import type { OwnConnections } from './own-connections.ts'
import type { Replies } from './replies.ts'
import { type Request, Requests } from './requests.ts'
import type { Settings } from './settings.ts'
import { type KnownSql, SqlTexts } from './sql-texts.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** From this many requests on, reads share one transaction: it costs two statements and saves two a read. */
const BATCH_READS = 3

/** A statement that takes longer, in microseconds, shares no transaction and delays no other's answer. */
const LONG_US = 1000

/** Weight of the newest run in the moving average of a statement's cost. */
const COST_WEIGHT = 0.25

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

export class Session {
  /** Takes what comes on the Channel; run() answers it. */
  readonly requests: Requests
  readonly #connections: Connections
  readonly #own: OwnConnections
  readonly #settings: Settings
  readonly #replies: Replies
  readonly #duty: Duty
  // What is being answered. Nothing joins it: see #takeTurn.
  #batch: Request[] = []
  #next = 0
  #running = false
  readonly #cursors: Cursors
  #idle: () => void = () => {}

  constructor({ connections, own, settings, replies, duty }: SessionOptions) {
    this.#connections = connections
    this.#own = own
    this.#settings = settings
    this.#replies = replies
    this.#duty = duty
    this.#cursors = new Cursors(replies)
    const texts = new SqlTexts((known) => {
      connections.forget(known)
      own.forget(known)
    })
    this.requests = new Requests(texts, {
      finalize: (cursor) => this.#cursors.finalize(cursor),
      adopt: (setting) => {
        settings.adopt(setting)
        this.#schemaChanged()
      },
    })
  }

  /** Answers all that is queued. A synchronous driver is done when this returns. */
  run(): void {
    if (this.#running) return
    try {
      this.#drain()
    } catch (thrown) {
      // Answers could not be sent. The Channel ends with this, and close() shall not wait for the rest.
      this.requests.take()
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
    try {
      await this.#own.close()
    } finally {
      await this.#connections.close()
    }
  }

  #drain(): void {
    this.#running = true
    this.#batch = this.requests.take()
    this.#next = 0
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
    if (this.requests.waiting) this.#drain()
    else this.#idle()
  }

  // Never throws or rejects: whatever goes wrong is the answer.
  #answer(request: Request): Awaitable<void> {
    if (request.verb === 'fetch') {
      return this.#cursors.answerFetch(request.id, transactionFlag(this.#connections), request.cursor)
    }
    // What its closing says concerns nobody.
    if (request.verb === 'leave') return this.#own.leave(request.own).catch(() => {})
    this.#replies.flushIfOld(performance.now())
    if (request.own === 0) return this.#answerOn(request, this.#connections)
    return attempt(
      () => this.#own.get(request.own),
      (connections) => this.#answerOn(request, connections),
      // The transaction that it was to take over is where it was.
      (thrown) => this.#replies.failure(request.id, transactionFlag(this.#connections), thrown, null),
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
        const limit = this.#mayBeHalfRead(request, known, connection) ? CHUNK : undefined
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
  // keep all other writers out. In a transaction they wait anyway, and an own connection reads for itself.
  #mayBeHalfRead({ own }: Request, known: KnownSql, connection: SqliteConnection): boolean {
    return known.reads && (this.#duty !== 'writes' || own !== 0 || connection.inTransaction)
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
        this.#cursors.finalize(cursor)
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
    const sent = this.#cursors.send(request.id, flags, chunk, columns, detail, cursor)
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

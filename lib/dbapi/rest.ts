/**
 * Rest: the rows of a result that a child still has. Runs in the caller. It asks for them in chunks, some ahead
 * of whoever reads, and lets go of them when nobody will.
 *
 * A Rest is what the cursor holds; behind it are the Chunks, which everything else holds: those on their way would
 * keep a cursor that was dropped from being collected.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { ProgrammingError, QueryCancelled } from '../errors.ts'
import type { Statement } from '../pool/router.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { WorkerProcess } from '../pool/worker-process.ts'
import { Exchange } from './exchange.ts'

/**
 * So many chunks are on their way, or here and not yet read: while one is decoded and read, the child makes
 * the next. With 1 the child waits for each FETCH: 100,000 rows take 1.28 times as long. With 3 as long as with 2.
 */
const AHEAD = 2

export class Rest {
  readonly #chunks: Chunks

  /** `cursor` is the worker's number for it; `careful` as of the chunk that is here. */
  constructor(
    among: HalfReads,
    worker: WorkerProcess,
    cursor: number,
    statement: Statement,
    careful: boolean,
  ) {
    this.#chunks = new Chunks(among, worker, cursor, statement, careful)
    dropped.register(this, this.#chunks)
  }

  /** Makes a call that may ask for chunks. */
  during<T>(call: () => Promise<T>): Promise<T> {
    return this.#chunks.during(call)
  }

  /** The next chunk, or null at the end; rejects when it cannot be had. One call at a time. */
  next(): Promise<SqlValue[][] | null> {
    return this.#chunks.next()
  }

  /**
   * Asks for the chunks behind this one, for a reader who goes on. Of rows that are slow to come, or large,
   * none is asked for before it is needed, unless `all` will be.
   */
  askAhead(all = false): void {
    this.#chunks.askAhead(all)
  }

  /** Lets go of what is left, here and in the child. */
  close(): void {
    this.#chunks.close()
  }
}

/** The half-read results of one Connection or Pool. */
export class HalfReads {
  readonly pool: WorkerPool
  readonly all = new Set<Chunks>()
  // Calls that fetch from them and are not answered.
  #calls = 0
  #quiet: () => void = () => {}

  constructor(pool: WorkerPool) {
    this.pool = pool
  }

  /** Makes a call that may ask a child for several chunks, one after the other: close() waits for it. */
  async during<T>(worker: WorkerProcess, call: () => Promise<T>): Promise<T> {
    this.#calls++
    this.pool.beginReading(worker)
    try {
      return await call()
    } finally {
      this.pool.endReading(worker)
      if (--this.#calls === 0) this.#quiet()
    }
  }

  /** Waits for the calls that fetch from them, and lets go of all. */
  async close(): Promise<void> {
    while (this.#calls > 0) {
      await new Promise<void>((resolve) => {
        this.#quiet = resolve
      })
    }
    this.breakOff(
      (sql) =>
        new ProgrammingError('this result went with its Connection or Pool, which was closed', {
          code: 'RESULT_GONE',
          sql,
        }),
    )
  }

  /** Lets go of all; whoever reads on hears of it. */
  breakOff(error: (sql: string) => Error): void {
    for (const chunks of this.all) chunks.breakOff(error)
  }
}

// A result that is dropped half-read is let go of in the child too.
const dropped = new FinalizationRegistry<Chunks>((chunks) => chunks.close())

/** Chunks that are here, and the way to the others. */
class Chunks {
  readonly #among: HalfReads
  readonly #worker: WorkerProcess
  readonly #cursor: number
  readonly #statement: Statement
  // Those that are here, in order.
  readonly #here: SqlValue[][][] = []
  // Those that were asked for and are not here, in order.
  readonly #asked: Exchange[] = []
  // Why the rest cannot be had: every later call says so, or half a result would look whole.
  #broken: Error | null = null
  #ended = false
  // Whether the last chunk that came says to be careful: its rows are slow to come, or large.
  #careful: boolean
  #waiting: { promise: Promise<void>; resolve: () => void } | null = null

  constructor(
    among: HalfReads,
    worker: WorkerProcess,
    cursor: number,
    statement: Statement,
    careful: boolean,
  ) {
    this.#among = among
    this.#worker = worker
    this.#cursor = cursor
    this.#statement = statement
    this.#careful = careful
    among.all.add(this)
  }

  during<T>(call: () => Promise<T>): Promise<T> {
    return this.#among.during(this.#worker, call)
  }

  async next(): Promise<SqlValue[][] | null> {
    for (;;) {
      const chunk = this.#here.shift()
      if (chunk !== undefined) {
        this.askAhead(false)
        return chunk
      }
      if (this.#broken !== null) throw this.#broken
      if (this.#ended) return null
      if (this.#asked.length === 0) this.#ask()
      await this.#arrival()
    }
  }

  askAhead(all: boolean): void {
    if (this.#careful && !all) return
    while (!this.#over && this.#asked.length + this.#here.length < AHEAD) this.#ask()
  }

  close(): void {
    this.#ended = true
    this.#here.length = 0
    this.#letGo()
  }

  /** Lets go of what is left, for a reason that whoever reads on must hear of. */
  breakOff(error: (sql: string) => Error): void {
    this.#broken ??= error(this.#statement.sql)
    this.#here.length = 0
    this.#letGo()
  }

  get #over(): boolean {
    return this.#ended || this.#broken !== null
  }

  #ask(): void {
    const exchange = new Exchange(this.#statement, null, 0, Number.POSITIVE_INFINITY, null)
    this.#asked.push(exchange)
    exchange.answer.then(
      ({ rows, rest }) => {
        this.#asked.shift()
        if (this.#over) return
        this.#here.push(rows)
        this.#careful = exchange.late || rows.length === 1
        if (rest === 0) {
          this.#ended = true
          this.#among.all.delete(this)
        }
        this.#arrived()
      },
      (error) => {
        this.#asked.shift()
        // Those that were asked for behind the last one find nothing.
        if (this.#over) return
        this.#broken = error
        this.#letGo()
      },
    )
    this.#among.pool.fetch(this.#worker, exchange, this.#cursor)
  }

  // Lets go of it in the child, and tells who waits. What a child is at just now, and nobody wants, it may end.
  #letGo(): void {
    const { all, pool } = this.#among
    if (all.delete(this)) pool.finalize(this.#worker, this.#cursor)
    for (const exchange of this.#asked.splice(0)) pool.abandon(exchange, nobodyReads(this.#statement))
    this.#arrived()
  }

  #arrival(): Promise<void> {
    if (this.#waiting === null) {
      let resolve: () => void = () => {}
      const promise = new Promise<void>((settle) => {
        resolve = settle
      })
      this.#waiting = { promise, resolve }
    }
    return this.#waiting.promise
  }

  #arrived(): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.resolve()
  }
}

// Told to nobody: whoever would have heard it has left.
function nobodyReads({ sql }: Statement): QueryCancelled {
  return new QueryCancelled('the result was closed', { code: 'QUERY_CANCELLED', sql })
}

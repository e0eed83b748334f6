/**
 * Rest: the rows of a result that a child still has. Runs in the caller. It asks for them in chunks, some ahead
 * of whoever reads, and lets go of them when nobody will.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { QueryCancelled } from '../errors.ts'
import type { Statement } from '../pool/router.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import type { WorkerProcess } from '../pool/worker-process.ts'
import { Exchange } from './exchange.ts'

/**
 * So many chunks are on their way, or here and not yet read: while one is decoded and read, the child makes
 * the next. With 1 the child waits for each FETCH: 100,000 rows take 1.28 times as long. With 3 as long as with 2.
 */
const AHEAD = 2

/**
 * Where a child has the rest of a result. Holds nothing of the caller's but chunks on their way, so that a
 * dropped cursor can be collected.
 */
class HalfRead {
  readonly worker: WorkerProcess
  readonly cursor: number
  readonly among: HalfReads
  /** Chunks that were asked for and are not here, in order. */
  readonly asked: Exchange[] = []

  constructor(worker: WorkerProcess, cursor: number, among: HalfReads) {
    this.worker = worker
    this.cursor = cursor
    this.among = among
    among.all.add(this)
  }

  /** Lets go of it in the child. What a child is at just now, and nobody wants, it may end. */
  finalize(): void {
    const { all, pool } = this.among
    if (all.delete(this)) pool.finalize(this.worker, this.cursor)
    for (const exchange of this.asked.splice(0)) pool.abandon(exchange, nobodyReads(exchange.statement))
  }
}

/** The half-read results of one Connection or Pool. */
export class HalfReads {
  readonly pool: WorkerPool
  readonly all = new Set<HalfRead>()
  // Calls that fetch from them and are not answered.
  #calls = 0
  #quiet: () => void = () => {}

  constructor(pool: WorkerPool) {
    this.pool = pool
  }

  /** Makes a call that may ask for several chunks, one after the other: close() waits for it. */
  async during<T>(call: () => Promise<T>): Promise<T> {
    this.#calls++
    this.pool.beginReading()
    try {
      return await call()
    } finally {
      this.pool.endReading()
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
    for (const halfRead of this.all) halfRead.finalize()
  }
}

// A result that is dropped half-read is let go of in the child too.
const dropped = new FinalizationRegistry<HalfRead>((halfRead) => halfRead.finalize())

export class Rest {
  readonly #at: HalfRead
  readonly #statement: Statement
  // Chunks that are here, in order.
  readonly #chunks: SqlValue[][][] = []
  // Why the rest cannot be had: every later call says so, or half a result would look whole.
  #broken: Error | null = null
  #ended = false
  // Whether the last chunk that came says to be careful: its rows are slow to come, or large.
  #careful: boolean
  #waiting: { promise: Promise<void>; resolve: () => void } | null = null

  /** `cursor` is the worker's number for it. */
  constructor(
    among: HalfReads,
    worker: WorkerProcess,
    cursor: number,
    statement: Statement,
    careful: boolean,
  ) {
    this.#at = new HalfRead(worker, cursor, among)
    this.#statement = statement
    this.#careful = careful
    dropped.register(this, this.#at, this)
  }

  /** Makes a call that may ask for chunks. */
  during<T>(call: () => Promise<T>): Promise<T> {
    return this.#at.among.during(call)
  }

  /** The next chunk, or null at the end; rejects when it cannot be had. One call at a time. */
  async next(): Promise<SqlValue[][] | null> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.askAhead()
        return chunk
      }
      if (this.#broken !== null) throw this.#broken
      if (this.#ended) return null
      if (this.#at.asked.length === 0) this.#ask()
      await this.#arrival()
    }
  }

  /**
   * Asks for the chunks behind this one, for a reader who goes on. Of rows that are slow to come, or large,
   * none is asked for before it is needed, unless `all` will be.
   */
  askAhead(all = false): void {
    if (this.#careful && !all) return
    while (!this.#over && this.#at.asked.length + this.#chunks.length < AHEAD) this.#ask()
  }

  /** Lets go of what is left, here and in the child. */
  close(): void {
    this.#ended = true
    this.#chunks.length = 0
    this.#letGo()
    this.#arrived()
  }

  get #over(): boolean {
    return this.#ended || this.#broken !== null
  }

  #ask(): void {
    const exchange = new Exchange(this.#statement, null, 0, Number.POSITIVE_INFINITY, null)
    const { among, asked, cursor, worker } = this.#at
    asked.push(exchange)
    exchange.answer.then(
      ({ rows, rest }) => {
        asked.shift()
        if (this.#over) return
        this.#chunks.push(rows)
        this.#careful = exchange.late || rows.length === 1
        if (rest === 0) this.#end()
        this.#arrived()
      },
      (error) => {
        asked.shift()
        // Those that were asked for behind the last one find nothing.
        if (this.#over) return
        this.#broken = error
        this.#letGo()
        this.#arrived()
      },
    )
    among.pool.fetch(worker, exchange, cursor)
  }

  #end(): void {
    this.#ended = true
    this.#at.among.all.delete(this.#at)
    dropped.unregister(this)
  }

  #letGo(): void {
    dropped.unregister(this)
    this.#at.finalize()
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

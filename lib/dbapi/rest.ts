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
 * the next. With 1 the child waits for each FETCH: 100,000 rows take 1.2 times as long.
 */
const AHEAD = 2

/** Where a child has the rest of a result. Holds nothing of the caller's, so that a dropped cursor can be collected. */
export interface HalfRead {
  readonly pool: WorkerPool
  readonly worker: WorkerProcess
  readonly cursor: number
  /** All of one Connection or Pool. */
  readonly among: Set<HalfRead>
}

/** Lets go of the rest in the child. */
export function finalize(halfRead: HalfRead): void {
  if (halfRead.among.delete(halfRead)) halfRead.pool.finalize(halfRead.worker, halfRead.cursor)
}

// A result that is dropped half-read is let go of in the child too.
const dropped = new FinalizationRegistry<HalfRead>(finalize)

export class Rest {
  readonly #at: HalfRead
  readonly #statement: Statement
  // Chunks that are here, in order.
  readonly #chunks: SqlValue[][][] = []
  // Chunks that were asked for and are not here, in order.
  readonly #asked: Exchange[] = []
  // Why the rest cannot be had: every later call says so, or half a result would look whole.
  #broken: Error | null = null
  #ended = false
  // Whether the last chunk that came says to be careful: its rows are slow to come, or large.
  #careful: boolean
  #waiting: { promise: Promise<void>; resolve: () => void } | null = null

  constructor(at: HalfRead, statement: Statement, careful: boolean) {
    this.#at = at
    this.#statement = statement
    this.#careful = careful
    at.among.add(at)
    dropped.register(this, at, this)
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
      if (this.#asked.length === 0) this.#ask()
      await this.#arrival()
    }
  }

  /**
   * Asks for the chunks behind this one, for a reader who goes on. Of rows that are slow to come, or large,
   * none is asked for before it is needed, unless `all` will be.
   */
  askAhead(all = false): void {
    if (this.#careful && !all) return
    while (!this.#over && this.#asked.length + this.#chunks.length < AHEAD) this.#ask()
  }

  /** Lets go of what is left, here and in the child. What a child is at just now, and nobody wants, it may end. */
  close(): void {
    this.#ended = true
    this.#chunks.length = 0
    this.#letGo()
    const { pool } = this.#at
    for (const exchange of this.#asked.splice(0)) pool.abandon(exchange, nobodyReads(this.#statement))
    this.#arrived()
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
        this.#chunks.push(rows)
        this.#careful = exchange.late || rows.length === 1
        if (rest === 0) this.#end()
        this.#arrived()
      },
      (error) => {
        this.#asked.shift()
        // Those that were asked for behind the last one find nothing.
        if (this.#over) return
        this.#broken = error
        this.#letGo()
        this.#arrived()
      },
    )
    this.#at.pool.fetch(this.#at.worker, exchange, this.#at.cursor)
  }

  #end(): void {
    this.#ended = true
    this.#at.among.delete(this.#at)
    dropped.unregister(this)
  }

  #letGo(): void {
    dropped.unregister(this)
    finalize(this.#at)
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

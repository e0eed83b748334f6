/**
 * Requests: what has come on the Channel and is not yet answered, in its order. Runs in the child. What is not
 * answered (FINALIZE, ADOPT) takes effect at once, and is the Session's business; LEAVE waits for what is before it.
 */
import type { SqlValue } from '../drivers/driver.ts'
import type { RequestHandler } from '../ipc/messages.ts'
import type { Setting } from '../ipc/settings.ts'
import type { KnownSql, SqlTexts } from './sql-texts.ts'

export interface Request {
  readonly verb: 'execute' | 'executemany' | 'executescript' | 'fetch' | 'set' | 'leave'
  /** 0 where nothing is answered. */
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

/** What takes effect at once. */
export interface Unanswered {
  finalize(cursor: number): void
  adopt(setting: Setting): void
}

const NOTHING: never[] = []

export class Requests implements RequestHandler {
  #queue: Request[] = []
  // The own connection that the request to come is for.
  #on = 0
  readonly #texts: SqlTexts
  readonly #unanswered: Unanswered

  constructor(texts: SqlTexts, unanswered: Unanswered) {
    this.#texts = texts
    this.#unanswered = unanswered
  }

  /** Whether something has come since take(). */
  get waiting(): boolean {
    return this.#queue.length > 0
  }

  /** All that has come, which is then gone. */
  take(): Request[] {
    const queue = this.#queue
    this.#queue = []
    return queue
  }

  execute(id: number, slot: number, sql: string | null, params: SqlValue[], begin: string | null): void {
    this.#add('execute', id, this.#texts.know(slot, sql), 0, params, NOTHING, begin)
  }

  executemany(id: number, slot: number, sql: string | null, rows: SqlValue[][], begin: string | null): void {
    this.#add('executemany', id, this.#texts.know(slot, sql), 0, NOTHING, rows, begin)
  }

  executescript(id: number, sql: string): void {
    this.#add('executescript', id, null, 0, NOTHING, NOTHING, null, sql)
  }

  fetch(id: number, cursor: number): void {
    this.#add('fetch', id, null, cursor, NOTHING, NOTHING, null)
  }

  set(id: number, setting: Setting): void {
    this.#add('set', id, null, 0, NOTHING, NOTHING, null, '', setting)
  }

  on(connection: number): void {
    this.#on = connection
  }

  finalize(cursor: number): void {
    this.#unanswered.finalize(cursor)
  }

  leave(connection: number): void {
    this.#on = connection
    this.#add('leave', 0, null, 0, NOTHING, NOTHING, null)
  }

  adopt(setting: Setting): void {
    this.#unanswered.adopt(setting)
  }

  #add(
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
}

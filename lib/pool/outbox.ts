/**
 * Outbox: the requests on their way to one child: numbered, gathered into a batch, and known until they are
 * answered. Runs in the caller. It knows the layout of a request, not the pipe that it leaves by.
 */
import {
  ADOPT,
  EXECUTE,
  EXECUTEMANY,
  EXECUTESCRIPT,
  FETCH,
  FINALIZE,
  LEAVE,
  ON,
  ProtocolError,
  SET,
  SLOTS,
  UNNUMBERED,
  type WireColumns,
} from '../ipc/messages.ts'
import type { Setting } from '../ipc/settings.ts'
import { ClockCache } from '../sql/clock-cache.ts'
import type { Request } from './request.ts'
import type { Statement } from './router.ts'

/** What the child knows of an SQL text: its number there, and the columns that it last told. */
export interface Slot {
  readonly number: number
  columns: WireColumns | null
}

/** A frame of requests is closed at this size; as UTF-8 it may be three times as large. */
const BATCH_BYTES = 256 * 1024

const NO_BATCHES: unknown[][] = []

export class Outbox {
  /** Requests that are not answered. */
  inFlight = 0
  /** Their bytes. */
  bytesInFlight = 0
  /** Their estimated run time in microseconds, without that of fetches. */
  load = 0
  /** Of the requests, those that fetch a chunk. */
  fetches = 0
  /** Results that the child has half-read, by cursor. */
  readonly halfRead = new Set<number>()
  #batch: unknown[] = []
  #batchBytes = 0
  #batches: unknown[][] = []
  #sequence = 0
  // By id; an id is free again when its request is answered.
  readonly #requests: (Request | undefined)[] = []
  readonly #freeIds: number[] = []
  readonly #slots = new ClockCache<Statement, Slot>(SLOTS, ({ number }) => {
    this.#freedSlot = number
  })
  readonly #bySlot: (Statement | undefined)[] = []
  #freedSlot = UNNUMBERED

  /** Adds a statement to the batch. */
  execute(request: Request): void {
    // A frame stays small enough for any maxFrameBytes; a request that is larger has one of its own.
    if (this.#batchBytes + request.bytes > BATCH_BYTES) this.#closeBatch()
    this.#batchBytes += request.bytes
    const id = this.#number(request)
    this.bytesInFlight += request.bytes
    this.load += request.load
    if (request.own !== null) this.#batch.push(ON, request.own.number)
    const { statement } = request
    if (request.setting !== null) {
      this.#batch.push(SET, id, request.setting)
      return
    }
    if (request.script) {
      this.#batch.push(EXECUTESCRIPT, id, statement.sql)
      return
    }
    let sql: string | null = null
    let slot = statement.numbered ? this.#slots.get(statement) : undefined
    if (slot === undefined) {
      sql = statement.sql
      slot = { number: statement.numbered ? this.#takeSlot(statement) : UNNUMBERED, columns: null }
      if (statement.numbered) this.#slots.set(statement, slot)
    }
    request.slot = slot
    if (request.rows === null) this.#batch.push(EXECUTE, id, slot.number, sql, request.params, request.begin)
    else this.#batch.push(EXECUTEMANY, id, slot.number, sql, request.rows, request.begin)
  }

  /** Adds the fetch of a result's next chunk, which `request` takes, to the batch. */
  fetch(request: Request, cursor: number): void {
    this.fetches++
    request.cursor = cursor
    this.#batch.push(FETCH, this.#number(request), cursor)
  }

  /** Adds the end of a half-read result to the batch; it is not answered. */
  finalize(cursor: number): void {
    this.halfRead.delete(cursor)
    this.#batch.push(FINALIZE, cursor)
  }

  /** Adds the end of an own connection to the batch; it is not answered. */
  leave(connection: number): void {
    this.#batch.push(LEAVE, connection)
  }

  /** Adds a setting that another child has made to the batch; it is not answered. */
  adopt(setting: Setting): void {
    this.#batch.push(ADOPT, setting)
  }

  /** The batches, one for each frame, which are then gone. */
  take(): unknown[][] {
    this.#closeBatch()
    if (this.#batches.length === 0) return NO_BATCHES
    const batches = this.#batches
    this.#batches = []
    return batches
  }

  /**
   * The request that an answer is for; it is then answered. `rest` is the cursor of the rows that are left, 0 for
   * none. Throws a ProtocolError if there is no such request.
   */
  answered(id: number, rest: number): Request {
    const request = this.#requests[id]
    if (request === undefined) throw new ProtocolError(`an answer to request ${id}, which nobody made`)
    this.#requests[id] = undefined
    this.#freeIds.push(id)
    this.inFlight--
    this.bytesInFlight -= request.bytes
    this.load -= request.load
    if (request.cursor !== 0) {
      this.fetches--
      if (rest === 0) this.halfRead.delete(request.cursor)
    } else if (rest !== 0) {
      this.halfRead.add(rest)
    }
    return request
  }

  /** Learns what statements cost, from pairs of slot and microseconds. */
  costs(slotsAndMicroseconds: readonly number[]): void {
    for (let i = 0; i + 1 < slotsAndMicroseconds.length; i += 2) {
      const statement = this.#bySlot[slotsAndMicroseconds[i] as number]
      if (statement !== undefined) statement.cost = slotsAndMicroseconds[i + 1] as number
    }
  }

  /** Whether this request is the one that runs: of those that are not answered, the first that was sent. */
  isOldest(request: Request): boolean {
    return this.#requests.every((other) => other === undefined || other.sequence >= request.sequence)
  }

  /** Takes out all that is not answered, in no order: the child is gone. */
  abandon(): Request[] {
    const unanswered = this.#requests.filter((request) => request !== undefined)
    this.#requests.length = 0
    this.#batch = []
    this.#batches = []
    this.inFlight = 0
    this.fetches = 0
    return unanswered
  }

  #closeBatch(): void {
    if (this.#batch.length === 0) return
    this.#batches.push(this.#batch)
    this.#batch = []
    this.#batchBytes = 0
  }

  #number(request: Request): number {
    const id = this.#freeIds.pop() ?? this.#requests.length
    this.#requests[id] = request
    this.inFlight++
    request.sequence = ++this.#sequence
    return id
  }

  #takeSlot(statement: Statement): number {
    let number = this.#slots.size
    if (number >= SLOTS) {
      // The cache tells the number of the text that it lets go of, which is then free.
      this.#slots.makeRoom()
      number = this.#freedSlot
    }
    this.#bySlot[number] = statement
    return number
  }
}

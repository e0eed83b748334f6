/**
 * TestSession: a Session of lib/worker in this process, over any connection, whose answers go through a real
 * Channel and are read as the caller would read them. Runs in mocha's process.
 */
import { PassThrough, Writable } from 'node:stream'
import { expect } from 'chai'
import type { Awaitable, DriverConnection, DriverName, SqlValue } from '../../lib/drivers/driver.ts'
import { DRIVER_NAMES } from '../../lib/drivers/driver.ts'
import { loadDriver } from '../../lib/drivers/load.ts'
import type { WireError } from '../../lib/errors.ts'
import { Channel } from '../../lib/ipc/channel.ts'
import { decodeFrame } from '../../lib/ipc/codec.ts'
import { HEADER_BYTES } from '../../lib/ipc/frame.ts'
import {
  type Detail,
  EXECUTE,
  FAILED,
  FETCH,
  IN_TRANSACTION,
  MORE,
  readReplies,
  readRequests,
  UNNUMBERED,
  type WireColumns,
  WROTE,
} from '../../lib/ipc/messages.ts'
import { resolveDrivers } from '../../lib/pool/driver-path.ts'
import { Connections } from '../../lib/worker/connections.ts'
import { OwnConnections } from '../../lib/worker/own-connections.ts'
import { Replies } from '../../lib/worker/replies.ts'
import { type Duty, Session } from '../../lib/worker/session.ts'
import { Settings } from '../../lib/worker/settings.ts'

const MIB = 1024 * 1024

/** One answer, as the caller gets it. */
export interface Answer {
  readonly id: number
  readonly flags: number
  readonly rows: SqlValue[][]
  /** In place of rows, if `flags` has FAILED. */
  readonly error: WireError | null
  readonly columns: WireColumns | null
  readonly detail: Detail | null
}

/** What stands in one frame of replies. */
export interface ReplyFrame {
  readonly answers: Answer[]
  /** Pairs of slot and microseconds. */
  readonly costs: number[]
  readonly bytes: number
}

/** Reads one message of replies. */
export function replyFrame(message: unknown, bytes = 0): ReplyFrame {
  const answers: Answer[] = []
  const costs: number[] = []
  readReplies(message, {
    reply(id, flags, rows, columns, detail) {
      const failed = (flags & FAILED) !== 0
      answers.push({
        id,
        flags,
        rows: failed ? [] : (rows as SqlValue[][]),
        error: failed ? (rows as WireError) : null,
        columns,
        detail,
      })
    },
    costs: (pairs) => costs.push(...pairs),
  })
  return { answers, costs, bytes }
}

/** A Channel whose outgoing messages are kept. */
export class Outbox {
  readonly messages: { message: unknown; bytes: number }[] = []
  readonly channel: Channel
  /** Called before each message is sent. */
  onWrite: () => void = () => {}

  constructor() {
    const sink = new Writable({
      write: (frame: Buffer, _encoding, done) => {
        this.onWrite()
        const message = decodeFrame(frame, HEADER_BYTES, frame.length)
        this.messages.push({ message, bytes: frame.length - HEADER_BYTES })
        done()
      },
    })
    this.channel = new Channel(new PassThrough(), sink, { maxFrameBytes: MIB, onMessage() {}, onEnd() {} })
  }

  /** What was sent since the last call. */
  take(): ReplyFrame[] {
    return this.messages.splice(0).map(({ message, bytes }) => replyFrame(message, bytes))
  }
}

export interface SessionOptions {
  reader?: boolean
  /** Instead of `reader`. */
  duty?: Duty
  maxFrameBytes?: number
  maxResultBytes?: number
  openSpare?: (() => Awaitable<DriverConnection>) | null
}

export class TestSession {
  readonly outbox = new Outbox()
  readonly session: Session
  #lastId = 0

  /** Without `openSpare` the connection is the only one. */
  constructor(
    connection: DriverConnection,
    {
      reader = false,
      duty = reader ? 'reads' : 'writes',
      maxFrameBytes = MIB,
      maxResultBytes = MIB,
      openSpare = null,
    }: SessionOptions = {},
  ) {
    const settings = new Settings({ settings: [], filePragmas: [], setsWal: duty === 'writes' })
    const connections = new Connections(connection, { openSpare, maxResultBytes, settings })
    const open = (): Awaitable<DriverConnection> => {
      if (openSpare === null) throw new Error('this session has no further connection')
      return openSpare()
    }
    const own = new OwnConnections({ shared: connections, open, maxResultBytes, settings })
    const replies = new Replies(this.outbox.channel, maxFrameBytes)
    this.session = new Session({ connections, own, settings, replies, duty })
  }

  /** Runs a batch of requests, as they would come in one frame, and gives the frames of replies. */
  async frames(...batch: unknown[]): Promise<ReplyFrame[]> {
    readRequests(batch, this.session.requests)
    this.session.run()
    await this.session.settled()
    return this.outbox.take()
  }

  /** The answers to a batch, in the order they came. */
  async ask(...batch: unknown[]): Promise<Answer[]> {
    return (await this.frames(...batch)).flatMap(({ answers }) => answers)
  }

  /** The answer to one statement whose text has no number. */
  async run(sql: string, ...params: SqlValue[]): Promise<Answer> {
    return this.runAt(UNNUMBERED, sql, ...params)
  }

  /** The same in a slot; `sql` is null where the slot's text is meant. */
  async runAt(slot: number, sql: string | null, ...params: SqlValue[]): Promise<Answer> {
    const id = this.#lastId++
    const [answer] = await this.ask(EXECUTE, id, slot, sql, params, null)
    expect(answer?.id).to.equal(id)
    return answer as Answer
  }

  /** Runs a read until it was measured as short enough to join a batch, whatever else this machine does. */
  async runUntilShort(slot: number, sql: string): Promise<void> {
    for (let text: string | null = sql; ; text = null) {
      const frames = await this.frames(EXECUTE, 0, slot, text, [], null)
      const cost = frames.flatMap(({ costs }) => costs)[1]
      if (cost !== undefined && cost < 500) return
    }
  }

  async fetch(cursor: number): Promise<Answer> {
    const [answer] = await this.ask(FETCH, this.#lastId++, cursor)
    return answer as Answer
  }

  async rows(sql: string, ...params: SqlValue[]): Promise<SqlValue[][]> {
    const { rows, error } = await this.run(sql, ...params)
    expect(error).to.equal(null)
    return rows
  }
}

/** The names of the flags, for messages that read well. */
export function flagNames(flags: number): string[] {
  const names: [number, string][] = [
    [MORE, 'MORE'],
    [IN_TRANSACTION, 'IN_TRANSACTION'],
    [FAILED, 'FAILED'],
    [WROTE, 'WROTE'],
  ]
  return names.filter(([bit]) => flags & bit).map(([, name]) => name)
}

export type Open = (path: string, readonly?: boolean) => Promise<DriverConnection>

/** Calls `tests` once for each driver; one that cannot be loaded is skipped, with the reason in the title. */
export async function driversHere(): Promise<Map<DriverName, Open | string>> {
  const found = new Map<DriverName, Open | string>()
  for (const name of DRIVER_NAMES) {
    try {
      const driver = await loadDriver(name, resolveDrivers(name)[0]!.path)
      found.set(name, async (path, readonly = false) => driver.open(path, { readonly, busyTimeoutMs: 1000 }))
    } catch (error) {
      found.set(name, (error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 100))
    }
  }
  return found
}

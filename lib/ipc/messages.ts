/**
 * Messages: what caller and child say to each other, one msgpack array a frame, and the check of each before
 * it is believed. Used in both processes.
 *
 *   caller → child   first frame   [MAGIC, VERSION, Open]
 *                    then batches  one entry after the other, each a verb and its operands:
 *                                  EXECUTE      id, slot, sql | null, params, begin | null
 *                                  EXECUTEMANY  id, slot, sql | null, rows of params, begin | null
 *                                  EXECUTESCRIPT  id, sql
 *                                  FETCH        id, cursor
 *                                  FINALIZE     cursor                       (not answered)
 *                                  ON           own connection               (of the entry behind it)
 *                                  LEAVE        own connection               (not answered)
 *                                  SET          id, setting
 *                                  ADOPT        setting                      (not answered)
 *   child → caller   first frame   [MAGIC, VERSION, Hello] or [MAGIC, VERSION, null, WireError]
 *                    then batches  five elements for each answer:
 *                                  id, flags, rows | WireError, columns | null, detail | null
 *                                  COSTS (in id's place), 0, [slot, µs, …], null, null
 *
 * `id` numbers a request until it is answered. `slot` numbers an SQL text on this channel: the text travels
 * once, with null ever after; a text sent with a slot replaces the one that had it, and UNNUMBERED keeps none.
 * `begin` names the kind of transaction to begin first (`'IMMEDIATE'`), in the same hop.
 *
 * An own connection is one that a Connection has for itself in this child, for its temporary objects, by a number
 * of the caller's; it is opened when it is first named, and takes over the open transaction if there is one.
 * SET makes a setting that is to hold for every connection of the pool; the child that is asked first tries it
 * out, the others ADOPT it.
 */
import type { DriverName, SqlValue } from '../drivers/driver.ts'
import type { WireError } from '../errors.ts'
import type { Setting } from './settings.ts'

export const MAGIC = 'forklite'
/** Both sides come from one package, so any difference is an error: two installed versions, or a stray peer. */
export const VERSION = 1

export const EXECUTE = 1
export const EXECUTEMANY = 2
export const FETCH = 3
export const FINALIZE = 4
export const EXECUTESCRIPT = 5
export const ON = 6
export const LEAVE = 7
export const SET = 8
export const ADOPT = 9

/** The slot of a text that is not worth keeping. */
export const UNNUMBERED = -1
/** Slots of a channel: so many SQL texts does the child remember by number. */
export const SLOTS = 1024

/** In an answer's place for the id: what statements have cost, for the router. */
export const COSTS = -1

/** Rows remain: `detail[2]` is the cursor to FETCH from. */
export const MORE = 1
/** A transaction is open on the connection after this statement. */
export const IN_TRANSACTION = 2
/** The rows' place holds a WireError. */
export const FAILED = 4
/** An INSERT, UPDATE, DELETE or REPLACE, or a script: `detail[0]` counts the rows it changed. */
export const WROTE = 8
/** Rows remain, and come slowly: whoever may not need them should not have them fetched ahead. */
export const LATE = 16

/** Result frames stay near this size: large enough to be cheap, small enough to stall nobody. */
export const CHUNK_BYTES = 64 * 1024

/** A column as it travels: name, declared type or null. */
export type WireColumns = [name: string, type: string | null][]

/**
 * Rows changed, rowid of the last row that an EXECUTE has inserted (else null), and a third number: if there is MORE,
 * the cursor; if an EXECUTEMANY or EXECUTESCRIPT FAILED, the index of its row or statement that did.
 */
export type Detail = [changes: number, lastrowid: number | bigint | null, cursorOrRow?: number]

export type Role = 'writer' | 'reader'

/** All a child needs to open the database. */
export interface Open {
  role: Role
  /** The file as SQLite takes it, `:memory:` or `''`. */
  database: string
  readonly: boolean
  /** Candidates in order; the child takes the first that loads. */
  drivers: { name: DriverName; path: string }[]
  pragmas: [name: string, value: string | number][]
  /** What holds for every connection of the pool by now, beyond the pragmas. */
  settings: Setting[]
  /** Those pragmas of the connections that it opens beside half-read results. */
  sparePragmas: [name: string, value: string | number][]
  busyTimeoutMs: number
  /** A module's URL, or null. */
  initializer: string | null
  initargs: unknown[]
  maxFrameBytes: number
  /** For results that a child must keep whole. */
  maxResultBytes: number
  /** For a connection that is opened beside half-read results to be ready, its initializer included. */
  startTimeoutMs: number
}

/** What a child tells once it is ready. */
export interface Hello {
  pid: number
  driver: string
  sqliteVersion: string
  /** As SQLite names it; a database that is not in `'wal'` has one child. */
  journalMode: string
}

/** The peer sent what no peer of this version sends. It ends the channel. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

/** Takes the requests of a batch; the verbs keep their names. */
export interface RequestHandler {
  execute(id: number, slot: number, sql: string | null, params: SqlValue[], begin: string | null): void
  executemany(id: number, slot: number, sql: string | null, rows: SqlValue[][], begin: string | null): void
  executescript(id: number, sql: string): void
  fetch(id: number, cursor: number): void
  finalize(cursor: number): void
  /** The next call is for this own connection. */
  on(connection: number): void
  leave(connection: number): void
  set(id: number, setting: Setting): void
  adopt(setting: Setting): void
}

/** Takes the answers of a batch. */
export interface ReplyHandler {
  reply(
    id: number,
    flags: number,
    rows: SqlValue[][] | WireError,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void
  costs(slotsAndMicroseconds: number[]): void
}

/** Hands each request of a batch to `handler`. Throws a ProtocolError on the first that is malformed. */
export function readRequests(message: unknown, handler: RequestHandler): void {
  const batch = expectArray(message, 'a batch of requests')
  let i = 0
  while (i < batch.length) {
    const verb = batch[i]
    if (verb === EXECUTE || verb === EXECUTEMANY) {
      const id = batch[i + 1]
      const slot = batch[i + 2]
      const sql = batch[i + 3]
      const params = batch[i + 4]
      const begin = batch[i + 5]
      expectId(id)
      expectSlot(slot)
      expectRow(params)
      if (sql !== null) expectString(sql, 'SQL')
      if (begin !== null) expectString(begin, 'kind of transaction')
      if (verb === EXECUTE) {
        handler.execute(id, slot, sql as string | null, params, begin as string | null)
      } else {
        const rows: unknown[] = params
        for (const row of rows) expectRow(row)
        handler.executemany(id, slot, sql as string | null, rows as SqlValue[][], begin as string | null)
      }
      i += 6
    } else if (verb === FETCH) {
      expectId(batch[i + 1])
      expectId(batch[i + 2])
      handler.fetch(batch[i + 1] as number, batch[i + 2] as number)
      i += 3
    } else if (verb === FINALIZE) {
      expectId(batch[i + 1])
      handler.finalize(batch[i + 1] as number)
      i += 2
    } else if (verb === EXECUTESCRIPT) {
      expectId(batch[i + 1])
      expectString(batch[i + 2], 'a script')
      handler.executescript(batch[i + 1] as number, batch[i + 2] as string)
      i += 3
    } else if (verb === ON || verb === LEAVE) {
      expectId(batch[i + 1])
      if (verb === ON) handler.on(batch[i + 1] as number)
      else handler.leave(batch[i + 1] as number)
      i += 2
    } else if (verb === SET) {
      expectId(batch[i + 1])
      expectSetting(batch[i + 2])
      handler.set(batch[i + 1] as number, batch[i + 2] as Setting)
      i += 3
    } else if (verb === ADOPT) {
      expectSetting(batch[i + 1])
      handler.adopt(batch[i + 1] as Setting)
      i += 2
    } else {
      throw new ProtocolError(`unknown verb ${String(verb)} in a batch of requests`)
    }
  }
}

/** Hands each answer of a batch to `handler`. Throws a ProtocolError on the first that is malformed. */
export function readReplies(message: unknown, handler: ReplyHandler): void {
  const batch = expectArray(message, 'a batch of replies')
  if (batch.length % 5 !== 0) throw new ProtocolError(`a batch of replies with ${batch.length} elements`)
  for (let i = 0; i < batch.length; i += 5) {
    const id = batch[i]
    const flags = batch[i + 1]
    const rows = batch[i + 2]
    if (!Array.isArray(rows)) throw new ProtocolError(`a reply's rows are ${describe(rows)}, not an array`)
    if (id === COSTS) {
      for (const number of rows) expectInteger(number, 'cost')
      handler.costs(rows)
      continue
    }
    expectId(id)
    expectInteger(flags, 'flags of a reply')
    const columns = batch[i + 3]
    const detail = batch[i + 4]
    if (flags & FAILED) expectWireError(rows)
    else for (const row of rows) expectRow(row)
    if (columns !== null) expectColumns(columns)
    if (detail !== null) expectDetail(detail, flags)
    handler.reply(id, flags, rows, columns as WireColumns | null, detail as Detail | null)
  }
}

/** The Open of a caller's first frame. */
export function readOpen(message: unknown): Open {
  const [open] = readGreeting(message)
  if (!isRecord(open)) throw new ProtocolError('the first frame does not say what to open')
  if (open.role !== 'writer' && open.role !== 'reader') throw new ProtocolError('a child is writer or reader')
  expectString(open.database, 'a path of a database')
  expectBoolean(open.readonly, 'readonly')
  for (const driver of expectArray(open.drivers, 'drivers')) {
    if (!isRecord(driver)) throw new ProtocolError(`${describe(driver)} came where a driver was due`)
    expectString(driver.name, "a driver's name")
    expectString(driver.path, "a driver's path")
  }
  for (const pragmas of [open.pragmas, open.sparePragmas]) {
    for (const pragma of expectArray(pragmas, 'pragmas')) {
      const [name, value] = expectArray(pragma, 'a pragma')
      expectString(name, "a pragma's name")
      if (typeof value !== 'number') expectString(value, "a pragma's value")
    }
  }
  for (const setting of expectArray(open.settings, 'settings')) expectSetting(setting)
  expectInteger(open.busyTimeoutMs, 'busyTimeoutMs')
  if (open.initializer !== null) expectString(open.initializer, "an initializer's URL")
  expectArray(open.initargs, 'initargs')
  expectInteger(open.maxFrameBytes, 'maxFrameBytes')
  expectInteger(open.maxResultBytes, 'maxResultBytes')
  expectInteger(open.startTimeoutMs, 'startTimeoutMs')
  return open as unknown as Open
}

/** The Hello of a child's first frame, or the error that kept it from being ready. */
export function readHello(message: unknown): { hello: Hello } | { failed: WireError } {
  const [hello, failed] = readGreeting(message)
  if (failed !== undefined) {
    expectWireError(failed)
    return { failed }
  }
  if (!isRecord(hello)) throw new ProtocolError('the first frame of a child is no greeting')
  expectInteger(hello.pid, 'pid')
  expectString(hello.driver, "a driver's name")
  expectString(hello.sqliteVersion, 'a version of SQLite')
  expectString(hello.journalMode, 'a journal mode')
  return { hello: hello as unknown as Hello }
}

function readGreeting(message: unknown): unknown[] {
  const [magic, version, ...rest] = expectArray(message, 'a greeting')
  if (magic !== MAGIC) throw new ProtocolError('the peer does not speak forklite')
  if (version !== VERSION) {
    throw new ProtocolError(
      `the peer speaks version ${String(version)} of forklite's protocol, this side ${VERSION}: ` +
        'two versions of forklite are mixed, or workerPath names a stale file',
    )
  }
  return rest
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function expectArray(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new ProtocolError(`${describe(value)} came where ${what} was due`)
  return value
}

function expectRow(value: unknown): asserts value is SqlValue[] {
  if (!Array.isArray(value)) throw new ProtocolError(`${describe(value)} came where a row was due`)
}

function expectInteger(value: unknown, what: string): asserts value is number {
  if (!Number.isSafeInteger(value)) throw new ProtocolError(`${describe(value)} came where a ${what} was due`)
}

function expectId(value: unknown): asserts value is number {
  expectInteger(value, 'number of a request')
  if (value < 0) throw new ProtocolError(`a request numbered ${value}`)
}

function expectSlot(value: unknown): asserts value is number {
  expectInteger(value, 'slot')
  if (value < UNNUMBERED || value >= SLOTS) throw new ProtocolError(`a statement in slot ${value}`)
}

function expectString(value: unknown, what: string): asserts value is string {
  if (typeof value !== 'string') throw new ProtocolError(`${describe(value)} came where ${what} was due`)
}

function expectSetting(value: unknown): void {
  const [kind, ...rest] = expectArray(value, 'a setting')
  if (kind !== 'attach' && kind !== 'detach' && kind !== 'pragma')
    throw new ProtocolError(`a setting of kind ${String(kind)}`)
  if (rest.length !== 2) throw new ProtocolError(`a setting of ${rest.length + 1} parts`)
  for (const part of rest) expectString(part, 'part of a setting')
}

function expectBoolean(value: unknown, what: string): asserts value is boolean {
  if (typeof value !== 'boolean') throw new ProtocolError(`${describe(value)} came where ${what} was due`)
}

function expectWireError(value: unknown): asserts value is WireError {
  const parts = expectArray(value, 'an error')
  if (parts.length !== 4) throw new ProtocolError(`an error of ${parts.length} parts`)
  for (const part of parts) expectString(part, 'part of an error')
}

function expectColumns(value: unknown): void {
  for (const column of expectArray(value, 'columns')) {
    const [name, type] = expectArray(column, 'a column')
    expectString(name, "a column's name")
    if (type !== null) expectString(type, "a column's type")
  }
}

function expectDetail(value: unknown, flags: number): void {
  const [changes, lastrowid, cursorOrRow] = expectArray(value, 'counts')
  expectInteger(changes, 'count of rows')
  if (lastrowid !== null && typeof lastrowid !== 'number' && typeof lastrowid !== 'bigint') {
    throw new ProtocolError(`${describe(lastrowid)} came where a rowid was due`)
  }
  if (flags & MORE) expectId(cursorOrRow)
  else if (cursorOrRow !== undefined)
    expectInteger(cursorOrRow, 'row of an executemany or statement of a script')
}

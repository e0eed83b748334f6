/** Handlers of lib/ipc/messages.ts that note what they are called with. */
import type { SqlValue } from '../../lib/drivers/driver.ts'
import type { WireError } from '../../lib/errors.ts'
import type { Detail, ReplyHandler, RequestHandler, WireColumns } from '../../lib/ipc/messages.ts'
import type { Setting } from '../../lib/ipc/settings.ts'

export class RecordingRequests implements RequestHandler {
  readonly calls: unknown[][] = []

  execute(id: number, slot: number, sql: string | null, params: SqlValue[], begin: string | null): void {
    this.calls.push(['execute', id, slot, sql, params, begin])
  }

  executemany(id: number, slot: number, sql: string | null, rows: SqlValue[][], begin: string | null): void {
    this.calls.push(['executemany', id, slot, sql, rows, begin])
  }

  fetch(id: number, cursor: number): void {
    this.calls.push(['fetch', id, cursor])
  }

  finalize(cursor: number): void {
    this.calls.push(['finalize', cursor])
  }

  executescript(id: number, sql: string): void {
    this.calls.push(['executescript', id, sql])
  }

  on(connection: number): void {
    this.calls.push(['on', connection])
  }

  leave(connection: number): void {
    this.calls.push(['leave', connection])
  }

  set(id: number, setting: Setting): void {
    this.calls.push(['set', id, setting])
  }

  adopt(setting: Setting): void {
    this.calls.push(['adopt', setting])
  }
}

export class RecordingReplies implements ReplyHandler {
  readonly calls: unknown[][] = []

  reply(
    id: number,
    flags: number,
    rows: SqlValue[][] | WireError,
    columns: WireColumns | null,
    detail: Detail | null,
  ): void {
    this.calls.push(['reply', id, flags, rows, columns, detail])
  }

  costs(slotsAndMicroseconds: number[]): void {
    this.calls.push(['costs', slotsAndMicroseconds])
  }
}

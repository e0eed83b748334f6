/** Requests as plain as can be: for the specs of what queues, leases and times them. */
import { Request } from '../../lib/pool/request.ts'
import { Statement } from '../../lib/pool/router.ts'
import { parseSql } from '../../lib/sql/parse.ts'

export class PlainRequest extends Request {
  constructor(sql: string, deadline = Number.POSITIVE_INFINITY, signal: AbortSignal | null = null) {
    super(new Statement(parseSql(sql)), [], 0, deadline, signal)
  }

  override succeed(): void {}
  override fail(): void {}
}

export const request = (sql = 'select 1'): PlainRequest => new PlainRequest(sql)

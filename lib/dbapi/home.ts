/**
 * Home: the SQLite connections that one Connection has for itself: in the writer's child from its first temporary
 * object on, in a reader while a readonly transaction is open. Runs in the caller. Without either its statements
 * run wherever there is room.
 */
import type { SqlValue } from '../drivers/driver.ts'
import { isPrivate } from '../pool/child-options.ts'
import { ownConnectionLost, snapshotLost } from '../pool/failures.ts'
import { OwnConnection } from '../pool/own-connection.ts'
import type { Request } from '../pool/request.ts'
import type { WorkerPool } from '../pool/worker-pool.ts'
import { inLowerCase, type ParsedAttached } from '../sql/parse.ts'
import { expectAttachable } from './limits.ts'
import type { Limits } from './options.ts'
import { placementOf } from './placement.ts'
import {
  noConnectionForTemporary,
  noSnapshotBesideTemporary,
  notInTransaction,
  noWriterForTemporary,
  readonlyTransaction,
  settingRefused,
} from './refusals.ts'

export class Home {
  readonly #pool: WorkerPool
  #own: OwnConnection | null = null
  // What is attached on #own alone, by lower-case names.
  readonly #ownSchemas = new Set<string>()
  // The schema of an ATTACH or DETACH there that is not answered: at most one, since it passes the gate alone.
  #attaching: string | null = null
  #snapshot: OwnConnection | null = null

  constructor(pool: WorkerPool) {
    this.#pool = pool
  }

  /** The connection that its statements run on; null for any. */
  get connection(): OwnConnection | null {
    return this.#snapshot ?? this.#own
  }

  /** Whether a readonly transaction has its snapshot on a reader. */
  get hasSnapshot(): boolean {
    return this.#snapshot !== null
  }

  /**
   * Finds the connection that a statement concerns, where that is not any: an own one is there then, a setting for
   * all is noted in the request. Throws what keeps it from being done now.
   */
  place(request: Request, open: boolean, limits: Limits): void {
    const { parsed, sql } = request.statement
    if (request.script) {
      if (parsed.temporary && !isPrivate(this.#pool.options.database)) this.#expectOwn(sql)
      return
    }
    const isOwn = (schema: string): boolean => this.#ownSchemas.has(schema)
    const placement = placementOf(request.statement, request.params, this.#pool, isOwn)
    if (parsed.attached?.file !== undefined)
      expectAttachable(this.#pool.settings.attached + this.#ownSchemas.size, limits, sql)
    if (placement === 'own') {
      this.#expectOwn(sql)
      this.#attaching = parsed.attached === null ? null : schemaOf(parsed.attached, request.params)
    } else if (placement === 'transaction') {
      if (!open) throw notInTransaction(sql)
    } else if (placement !== 'any') {
      if (open) throw settingRefused(sql)
      request.setting = placement
      request.params = []
    }
  }

  /** Learns from an answer what is attached: only what SQLite has attached is its own, what failed may be the pool's. */
  answered({ statement, succeeded }: Request): void {
    const schema = this.#attaching
    if (schema === null) return
    this.#attaching = null
    if (!succeeded) return
    const attached = statement.parsed.attached?.file !== undefined
    if (attached) this.#ownSchemas.add(schema)
    else this.#ownSchemas.delete(schema)
    this.#pool.settings.countOwn(schema, attached ? 1 : -1)
  }

  /** Makes a place for a readonly transaction: the reader that takes its first statement keeps it. */
  takeSnapshot(): void {
    if (this.#own !== null) throw noSnapshotBesideTemporary()
    this.#snapshot = new OwnConnection('reader')
  }

  endSnapshot(): void {
    if (this.#snapshot !== null) this.#pool.leave(this.#snapshot)
    this.#snapshot = null
  }

  /** What went with a child that has died since, as the error to fail with; null if nothing did. */
  takeLoss(): ((sql: string) => Error) | null {
    if (this.#snapshot?.lost) {
      this.#snapshot = null
      return snapshotLost
    }
    if (!this.#own?.lost) return null
    this.#forgetOwn()
    return ownConnectionLost
  }

  /** Lets go of all of it, in the children too. */
  close(): void {
    this.endSnapshot()
    if (this.#own !== null) this.#pool.leave(this.#own)
    this.#forgetOwn()
  }

  #forgetOwn(): void {
    this.#own = null
    for (const schema of this.#ownSchemas) this.#pool.settings.countOwn(schema, -1)
    this.#ownSchemas.clear()
  }

  #expectOwn(sql: string): void {
    if (this.#snapshot !== null) throw readonlyTransaction(sql)
    if (this.#pool.options.readonly) throw noWriterForTemporary(sql)
    if (this.#pool.alone) throw noConnectionForTemporary(sql)
    this.#own ??= new OwnConnection('writer')
  }
}

function schemaOf({ schema }: ParsedAttached, params: readonly SqlValue[]): string {
  return inLowerCase(String(typeof schema === 'number' ? params[schema] : schema))
}

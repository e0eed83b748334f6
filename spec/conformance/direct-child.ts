/**
 * The program of a process that calls one SQLite package directly, without forklite: what the package itself
 * says of a statement. Started by direct-engine.ts with the package's name; it alone loads native code.
 *
 * Messages: `{ id, database, open | sql | close }`, answered in order by `{ id, columns, rows, error }`.
 */

import type { Value } from './database.ts'
import type { DirectConnection } from './direct-packages.ts'
import { engineOf } from './direct-packages.ts'

export interface DirectRequest {
  readonly id: number
  /** The number of a database, chosen by the caller when it opens it. */
  readonly database: number
  readonly open?: string
  readonly sql?: string
  readonly close?: true
}

export interface DirectReply {
  readonly id: number
  readonly columns: string[] | null
  readonly rows: Value[][]
  readonly error: { readonly name: string; readonly message: string; readonly code: string | null } | null
}

const open = engineOf(process.argv[2]!)
const connections = new Map<number, DirectConnection>()

async function answer({ id, database, ...wish }: DirectRequest): Promise<DirectReply> {
  const rows: Value[][] = []
  let columns: string[] | null = null
  try {
    if (wish.open !== undefined) connections.set(database, await open(wish.open))
    const connection = connections.get(database)!
    if (wish.sql !== undefined) columns = await connection.run(wish.sql, rows)
    if (wish.close) {
      connections.delete(database)
      await connection.close()
    }
    return { id, columns, rows, error: null }
  } catch (thrown) {
    const { name, message, code } = thrown as Error & { code?: unknown }
    return { id, columns: null, rows, error: { name, message, code: typeof code === 'string' ? code : null } }
  }
}

let last: Promise<unknown> = Promise.resolve()
process.on('message', (request: DirectRequest) => {
  last = last.then(() => answer(request)).then((reply) => process.send!(reply))
})
process.on('disconnect', () => process.exit())
// Ctrl-C reaches this process too; its caller decides.
process.on('SIGINT', () => {})

/**
 * The driver for sqlite3 (npm), 5 and 6: the connection. Runs in the child. Every answer takes a hop to a
 * thread and back, about 25 µs, so it is a promise; calls of one connection run one after the other.
 *
 * The package has no flag for an open transaction. It is known by the statements that were run, and where
 * that leaves a doubt (after an error, after RELEASE, after a script) a BEGIN tells: it fails inside one.
 */
import { resolve } from 'node:path'
import { DriverError } from '../../errors.ts'
import { parseSql } from '../../sql/parse.ts'
import type { Driver, DriverConnection, DriverStatement, OpenOptions } from '../driver.ts'
import { type Bound, type Database, driverError, Native, type RowObject, type Sqlite3 } from './native.ts'
import { prepareStatement } from './statement.ts'
import { integer } from './values.ts'

export type { Sqlite3 } from './native.ts'

export function sqlite3Driver(module: Sqlite3): Driver {
  return { name: 'sqlite3', open: (path, options) => open(module, path, options) }
}

async function open(module: Sqlite3, path: string, options: OpenOptions): Promise<DriverConnection> {
  const { Database, OPEN_READONLY, OPEN_READWRITE, OPEN_CREATE, OPEN_FULLMUTEX } = module
  const mode = options.readonly ? OPEN_READONLY : OPEN_READWRITE | OPEN_CREATE
  // Absolute, since `file:x` would be a URI.
  const file = path === '' || path === ':memory:' ? path : resolve(path)
  const database = await new Promise<Database>((done, failed) => {
    const opened = new Database(file, mode | OPEN_FULLMUTEX, (error) => {
      if (error) failed(driverError(error))
      else done(opened)
    })
  })
  database.configure('busyTimeout', options.busyTimeoutMs)
  return new Sqlite3Connection(database, options.maxResultBytes ?? Number.POSITIVE_INFINITY)
}

export class Sqlite3Connection implements DriverConnection {
  readonly #database: Database
  /** What a statement that runs to its end may give; see OpenOptions. */
  readonly maxResultBytes: number
  inTransaction = false
  /** Grows when we may have changed the schema ourselves. */
  schemaEpoch = 0
  /** The end of the last call: the next begins there. Never rejects. */
  #last: Promise<unknown> = Promise.resolve()
  /** Statements that are not finalized: with one of them the package refuses to close. */
  readonly #natives = new Set<Native>()
  #counts: Native | null = null
  /** A question for the schema version of each database that was attached in this epoch. */
  #versions: { readonly epoch: number; readonly questions: readonly Native[] } | null = null
  #open = true
  /** Whether somebody else may have begun or ended a transaction since the last call. */
  #handedOut = false

  constructor(database: Database, maxResultBytes: number) {
    this.#database = database
    this.maxResultBytes = maxResultBytes
  }

  /** What its holder does is seen at the next call; `exec('')` is one that does nothing else. */
  get handle(): Database {
    this.#handedOut = true
    return this.#database
  }

  prepare(sql: string, names: readonly (string | null)[]): Promise<DriverStatement> {
    return this.inTurn(() => prepareStatement(this, sql, names))
  }

  exec(sql: string): Promise<void> {
    return this.inTurn(async () => {
      const { statements, verb, rollbackTo } = parseSql(sql)
      await this.track(statements === 1 ? verb : 'SCRIPT', rollbackTo, () => this.runScript(sql))
    })
  }

  close(): Promise<void> {
    return this.inTurn(async () => {
      if (!this.#open) return
      this.#open = false
      this.inTransaction = false
      for (const native of this.#natives) await this.finalize(native)
      await new Promise<void>((done, failed) => {
        this.#database.close((error) => (error ? failed(driverError(error)) : done()))
      })
    })
  }

  /** Runs `call` when all calls before it have ended: statements of one connection must not mix. */
  inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => (this.#handedOut && this.#open ? this.#afterOthers(call) : call()))
    this.#last = result.catch(() => {})
    return result
  }

  /** Runs a statement that may begin or end a transaction, and knows afterwards whether one is open. */
  async track<T>(verb: string, rollbackTo: boolean, run: () => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await run()
    } catch (thrown) {
      // OR ROLLBACK, RAISE(ROLLBACK) and a full disk end it. Outside one, an error leaves us outside.
      if (this.inTransaction || verb === 'SCRIPT') await this.lookForTransaction()
      this.schemaEpoch++
      throw thrown
    }
    switch (verb) {
      case 'BEGIN':
      case 'SAVEPOINT':
        this.inTransaction = true
        break
      case 'COMMIT':
      case 'END':
        this.inTransaction = false
        break
      case 'ROLLBACK':
        if (!rollbackTo) this.inTransaction = false
        this.schemaEpoch++
        break
      case 'SELECT':
      case 'VALUES':
      case 'EXPLAIN':
      case 'INSERT':
      case 'UPDATE':
      case 'DELETE':
      case 'REPLACE':
        break
      case 'RELEASE':
      case 'SCRIPT':
        await this.lookForTransaction()
        this.schemaEpoch++
        break
      default:
        this.schemaEpoch++
    }
    return result
  }

  /** Asks SQLite: BEGIN fails inside a transaction, and takes no lock where it does not. */
  async lookForTransaction(): Promise<void> {
    try {
      await this.runScript('BEGIN')
    } catch (thrown) {
      if (thrown instanceof DriverError && thrown.message.includes('within a transaction')) {
        this.inTransaction = true
      }
      return
    }
    await this.runScript('ROLLBACK')
    this.inTransaction = false
  }

  runScript(sql: string): Promise<void> {
    return new Promise((done, failed) => {
      this.#refuseClosed()
      this.#database.exec(sql, (error) => (error ? failed(driverError(error)) : done()))
    })
  }

  /** Compiles a text; finalize() lets go of it. */
  async compile(sql: string): Promise<Native> {
    this.#refuseClosed()
    const native = await Native.compile(this.#database, sql)
    this.#natives.add(native)
    return native
  }

  finalize(native: Native): Promise<void> {
    this.#natives.delete(native)
    return native.finalize()
  }

  /** All rows of an SQL text that is run this once. */
  ask(sql: string, params: readonly Bound[] = []): Promise<RowObject[]> {
    return this.once(sql, (native) => native.all(params))
  }

  /** Compiles a text for this one use. */
  async once<T>(sql: string, use: (native: Native) => Promise<T>): Promise<T> {
    const native = await this.compile(sql)
    try {
      return await use(native)
    } finally {
      await this.finalize(native)
    }
  }

  /** What the statement run last has changed. */
  async counts(): Promise<{ changes: number; lastInsertRowid: number | bigint }> {
    this.#counts ??= await this.compile(
      'SELECT changes() AS changes, CAST(last_insert_rowid() AS TEXT) AS id',
    )
    const [row] = (await this.#counts.all([])) as unknown as [{ changes: number; id: string }]
    return { changes: row.changes, lastInsertRowid: integer(row.id) }
  }

  /**
   * The same as before as long as nobody has changed the schema: of another's change the schema versions tell, of
   * our own, which ROLLBACK may take back, the epoch.
   */
  async schemaStamp(): Promise<string> {
    const { schemaEpoch } = this
    if (this.#versions?.epoch !== schemaEpoch) {
      const old = this.#versions?.questions ?? []
      this.#versions = null
      for (const question of old) await this.finalize(question)
      const questions: Native[] = []
      for (const { name } of await this.ask('PRAGMA database_list')) {
        // Nobody else can change `temp`.
        const schema = (name as string).replaceAll('"', '""')
        if (name !== 'temp') questions.push(await this.compile(`PRAGMA "${schema}".schema_version`))
      }
      this.#versions = { epoch: schemaEpoch, questions }
    }
    const stamp: unknown[] = [schemaEpoch]
    for (const question of this.#versions.questions)
      stamp.push(...Object.values((await question.all([]))[0]!))
    return stamp.join()
  }

  async #afterOthers<T>(call: () => Promise<T>): Promise<T> {
    this.#handedOut = false
    this.schemaEpoch++
    await this.lookForTransaction()
    return call()
  }

  #refuseClosed(): void {
    if (!this.#open) throw new DriverError('SQLITE_MISUSE', 'the connection is closed')
  }
}

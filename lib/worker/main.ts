/**
 * The child process: opens the database as its caller's first frame says, runs the initializer, greets, and
 * then answers requests until its caller is gone. The only file in lib that runs as a program.
 *
 * Pipes: 4 brings requests, 5 takes replies. Node's own IPC channel only tells that the caller lives.
 */
import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Driver, DriverConnection } from '../drivers/driver.ts'
import { loadFirst } from '../drivers/load.ts'
import { OperationalError, toWire } from '../errors.ts'
import { Channel } from '../ipc/channel.ts'
import { DEFAULT_MAX_FRAME_BYTES } from '../ipc/frame.ts'
import {
  type Hello,
  MAGIC,
  type Open,
  ProtocolError,
  readOpen,
  readRequests,
  VERSION,
} from '../ipc/messages.ts'
import { Connections } from './connections.ts'
import { OwnConnections } from './own-connections.ts'
import { readPragma, setPragmas } from './pragmas.ts'
import { Replies } from './replies.ts'
import { Session } from './session.ts'
import { Settings } from './settings.ts'
import { removeWal } from './wal-files.ts'

const REQUESTS_FD = 4
const REPLIES_FD = 5

let session: Session | null = null
// What the writer had open; null in a reader.
let written: { driver: Driver; database: string } | null = null
let opening: Promise<void> | null = null
let leaving = false

// Ctrl-C and a supervisor's signals go to the whole process group. The caller decides what they mean: it may
// want to drain, and it takes us along by closing our pipe.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const [requestPipe, replyPipe] = openPipes()
// cluster's own listener exits at once when its primary is gone, with the database open (setup in
// internal/cluster/child.js); it was there first.
process.removeAllListeners('disconnect')
process.on('disconnect', () => leave(0))
// The listener alone would keep this process alive; the request pipe does that.
process.channel?.unref()

const channel = new Channel(requestPipe, replyPipe, {
  maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
  onMessage(message) {
    if (session !== null) {
      readRequests(message, session.requests)
      session.run()
    } else if (opening === null) {
      opening = open(readOpen(message))
    } else {
      throw new ProtocolError('a request came before the database was open')
    }
  },
  onEnd(error) {
    if (error !== null) process.stderr.write(`forklite worker ${process.pid}: ${error.message}\n`)
    leave(error === null ? 0 : 1)
  },
})

// The caller may have gone while Node was loading these modules.
if (!process.connected) leave(0)

function openPipes(): [requests: Socket, replies: Socket] {
  try {
    if (process.send === undefined) throw new Error('no IPC channel')
    return [
      new Socket({ fd: REQUESTS_FD, readable: true, writable: false }),
      new Socket({ fd: REPLIES_FD, readable: false, writable: true }),
    ]
  } catch {
    process.stderr.write('forklite/worker is started by forklite itself; call connect() or createPool()\n')
    process.exit(2)
  }
}

async function open(asked: Open): Promise<void> {
  let connection: DriverConnection | null = null
  try {
    channel.maxFrameBytes = asked.maxFrameBytes
    const { driver } = await loadFirst(asked.drivers)
    const { role, database } = asked
    connection = await openConnection(driver, asked, asked.pragmas)
    const journalMode = String(await readPragma(connection, 'journal_mode'))
    const hello: Hello = {
      pid: process.pid,
      driver: driver.name,
      sqliteVersion: String(await sqliteVersion(connection)),
      journalMode,
    }
    const replies = new Replies(channel, asked.maxFrameBytes)
    const alone = role === 'writer' && journalMode !== 'wal'
    session = sessionOn(connection, driver, asked, replies, alone)
    if (role === 'writer') written = { driver, database }
    channel.send([MAGIC, VERSION, hello])
  } catch (thrown) {
    channel.send([MAGIC, VERSION, null, toWire(thrown)])
    // The last connection takes -wal and -shm along, this one too. What it has to say was said.
    try {
      await connection?.close()
    } catch {}
    leave(1)
  }
}

function sessionOn(
  connection: DriverConnection,
  driver: Driver,
  asked: Open,
  replies: Replies,
  alone: boolean,
): Session {
  const { maxResultBytes, pragmas, role } = asked
  const duty = alone ? 'everything' : role === 'writer' ? 'writes' : 'reads'
  const settings = new Settings({
    settings: asked.settings,
    // What a commit promises holds for attached files too.
    filePragmas: pragmas.filter(([name]) => name === 'synchronous'),
    setsWal: duty === 'writes',
  })
  const openMore = (first: boolean): Promise<DriverConnection> =>
    openSpare(driver, asked, first ? pragmas : asked.sparePragmas)
  const connections = new Connections(connection, {
    openSpare: alone ? null : openMore,
    maxResultBytes,
    settings,
  })
  const own = new OwnConnections({
    shared: connections,
    open: () => openMore(false),
    maxResultBytes,
    settings,
  })
  return new Session({ connections, own, settings, replies, duty })
}

// A connection as every one of this child is: with its pragmas set, and its initializer run.
async function openConnection(
  driver: Driver,
  asked: Open,
  pragmas: Open['pragmas'],
): Promise<DriverConnection> {
  const { database, role, readonly, busyTimeoutMs, maxResultBytes, initializer, initargs } = asked
  const connection = await driver.open(database, { readonly, busyTimeoutMs, maxResultBytes })
  try {
    await setPragmas(connection, pragmas)
    if (initializer !== null) await initialize(initializer, connection, role, initargs)
    return connection
  } catch (thrown) {
    try {
      await connection.close()
    } catch {}
    throw thrown
  }
}

// A connection more, within startTimeoutMs. One that is ready later is closed again.
async function openSpare(driver: Driver, asked: Open, pragmas: Open['pragmas']): Promise<DriverConnection> {
  const opening = openConnection(driver, asked, pragmas)
  const timer = new AbortController()
  const late = delay(asked.startTimeoutMs, null, { signal: timer.signal, ref: false }).catch(() => null)
  const connection = await Promise.race([opening, late]).finally(() => timer.abort())
  if (connection !== null) return connection
  opening.then((unused) => unused.close()).catch(() => {})
  throw new OperationalError(
    `it was not ready within startTimeoutMs (${asked.startTimeoutMs} ms), its initializer included`,
    { code: 'START_TIMEOUT' },
  )
}

async function initialize(
  url: string,
  connection: DriverConnection,
  role: string,
  initargs: unknown[],
): Promise<void> {
  const module: { default?: unknown } = await import(url)
  // A CommonJS module compiled from TypeScript has its default export one level down.
  const nested = (module.default as { default?: unknown } | undefined)?.default
  const initializer = typeof module.default === 'function' ? module.default : nested
  if (typeof initializer !== 'function') {
    throw new OperationalError(`the initializer ${url} has no default export that is a function`, {
      code: 'INITIALIZER_FAILED',
    })
  }
  await initializer(connection.handle, role, ...initargs)
  // What a holder of the handle did is seen at the next call. In a transaction left open every later write
  // would be answered, and rolled back at the end.
  await connection.exec('')
  if (connection.inTransaction) {
    throw new OperationalError('the initializer left a transaction open: commit it', {
      code: 'INITIALIZER_FAILED',
    })
  }
}

async function sqliteVersion(connection: DriverConnection): Promise<unknown> {
  const statement = await connection.prepare('select sqlite_version()', [])
  const { rows } = await statement.execute([])
  await statement.finalize()
  return rows[0]?.[0]
}

// Lets what was sent be answered, rolls back what is open, closes the database and goes.
async function leave(exitCode: number): Promise<void> {
  if (leaving) return
  leaving = true
  try {
    await session?.settled()
    await session?.close()
    if (written !== null) await removeWal(written.driver, written.database)
  } catch (thrown) {
    process.stderr.write(`forklite worker ${process.pid}: closing the database: ${String(thrown)}\n`)
  } finally {
    channel.end(() => process.exit(exitCode))
  }
}

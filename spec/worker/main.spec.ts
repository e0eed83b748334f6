/** The child's program, run as a process: its greeting, its end, and what it makes of bytes that are not right. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import fc from 'fast-check'
import type { DriverName } from '../../lib/drivers/driver.ts'
import {
  CHUNK_BYTES,
  EXECUTE,
  EXECUTEMANY,
  FAILED,
  FETCH,
  FINALIZE,
  IN_TRANSACTION,
  MAGIC,
  MORE,
  UNNUMBERED,
  VERSION,
  WROTE,
} from '../../lib/ipc/messages.ts'
import { damage, damages, frameOf, rawFrame } from '../ipc/streams.ts'
import { runScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'
import { killChildren, WorkerChild, workerPath } from './child.ts'
import { driversHere } from './sessions.ts'

const drivers = await driversHere()

describe('the child process', () => {
  const dir = tempDir()
  const database = () => dir.file('test.db')
  afterEach(killChildren)

  async function opened(...open: Parameters<WorkerChild['open']> | []): Promise<WorkerChild> {
    const child = new WorkerChild()
    await child.open(open[0] ?? database(), open[1])
    return child
  }

  /** Ends the request pipe and resolves with the exit, which must be a quiet one. */
  async function leave(child: WorkerChild): Promise<void> {
    child.end()
    expect(await child.exit).to.deep.equal({ code: 0, signal: null, stderr: '' })
  }

  describe('greets', () => {
    for (const [name, open] of drivers) {
      const title = `with what it opened the database with (${name})`
      if (typeof open === 'string') {
        it.skip(`${title}: ${open}`)
        continue
      }
      it(title, async () => {
        const child = new WorkerChild()
        const hello = await child.open(database(), { driver: name })
        expect(hello).to.deep.include({ pid: child.pid, driver: name, journalMode: 'wal' })
        expect(hello.sqliteVersion).to.match(/^3\.\d+\.\d+$/)
        expect((await child.run('select ? + 1', 41)).rows).to.deep.equal([[42]])
        await leave(child)
      })
    }

    it('with a journal mode that is not WAL where that cannot be had', async () => {
      const child = new WorkerChild()
      expect((await child.open(':memory:')).journalMode).to.equal('memory')
      await leave(child)
    })

    it('after its initializer, which has the connection, the role and the arguments', async () => {
      const initializer = dir.file('initializer.mjs')
      writeFileSync(
        initializer,
        "export default async (db, role, a, b) => { await null; db.exec('create table seen (a, b, c)')\n" +
          "db.prepare('insert into seen values (?, ?, ?)').run(role, a, b.c) }",
      )
      const child = await opened(database(), {
        initializer: pathToFileURL(initializer).href,
        initargs: [1, { c: 'two' }],
      })
      expect((await child.run('select * from seen')).rows).to.deep.equal([['writer', 1, 'two']])
      await leave(child)
    })

    it('after an initializer compiled to CommonJS', async () => {
      const initializer = dir.file('initializer.cjs')
      writeFileSync(
        initializer,
        "exports.__esModule = true; exports.default = (db) => { db.exec('create table seen (a)') }",
      )
      const child = await opened(database(), { initializer: pathToFileURL(initializer).href })
      expect((await child.run('select count(*) from seen')).rows).to.deep.equal([[0]])
      await leave(child)
    })
  })

  describe('tells what kept it, and leaves with code 1', () => {
    async function failure(open: Parameters<WorkerChild['greet']>[1], path = database()): Promise<string[]> {
      const child = new WorkerChild()
      const greeting = await child.greet(path, open)
      expect(greeting).to.have.property('failed')
      expect(await child.exit).to.deep.equal({ code: 1, signal: null, stderr: '' })
      return (greeting as { failed: string[] }).failed
    }

    it('from the file', async () => {
      const [name, code] = await failure({}, dir.file('nowhere/test.db'))
      expect([name, code]).to.deep.equal(['OperationalError', 'SQLITE_CANTOPEN'])
    })

    it('from a file that is no database', async () => {
      writeFileSync(database(), 'x'.repeat(4096))
      const [name, code] = await failure({})
      expect([name, code]).to.deep.equal(['DatabaseError', 'SQLITE_NOTADB'])
    })

    it('from its drivers', async () => {
      const path = dir.file('missing.js')
      const [name, , message] = await failure({ drivers: [{ name: 'better-sqlite3' as DriverName, path }] })
      expect(name).to.equal('InterfaceError')
      expect(message).to.include('no SQLite driver could be loaded').and.to.include(path)
    })

    it('from its pragmas', async () => {
      const [, code, message] = await failure({ pragmas: [['no_such_pragma', 1]] })
      expect([code, message]).to.deep.equal([
        'BAD_OPTION',
        'pragma no_such_pragma: this SQLite has no such pragma, or none that can be read',
      ])
    })

    const initializers: [what: string, text: string, error: string][] = [
      ['that throws', "export default () => { throw new TypeError('not today') }", 'not today'],
      ['that rejects', "export default async () => { throw new Error('not today') }", 'not today'],
      [
        'without a default export',
        'export const initializer = 1',
        'has no default export that is a function',
      ],
      ['that does not parse', 'export default (', 'Unexpected'],
    ]
    for (const [what, text, error] of initializers) {
      it(`from an initializer ${what}; -wal and -shm are gone`, async () => {
        const path = dir.file('initializer.mjs')
        writeFileSync(path, text)
        const [name, , message] = await failure({ initializer: pathToFileURL(path).href })
        expect(name).to.equal('OperationalError')
        expect(message).to.include(error)
        expect(existsSync(`${database()}-wal`)).to.equal(false)
        expect(existsSync(`${database()}-shm`)).to.equal(false)
      })
    }
  })

  describe('ends itself, with code 1 and a message,', () => {
    async function expectEnd(child: WorkerChild, message: string): Promise<void> {
      const { code, signal, stderr } = await child.exit
      expect(stderr).to.include(`forklite worker ${child.pid}: `).and.to.include(message)
      expect([code, signal]).to.deep.equal([1, null])
    }

    const beforeOpen: [what: string, bytes: Buffer, message: string][] = [
      [
        'another version',
        frameOf([MAGIC, VERSION + 1, {}]),
        `speaks version ${VERSION + 1} of forklite's protocol`,
      ],
      ['another magic', frameOf(['redis', 1, {}]), 'the peer does not speak forklite'],
      ['a greeting without what to open', frameOf([MAGIC, VERSION]), 'does not say what to open'],
      [
        'a greeting that opens nothing',
        frameOf([MAGIC, VERSION, { role: 'writer' }]),
        'a path of a database',
      ],
      ['a request', frameOf([EXECUTE, 0, 0, 'select 1', [], null]), 'the peer does not speak forklite'],
      ['a map', frameOf({ magic: MAGIC }), 'object came where a greeting was due'],
      [
        'garbage',
        Buffer.from('GET / HTTP/1.1\r\n\r\n'),
        'a frame of 1195725856 bytes, where maxFrameBytes allows',
      ],
      ['garbage in a frame', rawFrame(Buffer.from([0xc1, 0xc1])), 'something malformed'],
      ['a frame of no bytes', Buffer.alloc(4), 'a frame of no bytes'],
    ]
    for (const [what, bytes, message] of beforeOpen) {
      it(`for ${what} in place of a greeting`, async () => {
        const child = new WorkerChild()
        child.write(bytes)
        await expectEnd(child, message)
      })
    }

    it('for a stream that is cut in its first frame', async () => {
      const child = new WorkerChild()
      child.write(frameOf([MAGIC, VERSION, {}]).subarray(0, 9))
      child.end()
      await expectEnd(child, 'it was cut inside a frame')
    })

    it('for a request that came with the greeting, before the database was open', async () => {
      const child = new WorkerChild()
      const greeting = child.greet(database()).catch((error: Error) => error)
      child.send(EXECUTE, 0, 0, 'select 1', [], null)
      await expectEnd(child, 'a request came before the database was open')
      await greeting
    })

    const afterOpen: [what: string, bytes: Buffer, message: string][] = [
      ['garbage', Buffer.alloc(64, 0xff), 'a frame of 4294967295 bytes, where maxFrameBytes allows 1048576'],
      ['garbage in a frame', rawFrame(Buffer.alloc(64, 0xc1)), 'something malformed'],
      ['a frame over its own limit', rawFrame(Buffer.alloc(1024 * 1024 + 1)), 'allows 1048576'],
      ['a frame of no bytes', Buffer.alloc(4), 'a frame of no bytes'],
      ['an unknown verb', frameOf([77, 1, 2]), 'unknown verb 77'],
      ['a second greeting', frameOf([MAGIC, VERSION, {}]), 'unknown verb forklite'],
      ['a request that is cut', frameOf([EXECUTE, 1, 0]), 'undefined came where a row was due'],
      [
        'an unknown slot',
        frameOf([EXECUTE, 1, 9, null, [], null]),
        'statement 9 was named before its SQL came',
      ],
      [
        'a slot that cannot be',
        frameOf([EXECUTE, 1, 4096, 'select 1', [], null]),
        'a statement in slot 4096',
      ],
      ['a number in place of a batch', frameOf(5), 'number came where a batch of requests was due'],
    ]
    for (const [what, bytes, message] of afterOpen) {
      it(`for ${what} after the greeting; what is open is rolled back`, async () => {
        const child = await opened()
        await child.run('create table t (a)')
        await child.run('begin')
        await child.run('insert into t values (1)')
        child.write(bytes)
        await expectEnd(child, message)
        expect(existsSync(`${database()}-wal`), 'closed in order').to.equal(false)
        const next = await opened()
        expect((await next.run('select count(*) from t')).rows).to.deep.equal([[0]])
        await leave(next)
      })
    }

    it('for a request that is cut by the end of the pipe', async () => {
      const child = await opened()
      child.write(frameOf([EXECUTE, 1, 0, 'select 1', [], null]).subarray(0, 8))
      child.end()
      await expectEnd(child, 'it was cut inside a frame')
    })

    it('for whatever bytes: it never hangs, and never dies of a signal or an exception', async () => {
      const valid = Buffer.concat([
        frameOf([EXECUTE, 0, 0, 'select ?', [1], null, FETCH, 1, 3, FINALIZE, 3]),
        frameOf([EXECUTEMANY, 2, 1, 'insert into t values (?)', [[1], ['two']], 'IMMEDIATE']),
      ])
      await fc.assert(
        fc.asyncProperty(damages(), async (all) => {
          const child = await opened(dir.file(`${Math.random()}.db`))
          child.write(damage(valid, all))
          child.end()
          const { code, signal, stderr } = await child.exit
          expect(signal).to.equal(null)
          expect(code).to.equal(stderr === '' ? 0 : 1)
          if (stderr !== '') expect(stderr).to.match(/^forklite worker \d+: [^\n]+\n$/)
        }),
        { numRuns: 25 },
      )
    }).timeout(60_000)
  })

  describe('leaves', () => {
    it('at the end of the pipe, after it has answered all that came before', async () => {
      const child = await opened()
      await child.run('create table t (a)')
      const rows = Array.from({ length: 500 }, (_, i) => [i])
      for (let i = 0; i < 20; i++)
        child.send(EXECUTEMANY, i, UNNUMBERED, 'insert into t values (?)', rows, null)
      child.send(EXECUTE, 20, UNNUMBERED, 'select count(*) from t', [], null)
      child.end()
      const { code, stderr } = await child.exit
      expect([code, stderr]).to.deep.equal([0, ''])
      expect(child.answers.map(({ id }) => id).filter((id) => id <= 20)).to.deep.equal(
        Array.from({ length: 21 }, (_, i) => i),
      )
      expect((await child.answer(20)).rows).to.deep.equal([[10_000]])
    })

    for (const [name, open] of drivers) {
      if (typeof open === 'string') continue
      it(`with all answered that came in the pipe's last frame (${name})`, async () => {
        const child = await opened(database(), { driver: name })
        const batch = Array.from({ length: 100 }, (_, i) => [EXECUTE, i, UNNUMBERED, 'select ?', [i], null])
        child.send(...batch.flat())
        child.end()
        expect(await child.exit).to.deep.equal({ code: 0, signal: null, stderr: '' })
        expect(child.answers.map(({ rows }) => rows[0]![0])).to.deep.equal(batch.map((_, i) => i))
      })

      it(`quietly after statements that failed, and takes -wal and -shm along (${name})`, async () => {
        const child = await opened(database(), { driver: name })
        await child.run('create table t (a not null)')
        for (let i = 0; i < 3; i++) {
          expect((await child.run('insert into t values (?)', null)).flags).to.equal(FAILED | WROTE)
          expect((await child.run('select nothing')).flags).to.equal(FAILED)
        }
        expect(existsSync(`${database()}-wal`)).to.equal(true)
        await leave(child)
        expect(existsSync(`${database()}-wal`)).to.equal(false)
        expect(existsSync(`${database()}-shm`)).to.equal(false)
      })
    }

    it('with -wal gone by the last one only', async () => {
      const writer = await opened()
      await writer.run('create table t (a)')
      const reader = await opened(database(), {
        role: 'reader',
        readonly: true,
        pragmas: [['query_only', 'ON']],
      })
      expect((await reader.run('select count(*) from t')).rows).to.deep.equal([[0]])
      await leave(reader)
      expect(existsSync(`${database()}-wal`)).to.equal(true)
      await leave(writer)
      expect(existsSync(`${database()}-wal`)).to.equal(false)
    })

    it('leaving -wal to whoever still has the database open', async () => {
      const writer = await opened()
      await writer.run('create table t (a)')
      const other = await opened()
      expect((await other.run('select count(*) from t')).rows).to.deep.equal([[0]])
      await leave(writer)
      expect(existsSync(`${database()}-wal`)).to.equal(true)
      expect((await other.run('insert into t values (1)')).flags).to.equal(WROTE)
      await leave(other)
      expect(existsSync(`${database()}-wal`)).to.equal(false)
    })

    it('with what is in a transaction rolled back', async () => {
      const child = await opened()
      await child.run('create table t (a)')
      child.send(EXECUTE, 0, UNNUMBERED, 'insert into t values (1)', [], 'IMMEDIATE')
      expect((await child.answer(0)).flags).to.equal(IN_TRANSACTION | WROTE)
      await leave(child)
      const next = await opened()
      expect((await next.run('select count(*) from t')).rows).to.deep.equal([[0]])
      await leave(next)
    })

    it('when the pipe ends before anything was said', async () => {
      await leave(new WorkerChild())
    })

    it('when its caller disconnects', async () => {
      const child = await opened()
      await child.run('create table t (a)')
      await child.run('begin')
      child.process.disconnect()
      expect(await child.exit).to.deep.equal({ code: 0, signal: null, stderr: '' })
      expect(existsSync(`${database()}-wal`)).to.equal(false)
    })

    it('when its caller disconnects while it opens', async () => {
      const child = new WorkerChild()
      const greeting = child.greet(database()).catch((error: Error) => error)
      child.process.disconnect()
      expect((await child.exit).signal).to.equal(null)
      await greeting
    })

    it('when nobody takes its replies any more', async () => {
      const child = await opened()
      ;(child.process.stdio as unknown as { destroy(): void }[])[5]!.destroy()
      child.send(EXECUTE, 0, UNNUMBERED, 'select 1', [], null)
      child.end()
      expect((await child.exit).code).to.equal(0)
    })

    it('not for SIGINT, SIGTERM and SIGHUP', async () => {
      const child = await opened()
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        child.process.kill(signal)
        expect((await child.run('select 1')).rows).to.deep.equal([[1]])
      }
      await leave(child)
    })
  })

  describe('started by somebody else', () => {
    const message = 'forklite/worker is started by forklite itself; call connect() or createPool()\n'

    it('says how it is started, and exits with 2', async () => {
      const { code, stdout, stderr } = await runScript(pathToFileURL(workerPath))
      expect([code, stdout, stderr]).to.deep.equal([2, '', message])
    })

    it('says so too when there is an IPC channel, but no pipes', async () => {
      const child = fork(workerPath, [], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
      let stderr = ''
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      expect(await once(child, 'close')).to.deep.equal([2, null])
      expect(stderr).to.equal(message)
    })
  })

  describe('answers', () => {
    const COUNTING =
      'with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) ' +
      "select x, substr(hex(zeroblob(50)), 1, 100) || '' from c"

    it('a large result by chunks, and nothing that was not asked for', async () => {
      const child = await opened()
      child.send(EXECUTE, 0, 0, COUNTING, [20_000], null)
      const first = await child.answer(0)
      expect(first.flags).to.equal(MORE)
      const size = JSON.stringify(first.rows).length
      expect(size).to.be.within(CHUNK_BYTES * 0.8, CHUNK_BYTES * 1.2)
      // Another request goes all the way and back, and brings nothing of the first one along.
      expect((await child.run('select 1')).rows).to.deep.equal([[1]])
      expect(child.answers).to.have.length(2)
      const cursor = first.detail![2]!
      child.send(FETCH, 1, cursor)
      const second = await child.answer(1)
      expect(second.rows[0]![0]).to.equal(first.rows.length + 1)
      child.send(FINALIZE, cursor, FETCH, 2, cursor)
      const gone = await child.answer(2)
      expect(gone.error!.slice(0, 2)).to.deep.equal(['ProgrammingError', 'RESULT_GONE'])
      expect(child.answers).to.have.length(4)
      await leave(child)
    })

    it('a row over maxFrameBytes by an error, and goes on', async () => {
      const child = await opened()
      child.send(
        ...[EXECUTE, 0, 0, 'select 1', [], null],
        ...[EXECUTE, 1, 1, 'select zeroblob(2000000)', [], null],
        ...[EXECUTE, 2, 2, 'select 2', [], null],
      )
      await child.answer(2)
      expect(child.answers.map(({ rows, error }) => error?.[1] ?? rows[0]![0])).to.deep.equal([
        ...[1, 'FRAME_TOO_LARGE', 2],
      ])
      await leave(child)
    })
  })
})

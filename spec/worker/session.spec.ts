/** Session: requests in order, each answered; transactions, chunks, the reading batch. With each driver. */
import { expect } from 'chai'
import type { DriverConnection, DriverStatement, ExecuteResult, RowValues } from '../../lib/drivers/driver.ts'
import { DriverError } from '../../lib/errors.ts'
import {
  CHUNK_BYTES,
  EXECUTE,
  EXECUTEMANY,
  FAILED,
  FETCH,
  FINALIZE,
  MORE,
  ProtocolError,
  readRequests,
  UNNUMBERED,
  WROTE,
} from '../../lib/ipc/messages.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driversHere, flagNames, type Open, TestSession } from './sessions.ts'

const MIB = 1024 * 1024
const drivers = await driversHere()

for (const [name, open] of drivers) {
  if (typeof open === 'string') {
    it.skip(`a Session (${name}: ${open})`)
  } else {
    describe(`a Session (${name})`, () => describeSession(open))
  }
}

function describeSession(open: Open): void {
  const dir = tempDir()
  const connections: DriverConnection[] = []
  const connect = async (readonly = false) => {
    const connection = await open(dir.file('test.db'), readonly)
    connections.push(connection)
    return connection
  }
  const writer = async (options = {}) => new TestSession(await connect(), options)
  const reader = async () => {
    const connection = await connect()
    await connection.exec('pragma journal_mode=wal')
    await connection.exec('create table if not exists t (a)')
    return new TestSession(await connect(true), { reader: true })
  }
  afterEach(async () => {
    for (const connection of connections.splice(0)) await connection.close()
  })

  describe('answers', () => {
    it('each request, in order, with its columns, rows and counts', async () => {
      const session = await writer()
      const answers = await session.ask(
        ...[EXECUTE, 5, 0, 'create table t (a integer primary key, b text)', [], null],
        ...[EXECUTE, 6, 1, 'insert into t (b) values (?)', ['x'], null],
        ...[EXECUTE, 7, 1, null, ['y'], null],
        ...[EXECUTE, 8, 2, 'select a, b from t order by a', [], null],
        ...[EXECUTE, 9, 3, 'delete from t', [], null],
      )
      expect(answers.map(({ id }) => id)).to.deep.equal([5, 6, 7, 8, 9])
      const [created, first, second, read, deleted] = answers
      expect(created).to.deep.include({ flags: 0, rows: [], columns: null, detail: null })
      expect(first).to.deep.include({ flags: WROTE, rows: [], detail: [1, 1] })
      expect(second).to.deep.include({ flags: WROTE, rows: [], detail: [1, 2] })
      expect(read).to.deep.include({
        flags: 0,
        rows: [
          [1, 'x'],
          [2, 'y'],
        ],
        detail: null,
      })
      expect(read!.columns!.map(([column]) => column)).to.deep.equal(['a', 'b'])
      expect(deleted).to.deep.include({ flags: WROTE, detail: [2, null] })
    })

    it('with the rowid of an INSERT that changed rows only', async () => {
      const session = await writer()
      await session.run('create table t (a unique)')
      expect((await session.run('insert into t values (1)')).detail).to.deep.equal([1, 1])
      expect((await session.run('insert or ignore into t values (1)')).detail).to.deep.equal([0, null])
      expect((await session.run('replace into t values (1)')).detail).to.deep.equal([1, 2])
      expect((await session.run('update t set a = 5')).detail).to.deep.equal([1, null])
      expect((await session.run('insert into t values (7) returning a')).rows).to.deep.equal([[7]])
    })

    it('with the columns of a numbered text once, and again when they change', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      const told = async (sql: string | null) =>
        (await session.runAt(3, sql)).columns?.map(([column]) => column)
      expect(await told('select * from t')).to.deep.equal(['a'])
      expect(await told(null)).to.equal(undefined)
      await session.run('alter table t add column b')
      await session.run("insert into t values (1, '2')")
      expect(await told(null)).to.deep.equal(['a', 'b'])
      expect(await told(null)).to.equal(undefined)
      expect(await told('select * from t')).to.deep.equal(['a', 'b'])
    })

    it('with the columns of a text without a number each time', async () => {
      const session = await writer()
      for (let i = 0; i < 2; i++) {
        expect((await session.run('select 1 as one')).columns?.[0]?.[0]).to.equal('one')
      }
    })

    it('with the columns later, if the answer that had them could not be sent', async () => {
      const session = await writer()
      const tooLarge = await session.runAt(0, 'select zeroblob(?) as z', 2 * MIB)
      expect(tooLarge.error?.[1]).to.equal('FRAME_TOO_LARGE')
      expect((await session.runAt(0, null, 1)).columns?.[0]?.[0]).to.equal('z')
    })

    it('an error for a statement that fails, and goes on', async () => {
      const session = await writer()
      await session.run('create table t (a primary key)')
      const answers = await session.ask(
        ...[EXECUTE, 0, 0, 'insert into t values (?)', ['x'], null],
        ...[EXECUTE, 1, 0, null, ['x'], null],
        ...[EXECUTE, 2, 1, 'select nothing', [], null],
        ...[EXECUTE, 3, 2, 'select count(*) from t', [], null],
      )
      expect(answers.map(({ flags }) => flags)).to.deep.equal([WROTE, WROTE | FAILED, FAILED, 0])
      expect(answers[1]!.error!.slice(0, 1)).to.deep.equal(['IntegrityError'])
      expect(answers[1]!.error![1]).to.match(/^SQLITE_CONSTRAINT/)
      expect(answers[2]!.error![2]).to.include('nothing')
      expect(answers[3]!.rows).to.deep.equal([[1]])
    })

    it('one with too few parameters by an error', async () => {
      const session = await writer()
      const { error } = await session.run('select ?, ?', 1)
      expect(error?.[0]).to.be.oneOf(['ProgrammingError', 'InterfaceError'])
    })

    it('nothing when a slot is named whose text never came', async () => {
      const session = await writer()
      const named = session.ask(EXECUTE, 0, 17, null, [], null).catch((error: Error) => error)
      expect(await named)
        .to.be.an.instanceOf(ProtocolError)
        .with.property('message', 'statement 17 was named before its SQL came')
      const unnumbered = session.ask(EXECUTE, 0, UNNUMBERED, null, [], null).catch((error: Error) => error)
      expect(await unnumbered).to.be.an.instanceOf(ProtocolError)
    })

    it('requests that come while others run, after those', async () => {
      const session = await writer()
      session.session.requests.execute(0, UNNUMBERED, 'select 1', [], null)
      session.session.run()
      session.session.requests.execute(1, UNNUMBERED, 'select 2', [], null)
      session.session.run()
      await session.session.settled()
      const answers = session.outbox.take().flatMap((frame) => frame.answers)
      expect(answers.map(({ id, rows }) => [id, rows])).to.deep.equal([
        [0, [[1]]],
        [1, [[2]]],
      ])
    })
  })

  describe('a transaction', () => {
    it('is begun in the same hop, and told with each answer', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      const answers = await session.ask(
        ...[EXECUTE, 0, UNNUMBERED, 'insert into t values (1)', [], 'IMMEDIATE'],
        ...[EXECUTE, 1, UNNUMBERED, 'select 1', [], null],
        ...[EXECUTE, 2, UNNUMBERED, 'select nothing', [], null],
        ...[EXECUTE, 3, UNNUMBERED, 'commit', [], null],
      )
      expect(answers.map(({ flags }) => flagNames(flags))).to.deep.equal([
        ['IN_TRANSACTION', 'WROTE'],
        ['IN_TRANSACTION'],
        ['IN_TRANSACTION', 'FAILED'],
        [],
      ])
    })

    it('is not begun for a statement that does not compile', async () => {
      const session = await writer()
      const [answer] = await session.ask(EXECUTE, 0, 0, 'insert into nowhere values (1)', [], 'IMMEDIATE')
      expect(flagNames(answer!.flags)).to.deep.equal(['FAILED', 'WROTE'])
    })

    it('stays open when the statement that began it fails, as in CPython', async () => {
      const session = await writer()
      await session.run('create table t (a not null)')
      const [answer] = await session.ask(EXECUTE, 0, 0, 'insert into t values (null)', [], 'IMMEDIATE')
      expect(flagNames(answer!.flags)).to.deep.equal(['IN_TRANSACTION', 'FAILED', 'WROTE'])
      expect(flagNames((await session.run('rollback')).flags)).to.deep.equal([])
    })

    it('is told as gone when a statement rolled it back', async () => {
      const session = await writer()
      await session.run('create table t (a unique)')
      await session.run('insert into t values (1)')
      await session.run('begin')
      const { flags } = await session.run('insert or rollback into t values (1)')
      expect(flagNames(flags)).to.deep.equal(['FAILED', 'WROTE'])
    })

    it('cannot be begun twice: the statement is not run', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      await session.run('begin')
      const [answer] = await session.ask(EXECUTE, 0, 0, 'insert into t values (1)', [], 'IMMEDIATE')
      expect(answer!.error![2]).to.include('within a transaction')
      expect(await session.rows('select count(*) from t')).to.deep.equal([[0]])
    })

    it('is rolled back by close()', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      await session.run('begin')
      await session.run('insert into t values (1)')
      await session.session.close()
      expect(await (await writer()).rows('select count(*) from t')).to.deep.equal([[0]])
    })
  })

  describe('executemany', () => {
    it('runs the statement for each row and counts all', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      const rows = Array.from({ length: 100 }, (_, i) => [i])
      const [answer] = await session.ask(EXECUTEMANY, 0, 0, 'insert into t values (?)', rows, null)
      expect(answer).to.deep.include({ flags: WROTE, rows: [], columns: null, detail: [100, null] })
      expect(await session.rows('select count(*), sum(a) from t')).to.deep.equal([[100, 4950]])
    })

    it('stops at the row that fails and tells its index; those before it stay', async () => {
      const session = await writer()
      await session.run('create table t (a unique)')
      const rows = [['a'], ['b'], ['a'], ['c']]
      const [answer] = await session.ask(EXECUTEMANY, 0, 0, 'insert into t values (?)', rows, null)
      expect(flagNames(answer!.flags)).to.deep.equal(['FAILED', 'WROTE'])
      expect(answer!.error![0]).to.equal('IntegrityError')
      expect(answer!.detail).to.deep.equal([2, null, 2])
      expect(await session.rows('select a from t')).to.deep.equal([['a'], ['b']])
    })

    it('stops at the first row, and after the first, alike', async () => {
      const session = await writer()
      await session.run('create table t (a not null)')
      for (const [rows, index] of [
        [[[null], [1]], 0],
        [[[1], [null]], 1],
      ] as const) {
        const [answer] = await session.ask(EXECUTEMANY, 0, 0, 'insert into t values (?)', rows, null)
        expect(answer!.detail).to.deep.equal([index, null, index])
      }
    })

    it('begins a transaction where it is asked to', async () => {
      const session = await writer()
      await session.run('create table t (a unique)')
      const rows = [[1], [1]]
      const [answer] = await session.ask(EXECUTEMANY, 0, 0, 'insert into t values (?)', rows, 'IMMEDIATE')
      expect(flagNames(answer!.flags)).to.deep.equal(['IN_TRANSACTION', 'FAILED', 'WROTE'])
      await session.run('rollback')
      expect(await session.rows('select count(*) from t')).to.deep.equal([[0]])
    })

    it('of no rows does nothing', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      const [answer] = await session.ask(EXECUTEMANY, 0, 0, 'insert into t values (?)', [], null)
      expect(answer).to.deep.include({ flags: WROTE, detail: [0, null] })
    })

    it('counts updates without a rowid', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      await session.ask(EXECUTEMANY, 0, 0, 'insert into t values (?)', [[1], [1], [2]], null)
      const [answer] = await session.ask(
        EXECUTEMANY,
        0,
        1,
        'update t set a = 5 where a = ?',
        [[1], [2]],
        null,
      )
      expect(answer!.detail).to.deep.equal([3, null])
    })
  })

  describe('a large result', () => {
    const COUNTING =
      'with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) ' +
      "select x, substr(hex(zeroblob(50)), 1, 100) || '' from c"

    it('comes in chunks of about 64 KiB, each when it is asked for', async () => {
      const session = await writer()
      const frames = await session.frames(EXECUTE, 0, 0, COUNTING, [5000], null)
      const [first] = frames.flatMap(({ answers }) => answers)
      const sizes = frames.filter(({ answers }) => answers.length > 0).map(({ bytes }) => bytes)
      const rows = [...first!.rows]
      expect(flagNames(first!.flags)).to.deep.equal(['MORE'])
      expect(first!.columns).to.have.length(2)
      const cursor = first!.detail![2]!
      let answer = first!
      while (answer.flags & MORE) {
        expect(answer.detail).to.deep.equal([0, null, cursor])
        const [frame] = await session.frames(FETCH, 1, cursor)
        expect(frame!.answers).to.have.length(1)
        sizes.push(frame!.bytes)
        answer = frame!.answers[0]!
        rows.push(...answer.rows)
      }
      expect(answer.detail).to.equal(null)
      expect(rows.map(([x]) => x)).to.deep.equal(Array.from({ length: 5000 }, (_, i) => i + 1))
      expect(sizes.length).to.be.above(8)
      for (const size of sizes.slice(0, -1)) expect(size).to.be.within(CHUNK_BYTES * 0.8, CHUNK_BYTES * 1.2)
      expect((await session.fetch(cursor)).error?.[1]).to.equal('RESULT_GONE')
    })

    it('is gone after a finalize', async () => {
      const session = await writer()
      const { detail } = await session.run(COUNTING, 5000)
      const cursor = detail![2]!
      expect(await session.ask(FINALIZE, cursor)).to.deep.equal([])
      const { flags, error } = await session.fetch(cursor)
      expect(flagNames(flags)).to.deep.equal(['FAILED'])
      expect(error!.slice(0, 2)).to.deep.equal(['ProgrammingError', 'RESULT_GONE'])
    })

    it('may be finalized twice, and when it never was', async () => {
      const session = await writer()
      expect(await session.ask(FINALIZE, 12, FINALIZE, 12)).to.deep.equal([])
      expect(await session.rows('select 1')).to.deep.equal([[1]])
    })

    it('keeps its place beside others', async () => {
      const session = await writer()
      const [a, b] = await session.ask(
        ...[EXECUTE, 0, 0, COUNTING, [3000], null],
        ...[EXECUTE, 1, 0, null, [4000], null],
      )
      const cursors = [a!, b!].map(({ detail }) => detail![2]!)
      expect(new Set(cursors).size).to.equal(2)
      const places = [a!.rows.length, b!.rows.length]
      for (const which of [0, 1, 1, 0]) {
        const { rows } = await session.fetch(cursors[which]!)
        expect(rows[0]![0]).to.equal(places[which]! + 1)
        places[which]! += rows.length
      }
    })

    it('sends a row over the limit as an error, and its neighbours as rows', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      await session.run('insert into t values (zeroblob(10)), (zeroblob(?)), (zeroblob(20))', 2 * MIB)
      const first = await session.run('select a from t order by rowid')
      expect(flagNames(first.flags)).to.deep.equal(['MORE'])
      expect(first.rows.map(([blob]) => (blob as Buffer).length)).to.deep.equal([10])
      const second = await session.fetch(first.detail![2]!)
      expect(flagNames(second.flags)).to.deep.equal(['FAILED'])
      expect(second.error!.slice(0, 2)).to.deep.equal(['DataError', 'FRAME_TOO_LARGE'])
      expect(second.error![2]).to.match(/a row of 2097\d{3} bytes, where maxFrameBytes allows 1048576: raise/)
      expect((await session.fetch(first.detail![2]!)).error?.[1], 'nothing is kept').to.equal('RESULT_GONE')
    })

    it('sends each row that fits, however full the chunk before it', async () => {
      const session = await writer()
      const sizes = [60_000, MIB - 100, 60_000, MIB - 100]
      await session.run('create table t (a)')
      for (const size of sizes) await session.run('insert into t values (zeroblob(?))', size)
      let answer = await session.run('select a from t order by rowid')
      const rows: RowValues[] = [...answer.rows]
      while (answer.flags & MORE) {
        answer = await session.fetch(answer.detail![2]!)
        expect(answer.error).to.equal(null)
        rows.push(...answer.rows)
      }
      expect(rows.map(([blob]) => (blob as Buffer).length)).to.deep.equal(sizes)
    })

    it('of a write is told with its counts', async () => {
      const session = await writer()
      await session.run('create table t (a)')
      const insert = `insert into t ${COUNTING.replace(', substr', " || '' || substr")} returning a`
      const { flags, detail } = await session.run(insert, 5000)
      expect(flagNames(flags)).to.deep.equal(['MORE', 'WROTE'])
      expect(detail!.slice(0, 2)).to.deep.equal([5000, 5000])
    })
  })

  describe('the reading batch', () => {
    const READ = 'select count(*) from t'
    const reads = (count: number) =>
      Array.from({ length: count }, (_, i) => [EXECUTE, 10 + i, 0, null, [], null]).flat()

    /** A reader that has measured READ in slot 0. */
    const measured = async () => {
      const session = await reader()
      await session.runUntilShort(0, READ)
      return session
    }

    it('is one snapshot for all reads of a frame', async () => {
      const session = await measured()
      await session.runUntilShort(1, 'select zeroblob(70000)')
      const other = connections[0]!
      // The large answer is sent at once, from the middle of the batch; then another connection commits.
      const written: (void | Promise<void>)[] = []
      session.outbox.onWrite = () => {
        if (written.length === 0) written.push(other.exec('insert into t values (1)'))
      }
      const answers = await session.ask(...reads(2), EXECUTE, 1, 1, null, [], null, ...reads(3))
      await Promise.all(written)
      const counts = answers.filter(({ id }) => id >= 10).map(({ rows }) => rows[0]![0])
      expect(counts).to.deep.equal([0, 0, 0, 0, 0])
      expect(await session.rows(READ), 'the next batch sees it').to.deep.equal([[1]])
    })

    it('takes in nothing that comes after its transaction began', async () => {
      const session = await measured()
      const other = connections[0]!
      const send = (...batch: unknown[]) => {
        readRequests(batch, session.session.requests)
        session.session.run()
      }
      for (const id of [1, 2, 3]) {
        send(...reads(20))
        await other.exec('insert into t values (1)')
        // Acknowledged, while a driver with a thread still runs what came before.
        send(EXECUTE, id, 0, null, [], null)
      }
      await session.session.settled()
      const answers = session.outbox.take().flatMap((frame) => frame.answers)
      for (const id of [1, 2, 3]) {
        expect(answers.find((answer) => answer.id === id)!.rows[0]![0]).to.be.at.least(id)
      }
    })

    it('never tells of a transaction, and leaves none', async () => {
      const session = await measured()
      const answers = await session.ask(...reads(5))
      expect(answers.map(({ flags }) => flags)).to.deep.equal([0, 0, 0, 0, 0])
      const [pragma] = await session.ask(EXECUTE, 0, UNNUMBERED, 'begin', [], null)
      expect(flagNames(pragma!.flags), 'none was open').to.deep.equal(['IN_TRANSACTION'])
      await session.run('rollback')
    })

    it('is left by an error, and begun again by those behind it', async () => {
      const session = await measured()
      await session.runAt(1, 'select abs(?)', 1)
      const answers = await session.ask(
        ...reads(3),
        ...[EXECUTE, 1, 1, null, [-(2n ** 63n)], null],
        ...reads(4),
        ...[EXECUTE, 2, UNNUMBERED, 'select nothing', [], null],
        ...reads(1),
      )
      expect(answers.map(({ flags }) => flagNames(flags).join())).to.deep.equal([
        ...['', '', '', 'FAILED'],
        ...['', '', '', '', 'FAILED', ''],
      ])
    })

    it('is left by what is no SELECT: it is run as it stands', async () => {
      const session = await measured()
      const answers = await session.ask(
        ...reads(3),
        ...[EXECUTE, 0, UNNUMBERED, 'insert into t values (1)', [], null],
        ...[EXECUTE, 1, UNNUMBERED, 'begin', [], null],
        ...reads(3),
        ...[EXECUTE, 2, UNNUMBERED, 'commit', [], null],
        ...reads(1),
      )
      const flags = answers.map((answer) => flagNames(answer.flags).join())
      expect(flags).to.deep.equal([
        ...['', '', '', 'FAILED,WROTE', 'IN_TRANSACTION'],
        ...['IN_TRANSACTION', 'IN_TRANSACTION', 'IN_TRANSACTION', '', ''],
      ])
      expect(answers[3]!.error![1]).to.equal('SQLITE_READONLY')
    })

    it("does not meddle with a reader's own transaction", async () => {
      const session = await measured()
      await session.run('begin')
      const answers = await session.ask(...reads(4))
      expect(answers.map(({ flags, rows }) => [flagNames(flags).join(), rows])).to.deep.equal(
        new Array(4).fill(['IN_TRANSACTION', [[0]]]),
      )
      expect(flagNames((await session.run('rollback')).flags)).to.deep.equal([])
    })

    it('lets a read begin a transaction of its own', async () => {
      const session = await measured()
      const answers = await session.ask(
        ...reads(3),
        ...[EXECUTE, 0, 0, null, [], 'DEFERRED'],
        ...reads(3),
        ...[EXECUTE, 1, UNNUMBERED, 'commit', [], null],
      )
      expect(answers.map(({ flags }) => flagNames(flags).join())).to.deep.equal([
        ...['', '', ''],
        ...['IN_TRANSACTION', 'IN_TRANSACTION', 'IN_TRANSACTION', 'IN_TRANSACTION', ''],
      ])
    })
  })

  it('tells what statements cost, by their slots', async () => {
    const session = await writer()
    const frames = await session.frames(
      ...[EXECUTE, 0, 3, 'select 1', [], null],
      ...[EXECUTE, 1, 900, 'select 2', [], null],
      ...[EXECUTE, 2, UNNUMBERED, 'select 3', [], null],
    )
    const costs = frames.flatMap((frame) => frame.costs)
    expect(costs.filter((_, i) => i % 2 === 0)).to.deep.equal([3, 900])
    for (const cost of costs.filter((_, i) => i % 2 === 1)) expect(cost).to.be.within(0, 1e6)
  })

  it('leaves nothing that would keep its connection from closing, also after failures', async () => {
    const connection = await connect()
    const session = new TestSession(connection)
    await session.run('create table t (a not null)')
    expect((await session.run('insert into t values (?)', null)).error).not.to.equal(null)
    expect((await session.run('select ?')).error).not.to.equal(null)
    await session.run('begin')
    await session.ask(EXECUTE, 0, UNNUMBERED, 'insert into t values (1)', [], 'IMMEDIATE')
    await session.ask(EXECUTEMANY, 0, UNNUMBERED, 'insert into t values (?)', [[1], [null]], null)
    await session.runAt(0, 'insert into t values (?)', null)
    await session.session.close()
  })
}

describe('a Session', () => {
  /** A connection whose statements are functions, and which notes what it is asked to exec. */
  class FakeConnection implements DriverConnection {
    readonly handle = null
    inTransaction = false
    readonly log: string[] = []
    readonly #run: (sql: string, connection: FakeConnection) => ExecuteResult | Promise<ExecuteResult>

    constructor(run: (sql: string, connection: FakeConnection) => ExecuteResult | Promise<ExecuteResult>) {
      this.#run = run
    }

    prepare(sql: string): DriverStatement {
      return {
        execute: () => {
          if (sql === 'BEGIN' || sql === 'COMMIT') {
            this.exec(sql)
            return one
          }
          this.log.push(sql)
          return this.#run(sql, this)
        },
        finalize: () => {
          this.log.push(`finalize ${sql}`)
        },
      }
    }

    exec(sql: string): void {
      this.log.push(sql)
      if (sql === 'COMMIT' && !this.inTransaction) {
        throw new DriverError('SQLITE_ERROR', 'cannot commit - no transaction is active')
      }
      this.inTransaction = sql.startsWith('BEGIN')
    }

    close(): void {
      this.log.push('close')
    }
  }

  const one: ExecuteResult = {
    columns: null,
    rows: [[1]],
    changes: 0,
    bytes: 0,
    late: false,
    rest: null,
    lastInsertRowid: 0,
  }
  const three = (slot = 0) => Array.from({ length: 3 }, (_, i) => [EXECUTE, i, slot, null, [], null]).flat()

  it('runs reads that came together between BEGIN and COMMIT, from three on', async () => {
    const connection = new FakeConnection(() => one)
    const session = new TestSession(connection, { reader: true })
    await session.runUntilShort(0, 'select 1')
    connection.log.length = 0
    await session.ask(...three().slice(0, 12))
    expect(connection.log.splice(0)).to.deep.equal(['select 1', 'select 1'])
    await session.ask(...three())
    expect(connection.log).to.deep.equal(['BEGIN', 'select 1', 'select 1', 'select 1', 'COMMIT'])
  })

  it('of a writer runs them as they are', async () => {
    const connection = new FakeConnection(() => one)
    const session = new TestSession(connection)
    await session.runUntilShort(0, 'select 1')
    await session.ask(...three())
    expect(connection.log).not.to.include('BEGIN')
  })

  it('answers all when an error in a batch has ended its transaction, as out of memory does', async () => {
    let failing = false
    const connection = new FakeConnection((sql, self) => {
      if (!failing || sql !== 'select 2') return one
      self.inTransaction = false
      throw new DriverError('SQLITE_NOMEM', 'out of memory')
    })
    const session = new TestSession(connection, { reader: true })
    await session.runUntilShort(0, 'select 1')
    await session.runUntilShort(1, 'select 2')
    connection.log.length = 0
    failing = true
    const answers = await session.ask(...three(), EXECUTE, 3, 1, null, [], null, ...three())
    expect(answers.map(({ error }) => error?.[1])).to.deep.equal([
      ...[undefined, undefined, undefined, 'SQLITE_NOMEM'],
      ...[undefined, undefined, undefined],
    ])
    expect(
      connection.log.filter((line) => line === 'COMMIT'),
      'of the batch behind it',
    ).to.have.length(1)
  })

  it('finalizes a statement without a number when it was answered, and when it failed', async () => {
    const connection = new FakeConnection((sql) => {
      if (sql.includes('fail')) throw new Error('failed')
      return one
    })
    const session = new TestSession(connection)
    await session.run('select 1')
    await session.run('select fail')
    await session.ask(EXECUTEMANY, 0, UNNUMBERED, 'insert fail', [[]], null)
    expect(connection.log).to.deep.equal([
      ...['select 1', 'finalize select 1', 'select fail', 'finalize select fail'],
      ...['insert fail', 'finalize insert fail'],
    ])
  })

  it('closes after what runs, and rolls back what is open', async () => {
    let release: (result: ExecuteResult) => void = () => {}
    const connection = new FakeConnection(
      () =>
        new Promise((resolve) => {
          release = resolve
        }),
    )
    const session = new TestSession(connection)
    session.session.requests.execute(0, 0, 'update 1', [], 'IMMEDIATE')
    session.session.run()
    const closed = session.session.settled().then(() => session.session.close())
    release(one)
    await closed
    expect(connection.log).to.deep.equal([
      ...['BEGIN IMMEDIATE', 'update 1', 'finalize update 1', 'ROLLBACK', 'close'],
    ])
    expect(flagNames(session.outbox.take()[0]!.answers[0]!.flags)).to.include('IN_TRANSACTION')
  })

  it('ends its channel, and can still be closed, when an answer cannot be sent', async () => {
    const connection = new FakeConnection(() => ({ ...one, rows: [[2n ** 70n]] }))
    const session = new TestSession(connection)
    session.session.requests.execute(0, 0, 'select 1', [], null)
    // Not measured yet, so what is done is sent before it.
    session.session.requests.execute(1, 1, 'select 2', [], null)
    expect(() => session.session.run()).to.throw(RangeError)
    await session.session.settled()
    await session.session.close()
    expect(connection.log.at(-1)).to.equal('close')
  })

  it('runs an executemany of many rows, each with a promise', async () => {
    const connection = new FakeConnection(async () => ({ ...one, rows: [], changes: 1 }))
    const session = new TestSession(connection)
    const rows: number[][] = new Array(200_000).fill([1])
    const [answer] = await session.ask(EXECUTEMANY, 0, 0, 'insert', rows, null)
    expect(answer!.detail![0]).to.equal(200_000)
    expect(flagNames(answer!.flags)).to.deep.equal(['WROTE'])
  })

  it('sends what is done before it begins what is long or unmeasured', async () => {
    const sent: number[] = []
    const session: TestSession = new TestSession(
      new FakeConnection((sql) => {
        if (sql === 'select new') sent.push(session.outbox.messages.length)
        return one
      }),
    )
    await session.runAt(0, 'select 1')
    await session.ask(EXECUTE, 0, 0, null, [], null, EXECUTE, 1, 1, 'select new', [], null)
    expect(sent).to.deep.equal([1])
  })
})

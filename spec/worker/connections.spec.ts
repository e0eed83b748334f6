/**
 * Connections: which SQLite connection of a child runs which statement, while results are half-read. First the
 * choice alone, over connections that only note what happens to them; then a Session over real ones.
 */
import { expect } from 'chai'
import type { Awaitable, DriverConnection, DriverCursor, DriverStatement } from '../../lib/drivers/driver.ts'
import { DriverError } from '../../lib/errors.ts'
import { EXECUTE, FETCH, FINALIZE, MORE, UNNUMBERED } from '../../lib/ipc/messages.ts'
import { Connections } from '../../lib/worker/connections.ts'
import type { HalfRead } from '../../lib/worker/half-read.ts'
import { Settings } from '../../lib/worker/settings.ts'
import { KnownSql } from '../../lib/worker/sql-texts.ts'
import type { SqliteConnection } from '../../lib/worker/sqlite-connection.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type Answer, driversHere, flagNames, type Open, TestSession } from './sessions.ts'

class NotingConnection implements DriverConnection {
  readonly handle = null
  inTransaction = false
  closed = 0
  finalized = 0

  prepare(): DriverStatement {
    return {
      execute: () => {
        throw new Error('nothing runs here')
      },
      finalize: () => {
        this.finalized++
      },
    }
  }

  exec(): void {}

  close(): void {
    this.closed++
  }
}

const statement: DriverStatement = new NotingConnection().prepare()
const endless: DriverCursor = {
  next: () => ({ rows: [[1]], bytes: 18, late: false, ended: false }),
  close() {},
}

describe('Connections', () => {
  const main = new NotingConnection()
  let opened: NotingConnection[]
  let connections: Connections
  /** What opening one more does first. */
  let beforeOpen: () => Awaitable<void>

  beforeEach(() => {
    opened = []
    beforeOpen = () => {}
    main.inTransaction = false
    connections = new Connections(main, {
      openSpare: () => {
        const before = beforeOpen()
        const spare = new NotingConnection()
        opened.push(spare)
        return before instanceof Promise ? before.then(() => spare) : spare
      },
      maxResultBytes: 1000,
      settings: new Settings({ settings: [], filePragmas: [], setsWal: false }),
    })
  })

  const next = (reads = true) => connections.forStatement(reads) as SqliteConnection
  /** Runs a statement that is half-read then. */
  function read(): [SqliteConnection, HalfRead] {
    const connection = next()
    return [connection, connection.hold(new KnownSql(0, 'select 1'), statement, endless)]
  }
  function end([connection, result]: [SqliteConnection, HalfRead]): void {
    void result.close()
    connections.freed(connection)
  }

  it('stay with the first while nothing is half-read', () => {
    for (let i = 0; i < 3; i++) expect(next(i % 2 === 0).driver).to.equal(main)
    expect(opened).to.have.length(0)
  })

  it('open another when the first is half-read, and go back to it as soon as it is free', () => {
    const first = read()
    expect(opened).to.have.length(0)
    const [spare] = [next(), next(false), next()]
    expect(spare!.driver).to.equal(opened[0])
    expect(connections.current).to.equal(spare)
    end(first)
    expect(next().driver).to.equal(main)
    expect(opened).to.have.length(1)
    read()
    expect(next(), 'it is used again').to.equal(spare)
    expect(opened).to.have.length(1)
  })

  it('open one for each that is half-read, and keep four of them', () => {
    const all = Array.from({ length: 100 }, () => read())
    expect(new Set(all.map(([connection]) => connection)).size).to.equal(100)
    expect(opened).to.have.length(99)
    // In an order of their own.
    for (let i = 0; i < 100; i++) end(all[(i * 37) % 100]!)
    expect(next().driver).to.equal(main)
    expect(opened.filter(({ closed }) => closed === 0)).to.have.length(4)
    expect(main.closed).to.equal(0)
    const again = Array.from({ length: 5 }, () => read())
    expect(opened).to.have.length(99)
    expect(new Set(again.map(([connection]) => connection)).size).to.equal(5)
    for (const [connection] of again) expect((connection.driver as NotingConnection).closed).to.equal(0)
  })

  it('never use again what they have closed, though its end is told twice', () => {
    const all = Array.from({ length: 7 }, () => read())
    next()
    for (const each of all) end(each)
    expect(opened.filter(({ closed }) => closed === 1).length).to.be.above(0)
    next()
    read()
    read()
    // One idle connection is in use now: there is room for one that is none any more.
    for (const [connection] of all) connections.freed(connection)
    for (let i = 0; i < 8; i++) {
      const [connection] = read()
      expect((connection.driver as NotingConnection).closed).to.equal(0)
    }
  })

  it('never give one connection to two, though its end is told twice', () => {
    const all = Array.from({ length: 4 }, () => read())
    for (const each of all) end(each)
    for (const [connection] of all) connections.freed(connection)
    const held = Array.from({ length: 8 }, () => read())
    for (const [connection] of all) connections.freed(connection)
    const more = Array.from({ length: 8 }, () => read())
    const used = [...held, ...more].map(([connection]) => connection)
    expect(new Set(used).size).to.equal(16)
  })

  it('share one in a transaction, and leave it to its half-read results after', () => {
    const first = next(false)
    main.inTransaction = true
    const results = [read(), read()]
    expect(results.map(([connection]) => connection)).to.deep.equal([first, first])
    expect(next(false)).to.equal(first)
    main.inTransaction = false
    const second = next(false)
    expect(second.driver).to.equal(opened[0])
    end(results[0]!)
    expect(next(), 'one is still half-read').to.equal(second)
    end(results[1]!)
    expect(next()).to.equal(first)
  })

  it('stay with a spare while a transaction is open on it, and go back then', () => {
    const first = read()
    const spare = next(false)
    ;(spare.driver as NotingConnection).inTransaction = true
    end(first)
    expect(next(false)).to.equal(spare)
    expect(next(true)).to.equal(spare)
    ;(spare.driver as NotingConnection).inTransaction = false
    expect(next(true).driver).to.equal(main)
  })

  it('do not take the reading batch’s own transaction for one', () => {
    const connection = next()
    connection.reading.open = true
    main.inTransaction = true
    read()
    expect(connection.inTransaction).to.equal(false)
    expect(next()).not.to.equal(connection)
    connection.reading.open = false
  })

  it('say clearly when another cannot be opened, and try again for the next', async () => {
    read()
    for (const asynchronous of [false, true]) {
      const refusal = new DriverError('SQLITE_CANTOPEN', 'unable to open database file')
      beforeOpen = () => {
        if (asynchronous) return Promise.reject(refusal)
        throw refusal
      }
      let error: (Error & { code?: string }) | null = null
      try {
        await connections.forStatement(true)
      } catch (thrown) {
        error = thrown as Error
      }
      expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_CANTOPEN' })
      expect(error!.message).to.match(/beside 1 .*: unable to open database file; read results to their end/)
      expect(connections.current.driver).to.equal(main)
    }
    beforeOpen = () => {}
    opened.length = 0
    expect(next().driver).to.equal(opened[0])
  })

  it('finalize a text’s statements on each, but not what is half-read, until it is free', async () => {
    const known = new KnownSql(0, 'select 1')
    const first = next()
    await first.statements.prepare(known)
    const result = first.hold(known, statement, endless)
    const spare = next()
    await spare.statements.prepare(known)
    known.forgotten = true
    connections.forget(known)
    expect(opened[0]!.finalized).to.equal(1)
    await result.close()
    expect(first.statements.prepare(known), 'it was not kept').not.to.equal(statement)
  })

  it('close all, with what is half-read on them', async () => {
    for (let i = 0; i < 3; i++) read()
    await connections.close()
    expect([main.closed, ...opened.map(({ closed }) => closed)]).to.deep.equal([1, 1, 1])
    main.closed = 0
  })
})

const SLOT = 0
const COUNTING =
  'with recursive c(x) as (select 1 union all select x + 1 from c where x < 3000) ' +
  "select x, substr(hex(zeroblob(50)), 1, 100) || '' from c"

for (const [name, found] of await driversHere()) {
  if (typeof found === 'string') {
    it.skip(`a Session’s connections (${name}: ${found})`)
    continue
  }
  const open: Open = found
  describe(`a Session’s connections (${name})`, () => {
    const dir = tempDir()
    let opened: DriverConnection[]
    let sessions: TestSession[]
    let refusal: Error | null

    beforeEach(async () => {
      opened = []
      sessions = []
      refusal = null
      const first = await open(dir.file('test.db'))
      await first.exec('pragma journal_mode = wal; create table t (a integer primary key, b)')
      await first.exec(`insert into t ${COUNTING}`)
      await first.close()
    })
    afterEach(async () => {
      for (const { session } of sessions) await session.close()
    })

    async function session(role: 'reader' | 'writer'): Promise<TestSession> {
      const reader = role === 'reader'
      const test = new TestSession(await open(dir.file('test.db'), reader), {
        reader,
        openSpare: async () => {
          if (refusal !== null) throw refusal
          const spare = await open(dir.file('test.db'), reader)
          opened.push(spare)
          return spare
        },
      })
      sessions.push(test)
      return test
    }

    /** A session of a database that has one connection only. */
    async function alone(maxResultBytes = 1e6): Promise<TestSession> {
      const connection = await open(':memory:')
      await connection.exec('create table t (a integer primary key, b)')
      await connection.exec(`insert into t ${COUNTING}`)
      const test = new TestSession(connection, { duty: 'everything', maxResultBytes })
      sessions.push(test)
      return test
    }

    const numbers = (first: number, last: number) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i)

    /** The first column of what is left behind `answer`, or the code of the error that ends it. */
    async function rest(test: TestSession, answer: Answer): Promise<unknown[]> {
      const values: unknown[] = answer.rows.map(([value]) => value)
      let chunk = answer
      while (chunk.flags & MORE) {
        chunk = await test.fetch(chunk.detail![2]!)
        if (chunk.error !== null) return [...values, chunk.error[1]]
        values.push(...chunk.rows.map(([value]) => value))
      }
      return values
    }

    it('read a hundred results side by side, each to its own end, each a snapshot', async () => {
      const test = await session('reader')
      const other = await open(dir.file('test.db'))
      const results: Answer[] = []
      for (let i = 0; i < 100; i++) {
        results.push(await test.runAt(SLOT, i === 0 ? 'select a, b from t' : null))
        await other.exec(`insert into t values (${4000 + i}, 'new')`)
        expect(await test.rows('select count(*) from t'), 'nothing is stale').to.deep.equal([[3001 + i]])
      }
      expect(opened).to.have.length(100)
      const ends: unknown[][] = []
      for (let i = 99; i >= 0; i--) ends[i] = await rest(test, results[i]!)
      for (const [i, values] of ends.entries()) {
        expect(values).to.deep.equal([...numbers(1, 3000), ...numbers(4000, 3999 + i)])
      }
      expect(await test.rows('select count(*) from t')).to.deep.equal([[3100]])
      await other.close()
    })

    it('in a batch of reads, one of which turns out long, answer all of them right', async () => {
      const test = await session('reader')
      const other = await open(dir.file('test.db'))
      await test.runUntilShort(0, 'select count(*) from t')
      await test.runUntilShort(1, 'select a, b from t where a > 3000')
      await other.exec('update t set a = a + 3000')
      const answers = await test.ask(
        ...[EXECUTE, 10, 0, null, [], null, EXECUTE, 11, 0, null, [], null],
        ...[EXECUTE, 12, 1, null, [], null, EXECUTE, 13, 1, null, [], null],
        ...[EXECUTE, 14, 0, null, [], null, EXECUTE, 15, 0, null, [], null],
        ...[EXECUTE, 16, 0, null, [], null, EXECUTE, 17, 1, null, [], null],
      )
      expect(answers.map(({ error }) => error)).to.deep.equal(new Array(8).fill(null))
      expect(answers.map(({ id }) => id)).to.deep.equal(numbers(10, 17))
      for (const { flags } of answers) expect(flagNames(flags)).not.to.include('IN_TRANSACTION')
      await other.exec('delete from t where a > 3010')
      for (const id of [12, 17, 13]) {
        expect(await rest(test, answers[id - 10]!)).to.deep.equal(numbers(3001, 6000))
      }
      expect(await test.rows('select count(*) from t')).to.deep.equal([[10]])
      await other.close()
    })

    it('let go of the snapshot with the result', async () => {
      const test = await session('reader')
      const other = await open(dir.file('test.db'))
      const held = async () => {
        await other.exec('update t set b = b || 1 where a = 1')
        const checkpoint = await other.prepare('pragma wal_checkpoint(passive)', [])
        const { rows } = await checkpoint.execute([])
        await checkpoint.finalize()
        return rows[0]![1] !== rows[0]![2]
      }
      for (const end of ['finalized', 'read', 'batch'] as const) {
        const { detail, ...first } = await test.runAt(SLOT, 'select a, b from t')
        await other.exec('update t set b = b || 2 where a = 2')
        expect(await held(), end).to.equal(true)
        if (end === 'finalized') await test.ask(FINALIZE, detail![2])
        else if (end === 'read') await rest(test, { ...first, detail })
        // Finalized before the fetches that came with it, which find nothing.
        else {
          const batch = await test.ask(FETCH, 1, detail![2], FETCH, 2, detail![2], FINALIZE, detail![2])
          expect(batch.map(({ error }) => error![1])).to.deep.equal(['RESULT_GONE', 'RESULT_GONE'])
        }
        expect(await held(), `${end}, after`).to.equal(false)
      }
      await other.close()
    })

    it('fail the statement for which none can be opened, and only that', async () => {
      const test = await session('reader')
      const first = await test.runAt(SLOT, 'select a, b from t')
      refusal = new DriverError('SQLITE_CANTOPEN', 'unable to open database file')
      const answers = await test.ask(
        ...[
          EXECUTE,
          10,
          5,
          'select 1',
          [],
          null,
          EXECUTE,
          11,
          5,
          null,
          [],
          null,
          FETCH,
          12,
          first.detail![2],
        ],
      )
      expect(answers.map(({ error }) => error?.[1] ?? null)).to.deep.equal([
        ...['SQLITE_CANTOPEN', 'SQLITE_CANTOPEN', null],
      ])
      expect(answers[2]!.rows.length).to.be.above(0)
      refusal = null
      expect(await test.rows('select 2')).to.deep.equal([[2]])
      expect(opened).to.have.length(1)
      expect(await rest(test, { ...answers[2]!, rows: [...first.rows, ...answers[2]!.rows] })).to.deep.equal(
        numbers(1, 3000),
      )
    })

    it('give a slot to another text while its first is half-read', async () => {
      const test = await session('reader')
      const old = await test.runAt(7, 'select a, b from t')
      expect(await test.runAt(7, "select 'new'")).to.deep.include({ rows: [['new']] })
      const second = await test.runAt(7, 'select a + 1, b from t')
      expect(await rest(test, old)).to.deep.equal(numbers(1, 3000))
      expect(await rest(test, second)).to.deep.equal(numbers(2, 3001))
      expect((await test.runAt(7, null)).rows[0]![0]).to.equal(2)
    })

    it('give a slot to another text in the batch that half-reads its first', async () => {
      const test = await session('reader')
      const answers = await test.ask(
        ...[EXECUTE, 0, 7, 'select a, b from t', [], null, EXECUTE, 1, 7, null, [], null],
        ...[EXECUTE, 2, 7, 'select a + 1, b from t', [], null, EXECUTE, 3, 7, null, [], null],
      )
      for (const [i, answer] of answers.entries()) {
        const shift = i < 2 ? 0 : 1
        expect(await rest(test, answer)).to.deep.equal(numbers(1 + shift, 3000 + shift))
      }
    })

    it('half-read texts without a number, several times at once', async () => {
      const test = await session('reader')
      const batch = numbers(0, 9).flatMap((id) => [EXECUTE, id, UNNUMBERED, 'select a, b from t', [], null])
      const answers = await test.ask(...batch)
      for (const answer of answers.slice(0, 5)) expect(await rest(test, answer)).to.have.length(3000)
      expect(await test.rows('select a from t where a = 5')).to.deep.equal([[5]])
      for (const { detail } of answers.slice(5)) await test.ask(FINALIZE, detail![2])
      expect(await test.rows('select a from t where a = 6')).to.deep.equal([[6]])
    })

    it('of a writer share a transaction with what is half-read, and go apart after it', async () => {
      const test = await session('writer')
      await test.ask(EXECUTE, 0, 1, 'insert into t values (5000, 0)', [], 'IMMEDIATE')
      const half = await test.runAt(SLOT, 'select a, b from t')
      await test.run("update t set b = 'gone' where a = 2999")
      expect(opened).to.have.length(0)
      expect(flagNames((await test.run('commit')).flags)).not.to.include('IN_TRANSACTION')
      await test.ask(EXECUTE, 0, 2, 'insert into t values (5001, 0)', [], 'IMMEDIATE')
      expect(opened).to.have.length(1)
      expect(await rest(test, half)).to.deep.equal([...numbers(1, 3000), 5000])
      const flags = flagNames((await test.run('select 1')).flags)
      expect(flags, 'the transaction is still that of the spare').to.include('IN_TRANSACTION')
      await test.run('rollback')
      expect(await test.rows('select max(a) from t')).to.deep.equal([[5000]])
    })

    it('of a writer read whole what came to it outside a transaction, however large', async () => {
      const test = await session('writer')
      const half = await test.runAt(SLOT, 'select a, b from t')
      expect(opened).to.have.length(0)
      await test.run('insert into t values (5000, 0)')
      expect(opened).to.have.length(0)
      expect(await rest(test, half)).to.deep.equal(numbers(1, 3000))
    })

    it('close with what is half-read on them', async () => {
      const test = await session('reader')
      for (let i = 0; i < 8; i++) await test.run('select a, b from t')
      await test.session.close()
      sessions.length = 0
      const writer = await session('writer')
      await writer.ask(EXECUTE, 0, 1, 'insert into t values (5000, 0)', [], 'IMMEDIATE')
      await writer.run('select a, b from t')
      await writer.session.close()
      sessions.length = 0
      const other = await open(dir.file('test.db'))
      await other.exec('pragma journal_mode = delete')
      await other.exec('pragma locking_mode = exclusive; begin exclusive; commit')
      await other.close()
    })

    describe('where there is one', () => {
      it('keep reading side by side while nothing writes', async () => {
        const test = await alone()
        const results: Answer[] = []
        for (let i = 0; i < 20; i++) results.push(await test.runAt(SLOT, 'select a, b from t'))
        for (const result of results) expect(await rest(test, result)).to.deep.equal(numbers(1, 3000))
      })

      for (const sql of [
        'delete from t',
        'drop table t',
        'update t set a = -a',
        'pragma user_version = 1',
        'vacuum',
      ]) {
        it(`read what is half-read to its end before: ${sql}`, async () => {
          const test = await alone()
          const half = [await test.runAt(SLOT, 'select a, b from t'), await test.runAt(SLOT, null)]
          expect((await test.run(sql)).error).to.equal(null)
          for (const each of half) expect(await rest(test, each)).to.deep.equal(numbers(1, 3000))
        })
      }

      it('break what takes more than maxResultBytes, and that alone', async () => {
        const test = await alone(100_000)
        const large = await test.runAt(SLOT, 'select a, b from t')
        const small = await test.runAt(1, 'select a, b from t where a <= 900')
        const failing = await test.runAt(
          2,
          'select abs(a - 9223372036854775807 - 2) + a, b from t order by -a',
        )
        expect(failing.error?.[2] ?? '').to.match(/overflow|^$/)
        expect((await test.run('delete from t where a = 1')).error).to.equal(null)
        expect((await rest(test, large)).at(-1)).to.equal('RESULT_TOO_LARGE')
        expect(await rest(test, small)).to.deep.equal(numbers(1, 900))
        expect(await test.rows('select count(*) from t')).to.deep.equal([[2999]])
      })

      it('tell an error that came while it was read to its end to who fetches it', async () => {
        const test = await alone()
        await test.run('update t set b = ? where a = 2500', null)
        const half = await test.runAt(
          SLOT,
          "select a, case when b is null then abs(-9223372036854775807 - (a > 0)) else b || 'x' end from t",
        )
        expect(half.error).to.equal(null)
        expect((await test.run('delete from t')).error).to.equal(null)
        const values = await rest(test, half)
        expect(values.slice(0, -1)).to.deep.equal(numbers(1, 2499))
        expect(values.at(-1)).to.match(/^SQLITE_/)
        expect(await test.rows('select count(*) from t')).to.deep.equal([[0]])
      })

      it('commit and roll back beside what is half-read', async () => {
        const test = await alone()
        await test.ask(EXECUTE, 0, 1, 'insert into t values (5000, 0)', [], 'IMMEDIATE')
        const half = await test.runAt(SLOT, 'select a, b from t')
        expect((await test.run('rollback')).error).to.equal(null)
        expect(await rest(test, half)).to.deep.equal(numbers(1, 3000))
        await test.ask(EXECUTE, 0, 1, 'insert into t values (5000, 0)', [], 'IMMEDIATE')
        const second = await test.runAt(SLOT, 'select a, b from t')
        expect((await test.run('commit')).error).to.equal(null)
        expect(await rest(test, second)).to.deep.equal([...numbers(1, 3000), 5000])
      })
    })
  })
}

/** OwnConnections: a Session's connections for one Connection each, over real ones of each driver. */
import { expect } from 'chai'
import type { DriverConnection } from '../../lib/drivers/driver.ts'
import { EXECUTE, EXECUTESCRIPT, LEAVE, ON, UNNUMBERED } from '../../lib/ipc/messages.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driversHere, flagNames, type Open, TestSession } from './sessions.ts'

for (const [name, open] of await driversHere()) {
  if (typeof open === 'string') it.skip(`own connections (${name}: ${open})`)
  else describe(`own connections (${name})`, () => describeOwn(open))
}

function describeOwn(open: Open): void {
  const dir = tempDir()
  const sessions: TestSession[] = []
  let opened: DriverConnection[]
  let closed: number
  /** Opens one more that notes when it is closed. */
  const openOne = async (): Promise<DriverConnection> => {
    const connection = await open(dir.file('test.db'))
    const { close } = connection
    connection.close = () => {
      closed++
      return close.call(connection)
    }
    opened.push(connection)
    return connection
  }
  let session: TestSession

  beforeEach(async () => {
    opened = []
    closed = 0
    const connection = await openOne()
    await connection.exec('pragma journal_mode = wal; create table t (a)')
    session = new TestSession(connection, { openSpare: openOne })
    sessions.push(session)
  })
  afterEach(async () => {
    for (const each of sessions.splice(0)) await each.session.close()
  })

  let id = 0
  const on = async (own: number, sql: string, begin: string | null = null) => {
    const [answer] = await session.ask(...(own ? [ON, own] : []), EXECUTE, ++id, UNNUMBERED, sql, [], begin)
    return { ...answer!, flags: flagNames(answer!.flags) }
  }

  it('are opened when first named, and each has temporary objects of its own', async () => {
    expect(opened).to.have.length(1)
    for (const own of [7, 8]) {
      expect((await on(own, 'create temp table k (a)')).error).to.equal(null)
      await on(own, `insert into k values (${own})`)
    }
    expect(opened).to.have.length(3)
    expect((await on(7, 'select a from k')).rows).to.deep.equal([[7]])
    expect((await on(8, 'select a from k')).rows).to.deep.equal([[8]])
    expect((await on(0, 'select a from k')).error?.[2]).to.match(/no such table/)
  })

  it('are meant by the next request alone', async () => {
    const answers = await session.ask(
      ...[ON, 7, EXECUTE, 1, UNNUMBERED, 'create temp table k (a)', [], null],
      ...[EXECUTE, 2, UNNUMBERED, 'select * from k', [], null],
      ...[ON, 7, EXECUTESCRIPT, 3, 'insert into k values (1); insert into t select a from k'],
      ...[EXECUTE, 4, UNNUMBERED, 'select * from t', [], null],
    )
    expect(answers.map(({ error }) => error === null)).to.deep.equal([true, false, true, true])
    expect(answers[3]!.rows).to.deep.equal([[1]])
  })

  it('take over the transaction that is open, with what it has done', async () => {
    await on(0, 'insert into t values (1)', 'IMMEDIATE')
    expect((await on(7, 'create temp table k as select a from t')).flags).to.include('IN_TRANSACTION')
    expect((await on(0, 'select a from t')).rows).to.deep.equal([])
    expect((await on(0, 'select 1')).flags).not.to.include('IN_TRANSACTION')
    expect((await on(7, 'commit')).flags).not.to.include('IN_TRANSACTION')
    expect((await on(0, 'select a from t')).rows).to.deep.equal([[1]])
    expect((await on(0, 'insert into t values (2)')).error).to.equal(null)
    expect(opened).to.have.length(2)
  })

  it('are closed when left, rolled back, and opened anew when named again', async () => {
    await on(7, 'create temp table k (a)')
    await on(7, 'insert into t values (1)', 'IMMEDIATE')
    await session.ask(LEAVE, 7)
    expect(closed).to.equal(1)
    expect((await on(0, 'insert into t values (2)')).error).to.equal(null)
    expect((await on(0, 'select a from t')).rows).to.deep.equal([[2]])
    expect((await on(7, 'select * from k')).error?.[2]).to.match(/no such table/)
    await session.ask(LEAVE, 7, LEAVE, 7, LEAVE, 9)
    expect([opened.length, closed]).to.deep.equal([3, 2])
  })

  it('are closed behind what is queued for them, not before', async () => {
    await on(7, 'create temp table k as select 1 as a')
    const answers = await session.ask(
      ...[EXECUTESCRIPT, 1, 'insert into t values (1)'],
      ...[ON, 7, EXECUTE, 2, UNNUMBERED, 'select a from k', [], null],
      ...[LEAVE, 7],
    )
    expect(answers.find((answer) => answer.id === 2)?.rows).to.deep.equal([[1]])
    expect([opened.length, closed]).to.deep.equal([2, 1])
  })

  it('that cannot be opened fail what they were for, and leave the transaction alone', async () => {
    const failing = new TestSession(await openOne(), {
      openSpare: () => {
        throw new Error('out of descriptors')
      },
    })
    sessions.push(failing)
    const ask = async (...message: unknown[]) => (await failing.ask(...message))[0]!
    await ask(EXECUTE, 1, UNNUMBERED, 'insert into t values (1)', [], 'IMMEDIATE')
    const answer = await ask(ON, 7, EXECUTE, 2, UNNUMBERED, 'create temp table k (a)', [], null)
    expect(answer.error?.[2]).to.match(/out of descriptors/)
    expect(flagNames((await ask(EXECUTE, 3, UNNUMBERED, 'commit', [], null)).flags)).not.to.include('FAILED')
    expect((await ask(EXECUTE, 4, UNNUMBERED, 'select a from t', [], null)).rows).to.deep.equal([[1]])
  })

  it('close with their session', async () => {
    for (const own of [1, 2, 3]) await on(own, 'create temp table k (a)')
    sessions.length = 0
    await session.session.close()
    expect([opened.length, closed]).to.deep.equal([4, 4])
  })
}

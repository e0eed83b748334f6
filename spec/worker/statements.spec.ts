/** Statements: texts by number, and a bounded number of prepared statements, each finalized once. */
import { expect } from 'chai'
import type { DriverConnection, DriverStatement } from '../../lib/drivers/driver.ts'
import { EXECUTE, ProtocolError, SLOTS, UNNUMBERED } from '../../lib/ipc/messages.ts'
import { KnownSql, SqlTexts } from '../../lib/worker/sql-texts.ts'
import { Statements } from '../../lib/worker/statements.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driversHere, TestSession } from './sessions.ts'

const PREPARED = 128

/** Notes which statements are prepared and which are finalized. */
class NotingConnection implements DriverConnection {
  readonly handle = null
  readonly inTransaction = false
  readonly prepared: string[] = []
  readonly finalized: string[] = []
  /** What finalize() does besides. */
  onFinalize: () => void | Promise<void> = () => {}
  /** Whether prepare() answers by a promise. */
  asynchronous = false

  prepare(sql: string): DriverStatement | Promise<DriverStatement> {
    this.prepared.push(sql)
    const statement: DriverStatement = {
      execute: () => ({
        columns: null,
        rows: [],
        changes: 0,
        bytes: 0,
        late: false,
        rest: null,
        lastInsertRowid: 0,
      }),
      finalize: () => {
        this.finalized.push(sql)
        return this.onFinalize()
      },
    }
    return this.asynchronous ? Promise.resolve(statement) : statement
  }

  exec(): void {}
  close(): void {}
}

function fixture(): { connection: NotingConnection; statements: Statements; texts: SqlTexts } {
  const connection = new NotingConnection()
  const statements = new Statements(connection)
  return { connection, statements, texts: new SqlTexts((known) => statements.forget(known)) }
}

describe('KnownSql', () => {
  const kinds: [sql: string, writes: boolean, inserts: boolean, reads: boolean][] = [
    ['select 1', false, false, true],
    ['values (1)', false, false, true],
    ['with c as (select 1) select * from c', false, false, true],
    ['insert into t values (1)', true, true, false],
    ['replace into t values (1)', true, true, false],
    ['with c as (select 1) insert into t select * from c', true, true, false],
    ['update t set a = 1', true, false, false],
    ['delete from t', true, false, false],
    ['create table t (a)', false, false, false],
    ['pragma user_version', false, false, false],
    ['explain select 1', false, false, false],
    ['begin', false, false, false],
    ['', false, false, false],
  ]
  for (const [sql, writes, inserts, reads] of kinds) {
    it(`tells what it is: ${sql || 'an empty text'}`, () => {
      expect(new KnownSql(0, sql)).to.include({ writes, inserts, reads, slot: 0 })
    })
  }
})

describe('Statements', () => {
  it('know a text by its slot', () => {
    const { texts } = fixture()
    const known = texts.know(5, 'select 1')
    expect(texts.know(5, null)).to.equal(known)
    const last = texts.know(SLOTS - 1, 'select 2')
    expect(texts.know(SLOTS - 1, null)).to.equal(last)
  })

  it('know nothing of a slot before its text came, nor ever of a text without a number', () => {
    const { texts } = fixture()
    texts.know(UNNUMBERED, 'select 1')
    for (const slot of [0, UNNUMBERED]) {
      expect(() => texts.know(slot, null)).to.throw(
        ProtocolError,
        `statement ${slot} was named before its SQL came`,
      )
    }
  })

  it('prepare a numbered text once', () => {
    const { connection, statements, texts } = fixture()
    const known = texts.know(0, 'select 1')
    const statement = statements.prepare(known)
    statements.release()
    expect(statements.prepare(known)).to.equal(statement)
    expect(connection).to.deep.include({ prepared: ['select 1'], finalized: [] })
  })

  it('prepare a text without a number each time, and finalize it when it is released', () => {
    const { connection, statements, texts } = fixture()
    for (let i = 0; i < 2; i++) {
      statements.prepare(texts.know(UNNUMBERED, 'select 1'))
      statements.release()
      statements.release()
    }
    expect(connection).to.deep.include({
      prepared: ['select 1', 'select 1'],
      finalized: ['select 1', 'select 1'],
    })
  })

  it('finalize the statement whose slot is taken over', () => {
    const { connection, statements, texts } = fixture()
    const old = texts.know(0, 'select 1')
    statements.prepare(old)
    const known = texts.know(0, 'select 2')
    expect(connection.finalized).to.deep.equal(['select 1'])
    expect(texts.know(0, null)).to.equal(known)
    statements.prepare(known)
    texts.know(0, 'select 3')
    expect(connection.finalized).to.deep.equal(['select 1', 'select 2'])
  })

  it('take over a slot whose text was never prepared', () => {
    const { connection, texts } = fixture()
    texts.know(0, 'select 1')
    texts.know(0, 'select 2')
    expect(connection.finalized).to.deep.equal([])
  })

  for (const asynchronous of [false, true]) {
    it(`keep ${PREPARED} prepared, ${asynchronous ? 'also when that takes a promise' : 'at the most'}`, async () => {
      const { connection, statements, texts } = fixture()
      connection.asynchronous = asynchronous
      for (let i = 0; i < 300; i++) await statements.prepare(texts.know(i, `select ${i}`))
      expect(connection.finalized).to.have.length(300 - PREPARED)
      expect(new Set(connection.finalized).size).to.equal(300 - PREPARED)
      // One that was finalized is prepared again, by its number alone.
      await statements.prepare(texts.know(0, null))
      expect(connection.prepared.at(-1)).to.equal('select 0')
    })
  }

  it('keep those in use before those that are not', () => {
    const { connection, statements, texts } = fixture()
    const favourite = texts.know(0, 'select 0')
    for (let i = 1; i < 1000; i++) {
      statements.prepare(favourite)
      statements.prepare(texts.know(i, `select ${i}`))
    }
    expect(connection.finalized).not.to.include('select 0')
  })

  it('finalize all when they are cleared', () => {
    const { connection, statements, texts } = fixture()
    for (let i = 0; i < 10; i++) statements.prepare(texts.know(i, `select ${i}`))
    statements.clear()
    expect(connection.finalized).to.have.length(10)
    statements.clear()
    expect(connection.finalized).to.have.length(10)
  })

  it('say nothing of an error of finalize, which repeats that of the last run', async () => {
    const { connection, statements, texts } = fixture()
    for (const onFinalize of [
      () => {
        throw new Error('UNIQUE constraint failed')
      },
      () => Promise.reject(new Error('UNIQUE constraint failed')),
    ]) {
      connection.onFinalize = onFinalize
      statements.prepare(texts.know(UNNUMBERED, 'insert'))
      statements.release()
      await null
    }
    expect(connection.finalized).to.deep.equal(['insert', 'insert'])
  })
})

for (const [name, open] of await driversHere()) {
  if (typeof open === 'string') {
    it.skip(`more texts than are kept prepared (${name}: ${open})`)
    continue
  }
  describe(`more texts than are kept prepared (${name})`, () => {
    const dir = tempDir()

    it('all run by their numbers, again and again', async () => {
      const connection = await open(dir.file('test.db'))
      const session = new TestSession(connection)
      const texts = Array.from({ length: 400 }, (_, i) => `select ${i}, ?`)
      for (const [slot, sql] of texts.entries()) {
        expect((await session.runAt(slot, sql, 'a')).rows).to.deep.equal([[slot, 'a']])
      }
      for (let round = 0; round < 2; round++) {
        const batch = texts.flatMap((_, slot) => [EXECUTE, slot, slot, null, [round], null])
        const answers = await session.ask(...batch)
        expect(answers.map(({ rows }) => rows[0])).to.deep.equal(texts.map((_, slot) => [slot, round]))
      }
      await session.session.close()
    })

    it('run as what their slot last stood for, also inside one batch', async () => {
      const connection = await open(dir.file('test.db'))
      const session = new TestSession(connection)
      const answers = await session.ask(
        ...[EXECUTE, 0, 7, "select 'old'", [], null],
        ...[EXECUTE, 1, 7, null, [], null],
        ...[EXECUTE, 2, 7, "select 'new'", [], null],
        ...[EXECUTE, 3, 7, null, [], null],
      )
      expect(answers.map(({ rows }) => rows[0]![0])).to.deep.equal(['old', 'old', 'new', 'new'])
      expect((await session.runAt(7, null)).rows).to.deep.equal([['new']])
      await session.session.close()
    })
  })
}

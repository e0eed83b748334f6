/** A Session's fetches: what runs meanwhile, and what is let go of meanwhile, over connections made up here. */
import { expect } from 'chai'
import type { Chunk, DriverConnection, DriverCursor, DriverStatement } from '../../lib/drivers/driver.ts'
import { EXECUTE, FETCH, FINALIZE, MORE, readRequests } from '../../lib/ipc/messages.ts'
import { TestSession } from './sessions.ts'

type Part = Chunk & { readonly ended: boolean }

const part = (value: number, ended = false): Part => ({ rows: [[value]], bytes: 18, late: false, ended })

/** Every `select half` has a rest, whose parts are given by hand. */
class FakeConnection implements DriverConnection {
  readonly handle = null
  readonly inTransaction = false
  readonly name: string
  readonly log: string[]
  /** Answers the next call of next(). */
  give: (part: Part) => void = () => {}
  /** What next() does first, of a driver that answers at once; then it gives part 2. */
  atOnce: (() => void) | null = null

  constructor(name: string, log: string[]) {
    this.name = name
    this.log = log
  }

  prepare(sql: string): DriverStatement {
    const rest: DriverCursor = {
      next: () => {
        this.log.push(`${this.name} next`)
        if (this.atOnce !== null) {
          this.atOnce()
          return part(2)
        }
        return new Promise<Part>((resolve) => {
          this.give = resolve
        })
      },
      close: () => {
        this.log.push(`${this.name} close cursor`)
      },
    }
    return {
      execute: () => {
        this.log.push(`${this.name} ${sql}`)
        return {
          ...part(1),
          columns: null,
          changes: 0,
          lastInsertRowid: 0,
          rest: sql === 'select half' ? rest : null,
        }
      },
      finalize: () => {
        this.log.push(`${this.name} finalize ${sql}`)
      },
    }
  }

  exec(): void {}

  close(): void {
    this.log.push(`${this.name} close`)
  }
}

describe('a Session that fetches', () => {
  let log: string[]
  let main: FakeConnection
  let spares: FakeConnection[]
  let test: TestSession

  beforeEach(() => {
    log = []
    spares = []
    main = new FakeConnection('main', log)
    test = new TestSession(main, {
      reader: true,
      openSpare: () => {
        const spare = new FakeConnection(`spare ${spares.length + 1}`, log)
        spares.push(spare)
        return spare
      },
    })
  })

  /** Half-reads a result and gives its cursor. */
  const half = async () => (await test.runAt(0, 'select half')).detail![2]!
  /** Begins a batch, and hands over what its end gives. */
  const begin = (...batch: unknown[]) => {
    readRequests(batch, test.session.requests)
    test.session.run()
  }
  const answers = async () => {
    await test.session.settled()
    return test.outbox.take().flatMap((frame) => frame.answers)
  }

  for (const last of [false, true]) {
    it(`frees a connection once, whose result is finalized in the middle of its ${last ? 'last ' : ''}fetch`, async () => {
      const cursor = await half()
      begin(FETCH, 5, cursor)
      test.session.requests.finalize(cursor)
      main.give(part(2, last))
      const [fetched] = await answers()
      expect(fetched).to.deep.include({ id: 5, rows: [[2]] })
      expect(log.filter((line) => line === 'main close cursor')).to.have.length(1)
      // Nobody keeps it, whatever the answer to that fetch said.
      begin(FINALIZE, cursor, FETCH, 6, cursor)
      expect((await answers())[0]!.error![1]).to.equal('RESULT_GONE')
      await test.runAt(1, 'select 1')
      expect(log.at(-1)).to.equal('main select 1')
      expect(spares).to.have.length(0)
      const cursors = [await half(), await half(), await half()]
      expect(new Set(cursors).size).to.equal(3)
      expect(log.slice(-3)).to.deep.equal(['main select half', 'spare 1 select half', 'spare 2 select half'])
    })
  }

  it('finds a finalized result gone, though its fetch was sent before', async () => {
    const cursor = await half()
    begin(FETCH, 5, cursor, FETCH, 6, cursor, FINALIZE, cursor)
    expect((await answers()).map(({ id, error }) => [id, error![1]])).to.deep.equal([
      ...[
        [5, 'RESULT_GONE'],
        [6, 'RESULT_GONE'],
      ],
    ])
  })

  it('tells of an end once, to fetches that were sent ahead of it', async () => {
    const cursor = await half()
    begin(FETCH, 5, cursor, FETCH, 6, cursor)
    main.give(part(2, true))
    const [fifth, sixth] = await answers()
    expect(fifth).to.deep.include({ id: 5, rows: [[2]], flags: 0 })
    expect(sixth!.error![1]).to.equal('RESULT_GONE')
  })

  it('sends what is done before it fetches: the next row may be long in coming', async () => {
    const cursor = await half()
    await test.runUntilShort(1, 'select 1')
    let sent = 0
    main.atOnce = () => {
      sent = test.outbox.take().flatMap((frame) => frame.answers).length
    }
    begin(EXECUTE, 5, 1, null, [], null, FETCH, 6, cursor)
    expect(sent).to.equal(1)
    const [fetched] = await answers()
    expect(fetched).to.deep.include({ id: 6, flags: MORE })
  })

  it('closes in the middle of a result, each statement before its connection', async () => {
    await half()
    await half()
    await test.runAt(1, 'select 1')
    log.length = 0
    await test.session.close()
    expect(log.filter((line) => line.includes('main'))).to.deep.equal([
      ...['main close cursor', 'main finalize select half', 'main close'],
    ])
    expect(log.filter((line) => /^spare \d close$/.test(line))).to.have.length(2)
  })
})

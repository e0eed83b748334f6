/** Half-read results: rows between two chunks, SQLite's or in memory; answered at once and by promises. */
import { expect } from 'chai'
import { rowBytes } from '../../lib/drivers/chunk.ts'
import type { Awaitable, Chunk, DriverCursor, RowValues } from '../../lib/drivers/driver.ts'
import { HalfRead, KeptRows } from '../../lib/worker/half-read.ts'

const TENS = { bytes: 10 * rowBytes([1]), ms: Number.POSITIVE_INFINITY }
const rowsFrom = (first: number, count: number): RowValues[] =>
  Array.from({ length: count }, (_, i) => [first + i])
const firstOf = ({ rows }: Chunk) => rows.map(([value]) => value)

/** Answers what it is given to answer; a function answers what it returns. */
class FakeCursor implements DriverCursor {
  closed = 0
  onClose: () => Awaitable<void> = () => {}
  readonly #answers: (() => Awaitable<Chunk & { ended: boolean }>)[]
  readonly #asynchronous: boolean

  constructor(asynchronous: boolean, ...answers: ((() => Chunk & { ended: boolean }) | RowValues[])[]) {
    this.#asynchronous = asynchronous
    this.#answers = answers.map((answer, i) => {
      const ended = i === answers.length - 1
      if (typeof answer === 'function') return answer
      return () => ({ rows: answer, bytes: answer.length * rowBytes([1]), late: false, ended })
    })
  }

  next(): Awaitable<Chunk & { ended: boolean }> {
    const answer = this.#answers.shift()!
    if (!this.#asynchronous) return answer()
    return Promise.resolve().then(answer)
  }

  close(): Awaitable<void> {
    this.closed++
    return this.onClose()
  }
}

const failing = () => {
  throw new Error('integer overflow')
}

/** Its answer, or the message of what it throws, at once or later. */
async function outcome(call: () => Awaitable<Chunk & { ended: boolean }>): Promise<unknown> {
  try {
    const chunk = await call()
    return [firstOf(chunk), chunk.ended]
  } catch (thrown) {
    return (thrown as Error).message
  }
}

describe('KeptRows', () => {
  it('come in chunks, the last of which has ended', () => {
    const kept = new KeptRows(rowsFrom(1, 25))
    expect([kept.next(TENS), kept.next(TENS), kept.next(TENS)].map(({ rows, ended }) => [rows.length, ended]))
      // biome-ignore format: a row for each chunk
      .to.deep.equal([
      [10, false],
      [10, false],
      [5, true],
    ])
    expect(kept.next(TENS)).to.deep.include({ rows: [], ended: true })
  })

  it('end with a full chunk, without an empty one behind it', () => {
    const kept = new KeptRows(rowsFrom(1, 20))
    kept.next(TENS)
    expect(kept.next(TENS)).to.deep.include({ ended: true, late: false })
  })

  it('let a row that is larger than a chunk go alone', () => {
    const kept = new KeptRows([[1], ['x'.repeat(500)], [2]])
    expect([kept.next(TENS), kept.next(TENS), kept.next(TENS)].map(({ rows }) => rows.length)).to.deep.equal([
      1, 1, 1,
    ])
  })

  it('end with an error where there is one behind them', () => {
    const kept = new KeptRows(rowsFrom(1, 20), { error: new Error('behind') })
    expect([kept.next(TENS), kept.next(TENS)].map(({ ended }) => ended)).to.deep.equal([false, false])
    expect(() => kept.next(TENS)).to.throw('behind')
  })

  it('are gone when closed', () => {
    const kept = new KeptRows(rowsFrom(1, 25))
    kept.close()
    expect(kept.next(TENS)).to.deep.include({ rows: [], ended: true })
  })
})

for (const asynchronous of [false, true]) {
  describe(`A half-read result (${asynchronous ? 'by promises' : 'at once'})`, () => {
    let freed: number
    const half = (cursor: DriverCursor) => new HalfRead(cursor, () => freed++)
    const cursorOf = (...answers: ((() => Chunk & { ended: boolean }) | RowValues[])[]) =>
      new FakeCursor(asynchronous, ...answers)

    beforeEach(() => {
      freed = 0
    })

    it('is free when it has ended, once', async () => {
      const result = half(cursorOf(rowsFrom(1, 2), rowsFrom(3, 1)))
      expect(await outcome(() => result.next(TENS))).to.deep.equal([[1, 2], false])
      expect(freed).to.equal(0)
      expect(await outcome(() => result.next(TENS))).to.deep.equal([[3], true])
      expect(freed).to.equal(1)
      await result.close()
      expect(freed).to.equal(1)
    })

    it('is free when it has failed', async () => {
      const result = half(cursorOf(failing))
      expect(await outcome(() => result.next(TENS))).to.equal('integer overflow')
      expect(freed).to.equal(1)
      await result.close()
      expect(freed).to.equal(1)
    })

    it('is free when it is closed, whatever the closing says', async () => {
      for (const onClose of [
        () => {},
        () => Promise.resolve(),
        () => Promise.reject(new Error('closing')),
        () => {
          throw new Error('closing')
        },
      ]) {
        freed = 0
        const cursor = cursorOf(rowsFrom(1, 1))
        cursor.onClose = onClose
        const result = half(cursor)
        await result.close()
        await result.close()
        expect(freed).to.equal(1)
      }
    })

    it('is read into memory, and then SQLite is done with it', async () => {
      const result = half(cursorOf(rowsFrom(1, 25)))
      await result.keep(10_000)
      expect(freed).to.equal(1)
      expect(await outcome(() => result.next(TENS))).to.deep.equal([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], false])
      await result.next(TENS)
      expect(await outcome(() => result.next(TENS))).to.deep.equal([[21, 22, 23, 24, 25], true])
      expect(freed).to.equal(1)
    })

    it('is not kept when it is too large, and says so each time', async () => {
      const cursor = cursorOf(rowsFrom(1, 25), rowsFrom(26, 1), rowsFrom(27, 1))
      const result = half(cursor)
      await result.keep(100)
      expect([freed, cursor.closed]).to.deep.equal([1, 1])
      for (let i = 0; i < 2; i++)
        expect(await outcome(() => result.next(TENS))).to.match(/bytes of maxResultBytes/)
      await result.close()
      expect(freed).to.equal(1)
    })

    it('is not kept when the one row too many is its last', async () => {
      const result = half(cursorOf(rowsFrom(1, 25), rowsFrom(26, 1)))
      await result.keep(100)
      expect(await outcome(() => result.next(TENS))).to.match(/bytes of maxResultBytes/)
      expect(freed).to.equal(1)
    })

    it('that fails while it is read into memory tells it to who fetches, behind the rows before', async () => {
      const none = half(cursorOf(failing))
      await none.keep(10_000)
      expect(freed).to.equal(1)
      expect(await outcome(() => none.next(TENS))).to.equal('integer overflow')
      const some = half(cursorOf(rowsFrom(1, 3), failing))
      await some.keep(10_000)
      expect(freed).to.equal(2)
      expect(await outcome(() => some.next(TENS))).to.deep.equal([[1, 2, 3], false])
      expect(await outcome(() => some.next(TENS))).to.equal('integer overflow')
      await some.close()
      expect(freed).to.equal(2)
    })

    if (!asynchronous) return

    it('may be closed while it is read from', async () => {
      const result = half(cursorOf(rowsFrom(1, 2), rowsFrom(3, 1)))
      const read = outcome(() => result.next(TENS))
      await result.close()
      expect(await read).to.deep.equal([[1, 2], false])
      expect(freed).to.equal(1)
      const last = half(cursorOf(rowsFrom(1, 2)))
      const end = outcome(() => last.next(TENS))
      await last.close()
      await end
      expect(freed).to.equal(2)
    })

    it('may be closed while it is read into memory', async () => {
      const result = half(cursorOf(rowsFrom(1, 2), failing))
      const kept = result.keep(10_000)
      await result.close()
      await kept
      expect(freed).to.equal(1)
    })
  })
}

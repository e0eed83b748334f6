/** chain() and attempt(): at once for what is there, later for a promise, and never both ends. */
import { expect } from 'chai'
import { attempt, chain } from '../../lib/worker/awaitable.ts'

describe('chain', () => {
  it('calls on at once with a value, and gives what that gives', () => {
    expect(chain(1, (one) => one + 1)).to.equal(2)
  })

  it('calls on when a promise is there', async () => {
    const result = chain(Promise.resolve(1), (one) => one + 1)
    expect(result).to.be.an.instanceOf(Promise)
    expect(await result).to.equal(2)
  })

  it('throws or rejects as its parts do', async () => {
    const fail = () => {
      throw new Error('failed')
    }
    expect(() => chain(1, fail)).to.throw('failed')
    for (const failing of [
      chain(Promise.resolve(1), fail),
      chain(Promise.reject(new Error('failed')), () => 1),
    ]) {
      const error = await Promise.resolve(failing).catch((thrown: Error) => thrown)
      expect(error).to.be.an('error').with.property('message', 'failed')
    }
  })
})

describe('attempt', () => {
  function attempted(
    start: () => unknown,
    next?: (value: unknown) => void | Promise<void>,
  ): [unknown, unknown[]] {
    const log: unknown[] = []
    const result = attempt(
      start,
      (value) => {
        log.push(['next', value])
        return next?.(value)
      },
      (thrown) => {
        log.push(['failed', (thrown as Error).message])
      },
    )
    return [result, log]
  }
  const fail = () => {
    throw new Error('x')
  }

  it('calls next with a value at once', () => {
    const [result, log] = attempted(() => 1)
    expect(result).to.equal(undefined)
    expect(log).to.deep.equal([['next', 1]])
  })

  it('calls failed with what was thrown at once', () => {
    expect(attempted(fail)[1]).to.deep.equal([['failed', 'x']])
    expect(attempted(() => 1, fail)[1]).to.deep.equal([
      ['next', 1],
      ['failed', 'x'],
    ])
  })

  it('does the same with promises, and resolves', async () => {
    const [done, log] = attempted(async () => 1)
    expect(await done).to.equal(undefined)
    expect(log).to.deep.equal([['next', 1]])
    const [failed, failedLog] = attempted(async () => fail())
    expect(await failed).to.equal(undefined)
    expect(failedLog).to.deep.equal([['failed', 'x']])
    const [later, laterLog] = attempted(async () => 1, fail)
    await later
    expect(laterLog).to.deep.equal([
      ['next', 1],
      ['failed', 'x'],
    ])
  })
})

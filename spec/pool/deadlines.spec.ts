/** Deadlines: one timer, one listener for each signal, and nothing left behind. */
import { getEventListeners } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { Deadlines } from '../../lib/pool/deadlines.ts'
import type { Request } from '../../lib/pool/request.ts'
import { PlainRequest, request } from './plain-request.ts'

describe('Deadlines', () => {
  const timers = () => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length
  let before = 0

  // Mocha times a test from its first await on.
  const begin = async (): Promise<void> => {
    await turn()
    before = timers()
  }

  it('tells of each request when its time is over, not before, earliest first', async () => {
    await begin()
    const told: Request[] = []
    const now = performance.now()
    const all = [30, 10, 20, 10.4].map((ms) => new PlainRequest('select 1', now + ms))
    await new Promise<void>((resolve) => {
      const deadlines = new Deadlines(
        (each, at) => {
          expect(at).to.be.at.least(each.deadline)
          told.push(each)
          deadlines.forget(each)
          if (told.length === all.length) resolve()
        },
        () => {},
      )
      for (const each of all) deadlines.watch(each)
      expect(timers() - before, 'one timer for all').to.equal(1)
    })
    expect(told[told.length - 1]).to.equal(all[0])
    expect(told.indexOf(all[1]!)).to.be.lessThan(told.indexOf(all[2]!))
    await turn() // The timer that fires counts as one until then.
    expect(timers() - before).to.equal(0)
  })

  it('tells of one that is over already, and leaves a timer for none that was answered', async () => {
    await begin()
    const over = new PlainRequest('select 1', performance.now() - 1)
    const answered = new PlainRequest('select 1', performance.now() + 60_000)
    const deadlines = await new Promise<Deadlines>((resolve) => {
      const each = new Deadlines(
        (request) => {
          expect(request).to.equal(over)
          each.forget(request)
          resolve(each)
        },
        () => {},
      )
      each.watch(answered)
      each.watch(over)
    })
    deadlines.forget(answered)
    await turn()
    expect(timers() - before).to.equal(0)
  })

  it('waits for a deadline that is months away', async () => {
    await begin()
    const far = new PlainRequest('select 1', performance.now() + 1e10)
    const deadlines = new Deadlines(
      () => expect.fail('told at once'),
      () => {},
    )
    deadlines.watch(far)
    expect(timers() - before).to.equal(1)
    deadlines.forget(far)
    expect(timers() - before).to.equal(0)
  })

  it('hears a signal once for all its requests, and forgets it with the last', () => {
    const aborted: Request[] = []
    const deadlines = new Deadlines(
      () => {},
      (each) => aborted.push(each),
    )
    const controller = new AbortController()
    const all = Array.from(
      { length: 20 },
      () => new PlainRequest('select 1', Number.POSITIVE_INFINITY, controller.signal),
    )
    for (const each of all) deadlines.watch(each)
    expect(getEventListeners(controller.signal, 'abort')).to.have.length(1)
    for (const each of all.slice(2)) deadlines.forget(each)
    controller.abort()
    expect(aborted).to.deep.equal(all.slice(0, 2))

    const other = new AbortController()
    const one = new PlainRequest('select 1', Number.POSITIVE_INFINITY, other.signal)
    deadlines.watch(one)
    deadlines.forget(one)
    deadlines.forget(one)
    expect(getEventListeners(other.signal, 'abort')).to.have.length(0)
  })

  it('does nothing for a request without either', async () => {
    await begin()
    const deadlines = new Deadlines(
      () => {},
      () => {},
    )
    const each = request()
    deadlines.watch(each)
    expect(timers() - before).to.equal(0)
    deadlines.forget(each)
  })
})

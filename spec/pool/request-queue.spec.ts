/** RequestQueue: order, and requests that leave before their turn. */
import { expect } from 'chai'
import type { Request } from '../../lib/pool/request.ts'
import { RequestQueue } from '../../lib/pool/request-queue.ts'
import { request } from './plain-request.ts'

describe('RequestQueue', () => {
  const drain = (queue: RequestQueue): Request[] => {
    const all: Request[] = []
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) all.push(each)
    return all
  }

  it('gives requests in the order they came, and nothing when it is empty', () => {
    const queue = new RequestQueue()
    const [a, b] = [request(), request()]
    expect(queue.peek()).to.equal(undefined)
    queue.push(a)
    queue.push(b)
    expect([a.state, a.queue]).to.deep.equal(['waiting', queue])
    expect([...queue]).to.deep.equal([a, b])
    expect(queue.peek()).to.equal(a)
    expect(queue.size).to.equal(2)
    expect([queue.shift(), queue.shift(), queue.shift()]).to.deep.equal([a, b, undefined])
    expect(queue.size).to.equal(0)
  })

  it('passes over what was removed, wherever it stood', () => {
    const queue = new RequestQueue()
    const all = [request(), request(), request(), request()]
    for (const each of all) queue.push(each)
    for (const i of [0, 2]) queue.remove(all[i]!)
    expect(queue.size).to.equal(2)
    expect([...queue]).to.deep.equal([all[1], all[3]])
    expect(drain(queue)).to.deep.equal([all[1], all[3]])
    expect(all[0]!.state).to.equal('done')
  })

  it('puts what comes back to the front, also of an empty queue and of one that has moved', () => {
    const queue = new RequestQueue()
    const [a, b, c, d] = [request(), request(), request(), request()]
    queue.unshift(a)
    queue.push(b)
    expect(queue.shift()).to.equal(a)
    queue.unshift(a)
    queue.unshift(c)
    queue.push(d)
    expect(queue.size).to.equal(4)
    expect(drain(queue)).to.deep.equal([c, a, b, d])
  })

  it('keeps order and count through thousands, coming and going', () => {
    const queue = new RequestQueue()
    const waiting: Request[] = []
    // A fixed sequence without rhythm: https://en.wikipedia.org/wiki/Linear_congruential_generator
    let seed = 1
    const random = (n: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * n)
    }
    for (let i = 0; i < 20_000; i++) {
      const what = random(10)
      if (what < 5) {
        const each = request()
        queue.push(each)
        waiting.push(each)
      } else if (what < 8) {
        expect(queue.shift()).to.equal(waiting.shift())
      } else if (what === 8 && waiting.length > 0) {
        const [gone] = waiting.splice(random(waiting.length), 1)
        queue.remove(gone!)
      } else {
        const each = request()
        queue.unshift(each)
        waiting.unshift(each)
      }
      expect(queue.size).to.equal(waiting.length)
    }
    expect(drain(queue)).to.deep.equal(waiting)
  })
})

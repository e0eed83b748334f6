/** ClockCache: bounded; what was used since it was last looked at stays before what was not. */
import { expect } from 'chai'
import fc from 'fast-check'
import { ClockCache } from '../../lib/sql/clock-cache.ts'

function fixture(capacity: number): { cache: ClockCache<string, number>; evicted: [string, number][] } {
  const evicted: [string, number][] = []
  return { cache: new ClockCache(capacity, (value, key) => evicted.push([key, value])), evicted }
}

describe('ClockCache', () => {
  it('gives what was set, and undefined for what was not', () => {
    const { cache } = fixture(2)
    cache.set('a', 1)
    expect(cache.get('a')).to.equal(1)
    expect(cache.get('b')).to.equal(undefined)
    expect(cache.size).to.equal(1)
  })

  it('lets the oldest go when it is full, and tells', () => {
    const { cache, evicted } = fixture(2)
    for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) cache.set(key, i)
    expect(evicted).to.deep.equal([
      ['a', 0],
      ['b', 1],
    ])
    expect([...cache.values()]).to.deep.equal([2, 3])
    expect(cache.get('a')).to.equal(undefined)
  })

  it('gives what was used a second chance, once', () => {
    const { cache, evicted } = fixture(3)
    for (const [i, key] of ['a', 'b', 'c'].entries()) cache.set(key, i)
    cache.get('a')
    cache.set('d', 3)
    expect(evicted).to.deep.equal([['b', 1]])
    cache.set('e', 4)
    cache.set('f', 5)
    expect(evicted.map(([key]) => key)).to.deep.equal(['b', 'c', 'a'])
  })

  it('lets the oldest go when all were used', () => {
    const { cache, evicted } = fixture(3)
    for (const [i, key] of ['a', 'b', 'c'].entries()) cache.set(key, i)
    for (const key of ['c', 'b', 'a']) cache.get(key)
    cache.set('d', 3)
    expect(evicted).to.deep.equal([['a', 0]])
    expect(cache.size).to.equal(3)
  })

  it('replaces a value without letting another go', () => {
    const { cache, evicted } = fixture(2)
    cache.set('a', 1)
    cache.set('b', 2)
    cache.set('a', 3)
    expect(cache.get('a')).to.equal(3)
    expect(cache.size).to.equal(2)
    expect(evicted).to.deep.equal([])
  })

  it('tells nothing of what is deleted or cleared', () => {
    const { cache, evicted } = fixture(3)
    for (const [i, key] of ['a', 'b', 'c'].entries()) cache.set(key, i)
    expect(cache.delete('a')).to.equal(true)
    expect(cache.delete('a')).to.equal(false)
    expect(cache.size).to.equal(2)
    cache.clear()
    expect(cache.size).to.equal(0)
    expect(evicted).to.deep.equal([])
  })

  it('makes room when it is asked to, and none where there is nothing', () => {
    const { cache, evicted } = fixture(5)
    cache.makeRoom()
    cache.set('a', 1)
    cache.set('b', 2)
    cache.get('a')
    cache.makeRoom()
    expect(evicted).to.deep.equal([['b', 2]])
    expect(cache.size).to.equal(1)
  })

  it('needs nobody to tell', () => {
    const cache = new ClockCache<string, number>(1)
    cache.set('a', 1)
    cache.set('b', 2)
    expect([...cache.values()]).to.deep.equal([2])
  })

  it('holds an undefined value like any other', () => {
    const evicted: string[] = []
    const cache = new ClockCache<string, undefined>(1, (_, key) => evicted.push(key))
    cache.set('a', undefined)
    expect(cache.get('a')).to.equal(undefined)
    cache.set('b', undefined)
    expect(evicted).to.deep.equal(['a'])
  })

  it('agrees with a plain model, whatever is done to it', () => {
    const key = fc.integer({ min: 0, max: 12 })
    const step = fc.oneof(
      fc.record({ verb: fc.constantFrom('get', 'set', 'delete'), key }),
      fc.record({ verb: fc.constantFrom('makeRoom', 'clear'), key }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 200 }), (capacity, steps) => {
        const evicted: [number, number][] = []
        const cache = new ClockCache<number, number>(capacity, (value, at) => evicted.push([at, value]))
        const model = new Model(capacity)
        for (const [i, { verb, key: at }] of steps.entries()) {
          if (verb === 'get') expect(cache.get(at)).to.equal(model.get(at))
          else if (verb === 'set') {
            cache.set(at, i)
            model.set(at, i)
          } else if (verb === 'delete') expect(cache.delete(at)).to.equal(model.delete(at))
          else if (verb === 'makeRoom') {
            cache.makeRoom()
            model.makeRoom()
          } else {
            cache.clear()
            model.entries.length = 0
          }
          expect(cache.size).to.equal(model.entries.length).and.to.be.at.most(capacity)
          expect([...cache.values()]).to.deep.equal(model.entries.map(({ value }) => value))
        }
        expect(evicted).to.deep.equal(model.evicted)
      }),
      { numRuns: 500 },
    )
  })
})

/** Second chance over a list, oldest first. */
class Model {
  readonly entries: { key: number; value: number; used: boolean }[] = []
  readonly evicted: [number, number][] = []
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: number): number | undefined {
    const entry = this.entries.find((each) => each.key === key)
    if (entry !== undefined) entry.used = true
    return entry?.value
  }

  set(key: number, value: number): void {
    const at = this.entries.findIndex((each) => each.key === key)
    if (at !== -1) {
      this.entries[at] = { key, value, used: false }
      return
    }
    if (this.entries.length >= this.#capacity) this.makeRoom()
    this.entries.push({ key, value, used: false })
  }

  delete(key: number): boolean {
    const at = this.entries.findIndex((each) => each.key === key)
    if (at !== -1) this.entries.splice(at, 1)
    return at !== -1
  }

  makeRoom(): void {
    while (this.entries.length > 0) {
      const oldest = this.entries.shift()!
      if (!oldest.used) {
        this.evicted.push([oldest.key, oldest.value])
        return
      }
      this.entries.push({ ...oldest, used: false })
    }
  }
}

import { expect } from 'chai'
import { namesOf } from '../../lib/dbapi/names.ts'

describe('names', () => {
  it('are the same for the same list, and for no other', () => {
    expect(namesOf(['a', 'b'])).to.equal(namesOf(['a', 'b']))
    expect(namesOf(['a', 'b'])).to.not.equal(namesOf(['b', 'a']))
    expect(namesOf(['a,b'])).to.not.equal(namesOf(['a', 'b']))
    expect(namesOf(['a","b'])).to.not.equal(namesOf(['a', 'b']))
  })

  it('find a column as it is written, then in other letters, the first of several', () => {
    const names = namesOf(['b', 'A', 'a', 'C', 'c', 'ß'])
    expect(['b', 'B', 'a', 'A', 'c', 'ß', 'ẞ', 'd'].map((name) => names.placeOf(name))).to.deep.equal([
      0,
      0,
      2,
      1,
      4,
      5,
      undefined,
      undefined,
    ])
    expect(namesOf(['Aa', 'aA']).placeOf('AA')).to.equal(0)
  })

  it('make plain objects whose keys are own, in order, whatever they are called', () => {
    const names = ['z', 'a', '__proto__', 'a', 'constructor', '']
    const object = namesOf(names).object([1, 2, 3, 4, 5, 6])
    expect(Object.entries(object)).to.deep.equal([
      ['z', 1],
      ['a', 2],
      ['__proto__', 3],
      ['constructor', 5],
      ['', 6],
    ])
    expect(Object.getPrototypeOf(object)).to.equal(Object.prototype)
    const other = namesOf(names).object([7, 8, 9, 10, 11, 12])
    expect([object.z, other.z]).to.deep.equal([1, 7])
  })

  it('make objects that keep every name, of a thousand too', () => {
    const list = Array.from({ length: 1000 }, (_, i) => `c${i}`)
    const object = namesOf(list).object(list.map((_, i) => i))
    expect(Object.keys(object)).to.deep.equal(list)
    expect(Object.values(object)).to.deep.equal(list.map((_, i) => i))
  })
})

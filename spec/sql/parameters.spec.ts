import { expect } from 'chai'
import { ParameterList } from '../../lib/sql/parameters.ts'

function list(...texts: string[]): ParameterList {
  const parameters = new ParameterList()
  for (const text of texts) parameters.add(text)
  return parameters
}

describe('ParameterList', () => {
  it('gives each ? the next number', () => {
    expect(list('?', '?', '?').names()).to.deep.equal([null, null, null])
  })

  it('gives a name one number, however often it comes', () => {
    expect(list(':a', ':b', ':a').names()).to.deep.equal([':a', ':b'])
  })

  it('tells names apart by their first character and by case', () => {
    expect(list(':a', '@a', '$a', '#a', ':A').names()).to.deep.equal([':a', '@a', '$a', '#a', ':A'])
  })

  it('counts on from the highest number', () => {
    expect(list('?3', '?', ':a').names()).to.deep.equal([null, null, '?3', null, ':a'])
  })

  it('lets ?NNN point at a parameter that is there', () => {
    expect(list(':a', '?1').names()).to.deep.equal([':a'])
    expect(list('?', '?1', '?01').names()).to.deep.equal(['?1'])
    expect(list('?01', '?1').names()).to.deep.equal(['?01'])
  })

  it('tells the numbers in gaps', () => {
    expect(list('?4', '?2').gaps()).to.deep.equal([1, 3])
    expect(list('?3', '?1').names()).to.deep.equal(['?1', null, '?3'])
    expect(list('?', ':a').gaps()).to.deep.equal([])
  })

  it('is named by names, not by numbers', () => {
    expect(list('?', '?2').named).to.equal(false)
    expect(list('?', '$a').named).to.equal(true)
  })

  it('leaves numbers that SQLite refuses to SQLite', () => {
    expect(list('?0', '?32767', '?99999999999999999999').names()).to.deep.equal([])
    expect(list('?32766').names()).to.have.length(32_766)
    expect(list('?32766', '?', ':a').names()).to.have.length(32_768)
  })
})

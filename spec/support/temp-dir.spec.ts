/** Temporary directories: fresh for each test or for a block, gone after it. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { tempDir } from './temp-dir.ts'

describe('tempDir', () => {
  describe('for each test', () => {
    const dir = tempDir()
    const seen: string[] = []

    for (const turn of ['first', 'second']) {
      it(`is empty for the ${turn}`, () => {
        expect(readdirSync(dir.path)).to.deep.equal([])
        writeFileSync(dir.file('left.txt'), '')
        seen.push(dir.path)
      })
    }

    after(() => {
      expect(new Set(seen)).to.have.lengthOf(2)
      expect(seen.filter((path) => existsSync(path))).to.deep.equal([])
      expect(() => dir.path).to.throw('only while a test')
    })
  })

  describe('for a whole block', () => {
    const dir = tempDir('all')

    it('keeps what one test writes', () => writeFileSync(dir.file('kept.txt'), ''))
    it('for the next', () => expect(readdirSync(dir.path)).to.deep.equal(['kept.txt']))
  })
})

/** The arguments of the conformance command. */
import { expect } from 'chai'
import { readArguments, UsageError } from './command-line.ts'

describe('readArguments', () => {
  it('takes a folder, and a driver if it is given', () => {
    expect(readArguments(['some/folder'])).to.deep.equal({ root: 'some/folder', driver: 'auto' })
    expect(readArguments(['--driver', 'sqlite3', 'f'])).to.deep.equal({ root: 'f', driver: 'sqlite3' })
    expect(readArguments(['f', '--driver=all'])).to.deep.equal({ root: 'f', driver: 'all' })
    expect(readArguments(['--help'])).to.equal('help')
    expect(readArguments(['-h', 'f'])).to.equal('help')
  })

  const refused: [args: string[], message: string][] = [
    [[], 'it wants a folder'],
    [['a', 'b'], "it wants one folder, and there is also 'b'"],
    [
      ['a', '--driver', 'oracle'],
      "--driver is better-sqlite3, node:sqlite, sqlite3, auto or all, not 'oracle'",
    ],
    [['a', '--driver'], '--driver'],
    [['a', '--drivers', 'all'], '--drivers'],
  ]
  for (const [args, message] of refused) {
    it(`refuses '${args.join(' ')}'`, () => {
      expect(() => readArguments(args)).to.throw(UsageError, message)
    })
  }
})

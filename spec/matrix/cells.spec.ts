/** What the matrix takes for a driver that it was to test and that a spec skipped. */
import { expect } from 'chai'
import { skippedDrivers } from './cells.ts'

describe("the matrix's look at skipped specs", () => {
  const titles = [
    'Cursor (sqlite3: no such addon)',
    'values sqlite3 (skipped: no such addon) runs the contract',
    'contract: integers sqlite3, in-process (skipped: no such addon)',
    'the child process greets with what it opened the database with (sqlite3): no such addon',
  ]

  it('finds a driver that was to be used, however its specs name it', () => {
    expect(skippedDrivers(titles, ['node:sqlite', 'sqlite3'])).to.deep.equal(titles)
    expect(skippedDrivers(titles, ['better-sqlite3', 'node:sqlite'])).to.deep.equal([])
  })

  it('leaves alone what is skipped for another reason, or of another driver', () => {
    const others = [
      ...titles.map((title) => title.replace('sqlite3', 'better-sqlite3')),
      'contract: extensions sqlite3, in-process with fts5 (skipped: this engine was built without)',
      'Cursor (sqlite3) describes the declared types where the driver tells them',
      'connect: what file a database is (sqlite3) says where it looked for a driver that is not there',
    ]
    expect(skippedDrivers(others, ['node:sqlite', 'sqlite3'])).to.deep.equal([])
  })
})

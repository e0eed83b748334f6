/** Pragmas: set, read back, and refused by name when they did not take. With each driver. */
import { expect } from 'chai'
import type { DriverConnection } from '../../lib/drivers/driver.ts'
import { readPragma, setPragmas } from '../../lib/worker/pragmas.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driversHere, type Open } from './sessions.ts'

for (const [name, open] of await driversHere()) {
  if (typeof open === 'string') it.skip(`pragmas (${name}: ${open})`)
  else describe(`pragmas (${name})`, () => describePragmas(open))
}

function describePragmas(open: Open): void {
  const dir = tempDir()
  let connection: DriverConnection
  beforeEach(async () => {
    connection = await open(dir.file('test.db'))
  })
  afterEach(async () => {
    await connection.close()
  })
  const refusal = async (...pragma: [string, string | number]) => {
    const error = await setPragmas(connection, [pragma]).catch((thrown: Error) => thrown)
    expect(error).to.be.an('error').that.includes({ name: 'OperationalError', code: 'BAD_OPTION' })
    return (error as Error).message
  }

  const taken: [name: string, value: string | number, reads: string | number][] = [
    ['synchronous', 'FULL', 2],
    ['synchronous', 'normal', 1],
    ['synchronous', 3, 3],
    ['foreign_keys', 'ON', 1],
    ['foreign_keys', 'off', 0],
    ['trusted_schema', 'no', 0],
    ['temp_store', 'MEMORY', 2],
    ['cache_size', -1234, -1234],
    ['cache_size', '-1234', -1234],
    ['secure_delete', 'FAST', 2],
    ['secure_delete', 'TRUE', 1],
    ['auto_vacuum', 'incremental', 2],
    ['locking_mode', 'NORMAL', 'normal'],
    ['journal_mode', 'WAL', 'wal'],
    ['user_version', 77, 77],
  ]
  for (const [name, value, reads] of taken) {
    it(`takes ${name} = ${value}`, async () => {
      await setPragmas(connection, [[name, value]])
      expect(await readPragma(connection, name)).to.equal(reads)
    })
  }

  it('sets them in their order', async () => {
    await setPragmas(connection, [
      ['cache_size', 100],
      ['cache_size', 200],
    ])
    expect(await readPragma(connection, 'cache_size')).to.equal(200)
  })

  it('leaves it to the file whether there is WAL', async () => {
    const memory = await open(':memory:')
    await setPragmas(memory, [['journal_mode', 'WAL']])
    expect(await readPragma(memory, 'journal_mode')).to.equal('memory')
    await memory.close()
  })

  it('refuses a pragma that there is not', async () => {
    expect(await refusal('no_such_pragma', 1)).to.include(
      'pragma no_such_pragma: this SQLite has no such pragma',
    )
  })

  it('refuses a pragma that cannot be read back', async () => {
    expect(await refusal('case_sensitive_like', 'ON')).to.include('none that can be read')
  })

  it('refuses a value that does not take', async () => {
    expect(await refusal('synchronous', 'SOMETIMES')).to.match(
      /^pragma synchronous was set to SOMETIMES but reads back as \d$/,
    )
    await connection.exec('create table t (a)')
    expect(await refusal('encoding', "'UTF-16le'")).to.include('reads back as UTF-8')
    expect(await refusal('page_size', 1000)).to.include('pragma page_size was set to 1000')
  })

  it("passes SQLite's own refusal on", async () => {
    const error = await setPragmas(connection, [['cache_size', '1 2']]).catch((thrown: Error) => thrown)
    expect(error).to.be.an('error').with.property('message').that.includes('syntax error')
  })

  it('reads nothing where there is nothing', async () => {
    expect(await readPragma(connection, 'table_info(nowhere)')).to.equal(undefined)
  })
}

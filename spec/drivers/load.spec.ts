/** Loading: the first that loads, and a reason for each that does not. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect } from 'chai'
import { loadDriver, loadFirst } from '../../lib/drivers/load.ts'
import { resolveDrivers } from '../../lib/pool/driver-path.ts'
import { tempDir } from '../support/temp-dir.ts'
import { thrownBy } from './contract.ts'

describe('loading a driver', () => {
  const dir = tempDir()

  function module(name: string, source: string): string {
    const path = dir.file(name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, source)
    return path
  }

  it('goes on to the next when one does not load', async () => {
    const broken = module('broken.cjs', "throw new Error('no such addon\\nat length')")
    const lazy = module(
      'lazy.cjs',
      "module.exports = class { constructor() { throw Object.assign(new Error('wrong Node'), { code: 'ERR_DLOPEN_FAILED' }) } }",
    )
    const [sqlite3] = resolveDrivers('sqlite3')
    const { driver, failures } = await loadFirst([
      { name: 'better-sqlite3', path: broken },
      { name: 'better-sqlite3', path: lazy },
      sqlite3!,
    ])
    expect(driver.name).to.equal('sqlite3')
    expect(failures.map(({ path }) => path)).to.deep.equal([broken, lazy])
    expect(failures.map(({ error }) => (error as Error).message.split('\n')[0])).to.deep.equal([
      'no such addon',
      'wrong Node',
    ])
  })

  it('tells every reason when none loads', async () => {
    const broken = module('broken.cjs', "throw new Error('no such addon\\nat length')")
    const error = await thrownBy(() => loadFirst([{ name: 'better-sqlite3', path: broken }]))
    expect(error).to.include({ name: 'InterfaceError', code: 'DRIVER_NOT_LOADED' })
    expect(error.message).to.match(
      /npm install better-sqlite3.*\n {2}better-sqlite3 \(.*broken\.cjs\): no such addon at length$/s,
    )
  })

  it('refuses a node:sqlite that is too old, and says so', async () => {
    const { nodeSqliteDriver } = await import('../../lib/drivers/node-sqlite.ts')
    class DatabaseSync {
      close() {}
    }
    const driver = nodeSqliteDriver({ DatabaseSync, StatementSync: class {} } as never)
    const error = await thrownBy(() => driver.open(':memory:', { readonly: false, busyTimeoutMs: 0 }))
    expect(error).to.include({ name: 'NotSupportedError' })
    expect(error.message).to.contain('no setReturnArrays, columns, isTransaction')
  })

  it('loads node:sqlite without its warning, and leaves other warnings alone', async function () {
    const candidates = resolveDrivers('auto').filter(({ name }) => name === 'node:sqlite')
    if (candidates.length === 0) this.skip()
    const { emitWarning } = process
    await loadDriver('node:sqlite', 'node:sqlite')
    expect(process.emitWarning).to.equal(emitWarning)
  })
})

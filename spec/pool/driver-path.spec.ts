/** Finding drivers on disk without loading them. */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { resolveDrivers, satisfies } from '../../lib/pool/driver-path.ts'
import { thrownBy } from '../drivers/contract.ts'
import { tempDir } from '../support/temp-dir.ts'

describe('resolving drivers', () => {
  const dir = tempDir()

  /** Installs a package that must not be loaded, and gives a file: URL beside node_modules. */
  function install(app: string, name: string, manifest: object): URL {
    const folder = join(dir.path, app, 'node_modules', name)
    mkdirSync(join(folder, 'lib'), { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, main: 'lib/index.js', ...manifest }))
    writeFileSync(join(folder, 'lib', 'package.json'), '{"type": "commonjs"}')
    writeFileSync(join(folder, 'lib', 'index.js'), "throw new Error('loaded')")
    return pathToFileURL(join(dir.path, app, 'main.js'))
  }
  const main = (app: string, name: string) =>
    join(realpathSync(dir.path), app, 'node_modules', name, 'lib', 'index.js')

  it('finds the package with its version, by file, by directory and by URL', () => {
    const url = install('app', 'better-sqlite3', { version: '12.1.0' })
    const candidate = { name: 'better-sqlite3', path: main('app', 'better-sqlite3'), version: '12.1.0' }
    for (const from of [
      url,
      url.href,
      join(dir.path, 'app'),
      `${join(dir.path, 'app')}/`,
      join(dir.path, 'app/x.js'),
    ]) {
      expect(resolveDrivers('better-sqlite3', from), String(from)).to.deep.equal([candidate])
    }
  })

  it('finds what this checkout has installed, without resolveFrom', () => {
    const names = resolveDrivers('auto').map(({ name }) => name)
    expect(names).to.include('sqlite3')
  })

  it('gives all with auto, in order', () => {
    const places = [
      install('app', 'sqlite3', { version: '6.0.1' }),
      install('app', 'better-sqlite3', { version: '12.0.0' }),
    ]
    const names = (node: string) =>
      resolveDrivers('auto', undefined, { places, node }).map(({ name }) => name)
    expect(names('20.20.2')).to.deep.equal(['better-sqlite3', 'sqlite3'])
    expect(names('22.15.0')).to.deep.equal(['better-sqlite3', 'sqlite3'])
  })

  it('passes over a package that is not for this Node, and goes on to the next place', () => {
    const places = [
      install('a', 'better-sqlite3', { version: '13.2.0', engines: { node: '>=20' } }),
      install('b', 'better-sqlite3', { version: '12.5.0', engines: { node: '20.x || 22.x' } }),
    ]
    const [candidate] = resolveDrivers('better-sqlite3', undefined, { places, node: '20.20.2' })
    expect(candidate).to.include({ version: '12.5.0' })
    const [newer] = resolveDrivers('better-sqlite3', undefined, { places, node: '24.1.0' })
    expect(newer).to.include({ version: '13.2.0' })
  })

  it('says of each why it is not there, and what to do', async () => {
    const places = [
      install('a', 'better-sqlite3', { version: '13.2.0', engines: { node: '>=20' } }),
      install('b', 'sqlite3', { version: '9.0.0', engines: { node: '>=30' } }),
    ]
    const error = await thrownBy(() => resolveDrivers('auto', undefined, { places, node: '20.20.2' }))
    expect(error).to.include({ name: 'InterfaceError', code: 'DRIVER_NOT_FOUND' })
    expect(error.message).to.contain('npm install better-sqlite3')
    expect(error.message).to.contain(
      'better-sqlite3: 13.2.0 needs Node 22.14.0 or later, this is Node 20.20.2',
    )
    expect(error.message).to.contain(`not found from ${join(dir.path, 'b', 'main.js')}`)
    expect(error.message).to.contain('node:sqlite: comes with Node 22.16.0 and later')
    expect(error.message).to.contain('sqlite3: not found from')
    expect(error.message).to.contain('9.0.0 is for Node >=30')
  })

  it('names the one that was asked for', async () => {
    const surroundings = { places: [pathToFileURL(join(dir.path, 'x.js'))], node: '20.0.0' }
    const error = await thrownBy(() => resolveDrivers('sqlite3', undefined, surroundings))
    expect(error.message).to.match(/^the driver sqlite3 was not found/)
    expect(error.message).not.to.contain('node:sqlite')
  })
})

describe('engines', () => {
  const yes: [version: string, range: string][] = [
    ['20.20.2', '20.x || 22.x || 23.x'],
    ['22.1.0', '20.x || 22.x || 23.x'],
    ['22.14.0', '>=22.14'],
    ['24.0.0', '>= 22.14'],
    ['20.19.5', '^20.19.0 || >=22.12'],
    ['20.19.5', '~20.19'],
    ['18.0.0', '>=10 <20'],
    ['20.20.2', ''],
    ['20.20.2', '*'],
    ['20.20.2', 'whatever - this is'],
    ['20.20.2', '20'],
    ['20.20.2', '20.20.x'],
    ['20.20.2', '<=20'],
    ['25.0.0-nightly2025', '>=25'],
  ]
  const no: [version: string, range: string][] = [
    ['21.0.0', '20.x || 22.x'],
    ['22.13.9', '>=22.14'],
    ['20.18.0', '^20.19.0 || >=22.12'],
    ['21.0.0', '^20.19.0 || >=22.12'],
    ['20.20.0', '~20.19'],
    ['20.0.0', '>=10 <20'],
    ['20.20.2', '>20'],
    ['20.20.2', '20.20.1'],
  ]
  for (const [version, range] of yes) {
    it(`${version} is in '${range}'`, () => expect(satisfies(version, range)).to.equal(true))
  }
  for (const [version, range] of no) {
    it(`${version} is not in '${range}'`, () => expect(satisfies(version, range)).to.equal(false))
  }
})

/**
 * DESIGN, section 4: who may import whom. Reads the import lines of lib/; each rule is also shown a breach,
 * so that a rule that no longer bites fails too.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect } from 'chai'
import { projectRoot } from './support/run.ts'

/** What each layer imports at run time: the layers named here, itself, and ANYWHERE. */
const LAYERS: Record<string, readonly string[]> = {
  index: ['dbapi'],
  dbapi: ['pool', 'remote'],
  pool: ['ipc'],
  remote: ['ipc'],
  ipc: [],
  worker: ['ipc', 'drivers'],
  drivers: [],
  sql: [],
  errors: [],
}
const ANYWHERE = ['errors', 'sql']

/** The one file of the drivers whose types, and only those, are known outside the child. */
const DRIVER_TYPES = 'lib/drivers/driver.ts'
const DRIVER_TYPES_FOR = ['ipc', 'pool', 'dbapi']

const SQLITE_PACKAGES = ['better-sqlite3', 'sqlite3', 'node:sqlite']

/** A statement from its first word to its specifier, which no other statement's first word interrupts. */
const STATIC_IMPORT =
  /^(?:import|export)\s+(type\s)?(?:(?:(?!\n(?:import|export)\b)[^'"`;=()])*?\sfrom\s+)?['"]([^'"]+)['"]/gm

/** One `import`, `export … from`, `import()` or `require()`, with what it names. */
interface Import {
  readonly kind: 'static' | 'type' | 'dynamic' | 'require' | 'resolve'
  readonly specifier: string
}

/** The imports of a module, by its text; those in comments do not count. */
function importsOf(text: string): Import[] {
  const code = text.replace(/^\s*(\/\*[\s\S]*?\*\/|\/\/.*)$/gm, '')
  const found: Import[] = []
  for (const match of code.matchAll(STATIC_IMPORT)) {
    found.push({ kind: match[1] ? 'type' : 'static', specifier: match[2]! })
  }
  for (const match of code.matchAll(/\b(import|require|resolve)\(\s*['"`]([^'"`]+)['"`]/g)) {
    found.push({
      kind: match[1] === 'import' ? 'dynamic' : (match[1] as 'require' | 'resolve'),
      specifier: match[2]!,
    })
  }
  return found
}

/** `lib/pool/lease.ts` is of the layer `pool`, `lib/errors.ts` of the layer `errors`. */
function layerOf(file: string): string {
  return file.split('/')[1]!.replace(/\.ts$/, '')
}

/** What is wrong with a module's imports, a line each. */
function breaches(file: string, text: string): string[] {
  const layer = layerOf(file)
  const wrong: string[] = []
  for (const { kind, specifier } of importsOf(text)) {
    const because = (reason: string) => wrong.push(`${file} imports '${specifier}': ${reason}`)
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(file), specifier)
      if (target === DRIVER_TYPES && layer !== 'drivers' && layer !== 'worker') {
        if (kind !== 'type') because('only `import type` may name the driver interface')
        else if (!DRIVER_TYPES_FOR.includes(layer)) because(`only ${DRIVER_TYPES_FOR.join(', ')} may know it`)
        continue
      }
      const allowed = [layer, ...ANYWHERE, ...(LAYERS[layer] ?? [])]
      if (!allowed.includes(layerOf(target))) because(`${layer} may import ${allowed.join(', ')}`)
    }
    if (specifier.startsWith('msgpackr') && file !== 'lib/ipc/codec.ts') because('only lib/ipc/codec.ts may')
    if (SQLITE_PACKAGES.includes(specifier) && file !== 'lib/drivers/load.ts' && kind !== 'resolve') {
      because('only lib/drivers/load.ts loads an SQLite package, and only in a child')
    }
  }
  if (LAYERS[layer] === undefined) wrong.push(`${file}: DESIGN 4 knows no layer '${layer}'`)
  if (file === 'lib/pool/driver-path.ts' && /\b(import|require)\(|\bdlopen\b/.test(text)) {
    wrong.push(`${file}: resolves a driver, and never loads one: the caller's process has no native code`)
  }
  if (!text.startsWith('/**')) wrong.push(`${file}: begins without a header that says what it is`)
  return wrong
}

describe('the layout of lib/', () => {
  const files = readdirSync(join(projectRoot, 'lib'), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join('lib', name.replaceAll('\\', '/')))
    .filter((name) => name.endsWith('.ts'))
    .sort()
  const read = (file: string) => readFileSync(join(projectRoot, file), 'utf8')

  for (const file of files) {
    it(`${file} has a header and imports only what its layer may`, () => {
      expect(breaches(file, read(file))).to.deep.equal([])
    })
  }

  it("lib/index.ts's header lists the files one query passes, and they exist", () => {
    const header = /^\/\*\*[\s\S]*?\*\//.exec(read('lib/index.ts'))?.[0] ?? ''
    const named = header.match(/\blib\/[\w./-]+\.ts\b/g) ?? []
    expect(named, 'paths in the header').not.to.have.lengthOf(0)
    expect(named.filter((path) => !existsSync(join(projectRoot, path)))).to.deep.equal([])
  })
})

describe('the guard of the layout', () => {
  const header = '/** What it is. */\n'

  it('reads every form of import, and none in a comment', () => {
    const text = [
      "import a from './a.ts'",
      "import type { B } from './b.ts'",
      "import {\n  c,\n  type D,\n} from './c.ts'",
      "export * from './d.ts'",
      'export interface Shape {\n  readonly size: number\n}',
      "export type { E } from './e.ts'",
      "import './f.ts'",
      "const g = await import('./g.ts')",
      "const h = require('./h.cjs')",
      "const i = require.resolve('./i.cjs')",
      "// import j from './j.ts'",
      "/** import('./k.ts') */",
      "export const from = 'l'",
    ].join('\n')
    expect(importsOf(text).map(({ kind, specifier }) => `${kind} ${specifier}`)).to.deep.equal([
      'static ./a.ts',
      'type ./b.ts',
      'static ./c.ts',
      'static ./d.ts',
      'type ./e.ts',
      'static ./f.ts',
      'dynamic ./g.ts',
      'require ./h.cjs',
      'resolve ./i.cjs',
    ])
  })

  const refused: [what: string, file: string, text: string][] = [
    ['a worker in the pool', 'lib/pool/a.ts', "import { b } from '../worker/b.ts'"],
    ['the pool in a driver', 'lib/drivers/a.ts', "import { b } from '../pool/b.ts'"],
    ['the wire in the facade', 'lib/dbapi/a.ts', "import { b } from '../ipc/b.ts'"],
    ['the facade in the pool, as a type too', 'lib/pool/a.ts', "import type { B } from '../dbapi/b.ts'"],
    ['the driver interface as a value', 'lib/pool/a.ts', "import { B } from '../drivers/driver.ts'"],
    ['the driver interface in the lexer', 'lib/sql/a.ts', "import type { B } from '../drivers/driver.ts'"],
    ['another file of drivers as a type', 'lib/pool/a.ts', "import type { B } from '../drivers/load.ts'"],
    ['msgpackr outside the codec', 'lib/ipc/frame.ts', "import { pack } from 'msgpackr'"],
    ['an SQLite package', 'lib/drivers/sqlite3.ts', "import sqlite3 from 'sqlite3'"],
    ['an SQLite package by import()', 'lib/worker/a.ts', "await import('better-sqlite3')"],
    ['an SQLite package by require()', 'lib/worker/a.ts', "createRequire(x)('y'); require('node:sqlite')"],
    ['loading where only resolving is meant', 'lib/pool/driver-path.ts', 'const d = await import(path)'],
    ['a layer nobody planned', 'lib/utils/a.ts', ''],
  ]
  for (const [what, file, text] of refused) {
    it(`refuses ${what}`, () => {
      expect(breaches(file, header + text)).to.have.lengthOf(1)
    })
  }

  it('refuses a file without a header', () => {
    expect(breaches('lib/pool/a.ts', "import { b } from '../ipc/b.ts'")).to.have.lengthOf(1)
  })

  it('lets pass what DESIGN 4 draws', () => {
    const fine: [file: string, text: string][] = [
      ['lib/index.ts', "export { connect } from './dbapi/connect.ts'\nexport * from './errors.ts'"],
      ['lib/dbapi/a.ts', "import { b } from '../pool/b.ts'\nimport { c } from '../sql/c.ts'"],
      ['lib/pool/a.ts', "import { b } from '../ipc/b.ts'\nimport type { D } from '../drivers/driver.ts'"],
      ['lib/pool/driver-path.ts', "createRequire(from).resolve('better-sqlite3')"],
      ['lib/worker/a.ts', "import { b } from '../ipc/b.ts'\nimport { c } from '../drivers/load.ts'"],
      ['lib/drivers/load.ts', "await import('better-sqlite3')"],
    ]
    expect(fine.flatMap(([file, text]) => breaches(file, header + text))).to.deep.equal([])
  })
})

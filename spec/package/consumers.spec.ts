/**
 * The package as applications use it: installed from the tarball into an empty project, and loaded as an ES
 * module, by `require`, from TypeScript and out of a bundle. Each runs the same few lines.
 *
 * There is no CommonJS build: `require` of an ES module works from Node 20.19 on, the oldest we accept.
 */
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { tempDir } from '../support/temp-dir.ts'
import { install, runTool, succeed } from './project.ts'

const AS_MODULE = "import { connect } from 'forklite'\n"
const AS_COMMONJS = "const { connect } = require('forklite')\n"

/** Prints the rows; valid as JavaScript, as TypeScript and, since it awaits in a function, as CommonJS. */
const WORK = `
async function main() {
  const conn = await connect(process.argv[2])
  const cur = conn.cursor()
  await cur.execute('create table t(a)')
  await cur.execute('insert into t values (?)', [1])
  await conn.commit()
  await cur.execute('select a from t')
  console.log(JSON.stringify(await cur.fetchall()))
  await conn.close()
}
main()
`

describe('the installed package', function () {
  this.timeout(60_000)
  const dir = tempDir('all')

  before(() => install(dir.path, ['better-sqlite3', '@types/node']))

  /** Runs one of the project's files against a database of its own. */
  async function run(name: string): Promise<string> {
    const { stdout } = await succeed(process.execPath, [name, `${name}.db`], dir.path)
    return stdout
  }

  it('works as an ES module', async () => {
    writeFileSync(dir.file('module.mjs'), AS_MODULE + WORK)
    expect(await run('module.mjs')).to.equal('[[1]]\n')
  })

  it('works by require', async () => {
    writeFileSync(dir.file('commonjs.cjs'), AS_COMMONJS + WORK)
    expect(await run('commonjs.cjs')).to.equal('[[1]]\n')
  })

  it('works out of a bundle that leaves it outside', async () => {
    writeFileSync(dir.file('entry.mjs'), AS_MODULE + WORK)
    const flags = ['--bundle', '--external:forklite', '--platform=node', '--format=esm']
    await runTool('esbuild', ['entry.mjs', ...flags, '--outfile=bundle.mjs', '--log-level=warning'], dir.path)
    expect(await run('bundle.mjs')).to.equal('[[1]]\n')
  })

  for (const extension of ['mts', 'cts']) {
    it(`has types for a strict .${extension} file`, async () => {
      const file = `typed.${extension}`
      const typed = '// @ts-expect-error: connect is typed, not any\nexport const wrong: string = connect\n'
      writeFileSync(dir.file(file), AS_MODULE + typed + WORK)
      // Our own declarations are checked too, hence no skipLibCheck.
      const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node']
      await runTool('tsc', [...flags, file], dir.path)
    })
  }
})

/** The examples, as programs: each prints what its header says, and leaves nothing behind. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { projectRoot } from '../support/run.ts'
import { runScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'

// The demo has figures in its output, and specs of its own.
const EXAMPLES = readdirSync(join(projectRoot, 'examples')).filter(
  (name) => name.endsWith('.ts') && name !== 'demo.ts',
)

/** The command and the output that the header of an example promises. */
function promise(source: string): { command: string; output: string } {
  const header = source.slice(0, source.indexOf(' */')).replaceAll(/^ \* ?/gm, '')
  const [, command = '', output = ''] = /^ {2}(npm run .*)\n\nprints\n\n(.*)$/ms.exec(header) ?? []
  return { command, output: output.replaceAll(/^ {2}/gm, '') }
}

describe('the examples', () => {
  const tmp = tempDir()

  it('are there', () => {
    expect(EXAMPLES).to.include.members(
      ['errors', 'http-server', 'many-callers', 'query', 'rows', 'stream-rows', 'transaction', 'values'].map(
        (name) => `${name}.ts`,
      ),
    )
  })

  for (const name of EXAMPLES) {
    it(`${name} prints what its header says`, async () => {
      const { command, output } = promise(readFileSync(join(projectRoot, 'examples', name), 'utf8'))
      const script = `${basename(name, '.ts')}.js`
      expect(command).to.equal(`npm run build && node dist/examples/${script}`)
      const file = pathToFileURL(join(projectRoot, 'dist', 'examples', script))
      const result = await runScript(file, { env: { TMPDIR: tmp.path } })
      expect(result.stderr).to.equal('')
      expect(result.stdout).to.equal(output)
      expect(result.code).to.equal(0)
      expect(readdirSync(tmp.path)).to.deep.equal([])
    })
  }
})

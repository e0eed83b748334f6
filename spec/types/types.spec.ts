/**
 * The types as applications see them: right programs compile with the project's own tsc against the built
 * declarations, and each wrong line fails by itself. One run of tsc, over copies inside the package, so that
 * `import 'forklite'` finds it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { directoryPrefix, projectRoot, scriptsFolder } from '../support/run.ts'
import { runProgram } from '../support/run-script.ts'

const EXPECTED = '// @ts-expect-error'

const read = (name: string): string => readFileSync(join(projectRoot, 'spec', 'types', name), 'utf8')

/** The lines, from 1, of which each comment says that they are wrong. */
function wrongLines(text: string): number[] {
  return text.split('\n').flatMap((line, i) => (line.trim().startsWith(EXPECTED) ? [i + 2] : []))
}

describe('the types', () => {
  let folder: string
  /** Of each file the lines with errors, in order. */
  const errors = new Map<string, number[]>()
  let output: string

  before(async function () {
    this.timeout(60_000)
    mkdirSync(scriptsFolder, { recursive: true })
    folder = mkdtempSync(join(scriptsFolder, directoryPrefix))
    const wrong = read('wrong.ts')
    const files = {
      'right.ts': read('right.ts'),
      'wrong.ts': wrong,
      'bare.ts': wrong.replaceAll(EXPECTED, '// an error'),
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
      // Ours are checked too, hence no skipLibCheck.
    }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: Object.keys(files) }),
    )
    const tsc = join(projectRoot, 'node_modules', '.bin', 'tsc')
    const result = await runProgram(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder })
    output = result.stdout
    for (const [, file, line] of output.matchAll(/^(?:.*\/)?([\w.-]+)\((\d+),\d+\): error /gm)) {
      errors.set(file!, [...(errors.get(file!) ?? []), Number(line)])
    }
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  it('take right programs', () => {
    expect(errors.get('right.ts') ?? [], output).to.deep.equal([])
  })

  it('refuse each wrong line, as its comment expects', () => {
    expect(errors.get('wrong.ts') ?? [], output).to.deep.equal([])
  })

  it('refuse them without those comments, and no other line', () => {
    const wrong = wrongLines(read('wrong.ts'))
    expect(wrong).to.have.length.above(40)
    expect([...new Set(errors.get('bare.ts'))]).to.deep.equal(wrong)
  })

  it('are whole: nothing is wrong elsewhere', () => {
    expect([...errors.keys()], output).to.deep.equal(['bare.ts'])
  })
})

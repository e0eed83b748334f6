/**
 * README.md: its examples run and print what they say, its commands and options are the real ones.
 *
 * A block tagged `ts` or `js` is a script of its own, run in an empty directory. What it prints is the text of
 * its `// → …` comments, in order, one for each line of output. A block whose first line is `// name.mjs` is
 * not run but written to that file, for the block after it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { stop, transform } from 'esbuild'
import { connect, type Error as DbapiError } from 'forklite'
import { projectRoot } from './support/run.ts'
import { runScript } from './support/run-script.ts'
import { tempDir } from './support/temp-dir.ts'

interface Block {
  readonly language: string
  readonly text: string
  /** Where its first line stands, from 1. */
  readonly line: number
}

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8')
const blocks = blocksOf(readme)

/** The fenced code blocks of a Markdown text. */
function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((match) => ({
    language: match[1]!,
    text: match[2]!,
    line: markdown.slice(0, match.index).split('\n').length + 1,
  }))
}

/** What a block says it prints, line by line. */
function promisedOutput(text: string): string[] {
  return [...text.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]!)
}

/** What is wrong with a block as an example, apart from what it prints; null when it can be run. */
function flaw(text: string): string | null {
  if (promisedOutput(text).length === 0) return 'it has no "// → …" and asserts nothing'
  const silent = text.split('\n').find((line) => /^console\.log\(.*\)$/.test(line.trim()))
  const next = silent === undefined ? '' : text.slice(text.indexOf(silent) + silent.length).trimStart()
  return silent === undefined || next.startsWith('// → ') ? null : `nothing says what this prints: ${silent}`
}

function fileName(text: string): string | undefined {
  return /^\/\/ ([\w-]+\.mjs)\n/.exec(text)?.[1]
}

describe('README.md', () => {
  it('begins with the two commands: the demo, the tests', () => {
    expect(blocks[0]).to.include({
      language: 'sh',
      text: 'npm ci && npm run demo\nnpm ci && npm test\n',
    })
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
    expect(scripts).to.include.keys('demo', 'test')
  })

  it('lists the options there are', async () => {
    const refusal = await connect(':memory:', { nosuchoption: 1 } as object).catch(
      (error: DbapiError) => error,
    )
    const known = /the options are (.*)$/.exec((refusal as DbapiError).message)?.[1]?.split(', ')
    const table = readme.slice(readme.indexOf('\n| option |'), readme.indexOf('An initializer adds'))
    const listed = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap((row) => row[1]!.match(/\w+/g))
    expect(listed).to.have.members(known!)
  })

  describe('example', () => {
    const dir = tempDir()
    after(stop) // transform() keeps a process for the next one.
    const examples = blocks.filter(({ language }) => language === 'ts' || language === 'js')
    for (const [i, { text, line }] of examples.entries()) {
      const file = fileName(text)
      const before = examples[i - 1]?.text ?? ''
      if (file !== undefined) {
        it(`at line ${line} is ${file}, which the next one uses`, () => {
          expect(examples[i + 1]?.text).to.include(file)
        })
        continue
      }
      it(`at line ${line} prints what it says`, async () => {
        expect(flaw(text)).to.equal(null)
        if (fileName(before) !== undefined) writeFileSync(dir.file(fileName(before)!), before)
        const { code } = await transform(text, { loader: 'ts', format: 'esm', target: 'node20' })
        const result = await runScript(code, { cwd: dir.path })
        expect(result.stderr).to.equal('')
        expect(result.stdout.trimEnd().split('\n')).to.deep.equal(promisedOutput(text))
        expect(result.code).to.equal(0)
      })
    }
  })

  describe("the examples' check", () => {
    it('reads blocks, and what they promise', () => {
      const found = blocksOf(
        'a\n```ts\nconsole.log(1) // → 1\nfor (;;) f()\n// → 2\n```\nb\n```sh\nls\n```\n',
      )
      expect(found.map(({ language, line }) => [language, line])).to.deep.equal([
        ['ts', 3],
        ['sh', 9],
      ])
      expect(promisedOutput(found[0]!.text)).to.deep.equal(['1', '2'])
    })

    it('refuses a block that asserts nothing, and a print that promises nothing', () => {
      expect(flaw('f()\n')).to.include('asserts nothing')
      expect(flaw('console.log(1) // → 1\nconsole.log(2)\nf()\n')).to.include('console.log(2)')
      expect(flaw('console.log(1)\n// → 1\n')).to.equal(null)
    })
  })
})

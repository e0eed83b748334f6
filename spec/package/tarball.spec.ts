/** The tarball: holds what an application needs and nothing else; its source maps need no sources beside them. */
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect } from 'chai'
import { projectRoot } from '../support/run.ts'
import { tempDir } from '../support/temp-dir.ts'
import { pack } from './project.ts'

describe('the packed tarball', () => {
  const dir = tempDir('all')
  let files: readonly string[]

  before(async function () {
    this.timeout(60_000)
    files = (await pack(projectRoot, dir.path)).files
  })

  it('holds dist/lib, package.json and the texts that npm shows, and nothing else', () => {
    const texts = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    expect(files.filter((file) => !file.startsWith('dist/lib/') && !texts.includes(file))).to.deep.equal([])
    expect(files).to.include.members(['LICENSE', 'package.json', 'dist/lib/index.js', 'dist/lib/index.d.ts'])
  })

  it("holds whatever package.json's exports name", () => {
    const { exports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      exports: Record<string, string | Record<string, string>>
    }
    const targets = Object.values(exports).flatMap((to) =>
      typeof to === 'string' ? [to] : Object.values(to),
    )
    expect(files).to.include.members(targets.map((target) => posix.normalize(target)))
  })

  it('holds a source map beside each module, with the source in it', () => {
    const modules = files.filter((file) => file.endsWith('.js'))
    expect(modules).not.to.have.lengthOf(0)
    for (const module of modules) {
      const url = /^\/\/# sourceMappingURL=(.+)$/m.exec(read(module))?.[1]
      expect(url, module).to.be.a('string')
      const map = posix.join(posix.dirname(module), url!)
      expect(files).to.include(map)
      const { sources, sourcesContent } = JSON.parse(read(map)) as {
        sources: string[]
        sourcesContent?: (string | null)[]
      }
      expect(sourcesContent, map).to.have.lengthOf(sources.length)
      for (const content of sourcesContent!) expect(content, map).to.be.a('string').that.is.not.equal('')
    }
  })

  function read(file: string): string {
    return readFileSync(join(projectRoot, file), 'utf8')
  }
})

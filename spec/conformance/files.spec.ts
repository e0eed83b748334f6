/** Which files of a folder are a corpus, and what is said of the others. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect } from 'chai'
import { tempDir } from '../support/temp-dir.ts'
import { findFiles } from './files.ts'

describe('findFiles', () => {
  const dir = tempDir()

  function write(...names: string[]): void {
    for (const name of names) {
      mkdirSync(dirname(dir.file(name)), { recursive: true })
      writeFileSync(dir.file(name), 'halt\n')
    }
  }

  it('finds files of both formats in all folders, in the order of their names', () => {
    write('b.test', 'a/z.slt', 'a/b/c.sqltest', 'A.TEST', 'a.x.test')
    const { files, others, unreadable } = findFiles(dir.path)
    expect(files.map(({ name, format, bytes }) => [name, format, bytes])).to.deep.equal([
      ['A.TEST', 'slt', 5],
      ['a/b/c.sqltest', 'sqltest', 5],
      ['a/z.slt', 'slt', 5],
      ['a.x.test', 'slt', 5],
      ['b.test', 'slt', 5],
    ])
    expect([others, unreadable]).to.deep.equal([[], []])
  })

  it('names what is of neither format', () => {
    write('README.md', 'a/x.test.bak', 'test', '.git/HEAD', 'node_modules/m/x.test', 'folder.test/inside.slt')
    const { files, others } = findFiles(dir.path)
    expect(files.map(({ name }) => name)).to.deep.equal(['folder.test/inside.slt'])
    expect(others).to.have.members(['README.md', 'a/x.test.bak', 'test', '.git/', 'node_modules/'])
  })

  it('takes one file', () => {
    write('one.slt')
    expect(findFiles(dir.file('one.slt')).files.map(({ name }) => name)).to.deep.equal(['one.slt'])
  })

  it('follows links, and each folder once', () => {
    write('a/one.slt')
    symlinkSync(dir.path, dir.file('a/back'))
    symlinkSync(dir.file('a/one.slt'), dir.file('two.slt'))
    expect(findFiles(dir.path).files.map(({ name }) => name)).to.deep.equal(['a/one.slt', 'two.slt'])
  })

  it('tells what cannot be looked at', () => {
    symlinkSync(dir.file('nowhere'), dir.file('broken.test'))
    const { files, unreadable } = findFiles(dir.path)
    expect(files).to.deep.equal([])
    expect(unreadable).to.have.lengthOf(1)
    expect(unreadable[0]).to.include({ name: 'broken.test' })
    expect(unreadable[0]?.reason).to.include('ENOENT')
    expect(() => findFiles(dir.file('nowhere'))).to.throw('ENOENT')
  })
})

/**
 * Every public name has a docstring, and so has every member of a public class or interface. Reads the
 * declarations that tsc made of lib/, as an editor would for its user.
 */
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { expect } from 'chai'
import { projectRoot } from './support/run.ts'

const EXPORTED = /^export (?:type )?\{([^}]*)\} from '([^']+)';$/gm
const DECLARED = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/

/** A public name: the file that declares it, and what it is called there. */
interface PublicName {
  readonly name: string
  readonly own: string
  readonly file: string
}

const read = (file: string): string => readFileSync(join(projectRoot, 'dist', 'lib', file), 'utf8')

/** What index.d.ts passes on. */
function publicNames(index: string): PublicName[] {
  return [...index.matchAll(EXPORTED)].flatMap(([, list, from]) =>
    list!
      .split(',')
      .map((each) => each.trim().replace(/^type /, ''))
      .filter((each) => each !== '')
      .map((each) => {
        const [own, name = own] = each.split(' as ')
        return { name: name!, own: own!, file: posix.normalize(from!.replace(/\.ts$/, '.d.ts')) }
      }),
  )
}

/** The file that declares a name, if this one only passes it on. */
function declaredIn(file: string, own: string): string {
  const imported = new RegExp(`^import (?:type )?\\{[^}]*\\b${own}\\b[^}]*\\} from '([^']+)';$`, 'm').exec(
    read(file),
  )
  if (imported === null) return file
  return posix.join(posix.dirname(file), imported[1]!.replace(/\.ts$/, '.d.ts'))
}

/**
 * What of a declaration has no docstring: itself, or members of it by their first line; null if there is no such
 * declaration. A setter has its getter's, a later overload the first one's. What is static is for ourselves.
 */
function undocumented(text: string, own: string): string[] | null {
  const lines = text.split('\n')
  const documented = (at: number) => lines[at - 1]?.trimEnd().endsWith('*/') === true
  const found = lines.flatMap((line, at) => (DECLARED.exec(line)?.[1] === own ? [at] : []))
  if (found.length === 0) {
    const alias = new RegExp(`\\b(\\w+) as ${own}\\b`).exec(text)?.[1]
    return alias === undefined ? null : undocumented(text, alias)
  }
  const missing = found.some(documented) ? [] : [own]
  for (const at of found) {
    if (!/\b(class|interface) /.test(lines[at]!)) continue
    let previous = ''
    for (let i = at + 1; i < lines.length && lines[i] !== '}'; i++) {
      const member = /^ {4}(?:readonly |get |set |new )*(\[[\w.: ]+\]|\w*)/.exec(lines[i]!)?.[1]
      // Deeper lines, comments, `#private` and members of our own, known by a symbol of ours.
      if (lines[i]!.startsWith('    static ')) continue
      if (member === undefined || member === '' || /^\[[A-Z]+\]$/.test(member)) {
        if (!/^ {4}(?:new )?\(/.test(lines[i]!)) continue
      }
      if (!documented(i) && member !== previous) missing.push(`${own}: ${lines[i]!.trim()}`)
      previous = member ?? ''
    }
  }
  return missing
}

describe('docstrings', () => {
  const index = read('index.d.ts')
  const names = [
    ...publicNames(index),
    // What Row and Connection have from above.
    { name: 'a Row', own: 'BaseRow', file: 'dbapi/row.d.ts' },
    { name: 'a Connection', own: 'Exceptions', file: 'dbapi/exceptions.d.ts' },
  ]

  it('are looked for at the public names', () => {
    expect(names.map(({ name }) => name)).to.include.members(['connect', 'Cursor', 'Row', 'Date', 'Error'])
  })

  for (const { name, own, file } of names) {
    it(`${name} has one, and each of its members`, () => {
      const declared = declaredIn(file, own)
      expect(undocumented(read(declared), own), `declared in ${declared}`).to.deep.equal([])
    })
  }

  it('stand at what index.ts declares itself', () => {
    const own = [...index.matchAll(/^export declare const (\w+)/gm)].map(([, name]) => name!)
    expect(own).to.have.members(['apilevel', 'threadsafety', 'paramstyle'])
    expect(own.flatMap((name) => undocumented(index, name))).to.deep.equal([])
  })

  it('are missed where they are missing', () => {
    const text = [
      '/** A. */',
      'export interface A {',
      '    /** b. */',
      '    b: {',
      '        c: string;',
      '    };',
      '    d(): void;',
      '    get e(): string;',
      '    set e(value: string);',
      '    [Symbol.asyncIterator](): void;',
      '    new (a: string): A;',
      '    readonly [i: number]: string;',
      '    [VALUES]: string;',
      '    #private;',
      '}',
      'export declare const f = 1;',
    ].join('\n')
    expect(undocumented(text, 'A')).to.deep.equal([
      'A: d(): void;',
      'A: get e(): string;',
      'A: [Symbol.asyncIterator](): void;',
      'A: new (a: string): A;',
      'A: readonly [i: number]: string;',
    ])
    expect(undocumented(text, 'f')).to.deep.equal(['f'])
    expect(undocumented(text, 'g')).to.equal(null)
  })
})

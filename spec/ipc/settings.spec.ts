/** withSetting: what is in force after a setting, in the order to apply it in. */
import { expect } from 'chai'
import { type Setting, withSetting } from '../../lib/ipc/settings.ts'

const attach = (name: string, path = `/${name}`): Setting => ['attach', name, path]
const detach = (name: string): Setting => ['detach', name, '']
const pragma = (name: string, value = 'on'): Setting => ['pragma', name, `pragma ${name} = ${value}`]

describe('withSetting()', () => {
  const cases: [what: string, made: Setting[], inForce: Setting[]][] = [
    ['nothing', [], []],
    [
      'each that was made, in order',
      [attach('x'), pragma('a'), attach('y')],
      [attach('x'), pragma('a'), attach('y')],
    ],
    ['no file that was detached', [attach('x'), attach('y'), detach('x')], [attach('y')]],
    ['nothing of a file that was not attached', [pragma('a'), detach('x')], [pragma('a')]],
    [
      'the newest file of a name, last',
      [attach('x'), attach('y'), attach('x', '/z')],
      [attach('y'), attach('x', '/z')],
    ],
    [
      'the newest of a pragma, last',
      [pragma('a', '1'), pragma('b'), pragma('a', '2')],
      [pragma('b'), pragma('a', '2')],
    ],
    [
      'a pragma with a schema beside that without',
      [pragma('a', '1'), pragma('main.a', '2')],
      [pragma('a', '1'), pragma('main.a', '2')],
    ],
    [
      'no pragma of a file that was detached',
      [attach('x'), pragma('x.a'), pragma('a'), detach('x')],
      [pragma('a')],
    ],
    [
      'no pragma of a file whose name went to another',
      [attach('x'), pragma('x.a'), attach('x', '/z')],
      [attach('x', '/z')],
    ],
    [
      'pragmas of files whose names only begin alike',
      [attach('xy'), pragma('xy.a'), attach('x'), detach('x')],
      [attach('xy'), pragma('xy.a')],
    ],
    ['a file and a pragma of one name', [attach('a'), pragma('a'), detach('a')], [pragma('a')]],
  ]
  for (const [what, made, inForce] of cases) {
    it(`keeps ${what}`, () => {
      const before: readonly Setting[] = Object.freeze([])
      expect(
        made.reduce<readonly Setting[]>((all, each) => Object.freeze(withSetting(all, each)), before),
      ).to.deep.equal(inForce)
    })
  }

  it('grows with what is in force, not with how often it was made', () => {
    let all: readonly Setting[] = []
    for (let i = 0; i < 5000; i++) {
      for (const each of [attach('x'), pragma('x.a', String(i)), pragma('a', String(i)), detach('x')])
        all = withSetting(all, each)
    }
    expect(all).to.deep.equal([pragma('a', '4999')])
  })
})

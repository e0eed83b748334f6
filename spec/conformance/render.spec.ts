/** Values as the two formats show them: what SQLite 3.40 gives for the same, and where the formats say otherwise. */
import { expect } from 'chai'
import type { Value } from './database.ts'
import { listValue, realText, sltValue, threeDecimals } from './render.ts'

/** One line for each: the value as it is given, and as it is shown. */
function each(title: string, show: (value: Value) => string, cases: [value: Value, shown: string][]): void {
  describe(title, () => {
    for (const [value, shown] of cases) {
      const given =
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : JSON.stringify(String(value))
      it(`${typeof value} ${given} is ${shown}`, () => expect(show(value)).to.equal(shown))
    }
  })
}

each('sqllogictest, type T', (value) => sltValue(value, 'T'), [
  [null, 'NULL'],
  ['', '(empty)'],
  ['a b~', 'a b~'],
  ['a\tb\x7f', 'a@b@'],
  ['é€', '@@@@@'],
  ['ab\0cd', 'ab'],
  ['\0', '(empty)'],
  [Buffer.from([0x61, 0xff, 0x00, 0x62]), 'a@'],
  [Buffer.alloc(0), '(empty)'],
  [7, '7'],
  [-0.5, '-0.5'],
  [9223372036854775807n, '9223372036854775807'],
])

each('sqllogictest, type T, numbers as REAL', (value) => sltValue(value, 'T', 'reals'), [
  [7, '7.0'],
  [-1e15, '-1.0e+15'],
  [0.5, '0.5'],
  [9223372036854775807n, '9223372036854775807'],
])

each('sqllogictest, type I', (value) => sltValue(value, 'I'), [
  [null, 'NULL'],
  [12, '12'],
  [-3.99, '-3'],
  [3.99, '3'],
  ['abc', '0'],
  ['', '0'],
  ['  -12abc', '-12'],
  ['+5', '5'],
  ['1e3', '1'],
  ['3.7', '3'],
  [Buffer.from('42'), '42'],
  [4294967297, '1'],
  [2147483648, '-2147483648'],
  [9223372036854775807n, '-1'],
  ['99999999999999999999', '-1'],
  ['-99999999999999999999', '0'],
  [1e300, '-1'],
  [Number.NEGATIVE_INFINITY, '0'],
])

each('sqllogictest, type R', (value) => sltValue(value, 'R'), [
  [null, 'NULL'],
  [1, '1.000'],
  [0, '0.000'],
  [-0, '0.000'],
  [2.5, '2.500'],
  [-0.0004, '-0.000'],
  [0.0005, '0.001'],
  ['3.14159abc', '3.142'],
  [' .5', '0.500'],
  ['1e2', '100.000'],
  ['abc', '0.000'],
  [Buffer.from('2.25'), '2.250'],
  [9007199254740993n, '9007199254740992.000'],
])

each('%.3f from 16 significant digits', (value) => threeDecimals(value as number), [
  // As doubles these are a little less than they look, or a little more.
  [1.0005, '1.001'],
  [2.0005, '2.001'],
  [9.9995, '9.999'],
  [999.9995, '1000.000'],
  [0.00049999, '0.000'],
  [1e-20, '0.000'],
  [1 / 3, '0.333'],
  [123456789012345.67, '123456789012345.700'],
  [1e17 / 3, '33333333333333330.000'],
  [1e22 / 7, '1428571428571429000000.000'],
  [Number.POSITIVE_INFINITY, 'Inf'],
])

each('the text of a REAL', (value) => realText(value as number), [
  [0, '0.0'],
  [10, '10.0'],
  [-2.5, '-2.5'],
  [1 / 3, '0.333333333333333'],
  [0.1 + 0.2, '0.3'],
  [0.0001, '0.0001'],
  [0.00001, '1.0e-05'],
  [0.000012345, '1.2345e-05'],
  [999999999999999, '999999999999999.0'],
  [1e15, '1.0e+15'],
  [123456789012345680, '1.23456789012346e+17'],
  [2 ** 63, '9.22337203685478e+18'],
  [1.7976931348623157e308, '1.79769313486232e+308'],
  [Number.POSITIVE_INFINITY, 'Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
])

describe("the shell's list mode", () => {
  const cases: [value: Value, texts: string[]][] = [
    [null, ['']],
    ['', ['']],
    ['é|x', ['é|x']],
    ['a\0b', ['a']],
    [Buffer.from('CAFE', 'utf8'), ['CAFE']],
    [10, ['10', '10.0']],
    [2.5, ['2.5']],
    [2 ** 53, ['9.00719925474099e+15']],
    [2n ** 53n, ['9007199254740992']],
  ]
  for (const [value, texts] of cases) {
    it(`${typeof value} ${String(value)} is ${texts.join(' or ')}`, () => {
      expect(listValue(value)).to.deep.equal(texts)
    })
  }
})

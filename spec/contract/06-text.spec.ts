/** Contract: text comes out as it went in, character by character; see subjects.ts. */
import { expect } from 'chai'
import { describeContract } from './subjects.ts'

const TEXTS: [what: string, text: string][] = [
  ['nothing', ''],
  ['a blank', ' '],
  ['ASCII', 'Utrecht'],
  ['quotes and backslashes', `it's "a" \\n ; -- ?`],
  ['line ends', 'a\r\nb\nc\rd\u2028e\u2029f'],
  ['control characters', '\u0001\u0008\u001b\u007f\u0085'],
  ['accents', 'żółć Zürich ça'],
  ['astral characters', '🚲𝒳\u{10ffff}'],
  ['one combining character', 'e\u0301 is not é'],
  ['many combining characters', `Z${'\u0351\u036b\u0343'.repeat(20)}`],
  ['joined characters', '👩‍👩‍👧‍👦'],
  ['right to left', 'שלום\u202eabc'],
  ['noncharacters', '\ufffe\uffff\ufdd0'],
  ['replacement characters', '\ufffd\ufffd'],
  ['a byte order mark alone', '\ufeff'],
  ['a byte order mark in front', '\ufeffname'],
  ['two byte order marks in front', '\ufeff\ufeffname'],
  ['a byte order mark in front of long text', `\ufeff${'x'.repeat(5000)}`],
  ['a byte order mark in front of long text of other alphabets', `\ufeff${'ż🚲'.repeat(500)}`],
  ['what looks like a number', '5'],
  ['what looks like a larger one', '9223372036854775808'],
  ['64 KiB', 'x'.repeat(65_536)],
  ['a megabyte of two, three and four bytes', 'é名🚲'.repeat(120_000)],
]

/** Not chai's deep equality: its diff of a megabyte takes a minute. */
function expectText(actual: unknown, text: string): void {
  expect(typeof actual).to.equal('string')
  expect((actual as string).length).to.equal(text.length)
  expect(actual === text, 'the text is another').to.equal(true)
}

describeContract('text', (db) => {
  for (const [what, text] of TEXTS) {
    it(`with ${what} is the same in a parameter, a table and RETURNING`, async () => {
      const [param] = await db.rows('select ?, typeof(?)', [text, text])
      expectText(param![0], text)
      expect(param![1]).to.equal('text')
      await db.run('create table t (x text, u)')
      const [returned] = await db.rows('insert into t values (?, ?) returning u', [text, text])
      expectText(returned![0], text)
      const [row] = await db.rows('select x, u, typeof(u), length(cast(u as blob)) from t where u = ?', [
        text,
      ])
      expectText(row![0], text)
      expectText(row![1], text)
      expect(row!.slice(2)).to.deep.equal(['text', Buffer.byteLength(text)])
    })
  }

  for (const text of ['a\0b', '\0', 'a\0', '\0a', `${'x'.repeat(100)}\0${'y'.repeat(100)}`]) {
    const shown = JSON.stringify(text.length > 9 ? 'long\0text' : text)
    if (db.driver === 'node:sqlite' && !db.features.nulInText) {
      it(`with NUL is refused, since this Node would cut it: ${shown}`, async () => {
        await db.run('create table t (u)')
        const error = await db.error('insert into t values (?)', [text])
        expect(error).to.include({ name: 'DataError', code: 'UNSUPPORTED' })
        expect(error.message).to.match(/parameter 1 .*use Node 24.16 or later/)
        expect(await db.rows('select * from t')).to.deep.equal([])
      })
    } else {
      it(`with NUL is whole: ${shown}`, async () => {
        await db.run('create table t (u)')
        await db.run('insert into t values (?)', [text])
        expect(await db.rows('select u, typeof(u), hex(u) from t where u = ?', [text])).to.deep.equal([
          [text, 'text', Buffer.from(text).toString('hex').toUpperCase()],
        ])
        expect(await db.rows('select ?, ? as b, ? as b', [text, text, text])).to.deep.equal([
          [text, text, text],
        ])
        expect(await db.rows("select 'a' || char(0) || 'b' as t")).to.deep.equal([['a\0b']])
      })
    }
  }

  it('in SQL itself is the same', async () => {
    expect(await db.rows("select 'żółć 🚲 e\u0301', '\ufeffx', 'it''s'")).to.deep.equal([
      ['żółć 🚲 e\u0301', '\ufeffx', "it's"],
    ])
  })

  it('that is not UTF-8 comes out with U+FFFD', async () => {
    expect(await db.rows("select cast(x'61ff62' as text) as t, cast(x'c3' as text) as u")).to.deep.equal([
      ['a\ufffdb', '\ufffd'],
    ])
  })

  it('many long ones come out in their order', async () => {
    const sql =
      "with recursive n (i) as (values (0) union all select i + 1 from n where i < 299) select i, i || '-' || replace(hex(zeroblob(1000)), '0', 'ż') from n"
    const rows = await db.rows(sql)
    expect(rows).to.have.lengthOf(300)
    const tail = 'ż'.repeat(2000)
    rows.forEach(([i, text], at) => {
      expect(i).to.equal(at)
      expectText(text, `${at}-${tail}`)
    })
  })
})

/** Contract: BLOBs go in as any Uint8Array and come out as Buffers of their own; see subjects.ts. */
import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { describeContract, type Subject } from './subjects.ts'

const base = Uint8Array.from({ length: 256 }, (_, i) => i)
const megabyte = randomBytes(1024 * 1024)

const BLOBS: [what: string, blob: Uint8Array][] = [
  ['an empty one', new Uint8Array(0)],
  ['an empty view', base.subarray(7, 7)],
  ['one byte', new Uint8Array([200])],
  ['one byte that is 0', new Uint8Array([0])],
  ['every byte', base],
  ['a view with an offset', base.subarray(100, 110)],
  ['a Buffer', Buffer.from('żółć')],
  ['a Buffer that is a view', Buffer.from('0123456789').subarray(3, 6)],
  ['what is no UTF-8', new Uint8Array([0xff, 0xfe, 0x00, 0x80])],
  ['one byte more than 64 KiB', megabyte.subarray(0, 65_537)],
  ['a megabyte', megabyte],
]

function expectBlob(actual: unknown, blob: Uint8Array): void {
  expect(Buffer.isBuffer(actual)).to.equal(true)
  expect((actual as Buffer).equals(blob), 'the bytes are others').to.equal(true)
}

/** What one row's BLOB keeps alive: itself, and no chunk, frame or slab that it is a view of. */
async function expectToPinNothing(db: Subject, sql: string, length: number): Promise<void> {
  const [[blob]] = (await db.rows(sql, [length])) as [[Buffer]]
  expect(blob.length).to.equal(length)
  expect(blob.buffer.byteLength).to.be.at.most(length + 16)
}

describeContract('BLOBs', (db) => {
  for (const [what, blob] of BLOBS) {
    it(`${what}: the same in a parameter, a table and RETURNING`, async () => {
      const [param] = await db.rows('select ?, typeof(?), length(?)', [blob, blob, blob])
      expectBlob(param![0], blob)
      expect(param!.slice(1)).to.deep.equal(['blob', blob.length])
      await db.run('create table t (x text, u)')
      const [returned] = await db.rows('insert into t values (?, ?) returning u', [blob, blob])
      expectBlob(returned![0], blob)
      const [row] = await db.rows('select x, u, typeof(x), typeof(u) from t where u = ?', [blob])
      expectBlob(row![0], blob)
      expectBlob(row![1], blob)
      expect(row!.slice(2)).to.deep.equal(['blob', 'blob'])
    })
  }

  it('several in one row, beside duplicates, are each their own', async () => {
    const given = [new Uint8Array([1, 0, 255]), Buffer.from('x'), new Uint8Array(0), base.subarray(8, 10)]
    const [row] = await db.rows('select ? as a, ? as a, ? as "1", ? as "0"', given)
    given.forEach((blob, i) => {
      expectBlob(row![i], blob)
    })
  })

  it('an empty one is not NULL, and a zeroblob is one', async () => {
    const [row] = await db.rows("select x'', zeroblob(3), ? is null", [new Uint8Array(0)])
    expectBlob(row![0], new Uint8Array(0))
    expectBlob(row![1], new Uint8Array(3))
    expect(row![2]).to.equal(0)
  })

  it('text and BLOB of the same bytes stay what they are', async () => {
    await db.run('create table t (u)')
    await db.run('insert into t values (?), (?)', ['ab', Buffer.from('ab')])
    expect(await db.rows('select u, typeof(u) from t order by rowid')).to.deep.equal([
      ['ab', 'text'],
      [Buffer.from('ab'), 'blob'],
    ])
  })

  for (const length of [1, 10, 100, 5000, 100_000]) {
    it(`of ${length} bytes pins no larger buffer`, async () => {
      await expectToPinNothing(db, 'select randomblob(?)', length)
      await expectToPinNothing(db, "select randomblob(?), 'x', 2, x'00' as a, x'01' as a", length)
    })
  }

  it('one among many rows pins no larger buffer', async () => {
    const sql =
      'with recursive n (i) as (values (1) union all select i + 1 from n where i < 2000) select randomblob(10), i from n'
    const rows = await db.rows(sql)
    expect(rows).to.have.lengthOf(2000)
    for (const [blob] of rows) expect((blob as Buffer).buffer.byteLength).to.be.at.most(26)
  })

  it('are taken as they are when the call is made', async () => {
    const blob = Buffer.from('before')
    const rows = db.rows('select ?', [blob])
    blob.fill(0)
    expectBlob((await rows)[0]![0], Buffer.from('before'))
  })
})

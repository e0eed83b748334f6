/**
 * Values of many megabytes, in and out; and those that maxFrameBytes refuses. The large ones are in a process of
 * their own, with the first driver that can be used.
 */
import { expect } from 'chai'
import { type Connection, connect } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'
import { runScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'

const MIB = 1024 * 1024

describe('Large values', () => {
  const dir = tempDir()

  it('of 200 MB as a BLOB, and of 100 MB as text, go in and come out', async function () {
    this.timeout(180_000)
    const { code, stdout, stderr } = await runScript(
      `import { createHash } from 'node:crypto'
       import { connect } from 'forklite'
       const hash = (value) => createHash('sha1').update(value).digest('hex')
       const conn = await connect(${JSON.stringify(dir.file('test.db'))}, { readers: 1, autocommit: true })
       await conn.execute('create table t (name text, value)')
       {
         const blob = Buffer.alloc(200_000_000)
         for (let i = 0; i < blob.length; i += 4099) blob[i] = i % 251
         blob[blob.length - 1] = 77
         await conn.execute('insert into t values (?, ?)', ['blob', blob])
         const [value] = await conn.execute("select value from t where name = 'blob'").fetchone()
         console.log(value.length, Buffer.isBuffer(value), hash(value) === hash(blob))
       }
       globalThis.gc()
       {
         const text = 'abcdefghijklmno✓'.repeat(6_250_000)
         await conn.execute('insert into t values (?, ?)', ['text', text])
         const [value, length] = await conn.execute("select value, length(value) from t where name = 'text'").fetchone()
         console.log(value.length, length, value === text)
         const [[other]] = await conn.execute('select ? as echo', [text]).fetchall()
         console.log(other === text)
       }
       const small = []
       for await (const [name] of conn.execute('select name from t order by rowid')) small.push(name)
       console.log(small.join())
       await conn.close()`,
      { nodeArgs: ['--expose-gc'], deadlineMs: 170_000 },
    )
    expect(stderr).to.equal('')
    expect(stdout.trim().split('\n')).to.deep.equal([
      ...['200000000 true true', '100000000 100000000 true', 'true', 'blob,text'],
    ])
    expect(code).to.equal(0)
  })
})

describeEachDriver('Large rows', ({ driver, file }) => {
  let conn: Connection

  beforeEach(async () => {
    conn = await connect(file(), { driver, readers: 1, maxFrameBytes: 4 * MIB })
    await conn.execute('create table t (a integer primary key, b)')
  })
  afterEach(() => conn.close())

  it('of 1 MB each come one by one, among small ones', async () => {
    const sizes = Array.from({ length: 12 }, (_, i) => (i % 4 === 3 ? 10 : MIB + i))
    for (const size of sizes)
      await conn.execute('insert into t (b) values (?)', [Buffer.alloc(size, size % 256)])
    await conn.commit()
    for (const inside of [false, true]) {
      if (inside) await conn.execute('update t set a = a')
      const seen: number[] = []
      for await (const [, blob] of conn.execute('select a, b from t order by a')) {
        const { length } = blob as Buffer
        seen.push(length)
        expect((blob as Buffer).every((byte) => byte === length % 256)).to.equal(true)
      }
      expect(seen).to.deep.equal(sizes)
      await conn.commit()
    }
    const returned = await conn.execute('update t set a = a + 100 returning b').fetchall()
    expect(returned.map(([blob]) => (blob as Buffer).length).sort()).to.deep.equal([...sizes].sort())
  })

  it('of two or three to a chunk are not taken ahead of who looks at the first', async () => {
    for (let i = 0; i < 8; i++) await conn.execute('insert into t (b) values (zeroblob(200000))')
    await conn.commit()
    const cursor = await conn.execute('select a, b from t')
    expect((await cursor.fetchone())![0]).to.equal(1)
    expect((await cursor.fetchmany(3)).map(([a]) => a)).to.deep.equal([2, 3, 4])
    await cursor.close()
  })

  it('are refused on their way in when they are larger than a frame, and nothing else is', async () => {
    for (const large of [Buffer.alloc(4 * MIB), 'x'.repeat(4 * MIB), '✓'.repeat(2 * MIB)]) {
      const error = await errorOf(conn.execute('insert into t (b) values (?)', [large]))
      expect(error).to.include({ name: 'DataError', code: 'FRAME_TOO_LARGE' })
      expect(error.message).to.match(
        /take \d+ bytes, where maxFrameBytes allows 4194304: raise maxFrameBytes/,
      )
      expect(error.message.length).to.be.below(1000)
    }
    const many = await errorOf(
      conn.executemany('insert into t (b) values (?)', [['small'], [Buffer.alloc(5 * MIB)], ['never']]),
    )
    expect(many).to.include({ name: 'DataError', code: 'FRAME_TOO_LARGE' })
    await conn.rollback()
    await conn.execute('insert into t (b) values (?)', [Buffer.alloc(4 * MIB - 1000)])
    await conn.commit()
    expect(await conn.execute('select count(*), sum(length(b)) from t').fetchone()).to.deep.equal([
      1,
      4 * MIB - 1000,
    ])
  })

  it('are refused on their way out when they are larger than a frame, and what is before them is not', async () => {
    await conn.execute('insert into t (b) values (1), (2), (zeroblob(?)), (4)', [5 * MIB])
    await conn.commit()
    for (const inside of [false, true]) {
      if (inside) await conn.execute('update t set a = a')
      const cursor = await conn.execute('select a, b from t')
      expect(await cursor.fetchmany(2)).to.deep.equal([
        [1, 1],
        [2, 2],
      ])
      const error = await errorOf(cursor.fetchone())
      expect(error).to.include({ name: 'DataError', code: 'FRAME_TOO_LARGE' })
      expect(error.message).to.match(/a row of 524\d{4} bytes.*raise maxFrameBytes, or read .* substr/)
      expect(await errorOf(cursor.fetchall())).to.equal(error)
      const first = await errorOf(conn.execute('select b from t where a = 3'))
      expect(first).to.include({ name: 'DataError', code: 'FRAME_TOO_LARGE' })
      expect(conn.inTransaction).to.equal(inside)
      expect(
        await conn.execute('select length(b), substr(b, 1, 2) from t where a = 3').fetchone(),
      ).to.deep.equal([...[5 * MIB, Buffer.alloc(2)]])
      await conn.commit()
    }
    // What it took in memory is let go of: there is a connection for the next.
    for (let i = 0; i < 20; i++) await errorOf(conn.execute('select b from t where a >= 3'))
    expect(await conn.execute('select a from t where a = 4').fetchall()).to.deep.equal([[4]])
  })
})

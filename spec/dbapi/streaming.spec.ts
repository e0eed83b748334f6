/**
 * Streaming: results of many chunks, read to the end by every way there is, beside others of the same
 * Connection. What ends them early is in streaming-ends.spec.ts, what breaks them in streaming-failures.spec.ts.
 */
import { expect } from 'chai'
import { type Connection, type Cursor, connect, createPool, type Pool, type RowArray } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

/** About 100 bytes a row on the wire: 650 rows are a chunk. */
const FILLER = 'f'.repeat(98)
const counting = (last: number) =>
  `with recursive c(x) as (select 1 union all select x + 1 from c where x < ${last}) select x, '${FILLER}' from c`
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1)
const firstOf = (rows: readonly RowArray[]) => rows.map(([value]) => value)

/** By each way of fetching, what a cursor gives. */
const WAYS: Record<string, (cursor: Cursor) => Promise<RowArray[]>> = {
  'for await': async (cursor) => {
    const rows: RowArray[] = []
    for await (const row of cursor) rows.push(row)
    return rows
  },
  fetchone: async (cursor) => {
    const rows: RowArray[] = []
    for (let row = await cursor.fetchone(); row !== null; row = await cursor.fetchone()) rows.push(row)
    return rows
  },
  'fetchmany(97)': async (cursor) => {
    const rows: RowArray[] = []
    for (;;) {
      const some = await cursor.fetchmany(97)
      rows.push(...some)
      if (some.length < 97) return rows
    }
  },
  fetchall: (cursor) => cursor.fetchall(),
  'all of them in turn': async (cursor) => {
    const rows: RowArray[] = []
    for (let i = 0; i < 5; i++) {
      const one = await cursor.fetchone()
      if (one !== null) rows.push(one)
      rows.push(...(await cursor.fetchmany(133)))
    }
    rows.push(...(await cursor.fetchall()))
    return rows
  },
}

describeEachDriver('Streaming', ({ driver, file }) => {
  let pool: Pool
  let conn: Connection

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    conn = await pool.connect()
    await conn.execute('create table t (a integer primary key, b)')
  })
  afterEach(() => pool.close())

  async function filled(rows = 3000): Promise<void> {
    await conn.execute(`insert into t ${counting(rows)}`)
    await conn.commit()
  }

  for (const [way, read] of Object.entries(WAYS)) {
    it(`gives every row once and in order: ${way}`, async () => {
      for (const rows of [0, 1, 600, 655, 700, 1300, 1310, 2000, 10_000]) {
        const cursor = await conn.execute(`${counting(Math.max(rows, 1))} limit ${rows}`)
        const all = await read(cursor)
        expect(firstOf(all), String(rows)).to.deep.equal(upTo(rows))
        expect(await cursor.fetchone()).to.equal(null)
        expect(await cursor.fetchall()).to.deep.equal([])
        expect(await cursor.fetchmany(5)).to.deep.equal([])
      }
    })
  }

  it('keeps the order of calls that overlap', async () => {
    await filled(3000)
    const cursor = await conn.execute('select a, b from t')
    const parts = await Promise.all([
      cursor.fetchone(),
      cursor.fetchmany(1500),
      cursor.fetchone(),
      cursor.fetchmany(10),
      cursor.fetchall(),
      cursor.fetchone(),
      cursor.fetchall(),
    ])
    expect([parts[0]![0], parts[2]![0], parts[5], parts[6]]).to.deep.equal([1, 1502, null, []])
    expect(firstOf(parts[1])).to.deep.equal(upTo(1501).slice(1))
    expect(firstOf(parts[3])).to.deep.equal(upTo(1512).slice(1502))
    expect(firstOf(parts[4])).to.deep.equal(upTo(3000).slice(1512))
  })

  for (const answered of [false, true]) {
    it(`keeps their order too when the statement ${answered ? 'was just' : 'is not yet'} answered`, async () => {
      for (const rows of [5, 3000]) {
        const execution = pool.execute(counting(rows))
        if (answered) await execution
        const [one, some, two, rest, none] = await Promise.all([
          execution.fetchone(),
          execution.fetchmany(2),
          execution.fetchone(),
          execution.fetchall(),
          execution.fetchone(),
        ])
        expect([one![0], firstOf(some), two![0], none]).to.deep.equal([1, [2, 3], 4, null])
        expect(firstOf(rest)).to.deep.equal(upTo(rows).slice(4))
        const other = pool.execute(counting(rows))
        if (answered) await other
        const [all, after] = await Promise.all([other.fetchall(), other.fetchone()])
        expect([all.length, after]).to.deep.equal([rows, null])
      }
    })
  }

  it('reads a hundred cursors of one Connection side by side, while others read and write', async () => {
    await filled(2000)
    const writer = await pool.connect({ autocommit: true })
    const cursors: Cursor[] = []
    for (let i = 0; i < 100; i++) {
      const cursor = conn.cursor()
      await cursor.execute('select a, b from t')
      expect((await cursor.fetchone())![0]).to.equal(1)
      cursors.push(cursor)
      await writer.execute('insert into t values (?, ?)', [10_000 + i, FILLER])
      // Awaited, so seen by all that comes after, on each Connection.
      for (const reader of [conn, writer, pool]) {
        expect(await reader.execute('select count(*) from t').fetchone()).to.deep.equal([2001 + i])
      }
    }
    const seen = cursors.map(() => 1)
    for (let round = 0, left = cursors.length; left > 0; round++) {
      left = 0
      await Promise.all(
        cursors.map(async (cursor, i) => {
          const rows = await cursor.fetchmany(211 + i)
          for (const [a] of rows) {
            const place = seen[i]!++
            expect(a).to.equal(place < 2000 ? place + 1 : 10_000 + place - 2000)
          }
          left += rows.length
        }),
      )
      await writer.execute('update t set b = b || ? where a = ?', [round, 1999])
      const [changed] = (await conn.execute('select b from t where a = 1999').fetchone()) as [string]
      expect(changed.endsWith(String(round))).to.equal(true)
    }
    expect(seen).to.deep.equal(cursors.map((_, i) => 2000 + i))
  })

  it('runs the same SQL in several cursors at once, each at a place of its own', async () => {
    await filled(3000)
    const cursors = await Promise.all(upTo(7).map(() => conn.execute('select a, b from t').then((c) => c)))
    for (const [i, cursor] of cursors.entries())
      expect(await cursor.fetchmany(i * 300)).to.have.length(i * 300)
    for (const [i, cursor] of cursors.entries()) {
      expect(firstOf(await cursor.fetchall())).to.deep.equal(upTo(3000).slice(i * 300))
    }
  })

  for (const inside of [false, true]) {
    const where = inside ? 'inside a transaction' : 'outside'

    it(`loops three levels deep, ${where}`, async () => {
      await filled(1400)
      if (inside) await conn.execute('insert into t values (9000, 0)')
      let count = 0
      for await (const [a] of conn.execute('select a, b from t where a <= 1400')) {
        if ((a as number) % 700 !== 0) continue
        for await (const [b] of conn.execute('select a, b from t where a <= 1400')) {
          if ((b as number) % 700 !== 0) continue
          for await (const [c] of conn.execute('select a, b from t where a <= 1400')) {
            count++
            expect(c).to.equal(((count - 1) % 1400) + 1)
          }
        }
      }
      expect(count).to.equal(4 * 1400)
      expect(conn.inTransaction).to.equal(inside)
    })

    it(`updates and deletes what the loop reads, ${where}`, async () => {
      await filled(3000)
      if (inside) await conn.execute('insert into t values (9000, 0)')
      const seen: unknown[] = []
      for await (const [a, b] of conn.execute('select a, b from t where a <= 3000 order by a')) {
        expect(b).to.equal(FILLER)
        seen.push(a)
        if ((a as number) % 10 === 0) await conn.execute('delete from t where a = ?', [a])
        else if ((a as number) % 10 === 5) await conn.execute("update t set b = 'done' where a = ?", [a])
      }
      expect(seen).to.deep.equal(upTo(3000))
      await conn.commit()
      expect(
        await pool.execute("select count(*), sum(b = 'done') from t where a <= 3000").fetchone(),
      ).to.deep.equal([2700, 300])
    })
  }

  it('keeps its snapshot outside a transaction, and shares what is written inside', async () => {
    await filled(3000)
    const before = await conn.execute('select a, b from t')
    await before.fetchone()
    await conn.execute('delete from t where a > 2000')
    const inside = await conn.execute('select a, b from t')
    expect((await inside.fetchall()).length).to.equal(2000)
    await conn.commit()
    expect((await before.fetchall()).length).to.equal(2999)
  })

  it('goes on across commit(), with no row lost or given twice', async () => {
    await conn.execute(`insert into t ${counting(3000)}`)
    const cursor = await conn.execute('select a, b from t')
    expect(await cursor.fetchmany(100)).to.have.length(100)
    await conn.commit()
    await conn.execute('delete from t')
    await conn.commit()
    expect(firstOf(await cursor.fetchall())).to.deep.equal(upTo(3000).slice(100))
    expect(await pool.execute('select count(*) from t').fetchone()).to.deep.equal([0])
  })

  it('goes on across rollback(), with no row lost or given twice', async () => {
    await filled(3000)
    await conn.execute('delete from t where a = 3000')
    const cursor = await conn.execute('select a, b from t')
    expect(await cursor.fetchmany(100)).to.have.length(100)
    await conn.rollback()
    const rows = firstOf(await cursor.fetchall())
    expect(rows.slice(0, 2899)).to.deep.equal(upTo(2999).slice(100))
    // The row that came back lies ahead: SQLite finds it where the loop has not been yet.
    expect(rows.slice(2899)).to.deep.equal([3000])
  })

  it('ends with what was read, when the very rows it reads are rolled back, as in CPython', async () => {
    await conn.execute(`insert into t ${counting(3000)}`)
    const cursor = await conn.execute('select a, b from t')
    expect(await cursor.fetchmany(100)).to.have.length(100)
    await conn.rollback()
    const rows = firstOf(await cursor.fetchall())
    expect(rows).to.deep.equal(upTo(3000).slice(100, 100 + rows.length))
    expect(rows.length).to.be.below(2900)
    expect(await conn.execute('select count(*) from t').fetchone()).to.deep.equal([0])
  })

  it('lets the table it reads be altered, and dropped outside a transaction', async () => {
    await filled(3000)
    const one = await conn.execute('select a, b from t')
    await one.fetchone()
    await conn.execute('alter table t add column c default 7')
    const two = await conn.execute('select a, b, c from t')
    await two.fetchone()
    await conn.execute('drop table t')
    expect(firstOf(await one.fetchall())).to.deep.equal(upTo(3000).slice(1))
    expect((await two.fetchall()).every(([, , c]) => c === 7)).to.equal(true)
  })

  it('has others run on connections that are set as the first is', async () => {
    await filled()
    const set =
      'select * from pragma_query_only, pragma_foreign_keys, pragma_synchronous, pragma_trusted_schema'
    const asked = () => conn.execute(set).fetchall()
    const first = await asked()
    const cursors: Cursor[] = []
    for (let i = 0; i < 3; i++) {
      const cursor = await conn.execute('select a, b from t')
      await cursor.fetchone()
      cursors.push(cursor)
      expect(await asked()).to.deep.equal(first)
      const error = await errorOf(conn.execute('select * from t where a = json(?)', ['{']))
      expect(error.name).to.match(/Error$/)
    }
    for (const cursor of cursors) await cursor.close()
    // And those of the writer.
    await conn.execute('insert into t values (9000, 0)')
    const left = await conn.execute('select a, b from t')
    const inside = await asked()
    await conn.commit()
    await conn.execute('insert into t values (9001, 0)')
    expect(await asked()).to.deep.equal(inside)
    await conn.rollback()
    expect((await left.fetchall()).length).to.equal(3001)
  })

  it('asks ahead for nobody who reads one row', async () => {
    await filled(3000)
    const asked = () => pool.stats().children.map(({ inFlight }) => inFlight)
    for (;;) {
      const cursor = await conn.execute('select a, b from t')
      await cursor.fetchone()
      expect(asked()).to.deep.equal([0, 0])
      await cursor.fetchmany(500)
      // Of rows that came slowly nothing is asked for ahead: those of sqlite3 always do, and others' on a busy machine.
      if (driver === 'sqlite3' || asked()[1] === 2) break
      expect(asked()).to.deep.equal([0, 0])
    }
  })

  it('gives rows as they come, where they come slowly', async () => {
    // Each row counts for some milliseconds; the tenth for as long as this test could take.
    const slow = (x: string) =>
      `(with recursive d(y) as (select 1 union all select y + 1 from d where y < case when ${x} > 9 then 1000000000 else 300000 end) select count(*) from d)`
    const sql = `with recursive c(x) as (select 1 union all select x + 1 from c where x < 20) select x, ${slow('x')} from c`
    const seen: unknown[] = []
    for await (const [x] of pool.execute(sql)) {
      seen.push(x)
      if (x === 4) break
    }
    expect(seen).to.deep.equal([1, 2, 3, 4])
    expect(await pool.execute('select 1').fetchone(), 'nothing was asked for ahead').to.deep.equal([1])
  })
})

for (const [database, pragmas] of [
  [':memory:', {}],
  ['', {}],
  ['test.db', { journal_mode: 'delete' }],
] as [string, Record<string, string>][]) {
  describeEachDriver(
    `Streaming from ${database || 'a temporary database'}, not in WAL`,
    ({ driver, file }) => {
      let conn: Connection

      beforeEach(async () => {
        conn = await connect(database === 'test.db' ? file() : database, { driver, pragmas })
        await conn.execute('create table t (a integer primary key, b)')
        await conn.execute(`insert into t ${counting(2000)}`)
        await conn.commit()
      })
      afterEach(() => conn.close())

      it('gives every row once and in order, by each way', async () => {
        for (const read of Object.values(WAYS)) {
          expect(firstOf(await read(await conn.execute('select a, b from t')))).to.deep.equal(upTo(2000))
        }
      })

      it('reads a hundred cursors side by side, also when one writes in between', async () => {
        const cursors: Cursor[] = []
        for (let i = 0; i < 100; i++) {
          const cursor = await conn.execute('select a, b from t where a <= 1000')
          expect((await cursor.fetchone())![0]).to.equal(1)
          cursors.push(cursor)
          if (i % 40 === 39) await conn.execute('insert into t values (?, 0)', [3000 + i])
        }
        await conn.commit()
        expect(await conn.execute('select count(*) from t').fetchone()).to.deep.equal([2002])
        for (const cursor of cursors) {
          expect(firstOf(await cursor.fetchmany(500))).to.deep.equal(upTo(501).slice(1))
        }
        for (const cursor of cursors)
          expect(firstOf(await cursor.fetchall())).to.deep.equal(upTo(1000).slice(501))
      })

      for (const inside of [false, true]) {
        it(`loops over what it updates and deletes, ${inside ? 'inside a transaction' : 'outside'}`, async () => {
          if (inside) await conn.execute('insert into t values (9000, 0)')
          const seen: unknown[] = []
          for await (const [a] of conn.execute('select a, b from t where a <= 2000')) {
            seen.push(a)
            if ((a as number) % 500 !== 0) continue
            for await (const [inner] of conn.execute('select a, b from t where a <= 2000')) {
              if (inner === a) await conn.execute('delete from t where a = ?', [a])
              else if (inner === 7) await conn.execute("update t set b = b || 'x' where a = 7")
            }
          }
          expect(seen).to.deep.equal(upTo(2000))
          await conn.commit()
          expect(await conn.execute('select count(*) from t where a <= 2000').fetchone()).to.deep.equal([
            1996,
          ])
        })
      }

      it('goes on across commit() and rollback()', async () => {
        for (const end of ['commit', 'rollback'] as const) {
          await conn.execute('insert into t values (?, 0)', [end === 'commit' ? 5000 : 5001])
          const cursor = await conn.execute('select a, b from t where a <= 2000')
          expect(await cursor.fetchmany(10)).to.have.length(10)
          await conn[end]()
          expect(conn.inTransaction).to.equal(false)
          expect(firstOf(await cursor.fetchall())).to.deep.equal(upTo(2000).slice(10))
        }
        expect(await conn.execute('select max(a) from t').fetchone()).to.deep.equal([5000])
      })

      it('gives no rows that were rolled back meanwhile, and all of a table that is dropped', async () => {
        await conn.execute(`insert into t select a + 10000, b from t`)
        const cursor = await conn.execute('select a, b from t')
        expect(await cursor.fetchmany(10)).to.have.length(10)
        await conn.rollback()
        // As in CPython, and in WAL: what SQLite had not read yet is what it was before.
        const left = firstOf(await cursor.fetchall()) as number[]
        expect(left.filter((a) => a <= 2000)).to.deep.equal(upTo(2000).slice(10))
        expect(left.length).to.be.below(3990)
        const other = await conn.execute('select a, b from t')
        await other.fetchone()
        await conn.execute('drop table t')
        expect((await other.fetchall()).length).to.equal(1999)
      })

      it('keeps nothing locked when a result is left early', async () => {
        for await (const [a] of conn.execute('select a, b from t')) if (a === 3) break
        const cursor = await conn.execute('select a, b from t')
        await cursor.close()
        await conn.execute('drop table t')
        await conn.commit()
        expect(await conn.execute('select count(*) from sqlite_schema').fetchone()).to.deep.equal([0])
      })
    },
  )
}

/** The sqlite3 driver: results in parts, between which their statement is half-read. */
import { expect } from 'chai'
import { rowBytes } from '../../../lib/drivers/chunk.ts'
import type { DriverStatement, ExecuteResult, RowValues } from '../../../lib/drivers/driver.ts'
import { thrownBy } from '../contract.ts'
import { CHUNK, describeSqlite3, drain } from './connections.ts'

const numbers = (count: number) =>
  `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${count})`

const upTo = (count: number, from = 1): RowValues[] => Array.from({ length: count }, (_, i) => [from + i])

/** Two rows of 18 bytes each. */
/** What a row of one small number counts for. */
const ROW_BYTES = rowBytes([1])
const TWO = { bytes: 2 * ROW_BYTES, ms: 1000 }

describeSqlite3('a result of sqlite3 in parts', ({ open }) => {
  it('of 20,000 rows comes in chunks of about 64 KiB', async () => {
    const db = await open()
    await db.exec(
      `create table t (id integer primary key, name, big, x);
       insert into t ${numbers(20_000)} select i, 'name ' || i, 9007199254740000 + i, i / 4.0 from n`,
    )
    const expected = Array.from({ length: 20_000 }, (_, i) => {
      const id = i + 1
      const big = 9007199254740000n + BigInt(id)
      return [id, `name ${id}`, big <= Number.MAX_SAFE_INTEGER ? Number(big) : big, id / 4]
    })
    const statement = await db.prepare('select * from t')
    const { rows, chunks } = await drain(statement, [], { ...CHUNK, ms: 1000 })
    await statement.finalize()
    expect(rows).to.deep.equal(expected)
    expect(chunks).to.have.lengthOf.within(9, 13)
    const lengths = chunks.slice(0, -1).map(({ length }) => length)
    for (const length of lengths) expect(length).to.be.within(1700, 2100)
  })

  it('tells its end at once where the chunk is full just then', async () => {
    const db = await open()
    const statement = await db.prepare(`${numbers(6)} select i from n`)
    for (let again = 0; again < 3; again++) {
      const first = await statement.execute([], { bytes: 3 * ROW_BYTES, ms: 1000 })
      expect(first).to.deep.include({ rows: upTo(3), bytes: 3 * ROW_BYTES, late: false })
      expect(await first.rest!.next({ bytes: 3 * ROW_BYTES, ms: 1000 })).to.deep.equal({
        rows: upTo(3, 4),
        bytes: 3 * ROW_BYTES,
        late: false,
        ended: true,
      })
      expect(await statement.execute([], { bytes: 6 * ROW_BYTES, ms: 1000 })).to.deep.include({
        rows: upTo(6),
        rest: null,
      })
    }
    await statement.finalize()
  })

  it('gives nothing more once it has ended or was closed, and its statement may run again', async () => {
    const db = await open()
    const statement = await db.prepare(`${numbers(5)} select i from n`)
    const ended = (await statement.execute([], { bytes: 4 * ROW_BYTES, ms: 1000 })).rest!
    expect((await ended.next(TWO)).rows).to.deep.equal([[5]])
    for (let i = 0; i < 2; i++) {
      expect(await ended.next(TWO)).to.deep.equal({ rows: [], bytes: 0, late: false, ended: true })
    }
    await ended.close()
    const closed = (await statement.execute([], TWO)).rest!
    await closed.close()
    await closed.close()
    expect(await closed.next(TWO)).to.deep.include({ rows: [], ended: true })
    expect((await drain(statement, [], TWO)).rows).to.deep.equal(upTo(5))
    await statement.finalize()
    await ended.close()
  })

  it('gives a row as large as a chunk alone', async () => {
    const db = await open()
    const statement = await db.prepare(
      'select column1 from (values (1), (zeroblob(500)), (2), (zeroblob(500)))',
    )
    const { chunks } = await drain(statement, [], { bytes: 100, ms: 1000 })
    expect(chunks.map((rows) => rows.length)).to.deep.equal([1, 1, 1, 1])
    await statement.finalize()
  })

  it('is cut where its rows come slowly, and not asked for one more', async () => {
    const db = await open()
    const slow = `(${numbers(200_000)} select count(*) from n where i > v)`
    const statement = await db.prepare(
      `select v, ${slow} as c from (select column1 as v from (values (1), (2), (3), (4), (5)))`,
    )
    for (let again = 0; again < 2; again++) {
      const first = await statement.execute([], { bytes: 64 * 1024, ms: 1 })
      expect(first).to.deep.include({
        late: true,
        rows: [
          [1, 199_999],
          [2, 199_998],
        ],
      })
      const second = await first.rest!.next({ bytes: 64 * 1024, ms: 1 })
      expect(second).to.deep.include({
        late: true,
        ended: false,
        rows: [
          [3, 199_997],
          [4, 199_996],
        ],
      })
      expect(await first.rest!.next({ bytes: 64 * 1024, ms: 1 })).to.deep.include({
        late: false,
        ended: true,
        rows: [[5, 199_995]],
      })
    }
    await statement.finalize()
  })

  it('of a few large rows that were read at once is cut too', async () => {
    const db = await open()
    const statement = await db.prepare('select zeroblob(60) union all select zeroblob(70)')
    const { chunks } = await drain(statement, [], { bytes: 50, ms: 1000 })
    expect(chunks).to.deep.equal([[[Buffer.alloc(60)]], [[Buffer.alloc(70)]]])
    await statement.finalize()
  })

  it('that was short may be long the next time, and short again', async () => {
    const db = await open()
    const statement = await db.prepare(
      'with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) select i from n',
    )
    for (const count of [1, 3, 31, 32, 33, 5, 999, 1000, 1001, 15, 16, 17, 5000, 4, 4, 200, 200]) {
      const { rows } = await drain(statement, [count], { bytes: 4096, ms: 1000 })
      expect(rows, `${count} rows`).to.deep.equal(upTo(count))
    }
    await statement.finalize()
  })

  describe('half-read', () => {
    /** More than are read all at once. */
    const MANY = 2000

    const half = async (db: Awaited<ReturnType<typeof open>>) => {
      const statement = await db.prepare('select a from t order by a')
      return { statement, result: await statement.execute([], TWO) }
    }
    const remains = async ({ statement, result }: { statement: DriverStatement; result: ExecuteResult }) => {
      const rows = [...result.rows]
      for (let ended = false; !ended; ) {
        const chunk = await result.rest!.next(TWO)
        rows.push(...chunk.rows)
        ended = chunk.ended
      }
      await statement.finalize()
      return rows
    }
    const filled = async () => {
      const db = await open()
      await db.run('pragma journal_mode = wal')
      await db.exec(`create table t (a); insert into t ${numbers(MANY)} select i from n`)
      return db
    }

    it('lets others of its connection go on side by side', async () => {
      const db = await filled()
      const [one, two] = [await half(db), await half(db)]
      await db.run('insert into t values (100)')
      expect((await db.run('update t set a = a where a < 2 returning a, a as a')).rows).to.deep.equal([
        [1, 1],
      ])
      const chunks = await Promise.all([one.result.rest!.next(TWO), two.result.rest!.next(TWO)])
      expect(chunks.map(({ rows }) => rows)).to.deep.equal([upTo(2, 3), upTo(2, 3)])
      await one.result.rest!.close()
      await two.result.rest!.close()
      expect(await db.rows('select count(*) from t')).to.deep.equal([[MANY + 1]])
    })

    for (const end of ['commit', 'rollback']) {
      it(`survives ${end}`, async () => {
        const db = await filled()
        await db.run('begin')
        await db.run('insert into t values (2001)')
        const result = await half(db)
        await db.run(end)
        expect(db.inTransaction).to.equal(false)
        // The rows were sorted before.
        expect(await remains(result)).to.deep.equal(upTo(MANY + 1))
        expect(await db.rows('select count(*) from t')).to.deep.equal([[end === 'commit' ? MANY + 1 : MANY]])
      })
    }

    it('keeps its snapshot, and closed lets its connection see another’s writes', async () => {
      const [db, other] = [await filled(), await open()]
      const statement = await db.prepare('select a from t')
      const result = await statement.execute([], TWO)
      await other.run('insert into t values (0)')
      expect(await db.rows('select count(*) from t')).to.deep.equal([[MANY]])
      await result.rest!.close()
      expect(await db.rows('select count(*) from t')).to.deep.equal([[MANY + 1]])
      await statement.finalize()
    })

    it('does not keep its connection from closing', async () => {
      const db = await filled()
      const { result } = await half(db)
      await db.close()
      // Behind rows that were read before, if there are any.
      const thrown = await thrownBy(async () => {
        while (!(await result.rest!.next(TWO)).ended);
      })
      expect(thrown).to.include({ code: 'SQLITE_MISUSE' })
      await result.rest!.close()
    })

    it('fails where SQLite fails, and then has ended', async () => {
      const db = await filled()
      const statement = await db.prepare(
        'select abs(case when a = 5 then -9223372036854775807 - 1 else a end) from t',
      )
      const { rest } = await statement.execute([], TWO)
      expect((await rest!.next(TWO)).rows).to.deep.equal(upTo(2, 3))
      expect((await thrownBy(() => rest!.next(TWO))).message).to.contain('overflow')
      expect(await rest!.next(TWO)).to.deep.include({ rows: [], ended: true })
      await db.run('insert into t values (0)')
      await statement.finalize()
    })
  })
})

describeSqlite3('maxResultBytes of sqlite3', ({ open }) => {
  const TOO_LARGE = { name: 'DataError', code: 'RESULT_TOO_LARGE' }

  it('refuses a larger result that is read to its end, and no smaller one', async () => {
    const db = await open(undefined, { maxResultBytes: 100 * ROW_BYTES })
    const statement = await db.prepare(
      'with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) select i from n',
    )
    for (const count of [5, 100, 5]) expect((await statement.execute([count])).rows).to.have.lengthOf(count)
    const error = await thrownBy(() => statement.execute([101]))
    expect(error).to.include(TOO_LARGE)
    expect(error.message).to.contain('raise maxResultBytes')
    // Without end: it was not read first and judged then.
    expect(await thrownBy(() => statement.execute([1e9]))).to.include(TOO_LARGE)
    expect((await drain(statement, [500], { bytes: 100 * ROW_BYTES, ms: 1000 })).rows).to.have.lengthOf(500)
    await statement.finalize()
    expect(await thrownBy(() => db.rows('select zeroblob(2000)'))).to.include(TOO_LARGE)
    expect(await thrownBy(() => db.rows('pragma pragma_list'))).to.include(TOO_LARGE)
  })

  const writes = [
    `insert into t ${numbers(200)} select i + 1000000 from n returning a`,
    `insert into t ${numbers(200)} select i + 1000000 from n returning a, a as a`,
    'insert into t values (zeroblob(2000)) returning a',
    'update t set a = zeroblob(1900) returning a',
    'delete from t returning a, zeroblob(2000)',
  ]
  for (const sql of writes) {
    it(`undoes what returns more: ${sql.slice(0, 60)}`, async () => {
      const db = await open(undefined, { maxResultBytes: 100 * ROW_BYTES })
      await db.exec('create table t (a); insert into t values (1)')
      for (const begin of [false, true]) {
        if (begin) await db.run('begin')
        const error = await thrownBy(() => db.run(sql))
        expect(error).to.include(TOO_LARGE)
        expect(error.message).to.contain('nothing was changed')
        expect(db.inTransaction).to.equal(begin)
        expect(await db.rows('select a from t')).to.deep.equal([[1]])
      }
      await db.run('commit')
    })
  }
})

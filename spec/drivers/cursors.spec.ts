/** Contract: results that are read in parts. See contract.ts; which drivers do that, see half-reads.ts. */
import { expect } from 'chai'
import type { ChunkLimit } from '../../lib/drivers/chunk.ts'
import type { Chunk, DriverStatement, ExecuteResult, RowValues, SqlValue } from '../../lib/drivers/driver.ts'
import { describeEachDriver, type TestConnection, thrownBy } from './contract.ts'

/** Ten rows of SQL of 100 bytes each. */
const TENS: ChunkLimit = { bytes: 1000, ms: Number.POSITIVE_INFINITY }
const LEAST = -(2n ** 63n)

/** Rows of 100 bytes: head, number, string's head, string. */
const counting = (last: number | string) =>
  `with recursive c(x) as (select 1 union all select x + 1 from c where x < ${last}) ` +
  "select x, substr('" +
  'f'.repeat(91) +
  "', 1) as filler from c"
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1)
const firstOf = (rows: readonly RowValues[]) => rows.map(([value]) => value)

interface Read {
  readonly rows: RowValues[]
  readonly chunks: Chunk[]
  /** What the last call threw, else null. */
  readonly error: (Error & { code?: string }) | null
}

/** Reads on to the end, or to an error. */
async function readOn(result: ExecuteResult, limit: ChunkLimit): Promise<Read> {
  const chunks: Chunk[] = [result]
  const rows = [...result.rows]
  const { rest } = result
  if (rest === null) return { rows, chunks, error: null }
  try {
    for (;;) {
      const chunk = await rest.next(limit)
      rows.push(...chunk.rows)
      if (chunk.rows.length > 0) chunks.push(chunk)
      else expect(chunk.ended, 'no rows only at the end').to.equal(true)
      if (chunk.ended) return { rows, chunks, error: null }
    }
  } catch (error) {
    return { rows, chunks, error: error as Error }
  }
}

describeEachDriver('a driver’s half-read result', ({ name, open }) => {
  // It reads what is short and comes quickly at once, whatever the chunk; see sqlite3/chunks.spec.ts.
  const inParts = name !== 'sqlite3'

  async function readAll(
    db: TestConnection,
    sql: string,
    params: SqlValue[] = [],
    limit: ChunkLimit = TENS,
  ): Promise<Read> {
    const statement = await db.prepare(sql)
    try {
      return await readOn(await statement.execute(params, limit), limit)
    } finally {
      await statement.finalize()
    }
  }

  /** A statement with its first chunk read. */
  async function begun(
    db: TestConnection,
    sql: string,
    ...params: SqlValue[]
  ): Promise<[DriverStatement, ExecuteResult]> {
    const statement = await db.prepare(sql)
    const result = await statement.execute(params, TENS)
    expect(result.rest !== null, 'half-read').to.equal(true)
    return [statement, result]
  }

  /** A table of the numbers from 1 on, each row of which takes 100 bytes. */
  async function numbered(rows = 100): Promise<TestConnection> {
    const db = await open()
    await db.run('pragma journal_mode = wal')
    await db.run('create table t (a, filler)')
    await db.run(`insert into t ${counting(rows)}`)
    return db
  }

  describe('in chunks', () => {
    for (const [rows, sizes] of [
      [0, [0]],
      [1, [1]],
      [9, [9]],
      [10, [10]],
      [11, [10, 1]],
      [20, [10, 10]],
      [35, [10, 10, 10, 5]],
    ] as [number, number[]][]) {
      it(`gives each of ${rows} rows once, with the columns`, async () => {
        const db = await open()
        const { rows: all, chunks } = await readAll(db, `${counting(Math.max(rows, 1))} limit ${rows}`)
        expect(firstOf(all)).to.deep.equal(upTo(rows))
        expect((chunks[0] as ExecuteResult).columns?.map((column) => column.name)).to.deep.equal([
          'x',
          'filler',
        ])
        for (const chunk of chunks) expect(chunk.bytes).to.equal(chunk.rows.length * 100)
        if (inParts) expect(chunks.map((chunk) => chunk.rows.length)).to.deep.equal(sizes)
      })
    }

    it('lets a row that is larger than a chunk go alone, wherever it stands', async () => {
      const db = await open()
      for (const [sizes, wanted] of [
        [
          [5, 2000, 5],
          [1, 1, 1],
        ],
        [
          [2000, 5, 5],
          [1, 2],
        ],
        [
          [5, 5, 2000],
          [2, 1],
        ],
        [
          [2000, 3000, 2000],
          [1, 1, 1],
        ],
        [
          [996, 5],
          [1, 1],
        ],
        [
          [5, 996, 5],
          [2, 1],
        ],
        [
          [5, 997, 5],
          [1, 1, 1],
        ],
      ] as [number[], number[]][]) {
        await db.run('drop table if exists s')
        await db.run('create table s (a)')
        for (const size of sizes) await db.run('insert into s values (zeroblob(?))', size)
        const { rows, chunks } = await readAll(db, 'select a from s order by rowid')
        expect(rows.map(([blob]) => (blob as Buffer).length)).to.deep.equal(sizes)
        const lengths = chunks.map((chunk) => chunk.rows.length)
        if (inParts) expect(lengths, sizes.join()).to.deep.equal(wanted)
      }
    })

    it('takes every limit, also one of a single byte or another each time', async () => {
      const db = await numbered()
      for (const bytes of [1, 99, 100, 101, 150, 9999, 10_000, 10_001]) {
        const { rows } = await readAll(db, 'select a, filler from t', [], { ...TENS, bytes })
        expect(firstOf(rows), String(bytes)).to.deep.equal(upTo(100))
      }
      const [statement, { rows: first, rest }] = await begun(db, 'select a, filler from t')
      const rows = [...first]
      for (let bytes = 50, ended = rest === null; !ended; bytes += 130) {
        const chunk = await rest!.next({ ...TENS, bytes })
        rows.push(...chunk.rows)
        ended = chunk.ended
      }
      expect(firstOf(rows)).to.deep.equal(upTo(100))
      await statement.finalize()
    })

    it('is cut when its time is over, from the second row on', async () => {
      const db = await numbered(5)
      const { rows, chunks } = await readAll(db, 'select a, filler from t', [], { bytes: 1e6, ms: 0 })
      expect(firstOf(rows)).to.deep.equal(upTo(5))
      if (!inParts) return
      expect(chunks.map((chunk) => chunk.rows.length)).to.deep.equal([2, 2, 1])
      expect(chunks.map((chunk) => chunk.late)).to.deep.equal([true, true, false])
      const { chunks: even } = await readAll(db, 'select a, filler from t limit 4', [], { bytes: 1e6, ms: 0 })
      expect(even.map((chunk) => chunk.rows.length)).to.deep.equal([2, 2])
      const { chunks: small } = await readAll(db, 'select a, filler from t', [], { bytes: 100, ms: 0 })
      expect(small.map((chunk) => chunk.rows.length)).to.deep.equal([1, 1, 1, 1, 1])
    })

    it('of slow rows is cut soon, and of quick ones never', async () => {
      const db = await open()
      const slow =
        'with recursive c(x) as (select 1 union all select x + 1 from c where x < 6), slow(x, y) as ' +
        '(select x, (with recursive d(y) as (select x union all select y + 1 from d where y < 100000) ' +
        'select count(*) from d) from c) select x, y from slow'
      const { rows, chunks } = await readAll(db, slow, [], { bytes: 1e6, ms: 5 })
      expect(firstOf(rows)).to.deep.equal(upTo(6))
      expect(chunks[0]).to.deep.include({ late: true })
      expect(chunks[0]!.rows.length).to.be.within(2, 4)
      const quick = await readAll(db, counting(2000), [], { bytes: 1e6, ms: 10_000 })
      expect(quick.chunks.map((chunk) => chunk.late)).to.deep.equal([false])
    })

    it('keeps every kind of value as it is, in all chunks', async () => {
      const db = await open()
      const sql =
        'with recursive c(x) as (select 1 union all select x + 1 from c where x < 500) ' +
        "select x, null, x / 4.0, 'ünï✓🙂' || x, cast('b' || x as blob), zeroblob(x % 3), '' from c"
      const { rows } = await readAll(db, sql)
      for (const [i, row] of rows.entries()) {
        const x = i + 1
        expect(row).to.deep.equal([
          ...[x, null, x / 4, `ünï✓🙂${x}`, Buffer.from(`b${x}`), Buffer.alloc(x % 3), ''],
        ])
        expect(Buffer.isBuffer(row[4])).to.equal(true)
      }
      expect(rows).to.have.length(500)
    })

    it('gives integers exactly that leave ±2^53 in a late chunk only', async () => {
      const db = await numbered(50)
      const large = [2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, LEAST, 2n ** 60n + 1n]
      for (const value of large) await db.run("insert into t values (?, '')", value)
      await db.run("insert into t values (9007199254740991, ''), (1e300, ''), (5, '')")
      const wanted = [...upTo(50), ...large, Number.MAX_SAFE_INTEGER, 1e300, 5]
      for (let run = 0; run < 3; run++) {
        const { rows } = await readAll(db, 'select a, filler from t order by rowid')
        expect(firstOf(rows)).to.deep.equal(wanted)
      }
    })
  })

  describe('at its end', () => {
    it('gives no more rows, however often it is asked', async () => {
      const db = await numbered(15)
      const [statement, { rest }] = await begun(db, 'select a, filler from t')
      expect(await rest!.next(TENS)).to.deep.include({ ended: true })
      for (let i = 0; i < 3; i++) expect(await rest!.next(TENS)).to.deep.include({ rows: [], ended: true })
      await rest!.close()
      expect((await statement.execute([], TENS)).rows).to.have.length(10)
      await statement.finalize()
    })

    it('may be closed twice, early or late, and executed again', async () => {
      const db = await numbered(30)
      const statement = await db.prepare('select a, filler from t where a <= ?')
      for (const chunks of [0, 1, 2]) {
        const { rest } = await statement.execute([30], TENS)
        for (let i = 0; i < chunks; i++) await rest?.next(TENS)
        await rest?.close()
        await rest?.close()
        expect(firstOf((await readOn(await statement.execute([25], TENS), TENS)).rows)).to.deep.equal(
          upTo(25),
        )
      }
      await statement.finalize()
    })

    it('lets its connection see what others wrote meanwhile, read to the end or closed', async () => {
      const db = await numbered(30)
      const other = await open()
      const seen = async () => (await db.rows('select count(*) from t'))[0]![0]
      for (const [i, end] of (['read', 'closed', 'failed'] as const).entries()) {
        const [statement, result] = await begun(
          db,
          end === 'failed' ? 'select abs(a), filler from t' : 'select a, filler from t',
        )
        await other.run("insert into t values (?, '')", end === 'closed' ? LEAST : 0)
        if (inParts) expect(await seen(), 'while it is half-read').to.equal(30 + i)
        if (end === 'closed') await result.rest?.close()
        else await readOn(result, TENS)
        expect(await seen(), end).to.equal(31 + i)
        await statement.finalize()
        if (end === 'closed') await other.run('update t set a = 0 where a < 0')
      }
    })

    it('is let go of when its connection closes', async () => {
      const db = await numbered(30)
      const [, { rest }] = await begun(db, 'select a, filler from t')
      const [, second] = await begun(db, 'select filler, a from t')
      await db.close()
      await rest?.close()
      await second.rest?.close()
      const other = await open()
      expect(await other.rows('pragma wal_checkpoint(truncate)')).to.deep.equal([[0, 0, 0]])
      await other.run('pragma journal_mode = delete')
    })
  })

  describe('that fails', () => {
    for (const [what, wrong, sql, message] of [
      ['an overflow', LEAST, 'select abs(a), filler from t order by rowid', /overflow/],
      ['malformed JSON', '{"a":', "select a -> '$', filler from t order by rowid", /malformed JSON/],
    ] as [string, SqlValue, string, RegExp][]) {
      it(`in its middle, by ${what}, gives the rows before, and then the error`, async () => {
        for (const before of [0, 3, 10, 14, 20, 21]) {
          const db = await numbered(before)
          if (before === 0) await db.run('delete from t')
          await db.run("insert into t values (?, '')", wrong)
          await db.run(`insert into t ${counting(30)}`)
          const statement = await db.prepare(sql)
          let read: Read | null = null
          let error: Error | null = null
          try {
            read = await readOn(await statement.execute([], TENS), TENS)
            error = read.error
          } catch (thrown) {
            error = thrown as Error
          }
          expect(error?.message, String(before)).to.match(message)
          // With the first chunk it is the statement that has failed.
          if (inParts && before > 10) expect(read?.rows.length).to.equal(before)
          // Nothing is left open.
          await db.run('delete from t where a = ?', wrong)
          expect((await readOn(await statement.execute([], TENS), TENS)).rows).to.have.length(before + 30)
          await statement.finalize()
          await db.run('drop table t')
        }
      })
    }

    it('leaves a transaction open, and its connection able to commit', async () => {
      const db = await numbered(20)
      await db.run("insert into t values (?, '')", LEAST)
      await db.run('begin immediate')
      await db.run("insert into t values (77, '')")
      const thrown = await thrownBy(async () => {
        const { error } = await readAll(db, 'select abs(a), filler from t')
        throw error
      })
      expect(thrown.message).to.match(/overflow/)
      expect(db.inTransaction).to.equal(true)
      await db.run('commit')
      expect(await db.rows('select count(*) from t where a = 77')).to.deep.equal([[1]])
    })
  })

  describe('beside others of its connection', () => {
    it('goes on through writes, COMMIT, ROLLBACK and DDL', async () => {
      const db = await numbered(40)
      const [one, first] = await begun(db, 'select a, filler from t where a <= 40')
      const [two, second] = await begun(db, 'select a, filler from t where a <= 40 order by a desc')
      await db.run("insert into t values (1000, '')")
      await db.run('begin immediate')
      await db.run("insert into t values (1001, '')")
      await db.run('commit')
      const half = first.rest === null ? null : await first.rest.next(TENS)
      await db.run('begin immediate')
      await db.run("update t set filler = 'gone' where a > 15")
      await db.run('rollback')
      expect(db.inTransaction).to.equal(false)
      await db.run('create table u (b)')
      await db.exec('begin; insert into u values (1); commit')
      await db.run('alter table u add column c')
      const rest = await readOn({ ...first, rows: half?.rows ?? [] }, TENS)
      expect(rest.error).to.equal(null)
      const all = half === null ? first.rows : [...first.rows, ...rest.rows]
      expect(firstOf(all)).to.deep.equal(upTo(40))
      expect(all.every(([, filler]) => filler === 'f'.repeat(91))).to.equal(true)
      expect(firstOf((await readOn(second, TENS)).rows)).to.deep.equal(upTo(40).reverse())
      expect(await db.rows('select b, c from u')).to.deep.equal([[1, null]])
      await one.finalize()
      await two.finalize()
    })

    it('may have its own table altered under it, not dropped', async () => {
      const db = await numbered(40)
      const [statement, result] = await begun(db, 'select a, filler from t')
      if (inParts) {
        expect((await thrownBy(() => db.run('drop table t'))).message).to.match(/table is locked/)
      }
      await db.run('alter table t add column more')
      expect(firstOf((await readOn(result, TENS)).rows)).to.deep.equal(upTo(40))
      await db.run('drop table t')
      await statement.finalize()
    })

    it('is ended by a ROLLBACK that takes DDL back, and says so', async () => {
      const db = await numbered(40)
      await db.run('begin')
      await db.run('create table u (b)')
      const [statement, result] = await begun(db, 'select a, filler from t')
      await db.run('rollback')
      const { error, rows } = await readOn(result, TENS)
      if (inParts || error !== null) expect(error).to.have.property('code', 'SQLITE_ABORT_ROLLBACK')
      else expect(firstOf(rows)).to.deep.equal(upTo(40))
      expect((await readOn(await statement.execute([], TENS), TENS)).rows).to.have.length(40)
      await statement.finalize()
    })

    it('writes what the loop over it has read', async () => {
      const db = await numbered(100)
      const [statement, result] = await begun(db, 'select a, filler from t order by rowid')
      await db.run('begin immediate')
      const update = await db.prepare('update t set a = -a where a = ?')
      const seen: SqlValue[] = []
      const note = async (rows: readonly RowValues[]) => {
        for (const [a] of rows) {
          seen.push(a as SqlValue)
          expect((await update.execute([a as SqlValue])).changes).to.equal(1)
        }
      }
      await note(result.rows)
      for (let ended = result.rest === null; !ended; ) {
        const chunk = await result.rest!.next(TENS)
        await note(chunk.rows)
        ended = chunk.ended
      }
      await db.run('commit')
      expect(seen.map((a) => Math.abs(a as number))).to.deep.equal(upTo(100))
      expect(await db.rows('select count(*) from t where a < 0')).to.deep.equal([[100]])
      await statement.finalize()
      await update.finalize()
    })

    it('does not mix with another statement of the same text', async () => {
      const db = await numbered(60)
      const statements = await Promise.all(upTo(5).map(() => db.prepare('select a, filler from t')))
      const results: ExecuteResult[] = []
      for (const statement of statements) results.push(await statement.execute([], TENS))
      const read = results.map(({ rows }) => firstOf(rows))
      for (let chunk = 0; chunk < 5; chunk++) {
        for (const [i, { rest }] of results.entries()) {
          if (rest !== null) read[i]!.push(...firstOf((await rest.next(TENS)).rows))
        }
      }
      for (const each of read) expect(each).to.deep.equal(upTo(60))
      for (const statement of statements) await statement.finalize()
    })
  })

  describe('that must be kept whole', () => {
    const limited = async (maxResultBytes: number) => {
      const db = await open(undefined, { maxResultBytes })
      await db.run('pragma foreign_keys = on')
      await db.run('create table t (a unique, filler)')
      await db.run(`insert into t ${counting(30)}`)
      return db
    }
    const UPDATE = 'update t set a = a + 1000 returning a, filler'

    it('is refused when it takes more than maxResultBytes, and has changed nothing', async () => {
      const db = await limited(2500)
      for (const begin of [false, true]) {
        if (begin) {
          await db.run('begin')
          await db.run("insert into t values (500, '')")
        }
        const error = await thrownBy(() => db.run(UPDATE))
        expect(error).to.include({ name: 'DataError', code: 'RESULT_TOO_LARGE' })
        expect(error.message).to.include('2500').and.to.include('nothing was changed')
        expect(db.inTransaction).to.equal(begin)
        expect(await db.rows('select count(*) from t where a > 1000')).to.deep.equal([[0]])
        if (begin) {
          expect(await db.rows('select count(*) from t where a = 500')).to.deep.equal([[1]])
          await db.run('rollback')
        }
      }
    })

    it('is refused where it only reads, and no limit of a chunk was given', async () => {
      const db = await limited(2500)
      for (const sql of ['select a, filler from t', 'values (1)', 'explain select a from t']) {
        if (sql === 'values (1)') expect(await db.rows(sql)).to.deep.equal([[1]])
        else if (sql.startsWith('explain')) expect(await db.rows(sql)).not.to.have.length(0)
        else expect((await thrownBy(() => db.run(sql))).code).to.equal('RESULT_TOO_LARGE')
      }
      expect((await readAll(db, 'select a, filler from t')).rows, 'in chunks').to.have.length(30)
    })

    it('fits exactly, or by one byte not', async () => {
      for (const [bytes, fits] of [
        [3000, true],
        [2900, false],
      ] as [number, boolean][]) {
        const db = await limited(bytes)
        if (fits) expect((await db.run(UPDATE)).changes).to.equal(30)
        else expect((await thrownBy(() => db.run(UPDATE))).code).to.equal('RESULT_TOO_LARGE')
        await db.run('drop table t')
        await db.close()
      }
    })

    for (const clause of ['fail', 'rollback', 'abort', 'replace', 'ignore']) {
      it(`with OR ${clause.toUpperCase()} keeps what SQLite keeps`, async () => {
        const db = await limited(100_000)
        const sql = `insert or ${clause} into t values (101, ''), (102, ''), (5, 'new'), (103, '') returning a`
        const clean = "delete from t where a > 100; update t set filler = '' where a = 5"
        for (const begin of [false, true]) {
          if (begin) await db.exec("begin; insert into t values (500, '')")
          const fails = !['replace', 'ignore'].includes(clause)
          if (fails) expect((await thrownBy(() => db.run(sql))).code).to.match(/^SQLITE_CONSTRAINT/)
          else
            expect(firstOf(await db.rows(sql))).to.deep.equal(
              clause === 'replace' ? [101, 102, 5, 103] : [101, 102, 103],
            )
          expect(db.inTransaction, String(begin)).to.equal(begin && clause !== 'rollback')
          const kept = { fail: [101, 102], rollback: [], abort: [] }[clause] ?? [101, 102, 103]
          const transaction = begin && clause !== 'rollback' ? [500] : []
          expect(firstOf(await db.rows('select a from t where a > 100 order by a'))).to.deep.equal([
            ...kept,
            ...transaction,
          ])
          if (db.inTransaction) await db.run('rollback')
          await db.exec(clean)
        }
      })

      it(`with OR ${clause.toUpperCase()}, refused for its size, has changed nothing`, async () => {
        const db = await limited(30)
        const sql = `insert or ${clause} into t values (101, ''), (102, ''), (103, ''), (104, ''), (105, ''), (106, '') returning a`
        for (const begin of [false, true]) {
          if (begin) await db.exec("begin; insert into t values (500, '')")
          expect((await thrownBy(() => db.run(sql))).code).to.equal('RESULT_TOO_LARGE')
          expect(db.inTransaction).to.equal(begin)
          expect(firstOf(await db.rows('select a from t where a > 100'))).to.deep.equal(begin ? [500] : [])
        }
      })
    }

    it('meets a deferred foreign key when it is done, and leaves no transaction', async () => {
      const db = await limited(100_000)
      await db.run('create table child (a references t (a) deferrable initially deferred)')
      const sql = 'insert into child values (999) returning a'
      expect((await thrownBy(() => db.run(sql))).code).to.match(/^SQLITE_CONSTRAINT/)
      expect(db.inTransaction).to.equal(false)
      expect(await db.rows('select count(*) from child')).to.deep.equal([[0]])
      await db.run('begin')
      expect(await db.rows(sql)).to.deep.equal([[999]])
      expect((await thrownBy(() => db.run('commit'))).code).to.match(/^SQLITE_CONSTRAINT/)
      expect(db.inTransaction).to.equal(true)
      await db.run("insert into t values (999, '')")
      await db.run('commit')
      expect(await db.rows('select count(*) from child')).to.deep.equal([[1]])
    })

    it('writes beside one that is half-read, and takes itself back', async () => {
      const db = await limited(2500)
      const [statement, result] = await begun(db, 'select a, filler from t order by a')
      expect((await thrownBy(() => db.run(UPDATE))).code).to.equal('RESULT_TOO_LARGE')
      expect(await db.rows('update t set filler = filler where a = 20 returning a')).to.deep.equal([[20]])
      const { rows, error } = await readOn(result, TENS)
      expect(error).to.equal(null)
      expect(firstOf(rows)).to.deep.equal(upTo(30))
      await statement.finalize()
    })
  })

  if (name === 'better-sqlite3') {
    it('leaves the package’s own guard on when none is half-read', async () => {
      const db = await numbered(30)
      const handle = db.raw.handle as {
        prepare(sql: string): { iterate(): Iterator<unknown> }
        exec(sql: string): void
      }
      const expectGuarded = (guarded: boolean) => {
        const rows = handle.prepare('select a from t').iterate()
        rows.next()
        const write = () => handle.exec("insert into t values (0, '')")
        if (guarded) expect(write).to.throw(/busy executing a query/)
        else write()
        rows.return!()
      }
      expectGuarded(true)
      const [statement, one] = await begun(db, 'select a, filler from t')
      const [other, two] = await begun(db, 'select filler, a from t')
      expectGuarded(false)
      await one.rest!.close()
      expectGuarded(false)
      await readOn(two, TENS)
      expectGuarded(true)
      await one.rest!.close()
      await two.rest!.close()
      expectGuarded(true)
      await db.run('insert into t values (?, ?)', LEAST, '')
      const failing = await db.prepare('select abs(a), filler from t')
      expect((await readOn(await failing.execute([], TENS), TENS)).error).not.to.equal(null)
      expectGuarded(true)
      await statement.finalize()
      await other.finalize()
    })
  }
})

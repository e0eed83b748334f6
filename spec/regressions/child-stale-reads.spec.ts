/**
 * Regressions in the child that broke "what is awaited is seen": reads that joined a batch whose transaction
 * was open already, and a statement that kept its connection's snapshot.
 */
import { expect } from 'chai'
import { createPool, type Pool } from 'forklite'
import { describeEachDriver } from '../support/drivers.ts'

const WRITES = 100
const CALLERS = 64

describeEachDriver('what is awaited is seen', ({ driver, file }) => {
  let pool: Pool

  beforeEach(async () => {
    pool = await createPool(file(), { driver, readers: 1 })
    await pool.execute('create table t (a)')
  })

  afterEach(() => pool.close())

  async function staleReads(): Promise<number> {
    let stale = 0
    for (let written = 1; written <= WRITES; written++) {
      await pool.execute('insert into t values (1)')
      const [[count]] = (await pool.execute('select count(*) from t').fetchall()) as [[number]]
      if (count !== written) stale++
    }
    return stale
  }

  it('while many others read', async () => {
    let over = false
    const callers = Array.from({ length: CALLERS }, async () => {
      while (!over) await pool.execute('select 1').fetchall()
    })
    const stale = await staleReads()
    over = true
    await Promise.all(callers)
    expect(stale).to.equal(0)
  })

  it('behind an EXPLAIN', async () => {
    for (const sql of ['explain select * from t', 'explain query plan select * from t']) {
      expect(await pool.execute(sql).fetchall()).not.to.deep.equal([])
    }
    expect(await staleReads()).to.equal(0)
  })
})

/** Regression in the child: an initializer that left a transaction open lost every write, answered ones too. */
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { createPool } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

describeEachDriver('an initializer that uses transactions', ({ driver, file }) => {
  /** The path of an initializer that runs SQL in every child, in each driver's way. */
  function initializer(sql: string): string {
    writeFileSync(
      file('initializer.mjs'),
      `export default (db) => new Promise((resolve, reject) => {
         if (${driver === 'sqlite3'}) db.exec(${JSON.stringify(sql)}, (error) => (error ? reject(error) : resolve()))
         else resolve(db.exec(${JSON.stringify(sql)}))
       })`,
    )
    return file('initializer.mjs')
  }

  for (const sql of ['begin', 'savepoint a', 'begin; select 1; commit; begin immediate']) {
    it(`is refused when it leaves one open: ${sql}`, async () => {
      const error = await errorOf(createPool(file(), { driver, initializer: initializer(sql), readers: 1 }))
      expect(error).to.include({ name: 'OperationalError', code: 'INITIALIZER_FAILED' })
      expect(error.message).to.include('the initializer left a transaction open: commit it')
    })
  }

  it('may, when it ends them', async () => {
    const options = { driver, initializer: initializer('begin; select 1; commit'), readers: 1 }
    const pool = await createPool(file(), options)
    await pool.execute('create table t (a)')
    await pool.execute('insert into t values (1)')
    await pool.close()
    const again = await createPool(file(), options)
    expect(await again.execute('select a from t').fetchall()).to.deep.equal([[1]])
    await again.close()
  })
})

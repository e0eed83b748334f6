/** Contract: `inTransaction` is the truth after every call; see contract.ts. */
import { expect } from 'chai'
import { describeEachDriver, thrownBy } from './contract.ts'

describeEachDriver('a driver’s inTransaction', ({ name, open }) => {
  /** Statements of one connection, and whether a transaction is open after each; `!` before those that fail. */
  const stories: Record<string, [sql: string, open: boolean][]> = {
    'BEGIN and COMMIT': [
      ['begin', true],
      ['insert into t values (1)', true],
      ['select * from t', true],
      ['commit', false],
    ],
    'BEGIN IMMEDIATE, END': [
      ['begin immediate', true],
      ['end transaction', false],
    ],
    ROLLBACK: [
      ['begin', true],
      ['rollback', false],
    ],
    'savepoints alone': [
      ['savepoint a', true],
      ['savepoint b', true],
      ['release b', true],
      ['rollback to a', true],
      ['release a', false],
    ],
    'savepoints in a transaction': [
      ['begin', true],
      ['savepoint a', true],
      ['release a', true],
      ['rollback', false],
    ],
    'a failing statement outside': [
      ['! insert into t values (0), (0)', false],
      ['! commit', false],
      ['! rollback', false],
    ],
    'a failing statement inside': [
      ['begin', true],
      ['! insert into t values (0), (0)', true],
      ['! begin', true],
      ['! nonsense', true],
      ['commit', false],
    ],
    'OR ROLLBACK': [
      ['insert into t values (1)', false],
      ['begin', true],
      ['insert into t values (2)', true],
      ['! insert or rollback into t values (1)', false],
      ['begin', true],
      ['! insert or rollback into t values (1) returning a', false],
      ['insert into t values (3)', false],
    ],
    'RAISE(ROLLBACK)': [
      ["create trigger x before delete on t begin select raise(rollback, 'no'); end", false],
      ['insert into t values (1)', false],
      ['begin', true],
      ['! delete from t', false],
    ],
    'a COMMIT that fails': [
      ['pragma foreign_keys = on', false],
      ['create table p (id integer primary key)', false],
      ['create table c (p references p (id) deferrable initially deferred)', false],
      ['begin', true],
      ['insert into c values (7)', true],
      ['! commit', true],
      ['insert into p values (7)', true],
      ['commit', false],
    ],
    'RETURNING inside and outside': [
      ['insert into t values (1) returning a', false],
      ['begin', true],
      ['insert into t values (2) returning a', true],
      ['commit', false],
    ],
  }

  for (const [title, steps] of Object.entries(stories)) {
    for (const way of ['execute', 'exec'] as const) {
      it(`${title}, by ${way}`, async () => {
        const db = await open()
        await db.run('create table t (a unique)')
        for (const [step, inside] of steps) {
          const sql = step.replace(/^! /, '')
          const call = () => (way === 'exec' ? db.exec(sql) : db.run(sql))
          if (sql === step) await call()
          else await thrownBy(call)
          expect(db.inTransaction, step).to.equal(inside)
        }
      })
    }
  }

  it('knows what a script did, a failing one too', async () => {
    const db = await open()
    await db.exec('create table t (a unique); begin; insert into t values (1)')
    expect(db.inTransaction).to.equal(true)
    await db.exec('commit; begin; rollback')
    expect(db.inTransaction).to.equal(false)
    await thrownBy(() => db.exec('begin; insert into t values (1); commit'))
    expect(db.inTransaction).to.equal(true)
  })

  it('sees what was done by the handle given away, at the next call', async () => {
    const db = await open()
    const handle = db.raw.handle as { exec(sql: string, done?: () => void): void }
    await new Promise<void>((done) => {
      if (name === 'sqlite3') handle.exec('begin', done)
      else done(handle.exec('begin'))
    })
    await db.exec('')
    expect(db.inTransaction).to.equal(true)
  })

  it('rolls back nothing but the statement that failed', async () => {
    const db = await open()
    await db.run('create table t (a unique)')
    await db.run('begin')
    await db.run('insert into t values (1)')
    await thrownBy(() => db.run('insert into t values (2), (1)'))
    await db.run('commit')
    expect(await db.rows('select * from t')).to.deep.equal([[1]])
  })
})

/** What a program tells of the number of rows; the programs are those of every driver's own engine. */
import { expect } from 'chai'
import { cannotLoop, type Instruction } from '../../lib/drivers/program.ts'
import { describeEachDriver, type TestConnection } from './contract.ts'

const SCHEMA = `
  create table t (id integer primary key, a text unique, b int, c real);
  create table w (k text primary key, v) without rowid;
  create table u (x, y, unique (x, y));
  create index tb on t (b);
  create view one as select * from t;
  create view all_of_it as select * from t union all select * from t;
`

/** Of these, whatever the tables hold, only a few rows can come. */
const BOUNDED = [
  'select 1',
  'select ?, :a',
  'select * from t where id = ?',
  'select a, b + 1, upper(a), cast(c as int) from t where a = ?',
  'select id from t where a = ? limit 1',
  'select * from t where id = ? limit ?',
  'select * from t where id = ? order by b',
  'select * from t where id = ? and b > 3',
  'select * from w where k = ?',
  'select * from u where x = ? and y = ?',
  'select * from one where id = ?',
  'select t.*, other.a from t join t other on other.id = t.b where t.id = ?',
  'select count(*) from t',
  'select count(*), sum(b) from t where id = ?',
  'select case when ? then 1 else 2 end',
  'select (select a from t where id = 3), ?',
  'select exists (select 1 from t where a = ?)',
  "select json_object('a', a) from t where id = ?",
  'select 1 union all select 2',
  'select * from all_of_it where id = ?',
  'values (1, 2)',
]

/** Of these as many as there are, or the program goes around somewhere. */
const UNBOUNDED = [
  'select * from t',
  'select * from t limit 1',
  'select * from t limit ?',
  'select * from t where b = ?',
  'select * from t where a is ?',
  'select * from t where id > ?',
  'select * from t where id in (?, ?)',
  'select * from t where id = 1 or b = 2',
  'select * from t where id = (select max(id) from t)',
  'select * from u where x = ?',
  'select * from w where v = ?',
  'select * from all_of_it where b = ?',
  'select * from t order by c',
  'select * from t order by b limit 3',
  'select distinct b from t',
  'select b, count(*) from t group by b',
  'select row_number() over () from t',
  'select 1 union select 2',
  'select * from t union all select * from t where id = ?',
  'with recursive n (i) as (select 1 union all select i + 1 from n) select i from n',
  'select * from pragma_table_info(?)',
  'select * from json_each(?)',
]

describeEachDriver('a program', ({ open }) => {
  const programOf = async (db: TestConnection, sql: string): Promise<Instruction[]> => {
    const names = await db.names('explain select 1')
    const params = sql.match(/\?|:a/g)?.map(() => 1) ?? []
    const rows = await db.rows(`explain ${sql}`, ...params)
    const [opcode, p2] = [names!.indexOf('opcode'), names!.indexOf('p2')]
    return rows.map((row) => ({ opcode: row[opcode] as string, p2: row[p2] as number }))
  }

  it('that cannot loop is told', async () => {
    const db = await open()
    await db.exec(SCHEMA)
    for (const sql of BOUNDED) expect(cannotLoop(await programOf(db, sql)), sql).to.equal(true)
  })

  it('that may loop is told', async () => {
    const db = await open()
    await db.exec(SCHEMA)
    for (const sql of UNBOUNDED) expect(cannotLoop(await programOf(db, sql)), sql).to.equal(false)
  })
})

describe('a program', () => {
  const go = (opcode: string, p2 = 0): Instruction => ({ opcode, p2 })
  const around = (...body: Instruction[]): Instruction[] => [
    go('Init', body.length + 2),
    ...body,
    go('Halt'),
    go('Transaction'),
    go('Goto', 1),
  ]

  it('is bounded when all its jumps lead forward', () => {
    expect(cannotLoop(around(go('ResultRow', 1)))).to.equal(true)
    expect(cannotLoop(around(go('Rewind', 3), go('ResultRow', 1)))).to.equal(true)
  })

  it('is not when one leads back, to itself, or to the prologue', () => {
    expect(cannotLoop(around(go('ResultRow', 1), go('Goto', 1)))).to.equal(false)
    expect(cannotLoop(around(go('Goto', 1)))).to.equal(false)
    expect(cannotLoop(around(go('If', 3)))).to.equal(false)
    expect(cannotLoop(around(go('If', 4)))).to.equal(false)
  })

  it('is not when it is not understood', () => {
    expect(cannotLoop([])).to.equal(false)
    expect(cannotLoop([go('Init', 0)])).to.equal(false)
    expect(cannotLoop([go('Init', 9), go('Halt'), go('Goto', 1)])).to.equal(false)
    expect(cannotLoop([go('Init', 2), go('ResultRow', 1), go('Goto', 1)])).to.equal(false)
    expect(cannotLoop([go('Init', 2), go('Halt'), go('Transaction', 1)])).to.equal(false)
    for (const opcode of ['Next', 'Yield', 'Gosub', 'Jump', 'Program', 'NoSuchOpcode', 'Return']) {
      expect(cannotLoop(around(go(opcode, 2))), opcode).to.equal(false)
    }
  })
})

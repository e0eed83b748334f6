/**
 * The cases of dbapi20, the compliance suite for PEP 249 by Stuart Bishop and others (public domain), under the
 * names they have there. Its tables are ours.
 */
import { expect } from 'chai'
import * as dbapi from 'forklite'
import { describeCompliance, EXCEPTIONS, refused, rows } from './subject.ts'

const CITIES = ['Delft', 'Ede', 'Gouda', 'Maastricht', 'Utrecht', 'Zwolle']

/** What none of the parameter styles may take for a parameter, inside a string. */
const TROUBLE = 'thi%s :may ca%(u)se? troub:1e'

describeCompliance('dbapi20', (db) => {
  const create = () => db.cur.execute('create table city (name varchar(20))')
  const drop = () => db.cur.execute('drop table city')
  const query = () => db.cur.execute('select name from city')

  async function populate(): Promise<void> {
    await create()
    for (const name of CITIES) await db.cur.execute(`insert into city values ('${name}')`)
  }

  const sorted = (found: dbapi.RowArray[]) => found.map(([name]) => name).sort()

  it('test_connect', async () => {
    const conn = await db.open(':memory:')
    await conn.close()
  })

  it('test_apilevel', () => {
    expect(dbapi.apilevel).to.equal('2.0')
  })

  it('test_threadsafety', () => {
    expect(dbapi.threadsafety).to.be.oneOf([0, 1, 2, 3])
  })

  it('test_paramstyle', () => {
    expect(dbapi.paramstyle).to.be.oneOf(['qmark', 'numeric', 'named', 'format', 'pyformat'])
  })

  it('test_Exceptions', () => {
    const { Warning, Error: Base, ...others } = EXCEPTIONS
    expect(Warning.prototype).to.be.instanceOf(globalThis.Error)
    expect(Base.prototype).to.be.instanceOf(globalThis.Error)
    for (const cls of Object.values(others)) {
      expect(cls.prototype).to.be.instanceOf(dbapi.Error)
    }
  })

  it('test_ExceptionsAsConnectionAttributes', () => {
    for (const [name, cls] of Object.entries(EXCEPTIONS)) {
      expect(db.conn).to.have.property(name, cls)
    }
  })

  it('test_commit', async () => {
    expect(await db.conn.commit()).to.equal(undefined)
  })

  it('test_rollback', async () => {
    expect(await db.conn.rollback()).to.equal(undefined)
  })

  it('test_cursor', () => {
    expect(db.conn.cursor()).to.have.property('execute')
  })

  it('test_cursor_isolation', async () => {
    await create()
    const [one, two] = [db.conn.cursor(), db.conn.cursor()]
    await one.execute("insert into city values ('Utrecht')")
    await two.execute('select name from city')
    expect(await two.fetchall()).to.deep.equal([['Utrecht']])
  })

  it('test_description', async () => {
    await create()
    expect(db.cur.description).to.equal(null)
    await query()
    expect(db.cur.description).to.have.lengthOf(1)
    const [column] = db.cur.description!
    expect(column).to.have.lengthOf(7)
    expect(column![0].toLowerCase()).to.equal('name')
    // The sqlite3 package does not tell the declared type.
    expect(column![1]).to.equal(db.driver === 'sqlite3' ? null : dbapi.STRING)
    expect(dbapi.STRING).to.not.equal(undefined)
    await db.cur.execute('create table other (name varchar(20))')
    expect(db.cur.description).to.equal(null)
  })

  it('test_rowcount', async () => {
    await create()
    expect(db.cur.rowcount).to.be.oneOf([-1, 0])
    await db.cur.execute("insert into city values ('Utrecht')")
    expect(db.cur.rowcount).to.be.oneOf([-1, 1])
    await query()
    expect(db.cur.rowcount).to.be.oneOf([-1, 1])
    await db.cur.execute('create table other (name varchar(20))')
    expect(db.cur.rowcount).to.equal(-1)
  })

  it('test_callproc (row of differences: SQLite has no procedures, and callproc no tasks yet)', async () => {
    await refused(dbapi.NotSupportedError, () => db.cur.callproc('lower', ['FOO']))
  })

  it('test_close', async () => {
    await db.conn.close()
    await refused(dbapi.Error, () => db.cur.execute('select 1'))
    await refused(dbapi.Error, () => db.conn.commit())
  })

  it('test_execute', async () => {
    await create()
    await db.cur.execute("insert into city values ('Utrecht')")
    expect(db.cur.rowcount).to.be.oneOf([-1, 1])
    await db.cur.execute(`insert into city values ('${TROUBLE}')`)
    expect(db.cur.rowcount).to.be.oneOf([-1, 1])
    expect(sorted(await rows(db.conn, 'select name from city'))).to.deep.equal(['Utrecht', TROUBLE])
    await db.cur.execute('create table mayor (name varchar(20), city varchar(40))')
    await db.cur.execute(`insert into mayor values (?, '${TROUBLE}')`, ["Cooper's"])
    expect(db.cur.rowcount).to.be.oneOf([-1, 1])
    expect(await rows(db.conn, 'select name, city from mayor')).to.deep.equal([["Cooper's", TROUBLE]])
  })

  it('test_executemany', async () => {
    await create()
    await db.cur.executemany('insert into city values (?)', [["Cooper's"], ["Boag's"]])
    expect(db.cur.rowcount).to.be.oneOf([-1, 2])
    await query()
    expect(sorted(await db.cur.fetchall())).to.deep.equal(["Boag's", "Cooper's"])
  })

  it('test_fetchone', async () => {
    await refused(dbapi.Error, () => db.cur.fetchone())
    await create()
    await refused(dbapi.Error, () => db.cur.fetchone())
    await query()
    expect(await db.cur.fetchone()).to.equal(null)
    expect(db.cur.rowcount).to.be.oneOf([-1, 0])
    await db.cur.execute("insert into city values ('Utrecht')")
    await refused(dbapi.Error, () => db.cur.fetchone())
    await query()
    expect(await db.cur.fetchone()).to.deep.equal(['Utrecht'])
    expect(await db.cur.fetchone()).to.equal(null)
    expect(db.cur.rowcount).to.be.oneOf([-1, 1])
  })

  it('test_fetchmany', async () => {
    await refused(dbapi.Error, () => db.cur.fetchmany(4))
    await populate()
    await query()
    expect(await db.cur.fetchmany()).to.have.lengthOf(1)
    db.cur.arraysize = 10
    expect(await db.cur.fetchmany(3)).to.have.lengthOf(3)
    expect(await db.cur.fetchmany(4)).to.have.lengthOf(2)
    expect(await db.cur.fetchmany(4)).to.deep.equal([])
    expect(db.cur.rowcount).to.be.oneOf([-1, 6])

    db.cur.arraysize = 4
    await query()
    expect(await db.cur.fetchmany()).to.have.lengthOf(4)
    expect(await db.cur.fetchmany()).to.have.lengthOf(2)
    expect(await db.cur.fetchmany()).to.have.lengthOf(0)
    expect(db.cur.rowcount).to.be.oneOf([-1, 6])

    db.cur.arraysize = 6
    await query()
    const six = await db.cur.fetchmany()
    expect(db.cur.rowcount).to.be.oneOf([-1, 6])
    expect(sorted(six)).to.deep.equal(CITIES)
    expect(await db.cur.fetchmany()).to.deep.equal([])
    expect(db.cur.rowcount).to.be.oneOf([-1, 6])

    await db.cur.execute('create table other (name varchar(20))')
    await db.cur.execute('select name from other')
    expect(await db.cur.fetchmany()).to.deep.equal([])
    expect(db.cur.rowcount).to.be.oneOf([-1, 0])
  })

  it('test_fetchall', async () => {
    await refused(dbapi.Error, () => db.cur.fetchall())
    await populate()
    await refused(dbapi.Error, () => db.cur.fetchall())
    await query()
    expect(sorted(await db.cur.fetchall())).to.deep.equal(CITIES)
    expect(db.cur.rowcount).to.be.oneOf([-1, 6])
    expect(await db.cur.fetchall()).to.deep.equal([])
    expect(db.cur.rowcount).to.be.oneOf([-1, 6])
    await db.cur.execute('create table other (name varchar(20))')
    await db.cur.execute('select name from other')
    expect(await db.cur.fetchall()).to.deep.equal([])
    expect(db.cur.rowcount).to.be.oneOf([-1, 0])
  })

  it('test_mixedfetch', async () => {
    await populate()
    await query()
    const one = await db.cur.fetchone()
    const twoAndThree = await db.cur.fetchmany(2)
    const four = await db.cur.fetchone()
    const others = await db.cur.fetchall()
    expect(db.cur.rowcount).to.be.oneOf([-1, 6])
    expect(twoAndThree).to.have.lengthOf(2)
    expect(others).to.have.lengthOf(2)
    expect(sorted([one!, ...twoAndThree, four!, ...others])).to.deep.equal(CITIES)
  })

  it('test_nextset (row of differences: a statement has one result set)', async () => {
    await populate()
    await query()
    await refused(dbapi.NotSupportedError, () => db.cur.nextset())
  })

  it('test_arraysize', () => {
    expect(db.cur.arraysize).to.equal(1)
  })

  it('test_setinputsizes', async () => {
    await db.cur.setinputsizes([25])
    await populate()
    await query()
    expect(await db.cur.fetchall()).to.have.lengthOf(6)
  })

  it('test_setoutputsize_basic', async () => {
    await db.cur.setoutputsize(1000)
    await db.cur.setoutputsize(2000, 0)
    await populate()
    await query()
    expect(await db.cur.fetchall()).to.have.lengthOf(6)
  })

  it('test_setoutputsize: no effect on a large column, as PEP 249 allows', async () => {
    await create()
    const large = 'x'.repeat(5000)
    await db.cur.execute('insert into city values (?)', [large])
    await db.cur.setoutputsize(10, 0)
    await query()
    expect(await db.cur.fetchall()).to.deep.equal([[large]])
  })

  it('test_None', async () => {
    await create()
    await db.cur.execute('insert into city values (NULL)')
    await query()
    expect(await db.cur.fetchall()).to.deep.equal([[null]])
    await drop()
  })

  // Python stores a date and a timestamp as these texts; its local time is of the process, as ours.
  const local = new globalThis.Date(1_099_000_000_000)
  const two = (number: number) => String(number).padStart(2, '0')
  const date = [local.getFullYear(), two(local.getMonth() + 1), two(local.getDate())].join('-')
  const time = [local.getHours(), local.getMinutes(), local.getSeconds()].map(two).join(':')

  it('test_Date', () => {
    expect(dbapi.Date(2002, 12, 5)).to.equal('2002-12-05')
    expect(dbapi.DateFromTicks(1_099_000_000)).to.equal(date)
  })

  it('test_Time', () => {
    expect(dbapi.Time(13, 45, 3)).to.equal('13:45:03')
    expect(dbapi.TimeFromTicks(1_099_000_000)).to.equal(time)
  })

  it('test_Timestamp', () => {
    expect(dbapi.Timestamp(2002, 12, 5, 13, 45, 3)).to.equal('2002-12-05 13:45:03')
    expect(dbapi.TimestampFromTicks(1_099_000_000)).to.equal(`${date} ${time}`)
  })

  it('test_Binary', async () => {
    const blob = dbapi.Binary(Buffer.from('Something'))
    expect(blob).to.be.instanceOf(Buffer)
    expect(dbapi.Binary(Buffer.alloc(0))).to.deep.equal(Buffer.alloc(0))
    expect(await db.conn.execute('select ?, typeof(?)', [blob, blob]).fetchall()).to.deep.equal([
      [Buffer.from('Something'), 'blob'],
    ])
  })

  const { STRING, BINARY, NUMBER, DATETIME, ROWID } = dbapi
  for (const [name, object] of Object.entries({ STRING, BINARY, NUMBER, DATETIME, ROWID })) {
    it(`test_${name}`, () => {
      expect(dbapi).to.have.property(name)
      expect(object, 'a type object').to.not.be.oneOf([undefined, null])
    })
  }

  it('has type objects that are five different ones', () => {
    expect(new Set([STRING, BINARY, NUMBER, DATETIME, ROWID])).to.have.property('size', 5)
  })
})

import { expect } from 'chai'
import * as forklite from 'forklite'
import { type Connection, type Cursor, connect } from 'forklite'
import { describeEachDriver, errorOf } from '../support/drivers.ts'

describeEachDriver('Cursor', ({ driver, file }) => {
  let conn: Connection
  let cur: Cursor

  beforeEach(async () => {
    conn = await connect(file(), { driver, readers: 1 })
    cur = conn.cursor()
    await cur.execute('create table city (id integer primary key, name text unique, people int)')
  })
  afterEach(() => conn.close())

  async function threeCities(): Promise<void> {
    await cur.executemany('insert into city (name, people) values (?, ?)', [
      ['Utrecht', 376435],
      ['Delft', 109577],
      ['Gouda', 75316],
    ])
    await conn.commit()
  }

  it('knows its connection, and has arraysize 1 unless told otherwise', async () => {
    expect(cur.connection).to.equal(conn)
    expect(cur.arraysize).to.equal(1)
  })

  it('resolves execute() to the cursor itself, which is no thenable', async () => {
    expect(await cur.execute('select 1')).to.equal(cur)
    expect(cur).to.not.have.property('then')
  })

  it('takes parameters by place, by number and by name', async () => {
    await cur.execute('select ?, ?', [1, 'a'])
    expect(await cur.fetchone()).to.deep.equal([1, 'a'])
    await cur.execute('select ?2, ?1, ?2', [1, 'a'])
    expect(await cur.fetchone()).to.deep.equal(['a', 1, 'a'])
    await cur.execute('select :a, :b, :a', { a: 1, b: 'x' })
    expect(await cur.fetchone()).to.deep.equal([1, 'x', 1])
    await cur.execute('select @a', { a: 2 })
    expect(await cur.fetchone()).to.deep.equal([2])
    await cur.execute('select $a', { $a: 3 })
    expect(await cur.fetchone()).to.deep.equal([3])
    await cur.execute('select ?', new Set([4]))
    expect(await cur.fetchone()).to.deep.equal([4])
  })

  it('brings values back as they went', async () => {
    const values = [null, 0, -5, 2 ** 40, 1.5, -1e300, 'text', 'ünï\u0000c✓🙂', '', Buffer.from([0, 1, 255])]
    await cur.execute(`select ${values.map(() => '?').join(', ')}`, values)
    expect(await cur.fetchone()).to.deep.equal(values)
    await cur.execute('select ?, ?, ?', [true, new Date(0), new Uint8Array(0)])
    expect(await cur.fetchone()).to.deep.equal([1, '1970-01-01T00:00:00.000Z', Buffer.alloc(0)])
  })

  it('is as the parameters were when it was called, whatever becomes of them', async () => {
    const params = ['before', Buffer.from('before')]
    const execution = cur.execute('select ?, ?', params)
    params[0] = 'after'
    ;(params[1] as Buffer).fill(0)
    expect(await execution.fetchall()).to.deep.equal([['before', Buffer.from('before')]])
  })

  it('describes the columns, of an empty result too', async () => {
    await cur.execute('select name, people as "how many", 1 from city')
    expect(cur.description?.map(([name]) => name)).to.deep.equal(['name', 'how many', '1'])
    for (const column of cur.description ?? []) {
      expect(column).to.have.length(7)
      expect(column.slice(2)).to.deep.equal([null, null, null, null, null])
    }
    await cur.execute('delete from city')
    expect(cur.description).to.equal(null)
  })

  it('describes the declared types where the driver tells them', async function () {
    if (driver === 'sqlite3') this.skip()
    await cur.execute('select name, people, id from city')
    const { STRING, NUMBER } = forklite
    expect(cur.declaredTypes?.map((type) => type?.toUpperCase())).to.deep.equal(['TEXT', 'INT', 'INTEGER'])
    expect(cur.description?.map(([, type]) => type)).to.deep.equal([STRING, NUMBER, NUMBER])
  })

  it('keeps duplicate and integer-like column names apart, in order', async () => {
    await cur.execute('select 2, 1, 3 as a, 4 as a')
    expect(await cur.fetchall()).to.deep.equal([[2, 1, 3, 4]])
    expect(cur.description?.map(([name]) => name)).to.deep.equal(['2', '1', 'a', 'a'])
  })

  it('counts rows: -1 before and after a query, the changed ones after a write', async () => {
    expect(conn.cursor().rowcount).to.equal(-1)
    await threeCities()
    expect(cur.rowcount).to.equal(3)
    await cur.execute('select * from city')
    expect(cur.rowcount).to.equal(-1)
    await cur.execute("-- which?\nupdate city set people = 0 where name <> 'Delft'")
    expect(cur.rowcount).to.equal(2)
    await cur.execute("/* gone */ delete from city where name = 'nowhere'")
    expect(cur.rowcount).to.equal(0)
    await cur.execute('create index by_people on city (people)')
    expect(cur.rowcount).to.equal(-1)
  })

  it('tells the last rowid, and keeps it over what inserts nothing', async () => {
    expect(cur.lastrowid).to.equal(undefined)
    await cur.execute("insert into city (id, name) values (7, 'Ede')")
    expect(cur.lastrowid).to.equal(7)
    await cur.execute("insert or ignore into city (name) values ('Ede')")
    expect(cur.lastrowid).to.equal(7)
    await errorOf(cur.execute("insert into city (name) values ('Ede')"))
    expect(cur.lastrowid).to.equal(7)
    await cur.execute('select 1')
    await cur.execute('update city set people = 1')
    expect(cur.lastrowid).to.equal(7)
    await cur.execute("replace into city (id, name) values (9, 'Ede')")
    expect(cur.lastrowid).to.equal(9)
  })

  it('gives the rows of RETURNING, with the rowcount at once', async () => {
    await threeCities()
    await cur.execute('update city set people = people + 1 returning id')
    expect(cur.rowcount).to.equal(3)
    expect(await cur.fetchall()).to.deep.equal([[1], [2], [3]])
  })

  it('fetches one row after the other, and null at the end, again and again', async () => {
    await threeCities()
    await cur.execute('select name from city order by name')
    expect(await cur.fetchone()).to.deep.equal(['Delft'])
    expect(await cur.fetchone()).to.deep.equal(['Gouda'])
    expect(await cur.fetchone()).to.deep.equal(['Utrecht'])
    expect(await cur.fetchone()).to.equal(null)
    expect(await cur.fetchone()).to.equal(null)
  })

  it('fetches many: arraysize rows, or as many as asked for, fewer at the end', async () => {
    await threeCities()
    await cur.execute('select id from city order by id')
    expect(await cur.fetchmany()).to.deep.equal([[1]])
    cur.arraysize = 2
    expect(await cur.fetchmany()).to.deep.equal([[2], [3]])
    expect(await cur.fetchmany()).to.deep.equal([])
    await cur.execute('select id from city order by id')
    expect(await cur.fetchmany(100)).to.deep.equal([[1], [2], [3]])
    expect(await cur.fetchmany(100)).to.deep.equal([])
    await cur.execute('select id from city order by id')
    expect(await cur.fetchmany(0)).to.deep.equal([])
    expect((await errorOf(cur.fetchmany(-1))).name).to.equal('ProgrammingError')
    expect((await errorOf(cur.fetchmany(1.5))).name).to.equal('ProgrammingError')
  })

  it('fetches all that is left, and then []', async () => {
    await threeCities()
    await cur.execute('select id from city order by id')
    await cur.fetchone()
    expect(await cur.fetchall()).to.deep.equal([[2], [3]])
    expect(await cur.fetchall()).to.deep.equal([])
  })

  it('iterates over the rows in order', async () => {
    await threeCities()
    await cur.execute('select id from city order by id')
    const ids = []
    for await (const [id] of cur) ids.push(id)
    expect(ids).to.deep.equal([1, 2, 3])
  })

  it('lets go of the rest when a loop is left early', async () => {
    await threeCities()
    await cur.execute('select id from city order by id')
    for await (const [id] of cur) if (id === 2) break
    const error = await errorOf(cur.fetchone())
    expect(error).to.be.instanceOf(forklite.ProgrammingError)
    expect(error.code).to.equal('RESULT_GONE')
  })

  it('brings results of many chunks, by each way of fetching, complete and in order', async () => {
    const sql =
      'with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000) select x, ? from c'
    const filler = 'x'.repeat(50)
    await cur.execute(sql, [filler])
    const all = await cur.fetchall()
    expect(all.length).to.equal(20000)
    expect(all.every(([x, text], i) => x === i + 1 && text === filler)).to.equal(true)
    await cur.execute(sql, [filler])
    let next = 1
    for await (const [x] of cur) expect(x).to.equal(next++)
    expect(next).to.equal(20001)
    await cur.execute(sql, [filler])
    let rows = await cur.fetchmany(777)
    let seen = 0
    while (rows.length > 0) {
      expect(rows[0]?.[0]).to.equal(seen + 1)
      seen += rows.length
      rows = await cur.fetchmany(777)
    }
    expect(seen).to.equal(20000)
  })

  it('gives each row once to callers that fetch side by side', async () => {
    await cur.execute(
      'with recursive c(x) as (select 1 union all select x + 1 from c where x < 9000) select x, zeroblob(50) from c',
    )
    const rows = await Promise.all(Array.from({ length: 9001 }, () => cur.fetchone()))
    const ids = rows.filter((row) => row !== null).map(([x]) => x as number)
    expect(ids.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 9000 }, (_, i) => i + 1))
  })

  it('refuses to fetch before a query, after DDL and after a write', async () => {
    const none = conn.cursor()
    for (const fetch of [() => none.fetchone(), () => none.fetchmany(), () => none.fetchall()]) {
      expect(await errorOf(fetch())).to.be.instanceOf(forklite.Error)
    }
    await cur.execute("insert into city (name) values ('Ede')")
    expect((await errorOf(cur.fetchone())).code).to.equal('NO_RESULT')
    await cur.execute('create table other (a)')
    expect((await errorOf(cur.fetchall())).code).to.equal('NO_RESULT')
  })

  it('keeps several cursors on the same SQL apart', async () => {
    await threeCities()
    const cursors = [conn.cursor(), conn.cursor(), conn.cursor()]
    for (const each of cursors) await each.execute('select id from city order by id')
    await cursors[0]?.fetchone()
    await cursors[1]?.fetchmany(2)
    expect(await cursors[0]?.fetchone()).to.deep.equal([2])
    expect(await cursors[1]?.fetchone()).to.deep.equal([3])
    expect(await cursors[2]?.fetchall()).to.deep.equal([[1], [2], [3]])
  })

  it('runs blanks and comments alone, and yields nothing', async () => {
    await cur.execute('')
    await cur.execute(' -- nothing\n /* here */ ; ')
    expect(cur.description).to.equal(null)
    expect(cur.rowcount).to.equal(-1)
  })

  it('refuses a second statement and runs neither; a trailing semicolon and comments are fine', async () => {
    for (const sql of [
      'select 1; select 2',
      'delete from city; drop table city',
      'select 1; -',
      'select 1; // x',
    ]) {
      const error = await errorOf(cur.execute(sql))
      expect(error.name).to.equal('ProgrammingError')
      expect(error.message).to.match(/one statement at a time/)
    }
    for (const sql of ['select 1;', 'select 1; -- c', 'select 1; /* c */ ', '-- c\nselect 1 ;;\n']) {
      await cur.execute(sql)
      expect(await cur.fetchall()).to.deep.equal([[1]])
    }
  })

  it('runs executemany for arrays, generators, async generators and objects', async () => {
    const sql = 'insert into city (id, name) values (?, ?)'
    await cur.executemany(sql, [[1, 'a']])
    function* some(): Generator<[number, string]> {
      for (let i = 2; i <= 1000; i++) yield [i, `city ${i}`]
    }
    expect(await cur.executemany(sql, some())).to.equal(cur)
    expect(cur.rowcount).to.equal(999)
    async function* more(): AsyncGenerator<{ id: number; name: string }> {
      yield { id: 2001, name: 'x' }
      yield { id: 2002, name: 'y' }
    }
    await cur.executemany('insert into city (id, name) values (:id, :name)', more())
    expect(cur.rowcount).to.equal(2)
    await cur.executemany(sql, [])
    expect(cur.rowcount).to.equal(0)
    expect(await conn.execute('select count(*), sum(id) from city').fetchall()).to.deep.equal([
      [1002, (1000 * 1001) / 2 + 4003],
    ])
  })

  it('runs executemany in several slices, and tells the row that failed across them', async () => {
    const sets = Array.from({ length: 5000 }, (_, i) => [i === 4321 ? 7 : i, 'n'.repeat(200) + i])
    const error = await errorOf(cur.executemany('insert into city (id, name) values (?, ?)', sets))
    expect(error).to.be.instanceOf(forklite.IntegrityError)
    expect(error.message).to.match(/^row 4321: UNIQUE/)
    expect(await conn.execute('select count(*) from city').fetchall()).to.deep.equal([[4321]])
    expect(conn.inTransaction).to.equal(true)
    await conn.rollback()
    expect(await conn.execute('select count(*) from city').fetchall()).to.deep.equal([[0]])
  })

  it('refuses executemany of a query, of nothing iterable, and of a set that does not fit', async () => {
    expect((await errorOf(cur.executemany('select ?', [[1]]))).name).to.equal('ProgrammingError')
    expect((await errorOf(cur.executemany('insert into city (id) values (?)', 5 as never))).name).to.equal(
      'ProgrammingError',
    )
    const error = await errorOf(cur.executemany('insert into city (id) values (?)', [[1], [2, 3]]))
    expect(error.message).to.match(/^row 1: it has 1 parameters, and 2 were given/)
    await cur.executemany('insert into city (id) values (?)', [[50]])
    expect(cur.rowcount).to.equal(1)
  })

  it('passes on what the sets themselves throw, and goes on afterwards', async () => {
    function* broken(): Generator<[number]> {
      yield [1]
      throw new RangeError('from the generator')
    }
    const error = await errorOf(cur.executemany('insert into city (id) values (?)', broken()))
    expect(error).to.be.instanceOf(RangeError)
    await cur.execute('select 1')
    expect(await cur.fetchall()).to.deep.equal([[1]])
  })

  it('refuses a second call while the first is unanswered', async () => {
    const first = cur.execute('select 1')
    const error = await errorOf(cur.execute('select 2'))
    expect(error.name).to.equal('ProgrammingError')
    expect(error.code).to.equal('CURSOR_BUSY')
    expect(await first.fetchall()).to.deep.equal([[1]])
  })

  it('lets go of the rows before when it executes anew', async () => {
    const first = cur.execute('select 1 union all select 2')
    await first
    await cur.execute('select 3')
    expect((await errorOf(first.fetchall())).code).to.equal('RESULT_GONE')
    expect(await cur.fetchall()).to.deep.equal([[3]])
  })

  it('refuses everything after close(), which may be called twice', async () => {
    await cur.execute('select 1')
    await cur.close()
    await cur.close()
    for (const call of [
      () => cur.execute('select 1'),
      () => cur.executemany('insert into city (id) values (?)', []),
      () => cur.fetchone(),
      () => cur.fetchmany(),
      () => cur.fetchall(),
    ]) {
      const error = await errorOf(call())
      expect(error.name).to.equal('ProgrammingError')
      expect(error.code).to.equal('CLOSED')
    }
  })
})

/**
 * Lines that must not compile, each by itself. spec/types/types.spec.ts compiles this file as it stands, and once
 * more without the comments that expect an error. Never run.
 */
import {
  type Connection,
  type Cursor,
  connect,
  createPool,
  Date as DbDate,
  type Options,
  type Pool,
  Row,
  registerAdapter,
  registerConverter,
  sqliteVersion,
} from 'forklite'

export async function options(pool: Pool): Promise<void> {
  // @ts-expect-error: there is no such option.
  await connect('a.db', { reader: 1 })
  // @ts-expect-error: nor here.
  await createPool('a.db', { timeoutMs: 50 })
  // @ts-expect-error: an option of pools, and not of Connections.
  await pool.connect({ readers: 1 })
  // @ts-expect-error: a number of milliseconds.
  await connect('a.db', { lockTimeoutMs: '5s' })
  // @ts-expect-error: there is no such driver.
  await connect('a.db', { driver: 'sqlite' })
  // @ts-expect-error: nor such a level.
  await connect('a.db', { isolationLevel: 'SERIALIZABLE' })
  // @ts-expect-error: nor such a row factory.
  await connect('a.db', { rowFactory: 'array' })
  // @ts-expect-error: a row, and no class of rows.
  await connect('a.db', { rowFactory: class City {} })
  // @ts-expect-error: a number of flags.
  await connect('a.db', { detectTypes: 'decltypes' })
  // @ts-expect-error: nor such a limit.
  await connect('a.db', { limits: { nope: 1 } })
  // @ts-expect-error: a number.
  await pool.connect({ limits: { variables: '5' } })
  // @ts-expect-error: not what matters for which SQLite it is.
  await sqliteVersion({ readers: 1 })
  // @ts-expect-error: a path or a URL.
  await connect(42)
  // @ts-expect-error: no database.
  await connect()
  // @ts-expect-error: options that are kept say what their rows are.
  const kept: Options = { rowFactory: Row }
  void kept
}

export async function calls(conn: Connection, cur: Cursor, pool: Pool): Promise<void> {
  // @ts-expect-error: SQL is a string.
  await conn.execute(42)
  // @ts-expect-error: no SQL.
  await pool.execute()
  // @ts-expect-error: a function is no parameter.
  await conn.execute('select ?', [() => 1])
  // @ts-expect-error: nor is undefined.
  await conn.execute('select ?', [undefined])
  // @ts-expect-error: nor is an object of a class without an adapter.
  await conn.execute('select ?', [new Map()])
  // @ts-expect-error: nor is an array.
  await cur.execute('select :a', { a: [1] })
  // @ts-expect-error: parameters are a list.
  await cur.execute('select ?', 5)
  // @ts-expect-error: there is no such option of a call.
  await cur.execute('select 1', [], { timeout: 50 })
  // @ts-expect-error: a number of milliseconds.
  await cur.execute('select 1', [], { timeoutMs: '50' })
  // @ts-expect-error: a list of sets.
  await conn.executemany('insert into city values (?)', [1, 2])
  // @ts-expect-error: options are an object.
  await cur.fetchone('x')
  // @ts-expect-error: a number of rows.
  await cur.fetchmany('10')
  // @ts-expect-error: a list of sizes.
  cur.setinputsizes(25)
  // @ts-expect-error: a cursor of a pool is got by execute().
  pool.cursor()
}

export async function scriptsAndTransactions(conn: Connection, cur: Cursor, pool: Pool): Promise<void> {
  // @ts-expect-error: SQL is a string.
  await conn.executescript(5)
  // @ts-expect-error: on a cursor too.
  await cur.executescript(5)
  // @ts-expect-error: a script has no parameters.
  await conn.executescript('select ?', [1])
  // @ts-expect-error: an AbortSignal.
  await pool.executescript('select 1', { signal: 5 })
  // @ts-expect-error: nothing comes of a pool's script.
  const script: Cursor = await pool.executescript('select 1')
  // @ts-expect-error: a function.
  await conn.transaction('x')
  // @ts-expect-error: there is no such mode.
  await conn.transaction(() => 1, { mode: 'exclusive' })
  // @ts-expect-error: it resolves with what the function gives.
  const text: string = await conn.transaction(async () => 1)
  // @ts-expect-error: a transaction needs a Connection.
  await pool.transaction(() => 1)
  void [script, text]
}

export async function settings(conn: Connection): Promise<void> {
  // @ts-expect-error: true or false.
  await conn.setAutocommit('yes')
  // @ts-expect-error: one or the other.
  await conn.setAutocommit()
  // @ts-expect-error: there is no such level.
  await conn.setIsolationLevel('NEVER')
  // @ts-expect-error: null is never.
  await conn.setIsolationLevel(undefined)
  // @ts-expect-error: there is no such limit.
  conn.getLimit('nope')
  // @ts-expect-error: nor here.
  conn.setLimit('nope', 5)
  // @ts-expect-error: a number.
  conn.setLimit('variables', '5')
  // @ts-expect-error: it returns what the limit was.
  const before: string = conn.setLimit('variables', 5)
  void before
}

export function properties(conn: Connection, cur: Cursor): void {
  // @ts-expect-error: read only.
  conn.inTransaction = false
  // @ts-expect-error: read only.
  conn.totalChanges = 0
  // @ts-expect-error: read only, since a setter cannot wait for a COMMIT.
  conn.autocommit = true
  // @ts-expect-error: likewise.
  conn.isolationLevel = 'DEFERRED'
  // @ts-expect-error: read only.
  cur.rowcount = 0
  // @ts-expect-error: read only.
  cur.rownumber = 0
  // @ts-expect-error: read only.
  cur.description = null
  // @ts-expect-error: read only.
  cur.description![0]![1] = null
  // @ts-expect-error: read only.
  cur.declaredTypes![0] = 'TEXT'
  // @ts-expect-error: a number of rows.
  cur.arraysize = '10'
  // @ts-expect-error: there is no such row factory.
  conn.rowFactory = 42
  // @ts-expect-error: this Connection's rows are arrays.
  conn.rowFactory = Row
  // @ts-expect-error: and this cursor's are too.
  cur.rowFactory = 'object'
  // @ts-expect-error: this one's are Rows.
  conn.cursor<Row>().rowFactory = null
  // @ts-expect-error: in camel case.
  conn.row_factory = null
  // @ts-expect-error: a class, for `instanceof`.
  const name: string = conn.IntegrityError
  void name
}

export async function rows(conn: Connection, ofRows: Connection<Row>, row: Row): Promise<void> {
  // @ts-expect-error: null at the end.
  const one: unknown[] = await conn.execute('select 1').fetchone()
  // @ts-expect-error: a value may be anything that SQLite holds.
  const [[count]]: [[number]] = await conn.execute('select 1').fetchall()
  // @ts-expect-error: not the row that was asked for.
  const pairs: [number, number][] = await conn.execute<[string, number]>('select 1').fetchall()
  // @ts-expect-error: no such column.
  for await (const { people } of conn.execute<{ name: string }>('select 1')) void people
  // @ts-expect-error: a promise, and not the rows.
  const rows: unknown[] = conn.execute('select 1').fetchall()
  // @ts-expect-error: the rows are arrays.
  const named: Row | null = await conn.execute('select 1').fetchone()
  // @ts-expect-error: and here they are not.
  const array: unknown[] | null = await ofRows.execute('select 1').fetchone()
  // @ts-expect-error: a Row's values cannot be set.
  row.name = 'Ede'
  // @ts-expect-error: by place neither.
  row[0] = 'Ede'
  // @ts-expect-error: a method of arrays.
  row.map((value) => value)
  // @ts-expect-error: a name or a place.
  row.get(null)
  void [one, count, pairs, rows, named, array]
}

export function registrations(): void {
  // @ts-expect-error: a class.
  registerAdapter('Point', String)
  // @ts-expect-error: what it returns is no parameter.
  registerAdapter(Map, (map) => [...map])
  // @ts-expect-error: a function.
  registerConverter('point', 'text')
  // @ts-expect-error: values are a number, bigint, string or Buffer.
  registerConverter('point', (value) => value.x)
  // @ts-expect-error: year, month and day.
  DbDate('2026-11-21')
  // @ts-expect-error: no class, and makes no Date.
  new DbDate(2026, 11, 21)
}

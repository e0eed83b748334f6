/**
 * Programs that must compile: what types the public names give. Compiled by spec/types/types.spec.ts, never run.
 */
import {
  type Connection,
  type Cursor,
  completeStatement,
  connect,
  createPool,
  Date as DbDate,
  type Execution,
  type IsolationLevel,
  type Limits,
  type Options,
  PARSE_COLNAMES,
  PARSE_DECLTYPES,
  type Parameter,
  type Pool,
  Row,
  type RowArray,
  type RowObject,
  registerAdapter,
  registerConverter,
  STRING,
  sqliteVersion,
  type TransactionOptions,
  type TypeObject,
  type Value,
} from 'forklite'

/** Whether two types are the same, not only assignable. */
type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false

/** Compiles if the value is of that very type: `same<string>()(value)`. */
const same =
  <Wanted>() =>
  <Got>(_value: Got, ..._no: Same<Got, Wanted> extends true ? [] : [never]): void => {}

interface City {
  name: string
  people: number
}

export async function rowFactories(): Promise<void> {
  same<Connection<RowArray>>()(await connect('a.db'))
  same<Connection<RowArray>>()(await connect('a.db', { driver: 'sqlite3', autocommit: true }))
  same<Connection<RowArray>>()(await connect('a.db', { rowFactory: null }))
  same<Connection<Row>>()(await connect('a.db', { rowFactory: Row }))
  same<Connection<RowObject>>()(await connect('a.db', { readers: 1, rowFactory: 'object' }))
  same<Connection<number>>()(await connect('a.db', { rowFactory: (_, row) => row.length }))
  same<Connection<string>>()(await connect('a.db', { rowFactory: () => 'row' }))
  const named = await connect('a.db', {
    rowFactory: (cursor, row) => ({ first: row[0], columns: cursor.description?.length }),
  })
  same<number | undefined>()((await named.execute('select 1').fetchall())[0]?.columns)

  const kept = { rowFactory: 'object' as const }
  same<Connection<RowObject>>()(await connect('a.db', kept))
  const options: Options = { readers: 2 }
  same<Connection<RowArray>>()(await connect('a.db', options))
  const ofRows: Options<typeof Row> = { rowFactory: Row }
  same<Connection<Row>>()(await connect('a.db', ofRows))
}

export async function pools(): Promise<void> {
  const pool = await createPool(new URL('file:///a.db'), { rowFactory: Row })
  same<Pool<Row>>()(pool)
  same<Connection<Row>>()(await pool.connect())
  same<Connection<Row>>()(await pool.connect({ isolationLevel: null }))
  same<Connection<RowArray>>()(await pool.connect({ rowFactory: null }))
  same<Connection<RowObject>>()(await pool.connect({ rowFactory: 'object' }))
  same<Connection<readonly [number]>>()(await pool.connect({ rowFactory: (cur) => [cur.rowcount] as const }))
  same<Execution<Row>>()(pool.execute('select 1'))
  same<Row[]>()(await pool.execute('select 1').fetchall())
  same<Cursor<Row>>()(await pool.execute('select 1'))
  for await (const row of pool.execute('select 1 as one')) same<Value>()(row.one)
}

export async function rows(conn: Connection): Promise<void> {
  same<RowArray | null>()(await conn.execute('select 1').fetchone())
  same<[string, number][]>()(await conn.execute<[string, number]>('select 1').fetchall())
  same<City | null>()(await conn.execute<City>('select 1').fetchone())
  for await (const { name } of conn.execute<City>('select 1')) same<string>()(name)
  const cur = await conn.execute<City>('select 1')
  same<Cursor<City>>()(cur)
  same<City[]>()(await cur.fetchmany(5, { timeoutMs: 50 }))
  for await (const { people } of cur) same<number>()(people)
  same<Cursor<RowArray>>()(await conn.executemany('insert into city values (?)', [[1], [2n]]))
  same<Row[]>()(await conn.cursor<Row>().fetchall())
  conn.cursor<Row>().rowFactory = Row
  conn.cursor<City>().rowFactory = 'object'
  conn.cursor<City>().rowFactory = (_, [name, people]) => ({ name: String(name), people: Number(people) })
  conn.cursor<number>().rowFactory = (_, row) => row.length
  conn.rowFactory = null
  const any: Connection<unknown> = conn
  any.rowFactory = Math.random() < 0.5 ? Row : 'object'
  const failed = await conn.execute('select 1').then(
    () => null,
    (error: unknown) => (error instanceof conn.IntegrityError ? error.code : 'other'),
  )
  same<string | null>()(failed)
}

export function rowObjects(row: Row, typed: Row<City>): void {
  same<Value>()(row.anything)
  same<Value>()(row['any thing'])
  same<Value>()(row[0])
  same<Value>()(row.get('people'))
  same<string>()(typed.name)
  same<City>()(typed.toObject())
  same<number>()(row.length)
  same<string[]>()(row.keys())
  const [first] = row
  same<Value>()(first)
  const unknown: unknown = row
  if (unknown instanceof Row) same<boolean>()(unknown.equals(row))
}

export async function scriptsAndTransactions(conn: Connection<Row>, pool: Pool): Promise<void> {
  const { signal } = new AbortController()
  same<Cursor<Row>>()(await conn.executescript('select 1; select 2', { signal, timeoutMs: 50 }))
  const cur = conn.cursor<City>()
  same<Cursor<City>>()(await cur.executescript('select 1'))
  same<void>()(await pool.executescript('select 1', { signal }))

  same<number>()(await conn.transaction(() => 5))
  same<string>()(await conn.transaction(async () => 'a', { mode: 'readwrite' }))
  const snapshot: TransactionOptions = { mode: 'readonly', signal, timeoutMs: 50 }
  const rows = await conn.transaction(async (own) => {
    same<Connection<Row>>()(own)
    return own.execute('select 1').fetchall()
  }, snapshot)
  same<Row[]>()(rows)
  same<void>()(await conn.transaction(() => conn.transaction(() => {})))
}

export async function settings(conn: Connection, pool: Pool): Promise<void> {
  same<void>()(await conn.setAutocommit(true))
  same<boolean>()(conn.autocommit)
  same<void>()(await conn.setIsolationLevel('EXCLUSIVE'))
  await conn.setIsolationLevel('')
  await conn.setIsolationLevel(null)
  await pool.connect({ isolationLevel: '' })
  // What is read is never ''.
  same<IsolationLevel>()(conn.isolationLevel)
  same<'DEFERRED' | 'IMMEDIATE' | 'EXCLUSIVE' | null>()(conn.isolationLevel)

  same<number>()(conn.getLimit('sqlLength'))
  same<number>()(conn.setLimit('variables', 5))
  const limits: Partial<Limits> = { attached: 0 }
  await pool.connect({ limits })
  await connect('a.db', { limits: { sqlLength: 1000, variables: 5 } })
  for (const name of ['sqlLength', 'variables', 'attached'] as const) conn.setLimit(name, conn.getLimit(name))

  same<string>()(await sqliteVersion())
  same<string>()(await sqliteVersion({ driver: 'sqlite3', resolveFrom: new URL('file:///app/') }))
  same<boolean>()(completeStatement('select 1;'))
  same<void>()(conn.interrupt())
}

class Point {
  readonly x: number = 0
}

declare module 'forklite' {
  interface AdaptedTypes {
    point: Point
  }
}

export async function valuesAndTypes(conn: Connection): Promise<void> {
  registerAdapter(Point, ({ x }) => `${x}`)
  registerAdapter(Date, (date) => date.getTime())
  registerConverter('point', (value) => new Point() && value)
  const parameters: Parameter[] = [null, 1, 1n, 'a', true, new Uint8Array(1), new Date(), new Point()]
  await conn.execute('select ?', parameters, { signal: AbortSignal.timeout(5) })
  await conn.execute('select :a', { a: new Point() })
  await connect('a.db', { detectTypes: PARSE_COLNAMES | PARSE_DECLTYPES })
  const cur = conn.cursor()
  const type: TypeObject | null | undefined = cur.description?.[0]?.[1]
  same<boolean>()(type === STRING)
  same<readonly (string | null)[] | null>()(cur.declaredTypes)
  same<number | null>()(cur.rownumber)
  same<string>()(DbDate(2026, 11, 21))
  cur.setinputsizes([25])
  cur.setoutputsize(1000)
  cur.setoutputsize(2000, 0)
  await using closing = conn
  same<boolean>()(closing.inTransaction)
}

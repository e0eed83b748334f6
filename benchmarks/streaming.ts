/**
 * Streaming: 100,000 rows of 4 columns, through `for await`, fetchall() and fetchmany(1000), beside
 * better-sqlite3's all() in-process (rows as objects, its default, and as arrays). Told are the wall clock, the
 * caller's CPU, and how long its event loop stood still at the most.
 *
 *   npm run build && node dist/benchmarks/streaming.js [rounds]
 */
import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Connection, connect } from 'forklite'
import { type Contestant, compare, report } from './rounds.ts'
import { ROWS, withTable } from './table.ts'

const SQL = 'select * from t'
const RUNS = 20
const WARM_UP_RUNS = 5

/** How often the event loop is looked at. What monitorEventLoopDelay tells includes it. */
const LOOK_MS = 1

const WAYS: Readonly<Record<string, (conn: Connection) => Promise<number>>> = {
  'for await': async (conn) => {
    let count = 0
    for await (const _row of conn.execute(SQL)) count++
    return count
  },
  'fetchall()': async (conn) => (await conn.execute(SQL).fetchall()).length,
  'fetchmany(1000)': async (conn) => {
    const cur = await conn.execute(SQL)
    let count = 0
    for (;;) {
      const rows = await cur.fetchmany(1000)
      if (rows.length === 0) return count
      count += rows.length
    }
  },
}

const [task = '5', file = '', way = ''] = process.argv.slice(2)
if (task === 'in-process') await inProcess(file, way === 'arrays')
else if (task === 'forklite') await throughPool(file, way)
else await withTable((database) => printTable(database, Number(task)))

function printTable(database: string, rounds: number): void {
  const contestants: Contestant[] = [
    ['better-sqlite3 all(), objects', 'in-process', database, 'objects'],
    ['better-sqlite3 all(), arrays', 'in-process', database, 'arrays'],
    ...Object.keys(WAYS).map((name): Contestant => [`forklite ${name}`, 'forklite', database, name]),
  ]
  const medians = compare(fileURLToPath(import.meta.url), contestants, rounds)
  const bare = medians[0] as Record<string, number>
  console.log(`\nNode ${process.versions.node}, ${ROWS} rows of 4 columns, median of ${rounds} rounds`)
  console.log(
    `${''.padEnd(32)}${['ms', 'ratio', 'ms of CPU', 'ratio', 'still, ms'].map((head) => head.padStart(11)).join('')}`,
  )
  for (const [i, [name]] of contestants.entries()) {
    const { wall, cpu, still } = medians[i] as { wall: number; cpu: number; still: number }
    const cells = [wall, wall / (bare.wall as number), cpu, cpu / (bare.cpu as number), still]
    console.log(name.padEnd(32) + cells.map((cell) => cell.toFixed(2).padStart(11)).join(''))
  }
}

async function inProcess(database: string, arrays: boolean): Promise<void> {
  const Database = createRequire(import.meta.url)('better-sqlite3')
  const db = new Database(database, { readonly: true })
  const statement = db.prepare(SQL)
  if (arrays) statement.raw()
  await measure(async () => statement.all().length)
  db.close()
}

async function throughPool(database: string, name: string): Promise<void> {
  const conn = await connect(database, { driver: 'better-sqlite3', readers: 1 })
  const read = WAYS[name] as (conn: Connection) => Promise<number>
  await measure(() => read(conn))
  await conn.close()
}

async function measure(read: () => Promise<number>): Promise<void> {
  const run = async (): Promise<void> => {
    const count = await read()
    if (count !== ROWS) throw new Error(`${count} rows, where there are ${ROWS}`)
    // The event loop goes round between two runs, as in a server.
    await delay(1)
  }
  for (let i = 0; i < WARM_UP_RUNS; i++) await run()
  const histogram = monitorEventLoopDelay({ resolution: LOOK_MS })
  histogram.enable()
  const cpu = process.cpuUsage()
  const started = performance.now()
  for (let i = 0; i < RUNS; i++) await run()
  const wall = (performance.now() - started) / RUNS
  const { user, system } = process.cpuUsage(cpu)
  histogram.disable()
  const still = Math.max(0, histogram.max / 1e6 - LOOK_MS)
  report({ wall, cpu: (user + system) / 1000 / RUNS, still })
}

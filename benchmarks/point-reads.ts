/**
 * Point reads: one row by its key, again and again: through a pool of two readers with 1, 10, 64 and 256 in
 * flight, beside better-sqlite3's bare loop in-process. Rounds are interleaved and every contestant has a
 * process of its own; what counts is the ratio, since machines are noisy.
 *
 *   npm run build && node dist/benchmarks/point-reads.js [rounds]
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { createPool } from 'forklite'
import { type Contestant, compare, report, type Score } from './rounds.ts'
import { ROWS, withTable } from './table.ts'

const SQL = 'select a, b, c from t where id = ?'
const SECONDS = 2
const IN_FLIGHT = [1, 10, 64, 256]

const [task = '3', file = '', inFlight = '0'] = process.argv.slice(2)
if (task === 'in-process') report(inProcess(file))
else if (task === 'pool') report(await throughPool(file, Number(inFlight)))
else await withTable((database) => printTable(database, Number(task)))

function printTable(database: string, rounds: number): void {
  const contestants: Contestant[] = [
    ['better-sqlite3 in-process, bare loop', 'in-process', database],
    ...IN_FLIGHT.map((n): Contestant => [`forklite, ${n} in flight`, 'pool', database, String(n)]),
  ]
  const medians = compare(fileURLToPath(import.meta.url), contestants, rounds)
  const bare = medians[0]?.rate as number
  console.log(`\nNode ${process.versions.node}, median of ${rounds} rounds, ${SECONDS} s each`)
  const heads = ['reads/s', 'ratio', 'µs of CPU']
  console.log(''.padEnd(40) + heads.map((head) => head.padStart(11)).join(''))
  for (const [i, [name]] of contestants.entries()) {
    const { rate, cpu } = medians[i] as { rate: number; cpu: number }
    const cells = [rate.toFixed(0), (rate / bare).toFixed(2), cpu.toFixed(2)]
    console.log(name.padEnd(40) + cells.map((cell) => cell.padStart(11)).join(''))
  }
}

function inProcess(database: string): Score {
  const Database = createRequire(import.meta.url)('better-sqlite3')
  const db = new Database(database, { readonly: true })
  const statement = db.prepare(SQL).raw()
  let reads = 0
  const read = (count: number): void => {
    for (const end = reads + count; reads < end; reads++) statement.all(key(reads))
  }
  read(50_000)
  const from = reads
  const started = performance.now()
  const cpu = process.cpuUsage()
  while (performance.now() - started < SECONDS * 1000) read(1000)
  return score(reads - from, started, cpu)
}

async function throughPool(database: string, callers: number): Promise<Score> {
  const pool = await createPool(database, { readers: 2, driver: 'better-sqlite3' })
  let reads = 0
  let until = performance.now() + 1000
  const run = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: callers }, async () => {
        while (performance.now() < until) await pool.execute(SQL, [key(reads++)]).fetchall()
      }),
    )
  await run()
  const from = reads
  const started = performance.now()
  const cpu = process.cpuUsage()
  until = started + SECONDS * 1000
  await run()
  const result = score(reads - from, started, cpu)
  await pool.close()
  return result
}

// A prime step: neighbours in time are no neighbours in the table.
function key(read: number): number {
  return (read * 7919) % ROWS
}

function score(reads: number, started: number, before: NodeJS.CpuUsage): Score {
  const { user, system } = process.cpuUsage(before)
  return { rate: (reads / (performance.now() - started)) * 1000, cpu: (user + system) / reads }
}

/**
 * Point reads: one row by its key, again and again: through a pool of two readers with 1, 10, 64 and 256 in
 * flight, beside better-sqlite3's bare loop in-process. Rounds are interleaved and every contestant has a
 * process of its own; what counts is the ratio, since machines are noisy.
 *
 *   npm run build && node dist/benchmarks/point-reads.js [rounds]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, createPool } from 'forklite'

const ROWS = 100_000
const SQL = 'select a, b, c from t where id = ?'
const SECONDS = 2
const IN_FLIGHT = [1, 10, 64, 256]

interface Score {
  /** Reads a second. */
  rate: number
  /** The caller's CPU for one read, in microseconds. */
  cpu: number
}

const [task = '3', file = '', inFlight = '0'] = process.argv.slice(2)
if (task === 'in-process') report(inProcess(file))
else if (task === 'pool') report(await throughPool(file, Number(inFlight)))
else await compare(Number(task))

async function compare(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'forklite-bench-'))
  const database = join(folder, 'point-reads.db')
  try {
    await fill(database)
    const contestants: [name: string, ...args: string[]][] = [
      ['better-sqlite3 in-process, bare loop', 'in-process', database],
      ...IN_FLIGHT.map((n): [string, ...string[]] => [
        `forklite, ${n} in flight`,
        'pool',
        database,
        String(n),
      ]),
    ]
    const scores = contestants.map((): Score[] => [])
    for (let round = 0; round < rounds; round++) {
      for (const [i, [name, ...args]] of contestants.entries()) {
        const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...args], {
          encoding: 'utf8',
        })
        const score: Score = JSON.parse(output)
        scores[i]?.push(score)
        console.error(`round ${round + 1}/${rounds}: ${name}: ${Math.round(score.rate)}/s`)
      }
    }
    const bare = median(scores[0]?.map(({ rate }) => rate) ?? [])
    console.log(`\nNode ${process.versions.node}, median of ${rounds} rounds, ${SECONDS} s each`)
    console.log(
      `${'contestant'.padEnd(40)}${'reads/s'.padStart(10)}${'ratio'.padStart(8)}${'µs of CPU'.padStart(11)}`,
    )
    for (const [i, [name]] of contestants.entries()) {
      const rate = median(scores[i]?.map((score) => score.rate) ?? [])
      const cpu = median(scores[i]?.map((score) => score.cpu) ?? [])
      const cells = [
        String(Math.round(rate)).padStart(10),
        (rate / bare).toFixed(2).padStart(8),
        cpu.toFixed(2).padStart(11),
      ]
      console.log(name.padEnd(40) + cells.join(''))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function fill(database: string): Promise<void> {
  const conn = await connect(database, { readers: 1 })
  await conn.execute('create table t (id integer primary key, a integer, b real, c text)')
  function* rows(): Generator<(number | string)[]> {
    for (let i = 0; i < ROWS; i++) yield [i, i * 2, i / 7, `row ${i}`]
  }
  await conn.executemany('insert into t values (?, ?, ?, ?)', rows())
  await conn.commit()
  await conn.close()
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

function report(result: Score): void {
  console.log(JSON.stringify(result))
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

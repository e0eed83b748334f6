/**
 * The demo: `npm run demo`, or `node dist/examples/demo.js [--rows N] [--tasks N]`.
 *
 * Loads the cities of GeoNames and the table of the 2011 articles through forklite, asks the cities some
 * questions, runs the articles' grid, and ends with a table: SQLite in the process that serves the callers
 * against forklite's pool. Exits with 1 when the two do not give the same answers.
 */
import { availableParallelism, cpus } from 'node:os'
import { createPool } from 'forklite'
import { type Databases, makeDatabases } from './demo/databases.ts'
import { CITIES, QUESTIONS } from './demo/questions.ts'
import { runContestant } from './demo/run-contestant.ts'
import { cellTasks, matchTasks, type Scale, scaleFromArgs } from './demo/scale.ts'
import { disagreements, gridTable, type Match, matchTable } from './demo/tables.ts'
import { inTempFolder } from './demo/temp-folder.ts'
import type { Work } from './demo/work.ts'

const GRID_WORKERS = [1, 2]
const GRID_CALLS = [1, 2, 4, 6, 10]
// How often the articles' tasks are run where a query is short: by themselves they last a few milliseconds.
const LOW_TIMES = 200
const GRID_LOW_TIMES = 50
const QUESTION_TIMES = 30
const POINT_READ_TIMES = 1000

const workers = availableParallelism()
const scale = scaleFromArgs(process.argv.slice(2))
const started = performance.now()

await inTempFolder(async (folder, signal) => {
  console.log(`node ${process.version}, ${workers} × ${cpus()[0]?.model ?? 'unknown processor'}`)
  console.log('cities: GeoNames (https://www.geonames.org), CC BY 4.0\n')
  const databases = await makeDatabases(folder, scale.rows, signal)
  signal.throwIfAborted()
  await showAnswers(databases.cities)
  const scanMs = await measureScan(databases.high)
  signal.throwIfAborted()
  await runGrid(databases, scanMs, signal)
  await runMatch(databases, scanMs, signal)
  console.log(`\n${((performance.now() - started) / 1000).toFixed(1)} s in all`)
})

/** Asks one question of each kind, all at once, and prints the answers as they were asked. */
async function showAnswers(database: string): Promise<void> {
  const pool = await createPool(database)
  try {
    const answers = QUESTIONS.map(({ sql, shown }) => pool.execute(sql, shown).fetchall())
    console.log()
    for (const [i, { text }] of QUESTIONS.entries()) {
      const rows = (await answers[i]) ?? []
      console.log(`${text}\n    ${rows.map((row) => row.join(' ')).join(' · ')}`)
    }
    console.log()
  } finally {
    await pool.close()
  }
}

/** How long one of the articles' queries takes here, in milliseconds. */
async function measureScan(database: string): Promise<number> {
  const pool = await createPool(database, { readers: 1 })
  try {
    let fastest = Number.POSITIVE_INFINITY
    for (let i = 0; i < 4; i++) {
      const before = performance.now()
      await pool.execute('SELECT count(*) FROM data WHERE b>?', [0.5]).fetchall()
      fastest = Math.min(fastest, performance.now() - before)
    }
    return fastest
  } finally {
    await pool.close()
  }
}

/** The articles' third part: workers × calls in flight × rows, through the pool. */
async function runGrid({ low, high }: Databases, scanMs: number, signal: AbortSignal): Promise<void> {
  // All cells of the grid together make as many passes over one cell's tasks.
  const passes = GRID_WORKERS.reduce((sum, each) => sum + GRID_CALLS.length / Math.min(each, workers), 0)
  const highTasks = cellTasks(scale, scanMs, passes)
  const lowTasks = scale.tasks * GRID_LOW_TIMES
  const loads = [
    { database: high, rows: scale.rows, tasks: highTasks },
    { database: low, rows: 1, tasks: lowTasks },
  ]
  const lines = loads.flatMap(({ database, rows, tasks }) =>
    GRID_WORKERS.map((each) => ({
      label: `${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}, ${each} ${each === 1 ? 'worker' : 'workers'}`,
      works: GRID_CALLS.map((callers): Work => ({ kind: 'scans', database, tasks, callers, workers: each })),
    })),
  )
  const works = lines.flatMap((line) => line.works)
  const results = await runContestant('pool', "the articles' grid", works, signal)
  console.log(
    `\nThe articles' grid, SELECT count(*) FROM data WHERE b>?, queries a second through the pool:\n`,
  )
  console.log(
    gridTable(
      GRID_CALLS,
      lines.map(({ label }, i) => ({
        label,
        results: results.slice(i * GRID_CALLS.length, (i + 1) * GRID_CALLS.length),
      })),
    ),
  )
  console.log(`\nScaled: ${highTasks} tasks a cell over ${scale.rows.toLocaleString('en')} rows and`)
  console.log(`${lowTasks.toLocaleString('en')} over one row; the articles have 100 in each.\n`)
}

/** Both contestants, one after the other, each in a process of its own. Sets the exit code if they disagree. */
async function runMatch(databases: Databases, scanMs: number, signal: AbortSignal): Promise<void> {
  const { labels, works } = matchWorks(databases, scale, scanMs)
  const inProcess = await runContestant('in-process', 'in-process (better-sqlite3)', works, signal)
  const pool = await runContestant('pool', `pool (forklite, ${workers} readers)`, works, signal)
  const matches = works.map((_, i) => ({ label: labels[i], inProcess: inProcess[i], pool: pool[i] }) as Match)
  console.log(`\n${matchTable(matches)}\n`)
  console.log(
    'Stood still: the event loop of the process that serves the callers, at the longest / 99th percentile.',
  )
  const different = disagreements(matches)
  if (different.length === 0) {
    console.log(`Both gave the same answers to ${total(works).toLocaleString('en')} queries.`)
  } else {
    console.error(`The answers differ: ${different.join('; ')}`)
    process.exitCode = 1
  }
}

function matchWorks(
  { low, high, cities }: Databases,
  { rows, tasks }: Scale,
  scanMs: number,
): { labels: string[]; works: Work[] } {
  const scans = matchTasks(scale, scanMs)
  const number = (value: number): string => value.toLocaleString('en')
  const all: [label: string, work: Omit<Work, 'workers'>][] = [
    [
      `${scans} scans of ${number(rows)} rows, 10 in flight`,
      { kind: 'scans', database: high, tasks: scans, callers: 10 },
    ],
    [
      `${number(tasks * LOW_TIMES)} counts of one row, 10 in flight`,
      { kind: 'scans', database: low, tasks: tasks * LOW_TIMES, callers: 10 },
    ],
    [
      `${number(tasks * QUESTION_TIMES)} questions on the cities, 10 in flight`,
      { kind: 'questions', database: cities, tasks: tasks * QUESTION_TIMES, callers: 10 },
    ],
    [
      `${number(tasks * POINT_READ_TIMES)} of ${number(CITIES)} cities by id, 64 in flight`,
      { kind: 'point reads', database: cities, tasks: tasks * POINT_READ_TIMES, callers: 64 },
    ],
  ]
  return { labels: all.map(([label]) => label), works: all.map(([, work]) => ({ ...work, workers })) }
}

function total(works: readonly Work[]): number {
  return works.reduce((sum, { tasks }) => sum + tasks, 0)
}

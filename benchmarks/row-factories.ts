/**
 * Row factories: fetchall() of 100,000 rows of 4 columns, as arrays, Rows, plain objects, and by a function. Rounds
 * are interleaved and every contestant has a process of its own; what counts is the ratio, since machines are noisy.
 *
 *   npm run build && node dist/benchmarks/row-factories.js [rounds]
 */
import { fileURLToPath } from 'node:url'
import { connect, Row, type RowFactory } from 'forklite'
import { type Contestant, compare, report, type Score } from './rounds.ts'
import { ROWS, withTable } from './table.ts'

/** So often is the table fetched before the clock runs, and then with it. */
const WARM = 3
const TIMES = 5

const FACTORIES: Record<string, RowFactory> = {
  arrays: null,
  Rows: Row,
  objects: 'object',
  'a function': (_, [id, a, b, c]) => ({ id, a, b, c }),
}

const [task = '5', file = '', name = ''] = process.argv.slice(2)
if (task === 'fetch') report(await fetch(file, FACTORIES[name] as RowFactory))
else await withTable((database) => printTable(database, Number(task)))

function printTable(database: string, rounds: number): void {
  const contestants = Object.keys(FACTORIES).map((each): Contestant => [each, 'fetch', database, each])
  const medians = compare(fileURLToPath(import.meta.url), contestants, rounds)
  const arrays = medians[0]?.micros as number
  console.log(`\nNode ${process.versions.node}, median of ${rounds} rounds, ${ROWS} rows`)
  console.log(`${''.padEnd(14)}µs a row  to arrays`)
  for (const [i, [each]] of contestants.entries()) {
    const micros = medians[i]?.micros as number
    console.log(
      `${each.padEnd(14)}${micros.toFixed(2).padStart(8)}${(micros / arrays).toFixed(2).padStart(11)}`,
    )
  }
}

async function fetch(database: string, rowFactory: RowFactory): Promise<Score> {
  const conn = await connect(database, { readers: 1 })
  conn.rowFactory = rowFactory as null
  const all = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await conn.execute('select * from t').fetchall()
  }
  await all(WARM)
  const started = performance.now()
  await all(TIMES)
  const micros = ((performance.now() - started) * 1000) / (TIMES * ROWS)
  await conn.close()
  return { micros }
}

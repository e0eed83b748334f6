/**
 * Stream rows: reads a result of a million rows without holding it, writes while it reads, and leaves early.
 *
 *   npm run build && node dist/examples/stream-rows.js
 *
 * prints
 *
 *   read 1000000 rows, the hottest at 59.9 °C
 *   marked 30 of them as suspect, while reading
 *   left after 3 rows: 1, 2, 3
 *   there are 30 suspects
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'forklite'

const folder = mkdtempSync(join(tmpdir(), 'forklite-example-'))
const conn = await connect(join(folder, 'readings.db'), { autocommit: true })

await conn.execute('create table reading (id integer primary key, celsius real, suspect integer default 0)')
await conn.execute(`
  insert into reading (id, celsius)
  with recursive n(i) as (values (1) union all select i + 1 from n where i < 1000000)
  select i, i * 7919 % 1000 / 10.0 - 40 from n`)

// The rows come in chunks of about 64 KiB, two of them ahead of this loop. The child goes on where it was.
let count = 0
let hottest = Number.NEGATIVE_INFINITY
for await (const [, celsius] of conn.execute('select id, celsius from reading')) {
  count++
  hottest = Math.max(hottest, celsius as number)
}
console.log(`read ${count} rows, the hottest at ${hottest.toFixed(1)} °C`)

// A half-read result keeps its own snapshot of the database: what is changed meanwhile does not show in it.
let marked = 0
for await (const [id] of conn.execute('select id from reading where celsius > 59.8 and suspect = 0')) {
  if (marked === 30) break // lets go of the rows that are left, in the child too
  await conn.execute('update reading set suspect = 1 where id = ?', [id as number])
  marked++
}
console.log(`marked ${marked} of them as suspect, while reading`)

// A cursor is read at any pace, beside others.
const cur = await conn.execute('select id from reading order by id')
const first = await cur.fetchmany(3)
console.log(`left after ${first.length} rows: ${first.flat().join(', ')}`)
await cur.close()

const [[suspects] = []] = await conn.execute('select count(*) from reading where suspect').fetchall()
console.log(`there are ${suspects} suspects`)

await conn.close()
rmSync(folder, { recursive: true })

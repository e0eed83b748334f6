/**
 * Many callers: the articles' job. A hundred callers ask a table of 10,000 random numbers, while others write to it;
 * two readers answer side by side, the writer takes one write after the other, and the event loop stays free.
 *
 *   npm run build && node dist/examples/many-callers.js
 *
 * prints
 *
 *   100 questions were answered, each as if asked alone
 *   50 writes arrived, none was lost
 *   children: writer, reader, reader
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool } from 'forklite'

const folder = mkdtempSync(join(tmpdir(), 'forklite-example-'))
const pool = await createPool(join(folder, 'data.db'), { readers: 2 })
await pool.execute('create table data (a integer, b real)')
await pool.execute(`insert into data
  with recursive n(i) as (values (0) union all select i + 1 from n where i < 9999)
  select i, abs(random()) / 9223372036854775807.0 from n`)
await pool.execute('create table log (caller integer)')

const question = 'select count(*) from data where b > ?'
const thresholds = Array.from({ length: 100 }, () => Math.random())

// All at once: nobody waits for anybody, but for a free reader.
const counts = await Promise.all(
  thresholds.map((b, caller) => {
    if (caller % 2 === 0) pool.execute('insert into log values (?)', [caller]).catch(console.error)
    return pool.execute(question, [b]).fetchone()
  }),
)

let right = 0
for (const [i, b] of thresholds.entries()) {
  const alone = await pool.execute(question, [b]).fetchone()
  if (alone?.[0] === counts[i]?.[0]) right++
}
console.log(`${right} questions were answered, each as if asked alone`)

// The writer answers in the order of the calls, so this one comes behind all the others.
await pool.execute('insert into log values (-1)')
const [[writes] = []] = await pool.execute('select count(*) from log where caller >= 0').fetchall()
console.log(`${writes} writes arrived, none was lost`)
const { children } = pool.stats()
console.log(`children: ${children.map(({ role }) => role).join(', ')}`)
await pool.close()
rmSync(folder, { recursive: true })

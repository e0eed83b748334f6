/**
 * Query: a table, a few rows, and the ways to read them: one, some, all, or in a loop.
 *
 *   npm run build && node dist/examples/query.js
 *
 * prints
 *
 *   inserted 4 rows, the last has the id 4
 *   columns: name, people
 *   the first: Utrecht, 376435
 *   two more: Haarlem and Delft
 *   the rest: 1 row
 *   over 100,000: Delft, Haarlem, Utrecht
 *   2 of the names have an e and an l
 */
import { connect } from 'forklite'

// ':memory:' lives in one child process. A file would have a writer, and a reader for each core.
const conn = await connect(':memory:')
const cur = conn.cursor()

await cur.execute('create table city (id integer primary key, name text, people integer)')
await cur.execute('insert into city (name, people) values (?, ?)', ['Utrecht', 376_435])
await cur.executemany('insert into city (name, people) values (:name, :people)', [
  { name: 'Haarlem', people: 165_396 },
  { name: 'Delft', people: 109_573 },
])
await cur.execute('insert into city (name, people) values (?, ?)', ['Gouda', 75_316])
await conn.commit()
console.log(`inserted ${conn.totalChanges} rows, the last has the id ${cur.lastrowid}`)

await cur.execute('select name, people from city order by people desc')
console.log(`columns: ${cur.description?.map(([name]) => name).join(', ')}`)
const [name, people] = (await cur.fetchone()) ?? []
console.log(`the first: ${name}, ${people}`)
const [third, fourth] = await cur.fetchmany(2)
console.log(`two more: ${third?.[0]} and ${fourth?.[0]}`)
console.log(`the rest: ${(await cur.fetchall()).length} row`)

// Without a cursor of one's own: an execution can be looped over, or asked for its rows, at once.
const large: unknown[] = []
for await (const [city] of conn.execute('select name from city where people > :least order by name', {
  least: 100_000,
})) {
  large.push(city)
}
console.log(`over 100,000: ${large.join(', ')}`)

const rows = await conn.execute("select 1 from city where name like '%e%' and name like '%l%'").fetchall()
console.log(`${rows.length} of the names have an e and an l`)
await conn.close()

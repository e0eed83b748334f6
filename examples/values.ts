/**
 * Values: what goes in, what comes out, and what is refused. Everything comes back as it went, or there is an
 * error that says where and why.
 *
 *   npm run build && node dist/examples/values.js
 *
 * prints
 *
 *   null            null     null
 *   5               integer  5
 *   0.1             real     0.1
 *   2n ** 62n       integer  4611686018427387904n
 *   true            integer  1
 *   'naïve 🚲'      text     'naïve 🚲'
 *   new Date(0)     text     '1970-01-01T00:00:00.000Z'
 *   a Uint8Array    blob     <Buffer 01 02 ff>
 *   5 in a TEXT column reads '5', and 5 / 2 is 2
 *   refused: parameter 2 is NaN, which SQLite cannot store; give null
 *   refused: parameter 1 (:when) is undefined; give null, a number, bigint, string, boolean, Uint8Array or Date
 *   columns in order: [ [ 2, 1, 'a', 'b' ] ]
 */
import { inspect } from 'node:util'
import { connect, DatabaseError, type Parameter } from 'forklite'

const conn = await connect(':memory:')

const values: [shown: string, value: Parameter][] = [
  ['null', null],
  ['5', 5],
  ['0.1', 0.1],
  ['2n ** 62n', 2n ** 62n],
  ['true', true],
  ["'naïve 🚲'", 'naïve 🚲'],
  ['new Date(0)', new Date(0)],
  ['a Uint8Array', Uint8Array.of(1, 2, 255)],
]
for (const [shown, value] of values) {
  const row = await conn.execute('select typeof(?1), ?1', [value]).fetchone()
  const [type, back] = row as [string, unknown]
  console.log(`${shown.padEnd(15)} ${type.padEnd(8)} ${inspect(back)}`)
}

// An integral number is an INTEGER to SQLite, as in Python, and not the REAL that every JavaScript number is.
await conn.execute('create table note (body text)')
const cur = await conn.execute('insert into note values (?) returning body', [5])
const [body] = (await cur.fetchone()) as [string]
const [half] = (await conn.execute('select ? / 2', [5]).fetchone()) as [number]
console.log(`5 in a TEXT column reads '${body}', and 5 / 2 is ${half}`)

const wrong: [sql: string, params: unknown][] = [
  ['select ?, ?', [1, Number.NaN]],
  ['select :when', { when: undefined }],
]
for (const [sql, params] of wrong) {
  try {
    await conn.execute(sql, params as Parameter[])
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    console.log(`refused: ${error.message}`)
  }
}

// Rows are arrays: columns that share a name, or are called like numbers, all keep their places.
const rows = await conn.execute(`select 2, 1, 'a' as x, 'b' as x`).fetchall()
console.log('columns in order:', rows)
await conn.close()

/**
 * Errors: a class to catch, a code to match, the statement that failed, and a message that says what to do.
 *
 *   npm run build && node dist/examples/errors.js
 *
 * prints
 *
 *   OperationalError SQLITE_ERROR no such table: nowhere
 *   IntegrityError SQLITE_CONSTRAINT_UNIQUE UNIQUE constraint failed: user.name
 *   ProgrammingError BAD_PARAMETERS it has 2 parameters, and 1 were given
 *   ProgrammingError BAD_STATEMENT you can only execute one statement at a time; give each its own execute(), or all to executescript()
 *   OperationalError SQLITE_ERROR statement 2 of the script: near "oops": syntax error
 *   QueryCancelled QUERY_CANCELLED the query ran past its deadline
 *   of the INSERT that failed: insert into user values (?, ?)
 *   the script's first statement stayed: 2 users
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool, Error as DbError, IntegrityError } from 'forklite'

const folder = mkdtempSync(join(tmpdir(), 'forklite-example-'))
const pool = await createPool(join(folder, 'users.db'))
await pool.execute('create table user (name text unique, age integer)')
await pool.execute('insert into user values (?, ?)', ['Ann', 31])

// A runaway query. With a deadline it ends, though SQLite itself would go on for ever.
const endless = 'with recursive n(i) as (values (1) union all select i + 1 from n) select max(i) from n'

const failing = [
  () => pool.execute('select * from nowhere').fetchall(),
  () => pool.execute('insert into user values (?, ?)', ['Ann', 32]),
  () => pool.execute('insert into user values (?, ?)', ['Bob']),
  () => pool.execute('delete from user; select 1'),
  () => pool.executescript("insert into user values ('Cem', 20); oops"),
  () => pool.execute(endless, [], { timeoutMs: 50 }).fetchall(),
]

let unique: DbError | undefined
for (const fail of failing) {
  try {
    await fail()
  } catch (error) {
    if (!(error instanceof DbError)) throw error
    console.log(error.name, error.code, error.message)
    if (error instanceof IntegrityError) unique = error
  }
}

// Parameters are in no error: they may be secret. The child's own error, with its stack, is `error.cause`.
console.log(`of the INSERT that failed: ${unique?.sql}`)
const [[users] = []] = await pool.execute('select count(*) from user').fetchall()
console.log(`the script's first statement stayed: ${users} users`)
await pool.close()
rmSync(folder, { recursive: true })

/**
 * Transaction: money moves from one account to another, or it does not: by hand, as Python does it, and by a function
 * that is committed when it resolves and rolled back when it throws.
 *
 *   npm run build && node dist/examples/transaction.js
 *
 * prints
 *
 *   by hand: Ann 70, Bob 30
 *   too much: CHECK constraint failed: cents >= 0
 *   rolled back: Ann 70, Bob 30
 *   with a function: Ann 50, Bob 50
 *   a savepoint was undone, the rest was not: Ann 40, Bob 60
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Connection, connect, IntegrityError } from 'forklite'

const folder = mkdtempSync(join(tmpdir(), 'forklite-example-'))
const conn = await connect(join(folder, 'bank.db'))
await conn.execute('create table account (owner text primary key, cents integer check (cents >= 0))')
await conn.executemany('insert into account values (?, ?)', [
  ['Ann', 100],
  ['Bob', 0],
])
await conn.commit()

async function move(bank: Connection, cents: number, from: string, to: string): Promise<void> {
  const add = 'update account set cents = cents + ? where owner = ?'
  await bank.execute(add, [cents, to])
  await bank.execute(add, [-cents, from])
}

async function show(title: string): Promise<void> {
  const rows = await conn.execute('select * from account order by owner').fetchall()
  console.log(`${title}: ${rows.map(([owner, cents]) => `${owner} ${cents}`).join(', ')}`)
}

// The first statement that writes begins a transaction. It holds the one writer until it ends; reads go on.
await move(conn, 30, 'Ann', 'Bob')
await conn.commit()
await show('by hand')

try {
  await move(conn, 500, 'Ann', 'Bob')
  await conn.commit()
} catch (error) {
  if (!(error instanceof IntegrityError)) throw error
  console.log(`too much: ${error.message}`)
  await conn.rollback()
}
await show('rolled back')

await conn.transaction(() => move(conn, 20, 'Ann', 'Bob'))
await show('with a function')

await conn.transaction(async () => {
  await move(conn, 10, 'Ann', 'Bob')
  // One within another is a savepoint: what it did is undone when it throws.
  await conn.transaction(() => move(conn, 500, 'Bob', 'Ann')).catch(() => {})
})
await show('a savepoint was undone, the rest was not')

await conn.close()
rmSync(folder, { recursive: true })

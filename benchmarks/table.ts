/**
 * The table of the benchmarks that read: 100,000 rows of an integer key, an integer, a real and a short text,
 * in a database of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'forklite'

export const ROWS = 100_000

/** Makes the database, runs `use` with its path, and removes it. */
export async function withTable(use: (database: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'forklite-bench-'))
  const database = join(folder, 'table.db')
  try {
    const conn = await connect(database, { readers: 1 })
    await conn.execute('create table t (id integer primary key, a integer, b real, c text)')
    function* rows(): Generator<(number | string)[]> {
      for (let i = 0; i < ROWS; i++) yield [i, i * 2, i / 7, `row ${i}`]
    }
    await conn.executemany('insert into t values (?, ?, ?, ?)', rows())
    await conn.commit()
    await conn.close()
    use(database)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

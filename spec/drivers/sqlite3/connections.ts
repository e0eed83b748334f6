/** What the specs of the sqlite3 driver have in common: its subject, and a result read in every way there is. */
import type { ChunkLimit } from '../../../lib/drivers/chunk.ts'
import type { DriverStatement, RowValues, SqlValue } from '../../../lib/drivers/driver.ts'
import { describeEachDriver, type Subject, type TestConnection } from '../contract.ts'

/** The contract's frame, for this driver alone. */
export function describeSqlite3(title: string, tests: (subject: Subject) => void): void {
  describeEachDriver(title, (subject) => {
    if (subject.name === 'sqlite3') tests(subject)
  })
}

export const CHUNK: ChunkLimit = { bytes: 64 * 1024, ms: 50 }

/** Whole; one by one, then all at once, and once more; row by row; a few rows at a time, whatever the time. */
const WAYS: readonly (ChunkLimit | undefined)[] = [
  undefined,
  CHUNK,
  CHUNK,
  CHUNK,
  { bytes: 1, ms: 50 },
  { bytes: 100, ms: 0 },
]

export interface Outcome {
  readonly names: string[] | null
  readonly rows: RowValues[]
}

/** All chunks of one execution. */
export async function drain(
  statement: DriverStatement,
  params: readonly SqlValue[],
  limit?: ChunkLimit,
): Promise<Outcome & { chunks: RowValues[][] }> {
  const { columns, rows, rest } = await statement.execute(params, limit)
  const chunks = [rows]
  for (let cursor = rest; cursor !== null; ) {
    const chunk = await cursor.next(limit!)
    chunks.push(chunk.rows)
    if (chunk.ended) cursor = null
  }
  return { names: columns?.map(({ name }) => name) ?? null, rows: chunks.flat(), chunks }
}

/** What a statement gives, once for each way to read it. */
export async function everyWay(db: TestConnection, sql: string, ...params: SqlValue[]): Promise<Outcome[]> {
  const statement = await db.prepare(sql)
  const outcomes: Outcome[] = []
  for (const limit of WAYS) {
    const { names, rows } = await drain(statement, params, limit)
    outcomes.push({ names, rows })
  }
  await statement.finalize()
  return outcomes
}

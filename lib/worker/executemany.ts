/**
 * executemany: one statement for many rows of parameters, to the first that fails. Runs in the child.
 */
import type { Awaitable, DriverStatement, ExecuteResult, SqlValue } from '../drivers/driver.ts'

/** What came of it: the rows changed, and the row of parameters that failed, if one has. */
export interface ManyResult {
  readonly changes: number
  readonly failed: { readonly row: number; readonly thrown: unknown } | null
}

/** Runs a statement for each row. Never throws or rejects. */
export function runMany(statement: DriverStatement, rows: readonly SqlValue[][]): Awaitable<ManyResult> {
  let changes = 0
  let i = 0
  const count = (result: ExecuteResult): void => {
    changes += result.changes
  }
  // A loop, where a chain of thens would hold a promise for each row until the last one.
  const goOn = async (first: Promise<ExecuteResult>): Promise<ManyResult> => {
    try {
      count(await first)
      for (i++; i < rows.length; i++) count(await statement.execute(rows[i] as SqlValue[]))
    } catch (thrown) {
      return { changes, failed: { row: i, thrown } }
    }
    return { changes, failed: null }
  }
  try {
    for (; i < rows.length; i++) {
      const result = statement.execute(rows[i] as SqlValue[])
      if (result instanceof Promise) return goOn(result)
      count(result)
    }
  } catch (thrown) {
    return { changes, failed: { row: i, thrown } }
  }
  return { changes, failed: null }
}

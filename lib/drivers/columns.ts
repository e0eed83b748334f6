/**
 * Columns of a statement, kept from run to run. Runs in the child. Callers compare columns by identity, so the
 * same columns stay the same array.
 */
import type { Column } from './driver.ts'

/** The columns known already if these are the same; else these. */
export function sameOr(known: readonly Column[] | null, columns: readonly Column[]): readonly Column[] {
  return known !== null && sameColumns(known, columns) ? known : columns
}

/** Whether these are the same columns, in the same order. */
export function sameColumns(one: readonly Column[] | null, other: readonly Column[] | null): boolean {
  if (one === null || other === null) return one === other
  return (
    one.length === other.length &&
    one.every(({ name, type }, i) => name === other[i]!.name && type === other[i]!.type)
  )
}

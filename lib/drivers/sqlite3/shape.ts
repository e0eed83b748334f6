/**
 * The driver for sqlite3 (npm): what EXPLAIN tells of a statement, which the package itself does not. Runs in the
 * child.
 */
import { cannotLoop, type Instruction } from '../program.ts'
import type { Sqlite3Connection } from './connection.ts'
import { bare } from './text.ts'

/** What the program of a statement tells of it, as of the last look. */
export class Shape {
  /** How many columns it has, equal ones too; 0 when it gives no rows. */
  columnCount = 0
  /** Whether it gives a handful of rows at the most. */
  bounded = false
  readonly #connection: Sqlite3Connection
  readonly #sql: string
  #epoch = 0

  private constructor(connection: Sqlite3Connection, sql: string) {
    this.#connection = connection
    this.#sql = sql
  }

  static async of(connection: Sqlite3Connection, sql: string): Promise<Shape> {
    const shape = new Shape(connection, sql)
    await shape.look()
    return shape
  }

  /** Looks again where we may have changed the schema; returns whether the number of columns is another. */
  refresh(): Promise<boolean> | boolean {
    return this.#epoch !== this.#connection.schemaEpoch && this.look()
  }

  /** Looks again. What another process changed is seen by forms that no longer compile, and by names. */
  async look(): Promise<boolean> {
    this.#epoch = this.#connection.schemaEpoch
    const program = await this.#connection.once(`EXPLAIN ${bare(this.#sql)}`, (native) => native.all([]))
    const before = this.columnCount
    this.columnCount = (program.find(({ opcode }) => opcode === 'ResultRow')?.p2 as number | undefined) ?? 0
    this.bounded = cannotLoop(program as unknown as Instruction[])
    return this.columnCount !== before
  }
}

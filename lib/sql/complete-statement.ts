/**
 * completeStatement(): whether a text holds whole statements, as a shell asks before it runs what was typed. Runs
 * in the caller, without a database.
 */
import { ProgrammingError } from '../errors.ts'
import { parseSql } from './parse.ts'

/**
 * Whether the text ends with a `;` that ends a statement: not one within a string or a comment, nor one within
 * CREATE TRIGGER … END. The statement itself may still be wrong.
 *
 * Source: CPython, sqlite3.complete_statement(); https://sqlite.org/c3ref/complete.html
 */
export function completeStatement(sql: string): boolean {
  if (typeof sql !== 'string')
    throw new ProgrammingError('completeStatement() takes a string', { code: 'BAD_STATEMENT' })
  return parseSql(sql).complete
}

import { expect } from 'chai'
import { parseSql } from '../../lib/sql/parse.ts'
import { itWithDriver } from '../support/drivers.ts'
import { corpusFiles, readScript, sqllogictestTexts, sqltestScripts } from './corpora.ts'
import { cutScript, openSqlite, prepare, type Sqlite } from './sqlite.ts'

const READS = ['SELECT', 'VALUES']
const WRITES = ['INSERT', 'UPDATE', 'DELETE', 'REPLACE']
const DEFINES = ['CREATE', 'DROP', 'ALTER']

/** Texts compared, those SQLite refused and so said nothing of, and where the two do not agree. */
class Tally {
  compared = 0
  refused = 0
  readonly verbs = new Map<string, number>()
  readonly differences: string[] = []

  /** Compares what both say of one text, and runs it if later ones need what it defines. */
  compare(db: Sqlite, sql: string): void {
    const parsed = parseSql(sql)
    const answer = prepare(db, sql)
    if (answer instanceof Error) {
      this.refused++
      return
    }
    this.compared++
    this.verbs.set(parsed.verb, (this.verbs.get(parsed.verb) ?? 0) + 1)
    this.#agree(
      sql,
      'statements',
      Math.min(parsed.statements, 2),
      ['none', '', 'several'].indexOf(typeof answer === 'string' ? answer : ''),
    )
    if (typeof answer !== 'string') {
      if (READS.includes(parsed.verb)) {
        this.#agree(sql, 'reads', true, answer.readonly && answer.reader)
      } else if (WRITES.includes(parsed.verb)) {
        this.#agree(sql, 'writes', true, !answer.readonly)
        this.#agree(sql, 'returning', parsed.returning, answer.reader)
      } else {
        this.#agree(sql, 'has a verb', true, parsed.verb !== '')
        this.#agree(sql, 'explains', parsed.verb === 'EXPLAIN', /^\s*explain/i.test(sql))
      }
      this.#agree(sql, 'parameters', parsed.names.length, 0)
    }
    if (DEFINES.includes(parsed.verb)) define(db, sql)
  }

  /** Compares the number of statements in a script, then each of them. */
  compareScript(db: Sqlite, script: string): void {
    let statements = 0
    for (const sql of cutScript(db, script)) {
      statements++
      this.compare(db, sql)
    }
    this.#agree(script, 'statements of the script', parseSql(script).statements, statements)
  }

  #agree(sql: string, what: string, ours: unknown, sqlites: unknown): void {
    if (ours !== sqlites)
      this.differences.push(`${what}: ${ours}, SQLite says ${sqlites}: ${sql.slice(0, 200)}`)
  }
}

function define(db: Sqlite, sql: string): void {
  try {
    db.exec(sql)
  } catch {
    // Some tests are about definitions that fail.
  }
}

const itWithSqlite = itWithDriver.bind(null, 'better-sqlite3')

describe('parseSql over the corpora, checked against what SQLite itself says', function () {
  this.timeout(60_000)

  itWithSqlite('agrees on every text of the sqllogictest scripts', function () {
    const files = corpusFiles('slt', '.test')
    if (files.length === 0) this.skip()
    const tally = new Tally()
    for (const file of files) {
      const db = openSqlite()
      for (const sql of sqllogictestTexts(file)) tally.compare(db, sql)
      db.close()
    }
    expect(tally.differences).deep.equal([])
    expect(tally.compared).above(50_000)
  })

  itWithSqlite("agrees on every test of turso's .sqltest files", function () {
    const files = corpusFiles('sqltest', '.sqltest')
    if (files.length === 0) this.skip()
    const tally = new Tally()
    for (const file of files) {
      for (const script of sqltestScripts(file)) {
        const db = openSqlite()
        tally.compareScript(db, script)
        db.close()
      }
    }
    expect(tally.differences).deep.equal([])
    expect(tally.compared).above(4_000)
  })

  for (const corpus of ['chinook', 'northwind']) {
    itWithSqlite(`agrees on the script that makes ${corpus}`, function () {
      const files = corpusFiles(corpus, '.sql')
      if (files.length === 0) this.skip()
      const tally = new Tally()
      const db = openSqlite()
      for (const file of files) tally.compareScript(db, readScript(file))
      db.close()
      expect(tally.differences).deep.equal([])
      expect(tally.compared).above(50)
    })
  }
})

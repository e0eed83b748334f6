/**
 * The databases that the conformance runner uses, for each driver: behind forklite, read in both ways, and behind
 * the package called directly. They give the same answers.
 */
import { expect } from 'chai'
import { usableDrivers } from '../support/drivers.ts'
import { tempDir } from '../support/temp-dir.ts'
import { CaseDatabases, needsOwn } from './case-databases.ts'
import type { Answer, Database, Value } from './database.ts'
import { DirectEngine } from './direct-engine.ts'
import { ForkliteDatabase, findDriver, READINGS } from './forklite-database.ts'
import type { SqltestCase } from './sqltest-parse.ts'

function testCase(sql: string, setup = ''): SqltestCase {
  const expectation = { kind: 'error' } as const
  return {
    name: 't',
    line: 1,
    setups: [{ name: 's', sql: setup }],
    sql,
    expectation,
    crossCheck: false,
    skip: null,
  }
}

/** A query whose rows go over several chunks. */
const LONG =
  'with recursive n (i) as (select 1 union all select i + 1 from n where i < 20000) select i, -i from n'

const EXACT: [sql: string, row: Value[]][] = [
  ['select 1 as a, 2 as a, 3 as a', [1, 2, 3]],
  ['select 2, 1', [2, 1]],
  [
    'select 9007199254740991, 9007199254740993, -9223372036854775808',
    [2 ** 53 - 1, 2n ** 53n + 1n, -(2n ** 63n)],
  ],
  ["select null, '', 'it''s é', x'00ff', x''", [null, '', "it's é", Buffer.from([0, 255]), Buffer.alloc(0)]],
  ['select 0.1 + 0.2, 1e300, -2.0, 9e999', [0.1 + 0.2, 1e300, -2, Number.POSITIVE_INFINITY]],
  ['-- a comment\nwith w (x) as (values (7)) select x from w;', [7]],
  ['pragma user_version', [0]],
]

function plain({ rows, error }: Answer): Value[][] {
  expect(error).to.equal(null)
  // Buffers come as Uint8Arrays from another process.
  return rows.map((row) => row.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)))
}

for (const driver of usableDrivers) {
  describe(`the runner's databases (${driver})`, () => {
    const dir = tempDir('all')
    const engine = new DirectEngine(driver)
    const databases: [name: string, database: Database][] = []

    before(async () => {
      for (const reading of READINGS) {
        databases.push([reading, await ForkliteDatabase.open(dir.file('forklite.db'), driver, reading)])
      }
      databases.push(['directly', await engine.open(dir.file('direct.db'))])
    })
    after(async () => {
      for (const [, database] of databases) await database.close()
      await engine.stop()
    })

    it('give exact values', async () => {
      for (const [name, database] of databases) {
        for (const [sql, row] of EXACT)
          expect(plain(await database.run(sql)), `${name}: ${sql}`).to.deep.equal([row])
      }
    })

    it('give all rows of a long result', async () => {
      for (const [name, database] of databases) {
        const rows = plain(await database.run(LONG))
        expect(rows, name).to.have.lengthOf(20_000)
        expect(rows.at(-1), name).to.deep.equal([20_000, -20_000])
      }
    })

    it('tell the number of columns, of a result without rows too, and null where there is none', async () => {
      for (const [name, database] of databases) {
        expect((await database.run('select 1, 2 where 0')).columns, name).to.have.lengthOf(2)
        const made = await database.run(`create table "${name}" (a, b)`)
        expect(made, name).to.deep.equal({ columns: null, rows: [], error: null })
        expect((await database.run(`insert into "${name}" values (1, 2)`)).columns, name).to.equal(null)
        expect(plain(await database.run(`select * from "${name}"`)), name).to.deep.equal([[1, 2]])
      }
    })

    it('tell errors, and go on', async () => {
      for (const [name, database] of databases) {
        const { columns, rows, error } = await database.run('select * from missing')
        expect([columns, rows], name).to.deep.equal([null, []])
        expect(error?.message, name).to.include('no such table: missing')
        expect((error as Error & { code?: string }).code, name).to.include('SQLITE_')
        expect(plain(await database.run('select 1')), name).to.deep.equal([[1]])
      }
    })

    it('have foreign keys off, as the corpora expect', async () => {
      for (const [name, database] of databases) {
        expect(plain(await database.run('pragma foreign_keys')), name).to.deep.equal([[0]])
      }
    })

    it('are named by the driver that is found', async () => {
      expect(await findDriver(driver)).to.equal(driver)
    })

    it('open several beside each other in one process, and tell when one cannot be opened', async () => {
      const one = await engine.open(':memory:')
      const two = await engine.open(':memory:')
      await one.run('create table t (a)')
      expect((await two.run('select * from t')).error?.message).to.include('no such table')
      await one.close()
      expect(plain(await two.run('select 2'))).to.deep.equal([[2]])
      await two.close()
      const failure = await engine.open(dir.file('no/such/folder.db')).catch((error: Error) => error)
      expect(failure).to.be.an.instanceof(Error)
    })
  })

  describe(`an empty database for each case (${driver})`, () => {
    const dir = tempDir('all')
    let cases: CaseDatabases

    before(() => {
      cases = new CaseDatabases(dir.path, driver, 'fetchall')
    })
    after(() => cases.close())

    const schema = (database: Database) => database.run('select name from sqlite_schema').then(plain)

    it('holds nothing of the case before: tables, views, triggers, virtual tables, open transactions', async () => {
      const scripts = [
        [
          'create table a (x primary key, y references b (z))',
          'create table b (z unique)',
          'create view "v ""1""" as select * from a',
          'create trigger t after insert on a begin select 1; end',
          'create index i on a (y + 1)',
        ],
        ['create virtual table f using fts5 (x)', "insert into f values ('some text')"],
        ['create table c (x)', 'create index ci on c (x)', 'insert into c values (1)', 'analyze'],
        ['begin', 'create table d (x)'],
        ['create table e (x integer primary key autoincrement)', 'insert into e values (7)'],
        [],
      ]
      for (const statements of scripts) {
        await cases.with(testCase('select 1'), async (database) => {
          expect(await schema(database)).to.deep.equal([])
          for (const sql of statements) expect((await database.run(sql)).error, sql).to.equal(null)
        })
      }
    })

    it('is one that nobody else uses where traces could be left or seen', async () => {
      await cases.with(testCase('pragma user_version = 7'), async (database) => {
        expect((await database.run('pragma user_version = 7')).error).to.equal(null)
      })
      await cases.with(testCase('select 1'), async (database) => {
        expect(plain(await database.run('pragma user_version'))).to.deep.equal([[0]])
      })
    })
  })
}

describe('needsOwn', () => {
  const shared = [
    'create table t (a); select * from t',
    'PRAGMA integrity_check; pragma  table_xinfo(t); select * from pragma_index_list(1)',
    'select temperature, attachment from vacuums',
  ]
  const own = [
    'PRAGMA foreign_keys = on',
    'select * from pragma_page_count()',
    'create TEMP table t (a)',
    'create temporary view v as select 1',
    'select * from temp.t',
    "attach ':memory:' as x",
    'detach x',
    'vacuum',
    'select rootpage from sqlite_schema',
    'begin; select total_changes()',
    'create table t (a integer primary key autoincrement)',
    'pragma integrity_check; pragma user_version = 7',
  ]
  for (const sql of shared) it(`lets '${sql}' share`, () => expect(needsOwn(testCase(sql))).to.equal(false))
  for (const sql of own) it(`keeps '${sql}' apart`, () => expect(needsOwn(testCase(sql))).to.equal(true))

  it('looks at the setups too', () => {
    expect(needsOwn(testCase('select 1', 'pragma recursive_triggers = on'))).to.equal(true)
  })
})

/** Router: where a text runs, and what is refused with the way round. */
import { expect } from 'chai'
import { Router } from '../../lib/pool/router.ts'

describe('Router', () => {
  const reads = [
    'select 1',
    'VALUES (1)',
    'with a as (select 1) select * from a',
    'explain query plan delete from t',
    'explain select 1',
    '/* nothing */',
    '',
  ]
  for (const sql of reads) {
    it(`offers a reader: ${sql}`, () => expect(new Router().statement(sql).route).to.equal('reader'))
  }

  const writes: [sql: string, writes: boolean, controls: boolean][] = [
    ['insert into t values (1)', true, false],
    ['with a as (select 1) insert into t select * from a', true, false],
    ['update t set a = 1', true, false],
    ['delete from t', true, false],
    ['replace into t values (1)', true, false],
    ['create table t (a)', false, false],
    ['drop table t', false, false],
    ['vacuum', false, false],
    ['pragma user_version', false, false],
    ['pragma user_version = 3', false, false],
    ['pragma table_info(t)', false, false],
    ['explain pragma user_version', false, false],
    ['begin', false, true],
    ['commit', false, true],
    ['END', false, true],
    ['rollback to a', false, true],
    ['savepoint a', false, true],
    ['release a', false, true],
    ['select last_insert_rowid()', false, false],
    ['select changes()', false, false],
    ['select total_changes()', false, false],
  ]
  for (const [sql, isWrite, controls] of writes) {
    it(`gives to the writer: ${sql}`, () => {
      expect(new Router().statement(sql)).to.include({ route: 'writer', writes: isWrite, controls })
    })
  }

  const refused: [sql: string, error: string, wayRound: string][] = [
    ['select 1; select 2', 'ProgrammingError', 'give each its own execute()'],
    ["select 'a\0b'", 'ProgrammingError', 'NUL'],
    ["select '\ud800'", 'ProgrammingError', 'surrogate'],
    ['pragma locking_mode = exclusive', 'NotSupportedError', 'the pool sets it itself'],
    ['explain pragma foreign_keys = off', 'NotSupportedError', 'without EXPLAIN'],
    ['pragma main."QUERY_ONLY"(0)', 'NotSupportedError', "'readonly'"],
    ['pragma busy_timeout = 5', 'NotSupportedError', "'lockTimeoutMs'"],
    ['pragma journal_mode = delete', 'NotSupportedError', "'pragmas'"],
  ]
  for (const [sql, name, wayRound] of refused) {
    it(`refuses, and says what to do: ${JSON.stringify(sql)}`, () => {
      expect(() => new Router().statement(sql))
        .to.throw(wayRound)
        .that.includes({ name, sql })
    })
  }

  const special: [sql: string, route: string, setPragma: string | null][] = [
    ['create temp table t (a)', 'writer', null],
    ['create temporary view v as select 1', 'writer', null],
    ['select * from temp.t', 'reader', null],
    ["attach 'other.db' as other", 'writer', null],
    ['detach other', 'writer', null],
    ['pragma foreign_keys = off', 'writer', 'foreign_keys'],
    ['PRAGMA Main.Cache_Size(100)', 'writer', 'main.cache_size'],
    ['pragma defer_foreign_keys = on', 'writer', 'defer_foreign_keys'],
  ]
  for (const [sql, route, setPragma] of special) {
    it(`knows that it may concern one connection or all: ${sql}`, () => {
      expect(new Router().statement(sql)).to.include({ route, special: true, setPragma })
    })
  }

  for (const sql of [
    'select 1',
    'pragma foreign_keys',
    'pragma user_version = 1',
    'pragma table_info(t)',
    'create table temp_t (a)',
    "explain attach 'x' as y",
  ]) {
    it(`knows that it concerns any: ${sql}`, () => {
      expect(new Router().statement(sql)).to.include({ special: false, setPragma: null })
    })
  }

  describe('script()', () => {
    it('has its statements, and where each ends', () => {
      const sql =
        " select ';' ;; create trigger t after insert on a begin select 1; end; -- c\n attach 'x' as y"
      const { statements, ends } = new Router().script(sql)
      expect(statements.map(({ parsed, special }) => [parsed.verb, special])).to.deep.equal([
        ['SELECT', false],
        ['CREATE', false],
        ['ATTACH', true],
      ])
      expect(ends.at(-1)).to.equal(sql.length)
      expect(statements.map((statement) => statement.sql).join('')).to.equal(sql)
    })

    it('has none of nothing', () => expect(new Router().script(' ;; -- c').statements).to.deep.equal([]))

    for (const [sql, message] of [
      ['select 1; select ?', 'takes no parameters'],
      ['select 1; pragma journal_mode = delete', 'journal_mode'],
      ['select 1\0', 'NUL'],
    ] as const) {
      it(`refuses ${JSON.stringify(sql)}`, () => {
        expect(() => new Router().script(sql)).to.throw(message)
      })
    }
  })

  for (const sql of [null, undefined, 1, {}, ['select 1']]) {
    it(`takes no ${JSON.stringify(sql)} for SQL`, () => {
      expect(() => new Router().statement(sql as never))
        .to.throw('SQL must be a string')
        .that.includes({ name: 'ProgrammingError', code: 'BAD_STATEMENT' })
    })
  }

  it('has one Statement for a text, so that what was learnt of it stays', () => {
    const router = new Router()
    const statement = router.statement('select f()')
    statement.route = 'writer'
    statement.cost = 12
    expect(router.statement('select f()')).to.equal(statement)
    expect(router.statement('select f() ')).not.to.equal(statement)
  })

  it('keeps no text that is very long, and does not number it', () => {
    const router = new Router()
    const long = `select '${'x'.repeat(70_000)}'`
    expect(router.statement(long).numbered).to.equal(false)
    expect(router.statement(long)).not.to.equal(router.statement(long))
  })

  it('lets go of texts that are not used, and keeps the ones that are', () => {
    const router = new Router()
    const used = router.statement('select 0')
    const unused = router.statement('select -1')
    for (let i = 1; i < 10_000; i++) {
      router.statement(`select ${i}`)
      expect(router.statement('select 0')).to.equal(used)
    }
    expect(router.statement('select -1')).not.to.equal(unused)
  })
})

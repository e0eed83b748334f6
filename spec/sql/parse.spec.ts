import { expect } from 'chai'
import fc from 'fast-check'
import { parseScript, parseSql } from '../../lib/sql/parse.ts'
import { itWithDriver } from '../support/drivers.ts'
import { openSqlite, prepare } from './sqlite.ts'

const TRIGGER =
  'create trigger t after insert on a when 1 begin select case when 1 then 2 end; update a set b = 1; end'

describe('parseSql', () => {
  it('tells everything at once', () => {
    const sql = 'insert into city (name, people) values (:name, ?2) returning id'
    expect(parseSql(sql)).to.deep.equal({
      sql,
      statements: 1,
      ends: [sql.length],
      verb: 'INSERT',
      names: [':name', '?2'],
      named: true,
      gaps: [],
      temporary: false,
      counter: null,
      pragma: null,
      attached: null,
      hasNul: false,
      loneSurrogate: false,
      rollbackTo: false,
      returning: true,
      upsert: false,
    })
  })

  describe('statements', () => {
    const counts: [string, number][] = [
      ['', 0],
      [' \n;; -- nothing\n /* ; */ ;', 0],
      ['select 1', 1],
      ['select 1;', 1],
      [';;select 1;; -- ; \n ; /* ;', 1],
      ['select 1; select 2', 2],
      ['select 1;select 2;', 2],
      ['select 1; -', 2],
      ['select 1; // x', 2],
      ['select 1; #', 2],
      ["select ';', \";\", `;`, [;], x'00' -- ;\n, 2", 1],
      ["select 'it''s; '; select 1", 2],
      [TRIGGER, 1],
      [`${TRIGGER};`, 1],
      [`${TRIGGER}; select 1`, 2],
      [`${TRIGGER}; ${TRIGGER}`, 2],
      [`explain ${TRIGGER}; select 1`, 2],
      [`explain query plan ${TRIGGER}; select 1`, 2],
      ['create temp trigger t after insert on a begin select 1; end; select 2', 2],
      ['create temporary trigger t after insert on a begin select 1; end; select 2', 2],
      ['CREATE /* */ TRIGGER IF NOT EXISTS t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 2', 2],
      ['create trigger "begin" after insert on a begin select 1; end; select 2', 2],
      ['create trigger begin after insert on begin begin select 1; select 2; end; select 3', 2],
      ['create trigger t after insert on a begin select 1; /* */ end', 1],
      ['create trigger t; select 1', 2],
      ['create table trigger (begin, "end"); select 1', 2],
      ['create table a (trigger); begin; select 1; end', 4],
      ['begin; select case when 1 then 2 end; end', 3],
      ['begin; insert into a values (1); commit;', 3],
    ]
    for (const [sql, statements] of counts) {
      it(`${statements}: ${JSON.stringify(sql)}`, () => expect(parseSql(sql).statements).to.equal(statements))
    }
  })

  describe('ends', () => {
    const pieces: [string, string[]][] = [
      ['', []],
      [' ;; -- nothing', []],
      ['select 1', ['select 1']],
      [';; select 1 ; -- x\n select 2 -- y', [';; select 1 ;', ' -- x\n select 2 -- y']],
      [`${TRIGGER};select 1;`, [`${TRIGGER};`, 'select 1;']],
      ["select ';' /* ; */;; select", ["select ';' /* ; */;", '; select']],
    ]
    for (const [sql, expected] of pieces) {
      it(`cuts ${JSON.stringify(sql)}`, () => {
        const { ends } = parseSql(sql)
        expect(ends.map((end, i) => sql.slice(ends[i - 1] ?? 0, end))).to.deep.equal(expected)
      })
    }
  })

  describe('verb', () => {
    const verbs: [string, string][] = [
      ['select 1', 'SELECT'],
      ['  -- what\n /* for */ ; SeLeCt 1', 'SELECT'],
      ['\ufeffselect 1', 'SELECT'],
      ['values (1)', 'VALUES'],
      ['insert or replace into a values (1)', 'INSERT'],
      ['replace into a values (1)', 'REPLACE'],
      ['update a set b = 1', 'UPDATE'],
      ['delete from a', 'DELETE'],
      ['begin immediate', 'BEGIN'],
      ['commit', 'COMMIT'],
      ['end transaction', 'END'],
      ['rollback', 'ROLLBACK'],
      ['savepoint a', 'SAVEPOINT'],
      ['release a', 'RELEASE'],
      ['create table a (b)', 'CREATE'],
      ['drop table a', 'DROP'],
      ['alter table a rename to b', 'ALTER'],
      ['reindex', 'REINDEX'],
      ['analyze', 'ANALYZE'],
      ['vacuum', 'VACUUM'],
      ['pragma user_version', 'PRAGMA'],
      ["attach 'a' as b", 'ATTACH'],
      ['detach b', 'DETACH'],
      ['select 1; delete from a', 'SELECT'],
      ['explain select 1', 'EXPLAIN'],
      ['explain query plan delete from a', 'EXPLAIN'],
      ['explain with a as (select 1) delete from b', 'EXPLAIN'],
      // What no statement begins with.
      ['', ''],
      ['-- select', ''],
      ['(select 1)', ''],
      ['"select" 1', ''],
      ["'select'", ''],
      ['selecting 1', ''],
      ['ſelect 1', ''],
      ['from a', ''],
      ['1', ''],
      ['?', ''],
    ]
    for (const [sql, verb] of verbs) {
      it(`${JSON.stringify(sql)} is ${JSON.stringify(verb)}`, () => expect(parseSql(sql).verb).to.equal(verb))
    }

    const behindWith: [string, string][] = [
      ['with a as (select 1) select * from a', 'SELECT'],
      ['with a as (select 1) values (1)', 'VALUES'],
      ['with a as (select 1) insert into b select * from a', 'INSERT'],
      ['with a as (select 1) replace into b select * from a', 'REPLACE'],
      ['with a as (select 1) update b set c = 1', 'UPDATE'],
      ['with a as (select 1) delete from b', 'DELETE'],
      ['WITH RECURSIVE a(b, c) AS (VALUES (1, 2) UNION SELECT b, c FROM a) DELETE FROM d', 'DELETE'],
      [
        'with a(b) as materialized (select 1), c as not materialized (select ((2))) update d set e = 1',
        'UPDATE',
      ],
      ['with replace as (select 1), [delete] (b) as (select 2) select * from replace', 'SELECT'],
      ["with 'a' as (select ') delete') select 1", 'SELECT'],
      ['with a as (with b as (select 1) select * from b) insert into c select * from a', 'INSERT'],
      ['with a as /* ) delete */ (select 1 -- ) delete\n) insert into c select 1', 'INSERT'],
      // What SQLite does not take.
      ['with a as (select 1) begin', ''],
      ['with a as (select 1) (select 2)', ''],
      ['with a as (select 1)', ''],
      ['with select 1', ''],
      ['with a as (select 1; delete from b', ''],
    ]
    for (const [sql, verb] of behindWith) {
      it(`${JSON.stringify(sql)} is ${JSON.stringify(verb)}`, () => expect(parseSql(sql).verb).to.equal(verb))
    }
  })

  describe('parameters', () => {
    it('are found wherever they stand', () => {
      const { names, named, gaps } = parseSql(
        'with a as (select ?) select :b, x.@c from a where b in ($d, ?2, ?9) limit ?',
      )
      expect(names).to.deep.equal([null, ':b', '@c', '$d', null, null, null, null, '?9', null])
      expect(named).to.equal(true)
      expect(gaps).to.deep.equal([5, 6, 7, 8])
    })

    it('are not found in strings, names and comments', () => {
      const { names } = parseSql("select '?', \":a\", `@a`, [$a], a$b, x'' -- ?\n /* :b */ , json ->> ?")
      expect(names).to.deep.equal([null])
    })

    it('are those of the first statement', () => {
      expect(parseSql('select ?1; select :a').names).to.deep.equal(['?1'])
      expect(parseSql('select 1; ?').names).to.deep.equal([])
      expect(parseSql(';; select :a').names).to.deep.equal([':a'])
    })

    it("have Tcl's suffixes in their names", () => {
      expect(parseSql('select $a::b(c), $a').names).to.deep.equal(['$a::b(c)', '$a'])
    })

    it('leave no more than SQLite can bind', () => {
      expect(parseSql('select ?0, ?32767, ?999999999').names).to.deep.equal([])
      expect(parseSql('?,'.repeat(40_000)).names).to.have.length(40_000)
    })

    itWithDriver('better-sqlite3', 'get the numbers that SQLite gives them', () => {
      const db = openSqlite()
      // Names differ in their letters, since better-sqlite3's keys have no first character.
      const parameter = fc.constantFrom('?', '?', '?1', '?2', '?02', '?5', ':a', ':b', '@c', '$d', '#e', ':é')
      fc.assert(
        fc.property(fc.array(parameter, { minLength: 1, maxLength: 12 }), (parameters) => {
          const sql = `select ${parameters.join(', ')}`
          const { names, gaps } = parseSql(sql)
          // To each parameter its number is bound; the row tells which number each place has.
          const plain = names.flatMap((name, i) => (name === null ? [i + 1] : []))
          const keys = names.flatMap((name, i) => (name === null ? [] : [[name.slice(1), i + 1]]))
          const row = db
            .prepare(sql)
            .raw()
            .get(...plain, Object.fromEntries(keys)) as number[]
          expect(
            row.filter((number, i) => !parameters[i]!.startsWith('?') && names[number - 1] !== parameters[i]),
          ).to.deep.equal([])
          expect(names.length).to.equal(Math.max(...row))
          expect(gaps).to.deep.equal(names.map((_, i) => i + 1).filter((number) => !row.includes(number)))
        }),
      )
      db.close()
    })

    itWithDriver('better-sqlite3', 'are numbered as in the program that SQLite makes', () => {
      const db = openSqlite()
      db.exec('create table t (a, b, c)')
      const texts = [
        'insert into t values (?, :a, ?) returning ?7',
        'with x as (select ?2 as y) update t set a = @a, b = ? where c = $b and b <> (select y from x)',
        'delete from t where a in (?, ?3, :a, ?, :a)',
        'select a from t where a = ?1 or b = ?01 or c = #a limit ? offset ?9',
        'insert into t (a) values (?3), (?) on conflict do nothing',
      ]
      for (const sql of texts) {
        const { names, gaps } = parseSql(sql)
        const used = names.map((_, i) => i + 1).filter((number) => !gaps.includes(number))
        const plain = names.filter((name) => name === null)
        const keys = names.filter((name) => name !== null).map((name) => [name.slice(1), null])
        const program = db
          .prepare(`explain ${sql}`)
          .raw()
          .all(...plain, Object.fromEntries(keys)) as unknown[][]
        const numbers = program.filter((row) => row[1] === 'Variable').map((row) => Number(row[2]))
        expect(
          [...new Set(numbers)].sort((a, b) => a - b),
          sql,
        ).to.deep.equal(used)
      }
      db.close()
    })
  })

  describe('temporary', () => {
    const temporary = [
      'create temp table a (b)',
      'CREATE TEMPORARY VIEW a AS SELECT 1',
      'create temp trigger a after insert on b begin select 1; end',
      'select 1; create temp table a (b)',
      'create table temp.a (b)',
      'create table Temp . a (b)',
      'create virtual table temp /* */ . a using fts5(b)',
      'insert into "temp".a values (1)',
      'insert into [TEMP].a values (1)',
      'insert into `temp`.a values (1)',
      "create table 'temp'.a (b)",
      'select * from b where c in (select d from temp.a)',
      'select * from sqlite_temp_master',
      'select * from "sqlite_temp_schema"',
      'pragma temp.table_info(a)',
      'select temp.a',
    ]
    for (const sql of temporary) it(sql, () => expect(parseSql(sql).temporary).to.equal(true))

    const besideAnotherTemp = [
      'select temp.x from temp.a as temp',
      'select temp from b, temp.a',
      'select temp from b join c on f(b.x, c.x), temp.a',
      'select temp from (b, temp.a)',
      'select temp from (select 1 as temp) as s, temp.a',
      'select temp from b left join (temp.a join c)',
      'select temp from b where temp in temp.a',
      'select temp from b where c in (select d from temp.a)',
      'select temp.a.x, b.temp from a, b',
      'insert into temp.a (temp) values (1)',
      'replace into temp.a (temp) values (1)',
      'update temp.a set temp = 1',
      'update or ignore temp.a set temp = 1',
      'delete from temp.a where temp = 1',
      'create table if not exists temp.a (temp)',
      'create index temp.i on a (temp)',
      'drop table if exists temp.temp',
      'alter table temp.a rename to temp',
      'create trigger t after insert on temp.a begin select temp from b; end',
      'select temp from b; analyze temp.a',
      'with temp as (select 1) insert into b select * from temp, temp.a',
    ]
    for (const sql of besideAnotherTemp) {
      it(`beside another: ${sql}`, () => expect(parseSql(sql).temporary).to.equal(true))
    }

    const lasting = [
      'create table temp (a)',
      'create table a (temp)',
      'create table temperature (a)',
      'select main.temp.a from temp',
      "select 'temp.a', 'sqlite_temp_master' -- temp.a",
      'select a from temp where temp = .5',
      'pragma temp_store',
      'create unique index temporary on a (b)',
      'explain create temp table a (b)',
      'select temp.x from a as temp',
      'select temp.x from a temp',
      'select temp.x, temp.y from temp',
      'select temp.x from main.temp',
      'select a.x from a join b as temp on temp.x = a.x and temp.y in (temp.z, 2)',
      'select a.x from a join b temp using (x), c where c.x = temp.x order by c.y, temp.y',
      'select count(temp.x), max(1, temp.y) from (a as temp) group by c, temp.z',
      'with temp as (select 1 as x) select temp.x from temp where temp.x is not distinct from temp.x',
      'select (select 1 from b), temp.x from a "temp"',
      'select * from a as temp, json_each(temp.x)',
      "select [temp].x from a as 'temp'",
      'update a as temp set x = 1 where temp.y = 2 returning 1, temp.x',
    ]
    for (const sql of lasting) it(`not: ${sql}`, () => expect(parseSql(sql).temporary).to.equal(false))
  })

  describe('counter', () => {
    const counters: [string, string | null][] = [
      ['select last_insert_rowid()', 'last_insert_rowid'],
      ['select Changes ( )', 'changes'],
      ['select "total_changes"/* */()', 'total_changes'],
      ['select [changes]()', 'changes'],
      ['select total_changes(), changes()', 'total_changes'],
      ['insert into a values (last_insert_rowid())', 'last_insert_rowid'],
      ['create table a as select changes()', 'changes'],
      ['select 1; select changes()', 'changes'],
      ['select changes(*)', 'changes'],
      ['select changes(all)', 'changes'],
      ['select changes(distinct)', 'changes'],
      ['select changes(order by 1)', 'changes'],
      ['select changes from a', null],
      ['select \'changes()\', "changes" -- changes()', null],
      ['select changes.a, (changes)', null],
      ['insert into changes (id) values (1)', null],
      ['create table changes (id)', null],
      ['create index a on changes (id)', null],
      ['with changes (a) as (select 1) select * from changes', null],
      ['select my_changes()', null],
      ['create trigger a after insert on b begin insert into c values (last_insert_rowid()); end', null],
      ['create view a as select changes()', null],
      ['create view a as select changes(); select total_changes()', 'total_changes'],
      ['select changes(); create view a as select total_changes()', 'changes'],
    ]
    for (const [sql, counter] of counters) {
      it(`${sql}: ${counter}`, () => expect(parseSql(sql).counter).to.equal(counter))
    }

    itWithDriver('better-sqlite3', 'is what SQLite takes for a call', () => {
      const db = openSqlite()
      for (const [sql, counter] of counters) {
        if (counter === null || !sql.startsWith('select') || sql.includes(';')) continue
        expect(prepare(db, sql), sql).not.to.be.instanceOf(Error)
      }
      db.close()
    })
  })

  describe('pragma', () => {
    const pragmas: [string, { name: string; schema: string | null; argument: string | null } | null][] = [
      ['pragma user_version', { name: 'user_version', schema: null, argument: null }],
      ['PRAGMA Main.User_Version', { name: 'user_version', schema: 'main', argument: null }],
      ['pragma journal_mode = WAL', { name: 'journal_mode', schema: null, argument: 'WAL' }],
      ['pragma journal_mode == wal;', { name: 'journal_mode', schema: null, argument: 'wal' }],
      ['pragma journal_mode(wal)', { name: 'journal_mode', schema: null, argument: 'wal' }],
      ["pragma journal_mode = 'wal'", { name: 'journal_mode', schema: null, argument: 'wal' }],
      ['pragma cache_size = -2000', { name: 'cache_size', schema: null, argument: '-2000' }],
      ['pragma cache_size /* */ ( - /* */ 2000 )', { name: 'cache_size', schema: null, argument: '-2000' }],
      ['pragma cache_size = +1.5', { name: 'cache_size', schema: null, argument: '+1.5' }],
      [
        'pragma "main" . [table_info] ("my ""table")',
        { name: 'table_info', schema: 'main', argument: 'my "table' },
      ],
      ["pragma 'foreign_keys' = on", { name: 'foreign_keys', schema: null, argument: 'on' }],
      ['explain pragma query_only = 0', { name: 'query_only', schema: null, argument: '0' }],
      ['explain query plan pragma query_only = 0', { name: 'query_only', schema: null, argument: '0' }],
      ['pragma user_version; select 1', { name: 'user_version', schema: null, argument: null }],
      ['select 1; pragma user_version', null],
      ['select * from pragma_table_info(1)', null],
      // What SQLite does not take.
      ['pragma', null],
      ['pragma = 1', null],
      ['pragma main.', null],
      ['pragma a =', { name: 'a', schema: null, argument: null }],
      ['pragma a ()', { name: 'a', schema: null, argument: null }],
    ]
    for (const [sql, pragma] of pragmas) {
      it(`${sql}: ${JSON.stringify(pragma)}`, () => expect(parseSql(sql).pragma).to.deep.equal(pragma))
    }

    itWithDriver('better-sqlite3', 'takes effect behind EXPLAIN too, which is why it is told', () => {
      const db = openSqlite()
      const queryOnly = () => db.prepare('pragma query_only').raw().get()
      expect(queryOnly()).to.deep.equal([0])
      db.prepare('explain pragma query_only = 1')
      expect(queryOnly()).to.deep.equal([1])
      db.close()
    })
  })

  describe('rollbackTo', () => {
    for (const sql of [
      'rollback to a',
      'ROLLBACK TRANSACTION TO SAVEPOINT a',
      'rollback transaction a to b',
    ]) {
      it(sql, () => expect(parseSql(sql).rollbackTo).to.equal(true))
    }
    for (const sql of [
      'rollback',
      'rollback transaction',
      'rollback transaction "to"',
      'alter table a rename to b',
      'rollback; rollback to a',
      'savepoint a; rollback to a',
    ]) {
      it(`not: ${sql}`, () => expect(parseSql(sql).rollbackTo).to.equal(false))
    }
  })

  describe('returning', () => {
    for (const sql of [
      'insert into a values (1) returning *',
      'delete from a RETURNING(b)',
      'with a as (select 1) update b set c = 1 returning c',
      'insert into a values (1) on conflict do update set b = 1 returning b;',
    ]) {
      it(sql, () => expect(parseSql(sql).returning).to.equal(true))
    }
    for (const sql of [
      'insert into a values (1)',
      'insert into "returning" values (\'returning\') -- returning',
      'insert into a ([returning]) values (:returning)',
      'delete from a where (returning)',
      'delete from a; delete from b returning *',
    ]) {
      it(`not: ${sql}`, () => expect(parseSql(sql).returning).to.equal(false))
    }
  })

  it('sees a NUL, and nothing behind it', () => {
    const parsed = parseSql('select ?\0; delete from temp.a where :b')
    expect(parsed).to.deep.include({ hasNul: true, statements: 1, names: [null], temporary: false })
    expect(parseSql('select 1').hasNul).to.equal(false)
    expect(parseSql("select '\0'").hasNul).to.equal(true)
  })

  it('sees a lone surrogate, and takes no pair for one', () => {
    expect(parseSql("select '😀'").loneSurrogate).to.equal(false)
    for (const half of ['\ud83d', '\ude00', '\ude00\ud83d']) {
      expect(parseSql(`select '${half}'`).loneSurrogate, JSON.stringify(half)).to.equal(true)
    }
  })

  describe('of any text', () => {
    const piece = fc.constantFrom(
      ...[
        'select',
        'values',
        'with',
        'as',
        'insert into',
        'delete from',
        'returning',
        'explain',
        'query plan',
        'pragma',
      ],
      ...['create', 'temp', 'trigger', 'begin', 'end', 'case', 'when', 'rollback', 'to', 'changes', 'x', 't'],
      ...[
        '1',
        "'",
        "''",
        '"',
        '`',
        '[',
        ']',
        '(',
        ')',
        ';',
        ',',
        '.',
        '=',
        '*',
        '-',
        '--',
        '/',
        '/*',
        '*/',
        '\n',
        ' ',
      ],
      ...[
        '?',
        '?2',
        ':a',
        '$a::b',
        '$a(',
        '@',
        '#',
        "x'00'",
        '1e5',
        '.5',
        'é',
        '\\',
        '\v',
        '\ufeff',
        '\0',
        '\ud83d',
      ],
    )
    const soup = fc
      .array(piece, { maxLength: 40 })
      .chain((pieces) => fc.constantFrom(pieces.join(''), pieces.join(' ')))

    it('never throws, and keeps its word', () => {
      fc.assert(
        fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (sql) => {
          const parsed = parseSql(sql)
          expect(parsed.sql).to.equal(sql)
          expect(parsed.statements).to.be.least(parsed.verb === '' ? 0 : 1)
          expect(parsed.named).to.equal(parsed.names.some((name) => name !== null && name[0] !== '?'))
          expect(parsed.gaps.every((number) => parsed.names[number - 1] === null)).to.equal(true)
          expect(parsed.gaps).not.to.include(parsed.names.length)
        }),
        { numRuns: 5000 },
      )
    })

    it('reads each statement of a script as if it stood alone', () => {
      fc.assert(
        fc.property(fc.array(soup, { maxLength: 4 }), (texts) => {
          const sql = texts.join(';').replaceAll('\0', '')
          const { ends } = parseSql(sql)
          const pieces = ends.map((end, i) => parseSql(sql.slice(ends[i - 1] ?? 0, end)))
          expect(parseScript(sql)).to.deep.equal(pieces)
        }),
        { numRuns: 5000 },
      )
    })

    itWithDriver('better-sqlite3', 'counts as SQLite does, where SQLite takes the text', () => {
      const db = openSqlite()
      db.exec('create table t (x)')
      const trivia = fc.constantFrom(' ', '\n', '/* ; */', "-- it's;\n", '/**/', '\t')
      const part = fc.constantFrom(
        ...[
          'select 1',
          "values (';', ':a', x'3b')",
          'select [x] as ";" from `t`',
          'delete from t',
          'begin',
          'end',
        ],
        ...[
          'with t as (select 1) select * from t',
          'create trigger t after insert on t begin select case when 1 then 2 end; end',
        ],
        ...[';', ';', ';', '1', 'x', '-', '(', "'", 'explain'],
      )
      let compared = 0
      fc.assert(
        fc.property(fc.array(fc.tuple(part, trivia), { maxLength: 7 }), (parts) => {
          const sql = parts.flat().join('')
          const answer = prepare(db, sql)
          if (answer instanceof Error) return
          compared++
          const { statements } = parseSql(sql)
          expect(Math.min(statements, 2)).to.equal(answer === 'none' ? 0 : answer === 'several' ? 2 : 1)
        }),
        { numRuns: 5000 },
      )
      expect(compared).to.be.above(500)
      db.close()
    })
  })

  describe('of a megabyte', function () {
    // Were it quadratic, any of these would take minutes.
    this.timeout(5_000)
    const pieces = [
      ...[
        "'",
        '"',
        '`',
        '[',
        ']',
        '(',
        ')',
        ';',
        '/',
        '/*',
        '*/',
        '-',
        '--',
        '--\n',
        '\n',
        ' ',
        '$',
        '$a(',
        '::',
        '.',
      ],
      ...[
        '?',
        '?32766 ',
        ':a ',
        '1',
        '1e',
        'a',
        'a ',
        'temp ',
        'temp.',
        'changes(',
        'changes ',
        '"changes"(/**/',
        "x'",
      ],
      ...[
        'begin ',
        'end;',
        'create trigger begin;',
        'with a as(',
        'explain ',
        'pragma ',
        '\0',
        '\ud83d',
        '\ufeff',
      ],
    ]
    for (const piece of pieces) {
      it(`of ${JSON.stringify(piece)}`, () => {
        const text = piece.repeat(Math.ceil(2 ** 20 / piece.length))
        expect(() => parseSql(text)).not.to.throw()
        expect(() => parseSql(`select ${text}`)).not.to.throw()
      })
    }

    it('of parameters with different names', () => {
      const names = Array.from({ length: 30_000 }, (_, i) => `:parameter_of_some_length_${i}`)
      expect(parseSql(`select ${names.join(', ')}`).names).to.deep.equal(names)
    })
  })
})

/** Contract: parameters by place and by name, in every style that SQLite has; see subjects.ts. */
import { expect } from 'chai'
import { describeContract } from './subjects.ts'

describeContract('parameters', (db) => {
  const taken: [sql: string, params: unknown, row: unknown[]][] = [
    // By place.
    ['select ?, ?', [1, 'b'], [1, 'b']],
    ['select ?, ?', new Set([1, 'b']), [1, 'b']],
    ['select ?1, ?2', [1, 'b'], [1, 'b']],
    ['select ?2, ?1, ?2', [1, 2], [2, 1, 2]],
    ['select ?1, ?1, ?1', ['x'], ['x', 'x', 'x']],
    ['select ?001, ?1', ['x'], ['x', 'x']],
    // A plain ? is one more than the highest so far.
    ['select ?, ?1, ?', [1, 2], [1, 1, 2]],
    ['select ?2, ?', [0, 2, 3], [2, 3]],
    ['select ?3, ?', [0, 0, 3, 4], [3, 4]],
    // A number that is left out takes a value all the same.
    ['select ?3', [7, 8, 9], [9]],
    ['select ?2, ?5', [1, 2, 3, 4, 5], [2, 5]],
    // By name.
    ['select :a, :b, :a', { a: 'x', b: 'y' }, ['x', 'y', 'x']],
    ['select @a, $b', { a: 'x', b: 'y' }, ['x', 'y']],
    ['select :a, @b, $c', { ':a': 1, '@b': 2, $c: 3 }, [1, 2, 3]],
    ['select :a', { a: 1, b: 2 }, [1]],
    ['select :A, :a', { a: 1, A: 2 }, [2, 1]],
    ['select $żółć, :_1, @a1', { żółć: 1, _1: 2, a1: 3 }, [1, 2, 3]],
    ['select :__proto__, :constructor', JSON.parse('{"__proto__": 1, "constructor": 2}'), [1, 2]],
    ['select :toString', Object.assign(Object.create(null), { toString: 1 }), [1]],
    // None.
    ['select 1', undefined, [1]],
    ['select 1', null, [1]],
    ['select 1', [], [1]],
    ['select 1', {}, [1]],
    // What only looks like one.
    ['select \':a\', \'?\', "?" from (select 2 as "?") -- ? :b', [], [':a', '?', 2]],
    ["select /* ? :a */ ?, ':b' as [:c]", [1], [1, ':b']],
  ]
  for (const [sql, params, row] of taken) {
    const shown = params instanceof Set ? 'a Set' : JSON.stringify(params)
    it(`${sql} takes ${shown}`, async () => {
      expect(await db.rows(sql, params)).to.deep.equal([row])
    })

    it(`${sql} takes ${shown}, beside a column of the same name`, async () => {
      // sqlite3 runs it in another form then.
      const query = sql.replace('select', 'select 1 as x, 2 as x,')
      expect(await db.rows(query, params)).to.deep.equal([[1, 2, ...row]])
    })
  }

  // One of SQLite's build options; better-sqlite3 leaves Tcl's names out.
  if (db.features.tclNames) {
    it('with a name of Tcl’s: $a::b(c)', async () => {
      expect(await db.rows('select $a::b(c), :a', { 'a::b(c)': 1, a: 2 })).to.deep.equal([[1, 2]])
    })
  } else {
    it.skip('with a name of Tcl’s: $a::b(c) (skipped: this engine was built without)')
  }

  it('reach every clause of a statement', async () => {
    await db.script('create table t (id integer primary key, a, b)')
    await db.run('insert into t (a, b) values (:a, :b), (:b, :a)', { a: 1, b: 2 })
    await db.run('update t set a = :a, b = a where id = :id', { id: 2, a: 5_000_000_000 })
    await db.run(
      'insert into t (id, a) values (?2, ?1) on conflict (id) do update set a = excluded.a + ?3',
      [10, 1, 5],
    )
    expect(await db.rows('select id, a, b from t order by id')).to.deep.equal([
      [1, 15, 2],
      [2, 5_000_000_000, 2],
    ])
    const sql =
      'with x (v) as (values (:v)) select count(*), :v from t, x where a > :low and id in (:one, :two) group by b having count(*) >= :one order by a + :v limit :two offset :none'
    expect(await db.rows(sql, { v: 'v', low: 2, one: 1, two: 2, none: 0 })).to.deep.equal([[2, 'v']])
    expect((await db.run('delete from t where id = ? or a = ?', [1, 5_000_000_000])).rowcount).to.equal(2)
  })

  it('may be a thousand', async () => {
    const values = Array.from({ length: 1000 }, (_, i) => i)
    expect(await db.rows(`select ${values.map(() => '?').join('+')}`, values)).to.deep.equal([[499_500]])
    expect(
      await db.rows(
        `select ${values.map((i) => `:p${i}`).join('+')}`,
        Object.fromEntries(values.map((i) => [`p${i}`, i])),
      ),
    ).to.deep.equal([[499_500]])
    expect(await db.rows('select ?1000', values)).to.deep.equal([[999]])
  })

  it('may change their types from run to run', async () => {
    await db.run('create table t (u)')
    const values = [1, 'a', 2.5, null, Buffer.from('b'), 2n ** 60n, true, 5_000_000_000, 'c', 1]
    const out = values.map((value) => (value === true ? 1 : value))
    for (const value of values) await db.run('insert into t values (?)', [value])
    expect((await db.rows('select u from t order by rowid')).flat()).to.deep.equal(out)
    for (const [i, value] of values.entries())
      expect(await db.rows('select ?', [value])).to.deep.equal([[out[i]]])
  })

  const alike: [sql: string, params: Record<string, number>, row: number[]][] = [
    ['select :a, @a, $a', { ':a': 1, '@a': 2, $a: 3 }, [1, 2, 3]],
    ['select :a, $a, :a', { ':a': 1, $a: 3 }, [1, 3, 1]],
  ]
  for (const [sql, params, row] of alike) {
    if (db.driver === 'better-sqlite3') {
      it(`${sql} is refused: the package cannot tell these names apart`, async () => {
        const error = await db.error(sql, params)
        expect(error).to.include({ name: 'NotSupportedError', code: 'UNSUPPORTED' })
        expect(error.message).to.match(/cannot tell the parameters :a and [@$]a apart: rename one/)
      })
    } else {
      it(`${sql} has names that differ in their first character`, async () => {
        expect(await db.rows(sql, params)).to.deep.equal([row])
      })
    }
  }

  const refused: [what: string, sql: string, params: unknown, message: RegExp][] = [
    ['too few', 'insert into t values (?, ?)', [1], /has 2 parameters, and 1 were given/],
    ['too many', 'insert into t values (?, 0)', [1, 2], /has 1 parameters, and 2 were given/],
    ['too few for a gap', 'insert into t values (?3, 0)', [1], /has 3 parameters, and 1 were given/],
    [
      'too many for a number twice',
      'insert into t values (?1, ?1)',
      [1, 2],
      /has 1 parameters, and 2 were given/,
    ],
    ['none', 'insert into t values (?, 0)', undefined, /has 1 parameters, and 0 were given/],
    ['an empty list', 'insert into t values (?, 0)', [], /has 1 parameters, and 0 were given/],
    ['some where none are wanted', 'insert into t values (0, 0)', [1], /has 0 parameters, and 1 were given/],
    ['no names', 'insert into t values (:a, 0)', undefined, /named parameters \(:a\): give an object/],
    ['a missing name', 'insert into t values (:a, :b)', { a: 1 }, /no value for its parameter :b/],
    ['a name in another case', 'insert into t values (:a, 0)', { A: 1 }, /no value for its parameter :a/],
    [
      'a name with another prefix',
      'insert into t values (:a, 0)',
      { '@a': 1 },
      /no value for its parameter :a/,
    ],
    [
      'places where names are wanted',
      'insert into t values (:a, 0)',
      [1],
      /named parameters \(:a\): give an object/,
    ],
    [
      'names where places are wanted',
      'insert into t values (?, 0)',
      { a: 1 },
      /no names \(\?\): give an array/,
    ],
    ['numbers as names', 'insert into t values (?1, 0)', { 1: 1 }, /no names \(\?\): give an array/],
    ['an object for a mix', 'insert into t values (:a, ?)', { a: 1 }, /mixes named and unnamed parameters/],
    ['an array for a mix', 'insert into t values (:a, ?)', [1, 2], /named parameters \(:a\): give an object/],
    ['a value alone', 'insert into t values (?, 0)', 5, /must be an array or an object, not a number/],
    ['a string alone', 'insert into t values (?, 0)', 'x', /must be an array or an object, not a string/],
    ['a BLOB alone', 'insert into t values (?, 0)', Buffer.from([1]), /give an array/],
  ]
  for (const [what, sql, params, message] of refused) {
    it(`${what} is refused before anything is changed: ${sql}`, async () => {
      await db.run('create table t (a, b)')
      const error = await db.error(sql, params)
      expect(error).to.include({ name: 'ProgrammingError', code: 'BAD_PARAMETERS', sql })
      expect(error.message).to.match(message)
      expect(await db.rows('select * from t')).to.deep.equal([])
    })
  }
})

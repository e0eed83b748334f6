/** placementOf(): which SQLite connection a statement concerns. Over a pool that is only what it looks at. */
import { resolve } from 'node:path'
import { expect } from 'chai'
import { type Placement, placementOf } from '../../lib/dbapi/placement.ts'
import { Router } from '../../lib/pool/router.ts'
import { PoolSettings } from '../../lib/pool/settings.ts'
import type { WorkerPool } from '../../lib/pool/worker-pool.ts'

interface Kind {
  readonly database?: string
  readonly readonly?: boolean
  readonly alone?: boolean
}

function place(
  sql: string,
  params: unknown[] = [],
  { database = '/d.db', readonly = false, alone = false }: Kind = {},
): Placement {
  const pool = {
    alone,
    options: { database, readonly },
    settings: new PoolSettings(),
  } as unknown as WorkerPool
  return placementOf(new Router().statement(sql), params as never, pool, (schema) =>
    ['own', 'o.w'].includes(schema),
  )
}

describe('placementOf()', () => {
  const cases: [sql: string, placement: Placement, params?: unknown[]][] = [
    ['select 1', 'any'],
    ['pragma foreign_keys', 'any'],
    ['create temp table t (a)', 'own'],
    ['insert into temp.t values (1)', 'own'],
    ['pragma temp.cache_size = 1', 'own'],
    ["attach ':memory:' as x", 'own'],
    ['attach ? as ?', 'own', ['', 'x']],
    ['pragma temp_store = memory', 'own'],
    ['pragma temp_store', 'any'],
    ['attach ? as x', 'own', ['file:x?mode=memory']],
    ['detach own', 'own'],
    ['detach OWN', 'own'],
    ['pragma Own.cache_size = 1', 'own'],
    ['pragma "O.w".cache_size = 1', 'own'],
    ['pragma own = 1', ['pragma', 'own', 'pragma own = 1']],
    ['pragma defer_foreign_keys = 1', 'transaction'],
    ["attach 'x.db' as X", ['attach', 'x', resolve('x.db')]],
    ['attach \'/a/../x.db\' as "Ü""B"', ['attach', 'Ü"b', '/x.db']],
    ['attach ?2 as ?1', ['attach', 'x', '/x.db'], ['X', '/x.db']],
    ["attach 'file:/x%20y.db' as x", ['attach', 'x', '/x y.db']],
    ["attach './file:x' as x", ['attach', 'x', resolve('file:x')]],
    ['detach X', ['detach', 'x', '']],
    ['pragma Cache_Size(7)', ['pragma', 'cache_size', 'pragma Cache_Size(7)']],
    ['pragma Main.cache_size = 7', ['pragma', 'main.cache_size', 'pragma Main.cache_size = 7']],
  ]
  for (const [sql, placement, params] of cases) {
    it(`of ${sql}${params === undefined ? '' : ` with ${JSON.stringify(params)}`}`, () => {
      expect(place(sql, params)).to.deep.equal(placement)
    })
  }

  it('is any where there is one SQLite connection', () => {
    for (const sql of ['create temp table t (a)', "attach ':memory:' as x", "attach '' as x"]) {
      expect(place(sql, [], { database: ':memory:', alone: true })).to.equal('any')
    }
    expect(place("attach '/x.db' as x", [], { alone: true })).to.deep.equal(['attach', 'x', '/x.db'])
    expect(place("attach '/x.db' as x", [], { database: '', alone: true })).to.equal('any')
  })

  const refused: [sql: string, params: unknown[], message: RegExp][] = [
    ['attach ? as ?', ['/x.db', null], /name of a schema must be/],
    ['attach ? as ?', [Buffer.from('/x'), 'x'], /name of a file must be/],
    ["attach 'a' || 'b' as x", [], /must be written out/],
    ["attach 'x.db' as (select 'x')", [], /must be written out/],
    ["attach 'file:/x.db?mode=ro' as x", [], /readonly/],
    ["attach 'file:/x.db?cache=shared' as x", [], /only the path and mode/],
    ["attach 'file:/x.db?mode=wrong' as x", [], /no such access mode/],
    ["attach '/tmp' as x", [], /is a folder/],
  ]
  for (const [sql, params, message] of refused) {
    it(`refuses ${sql}`, () => expect(() => place(sql, params)).to.throw(message))
  }

  it('takes mode=ro in a readonly pool', () => {
    expect(place("attach 'file:/x.db?mode=ro' as x", [], { readonly: true })).to.deep.equal([
      'attach',
      'x',
      '/x.db',
    ])
  })
})

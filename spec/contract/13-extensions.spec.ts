/** Contract: JSON, FTS5 and what else SQLite's usual build has, where the engine has it; see subjects.ts. */
import { expect } from 'chai'
import { describeContract } from './subjects.ts'

describeContract('extensions', (db) => {
  const json = db.features.json ? it : skipped('this engine has no JSON')
  const fts5 = db.features.fts5 ? it : skipped('this engine has no FTS5')

  json('JSON is made, and read by path', async () => {
    const given = { a: [1, 2.5, null, 'x'], b: { c: true } }
    expect(
      await db.rows(
        "select json_extract(?1, '$.a[1]'), ?1 -> '$.a', ?1 ->> '$.a[3]', json_type(?1, '$.b.c')",
        [JSON.stringify(given)],
      ),
    ).to.deep.equal([[2.5, '[1,2.5,null,"x"]', 'x', 'true']])
    expect(
      await db.rows('select json_object(?, ?, ?, json_array(?, ?))', ['a', 1, 'b', 'x', null]),
    ).to.deep.equal([['{"a":1,"b":["x",null]}']])
  })

  json('json_each and json_tree are tables', async () => {
    expect(await db.run('select key, value, type from json_each(\'[1, "a", null]\')')).to.deep.include({
      columns: ['key', 'value', 'type'],
      rows: [
        [0, 1, 'integer'],
        [1, 'a', 'text'],
        [2, null, 'null'],
      ],
    })
    expect(await db.columns('select * from json_tree(?) where 0', ['{}'])).to.deep.equal([
      'key',
      'value',
      'type',
      'atom',
      'id',
      'parent',
      'fullkey',
      'path',
    ])
  })

  json('JSON keeps integers of 64 bits', async () => {
    expect(
      await db.rows("select json_extract('[9007199254740993]', '$[0]') as v, json_group_array(?)", [
        2n ** 60n,
      ]),
    ).to.deep.equal([[9007199254740993n, `[${2n ** 60n}]`]])
  })

  json('JSON that is none is an error', async () => {
    const error = await db.error("select json('{')")
    expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_ERROR' })
    expect(error.message).to.equal('malformed JSON')
  })

  fts5('FTS5 finds, ranks and marks', async () => {
    await db.run('create virtual table docs using fts5 (title, body)')
    expect(
      await db.run('insert into docs values (?, ?), (?, ?)', [
        'one',
        'the quick brown fox',
        'two',
        'quick quick quick',
      ]),
    ).to.deep.include({ rowcount: 2, lastrowid: 2 })
    expect(
      await db.run(
        "select rowid, title, highlight(docs, 1, '[', ']') as marked from docs where docs match ? order by rank",
        ['quick'],
      ),
    ).to.deep.include({
      columns: ['rowid', 'title', 'marked'],
      rows: [
        [2, 'two', '[quick] [quick] [quick]'],
        [1, 'one', 'the [quick] brown fox'],
      ],
    })
    expect(await db.columns('select * from docs where docs match ?', ['nothing'])).to.deep.equal([
      'title',
      'body',
    ])
    expect((await db.run('update docs set body = ? where rowid = 1', ['slow'])).rowcount).to.equal(1)
    expect(await db.rows('select count(*) from docs(?)', ['quick'])).to.deep.equal([[1]])
    expect((await db.run('delete from docs where rowid = 2')).rowcount).to.equal(1)
  })

  fts5('FTS5 kept up by a trigger finds what is written', async () => {
    await db.script(
      'create table t (id integer primary key, body text)',
      "create virtual table f using fts5 (body, content = 't', content_rowid = 'id')",
      'create trigger ai after insert on t begin insert into f (rowid, body) values (new.id, new.body); end',
    )
    expect(await db.run("insert into t (body) values ('żółć and more')")).to.deep.include({
      rowcount: 1,
      lastrowid: 1,
    })
    expect(
      await db.rows('select t.id from f join t on t.id = f.rowid where f match ?', ['żółć']),
    ).to.deep.equal([[1]])
  })

  fts5('a query that FTS5 does not understand is an error', async () => {
    await db.run('create virtual table docs using fts5 (body)')
    const error = await db.error('select * from docs where docs match ?', ['"'])
    expect(error).to.include({ name: 'OperationalError', code: 'SQLITE_ERROR' })
    expect(error.message).to.equal('unterminated string')
  })

  it('a function that is not there is an error', async () => {
    expect((await db.error('select load_everything()')).message).to.equal('no such function: load_everything')
  })
})

function skipped(reason: string): (title: string, test: () => Promise<void>) => void {
  return (title) => {
    it.skip(`${title} (skipped: ${reason})`)
  }
}

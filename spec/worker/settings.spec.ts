/** Settings: what connections of a child are given before their next statement, over real ones of each driver. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type { DriverConnection } from '../../lib/drivers/driver.ts'
import type { Setting } from '../../lib/ipc/settings.ts'
import { AppliedSettings, Settings } from '../../lib/worker/settings.ts'
import { tempDir } from '../support/temp-dir.ts'
import { driversHere, type Open } from './sessions.ts'

for (const [name, open] of await driversHere()) {
  if (typeof open === 'string') it.skip(`Settings (${name}: ${open})`)
  else describe(`Settings (${name})`, () => describeSettings(open))
}

function describeSettings(open: Open): void {
  const dir = tempDir()
  const connections: DriverConnection[] = []
  const connect = async (): Promise<DriverConnection> => {
    const connection = await open(dir.file('test.db'))
    connections.push(connection)
    return connection
  }
  afterEach(async () => {
    for (const connection of connections.splice(0)) await connection.close()
  })
  const rows = async (connection: DriverConnection, sql: string) => {
    const statement = await connection.prepare(sql, [])
    const result = await statement.execute([])
    await statement.finalize()
    return result.rows
  }
  const schemas = async (connection: DriverConnection) =>
    (await rows(connection, 'select name, file from pragma_database_list where seq > 1 order by name')).map(
      ([schema, file]) => `${schema}:${String(file).split('/').at(-1)}`,
    )
  /** The file is there, unless its folder is not. */
  const attach = (schema: string, file = `${schema}.db`): Setting => {
    if (!file.includes('/')) writeFileSync(dir.file(file), '', { flag: 'a' })
    return ['attach', schema, dir.file(file)]
  }
  const failure = async (call: () => unknown): Promise<Error> => {
    try {
      await call()
    } catch (error) {
      return error as Error
    }
    throw new Error('it did not fail')
  }

  it('give a new connection all that is in force, in order, once', async () => {
    const connection = await connect()
    const settings = new Settings({
      settings: [attach('x'), ['pragma', 'x.cache_size', 'pragma x.cache_size = 77']],
      filePragmas: [['synchronous', 'FULL']],
      setsWal: false,
    })
    const applied = new AppliedSettings()
    expect(settings.lacks(applied)).to.equal(true)
    await settings.apply(connection, applied)
    expect(settings.lacks(applied)).to.equal(false)
    expect(await schemas(connection)).to.deep.equal(['x:x.db'])
    expect(await rows(connection, 'pragma x.cache_size')).to.deep.equal([[77]])
    expect(await rows(connection, 'pragma x.synchronous')).to.deep.equal([[2]])
    await settings.apply(connection, applied)
    expect(await schemas(connection)).to.deep.equal(['x:x.db'])
  })

  it('need nothing of a connection where none was made', async () => {
    const settings = new Settings({ settings: [], filePragmas: [], setsWal: true })
    expect(settings.lacks(new AppliedSettings())).to.equal(false)
  })

  it('are made on one connection and taken over by another that was idle through any number of them', async () => {
    const settings = new Settings({ settings: [], filePragmas: [], setsWal: true })
    const [one, idle] = [await connect(), await connect()]
    const [appliedOne, appliedIdle] = [new AppliedSettings(), new AppliedSettings()]
    const set = async (setting: Setting) => settings.set(one, appliedOne, setting)
    await set(attach('x', 'a.db'))
    await settings.apply(idle, appliedIdle)
    await set(['pragma', 'cache_size', 'pragma cache_size = 11'])
    await set(['detach', 'x', ''])
    await set(attach('y', 'b.db'))
    await set(attach('x', 'c.db'))
    await set(['pragma', 'main.cache_size', 'pragma main.cache_size = 22'])
    await set(['pragma', 'cache_size', 'pragma cache_size = 11'])
    expect(settings.lacks(appliedOne)).to.equal(false)
    expect(settings.lacks(appliedIdle)).to.equal(true)
    await settings.apply(idle, appliedIdle)
    for (const each of [one, idle]) {
      expect(await schemas(each)).to.deep.equal(['x:c.db', 'y:b.db'])
      expect(await rows(each, 'pragma cache_size')).to.deep.equal([[11]])
    }
    expect(appliedIdle.all).to.have.length(4)
    expect(await rows(one, 'pragma x.journal_mode')).to.deep.equal([['wal']])
  })

  it('open a file anew that was detached and attached again meanwhile', async () => {
    const settings = new Settings({ settings: [], filePragmas: [], setsWal: false })
    const connection = await connect()
    const executed: string[] = []
    const noting = Object.create(connection, {
      exec: {
        value: (sql: string) => {
          executed.push(sql.split(' ')[0]!)
          return connection.exec(sql)
        },
      },
    }) as DriverConnection
    const applied = new AppliedSettings()
    settings.adopt(attach('x'))
    await settings.apply(noting, applied)
    settings.adopt(['detach', 'x', ''])
    settings.adopt(attach('x'))
    await settings.apply(noting, applied)
    expect(executed.filter((verb) => verb !== '')).to.deep.equal(['ATTACH', 'DETACH', 'ATTACH'])
  })

  it('that fail are none, and leave the connection as it was', async () => {
    const settings = new Settings({ settings: [], filePragmas: [], setsWal: true })
    const connection = await connect()
    const applied = new AppliedSettings()
    for (const setting of [
      ['attach', 'x', dir.file('nowhere/x.db')],
      ['attach', 'main', dir.file('x.db')],
      ['detach', 'nosuch', ''],
      ['pragma', 'nosuch.cache_size', 'pragma nosuch.cache_size = 1'],
    ] as Setting[]) {
      expect((await failure(() => settings.set(connection, applied, setting))).message).to.match(
        /unable|already|no such|unknown/,
      )
      expect(applied.all).to.deep.equal([])
      expect(settings.lacks(applied)).to.equal(false)
      expect(await schemas(connection)).to.deep.equal([])
    }
  })

  it('that a connection cannot have can be detached without having been had', async () => {
    const settings = new Settings({ settings: [attach('x', 'nowhere/x.db')], filePragmas: [], setsWal: true })
    const connection = await connect()
    const applied = new AppliedSettings()
    await failure(() => settings.apply(connection, applied))
    await failure(() => settings.set(connection, applied, attach('y')))
    await settings.set(connection, applied, ['detach', 'x', ''])
    await settings.apply(connection, applied)
    expect(settings.lacks(applied)).to.equal(false)
    await settings.set(connection, applied, attach('y'))
    expect(await schemas(connection)).to.deep.equal(['y:y.db'])
  })

  it('make no new file where one is gone, and say so until it is back or detached', async () => {
    const settings = new Settings({ settings: [attach('x')], filePragmas: [], setsWal: true })
    rmSync(dir.file('x.db'))
    const connection = await connect()
    const applied = new AppliedSettings()
    for (let i = 0; i < 2; i++) {
      const error = (await failure(() => settings.apply(connection, applied))) as Error & { code: string }
      expect(error.code).to.equal('SQLITE_CANTOPEN')
      expect(error.message).to.match(/x\.db, which was attached as x, is gone; put it back, or DETACH "x"/)
      expect(existsSync(dir.file('x.db'))).to.equal(false)
    }
    await settings.set(connection, applied, ['detach', 'x', ''])
    await settings.apply(connection, applied)
    expect(await schemas(connection)).to.deep.equal([])
  })

  it('go on where they stopped when one could not be applied', async () => {
    const settings = new Settings({
      settings: [attach('x'), attach('main')],
      filePragmas: [],
      setsWal: false,
    })
    const connection = await connect()
    const applied = new AppliedSettings()
    for (let i = 0; i < 3; i++) {
      expect((await failure(() => settings.apply(connection, applied))).message).to.match(
        /main is already in use/,
      )
      expect(settings.lacks(applied)).to.equal(true)
    }
    settings.adopt(['detach', 'main', ''])
    await settings.apply(connection, applied)
    expect(await schemas(connection)).to.deep.equal(['x:x.db'])
  })

  it('take names as they are', async () => {
    const settings = new Settings({ settings: [], filePragmas: [['synchronous', 'FULL']], setsWal: true })
    const connection = await connect()
    const applied = new AppliedSettings()
    for (const name of ['we"ird', "it's", 'a.b', '[x]', 'select', 'ü']) {
      await settings.set(connection, applied, attach(name, `${name}.db`))
      expect(await schemas(connection)).to.deep.equal([`${name}:${name}.db`])
      await settings.set(connection, applied, ['detach', name, ''])
      expect(await schemas(connection)).to.deep.equal([])
    }
  })
}

/** Guardian: whom it kills, whom it spares, and when it goes. From outside, on processes that are no databases. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { childrenOf, hasProc, isAlive, waitForExit } from '../support/processes.ts'
import { projectRoot } from '../support/run.ts'
import { startScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'
import { counting, guardiansOf, until, workersOf, writeInitializer } from './harness.ts'

const guardianModule = pathToFileURL(join(projectRoot, 'dist', 'lib', 'pool', 'guardian.js')).href

// Children that live until they are killed. `sleeper()` carries its words on the command line.
const PRELUDE = `
  import { spawn } from 'node:child_process'
  import { once } from 'node:events'
  import { markBusy, TOKEN, unwatch, watch } from '${guardianModule}'
  const sleeper = (word, env) => spawn('sh', ['-c', 'while :; do sleep 1000; done', word],
    { stdio: 'ignore', detached: true, env: { ...process.env, ...env } })
  setInterval(() => {}, 1000)
`

describe('the guardian', () => {
  before(function () {
    if (!hasProc) this.skip()
  })

  /** Kills a group that the caller's guardian had to spare. */
  const endGroup = async (pid: number): Promise<void> => {
    process.kill(-pid, 'SIGKILL')
    await waitForExit(pid)
  }

  it('kills what carries its token, on the command line or in the environment, and nothing else', async () => {
    const script = startScript(`${PRELUDE}
      const all = [sleeper(TOKEN), sleeper('x', { FORKLITE_TOKEN: TOKEN }), sleeper('x'), sleeper(TOKEN)]
      for (const child of all.slice(0, 3)) watch(child)
      console.log(all.slice(0, 3).map((child) => child.pid).join())`)
    const [byArgument, byEnvironment, stranger] = (await script.line()).split(',').map(Number) as [
      number,
      number,
      number,
    ]
    const [guardian] = guardiansOf(script.pid)
    const unwatched = childrenOf(script.pid)
      .map((info) => info.pid)
      .find((pid) => ![byArgument, byEnvironment, stranger, guardian!.pid].includes(pid))!
    script.kill()
    await Promise.all([byArgument, byEnvironment, guardian!.pid].map((pid) => waitForExit(pid, 1000)))
    expect(isAlive(stranger), 'a pid it was told, without the token').to.equal(true)
    expect(isAlive(unwatched), 'a pid it was not told').to.equal(true)
    // The sleep of a killed loop stays; the leak check would find it.
    for (const pid of [byArgument, byEnvironment]) process.kill(-pid, 'SIGKILL')
    await endGroup(stranger)
    await endGroup(unwatched)
    await script.result
  })

  it('is one for all children, ends with the last, and comes again with the next', async () => {
    const script = startScript(`${PRELUDE}
      const a = spawn('sleep', ['1000']), b = spawn('sleep', ['1000'])
      watch(a); watch(b)
      process.on('SIGUSR2', async () => {
        for (const child of [a, b]) { child.kill(); await once(child, 'exit'); unwatch(child); unwatch(child) }
        console.log('none')
      })
      process.on('SIGHUP', () => { watch(spawn('sleep', ['1000'])); console.log('one') })
      console.log('two')`)
    expect(await script.line()).to.equal('two')
    const [first, ...others] = guardiansOf(script.pid)
    expect(others).to.have.length(0)
    script.kill('SIGUSR2')
    expect(await script.line()).to.equal('none')
    await waitForExit(first!.pid)
    script.kill('SIGHUP')
    expect(await script.line()).to.equal('one')
    const [second] = guardiansOf(script.pid)
    expect(second!.pid).not.to.equal(first!.pid)
    const sleep = childrenOf(script.pid).find((info) => info.command === 'sleep 1000')!
    script.kill()
    await waitForExit(second!.pid)
    process.kill(sleep.pid)
    await script.result
  })

  it('is started anew by the next child when somebody killed it, and told of all', async () => {
    const script = startScript(`${PRELUDE}
      const a = sleeper(TOKEN); watch(a)
      process.on('SIGUSR2', () => { const b = sleeper(TOKEN); watch(b); console.log(b.pid) })
      console.log(a.pid)`)
    const a = Number(await script.line())
    const [first] = guardiansOf(script.pid)
    process.kill(first!.pid, 'SIGKILL')
    await until(
      'the caller has reaped its guardian',
      () => !readdirSync('/proc').includes(String(first!.pid)),
    )
    script.kill('SIGUSR2')
    const b = Number(await script.line())
    expect(guardiansOf(script.pid)).to.have.length(1)
    script.kill()
    await Promise.all([a, b].map((pid) => waitForExit(pid, 1000)))
    for (const pid of [a, b]) process.kill(-pid, 'SIGKILL')
    await script.result
  })

  it('at exit leaves what is idle to end by itself, and kills what is busy', async () => {
    const script = startScript(`${PRELUDE}
      const [idle, busy, done] = [sleeper('x'), sleeper('x'), sleeper('x')]
      for (const child of [idle, busy, done]) watch(child)
      markBusy(busy, true); markBusy(done, true); markBusy(done, false)
      console.log([idle, busy, done].map((child) => child.pid).join())
      process.exit()`)
    const [idle, busy, done] = (await script.line()).split(',').map(Number) as [number, number, number]
    await waitForExit(busy)
    await script.result
    expect([idle, done].map(isAlive)).to.deep.equal([true, true])
    process.kill(-busy, 'SIGKILL')
    for (const pid of [idle, done]) await endGroup(pid)
  })

  describe('of a pool', () => {
    const dir = tempDir()
    const endless = counting(Number.POSITIVE_INFINITY, 'say()')

    it('finds children whose title was set', async () => {
      const script = startScript(
        `import { createPool } from 'forklite'
         const [database, initializer] = process.argv.slice(2)
         const pool = await createPool(database, { readers: 1, initializer })
         pool.execute(${JSON.stringify(endless)})`,
        { args: [dir.file('test.db'), writeInitializer(dir.file('init.mjs'))], nodeArgs: ['--title=app'] },
      )
      const reader = Number(/^running (\d+)$/.exec(await script.line())![1])
      const children = childrenOf(script.pid)
      expect(children.find((info) => info.pid === reader)).to.include({ command: 'app' })
      script.kill()
      await Promise.all(children.map(({ pid }) => waitForExit(pid, 1000)))
      await script.result
    })

    it('is quick with many children', async () => {
      const script = startScript(
        `import { createPool } from 'forklite'
         const [database, initializer] = process.argv.slice(2)
         const pool = await createPool(database, { readers: 12, initializer })
         for (let i = 0; i < 12; i++) pool.execute(${JSON.stringify(endless)} + ' as c' + i)`,
        { args: [dir.file('test.db'), writeInitializer(dir.file('init.mjs'))] },
      )
      for (let i = 0; i < 12; i++) expect(await script.line()).to.match(/^running/)
      const pids = [...workersOf(script.pid), ...guardiansOf(script.pid)].map((info) => info.pid)
      expect(pids).to.have.length(14)
      script.kill()
      await Promise.all(pids.map((pid) => waitForExit(pid, 1000)))
      await script.result
    })
  })
})

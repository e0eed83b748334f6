/**
 * Launcher: which kind of fork `auto` takes, and what an application with a cluster of its own sees of us. Each
 * caller is a script, since the choice is made once in a process.
 */
import { expect } from 'chai'
import { hasProc } from '../support/processes.ts'
import { projectRoot } from '../support/run.ts'
import { runProgram, runScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'

// use() opens a database, asks the writer and a reader, and prints how its children were forked.
const USE = `
  import { connect, createPool } from 'forklite'
  const use = async (options = {}, name = 'test.db') => {
    const pool = await createPool(process.env.FOLDER + '/' + name, { readers: 1, ...options })
    await pool.execute('create table if not exists t (a)')
    await pool.execute('insert into t values (1)')
    const [[count]] = await pool.execute('select count(*) > 0 from t').fetchall()
    const { launcher } = pool.stats()
    await pool.close()
    return launcher + ' ' + count
  }
  // A write that was on its way to a writer that is killed fails; the next is served by its heir.
  const served = async (pool) => {
    const write = () => pool.execute('create table if not exists t (a)')
    await write().catch(write)
  }
  const told = (error) => console.log(error.name, error.code, error.message)
`

describe('the launcher', () => {
  const dir = tempDir()
  const run = async (source: string, nodeArgs: string[] = []): Promise<string[]> => {
    const { stdout, stderr, code } = await runScript(`${USE}\n${source}`, {
      env: { FOLDER: dir.path },
      nodeArgs,
    })
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    return stdout.trim().split('\n')
  }

  it('is cluster in a plain script', async () => {
    expect(await run(`console.log(await use())`)).to.deep.equal(['cluster 1'])
  })

  it('is cluster in code given on the command line, which no child evaluates again', async () => {
    const source = `${USE} console.log(await use()); console.log(process.execArgv.length)`
    const { stdout, stderr } = await runProgram(process.execPath, ['--input-type=module', '-e', source], {
      cwd: projectRoot,
      env: { FOLDER: dir.path },
    })
    expect(stderr).to.equal('')
    expect(stdout).to.equal('cluster 1\n3\n')
  })

  for (const launcher of ['cluster', 'child_process']) {
    it(`is ${launcher} when asked for`, async () => {
      expect(await run(`console.log(await use({ launcher: '${launcher}' }))`)).to.deep.equal([
        `${launcher} 1`,
      ])
    })
  }

  it('is child_process where the application has imported node:cluster', async () => {
    expect(await run(`import 'node:cluster'; console.log(await use())`)).to.deep.equal(['child_process 1'])
    expect(
      await run(
        `const { default: cluster } = await import('cluster'); console.log(await use(), cluster.isPrimary)`,
      ),
    ).to.deep.equal(['child_process 1 true'])
    expect(
      await run(
        `import { createRequire } from 'node:module'; createRequire(import.meta.url)('cluster'); console.log(await use())`,
      ),
    ).to.deep.equal(['child_process 1'])
  })

  it('is child_process where the application has set up a cluster and not forked yet', async () => {
    expect(
      await run(`
        import cluster from 'node:cluster'
        cluster.setupPrimary({ exec: '/no/such/worker.js', args: ['x'] })
        console.log(await use())
        console.log(JSON.stringify([cluster.settings.exec, cluster.settings.args]))`),
    ).to.deep.equal(['child_process 1', '["/no/such/worker.js",["x"]]'])
  })

  it('is child_process in a cluster worker, where cluster is refused', async () => {
    const lines = await run(`
      import cluster from 'node:cluster'
      if (cluster.isPrimary) {
        cluster.fork()
        cluster.on('exit', (worker, code) => console.log('worker', code))
      } else {
        console.log(await use())
        await use({ launcher: 'cluster' }).catch(told)
        process.exit(4)
      }`)
    expect(lines[0]).to.equal('child_process 1')
    expect(lines[1]).to.match(
      /^ProgrammingError BAD_OPTION .*cluster's primary.*use 'child_process' or 'auto'$/,
    )
    expect(lines[2]).to.equal('worker 4')
  })

  it('is child_process in a worker thread, and cluster in the main thread beside it', async () => {
    expect(
      await run(`
        import { isMainThread, Worker } from 'node:worker_threads'
        console.log(isMainThread, await use({}, isMainThread ? 'main.db' : 'thread.db'))
        if (isMainThread) new Worker(new URL(import.meta.url))`),
    ).to.deep.equal(['true cluster 1', 'false child_process 1'])
  })

  it('is decided at the first fork, for good', async () => {
    expect(
      await run(`
        console.log(await use())
        await import('node:cluster')
        console.log(await use({}, 'other.db'))`),
    ).to.deep.equal(['cluster 1', 'cluster 1'])
    // Our own use of cluster is not the application's.
    expect(
      await run(`
        console.log(await use({ launcher: 'cluster' }))
        console.log(await use({}, 'other.db'))`),
    ).to.deep.equal(['cluster 1', 'cluster 1'])
  })

  // Waits for what exit and disconnect handlers of ours could still do: the end of a process is told after it.
  const SETTLED = `const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))`

  it('never shows our children to an application that imports node:cluster later', async function () {
    if (!hasProc) this.skip()
    const lines = await run(`
      ${SETTLED}
      import { once } from 'node:events'
      const pool = await createPool(process.env.FOLDER + '/test.db', { readers: 2 })
      const { default: cluster } = await import('node:cluster')
      const show = () => console.log(JSON.stringify([Object.keys(cluster.workers), cluster.settings]))
      console.log(pool.stats().launcher)
      show()
      const heard = []
      for (const event of ['exit', 'disconnect']) cluster.on(event, (worker) => heard.push(event + ' ' + worker.id))
      // One of ours dies and is replaced, and all leave in the end.
      const [{ pid }] = pool.stats().children
      process.kill(pid, 'SIGKILL')
      await served(pool)
      show()
      await pool.close()
      await settled()
      console.log(heard.length)`)
    expect(lines).to.deep.equal(['cluster', '[[],{}]', '[[],{}]', '0'])
  })

  it('gives an application that forks again on exit no worker it did not ask for', async () => {
    const lines = await run(`
      ${SETTLED}
      import { once } from 'node:events'
      import { writeFileSync } from 'node:fs'
      const pool = await createPool(process.env.FOLDER + '/test.db', { readers: 2 })
      const { default: cluster } = await import('node:cluster')
      const exec = process.env.FOLDER + '/worker.mjs'
      writeFileSync(exec, 'process.disconnect()')
      cluster.setupPrimary({ exec, args: ['mine'] })
      let forks = 0
      const fork = () => { forks++; cluster.fork() }
      const exits = []
      let wanted = () => {}
      cluster.on('exit', (worker, code) => {
        exits.push(code)
        if (forks < 3) fork()
        else wanted()
      })
      fork()
      for (const { pid } of pool.stats().children.slice(0, 2)) process.kill(pid, 'SIGKILL')
      await served(pool)
      if (exits.length < 3) await new Promise((resolve) => { wanted = resolve })
      await pool.close()
      await settled()
      console.log(forks, exits.join(), Object.keys(cluster.workers).length)
      console.log(JSON.stringify([cluster.settings.exec === exec, cluster.settings.args]))`)
    expect(lines).to.deep.equal(['3 0,0,0 0', '[true,["mine"]]'])
  })

  it("puts the application's cluster settings back key by key, and takes none of them for our children", async () => {
    const lines = await run(`
      import cluster from 'node:cluster'
      import { writeFileSync } from 'node:fs'
      const theirs = { exec: '/no/such/worker.js', args: ['x'], execArgv: ['--no-such-flag'], silent: true,
        cwd: '/', serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'], uid: 65534, gid: 65534 }
      cluster.setupPrimary(theirs)
      const before = cluster.settings
      const copy = JSON.stringify(before)
      const initializer = process.env.FOLDER + '/init.mjs'
      writeFileSync(initializer, 'export default (db, role) => { if (role === "writer") console.log(process.cwd() === "/", process.getuid?.() === 65534) }')
      console.log(await use({ launcher: 'cluster', initializer }))
      console.log(cluster.settings === before, JSON.stringify(cluster.settings) === copy)
      console.log(Object.keys(cluster.workers).length)`)
    expect(lines).to.deep.equal(['false false', 'cluster 1', 'true true', '0'])
  })

  it('puts them back when the fork fails too', async () => {
    const lines = await run(`
      import cluster from 'node:cluster'
      const before = cluster.settings
      process.execPath = '/no/such/node'
      await use({ launcher: 'cluster' }).catch(told)
      console.log(cluster.settings === before, JSON.stringify(cluster.settings), Object.keys(cluster.workers).length)`)
    expect(lines[0]).to.match(
      /^WorkerExited WORKER_EXITED .*could not be forked: spawn \/no\/such\/node ENOENT$/,
    )
    expect(lines[1]).to.equal('true {} 0')
  })

  it('counts our children among those of a cluster worker no more than among its own', async () => {
    // PM2 and the like run an application as cluster workers: each has its own children, and its primary none.
    const lines = await run(`
      import cluster from 'node:cluster'
      if (cluster.isPrimary) {
        const exits = []
        cluster.on('exit', (worker, code) => exits.push(code))
        for (const i of [1, 2]) cluster.fork({ NAME: 'db' + i })
        cluster.on('exit', () => { if (exits.length === 2) console.log(exits.join()) })
      } else {
        await use({}, process.env.NAME)
        process.exit(0)
      }`)
    expect(lines).to.deep.equal(['0,0'])
  })
})

/**
 * How callers end, and that their children end with them: killed, by process.exit(), by an uncaught exception,
 * by Ctrl-C, without close(). Each caller is a script of its own. Linux, for /proc.
 */
import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { hasProc, waitForExit } from '../support/processes.ts'
import { projectRoot } from '../support/run.ts'
import { runScript, Script, startScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'
import { counting, guardiansOf, workersOf, writeInitializer } from './harness.ts'

/** The promise is a second, on a machine that has time; busy with other things it took longer, twice. */
const OUTLIVE_MS = 5000

const CHILDREN = 3

const endless = JSON.stringify(counting(Number.POSITIVE_INFINITY, 'say()'))

// Opens the database with one writer and two readers. `busy` gives every child an endless query, each of which
// prints a line once it runs. SIGUSR2 ends the script as it was told.
const OPEN = `
  import { createPool } from 'forklite'
  const [database, launcher, initializer, work, end] = process.argv.slice(2)
  const pool = await createPool(database, { launcher, readers: 2, initializer })
  await pool.execute('create table if not exists t (a)')
  await pool.execute('insert into t values (1)')
  process.on('SIGUSR2', () => {
    if (end === 'exit') process.exit(7)
    throw new Error('nobody catches this')
  })
  if (work === 'busy') {
    pool.execute('insert into t ' + ${endless}).catch(() => {})
    for (const label of ['a', 'b']) pool.execute(${endless} + ' as ' + label).catch(() => {})
  } else {
    console.log('idle')
  }
  setInterval(() => {}, 1000)
`

for (const launcher of ['cluster', 'child_process'] as const) {
  describe(`callers that end (${launcher})`, () => {
    const dir = tempDir()

    before(function () {
      if (!hasProc) this.skip()
    })

    /** Starts the script, waits for its children to be at work, and gives all the processes it has. */
    async function start(
      work: 'idle' | 'busy',
      end: 'exit' | 'throw' = 'exit',
    ): Promise<{ script: Script; pids: number[] }> {
      const initializer = writeInitializer(dir.file('init.mjs'))
      const args = [dir.file('test.db'), launcher, initializer, work, end]
      const script = startScript(OPEN, { args })
      for (let i = 0; i < (work === 'busy' ? CHILDREN : 1); i++) {
        expect(await script.line()).to.match(/^(idle|running \d+)$/)
      }
      const workers = workersOf(script.pid)
      const guardians = guardiansOf(script.pid)
      expect(workers).to.have.length(CHILDREN)
      expect(guardians).to.have.length(1)
      return { script, pids: [...workers, ...guardians].map((info) => info.pid) }
    }

    async function expectGone(script: Script, pids: number[]): Promise<void> {
      await waitForExit(script.pid)
      await Promise.all(pids.map((pid) => waitForExit(pid, OUTLIVE_MS)))
    }

    for (const work of ['idle', 'busy'] as const) {
      const when = work === 'idle' ? 'while idle' : 'while every child runs an endless query'

      it(`take them along when killed ${when}`, async () => {
        const { script, pids } = await start(work)
        script.kill('SIGKILL')
        await expectGone(script, pids)
        expect((await script.result).signal).to.equal('SIGKILL')
      })

      it(`take them along by process.exit() ${when}`, async () => {
        const { script, pids } = await start(work, 'exit')
        script.kill('SIGUSR2')
        await expectGone(script, pids)
        expect((await script.result).code).to.equal(7)
      })

      it(`take them along by an uncaught exception ${when}`, async () => {
        const { script, pids } = await start(work, 'throw')
        script.kill('SIGUSR2')
        await expectGone(script, pids)
        const { code, stderr } = await script.result
        expect(stderr).to.include('nobody catches this')
        expect(code).to.equal(1)
      })
    }

    it('take them along while an initializer hangs for ever', async () => {
      const script = startScript(
        `import { connect } from 'forklite'
         const [database, launcher, initializer] = process.argv.slice(2)
         await connect(database, { launcher, initializer, readers: 1 })`,
        {
          args: [
            dir.file('test.db'),
            launcher,
            'data:text/javascript,' +
              encodeURIComponent(
                `import { writeSync } from 'node:fs'; export default () => { writeSync(1, 'hangs\\n'); for (;;); }`,
              ),
          ],
        },
      )
      expect(await script.line()).to.equal('hangs')
      const pids = [...workersOf(script.pid), ...guardiansOf(script.pid)].map((info) => info.pid)
      expect(pids).to.have.length(3)
      script.kill('SIGKILL')
      await expectGone(script, pids)
      await script.result
    })

    it('leave what was committed, and nothing else', async () => {
      const { script, pids } = await start('busy')
      script.kill('SIGKILL')
      await expectGone(script, pids)
      await script.result
      const { stdout } = await runScript(
        `import { connect } from 'forklite'
         const conn = await connect(process.argv[2])
         console.log(JSON.stringify(await conn.execute('select a from t').fetchall()))
         await conn.close()`,
        { args: [dir.file('test.db')] },
      )
      expect(stdout).to.equal('[[1]]\n')
      expect(existsSync(dir.file('test.db-wal'))).to.equal(false)
    })

    it('drain on Ctrl-C, which reaches the whole process group', async () => {
      const source = `
        import { connect } from 'forklite'
        const [database, launcher, initializer] = process.argv.slice(1)
        const conn = await connect(database, { launcher, readers: 1, initializer })
        await conn.execute('create table t (a)')
        await conn.execute('insert into t values (1)')
        const query = conn.execute(${JSON.stringify(counting(300_000, 'say()'))}).fetchall()
        process.on('SIGINT', async () => {
          console.log('counted', String(await query))
          await conn.commit()
          await conn.close()
          console.log('closed')
        })
      `
      const initializer = writeInitializer(dir.file('init.mjs'))
      // In a session, and so a process group, of its own.
      const script = new Script(
        'setsid',
        [process.execPath, '--input-type=module', '-e', source, dir.file('test.db'), launcher, initializer],
        { cwd: projectRoot },
      )
      expect(await script.line()).to.match(/^running \d+$/)
      process.kill(-script.pid, 'SIGINT')
      expect(await script.line()).to.equal('counted 300000')
      expect(await script.line()).to.equal('closed')
      const { code, signal, stderr } = await script.result
      expect({ code, signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' })
      expect(existsSync(dir.file('test.db-wal'))).to.equal(false)
    })

    it('take them along when they are a worker thread that is terminated', async () => {
      const initializer = writeInitializer(dir.file('init.mjs'))
      const script = startScript(
        `import { isMainThread, parentPort, Worker } from 'node:worker_threads'
         import { createPool } from 'forklite'
         const [database, initializer] = process.argv.slice(2)
         if (isMainThread) {
           const thread = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
           process.on('SIGUSR2', async () => { await thread.terminate(); console.log('terminated') })
           setInterval(() => {}, 1000)
         } else {
           const pool = await createPool(database, { readers: 1, initializer })
           await pool.execute('create table t (a)')
           pool.execute('insert into t ' + ${endless})
           pool.execute(${endless})
         }`,
        { args: [dir.file('test.db'), initializer] },
      )
      for (let i = 0; i < 2; i++) expect(await script.line()).to.match(/^running \d+$/)
      const pids = [...workersOf(script.pid), ...guardiansOf(script.pid)].map((info) => info.pid)
      expect(pids).to.have.length(3)
      script.kill('SIGUSR2')
      expect(await script.line()).to.equal('terminated')
      await Promise.all(pids.map((pid) => waitForExit(pid, OUTLIVE_MS)))
      script.kill()
      await script.result
    })
  })

  describe(`scripts that forget close() (${launcher})`, () => {
    const dir = tempDir()
    const run = (body: string) =>
      runScript(
        `import { connect, createPool } from 'forklite'
         const [database, initializer] = process.argv.slice(2)
         const options = { launcher: '${launcher}', readers: 1, initializer }
         ${body}`,
        { args: [dir.file('test.db'), writeInitializer(dir.file('init.mjs'))] },
      )

    const idle: [what: string, body: string][] = [
      ['nothing was asked', `await connect(database, options)`],
      ['all was answered', `const conn = await connect(database, options); await conn.execute('select 1')`],
      [
        'a transaction is open',
        `const conn = await connect(database, options)
         await conn.execute('create table t (a)'); await conn.execute('insert into t values (1)')`,
      ],
      [
        'a result is half-read',
        `const conn = await connect(database, options)
         const cursor = await conn.execute("with recursive c(x) as (select 1 union all select x + 1 from c where x < 9999) select x, zeroblob(100) from c")
         await cursor.fetchone()`,
      ],
      [
        'a child has been replaced',
        `const pool = await createPool(database, options)
         await pool.execute('select die()').catch(() => {})
         await pool.execute('select 1')`,
      ],
      [
        'the pool was closed',
        `const pool = await createPool(database, options); await pool.execute('select 1'); await pool.close()`,
      ],
      ['connect() failed', `await connect('/no/such/folder/test.db', options).catch(() => {})`],
      ['the database is in memory', `await connect(':memory:', options)`],
    ]
    for (const [what, body] of idle) {
      it(`end when ${what}`, async () => {
        const { code, stdout } = await run(`${body}\nconsole.log('last line')`)
        expect(stdout).to.equal('last line\n')
        expect(code).to.equal(0)
      })
    }

    const outstanding: [what: string, body: string, answer: string][] = [
      ['a read runs', `ask('select 1'); ask(slow)`, '1 300000'],
      [
        'reads wait for a reader',
        `for (const i of [1, 2, 3]) ask(slow.replace('(*)', '(*) + ' + i))`,
        '300001 300002 300003',
      ],
      [
        'a write waits for the writer',
        `ask("insert into t " + slow + ' returning *'); ask('delete from t returning 7')`,
        '300000 7',
      ],
      ['connect() is under way', `connect(database).then(() => console.log('connected'))`, 'connected'],
    ]
    for (const [what, body, answer] of outstanding) {
      it(`do not end while ${what}`, async () => {
        const { code, stdout } = await run(`
          const pool = await createPool(database, options)
          await pool.execute('create table t (a)')
          const slow = ${JSON.stringify(counting(300_000))}
          const ask = (sql) => void pool.execute(sql).fetchall().then((rows) => console.log(String(rows)))
          ${body}`)
        expect(stdout.trim().split('\n').join(' ')).to.equal(answer)
        expect(code).to.equal(0)
      })
    }
  })
}

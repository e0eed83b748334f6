/**
 * Regressions in the child that left -wal and -shm behind when the caller ended without close(): the writer
 * left before the readers, and by cluster's own listener without closing the database. Linux, for /proc.
 */
import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { workersOf } from '../pool/harness.ts'
import { describeEachDriver } from '../support/drivers.ts'
import { hasProc, waitForExit } from '../support/processes.ts'
import { startScript } from '../support/run-script.ts'

/** How long children may outlive their caller, on a machine however busy. */
const OUTLIVE_MS = 5000

const READERS = 2

const bodies: [what: string, body: string][] = [
  ['nothing more was asked', ''],
  [
    'all readers have read',
    `await Promise.all([1, 2, 3, 4].map((i) => pool.execute('select ' + i + ' from t').fetchall()))`,
  ],
  [
    'a transaction is open',
    `const conn = await pool.connect(); await conn.execute('insert into t values (2)')`,
  ],
  [
    'a result is half-read',
    `const cursor = await pool.execute("with recursive c(x) as (select 1 union all select x + 1 from c where x < 9999) select x, zeroblob(100) from c")
     await cursor.fetchone()`,
  ],
]

/** What a caller does at SIGUSR2; after `null` nothing keeps it. */
const ends: [how: string, end: string][] = [
  ['just ends', 'clearInterval(kept)'],
  ['calls process.exit()', 'process.exit()'],
  ['is killed', `process.kill(process.pid, 'SIGKILL')`],
]

for (const launcher of ['cluster', 'child_process'] as const) {
  describeEachDriver(`a caller that never calls close() (${launcher})`, ({ driver, file }) => {
    before(function () {
      if (!hasProc) this.skip()
    })

    async function expectNothingLeft(body: string, end: string): Promise<void> {
      const script = startScript(
        `import { createPool } from 'forklite'
         const pool = await createPool(process.argv[2], { launcher: '${launcher}', driver: '${driver}', readers: ${READERS} })
         await pool.execute('create table t (a)')
         await pool.execute('insert into t values (1)')
         ${body}
         const kept = setInterval(() => {}, 1000)
         process.on('SIGUSR2', () => { ${end} })
         console.log('ready')`,
        { args: [file()] },
      )
      expect(await script.line()).to.equal('ready')
      const workers = workersOf(script.pid)
      expect(workers).to.have.length(READERS + 1)
      expect(existsSync(`${file()}-wal`)).to.equal(true)
      script.kill('SIGUSR2')
      await waitForExit(script.pid)
      await Promise.all(workers.map(({ pid }) => waitForExit(pid, OUTLIVE_MS)))
      const { stderr } = await script.result
      expect(stderr).to.equal('')
      expect(existsSync(`${file()}-wal`), '-wal').to.equal(false)
      expect(existsSync(`${file()}-shm`), '-shm').to.equal(false)
    }

    for (const [what, body] of bodies) {
      it(`leaves neither -wal nor -shm when ${what}`, () => expectNothingLeft(body, ends[0]![1]))
    }
    for (const [how, end] of ends.slice(1)) {
      it(`leaves neither when it ${how}`, () => expectNothingLeft(bodies[0]![1], end))
    }
  })
}

/** How much memory a long result takes, in the caller and in the child: that of some chunks. */
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { describeEachDriver } from '../support/drivers.ts'
import { hasProc } from '../support/processes.ts'
import { runScript } from '../support/run-script.ts'

const MIB = 1024 * 1024

/** Collects when it is told to, by SIGUSR2. */
const INITIALIZER = `
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
process.on('SIGUSR2', () => gc())
export default function initialize() {}
`

describeEachDriver('Streaming without end', ({ driver, file }) => {
  // One that steps rows in 25 µs each reads fewer of them in the same time.
  const rows = driver === 'sqlite3' ? 150_000 : 2_000_000

  it(`${rows} rows leave both processes as large as before, but for 64 MB`, async function () {
    if (!hasProc) this.skip()
    this.timeout(60_000)
    const initializer = file('collect.mjs')
    writeFileSync(initializer, INITIALIZER)
    const { code, stdout, stderr } = await runScript(
      `import { readFileSync } from 'node:fs'
       import { createPool } from 'forklite'
       const pool = await createPool(${JSON.stringify(file())}, {
         driver: ${JSON.stringify(driver)}, readers: 1, initializer: ${JSON.stringify(initializer)},
       })
       const [reader] = pool.stats().children.filter(({ role }) => role === 'reader')
       async function privateBytes() {
         gc()
         process.kill(reader.pid, 'SIGUSR2')
         // Behind the signal, and behind what was let go of.
         for (let i = 0; i < 3; i++) await pool.execute('select 1').fetchall()
         return [process.pid, reader.pid].map((pid) => {
           const parts = readFileSync('/proc/' + pid + '/smaps_rollup', 'utf8').matchAll(/^Private_\\w+: +(\\d+) kB/gm)
           return [...parts].reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0)
         })
       }
       const sql = "with recursive c(x) as (select 1 union all select x + 1 from c where x < ?) select x, 'row ' || x, x / 7.0, null from c"
       let sum = 0
       for await (const [x] of pool.execute(sql, [5000])) sum += x
       const before = await privateBytes()
       for await (const [x] of pool.execute(sql, [${rows}])) sum += x
       const after = await privateBytes()
       console.log(JSON.stringify({ sum, grown: after.map((bytes, i) => bytes - before[i]) }))
       await pool.close()`,
      { nodeArgs: ['--expose-gc'], deadlineMs: 55_000 },
    )
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    const { sum, grown } = JSON.parse(stdout)
    expect(sum).to.equal((rows * (rows + 1)) / 2 + (5000 * 5001) / 2)
    for (const bytes of grown) expect(bytes).to.be.below(64 * MIB)
  })
})

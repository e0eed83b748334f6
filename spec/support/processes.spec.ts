/** What the helpers say of processes: living, ended, ended but not reaped. */
import { expect } from 'chai'
import { childrenOf, hasProc, isAlive, waitForExit } from './processes.ts'
import { Script, startScript } from './run-script.ts'

describe('processes', () => {
  it('tells a living process from one that has ended', async () => {
    const script = startScript('console.log("up"); process.stdin.resume(); setInterval(() => {}, 1000)')
    await script.line()
    expect(isAlive(script.pid)).to.equal(true)
    script.kill()
    await waitForExit(script.pid)
    expect(isAlive(script.pid)).to.equal(false)
    await script.result
  })

  it('counts a zombie as ended', async function () {
    if (!hasProc) this.skip()
    // The shell becomes a `sleep`, which never reaps a child; the child waits for that before it ends.
    const child = 'while read -r name < /proc/$$/comm; [ "$name" = sh ]; do :; done'
    const parent = new Script('sh', ['-c', `(${child}) & echo $!; exec sleep 1000`], {})
    const zombie = Number(await parent.line())
    await waitForExit(zombie)
    expect(isAlive(zombie)).to.equal(false)
    expect(() => process.kill(zombie, 0), 'still in the process table').not.to.throw()
    parent.kill()
    await parent.result
  })

  it('says which process has not ended in time', async () => {
    const script = startScript('setInterval(() => {}, 1000)')
    const failure = await waitForExit(script.pid, 0).catch((error: Error) => error)
    expect(failure)
      .to.be.an('error')
      .with.property('message')
      .that.includes(`process ${script.pid} still runs`)
    script.kill()
    await script.result
  })

  it('lists the children of a process', async function () {
    if (!hasProc) this.skip()
    const script = startScript('setInterval(() => {}, 1000)')
    expect(childrenOf(process.pid).map((child) => child.pid)).to.include(script.pid)
    script.kill()
    await script.result
  })
})

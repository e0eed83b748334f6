/** Scripts: run from outside, heard by events, ended at their deadline. */
import { expect } from 'chai'
import { isAlive } from './processes.ts'
import { runProgram, runScript, startScript } from './run-script.ts'

describe('runScript', () => {
  it('gives exit code and output, and passes arguments, flags and environment', async () => {
    const result = await runScript(
      `console.log(process.argv.slice(2).join(), process.execArgv.join(), process.env.COLOUR)
       console.error('aside')
       process.exitCode = 3`,
      { args: ['a', 'b'], nodeArgs: ['--no-warnings'], env: { COLOUR: 'blue' } },
    )
    expect(result).to.deep.equal({
      code: 3,
      signal: null,
      stdout: 'a,b --no-warnings blue\n',
      stderr: 'aside\n',
    })
  })

  it("lets a script import 'forklite' by name", async () => {
    const { stdout, stderr } = await runScript(`
      import { InterfaceError } from 'forklite'
      console.log(InterfaceError.className, import.meta.resolve('forklite'))
    `)
    expect(stderr).to.equal('')
    expect(stdout).to.match(/^InterfaceError file:.*\/dist\/lib\/index\.js\n$/)
  })

  it('names the signal that ended a script', async () => {
    const { code, signal } = await runScript(
      'process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000)',
    )
    expect([code, signal]).to.deep.equal([null, 'SIGTERM'])
  })

  it('hands over line after line while the script runs', async () => {
    const script = startScript('console.log("one\\ntwo"); setInterval(() => {}, 1000)')
    expect(await script.line()).to.equal('one')
    expect(await script.line()).to.equal('two')
    script.kill()
    expect((await script.result).signal).to.equal('SIGKILL')
    const failure = await script.line().catch((error: Error) => error.message)
    expect(failure).to.include('ended before its next line').and.to.include('one\ntwo')
  })

  it('ends a script at its deadline, and says so', async () => {
    const script = startScript('setInterval(() => {}, 1000)', { deadlineMs: 50 })
    const failure = await script.result.catch((error: Error) => error.message)
    expect(failure).to.include('script.mjs has not ended within 50 ms')
    expect(isAlive(script.pid)).to.equal(false)
  })

  it('runs other programs too, and says when there is none', async () => {
    const { stdout } = await runProgram('sh', ['-c', 'echo hello'])
    expect(stdout).to.equal('hello\n')
    const failure = await runProgram('/no/such/program', []).catch(
      (error: NodeJS.ErrnoException) => error.code,
    )
    expect(failure).to.equal('ENOENT')
  })
})

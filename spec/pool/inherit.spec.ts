/** What a child inherits of its caller's flags and environment. */
import { expect } from 'chai'
import { inheritedEnv, inheritedFlags, inheritedNodeOptions } from '../../lib/pool/inherit.ts'
import { runScript } from '../support/run-script.ts'

describe('inherited flags', () => {
  const kept: string[][] = [
    ['--import', './hook.mjs'],
    ['--require=./hook.cjs'],
    ['-r', './hook.cjs'],
    ['--loader', './loader.mjs'],
    ['--conditions=development', '-C', 'browser'],
    ['--enable-source-maps'],
    ['--max-old-space-size=512', '--max_semi_space_size=4'],
    ['--permission', '--allow-fs-read=*', '--allow-child-process', '--allow-addons'],
    ['--experimental-strip-types', '--no-warnings'],
    ['--title=app'],
  ]
  for (const flags of kept) {
    it(`keeps ${flags.join(' ')}`, () => expect(inheritedFlags(flags)).to.deep.equal(flags))
  }

  const dropped: string[][] = [
    ['--inspect'],
    ['--inspect-brk=127.0.0.1:0'],
    ['--inspect_brk'],
    ['--inspect-port', '0'],
    ['--inspect-port=0'],
    ['--inspect-publish-uid', 'http'],
    ['--debug-port', '9000'],
    ['--prof'],
    ['--cpu-prof', '--cpu-prof-dir', 'profiles'],
    ['--cpu_prof', '--cpu_prof_dir=profiles'],
    ['--heap-prof', '--heap-prof-interval', '1024'],
    ['--heapsnapshot-signal', 'SIGUSR2'],
    ['--test', '--test-reporter', 'spec', '--test-only'],
    ['--experimental-test-coverage'],
    ['--watch', '--watch-path', 'lib', '--watch-preserve-output'],
    ['-e', 'connect()'],
    ['-p', '1'],
    ['-pe', '1'],
    ['--eval=1'],
    ['--print', '1'],
    ['--input-type', 'module'],
    ['--input-type=module'],
    ['--check'],
    ['-i'],
    ['--perf-basic-prof'],
    ['--trace-event-categories', 'v8'],
  ]
  for (const flags of dropped) {
    it(`drops ${flags.join(' ')}, its value too`, () => {
      expect(inheritedFlags(['--no-warnings', ...flags, '--enable-source-maps'])).to.deep.equal([
        '--no-warnings',
        '--enable-source-maps',
      ])
    })
  }

  it('takes the value of a kept flag for a value', () => {
    expect(inheritedFlags(['-r', './inspect.cjs', '--import', './test.mjs'])).to.deep.equal([
      '-r',
      './inspect.cjs',
      '--import',
      './test.mjs',
    ])
  })
})

describe('inherited NODE_OPTIONS', () => {
  const cases: [options: string, inherited: string][] = [
    ['', ''],
    ['--inspect', ''],
    ['--inspect=0 --no-warnings', '--no-warnings'],
    ['  --no-warnings   --enable-source-maps ', '--no-warnings --enable-source-maps'],
    ['--require "./my hook.cjs" --inspect', '--require "./my hook.cjs"'],
    ['--require="./a \\"quoted\\" hook.cjs" --cpu-prof', '--require="./a \\"quoted\\" hook.cjs"'],
    ['"--inspect" --no-warnings', '--no-warnings'],
    ['--ins"pect-brk" --no-warnings', '--no-warnings'],
    ['--cpu-prof --cpu-prof-dir "my profiles" --no-warnings', '--no-warnings'],
    ['--require ./a\thook.cjs --inspect', '--require ./a\thook.cjs'],
  ]
  for (const [options, inherited] of cases) {
    it(`of ${JSON.stringify(options)} is ${JSON.stringify(inherited)}`, () => {
      expect(inheritedNodeOptions(options)).to.equal(inherited)
    })
  }

  it('is what Node itself reads', async () => {
    // The quoted path of a module that is not there: Node's error shows how it read the words.
    const options = inheritedNodeOptions('--inspect=0 --require "./no such \\"hook\\".cjs" "--cpu-prof"')
    const { stderr, code } = await runScript('', {
      env: { NODE_OPTIONS: options, NODE_V8_COVERAGE: undefined },
    })
    expect(stderr).to.include(`Cannot find module './no such "hook".cjs'`).and.not.to.include('Debugger')
    expect(code).to.equal(1)
  })
})

describe('inherited environment', () => {
  it("is the caller's, with the option env over it and NODE_OPTIONS filtered", () => {
    const env = { PATH: '/bin', COLOUR: 'blue', NODE_OPTIONS: '--inspect --no-warnings' }
    expect(inheritedEnv(env, { COLOUR: 'red', SIZE: '1' })).to.deep.equal({
      PATH: '/bin',
      COLOUR: 'red',
      SIZE: '1',
      NODE_OPTIONS: '--no-warnings',
    })
    expect(env.COLOUR).to.equal('blue')
    expect(inheritedEnv({}, { NODE_OPTIONS: '--prof' })).to.deep.equal({ NODE_OPTIONS: '' })
    expect(inheritedEnv({}, {})).to.deep.equal({})
  })
})

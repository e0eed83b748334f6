/**
 * Initializers: run in every child with its open connection and its role before it is ready; and all the ways
 * in which one fails. Those that fail run in scripts, since a child's last words go to its caller's stderr.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { createPool, type Options } from 'forklite'
import { type DriverName, describeWithFunctions } from '../support/drivers.ts'
import { hasProc } from '../support/processes.ts'
import { projectRoot } from '../support/run.ts'
import { runScript, startScript } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'
import { workersOn } from './harness.ts'

const SQL_FUNCTIONS = `
  export default function initialize(db, role, prefix = '', options = {}) {
    db.function('role', () => prefix + role + (options.suffix ?? ''))
    db.exec('pragma case_sensitive_like = on')
  }`

/** The code of the package's own errors, which an initializer's error keeps. */
const SYNTAX_ERRORS: Partial<Record<DriverName, string>> = {
  'better-sqlite3': 'SQLITE_ERROR',
  'node:sqlite': 'ERR_SQLITE_ERROR',
}

describeWithFunctions('an initializer', (driver) => {
  const dir = tempDir()
  const write = (name: string, source: string): string => {
    writeFileSync(dir.file(name), source)
    return dir.file(name)
  }

  /** What `select role()` gives on a reader and, through RETURNING, on the writer. */
  async function roles(options: Options): Promise<unknown[]> {
    const pool = await createPool(dir.file('test.db'), { readers: 1, driver, ...options })
    try {
      await pool.execute('create table if not exists t (a)')
      const [read] = await pool.execute('select role()').fetchall()
      const [written] = await pool.execute('insert into t values (1) returning role()').fetchall()
      return [...read!, ...written!]
    } finally {
      await pool.close()
    }
  }

  it('runs in every child, with its connection and role', async () => {
    const initializer = write('init.mjs', SQL_FUNCTIONS)
    expect(await roles({ initializer })).to.deep.equal(['reader', 'writer'])
  })

  it('gets initargs behind them: null, numbers, texts, bytes, arrays and objects', async () => {
    const initializer = write('init.mjs', SQL_FUNCTIONS)
    expect(await roles({ initializer, initargs: ['the ', { suffix: '!' }] })).to.deep.equal([
      'the reader!',
      'the writer!',
    ])
    const show = write(
      'show.mjs',
      `export default (db, role, ...args) => db.function('role', () => JSON.stringify(args, (_, value) =>
         typeof value === 'bigint' ? 'big' + value : value))`,
    )
    const initargs = [null, 1.5, 2n ** 60n, 'é', [1, [2]], { a: { b: true } }]
    const told = JSON.stringify([null, 1.5, `big${2n ** 60n}`, 'é', [1, [2]], { a: { b: true } }])
    expect(await roles({ initializer: show, initargs })).to.deep.equal([told, told])
  })

  it('may be a URL, a file: URL in words, a relative path, and an async function', async () => {
    const path = write('init file.mjs', SQL_FUNCTIONS.replace('export default', 'export default async'))
    for (const initializer of [
      pathToFileURL(path),
      pathToFileURL(path).href,
      relative(process.cwd(), path),
    ]) {
      expect(await roles({ initializer })).to.deep.equal(['reader', 'writer'])
    }
  })

  it('may be CommonJS, also as a compiler of TypeScript writes it', async () => {
    const body = `(db, role) => { db.function('role', () => role) }`
    const plain = write('plain.cjs', `module.exports = ${body}`)
    const compiled = write('compiled.cjs', `exports.__esModule = true; exports.default = ${body}`)
    expect(await roles({ initializer: plain })).to.deep.equal(['reader', 'writer'])
    expect(await roles({ initializer: compiled })).to.deep.equal(['reader', 'writer'])
  })

  it('has the pragmas of the pool set already, and may set more', async () => {
    const initializer = write('init.mjs', SQL_FUNCTIONS)
    const pool = await createPool(dir.file('test.db'), { readers: 1, driver, initializer })
    expect(await pool.execute(`select 'A' like 'a'`).fetchall()).to.deep.equal([[0]])
    await pool.close()
    const seen = write(
      'seen.mjs',
      `export default (db) => {
         const pragma = (name) => db.prepare('pragma ' + name).get()[name]
         const seen = pragma('foreign_keys') + ' ' + pragma('query_only')
         db.function('role', () => seen)
       }`,
    )
    expect(await roles({ initializer: seen })).to.deep.equal(['1 1', '1 0'])
  })

  it('runs again in the child that replaces another', async () => {
    const initializer = write(
      'init.mjs',
      `${SQL_FUNCTIONS.replace('db.exec', `db.function('die', () => process.kill(process.pid, 'SIGKILL')); db.exec`)}`,
    )
    const pool = await createPool(dir.file('test.db'), { readers: 1, driver, initializer })
    await pool.execute('select die()').catch(() => {})
    expect(await pool.execute('select role()').fetchall()).to.deep.equal([['reader']])
    await pool.close()
  })

  it('is the writer of a database that has one child', async () => {
    const initializer = write('init.mjs', SQL_FUNCTIONS)
    const pool = await createPool(':memory:', { driver, initializer })
    expect(await pool.execute('select role()').fetchall()).to.deep.equal([['writer']])
    await pool.close()
  })

  // Prints connect()'s error, and lives on, so that its processes can be looked at.
  const CONNECT = `
    import { connect } from 'forklite'
    const [database, driver, initializer, startTimeoutMs] = process.argv.slice(2)
    const options = { readers: 2, driver, initializer, startTimeoutMs: Number(startTimeoutMs) }
    await connect(database, options).then(
      () => console.log('{}'),
      ({ name, code, message, cause }) => console.log(JSON.stringify({ name, code, message, cause: cause?.stack })))
    setInterval(() => {}, 1000)`

  async function failure(
    source: string | null,
    startTimeoutMs = 10_000,
  ): Promise<{ name?: string; code?: string; message?: string; cause?: string; stderr: string }> {
    const initializer = source === null ? dir.file('no-such-file.mjs') : write('init.mjs', source)
    const database = dir.file('test.db')
    const script = startScript(CONNECT, { args: [database, driver, initializer, String(startTimeoutMs)] })
    const told = JSON.parse(await script.line())
    if (hasProc) expect(workersOn(database), 'no process is left').to.deep.equal([])
    script.kill()
    return { ...told, stderr: (await script.result).stderr }
  }

  const thrown: [what: string, source: string, error: object][] = [
    ['throws', `export default () => { throw new TypeError('no good') }`, { message: 'no good' }],
    [
      'rejects',
      `export default async () => { throw new Error('no good later') }`,
      { message: 'no good later' },
    ],
    [
      'throws an error with a code',
      `export default () => { throw Object.assign(new Error('no good'), { code: 'EMINE' }) }`,
      { message: 'no good', code: 'EMINE' },
    ],
    ['throws what is no error', `export default () => { throw 'a string' }`, { message: 'a string' }],
    [
      'throws in the readers only',
      `export default (db, role) => { if (role === 'reader') throw new Error('not here') }`,
      { message: 'not here' },
    ],
    [
      'has an error in its SQL',
      `export default (db) => db.exec('create tabel t')`,
      { message: 'near "tabel": syntax error', code: SYNTAX_ERRORS[driver] },
    ],
    ['throws while it loads', `throw new Error('at the top')`, { message: 'at the top' }],
  ]
  for (const [what, source, error] of thrown) {
    it(`that ${what} fails connect() with its own error`, async () => {
      const told = await failure(source)
      expect(told).to.include({ name: 'OperationalError', ...error })
      expect(told.stderr).to.equal('')
      if (source.includes('new ')) expect(told.cause, "the child's stack").to.include('init.mjs')
    })
  }

  it('that is not there, does not parse or exports no function fails connect() and is named', async () => {
    expect(await failure(null))
      .to.include({ name: 'OperationalError', code: 'ERR_MODULE_NOT_FOUND' })
      .with.property('message')
      .that.includes('no-such-file.mjs')
    expect(await failure('export default (')).to.include({ name: 'OperationalError' })
    expect(await failure('export default 1'))
      .to.include({ name: 'OperationalError', code: 'INITIALIZER_FAILED' })
      .with.property('message')
      .that.includes('init.mjs')
  })

  const hanging: [what: string, source: string][] = [
    ['hangs', `export default () => new Promise(() => {})`],
    ['hangs and never looks up', `export default () => { for (;;); }`],
    ['never loads', `await new Promise(() => {})`],
    ['hangs in a reader', `export default (db, role) => role === 'reader' && new Promise(() => {})`],
  ]
  for (const [what, source] of hanging) {
    it(`that ${what} fails connect() after startTimeoutMs`, async () => {
      const { name, code, message, stderr } = await failure(source, 400)
      expect({ name, code, stderr }).to.deep.equal({
        name: 'OperationalError',
        code: 'START_TIMEOUT',
        stderr: '',
      })
      expect(message).to.include('400 ms').and.to.include('init.mjs')
    })
  }

  it('that ends its process is told with the exit code and what it said', async () => {
    const told = await failure(
      `export default (db, role) => { if (role === 'writer') { console.error('out of luck'); process.exit(3) } }`,
    )
    expect(told).to.include({ name: 'WorkerExited', code: 'WORKER_EXITED' })
    expect(told.message)
      .to.match(/^the writer's child process \d+ exited with code 3 before it was ready/)
      .and.to.include('it said: out of luck')
    expect(told.stderr).to.equal('out of luck\n')
  })

  it('that has an exception nobody caught is told with it', async () => {
    const told = await failure(
      `export default () => { setImmediate(() => { throw new Error('loose end') }); return new Promise(() => {}) }`,
    )
    expect(told).to.include({ name: 'WorkerExited' })
    expect(told.message)
      .to.include('exited with code 1 before it was ready')
      .and.to.include('Error: loose end')
  })

  it('that crashes is told with the signal', async () => {
    const told = await failure(`export default () => process.kill(process.pid, 'SIGSEGV')`)
    expect(told).to.include({ name: 'WorkerExited' })
    expect(told.message).to.match(
      /^the writer's child process \d+ was killed by SIGSEGV before it was ready$/,
    )
  })

  it('may be TypeScript in development: the loader of the caller is the loader of the child', async () => {
    // What tsx and its like do, in small: a hook that hands .ts files to esbuild. Node 26 warns of register().
    mkdirSync(dir.file('app'))
    write(
      'app/hook.mjs',
      `import module from 'node:module'
       import { readFileSync } from 'node:fs'
       const { transformSync } = module.createRequire(${JSON.stringify(`${projectRoot}/`)})('esbuild')
       if (module.registerHooks === undefined) module.register('./loader.mjs', import.meta.url)
       else module.registerHooks({
         load(url, context, next) {
           if (!url.endsWith('.ts')) return next(url, context)
           const { code } = transformSync(readFileSync(new URL(url), 'utf8'), { loader: 'ts' })
           return { format: 'module', source: code, shortCircuit: true }
         },
       })`,
    )
    write(
      'app/loader.mjs',
      `import { readFile } from 'node:fs/promises'
       import { createRequire } from 'node:module'
       const { transform } = createRequire(${JSON.stringify(`${projectRoot}/`)})('esbuild')
       export async function load(url, context, next) {
         if (!url.endsWith('.ts')) return next(url, context)
         const { code } = await transform(await readFile(new URL(url), 'utf8'), { loader: 'ts' })
         return { format: 'module', source: code, shortCircuit: true }
       }`,
    )
    const initializer = write(
      'app/init.ts',
      `enum Greeting { Hello = 'hello' } // Types alone would be stripped by newer Nodes.
       interface Database { function(name: string, body: () => string): void }
       export default (db: Database, role: 'writer' | 'reader'): void => {
         db.function('greet', () => \`\${Greeting.Hello} \${role}\`)
       }`,
    )
    const source = `
      import { createPool } from 'forklite'
      const [database, driver, initializer] = process.argv.slice(2)
      const pool = await createPool(database, { readers: 1, driver, initializer })
      console.log(String(await pool.execute('select greet()').fetchall()))
      await pool.close()`
    const args = [dir.file('test.db'), driver, initializer]
    const hook = pathToFileURL(dir.file('app/hook.mjs')).href
    expect(await runScript(source, { args, nodeArgs: ['--import', hook] })).to.include({
      stdout: 'hello reader\n',
      stderr: '',
    })
    expect(await runScript(source, { args, env: { NODE_OPTIONS: `--import "${hook}"` } })).to.include({
      stdout: 'hello reader\n',
      stderr: '',
    })
  })
})

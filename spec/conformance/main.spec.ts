/** The conformance command, as a program: what it prints of small corpora, its exit codes, what it leaves behind. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { usableDrivers } from '../support/drivers.ts'
import { projectRoot } from '../support/run.ts'
import { runScript, type ScriptResult } from '../support/run-script.ts'
import { tempDir } from '../support/temp-dir.ts'

const COMMAND = pathToFileURL(join(projectRoot, 'dist', 'spec', 'conformance', 'main.js'))

const GOOD_SLT = `# a comment
hash-threshold 3

statement ok
CREATE TABLE t (a INTEGER, b TEXT);
INSERT INTO t VALUES (1, 'one'), (2, NULL), (3, '')

query IT rowsort first
SELECT a, b FROM t WHERE a > 1
----
2
NULL
3
(empty)

onlyif mysql # not here
query I
SELECT 1 DIV 1
----
1

statement error
INSERT INTO missing VALUES (1)

halt

nonsense
`.replace('2\nNULL\n3\n(empty)', '4 values hashing to acbb1391e3a72657ed19b503777c02ce')

const GOOD_SQLTEST = `@database :memory:
setup t { CREATE TABLE t (a REAL); INSERT INTO t VALUES (1), (2.5); }

@setup t
@cross-check-integrity
test reals {
    SELECT a FROM t;
    DELETE FROM t WHERE a = 1 RETURNING a;
}
expect {
    1.0
    2.5
    1.0
}

@skip "not yet"
test later { SELECT 1; } expect { 2 }

@setup t
@var fn { sum | min }
matrix aggregates { SELECT $fn(a) FROM t; }
`

describe('npm run conformance', function () {
  this.timeout(60_000)
  const tmp = tempDir()
  const driver = usableDrivers[0]!

  function write(name: string, text: string): void {
    mkdirSync(join(tmp.path, 'corpus'), { recursive: true })
    writeFileSync(join(tmp.path, 'corpus', name), text)
  }

  async function run(...args: string[]): Promise<ScriptResult> {
    mkdirSync(join(tmp.path, 'tmp'), { recursive: true })
    const env = { TMPDIR: join(tmp.path, 'tmp'), npm_lifecycle_event: undefined }
    const result = await runScript(COMMAND, { args, env, cwd: tmp.path, deadlineMs: 60_000 })
    expect(readdirSync(join(tmp.path, 'tmp')), 'temporary files').to.deep.equal([])
    return result
  }

  it('runs both formats with both readings, and ends with a table', async () => {
    write('good.test', GOOD_SLT.replaceAll('\n', '\r\n'))
    write('good.sqltest', GOOD_SQLTEST)
    write('notes.md', '')
    const { code, stdout, stderr } = await run('corpus')
    expect(stderr).to.equal('')
    expect(stdout).to.include(`${driver} fetchall good.test: 3 run, `)
    expect(stdout).to.include('files of neither format, skipped:\n  notes.md\n')
    expect(stdout).to.include('  2 × records for other engines\n').and.to.include('  2 × @skip: not yet\n')
    for (const reading of ['fetchall ', 'fetchmany']) {
      expect(stdout).to.match(new RegExp(`^${driver}  ${reading}  slt +1 +2 +1 +3 +0 +0 +1 +[\\d.]+$`, 'm'))
      expect(stdout).to.match(new RegExp(`^${driver}  ${reading}  sqltest +1 +3 +3 +0 +0 +1 +[\\d.]+$`, 'm'))
    }
    expect(stdout).to.match(/\npassed, 0 failures the engine's own\n$/)
    expect(code).to.equal(0)
  })

  it("calls what the package shows too the engine's own, and passes", async () => {
    write('own.test', 'query I\nSELECT 1 + 1\n----\n3\n\nstatement ok\nSELECT * FROM missing\n')
    write('own.sqltest', 'test sum { SELECT 1 + 1; } expect { 3 }\n')
    const { code, stdout } = await run('corpus', '--driver', driver)
    expect(stdout).to.include("the engine's own, shown by the package called directly too (3):")
    expect(stdout).to.include(`  own.test:1 query (${driver} fetchall, ${driver} fetchmany)`)
    expect(stdout).to.include('  own.sqltest:1 sum (').and.to.include('it gave "2", and "3" was expected')
    expect(stdout).to.match(/\npassed, 6 failures the engine's own\n$/)
    expect(code).to.equal(0)
  })

  it('fails where forklite does not give what the package gives', async () => {
    // Refused outside a transaction, since it belongs to one SQLite connection.
    write('counter.slt', 'query I\nSELECT total_changes()\n----\n0\n')
    write('counter.sqltest', 'test counter { SELECT total_changes(); } expect { 0 }\n')
    const { code, stdout } = await run('corpus')
    expect(stdout)
      .to.include('FAILED (2):')
      .and.to.include('  counter.slt:1 query (')
      .and.to.include('ProgrammingError')
    expect(stdout).to.match(/\n4 FAILED, 0 failures the engine's own\n$/)
    expect(code).to.equal(1)
  })

  it('fails for what it does not understand, and for a file that it cannot read', async () => {
    write('unknown.test', 'mode standard\n\nquery I\nSELECT 1\n----\n1\n')
    write('unknown.sqltest', '@shiny\ntest one { SELECT 1; } expect { 1 }\n')
    symlinkSync('nowhere', join(tmp.path, 'corpus', 'broken.test'))
    const { code, stdout } = await run('corpus')
    expect(stdout).to.include('  unknown.test:1 file (').and.to.include("unknown record type 'mode'")
    expect(stdout).to.include('  unknown.sqltest:1 file (').and.to.include('unknown directive @shiny')
    expect(stdout).to.match(/^FAILED: broken\.test cannot be read: ENOENT/m)
    expect(stdout).to.match(/\n5 FAILED, 0 failures/)
    expect(code).to.equal(1)
  })

  it('runs one file, and with every driver', async () => {
    write('good.test', GOOD_SLT)
    const { code, stdout } = await run('corpus/good.test', '--driver', 'all')
    for (const name of usableDrivers) expect(stdout).to.match(new RegExp(`^${name} +fetchmany +slt +1 `, 'm'))
    expect(code).to.equal(0)
  })

  it('explains itself, and ends with 2 when there is nothing to run', async () => {
    const help = await run('--help')
    expect(help).to.include({ code: 0, stderr: '' })
    expect(help.stdout).to.include('npm run conformance -- DIR [--driver NAME]')
    const refused: [args: string[], message: string][] = [
      [[], 'it wants a folder'],
      [['corpus', '--driver', 'oracle'], "not 'oracle'"],
      [['nowhere'], `there is no ${join(tmp.path, 'nowhere')}`],
      [['tmp'], 'there is no *.test, *.slt or *.sqltest file in'],
    ]
    for (const [args, message] of refused) {
      const { code, stdout, stderr } = await run(...args)
      expect(stderr)
        .to.match(/^conformance: /)
        .and.to.include(message)
      expect([code, stdout]).to.deep.equal([2, ''])
    }
  })

  it('says why a driver cannot be used', async function () {
    if (usableDrivers.includes('node:sqlite')) this.skip()
    write('good.test', GOOD_SLT)
    const { code, stderr } = await run('corpus', '--driver', 'node:sqlite')
    expect(stderr).to.match(
      /^conformance: no driver can be used here: InterfaceError DRIVER_NOT_FOUND: .*this is Node/,
    )
    expect(code).to.equal(2)
  })
})

/**
 * Project: somebody's application in an empty directory, with the packed tarball installed in it. Runs in the
 * caller (mocha's process). Nothing is compiled and nothing fetched: msgpackr is packed from this checkout's
 * node_modules, and what an application brings itself (a driver, @types/node) is linked from there.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectRoot } from '../support/run.ts'
import { runProgram, type ScriptResult } from '../support/run-script.ts'

const MINUTE_MS = 60_000

export interface Packed {
  /** The tarball's absolute path. */
  readonly path: string
  /** Its files, relative to the package, in npm's order. */
  readonly files: readonly string[]
}

/** Packs a package folder as it stands (`--ignore-scripts`: a `prepack` would clean dist under our feet). */
export async function pack(folder: string, destination: string): Promise<Packed> {
  const args = ['pack', folder, '--ignore-scripts', '--json', '--pack-destination', destination]
  const { stdout } = await succeed('npm', args, destination)
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
  return { path: join(destination, packed!.filename), files: packed!.files.map((file) => file.path) }
}

/** Makes a project in `folder` with forklite installed, and `linked` packages beside it. */
export async function install(folder: string, linked: readonly string[]): Promise<void> {
  const packages = [projectRoot, join(projectRoot, 'node_modules', 'msgpackr')]
  const tarballs = await Promise.all(packages.map((source) => pack(source, folder)))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'application', private: true }))
  const flags = ['--offline', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund']
  await succeed('npm', ['install', ...flags, ...tarballs.map((tarball) => tarball.path)], folder)
  for (const name of linked) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(projectRoot, 'node_modules', name), link)
  }
}

/** Runs a program of this checkout's node_modules/.bin in `folder`. */
export function runTool(name: string, args: readonly string[], folder: string): Promise<ScriptResult> {
  return succeed(join(projectRoot, 'node_modules', '.bin', name), args, folder)
}

/** Runs a program that must end with 0, outside this checkout's npm and coverage. */
export async function succeed(
  program: string,
  args: readonly string[],
  folder: string,
): Promise<ScriptResult> {
  // `npm test` tells its children about this checkout by npm_* variables; an application's npm has none.
  const npmVariables = Object.keys(process.env).filter((name) => /^npm_|^INIT_CWD$/i.test(name))
  const env = Object.fromEntries([...npmVariables, 'NODE_V8_COVERAGE'].map((name) => [name, undefined]))
  const result = await runProgram(program, args, { cwd: folder, env, deadlineMs: MINUTE_MS })
  if (result.code !== 0) {
    const { code, signal, stdout, stderr } = result
    throw new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}\n${stdout}\n${stderr}`)
  }
  return result
}

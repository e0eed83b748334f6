/**
 * Installs a pinned package from npm into a folder of its own, once: a folder that bears its name is complete.
 * Install scripts are not run, and need not: the packages here carry their binaries.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of the installed package. */
export function installPackage(name: string, version: string, cache: string): string {
  const folder = join(cache, `${name}@${version}`)
  const installed = join(folder, 'node_modules', name)
  if (existsSync(installed)) return installed
  console.log(`installing ${name}@${version}`)
  const partial = join(cache, `partial-${process.pid}`)
  mkdirSync(partial, { recursive: true })
  try {
    writeFileSync(join(partial, 'package.json'), '{ "private": true }\n')
    const flags = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
    const { status, signal } = spawnSync('npm', ['install', ...flags, `${name}@${version}`], {
      cwd: partial,
      env: outsideNpm(),
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    if (status !== 0) throw new Error(`npm install ${name}@${version} ended with ${status ?? signal}`)
    rmSync(folder, { recursive: true, force: true })
    renameSync(partial, folder)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return installed
}

/** The path of Node's executable, which is in a package of its own for each platform. */
export function installNode(version: string, cache: string): string {
  const { platform, arch } = process
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node'
  return join(installPackage(`${prefix}-${platform}-${arch}`, version, cache), 'bin', 'node')
}

/** The environment without what `npm run` says of this checkout: its folder would be the one installed into. */
function outsideNpm(): NodeJS.ProcessEnv {
  const told = /^(npm_(package|lifecycle)_.*|npm_config_local_prefix|npm_command|INIT_CWD)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !told.test(name)))
}

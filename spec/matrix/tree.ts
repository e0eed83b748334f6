/**
 * Tree: a copy of the checkout in which a cell runs, compiled there, with links to the checkout's packages. A
 * copy, because forklite looks for drivers from where it really is: in the checkout it would find the
 * checkout's better-sqlite3, whatever a cell wants; and because a build may replace the checkout's dist.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

/** What is not copied: what was installed or made, here too. */
const LEFT = ['node_modules', 'dist', 'coverage', '.git', '.matrix']

/** Makes the tree anew, with a package of one's own in place of those of its name. */
export function makeTree(checkout: string, tree: string, own: Readonly<Record<string, string>>): void {
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(join(tree, 'node_modules'), { recursive: true })
  for (const name of readdirSync(checkout)) {
    if (!LEFT.includes(name)) cpSync(join(checkout, name), join(tree, name), { recursive: true })
  }
  const installed = join(checkout, 'node_modules')
  for (const name of readdirSync(installed)) {
    if (name === '.bin' || !name.startsWith('.')) {
      symlinkSync(own[name] ?? join(installed, name), join(tree, 'node_modules', name))
    }
  }
  const tsc = join(installed, 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', tree], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`tsc -p ${tree} ended with ${status}`)
}

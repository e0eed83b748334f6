/**
 * Runs a contestant in a process of its own and hears what it did. Runs in the demo's own process.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Told } from './contestant.ts'
import type { ContestantName } from './contestants.ts'
import { startProgress } from './progress.ts'
import type { Result, Work } from './work.ts'

const PROGRAM = fileURLToPath(new URL('contestant.js', import.meta.url))

/** Resolves to the results of the works, in their order. Rejects when `signal` is aborted; then, too, it has ended. */
export async function runContestant(
  name: ContestantName,
  label: string,
  works: readonly Work[],
  signal: AbortSignal,
): Promise<Result[]> {
  signal.throwIfAborted()
  const child = fork(PROGRAM, [name, JSON.stringify(works)])
  // It sees the end of its channel, closes its database and goes.
  const leave = (): void => child.disconnect()
  signal.addEventListener('abort', leave)
  const total = works.reduce((sum, work) => sum + work.tasks, 0)
  const progress = startProgress(label, total)
  const results: Result[] = []
  child.on('message', (told: Told) => {
    if (typeof told === 'number') progress.add(told)
    else results.push(told)
  })
  const [code, killedBy] = await once(child, 'exit')
  signal.removeEventListener('abort', leave)
  progress.end()
  signal.throwIfAborted()
  if (code !== 0) throw new Error(`the contestant '${name}' ended with ${code ?? killedBy}`)
  return results
}

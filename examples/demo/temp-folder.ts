/**
 * A folder for the demo's databases that is gone when the demo is: at its end, when it fails, on Ctrl-C. Runs
 * in the demo's own process.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

/**
 * Calls `work` with a new folder and a signal that is aborted on Ctrl-C (or SIGTERM, SIGHUP), and removes the
 * folder when it is done. Sets the exit code that a shell gives a program ended by that signal.
 */
export async function inTempFolder(
  work: (folder: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'forklite-demo-'))
  // Processes that are just leaving may still write: try again for a moment.
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  // Whatever ends this process, short of SIGKILL.
  process.once('exit', remove)
  const interrupted = new AbortController()
  function interrupt(signal: keyof typeof SIGNALS): void {
    const exitCode = 128 + SIGNALS[signal]
    // A second Ctrl-C does not wait for anything.
    if (interrupted.signal.aborted) process.exit(exitCode)
    process.exitCode = exitCode
    interrupted.abort()
  }
  for (const signal of Object.keys(SIGNALS)) process.on(signal, interrupt)
  try {
    await work(folder, interrupted.signal)
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    console.error('interrupted; cleaning up')
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, interrupt)
    remove()
    process.off('exit', remove)
  }
}

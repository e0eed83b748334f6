/**
 * LeakCheck: what a run may not leave behind: processes, directories, open files and sockets, active handles.
 * Runs in mocha's process, around the whole suite. Looks only at what bears this run's name, so that runs
 * side by side do not accuse each other; what was there at the start is not counted.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { environmentOf, findProcesses, hasProc, isAlive, type ProcessInfo } from './processes.ts'
import { directoryPrefix, environmentMark, scriptsFolder } from './run.ts'

/** How long a process that is already on its way out may take: a guardian, say, that sees its pipe end. */
const GRACE_MS = 2000

export class LeakCheck {
  readonly #processes: ReadonlySet<number>
  readonly #descriptors: ReadonlyMap<string, string>
  readonly #resources: ReadonlyMap<string, number>

  /** Notes what there is. Call it when nothing has run yet. */
  static async begin(): Promise<LeakCheck> {
    // The first child and the first server make libuv open pipes of its own for good, and the first use of a
    // standard stream makes its handle: do all that before counting.
    spawnSync(process.execPath, ['--version'])
    const server = new Server().listen(0, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    void [process.stdout, process.stderr]
    return new LeakCheck()
  }

  private constructor() {
    this.#processes = new Set(startedHere().map((info) => info.pid))
    this.#descriptors = openDescriptors()
    this.#resources = activeResources()
  }

  /** Names everything that is left, a line each, after ending and removing what can be. Empty when clean. */
  async end(): Promise<string[]> {
    const processes = await this.#leftProcesses()
    await turn() // Handles closed by the events just heard leave the lists one turn later.
    const left = [
      ...processes.map((info) => `process ${info.pid} (child of ${info.ppid}): ${info.command}`),
      ...leftDirectories().map((path) => `directory ${path}`),
      ...this.#leftDescriptors(),
      ...this.#leftResources(),
    ]
    for (const { pid } of processes) kill(pid)
    for (const path of leftDirectories()) rmSync(path, { recursive: true, force: true })
    return left
  }

  async #leftProcesses(): Promise<ProcessInfo[]> {
    const deadline = performance.now() + GRACE_MS
    for (;;) {
      const left = startedHere().filter((info) => !this.#processes.has(info.pid))
      if (left.length === 0 || performance.now() > deadline) return left
      await delay(10)
    }
  }

  #leftDescriptors(): string[] {
    return [...openDescriptors()]
      .filter(([fd, target]) => this.#descriptors.get(fd) !== target)
      .map(([fd, target]) => `open file descriptor ${fd}: ${target}`)
  }

  #leftResources(): string[] {
    return [...activeResources()]
      .map(([type, count]) => [type, count - (this.#resources.get(type) ?? 0)] as const)
      .filter(([, more]) => more > 0)
      .map(([type, more]) => `active handle ${type} (${more} more than at the start)`)
  }
}

/** Children of this process, whatever bears the run's name (grandchildren and orphans too), and orphans. */
function startedHere(): ProcessInfo[] {
  return findProcesses((info) => {
    if (info.pid === process.pid) return false
    if (info.ppid === process.pid) return true
    const environment = environmentOf(info.pid)
    return (
      environment.some((variable) => variable.startsWith(environmentMark)) || isOrphaned(info, environment)
    )
  })
}

/**
 * Whether this is a child or guardian of forklite's that outlived its caller: `lib/pool/guardian.ts` puts the
 * caller's pid on the command line of the one and in the environment, otherwise empty, of the other. Right
 * for a moment only, whosever it is.
 */
function isOrphaned({ command }: ProcessInfo, environment: readonly string[]): boolean {
  const told = [command, ...environment.filter((variable) => variable.startsWith('TOKEN='))].join(' ')
  const caller = /\bforklite-(\d+)-[a-z0-9]+\b/.exec(told)?.[1]
  return caller !== undefined && !isAlive(Number(caller))
}

function leftDirectories(): string[] {
  return [tmpdir(), scriptsFolder]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.includes(directoryPrefix.slice(0, -1)))
}

/**
 * Files, sockets and pipes this process holds, by descriptor. `getActiveResourcesInfo` does not see files, nor
 * handles that were unref'd, as those of an idle pool are.
 */
function openDescriptors(): Map<string, string> {
  const open = new Map<string, string>()
  if (!hasProc) return open
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      if (!target.startsWith('/proc/')) open.set(fd, target)
    } catch {
      // The descriptor of the listing itself is closed by now.
    }
  }
  return open
}

/** Handles and requests that keep the event loop alive, counted by type. */
function activeResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}

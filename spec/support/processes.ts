/**
 * What the kernel says of processes: whether one lives, when it has ended, and which ones this run started.
 * Runs in the caller (mocha's process). Linux reads /proc; elsewhere `ps` answers about a single process.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Whether /proc tells about every process: true on Linux. */
export const hasProc = existsSync('/proc/self/stat')

export interface ProcessInfo {
  readonly pid: number
  readonly ppid: number
  /** One letter, as in proc(5): R, S, D, T, Z … */
  readonly state: string
  /** The command line, its arguments joined by spaces. */
  readonly command: string
}

/** Whether the process runs. A zombie does not: it has ended, and only waits to be reaped. */
export function isAlive(pid: number): boolean {
  const state = hasProc ? stateFromProc(pid) : stateFromPs(pid)
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/**
 * Resolves when the process has ended, zombies included.
 * Looks every 2 ms, since the end of a process that is not ours makes no event; past `deadlineMs` it rejects
 * and names the process.
 */
export async function waitForExit(pid: number, deadlineMs = 10_000): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (isAlive(pid)) {
    if (performance.now() > deadline) {
      const what = hasProc ? (readProcess(pid)?.command ?? 'gone by now') : 'no /proc here'
      throw new Error(`process ${pid} still runs after ${deadlineMs} ms: ${what}`)
    }
    await delay(2)
  }
}

/** The living processes for which `wanted` holds. Linux only: elsewhere it is empty, so ask `hasProc` first. */
export function findProcesses(wanted: (info: ProcessInfo) => boolean): ProcessInfo[] {
  if (!hasProc) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((info) => info !== undefined)
    .filter((info) => info.state !== 'Z' && info.state !== 'X' && wanted(info))
}

/** The living children of a process. Linux only, as `findProcesses`. */
export function childrenOf(pid: number): ProcessInfo[] {
  return findProcesses((info) => info.ppid === pid)
}

/** The environment a process was started with, as `NAME=value` texts; empty where it may not be read. */
export function environmentOf(pid: number): string[] {
  return (readProc(pid, 'environ') ?? '').split('\0')
}

function readProcess(pid: number): ProcessInfo | undefined {
  const fields = statFields(pid)
  if (fields === undefined) return undefined
  const command = (readProc(pid, 'cmdline') ?? '').split('\0').join(' ').trim()
  return { pid, ppid: Number(fields[1]), state: fields[0]!, command }
}

function stateFromProc(pid: number): string | undefined {
  return statFields(pid)?.[0]
}

/** The fields of /proc/PID/stat from `state` on; the command's name before them may hold spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  const stat = readProc(pid, 'stat')
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return undefined // It ended between two looks, or belongs to somebody else.
  }
}

function stateFromPs(pid: number): string | undefined {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim()[0]
}

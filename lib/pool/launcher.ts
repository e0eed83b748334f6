/**
 * Launcher: forks a child with its two pipes, by Node's cluster or by child_process. Runs in the caller. It
 * knows the processes' plumbing, not what is said over it.
 */
import { type ChildProcess, fork } from 'node:child_process'
import type { Cluster, Worker } from 'node:cluster'
import { createRequire } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { ProgrammingError } from '../errors.ts'

export type LauncherName = 'cluster' | 'child_process'

export interface Launch {
  modulePath: string
  args: string[]
  execArgv: string[]
  env: NodeJS.ProcessEnv
}

// 4 brings the child requests, 5 takes its replies. Two pipes, since a write to a dead child destroys a
// socket, and on one duplex pipe its last replies with it. stderr is a pipe so that a child that cannot start
// can be quoted.
const STDIO = ['ignore', 'inherit', 'pipe', 'ipc', 'pipe', 'pipe'] as const

const CLUSTER_MODULES = ['NativeModule cluster', 'NativeModule internal/cluster/primary']

// Read before the first fork, since ours would load it too. An application that uses node:cluster must not
// find our children among its workers.
let decided: LauncherName | null = null

/** The launcher that `auto` stands for in this process. Decided at the first call, for good. */
export function autoLauncher(): LauncherName {
  decided ??=
    isMainThread && !clusterIsLoaded() && process.env.NODE_UNIQUE_ID === undefined
      ? 'cluster'
      : 'child_process'
  return decided
}

/** Forks a child. Its handles keep the caller alive until they are unref'd. */
export function launch(launcher: LauncherName, options: Launch): ChildProcess {
  // A fork by 'cluster' loads node:cluster, and would make 'auto' look as if the application had.
  autoLauncher()
  return launcher === 'cluster' ? forkInCluster(options) : forkPlainly(options)
}

function clusterIsLoaded(): boolean {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] }
  return moduleLoadList === undefined || CLUSTER_MODULES.some((name) => moduleLoadList.includes(name))
}

function forkPlainly({ modulePath, args, execArgv, env }: Launch): ChildProcess {
  return fork(modulePath, args, { execArgv, env, stdio: [...STDIO] })
}

function forkInCluster({ modulePath, args, execArgv, env }: Launch): ChildProcess {
  // Lazily: to import node:cluster is to load it for everybody.
  const cluster = createRequire(import.meta.url)('node:cluster') as Cluster
  if (!cluster.isPrimary) {
    throw new ProgrammingError(
      "launcher: 'cluster' works in a cluster's primary only, and this is one of its workers; " +
        "use 'child_process' or 'auto'",
      { code: 'BAD_OPTION' },
    )
  }
  // Assignable, though the types say no. setupPrimary() merges into what is there, for good; an application's
  // uid, folder or serialization is meant for its own workers.
  const holder = cluster as { settings: Cluster['settings'] }
  const theirs = holder.settings
  holder.settings = {}
  let worker: Worker
  try {
    // The types miss that stdio takes all that child_process takes.
    cluster.setupPrimary({ exec: modulePath, args, execArgv, stdio: [...STDIO] as never })
    worker = cluster.fork(env)
  } finally {
    holder.settings = theirs
  }
  disown(cluster, worker)
  return worker.process
}

// Our children are nobody else's workers. cluster's own listeners would tell the application of their end, and
// one that forks again on 'exit' would get a worker it never asked for.
function disown(cluster: Cluster, worker: Worker): void {
  worker.exitedAfterDisconnect = true
  delete cluster.workers?.[worker.id]
  worker.process.removeAllListeners('exit')
  worker.process.removeAllListeners('disconnect')
  // It would become an 'error' of the Worker, which nobody listens to: an uncaught exception.
  worker.process.removeAllListeners('error')
}

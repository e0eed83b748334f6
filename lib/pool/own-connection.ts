/**
 * OwnConnection: an SQLite connection that a Connection has for itself in the writer's child, for its temporary
 * objects. Runs in the caller: a number, and the child that knows it.
 */
import type { WorkerProcess } from './worker-process.ts'

let numbered = 0

export class OwnConnection {
  /** What the child calls it. */
  readonly number = ++numbered
  /** The child that has it; null until the first statement for it is sent. */
  worker: WorkerProcess | null = null

  /** Whether it went with its child, and all that was temporary with it. */
  get lost(): boolean {
    return this.worker !== null && !this.worker.ready
  }

  /** Whether a statement for it may be sent to this child, which has it then. */
  isWith(worker: WorkerProcess): boolean {
    this.worker ??= worker
    return this.worker === worker
  }
}

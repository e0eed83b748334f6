/**
 * OwnConnection: an SQLite connection that a Connection has for itself: in the writer's child for its temporary
 * objects, or in a reader for the snapshot of a readonly transaction. Runs in the caller: a number, and the child
 * that knows it.
 */
import type { Role } from '../ipc/messages.ts'
import type { WorkerProcess } from './worker-process.ts'

let numbered = 0

export class OwnConnection {
  /** What the child calls it. */
  readonly number = ++numbered
  /** In which kind of child it is. */
  readonly role: Role
  /** The child that has it; null until the first statement for it is sent. */
  worker: WorkerProcess | null = null

  constructor(role: Role) {
    this.role = role
  }

  /** Whether it went with its child, and all that was on it. */
  get lost(): boolean {
    return this.worker !== null && !this.worker.ready
  }

  /** Whether a statement for it may be sent to this child, which has it then. */
  isWith(worker: WorkerProcess): boolean {
    if (this.worker === null) {
      this.worker = worker
      worker.ownConnections++
    }
    return this.worker === worker
  }
}

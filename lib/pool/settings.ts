/**
 * PoolSettings: what was set for every connection of a pool since it was made: attached files and pragmas. Runs in
 * the caller. A child that starts is told all that is in force, the others what they have not been told.
 */
import { type Setting, withSetting } from '../ipc/settings.ts'
import type { WorkerProcess } from './worker-process.ts'

export type { Setting }

export class PoolSettings {
  #inForce: readonly Setting[] = []
  // In the order in which they were made; `told` of a child counts those it knows.
  readonly #made: Setting[] = []

  /** Those in force, in the order to apply them in. */
  get inForce(): readonly Setting[] {
    return this.#inForce
  }

  /** Names under which Connections have databases attached in memory, each on its own connection. */
  readonly ownSchemas = new Map<string, number>()

  /** A Connection has attached one more of this name for itself, or one less (-1). */
  countOwn(schema: string, change: 1 | -1): void {
    const count = (this.ownSchemas.get(schema) ?? 0) + change
    if (count > 0) this.ownSchemas.set(schema, count)
    else this.ownSchemas.delete(schema)
  }

  /** How many were made. */
  get made(): number {
    return this.#made.length
  }

  /** How many files are attached. */
  get attached(): number {
    return this.#inForce.filter(([kind]) => kind === 'attach').length
  }

  /** Notes a setting that this child has made: the others are to be told. */
  add(setting: Setting, by: WorkerProcess): void {
    this.#inForce = withSetting(this.#inForce, setting)
    this.#made.push(setting)
    if (by.told === this.#made.length - 1) by.told++
  }

  /** Tells a child that is ready what it does not know, before anything else that it is sent from now on. */
  tell(child: WorkerProcess): void {
    while (child.told < this.#made.length) child.enqueueAdopt(this.#made[child.told++] as Setting)
  }
}

/**
 * ClockCache: a bounded map for what belongs to an SQL text (its parse, its number, its prepared statement),
 * used in both processes. It knows nothing of what it holds.
 *
 * Second chance ("clock") in place of strict least-recently-used: a hit sets a flag, where an LRU list would
 * take the entry out and put it back, which costs four times the look-up, at every statement.
 */
export class ClockCache<K, V> {
  readonly #entries = new Map<K, { value: V; used: boolean }>()
  readonly #capacity: number
  readonly #onEvict: (value: V, key: K) => void

  /** `onEvict` is told what a full cache lets go; `delete` and `clear` do not tell it. */
  constructor(capacity: number, onEvict: (value: V, key: K) => void = () => {}) {
    this.#capacity = capacity
    this.#onEvict = onEvict
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    entry.used = true
    return entry.value
  }

  set(key: K, value: V): void {
    if (this.#entries.size >= this.#capacity && !this.#entries.has(key)) this.makeRoom()
    this.#entries.set(key, { value, used: false })
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  *values(): IterableIterator<V> {
    for (const entry of this.#entries.values()) yield entry.value
  }

  /** Lets go of the oldest entry that was not used since it was last passed over. */
  makeRoom(): void {
    // Each entry that is passed over loses its flag, so this ends within two rounds.
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key)
      if (!entry.used) {
        this.#onEvict(entry.value, key)
        return
      }
      entry.used = false
      this.#entries.set(key, entry)
    }
  }
}

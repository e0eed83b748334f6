/**
 * Pace: whether a statement's rows are read all at once or one by one. Runs in the child, one for each SELECT
 * that may give any number of rows. It knows times, rows and bytes, and no SQLite.
 *
 * All at once takes one hop to a thread, and each row 2 µs; one by one takes a hop each, 25 to 50 µs. But all at
 * once nothing can be given before the last row is there, and a result that turns out too long is read in vain.
 * So a statement is read one by one first. If its rows come quickly it costs little to begin again.
 */

/** After so many rows one by one, if they came within this time, it is worth to try all at once. */
const TRIAL_ROWS = 16
const TRIAL_MS = 3

/** All at once took too long to be done so again, in milliseconds. */
const SLOW_MS = 20

/** How much may be read all at once, and in vain. */
const MOST_ROWS = 1000
const MOST_BYTES = 128 * 1024
const FEWEST_ROWS = 8

type Kind = 'unknown' | 'short' | 'long'

export class Pace {
  #kind: Kind = 'unknown'
  /** How many rows it gave last when it was short. */
  #rows = 0
  /** What its largest row took. */
  #rowBytes = 1
  #started = 0

  /** How many rows to ask for all at once; 0: read them one by one. */
  get most(): number {
    // A few more than last time, since rows may also be larger this time.
    return this.#kind === 'short' ? Math.min(this.#fitting, Math.max(32, 4 * this.#rows)) : 0
  }

  start(): void {
    this.#started = performance.now()
  }

  saw(bytes: number): void {
    if (bytes > this.#rowBytes) this.#rowBytes = bytes
  }

  /** Whether to go on with looking how quickly rows come, of which so many have. */
  mayTry(rows: number, bytes: number): boolean {
    return this.#kind === 'unknown' && rows < TRIAL_ROWS && bytes < MOST_BYTES && this.#isQuick(TRIAL_MS)
  }

  /** After that: how many rows to ask for all at once instead; 0: go on one by one. */
  tried(rows: number): number {
    return this.#kind === 'unknown' && rows >= TRIAL_ROWS && this.#isQuick(TRIAL_MS) ? this.#fitting : 0
  }

  /** The result has ended, one by one or all at once. */
  ended(rows: number): void {
    this.#kind = this.#isQuick(SLOW_MS) ? 'short' : 'unknown'
    this.#rows = rows
  }

  /** There were more rows than were asked for, or than go into one chunk. */
  overflowed(): void {
    this.#kind = 'long'
  }

  get #fitting(): number {
    const rows = Math.floor(MOST_BYTES / this.#rowBytes)
    return rows < FEWEST_ROWS ? 0 : Math.min(rows, MOST_ROWS)
  }

  #isQuick(ms: number): boolean {
    return performance.now() - this.#started < ms
  }
}

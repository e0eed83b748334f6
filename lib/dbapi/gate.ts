/**
 * Gate: keeps the calls of one Connection in their order. Runs in the caller. Reads pass side by side; all
 * else passes alone, after everything before it was answered. It knows nothing of SQL or of processes.
 */

/** A call that waits for its turn. */
export interface Turn {
  /** Whether it passes alone. */
  readonly alone: boolean
  /** Its turn has come. It calls gate.leave() when it is answered. */
  run(): void
}

export class Gate {
  #inside = 0
  #taken = false
  readonly #waiting: Turn[] = []

  /** Runs a call now, if none before it stands in the way, else in its turn. */
  enter(turn: Turn): void {
    if (this.#waiting.length > 0 || !this.#admits(turn)) this.#waiting.push(turn)
    else this.#let(turn)
  }

  /** A call was answered. */
  leave(): void {
    this.#inside--
    if (this.#inside === 0) this.#taken = false
    while (this.#waiting.length > 0 && this.#admits(this.#waiting[0] as Turn)) {
      this.#let(this.#waiting.shift() as Turn)
    }
  }

  #admits(turn: Turn): boolean {
    return this.#inside === 0 || (!turn.alone && !this.#taken)
  }

  #let(turn: Turn): void {
    this.#inside++
    this.#taken = turn.alone
    turn.run()
  }
}

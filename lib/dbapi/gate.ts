/**
 * Gate: keeps the calls of one Connection in their order. Runs in the caller. Reads pass side by side; all
 * else passes alone, after everything before it was answered. It knows nothing of SQL or of processes.
 */

/** A call that waits for its turn. */
export interface Turn {
  /** Whether it passes alone. */
  readonly alone: boolean
  /** Its turn has come. It calls gate.leave() when it is answered, at once if it likes. */
  run(): void
}

interface Waiting {
  readonly turn: Turn
  next: Waiting | null
}

export class Gate {
  #inside = 0
  // Whether nothing may pass beside what is inside.
  #taken = false
  // A linked list: a caller that awaits nothing may line up a hundred thousand calls.
  #first: Waiting | null = null
  #last: Waiting | null = null
  #letting = false
  // Of the one that shared its turn and wants it back.
  #onAlone: (() => void) | null = null

  /** Runs a call now, if none before it stands in the way, else in its turn. */
  enter(turn: Turn): void {
    const waiting: Waiting = { turn, next: null }
    if (this.#last === null) this.#first = waiting
    else this.#last.next = waiting
    this.#last = waiting
    this.#letIn()
  }

  /** A call was answered. */
  leave(): void {
    this.#inside--
    if (this.#inside === 0) this.#taken = false
    if (this.#inside === 1 && this.#onAlone !== null) {
      const onAlone = this.#onAlone
      this.#onAlone = null
      onAlone()
    }
    this.#letIn()
  }

  /** The one inside lets reads pass beside it, until it takes its turn back. */
  share(): void {
    this.#taken = false
    this.#letIn()
  }

  /** Lets nothing more pass, and resolves when the one inside is alone again. */
  async takeBack(): Promise<void> {
    this.#taken = true
    if (this.#inside === 1) return
    await new Promise<void>((resolve) => {
      this.#onAlone = resolve
    })
  }

  #letIn(): void {
    // A call that is answered at once leaves from inside run(): this loop goes on, the stack does not grow.
    if (this.#letting) return
    this.#letting = true
    while (this.#first !== null && this.#admits(this.#first.turn)) {
      const { turn, next } = this.#first
      this.#first = next
      if (next === null) this.#last = null
      this.#inside++
      this.#taken = turn.alone
      turn.run()
    }
    this.#letting = false
  }

  #admits(turn: Turn): boolean {
    return this.#inside === 0 || (!turn.alone && !this.#taken)
  }
}

/**
 * ParameterList: gives the parameters of one statement their numbers, in the order in which they stand in
 * the text, as `sqlite3ExprAssignVarNumber()` does. Runs in both processes. It knows no values.
 */

/** SQLITE_MAX_VARIABLE_NUMBER as all engines we know are built: no list is made for a `?NNN` beyond it. */
const MAX_NUMBER = 32_766

export class ParameterList {
  /** Index 0 is parameter 1: its name, null for a plain `?`, undefined for a number nobody has used. */
  readonly #names: (string | null | undefined)[] = []
  readonly #numbers = new Map<string, number>()

  /** Takes the next parameter as it is written. */
  add(text: string): void {
    if (text === '?') this.#append(null)
    else if (text[0] === '?') this.#use(Number(text.slice(1)), text)
    else if (!this.#numbers.has(text)) this.#numbers.set(text, this.#append(text))
  }

  /** The number of a parameter as it is written, which is the last one taken if it is a plain `?`. */
  numberOf(text: string): number {
    if (text === '?') return this.#names.length
    return text[0] === '?' ? Number(text.slice(1)) : (this.#numbers.get(text) ?? 0)
  }

  /** Names by number, null where there is none. */
  names(): (string | null)[] {
    return this.#names.map((name) => name ?? null)
  }

  /** Whether one of them is `:a`, `@a`, `$a` or `#a`. */
  get named(): boolean {
    return this.#numbers.size > 0
  }

  /** Numbers below the highest that nothing in the text refers to: `?1, ?3` leaves 2. */
  gaps(): number[] {
    const gaps: number[] = []
    for (const [i, name] of this.#names.entries()) if (name === undefined) gaps.push(i + 1)
    return gaps
  }

  #append(name: string | null): number {
    this.#names.push(name)
    return this.#names.length
  }

  #use(number: number, name: string): void {
    if (number < 1 || number > MAX_NUMBER) return
    while (this.#names.length < number) this.#names.push(undefined)
    // The first name of a number stays: `?, ?1, ?01` are one parameter, called `?1`.
    this.#names[number - 1] ??= name
  }
}

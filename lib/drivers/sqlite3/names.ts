/**
 * Column names, as far as objects tell them: sqlite3 (npm) gives rows as objects, in which equal names are one
 * and names like numbers come first. Runs in the child. Pure functions, on names; see the forms in
 * rewrite.ts that make SQLite tell them.
 */

/**
 * The names in order, from the row that `places` gives. One is missing in it: an object takes a number as
 * `__proto__` in silence.
 */
export function namesInPlace(row: Readonly<Record<string, unknown>>, columnCount: number): string[] {
  const names = Array.from({ length: columnCount }, () => '__proto__')
  for (const [name, place] of Object.entries(row)) names[place as number] = name
  return names
}

/** Names of a statement, as far as one of its rows tells them. */
export interface Known {
  /** Each once, in the order of their first column. */
  readonly names: readonly string[]
  /** The place of the last column of each name, where that was asked for. */
  readonly lastPlaces: readonly number[] | null
}

/**
 * The statement's names by those of it as a subquery, which may be others: `sqlite3ColumnsFromExprList()` in
 * select.c takes a column as it is written, `ROWID` for `id`, calls a second `a` `a:1`, where `a:1` may be a
 * column's own name, and `true` and `false` it calls `column1`. Null when not just one answer fits.
 */
export function originalNames(names: readonly string[], known: Known): string[] | null {
  const ordered = known.names.filter((name) => !/^\d+$/.test(name))
  const places = new Map(known.lastPlaces?.map((place, i) => [known.names[i]!, place]))
  const fits = (name: string, i: number): boolean => {
    const last = places.get(name)
    return last === undefined || i <= last
  }
  const byLast = new Map([...places].map(([name, place]) => [place, name]))
  // No row has it as a key.
  const candidates = names.includes('__proto__') ? [...known.names, '__proto__'] : known.names
  const choices = names.map((given, i) => {
    const last = byLast.get(i)
    if (last !== undefined) return [last]
    return candidates.filter((name) => fits(name, i) && mayBecome(name, given, i))
  })
  const answers: string[][] = []
  // Stops at the second answer. `seen` is how many of `ordered` have come.
  const choose = (answer: string[], seen: number): void => {
    if (answers.length > 1) return
    if (answer.length === names.length) {
      if (known.names.every((name) => answer.includes(name))) answers.push(answer)
      return
    }
    for (const name of choices[answer.length]!) {
      const place = ordered.indexOf(name)
      if (place <= seen) choose([...answer, name], place === seen ? seen + 1 : seen)
    }
  }
  choose([], 0)
  return answers.length === 1 ? answers[0]! : null
}

/** Whether a column called `name` may be called `given` in a subquery, where it is column i. */
function mayBecome(name: string, given: string, i: number): boolean {
  if (fold(given) === fold(name)) return true
  if (given === `column${i + 1}` && /^(true|false)$/i.test(name)) return true
  if (/^(rowid|_rowid_|oid)$/i.test(stem(given))) return true
  return stem(given) !== given && (fold(stem(given)) === fold(name) || fold(stem(given)) === fold(stem(name)))
}

/** The name without the number that a subquery gives to equal ones. */
function stem(name: string): string {
  return name.replace(/:\d+$/, '')
}

/** SQLite folds A to Z only. */
function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

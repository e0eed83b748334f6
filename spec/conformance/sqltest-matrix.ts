/** The combinations that a `matrix` case of a `.sqltest` file stands for. Pure. */

/** Every choice of one value for each variable. */
export function combinations(vars: [name: string, values: string[]][]): Map<string, string>[] {
  let all = [new Map<string, string>()]
  for (const [name, values] of vars) {
    all = all.flatMap((chosen) => values.map((value) => new Map([...chosen, [name, value]])))
  }
  return all
}

/** `$name` by its value; the longest name first, so that `$s` leaves `$start` alone. */
export function substitute(template: string, values: ReadonlyMap<string, string>): string {
  const names = [...values.keys()].sort((a, b) => b.length - a.length)
  return names.reduce((sql, name) => sql.replaceAll(`$${name}`, () => values.get(name)!), template)
}

/**
 * Setting: what holds for every connection of a pool's children though SQLite keeps it for each connection alone:
 * an attached file, or a pragma. Used in both processes. Each side keeps the list of those in force.
 */

/**
 * `['attach', schema, path]`, `['detach', schema, '']`, or `['pragma', key, sql]`, whose key is the pragma's name,
 * `schema.name` where it has a schema. Schemas and keys are in lower case: SQLite knows no difference.
 */
export type Setting = readonly [kind: 'attach' | 'detach' | 'pragma', name: string, value: string]

/** What is in force after `setting`, where `settings` were before it; in the order to apply them in. */
export function withSetting(settings: readonly Setting[], setting: Setting): readonly Setting[] {
  const [kind, name] = setting
  if (kind === 'pragma') return [...settings.filter((other) => !isSame(other, setting)), setting]
  const others = settings.filter((other) => !isSame(other, setting) && !belongsTo(other, name))
  return kind === 'detach' ? others : [...others, setting]
}

/** Whether one takes the other's place. */
function isSame([kind, name]: Setting, [otherKind, otherName]: Setting): boolean {
  return name === otherName && (kind === 'pragma') === (otherKind === 'pragma')
}

/** Whether it is a pragma of this schema, and so goes with it. */
function belongsTo([kind, name]: Setting, schema: string): boolean {
  return kind === 'pragma' && name.startsWith(`${schema}.`)
}

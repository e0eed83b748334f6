/**
 * Reads SQL out of the test corpora that lie beside the project, where they are there: sqllogictest scripts
 * and turso's `.sqltest` files (formats: README.md there), and plain scripts. What a test expects is left out.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** Where the corpora are, beside the checkout. */
export const DATA = process.env.FORKLITE_DATA ?? resolve(ROOT, '../shared/data')

/** Paths of all files under one of the corpora that end in `extension`; none where the data is absent. */
export function corpusFiles(corpus: string, extension: string): string[] {
  const folder = join(DATA, corpus)
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => extname(name) === extension)
    .map((name) => join(folder, name))
    .sort()
}

export function readScript(path: string): string {
  return readFileSync(path, 'utf8')
}

/** The SQL of each record of a sqllogictest script, in order, that is meant for SQLite. */
export function* sqllogictestTexts(path: string): Generator<string> {
  const lines = readScript(path)
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
  for (const record of lines.join('\n').split(/\n\s*\n/)) {
    const [head, sql = ''] = splitAtRecordHead(record)
    if (/^skipif sqlite\b/im.test(head) || /^onlyif (?!sqlite\b)/im.test(head)) continue
    const text = sql.split(/^----/m)[0]!
    if (text.trim() !== '') yield text
  }
}

/** What comes up to `statement …` or `query …`, that line included, and what comes behind it. */
function splitAtRecordHead(record: string): [head: string, sql?: string] {
  const found = /^(?:statement|query)\b.*\n?/m.exec(record)
  if (found === null) return [record]
  const end = found.index + found[0].length
  return [record.slice(0, end), record.slice(end)]
}

/** The script of each test of a `.sqltest` file, the setups it asks for before its own. */
export function* sqltestScripts(path: string): Generator<string> {
  const setups = new Map<string, string>()
  let asked: string[] = []
  const blocks = /^(?:@setup (\S+)|(setup|test|snapshot\S*) (\S+) \{\n([\s\S]*?)\n\})$/gm
  for (const [, setup, kind, name, body] of readScript(path).matchAll(blocks)) {
    if (setup !== undefined) {
      asked.push(setup)
    } else if (kind === 'setup') {
      setups.set(name!, repeat(body!))
    } else {
      yield [...asked.map((each) => setups.get(each) ?? ''), repeat(body!)].join('\n')
      asked = []
    }
  }
}

function repeat(sql: string): string {
  return sql.replace(/\{\{repeat:(\d+):(.*?)\}\}/g, (_, times, text) => text.repeat(Number(times)))
}

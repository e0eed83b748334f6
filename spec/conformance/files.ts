/** Finds the corpora's files under a folder. Knows the formats by their extensions only. */
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, extname, join, relative, sep } from 'node:path'

export type Format = 'slt' | 'sqltest'

const FORMATS: Record<string, Format> = { '.test': 'slt', '.slt': 'slt', '.sqltest': 'sqltest' }

/** Folders that hold whatever they hold, and no corpus. */
const NO_CORPUS = new Set(['.git', 'node_modules'])

export interface CorpusFile {
  readonly path: string
  /** Its path below the folder, with slashes. */
  readonly name: string
  readonly format: Format
  readonly bytes: number
}

export interface Found {
  /** In the order of their names. */
  readonly files: readonly CorpusFile[]
  /** Names of what is of neither format. */
  readonly others: readonly string[]
  /** What could not be looked at, and why. */
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[]
}

/** All there is below a folder, or that one file. Throws when there is nothing of that name. */
export function findFiles(root: string): Found {
  const files: CorpusFile[] = []
  const others: string[] = []
  const unreadable: { name: string; reason: string }[] = []
  const seen = new Set<string>()
  const look = (path: string): void => {
    const name = relative(root, path).split(sep).join('/') || basename(path)
    try {
      const stats = statSync(path)
      if (stats.isDirectory()) {
        // A link may lead to where we are.
        const real = realpathSync(path)
        if (NO_CORPUS.has(basename(path))) others.push(`${name}/`)
        else if (!seen.has(real)) {
          seen.add(real)
          for (const entry of readdirSync(path).sort()) look(join(path, entry))
        }
        return
      }
      const format = FORMATS[extname(path).toLowerCase()]
      if (format === undefined || !stats.isFile()) others.push(name)
      else files.push({ path, name, format, bytes: stats.size })
    } catch (error) {
      unreadable.push({ name, reason: (error as Error).message })
    }
  }
  statSync(root)
  look(root)
  return { files, others, unreadable }
}

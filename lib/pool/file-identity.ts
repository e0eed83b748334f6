/**
 * The identity of a file, whatever its names: device and inode. Runs in the caller.
 */
import { type BigIntStats, statSync } from 'node:fs'

/** Equal for two names of one file; null when there is no such file. */
export function fileIdentity(path: string): string | null {
  let stats: BigIntStats
  try {
    stats = statSync(path, { bigint: true })
  } catch {
    return null
  }
  return `${stats.dev}:${stats.ino}`
}

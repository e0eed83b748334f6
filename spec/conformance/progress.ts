/**
 * Progress: a bar while the files run, on a terminal; elsewhere a line for each file. Runs in the runner's
 * process.
 */
import { SingleBar } from 'cli-progress'
import type { CorpusFile } from './files.ts'
import type { FileReport } from './runner.ts'

export interface Progress {
  /** So much of a file is done. */
  onPart(file: CorpusFile, fraction: number): void
  /** A file is done. */
  onFile(report: FileReport): void
  end(): void
}

/** For `runs` runs of a file; each file is run several times. */
export function startProgress(runs: number): Progress {
  return process.stdout.isTTY ? new Bar(runs) : new Lines()
}

class Bar implements Progress {
  readonly #bar = new SingleBar({
    format: 'conformance {bar} {percentage}% of {total} runs of a file, {duration_formatted}',
    stream: process.stdout,
    hideCursor: true,
    // The command itself cleans up on Ctrl-C.
    gracefulExit: false,
  })
  #done = 0
  /** How far files are that run now, by their names. */
  readonly #parts = new Map<string, number>()

  constructor(runs: number) {
    this.#bar.start(runs, 0)
  }

  onPart({ name }: CorpusFile, fraction: number): void {
    this.#parts.set(name, fraction)
    this.#show()
  }

  onFile({ file }: FileReport): void {
    this.#parts.delete(file.name)
    this.#done++
    this.#show()
  }

  end(): void {
    this.#bar.stop()
  }

  #show(): void {
    this.#bar.update([...this.#parts.values()].reduce((sum, part) => sum + part, this.#done))
  }
}

class Lines implements Progress {
  onPart(): void {}

  onFile({ driver, reading, file, failures, own, ms, ...counts }: FileReport): void {
    const ran = counts.statements + counts.queries + counts.tests
    const problems = [
      failures.length > 0 ? `${failures.length} FAILED` : '',
      own.length > 0 ? `${own.length} the engine's own` : '',
    ]
    const told = [`${ran} run`, ...problems, `${(ms / 1000).toFixed(1)} s`].filter((each) => each !== '')
    console.log(`${driver} ${reading} ${file.name}: ${told.join(', ')}`)
  }

  end(): void {}
}

/**
 * Progress: a bar on a terminal while a phase of the demo runs, and one plain line at its end, wherever the
 * output goes. Runs in the demo's own process.
 */
import { SingleBar } from 'cli-progress'

const LABEL_WIDTH = 52

export interface Progress {
  /** So many more units are done. */
  add(units: number): void
  /** The phase is over: the bar gives way to a line. */
  end(): void
}

/** Starts a phase of `total` units; there is one at a time. */
export function startProgress(label: string, total: number): Progress {
  const bar = process.stdout.isTTY ? showBar(label, total) : null
  const started = performance.now()
  let done = 0
  return {
    add(units) {
      done += units
      // The bar draws by a timer; while rows are read in one go it has to be told.
      if (bar !== null && (done % 5000 < units || done === total)) bar.update(done)
    },
    end() {
      bar?.stop()
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      const cut = done < total ? ` (stopped at ${done} of ${total})` : ''
      console.log(`${label.padEnd(LABEL_WIDTH)} ${seconds} s${cut}`)
    },
  }
}

function showBar(label: string, total: number): SingleBar {
  const bar = new SingleBar({
    format: `${label.padEnd(LABEL_WIDTH)} {bar} {percentage}%`,
    stream: process.stdout,
    clearOnComplete: true,
    hideCursor: true,
    // The demo itself cleans up on Ctrl-C.
    gracefulExit: false,
  })
  bar.start(total, 0)
  return bar
}

/**
 * One contestant: a program of its own that the demo forks, with the contestant's name and its works as JSON
 * for arguments. It tells of progress and results by messages, and stops when the demo is gone. Its process is
 * the one that serves the callers, so it is here that the event loop is watched.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type Contestant, type ContestantName, open } from './contestants.ts'
import { hashOf, type Result, runTasks, tasksOf, type Work } from './work.ts'

/** What the demo hears: so many tasks more are done, or a work is. */
export type Told = number | Result

/** How often the event loop is looked at. What monitorEventLoopDelay tells includes it. */
const LOOK_MS = 1
const TELL_MS = 50

const [name, json] = process.argv.slice(2) as [ContestantName, string]
const works = JSON.parse(json) as Work[]

// Ctrl-C goes to all processes of the terminal. The demo decides what it means, and disconnects.
process.on('SIGINT', () => {})
const stop = new AbortController()
process.once('disconnect', () => stop.abort())
if (!process.connected) stop.abort()

let contestant: Contestant | null = null
let opened = ''
try {
  for (const work of works) {
    stop.signal.throwIfAborted()
    const wanted = `${work.database} ${work.workers}`
    if (contestant === null || wanted !== opened) {
      await contestant?.close()
      contestant = await open(name, work.database, work.workers)
      opened = wanted
      // The first queries find a cold cache, and code that is not compiled yet.
      await runTasks(tasksOf(work).slice(0, 2 * work.workers), work.workers, contestant.execute, () => {})
    }
    tell(await run(contestant, work))
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
} finally {
  await contestant?.close()
}
if (process.connected) process.disconnect()

async function run({ execute }: Contestant, work: Work): Promise<Result> {
  const tasks = tasksOf(work)
  const histogram = monitorEventLoopDelay({ resolution: LOOK_MS })
  let untold = 0
  let toldAt = performance.now()
  histogram.enable()
  const started = performance.now()
  const answers = await runTasks(tasks, work.callers, execute, () => {
    untold++
    if (performance.now() - toldAt < TELL_MS) return
    stop.signal.throwIfAborted()
    tell(untold)
    untold = 0
    toldAt = performance.now()
  })
  const seconds = (performance.now() - started) / 1000
  // What stood still to the end is seen at the next look.
  await delay(2 * LOOK_MS)
  histogram.disable()
  tell(untold)
  const still = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - LOOK_MS)
  return {
    perSecond: tasks.length / seconds,
    stillMaxMs: still(histogram.max),
    stillP99Ms: still(histogram.percentile(99)),
    answers: hashOf(answers),
  }
}

function tell(message: Told): void {
  if (process.connected) process.send?.(message)
}

/**
 * Work: what a contestant is asked to do, and the articles' way of doing it: a queue of tasks, then one `quit`
 * for each caller; each caller takes tasks, executes them and ends at `quit`. Runs in a contestant's process.
 */
import { createHash } from 'node:crypto'
import { askedQuestions, CITIES, type Task } from './questions.ts'
import { seededRandom } from './random.ts'

/** A piece of work. Plain data: it is sent to the contestant. */
export interface Work {
  readonly kind: 'scans' | 'questions' | 'point reads'
  readonly database: string
  readonly tasks: number
  /** Calls in flight: how many callers there are. */
  readonly callers: number
  /** Worker processes of the pool. */
  readonly workers: number
}

/** What a contestant did. */
export interface Result {
  readonly perSecond: number
  /** How long the event loop of the process that serves the callers stood still, at the longest. */
  readonly stillMaxMs: number
  readonly stillP99Ms: number
  /** A hash over all answers in the order of the tasks. */
  readonly answers: string
}

/** Runs one statement to its rows. */
export type Execute = (task: Task) => Promise<unknown[][]>

/** The tasks of a work: the same in every process. */
export function tasksOf({ kind, tasks }: Work): Task[] {
  if (kind === 'questions') return askedQuestions(tasks)
  const random = seededRandom(tasks)
  return Array.from({ length: tasks }, () =>
    kind === 'scans'
      ? { sql: 'SELECT count(*) FROM data WHERE b>?', params: [random()] }
      : {
          sql: 'select name, lat, lng, country from city where id = ?',
          params: [1 + Math.floor(random() * CITIES)],
        },
  )
}

/** Runs the tasks; resolves with the answers, in the order of the tasks. `done` is called after each. */
export async function runTasks(
  tasks: readonly Task[],
  callers: number,
  execute: Execute,
  done: () => void,
): Promise<unknown[][][]> {
  const queue = [...tasks.keys(), ...new Array<'quit'>(callers).fill('quit')]
  const answers = new Array<unknown[][]>(tasks.length)
  let next = 0
  async function caller(): Promise<void> {
    for (let task = queue[next++]; task !== undefined && task !== 'quit'; task = queue[next++]) {
      answers[task] = await execute(tasks[task] as Task)
      done()
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return answers
}

export function hashOf(answers: unknown[][][]): string {
  return createHash('sha256').update(JSON.stringify(answers)).digest('hex')
}

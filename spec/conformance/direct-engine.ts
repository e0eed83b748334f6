/**
 * DirectEngine: an SQLite package called directly, in a process of its own: two copies of SQLite in one process
 * would cancel each other's locks. It is what a failure is held against. Runs in the runner's process.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Answer, type Database, type DriverName, failed, STATEMENT_MS } from './database.ts'
import type { DirectReply, DirectRequest } from './direct-child.ts'

const PROGRAM = fileURLToPath(
  new URL(`./direct-child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)

type Wish = Omit<DirectRequest, 'id' | 'database'>

export class DirectEngine {
  readonly #driver: DriverName
  /** Started with the first database, and again after it died. */
  #child: ChildProcess | null = null
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #requests = 0
  #databases = 0

  constructor(driver: DriverName) {
    this.#driver = driver
  }

  /** Opens a file, or `:memory:`. */
  async open(path: string): Promise<Database> {
    const child = this.#child ?? this.#start()
    const database = ++this.#databases
    const ask = (wish: Wish) => this.#ask(child, database, wish)
    const { error } = await ask({ open: path })
    if (error !== null) throw error
    return {
      run: (sql) => ask({ sql }),
      async close() {
        await ask({ close: true })
      },
    }
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  #ask(child: ChildProcess, database: number, wish: Wish): Promise<Answer> {
    if (child !== this.#child) return Promise.resolve(failed('the process that calls the package has died'))
    const id = ++this.#requests
    return new Promise((resolve) => {
      // It hangs: its end answers everybody.
      const timer = setTimeout(() => child.kill('SIGKILL'), STATEMENT_MS)
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      child.send({ id, database, ...wish } satisfies DirectRequest, () => {})
    })
  }

  #start(): ChildProcess {
    // node:sqlite says on stderr that it is experimental.
    const env = { ...process.env, NODE_NO_WARNINGS: '1' }
    const child = fork(PROGRAM, [this.#driver], { serialization: 'advanced', execArgv: [], env })
    child.on('message', ({ id, columns, rows, error }: DirectReply) => {
      const answer = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === null) answer?.({ columns, rows, error })
      else answer?.(failed(Object.assign(new Error(error.message), error), { columns, rows }))
    })
    child.on('exit', (code, signal) => {
      if (this.#child === child) this.#child = null
      const why = `the process that calls ${this.#driver} ended with ${signal ?? code}`
      for (const answer of this.#waiting.values()) answer(failed(why))
      this.#waiting.clear()
    })
    this.#child = child
    return child
  }
}

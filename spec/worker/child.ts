/**
 * WorkerChild: the child's real program, forked with its pipes as lib/pool/launcher.ts does, and driven by
 * frames or by any bytes. Runs in mocha's process.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { DriverName } from '../../lib/drivers/driver.ts'
import { Channel } from '../../lib/ipc/channel.ts'
import {
  EXECUTE,
  type Hello,
  MAGIC,
  type Open,
  readHello,
  UNNUMBERED,
  VERSION,
} from '../../lib/ipc/messages.ts'
import { resolveDrivers } from '../../lib/pool/driver-path.ts'
import { type Answer, replyFrame } from './sessions.ts'

export const workerPath = fileURLToPath(new URL('../../lib/worker/main.js', import.meta.url))

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

const children = new Set<WorkerChild>()

/** Ends the children a test leaves: for afterEach. Resolves when they are gone. */
export async function killChildren(): Promise<void> {
  const left = [...children]
  for (const child of left) child.kill()
  await Promise.all(left.map((child) => child.exit))
}

export class WorkerChild {
  readonly process: ChildProcess
  /** Resolves when the process is gone and its stderr is read. */
  readonly exit: Promise<Exit>
  /** All answers, in the order they came. */
  readonly answers: Answer[] = []
  /** The size of each frame of replies, the greeting's too. */
  frames = 0
  readonly requests: Duplex
  readonly #channel: Channel
  readonly #heard = new EventTarget()
  #hello: unknown
  #ended = false
  #lastId = 0

  constructor() {
    this.process = fork(workerPath, [], { stdio: ['ignore', 'inherit', 'pipe', 'ipc', 'pipe', 'pipe'] })
    const [, , stderr, , requests, replies] = this.process.stdio as unknown as [
      null,
      null,
      Readable,
      null,
      Duplex,
      Duplex,
    ]
    this.requests = requests
    this.#channel = new Channel(replies, requests, {
      maxFrameBytes: 8 * 1024 * 1024,
      onMessage: (message) => {
        this.frames++
        if (this.#hello === undefined) this.#hello = message
        else this.answers.push(...replyFrame(message).answers)
        this.#heard.dispatchEvent(new Event('message'))
      },
      onEnd: () => {
        this.#ended = true
        this.#heard.dispatchEvent(new Event('message'))
      },
    })
    let said = ''
    stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    children.add(this)
    // Not the process's own 'close': after disconnect() Node waits for the IPC channel's end in vain.
    const closed = Promise.all(
      [stderr, requests, replies].map((pipe) => new Promise((resolve) => pipe.once('close', resolve))),
    )
    this.exit = once(this.process, 'exit').then(async ([code, signal]) => {
      await closed
      children.delete(this)
      return { code, signal, stderr: said }
    })
  }

  get pid(): number {
    return this.process.pid!
  }

  /** Sends the greeting with what `open` changes of a writer's, and resolves with the child's. */
  async open(database: string, open: Partial<Open> & { driver?: DriverName | 'auto' } = {}): Promise<Hello> {
    const greeting = await this.greet(database, open)
    expect(greeting).to.have.property('hello')
    return (greeting as { hello: Hello }).hello
  }

  async greet(
    database: string,
    { driver = 'auto', ...open }: Partial<Open> & { driver?: DriverName | 'auto' } = {},
  ): Promise<ReturnType<typeof readHello>> {
    const full: Open = {
      role: 'writer',
      database,
      readonly: false,
      drivers: resolveDrivers(driver).map(({ name, path }) => ({ name, path })),
      pragmas: [['journal_mode', 'WAL']],
      sparePragmas: [],
      settings: [],
      maxResultBytes: 16 * 1024 * 1024,
      startTimeoutMs: 10_000,
      busyTimeoutMs: 1000,
      initializer: null,
      initargs: [],
      maxFrameBytes: 1024 * 1024,
      ...open,
    }
    this.send(MAGIC, VERSION, full)
    await this.#until(() => this.#hello !== undefined)
    return readHello(this.#hello)
  }

  /** Sends one message. */
  send(...message: unknown[]): void {
    this.#channel.send(message)
  }

  /** Sends any bytes. */
  write(bytes: Uint8Array): void {
    this.requests.write(bytes)
  }

  /** Ends the request pipe: whoever is done lets the child go so. */
  end(): void {
    this.#channel.end()
  }

  kill(): void {
    this.process.kill('SIGKILL')
  }

  /** Resolves with the answer to a request, once it came; rejects when the child's pipe ends first. */
  async answer(id: number): Promise<Answer> {
    await this.#until(() => this.answers.some((answer) => answer.id === id))
    return this.answers.find((answer) => answer.id === id) as Answer
  }

  /** Runs one statement. Ids count from 1,000,000, so that a test may use those below. */
  async run(sql: string, ...params: unknown[]): Promise<Answer> {
    const id = 1_000_000 + this.#lastId++
    this.send(EXECUTE, id, UNNUMBERED, sql, params, null)
    return this.answer(id)
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#ended) throw new Error(`the child's pipe ended; it said: ${(await this.exit).stderr}`)
      await once(this.#heard, 'message')
    }
  }
}

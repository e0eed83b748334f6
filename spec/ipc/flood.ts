/**
 * Flood: one side of a test in which both sides send 100 MB at once over a Channel of their own. Runs in
 * mocha's process and in fixtures/flood-child.ts.
 */
import type { Readable, Writable } from 'node:stream'
import { Channel } from '../../lib/ipc/channel.ts'

export const FLOOD_BYTES = 100 * 1024 * 1024

export interface Tally {
  messages: number
  bytes: number
  /** Of all bytes, in order. */
  checksum: number
}

export class Flood {
  readonly sent: Tally = { messages: 0, bytes: 0, checksum: 0 }
  readonly received: Tally = { messages: 0, bytes: 0, checksum: 0 }
  /** With what the channel ended: null once the peer has sent all. */
  readonly end: Promise<Error | null>
  #resolve: (error: Error | null) => void = () => {}
  #channel: Channel | undefined

  constructor() {
    this.end = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  over(readable: Readable, writable: Writable): void {
    this.#channel = new Channel(readable, writable, {
      maxFrameBytes: 2 * 1024 * 1024,
      onMessage: (message) => {
        const [number, blob] = message as [number, Buffer]
        if (number !== this.received.messages) throw new Error(`message ${number} is out of its place`)
        count(this.received, blob)
      },
      onEnd: (error) => this.#resolve(error),
    })
  }

  /** Sends all at once, waiting for nothing: messages of 64 KiB to 1 MiB, none like the one before. */
  send(): void {
    for (let i = 0; this.sent.bytes < FLOOD_BYTES; i++) {
      const blob = Buffer.alloc(64 * 1024 + ((i * 7919 * 64) % (960 * 1024)), `${i},`)
      this.#channel!.send([i, blob])
      count(this.sent, blob)
    }
    this.#channel!.end()
  }
}

function count(tally: Tally, blob: Buffer): void {
  tally.messages++
  tally.bytes += blob.length
  let sum = tally.checksum
  for (let i = 0; i + 4 <= blob.length; i += 64) sum = (Math.imul(sum, 31) + blob.readInt32LE(i)) | 0
  tally.checksum = (sum + blob.length) | 0
}

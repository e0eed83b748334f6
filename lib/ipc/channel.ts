/**
 * Channel: whole messages over two one-way byte streams. Used in both processes. It knows frames and msgpack,
 * not what a message says; whatever goes wrong on it ends it, once, with the reason.
 */
import type { Readable, Writable } from 'node:stream'
import { decodeFrame, encodeFrame } from './codec.ts'
import { FrameReader } from './frame.ts'
import { ProtocolError } from './messages.ts'

export interface ChannelOptions {
  maxFrameBytes: number
  /** Called with each message, in order. What it throws ends the channel. */
  onMessage(message: unknown): void
  /** Called once: with null after the peer's orderly end, else with what broke the channel. */
  onEnd(error: Error | null): void
}

export class Channel {
  readonly #readable: Readable
  readonly #writable: Writable
  readonly #frames: FrameReader
  readonly #onEnd: (error: Error | null) => void
  #ended = false

  constructor(readable: Readable, writable: Writable, options: ChannelOptions) {
    this.#readable = readable
    this.#writable = writable
    this.#onEnd = options.onEnd
    this.#frames = new FrameReader(options.maxFrameBytes, (buffer, start, end) => {
      if (this.#ended) return
      const message = decodeFrame(buffer, start, end)
      try {
        options.onMessage(message)
      } catch (error) {
        throw error instanceof ProtocolError ? error : unhandled(error)
      }
    })
    readable.on('data', (chunk: Buffer) => {
      if (this.#ended) return
      try {
        this.#frames.push(chunk)
      } catch (error) {
        this.destroy(error instanceof ProtocolError ? error : malformed(error))
      }
    })
    const finish = (): void =>
      this.#end(this.#frames.incomplete ? malformed('it was cut inside a frame') : null)
    readable.on('end', finish)
    // A socket that is destroyed without an end (the peer was killed with input unread: ECONNRESET).
    readable.on('error', (error) => this.#end(error))
    readable.on('close', finish)
    // A failed write says that the peer is gone. Its last replies may still lie in the other pipe, so it is
    // that pipe's end which ends the channel.
    writable.on('error', () => {})
  }

  /** Sets the limit of incoming frames anew. */
  set maxFrameBytes(bytes: number) {
    this.#frames.maxFrameBytes = bytes
  }

  /** Sends one message in one write. Returns the bytes it took. */
  send(message: unknown): number {
    const frame = encodeFrame(message)
    this.#writable.write(frame)
    return frame.length
  }

  /** Ends the outgoing stream, when all that was sent is written. The peer sees an orderly end. */
  end(written?: () => void): void {
    if (this.#writable.destroyed) written?.()
    else this.#writable.end(written)
  }

  /** Ends both streams now. */
  destroy(error: Error | null = null): void {
    this.#end(error)
    this.#readable.destroy()
    this.#writable.destroy()
  }

  #end(error: Error | null): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd(error)
  }
}

function malformed(reason: unknown): ProtocolError {
  return new ProtocolError(`the channel carried something malformed: ${textOf(reason)}`, { cause: reason })
}

function unhandled(reason: unknown): ProtocolError {
  return new ProtocolError(`a message could not be handled: ${textOf(reason)}`, { cause: reason })
}

function textOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}

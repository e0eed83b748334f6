/**
 * What the specs of lib/ipc need of byte streams: cut in any places, damaged in any places, values of the
 * wire to fill them with, and a Channel whose peer is the test itself.
 */
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { Channel } from '../../lib/ipc/channel.ts'
import { decodeFrame, encodeFrame } from '../../lib/ipc/codec.ts'
import { HEADER_BYTES } from '../../lib/ipc/frame.ts'

/** Places, as parts of the whole, at which cut() cuts. */
export function cuts(): fc.Arbitrary<number[]> {
  return fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 })
}

/** The bytes in pieces, in order: cut at `places`, and no piece longer than `longest`. */
export function cut(bytes: Buffer, places: readonly number[], longest = bytes.length + 1): Buffer[] {
  const at = new Set(places.map((place) => Math.floor(place * bytes.length)))
  for (let i = longest; i < bytes.length; i += longest) at.add(i)
  const ends = [...at, bytes.length].sort((a, b) => a - b)
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
}

/** A value as rows and parameters hold it. */
export function wireScalar(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constant(null),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  )
}

/** Arrays of such values, nested. */
export function wireValue(): fc.Arbitrary<unknown[]> {
  return fc.array(
    fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, wireScalar(), tie('array')),
      array: fc.array(tie('value'), { maxLength: 6 }),
    })).value,
    { maxLength: 8 },
  )
}

/** What the other side gets for a value: -0 as 0. */
export function received(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(received)
  if (Object.is(value, -0)) return 0
  return value
}

export function roundTrip(value: unknown): unknown {
  const frame = encodeFrame(value)
  return decodeFrame(frame, HEADER_BYTES, frame.length)
}

/** The frame of a value, as bytes of its own. */
export function frameOf(value: unknown): Buffer {
  return Buffer.from(encodeFrame(value))
}

/** Any body behind its length. */
export function rawFrame(body: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(body.length)
  return Buffer.concat([header, body])
}

export type Damage =
  | { kind: 'flip'; at: number; bits: number }
  | { kind: 'truncate'; at: number }
  | { kind: 'insert'; at: number; bytes: Uint8Array }
  | { kind: 'remove'; at: number; count: number }

/** One to three damages, each at a place that is a part of the whole. */
export function damages(): fc.Arbitrary<Damage[]> {
  const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  return fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('flip' as const), at, bits: fc.integer({ min: 1, max: 255 }) }),
      fc.record({ kind: fc.constant('truncate' as const), at }),
      fc.record({
        kind: fc.constant('insert' as const),
        at,
        bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }),
      }),
      fc.record({ kind: fc.constant('remove' as const), at, count: fc.integer({ min: 1, max: 9 }) }),
    ),
    { minLength: 1, maxLength: 3 },
  )
}

export function damage(bytes: Buffer, all: readonly Damage[]): Buffer {
  let result = bytes
  for (const each of all) {
    const at = Math.floor(each.at * result.length)
    if (each.kind === 'truncate') {
      result = result.subarray(0, at)
    } else if (each.kind === 'insert') {
      result = Buffer.concat([result.subarray(0, at), each.bytes, result.subarray(at)])
    } else if (each.kind === 'remove') {
      result = Buffer.concat([result.subarray(0, at), result.subarray(at + each.count)])
    } else {
      result = Buffer.from(result)
      if (at < result.length) result[at]! ^= each.bits
    }
  }
  return result
}

/** A Channel, and the test at its other end. */
export class Peer {
  readonly incoming = new PassThrough()
  readonly outgoing = new PassThrough()
  readonly channel: Channel
  /** What came in whole messages. */
  readonly messages: unknown[] = []
  /** With what the channel ended; one entry for each time it said so. */
  readonly ends: (Error | null)[] = []
  readonly ended: Promise<Error | null>

  constructor(onMessage: (message: unknown) => void = () => {}, maxFrameBytes = 1024 * 1024) {
    let end: (error: Error | null) => void
    this.ended = new Promise((resolve) => {
      end = resolve
    })
    this.channel = new Channel(this.incoming, this.outgoing, {
      maxFrameBytes,
      onMessage: (message) => {
        this.messages.push(message)
        onMessage(message)
      },
      onEnd: (error) => {
        this.ends.push(error)
        end(error)
      },
    })
  }

  /** Writes the chunks, ends the stream, and resolves with what the channel ended with. */
  async feed(...chunks: Buffer[]): Promise<Error | null> {
    for (const chunk of chunks) {
      if (!this.incoming.destroyed) this.incoming.write(chunk)
    }
    if (!this.incoming.destroyed) this.incoming.end()
    const error = await this.ended
    if (!this.incoming.closed) await once(this.incoming, 'close')
    return error
  }
}

/**
 * Codec: one JavaScript value to one frame and back, as msgpack. Used in both processes. The only file that
 * imports msgpackr, so that another encoding has one place to go.
 */

// The entry `msgpackr/pack` leaves the native string extractor out: the caller's process loads no native code.
import { Packr, RESERVE_START_SPACE, Unpackr } from 'msgpackr/pack'
import { HEADER_BYTES } from './frame.ts'

// Records would cost a definition each for objects that never repeat; rows travel as arrays anyway.
const packr = new Packr({ useRecords: false, moreTypes: false })

// copyBuffers: a decoded BLOB owns its bytes. As a view, ten bytes would keep a chunk of 64 KiB alive.
const unpackr = new Unpackr({ useRecords: false, copyBuffers: true, int64AsType: 'auto' } as object)

// msgpackr keeps its buffer at the size of the largest value it ever packed; past this we give it a new one.
const KEEP_BUFFER_BYTES = 1024 * 1024
const FRESH_BUFFER_BYTES = 8192

/** The frame of one value, header included. */
export function encodeFrame(value: unknown): Buffer {
  const frame = packr.pack(value, RESERVE_START_SPACE + HEADER_BYTES) as Buffer
  frame.writeUInt32BE(frame.length - HEADER_BYTES, 0)
  if (frame.length > KEEP_BUFFER_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(FRESH_BUFFER_BYTES))
  return frame
}

/** The value of the body that lies from `start` to `end` in `buffer`. Throws on anything that is not msgpack. */
export function decodeFrame(buffer: Buffer, start: number, end: number): unknown {
  return unpackr.unpack(buffer, { start, end })
}

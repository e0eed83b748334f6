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
// Numbers never travel as 64-bit integers, BigInts always do: so both come out as what they were.
const unpackr = new Unpackr({ useRecords: false, copyBuffers: true, int64AsType: 'bigint' } as object)

// msgpackr keeps its buffer at the size of the largest value it ever packed; past this we give it a new one.
const KEEP_BUFFER_BYTES = 1024 * 1024
const FRESH_BUFFER_BYTES = 8192

// msgpackr reads strings of more bytes than this with a TextDecoder, which takes a byte order mark in front for
// no part of the text: https://encoding.spec.whatwg.org/#dom-textdecoder-ignorebom
const DECODER_BYTES = 64
const BOM = '\uFEFF'
const BOM_BYTES = Buffer.from(BOM)

/** Whether the msgpackr at hand does so; peers have the same one. */
const losesBom = unpackr.unpack(packr.pack(BOM.padEnd(DECODER_BYTES, 'x'))) !== BOM.padEnd(DECODER_BYTES, 'x')

/** The frame of one value, header included. */
export function encodeFrame(value: unknown): Buffer {
  let frame = packr.pack(value, RESERVE_START_SPACE + HEADER_BYTES) as Buffer
  if (losesBom && frame.length > DECODER_BYTES && frame.includes(BOM_BYTES)) {
    frame = packr.pack(withBomTwice(value), RESERVE_START_SPACE + HEADER_BYTES) as Buffer
  }
  frame.writeUInt32BE(frame.length - HEADER_BYTES, 0)
  if (frame.length > KEEP_BUFFER_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(FRESH_BUFFER_BYTES))
  return frame
}

/** The value of the body that lies from `start` to `end` in `buffer`. Throws on anything that is not msgpack. */
export function decodeFrame(buffer: Buffer, start: number, end: number): unknown {
  return unpackr.unpack(buffer, { start, end })
}

// The value in which each string that would lose its byte order mark has a second one to lose.
function withBomTwice(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.startsWith(BOM) && Buffer.byteLength(value) > DECODER_BYTES ? BOM + value : value
  }
  if (Array.isArray(value)) return value.map(withBomTwice)
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withBomTwice(part)]))
  }
  return value
}

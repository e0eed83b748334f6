/**
 * Frame: a u32 length (big-endian, the body's bytes) and the body. Used in both processes. This file cuts a
 * byte stream into frames; what a body holds is the codec's business.
 */

/** Bytes of the length in front of each body. */
export const HEADER_BYTES = 4

/** The largest frame either side takes, unless told otherwise: room for a BLOB of 200 MB and more. */
export const DEFAULT_MAX_FRAME_BYTES = 256 * 1024 * 1024

/** Called with each whole body: the bytes from `start` to `end` of `buffer`, which may be reused afterwards. */
export type FrameHandler = (buffer: Buffer, start: number, end: number) => void

/** Cuts a byte stream, however it is split, into frames. */
export class FrameReader {
  #maxFrameBytes: number
  readonly #onFrame: FrameHandler
  // The pieces of a frame that is not yet whole. Joined once, when its last byte is here: joining at each
  // piece would cost the square of a large frame's length.
  #pieces: Buffer[] = []
  #held = 0
  #needed = HEADER_BYTES

  constructor(maxFrameBytes: number, onFrame: FrameHandler) {
    this.#maxFrameBytes = maxFrameBytes
    this.#onFrame = onFrame
  }

  /** Sets the limit anew, from the next frame on. */
  set maxFrameBytes(bytes: number) {
    this.#maxFrameBytes = bytes
  }

  /** Whether the stream stands inside a frame; at its end this means that the last frame was cut. */
  get incomplete(): boolean {
    return this.#held > 0
  }

  /** Takes the next bytes and hands on each frame that they complete. Throws a RangeError on an impossible length. */
  push(chunk: Buffer): void {
    if (this.#held > 0) {
      this.#pieces.push(chunk)
      this.#held += chunk.length
      if (this.#held < this.#needed) return
      const joined = Buffer.concat(this.#pieces, this.#held)
      this.#pieces = []
      this.#held = 0
      this.#needed = HEADER_BYTES
      this.#cut(joined)
    } else {
      this.#cut(chunk)
    }
  }

  #cut(buffer: Buffer): void {
    let at = 0
    while (buffer.length - at >= HEADER_BYTES) {
      const length = buffer.readUInt32BE(at)
      if (length === 0 || length > this.#maxFrameBytes) {
        throw new RangeError(
          length === 0
            ? 'a frame of no bytes'
            : `a frame of ${length} bytes, where maxFrameBytes allows ${this.#maxFrameBytes}`,
        )
      }
      const end = at + HEADER_BYTES + length
      if (end > buffer.length) {
        this.#needed = end - at
        break
      }
      this.#onFrame(buffer, at + HEADER_BYTES, end)
      at = end
    }
    if (at < buffer.length) {
      // A rest shorter than a header waits for the header; `#needed` is then HEADER_BYTES.
      this.#pieces = [at === 0 ? buffer : buffer.subarray(at)]
      this.#held = buffer.length - at
    }
  }
}

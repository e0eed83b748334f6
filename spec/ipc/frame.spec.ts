/** Frames: however the bytes are split, the same bodies come out; a length that cannot be is refused at once. */
import { expect } from 'chai'
import fc from 'fast-check'
import { FrameReader, HEADER_BYTES } from '../../lib/ipc/frame.ts'
import { cut, cuts } from './streams.ts'

function frame(body: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(body.length)
  return Buffer.concat([header, body])
}

function header(length: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.writeUInt32BE(length)
  return bytes
}

/** A reader and the bodies it has handed on, copied: the bytes may be reused. */
function reading(maxFrameBytes = 1024): { reader: FrameReader; bodies: string[] } {
  const bodies: string[] = []
  const reader = new FrameReader(maxFrameBytes, (buffer, start, end) => {
    bodies.push(buffer.toString('hex', start, end))
  })
  return { reader, bodies }
}

describe('FrameReader', () => {
  it('hands on each body of a chunk, in order', () => {
    const { reader, bodies } = reading()
    reader.push(Buffer.concat([frame(Buffer.from([1])), frame(Buffer.from([2, 3])), frame(Buffer.from([4]))]))
    expect(bodies).to.deep.equal(['01', '0203', '04'])
    expect(reader.incomplete).to.equal(false)
  })

  it('waits for the rest of a header, and of a body', () => {
    const { reader, bodies } = reading()
    for (const byte of frame(Buffer.from([7, 8]))) {
      expect(bodies).to.deep.equal([])
      reader.push(Buffer.from([byte]))
    }
    expect(bodies).to.deep.equal(['0708'])
    expect(reader.incomplete).to.equal(false)
  })

  it('takes empty chunks for nothing', () => {
    const { reader, bodies } = reading()
    const bytes = frame(Buffer.from([9]))
    for (const chunk of [Buffer.alloc(0), bytes.subarray(0, 2), Buffer.alloc(0), bytes.subarray(2)]) {
      reader.push(chunk)
    }
    expect(bodies).to.deep.equal(['09'])
  })

  it('says that the stream stands inside a frame', () => {
    for (const length of [1, 3, 4, 5]) {
      const { reader } = reading()
      expect(reader.incomplete).to.equal(false)
      reader.push(frame(Buffer.from([1, 2])).subarray(0, length))
      expect(reader.incomplete, `${length} bytes`).to.equal(true)
    }
  })

  it('gives the same bodies for any split of the bytes', () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 12 })
    fc.assert(
      fc.property(bodies, cuts(), (sent, places) => {
        const { reader, bodies: received } = reading()
        for (const chunk of cut(Buffer.concat(sent.map(frame)), places)) reader.push(chunk)
        expect(received).to.deep.equal(sent.map((body) => Buffer.from(body).toString('hex')))
        expect(reader.incomplete).to.equal(false)
      }),
    )
  })

  it('refuses a frame of no bytes', () => {
    expect(() => reading().reader.push(header(0))).to.throw(RangeError, 'a frame of no bytes')
  })

  it('refuses a length over the limit as soon as the header is here, and takes one at the limit', () => {
    const { reader, bodies } = reading(4)
    reader.push(frame(Buffer.from([1, 2, 3, 4])))
    expect(bodies).to.deep.equal(['01020304'])
    const message = 'a frame of 5 bytes, where maxFrameBytes allows 4'
    expect(() => reader.push(header(5))).to.throw(RangeError, message)
    const split = reading(4).reader
    split.push(header(5).subarray(0, 3))
    expect(() => split.push(header(5).subarray(3))).to.throw(RangeError, message)
  })

  it('takes no memory for a length that was only declared', () => {
    const declared = 250 * 1024 * 1024
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 20 }, () => reading(declared).reader)
    for (const reader of readers) reader.push(Buffer.concat([header(declared), Buffer.alloc(100)]))
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(1024 * 1024)
  })

  it('joins a large frame once: the time is not the square of its length', () => {
    const body = Buffer.alloc(32 * 1024 * 1024, 5)
    const pieces = cut(frame(body), [], 4096)
    let received = 0
    const reader = new FrameReader(body.length, (_, start, end) => {
      received = end - start
    })
    // Joined at each of 8,192 pieces it would copy 128 GB.
    for (const piece of pieces) reader.push(piece)
    expect(received).to.equal(body.length)
  })

  it('takes a new limit from the next frame on, also inside one chunk', () => {
    const bodies: number[] = []
    const reader = new FrameReader(4, (_, start, end) => {
      bodies.push(end - start)
      reader.maxFrameBytes = 8
    })
    reader.push(Buffer.concat([frame(Buffer.alloc(4)), frame(Buffer.alloc(8))]))
    expect(bodies).to.deep.equal([4, 8])
    expect(() => reader.push(header(9))).to.throw(RangeError, 'allows 8')
  })
})

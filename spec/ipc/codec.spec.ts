/** The codec: what the wire carries comes out as it went in, and what is not msgpack is an error, fast. */
import { expect } from 'chai'
import fc from 'fast-check'
import { decodeFrame, encodeFrame } from '../../lib/ipc/codec.ts'
import { HEADER_BYTES } from '../../lib/ipc/frame.ts'
import { damage, damages, frameOf, received, roundTrip, wireValue } from './streams.ts'

function decode(body: Buffer): unknown {
  return decodeFrame(body, 0, body.length)
}

describe('the codec', () => {
  it('puts the length of the body in front', () => {
    const frame = encodeFrame([1, 'zwei', null])
    expect(frame.readUInt32BE(0)).to.equal(frame.length - HEADER_BYTES)
  })

  it('brings any value of the wire across: -0 as 0, and each number and bigint as what it is', () => {
    fc.assert(
      fc.property(wireValue(), (value) => {
        expect(roundTrip(value)).to.deep.equal(received(value))
      }),
      { numRuns: 500 },
    )
  })

  const scalars: [name: string, sent: unknown, received: unknown][] = [
    ['-0', -0, 0],
    ['NaN', Number.NaN, Number.NaN],
    ['an infinity', Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ['the least double', Number.MIN_VALUE, Number.MIN_VALUE],
    ['2^32', 2 ** 32, 2 ** 32],
    ['-(2^31) - 1', -(2 ** 31) - 1, -(2 ** 31) - 1],
    ['2^53 - 1 as a bigint', 2n ** 53n - 1n, 2n ** 53n - 1n],
    ['2^53 - 1', 2 ** 53 - 1, 2 ** 53 - 1],
    ['2^53', 2 ** 53, 2 ** 53],
    ['2^53 as a bigint', 2n ** 53n, 2n ** 53n],
    ['-(2^53) as a bigint', -(2n ** 53n), -(2n ** 53n)],
    ['0 as a bigint', 0n, 0n],
    ['2^53 + 1', 2n ** 53n + 1n, 2n ** 53n + 1n],
    ['-(2^53) - 1', -(2n ** 53n) - 1n, -(2n ** 53n) - 1n],
    ['the largest integer', 2n ** 63n - 1n, 2n ** 63n - 1n],
    ['the least integer', -(2n ** 63n), -(2n ** 63n)],
    ['an empty string', '', ''],
    ['an empty BLOB', Buffer.alloc(0), Buffer.alloc(0)],
    ['NUL in a string', 'a\0b', 'a\0b'],
    ['true', true, true],
  ]
  for (const [name, sent, expected] of scalars) {
    it(`brings across ${name}`, () => {
      const [value] = roundTrip([sent]) as unknown[]
      expect(value).to.deep.equal(expected)
      expect(Object.is(value, -0)).to.equal(false)
    })
  }

  it('brings strings of every length across, in one, two, three and four bytes a character', () => {
    for (const character of ['a', 'é', '漢', '🏳']) {
      for (const length of [1, 15, 16, 31, 32, 63, 64, 65, 255, 256, 4096, 65_535, 65_536]) {
        const text = character.repeat(length)
        expect(roundTrip([text, 1]), `${length} of ${character}`).to.deep.equal([text, 1])
      }
    }
  })

  it('keeps a byte order mark, wherever it stands', () => {
    for (const length of [0, 1, 28, 29, 60, 61, 62, 63, 64, 200, 70_000]) {
      const text = `\uFEFF${'x'.repeat(length)}`
      const value = [text, [`\uFEFF${text}`, `x${text}`], { text, bytes: Buffer.from(text) }, 7]
      expect(roundTrip(value), `before ${length} bytes`).to.deep.equal(value)
    }
  })

  it('gives a BLOB bytes of its own', () => {
    const frame = frameOf([Buffer.from('bytes')])
    const [blob] = decodeFrame(frame, HEADER_BYTES, frame.length) as [Buffer]
    frame.fill(0)
    expect(blob.toString()).to.equal('bytes')
    expect(blob.buffer.byteLength).to.be.below(64)
  })

  it('does not write over a frame that was not yet sent', () => {
    const frames = Array.from({ length: 50 }, (_, i) => encodeFrame([i, 'x'.repeat(i * 400)]))
    encodeFrame([Buffer.alloc(3 * 1024 * 1024)])
    for (let i = 0; i < 100; i++) encodeFrame([Buffer.alloc(1000, 0xff)])
    for (const [i, frame] of frames.entries()) {
      expect(decodeFrame(frame, HEADER_BYTES, frame.length)).to.deep.equal([i, 'x'.repeat(i * 400)])
    }
  })

  it('refuses what it cannot carry, and goes on', () => {
    expect(() => encodeFrame(['x'.repeat(3000), 2n ** 64n])).to.throw(RangeError, 'too large')
    expect(() => encodeFrame([Symbol('s')])).to.throw('symbol')
    expect(roundTrip(['after', 1])).to.deep.equal(['after', 1])
  })

  const malformed: [name: string, body: number[]][] = [
    ['a token that is none', [0xc1, 0xc1]],
    ['two values', [0x01, 0x02]],
    ['an array with an element missing', [0x92, 0x01]],
    ['a string with a byte missing', [0xa3, 0x61, 0x62]],
    ['a double with a byte missing', [0xcb, 0, 0, 0, 0, 0, 0, 0]],
    ['a BLOB with a byte missing', [0xc4, 2, 0]],
    ['an array of 4 billion', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['an array of 33 million', [0xdd, 0x01, 0xff, 0xff, 0xff]],
    ['a map of 4 billion', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['a string of 4 billion', [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ['a BLOB of 4 billion', [0xc6, 0xff, 0xff, 0xff, 0xff]],
    ['an extension that is none', [0xd4, 0x21, 0x00]],
    ['an extension with a byte missing', [0xc7, 0x05, 0xff, 0]],
    ['nested arrays of 33 million', Array.from({ length: 50 }, () => [0xdd, 0x01, 0xff, 0xff, 0xff]).flat()],
    ['arrays in arrays, a million deep', new Array(1_000_000).fill(0x91)],
    ['maps in maps, a million deep', new Array(1_000_000).fill(0x81)],
  ]
  for (const [name, body] of malformed) {
    it(`throws on ${name}, and decodes the next`, () => {
      const before = memory()
      expect(() => decode(Buffer.from(body))).to.throw(Error)
      expect(memory() - before).to.be.below(64 * 1024 * 1024)
      expect(roundTrip([64, 127, 'next', { a: 1 }])).to.deep.equal([64, 127, 'next', { a: 1 }])
    })
  }

  it('does not read past the end of the body', () => {
    const two = Buffer.concat([Buffer.from([0x93, 0x01]), Buffer.from([0x02, 0x03])])
    expect(() => decodeFrame(two, 0, 2)).to.throw(Error)
    const text = Buffer.from([0xa5, 0x61, 0x62, 0x63, 0x64, 0x65])
    expect(() => decodeFrame(text, 0, 3)).to.throw(Error)
  })

  it('learns nothing from one frame that changes how the next is read', () => {
    // A record definition of msgpackr's: from here on 0x40 would name it, where it is the number 64.
    const definition = Buffer.from([0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01])
    for (const body of [definition, Buffer.concat([definition, Buffer.from([0xc1])])]) {
      try {
        decode(body)
      } catch {}
      expect(roundTrip([64, 65, 127])).to.deep.equal([64, 65, 127])
    }
  })

  it('ends in a value or an Error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        expectValueOrError(Buffer.from(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  it('ends in a value or an Error for a body with damages', () => {
    fc.assert(
      fc.property(wireValue(), damages(), (value, all) => {
        const body = damage(frameOf(value).subarray(HEADER_BYTES), all)
        if (body.length > 0) expectValueOrError(body)
      }),
      { numRuns: 1000 },
    )
  })
})

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function expectValueOrError(body: Buffer): void {
  try {
    decode(body)
  } catch (error) {
    expect(error).to.be.an.instanceOf(Error)
  }
  expect(roundTrip([64, 'next'])).to.deep.equal([64, 'next'])
}

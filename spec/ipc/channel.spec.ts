/** The Channel: whole messages over any split of the bytes; whatever goes wrong ends it, once, with the reason. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import fc from 'fast-check'
import { decodeFrame } from '../../lib/ipc/codec.ts'
import { HEADER_BYTES } from '../../lib/ipc/frame.ts'
import {
  COSTS,
  EXECUTE,
  EXECUTEMANY,
  FAILED,
  FETCH,
  FINALIZE,
  MORE,
  ProtocolError,
  readReplies,
  readRequests,
} from '../../lib/ipc/messages.ts'
import { FLOOD_BYTES, Flood } from './flood.ts'
import { RecordingReplies, RecordingRequests } from './handlers.ts'
import { cut, cuts, damage, damages, frameOf, Peer, rawFrame, received, wireValue } from './streams.ts'

describe('a Channel', () => {
  it('sends each message in one write, and tells its bytes', () => {
    const peer = new Peer()
    const bytes = peer.channel.send([1, 'two'])
    const chunk = peer.outgoing.read() as Buffer
    expect(chunk).to.have.length(bytes)
    expect(decodeFrame(chunk, HEADER_BYTES, chunk.length)).to.deep.equal([1, 'two'])
  })

  it('ends with null after an orderly end', async () => {
    const peer = new Peer()
    expect(await peer.feed(frameOf([1]), frameOf([2]))).to.equal(null)
    expect(peer.messages).to.deep.equal([[1], [2]])
    expect(peer.ends).to.deep.equal([null])
  })

  it('gives the same messages for any split of the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(wireValue(), { maxLength: 6 }), cuts(), async (sent, places) => {
        const peer = new Peer()
        const error = await peer.feed(...cut(Buffer.concat(sent.map(frameOf)), places))
        expect(error).to.equal(null)
        expect(peer.messages).to.deep.equal(sent.map(received))
      }),
    )
  })

  it('gives the same messages byte by byte', async () => {
    const peer = new Peer()
    const sent = [[1, 'zwei', null], [[2n ** 60n, Buffer.from('x')]], []]
    expect(await peer.feed(...cut(Buffer.concat(sent.map(frameOf)), [], 1))).to.equal(null)
    expect(peer.messages).to.deep.equal(sent)
  })

  const broken: [name: string, bytes: Buffer, message: string][] = [
    ['a stream cut inside a header', frameOf([1]).subarray(0, 3), 'it was cut inside a frame'],
    ['a stream cut inside a body', frameOf(['text']).subarray(0, 7), 'it was cut inside a frame'],
    ['a frame of no bytes', rawFrame(Buffer.alloc(0)), 'a frame of no bytes'],
    [
      'a frame over the limit',
      rawFrame(Buffer.alloc(2000)),
      'a frame of 2000 bytes, where maxFrameBytes allows 1000',
    ],
    [
      'a length of 4 billion',
      Buffer.alloc(4, 0xff),
      'a frame of 4294967295 bytes, where maxFrameBytes allows',
    ],
    ['a body that is no msgpack', rawFrame(Buffer.from([0xc1, 0xc1])), 'end of buffer not reached'],
    ['a body that ends too early', rawFrame(Buffer.from([0x92, 1])), 'malformed'],
    ['an answer of HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'a frame of 1213486160 bytes'],
  ]
  for (const [name, bytes, message] of broken) {
    it(`ends with the reason: ${name}`, async () => {
      const peer = new Peer(undefined, 1000)
      const error = await peer.feed(frameOf(['whole']), bytes, frameOf(['after']))
      // What was cut goes on with what comes after it, and may then be too long or no msgpack.
      const cutShort = message.includes('cut') ? await new Peer(undefined, 1000).feed(bytes) : error
      expect(cutShort)
        .to.be.an.instanceOf(ProtocolError)
        .with.property('message')
        .that.includes('the channel carried something malformed: ')
        .and.includes(message)
      expect(peer.messages[0]).to.deep.equal(['whole'])
      expect(peer.ends).to.have.length(1)
    })
  }

  it('destroys both streams when it breaks, and hears nothing more', async () => {
    const peer = new Peer()
    const error = await peer.feed(Buffer.concat([rawFrame(Buffer.from([0xc1, 0])), frameOf(['after'])]))
    expect(error).to.be.an.instanceOf(ProtocolError)
    expect(peer.incoming.destroyed).to.equal(true)
    expect(peer.outgoing.destroyed).to.equal(true)
    expect(peer.messages).to.deep.equal([])
    expect(peer.channel.send(['to nobody'])).to.be.above(0)
  })

  it('ends with the ProtocolError that its handler throws, as it is', async () => {
    const thrown = new ProtocolError('unknown verb 9')
    const peer = new Peer(() => {
      throw thrown
    })
    expect(await peer.feed(frameOf([9]), frameOf([9]))).to.equal(thrown)
    expect(peer.messages).to.have.length(1)
  })

  it('blames the handler for any other error it throws', async () => {
    const thrown = new TypeError('a mistake of ours')
    const peer = new Peer(() => {
      throw thrown
    })
    const error = await peer.feed(frameOf([1]))
    expect(error).to.be.an.instanceOf(ProtocolError)
    expect(error).to.include({ message: 'a message could not be handled: a mistake of ours', cause: thrown })
    const other = new Peer(() => {
      throw 'a string'
    })
    expect((await other.feed(frameOf([1])))?.message).to.equal('a message could not be handled: a string')
  })

  it('ends with the error of its incoming stream', async () => {
    const peer = new Peer()
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    peer.incoming.destroy(reset)
    expect(await peer.ended).to.equal(reset)
    if (!peer.incoming.closed) await once(peer.incoming, 'close')
    expect(peer.ends).to.deep.equal([reset])
  })

  it('ends when its incoming stream is closed without an end', async () => {
    const peer = new Peer()
    peer.incoming.destroy()
    expect(await peer.ended).to.equal(null)
    const inside = new Peer()
    const heard = once(inside.incoming, 'data')
    inside.incoming.write(Buffer.from([0, 0]))
    await heard
    inside.incoming.destroy()
    expect((await inside.ended)?.message).to.include('it was cut inside a frame')
  })

  it('goes on hearing when what it sends is lost', async () => {
    const peer = new Peer()
    const closed = new Promise((resolve) => peer.outgoing.once('close', resolve))
    peer.outgoing.destroy(new Error('write EPIPE'))
    await closed
    peer.channel.send(['lost'])
    expect(await peer.feed(frameOf(['still heard']))).to.equal(null)
    expect(peer.messages).to.deep.equal([['still heard']])
  })

  it('says when all it sent is written, also when nobody takes it', async () => {
    const peer = new Peer()
    peer.channel.send([1])
    await new Promise<void>((resolve) => {
      peer.channel.end(resolve)
    })
    expect(peer.outgoing.writableFinished).to.equal(true)
    const gone = new Peer()
    gone.outgoing.destroy()
    await new Promise<void>((resolve) => {
      gone.channel.end(resolve)
    })
  })

  it('may be destroyed twice, with or without a reason', async () => {
    const peer = new Peer()
    const reason = new Error('enough')
    peer.channel.destroy(reason)
    peer.channel.destroy()
    expect(await peer.ended).to.equal(reason)
    expect(peer.ends).to.have.length(1)
    const other = new Peer()
    other.channel.destroy()
    expect(await other.ended).to.equal(null)
  })

  it('may be destroyed by its handler, in the middle of a chunk', async () => {
    const peer = new Peer(() => peer.channel.destroy())
    await peer.feed(Buffer.concat([frameOf([1]), frameOf([2])]))
    expect(peer.messages).to.deep.equal([[1]])
  })

  it('takes a new limit', async () => {
    const peer = new Peer(() => {
      peer.channel.maxFrameBytes = 10
    }, 1000)
    const error = await peer.feed(Buffer.concat([frameOf(['x'.repeat(100)]), frameOf(['x'.repeat(100)])]))
    expect(error?.message).to.include('maxFrameBytes allows 10')
    expect(peer.messages).to.have.length(1)
  })
})

describe('a Channel that is sent what nobody of this version sends', () => {
  const requests = [
    frameOf([EXECUTE, 0, 0, 'select ?, ?', [1, 'two'], null, FETCH, 1, 3, FINALIZE, 3]),
    frameOf([EXECUTEMANY, 2, -1, 'insert into t values (?)', [[1], [2n ** 60n], [null]], 'IMMEDIATE']),
    frameOf([EXECUTE, 70, 1000, null, [Buffer.from('bytes'), 1.5, 'x'.repeat(100)], null]),
  ]
  const replies = [
    frameOf([
      0,
      MORE,
      [
        ['a', 1],
        [null, 2n ** 60n],
      ],
      [
        ['x', 'TEXT'],
        ['y', null],
      ],
      [0, null, 3],
    ]),
    frameOf([
      1,
      FAILED,
      ['DataError', 'C', 'message', 'stack'],
      null,
      [1, 2, 0],
      -1,
      0,
      [3, 120],
      null,
      null,
    ]),
    frameOf([70, 8, [], null, [1, 2n ** 60n], COSTS, 0, [5, 1, 6, 2000], null, null]),
  ]
  const sides: [name: string, frames: Buffer[], reader: () => (message: unknown) => void][] = [
    ['requests', requests, () => (message) => readRequests(message, new RecordingRequests())],
    ['replies', replies, () => (message) => readReplies(message, new RecordingReplies())],
  ]
  for (const [name, frames, reader] of sides) {
    describe(`as ${name}`, () => {
      /** Ends, orderly or with an Error, and has told so once. */
      async function expectEnd(chunks: Buffer[]): Promise<void> {
        const peer = new Peer(reader())
        const error = await peer.feed(...chunks)
        if (error !== null) expect(error).to.be.an.instanceOf(ProtocolError)
        expect(peer.ends).to.have.length(1)
      }

      it('hears them all when they are whole', async () => {
        const peer = new Peer(reader())
        expect(await peer.feed(...frames)).to.equal(null)
        expect(peer.messages).to.have.length(frames.length)
      })

      it('ends for any bytes', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }), (chunks) =>
            expectEnd(chunks.map((chunk) => Buffer.from(chunk))),
          ),
          { numRuns: 500 },
        )
      })

      it('ends for any bytes in frames', async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 5 }),
            (bodies) => expectEnd(bodies.map(rawFrame)),
          ),
          { numRuns: 1000 },
        )
      })

      it('ends for any values in frames', async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.anything({ withBigInt: false, maxDepth: 3 }),
            wireValue(),
            (anything, value) => {
              const bodies = [value]
              // Not everything that JavaScript has can be sent.
              try {
                bodies.push([frameOf(anything)])
              } catch {}
              return expectEnd(bodies.map(frameOf))
            },
          ),
          { numRuns: 500 },
        )
      })

      it('ends for frames with damages, however they are split', async () => {
        await fc.assert(
          fc.asyncProperty(damages(), cuts(), (all, places) =>
            expectEnd(cut(damage(Buffer.concat(frames), all), places)),
          ),
          { numRuns: 1500 },
        )
      })

      it('ends for bodies with damages, each behind its right length', async () => {
        await fc.assert(
          fc.asyncProperty(fc.nat(frames.length - 1), damages(), (which, all) => {
            const body = damage(frames[which]!.subarray(HEADER_BYTES), all)
            return expectEnd([rawFrame(body)])
          }),
          { numRuns: 1500 },
        )
      })
    })
  }
})

describe('two Channels that send and receive at once', () => {
  it('finish 100 MB in each direction, over one pair of streams', async () => {
    const there = new PassThrough()
    const back = new PassThrough()
    const [here, peer] = [new Flood(), new Flood()]
    here.over(back, there)
    peer.over(there, back)
    here.send()
    peer.send()
    expect(await Promise.all([here.end, peer.end])).to.deep.equal([null, null])
    expectWhole(here, peer)
  })

  it('finish 100 MB in each direction between a caller and a child', async () => {
    const fixture = fileURLToPath(new URL('./fixtures/flood-child.js', import.meta.url))
    const child = spawn(process.execPath, [fixture], {
      stdio: ['ignore', 'pipe', 'inherit', 'ignore', 'pipe', 'pipe'],
    })
    const exited = once(child, 'exit')
    let told = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      told += text
    })
    const flood = new Flood()
    const [, , , , requests, replies] = child.stdio as unknown as Duplex[]
    flood.over(replies!, requests!)
    flood.send()
    expect(await flood.end).to.equal(null)
    expect(await exited).to.deep.equal([0, null])
    const peer = JSON.parse(told) as Pick<Flood, 'sent' | 'received'>
    expectWhole(flood, peer)
  }).timeout(60_000)
})

function expectWhole(here: Pick<Flood, 'sent' | 'received'>, peer: Pick<Flood, 'sent' | 'received'>): void {
  expect(here.sent.bytes).to.be.at.least(FLOOD_BYTES)
  expect(here.received).to.deep.equal(peer.sent)
  expect(peer.received).to.deep.equal(here.sent)
}

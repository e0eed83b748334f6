/** Replies: answers of a batch in one frame, sent earlier when large or old, and never over the limit. */
import { expect } from 'chai'
import { rowBytes } from '../../lib/drivers/chunk.ts'
import type { RowValues } from '../../lib/drivers/driver.ts'
import { DriverError, IntegrityError } from '../../lib/errors.ts'
import { CHUNK_BYTES, FAILED, IN_TRANSACTION, MORE, WROTE } from '../../lib/ipc/messages.ts'
import { Replies } from '../../lib/worker/replies.ts'
import { KnownSql } from '../../lib/worker/sql-texts.ts'
import { Outbox } from './sessions.ts'

const MIB = 1024 * 1024

function fixture(maxFrameBytes = MIB): { replies: Replies; outbox: Outbox } {
  const outbox = new Outbox()
  return { replies: new Replies(outbox.channel, maxFrameBytes), outbox }
}

function add(replies: Replies, id: number, rows: RowValues[], flags = 0): boolean {
  const bytes = rows.reduce((sum, row) => sum + rowBytes(row), 0)
  return replies.rows(id, flags, rows, bytes, null, null)
}

describe('Replies', () => {
  it('gather all answers of a batch in one frame', () => {
    const { replies, outbox } = fixture()
    add(replies, 1, [[1, 'a']])
    replies.rows(2, WROTE, [], 0, [{ name: 'a', type: null }], [1, 5])
    replies.failure(3, IN_TRANSACTION, new DriverError('SQLITE_CONSTRAINT_UNIQUE', 'not unique'), [
      0,
      null,
      2,
    ])
    expect(outbox.messages).to.have.length(0)
    replies.flush()
    const [frame, ...others] = outbox.take()
    expect(others).to.deep.equal([])
    expect(frame!.answers.map(({ id, flags }) => [id, flags])).to.deep.equal([
      [1, 0],
      [2, WROTE],
      [3, IN_TRANSACTION | FAILED],
    ])
    expect(frame!.answers[1]).to.deep.include({ columns: [['a', null]], detail: [1, 5] })
    const { error, detail } = frame!.answers[2]!
    expect(error!.slice(0, 3)).to.deep.equal(['IntegrityError', 'SQLITE_CONSTRAINT_UNIQUE', 'not unique'])
    expect(detail).to.deep.equal([0, null, 2])
  })

  it('send nothing when there is nothing', () => {
    const { replies, outbox } = fixture()
    replies.flush()
    expect(outbox.messages).to.have.length(0)
  })

  it('send what has grown large', () => {
    const { replies, outbox } = fixture()
    for (let id = 0; id < 10; id++) add(replies, id, [[Buffer.alloc(10_000)]])
    const [frame] = outbox.take()
    expect(frame!.answers.map(({ id }) => id)).to.deep.equal([0, 1, 2, 3, 4, 5, 6])
    replies.flush()
    expect(outbox.take()[0]!.answers.map(({ id }) => id)).to.deep.equal([7, 8, 9])
  })

  it('send errors that have grown large', () => {
    const { replies, outbox } = fixture()
    for (let id = 0; id < 100; id++) replies.failure(id, 0, new Error('x'.repeat(1000)), null)
    expect(outbox.messages).not.to.have.length(0)
    for (const { bytes } of outbox.take()) expect(bytes).to.be.below(2 * CHUNK_BYTES)
  })

  it('send what has waited longer than a millisecond, and no sooner', () => {
    const { replies, outbox } = fixture()
    replies.flushIfOld(1000)
    add(replies, 1, [[1]])
    replies.flushIfOld(1000.9)
    expect(outbox.messages).to.have.length(0)
    replies.flushIfOld(1001.1)
    expect(outbox.messages).to.have.length(1)
    replies.flushIfOld(2000)
    add(replies, 2, [[1]])
    replies.flushIfOld(2000.5)
    expect(outbox.messages).to.have.length(1)
  })

  it('take the costs along, rounded, and send them alone if they must', () => {
    const { replies, outbox } = fixture()
    const known = new KnownSql(7, 'select 1')
    known.cost = 12.4
    replies.cost(known)
    expect(known.toldCost).to.equal(12.4)
    add(replies, 1, [[1]])
    replies.flush()
    const [frame] = outbox.take()
    expect(frame!.costs).to.deep.equal([7, 12])
    expect(frame!.answers).to.have.length(1)
    replies.cost(known)
    replies.flush()
    expect(outbox.take()[0]).to.deep.include({ answers: [], costs: [7, 12] })
  })

  describe('over the limit', () => {
    it('become a DataError, while their neighbours are answered', () => {
      const { replies, outbox } = fixture()
      expect(add(replies, 1, [[1]])).to.equal(true)
      expect(add(replies, 2, [[Buffer.alloc(MIB + 1)]], WROTE)).to.equal(false)
      expect(add(replies, 3, [[3]])).to.equal(true)
      replies.flush()
      const answers = outbox.take().flatMap((frame) => frame.answers)
      expect(answers.map(({ id, flags }) => [id, flags])).to.deep.equal([
        [1, 0],
        [2, WROTE | FAILED],
        [3, 0],
      ])
      const [name, code, message] = answers[1]!.error!
      expect([name, code]).to.deep.equal(['DataError', 'FRAME_TOO_LARGE'])
      expect(message).to.match(
        /^a row of \d+ bytes, where maxFrameBytes allows 1048576: raise maxFrameBytes, or/,
      )
    })

    it('have no more rows to fetch', () => {
      const { replies, outbox } = fixture()
      add(replies, 1, [[Buffer.alloc(MIB + 1)]], MORE | IN_TRANSACTION)
      replies.flush()
      expect(outbox.take()[0]!.answers[0]!.flags).to.equal(FAILED | IN_TRANSACTION)
    })

    it('are counted in UTF-8, where a string has more bytes than units', () => {
      const { replies } = fixture()
      expect(add(replies, 1, [['x'.repeat(MIB / 2)]])).to.equal(true)
      expect(add(replies, 2, [['漢'.repeat(MIB / 2)]])).to.equal(false)
    })

    it('never make a frame that the other side would refuse, however near they come', () => {
      for (let length = MIB - 120; length <= MIB + 20; length++) {
        const { replies, outbox } = fixture()
        const columns = [{ name: 'a column', type: 'BLOB' }]
        const blob = [Buffer.alloc(length)]
        replies.rows(2 ** 40, MORE, [blob], rowBytes(blob), columns, [2 ** 40, 2n ** 60n, 2 ** 40])
        replies.flush()
        for (const { bytes } of outbox.take()) expect(bytes).to.be.at.most(MIB)
      }
    })

    it('may be so for their columns alone', () => {
      const { replies, outbox } = fixture()
      const columns = [{ name: 'n'.repeat(MIB), type: null }]
      expect(replies.rows(1, 0, [[1]], 20, columns, null)).to.equal(false)
      replies.flush()
      expect(outbox.take()[0]!.answers[0]!.error![1]).to.equal('FRAME_TOO_LARGE')
    })

    it('cut the message of an error, which may quote all of the SQL', () => {
      const { replies, outbox } = fixture()
      const message = `no such column: ${'c'.repeat(2 * MIB)}`
      replies.failure(1, 0, new IntegrityError(message, { code: 'X' }), null)
      replies.flush()
      const [frame] = outbox.take()
      expect(frame!.bytes).to.be.below(CHUNK_BYTES)
      expect(frame!.answers[0]!.error![2]).to.match(/^no such column: c+$/)
    })
  })
})

/** Chunks: what rows count for, and when a chunk is full. */
import { expect } from 'chai'
import fc from 'fast-check'
import { Filling, rowBytes, rowsBytes } from '../../lib/drivers/chunk.ts'
import type { RowValues } from '../../lib/drivers/driver.ts'
import { tidyBigInts } from '../../lib/drivers/synchronous-cursor.ts'
import { encodeFrame } from '../../lib/ipc/codec.ts'
import { HEADER_BYTES } from '../../lib/ipc/frame.ts'
import { wireScalar } from '../ipc/streams.ts'

describe('rowBytes', () => {
  it('is not less than what a row takes', () => {
    fc.assert(
      fc.property(fc.array(wireScalar(), { maxLength: 12 }), (row) => {
        const bytes = rowBytes(row as RowValues, Buffer.byteLength)
        expect(encodeFrame(row).length - 4).to.be.at.most(bytes)
      }),
    )
  })

  it('counts a unit of a string as a byte, unless told better', () => {
    expect(rowBytes(['漢字'])).to.equal(rowBytes(['ab']))
    expect(rowBytes(['漢字'], Buffer.byteLength)).to.equal(rowBytes(['abcdef']))
  })

  it('is near what a row takes', () => {
    const row: RowValues = [100_000, 'name of 100000', 700_000, 1 / 3, null]
    const taken = encodeFrame([row]).length - HEADER_BYTES - 1
    expect(rowBytes(row)).to.be.within(taken, taken + 2)
    expect(rowsBytes([row, row])).to.equal(2 * rowBytes(row))
  })

  it('is what a row of BigInts counts for when they are numbers', () => {
    fc.assert(
      fc.property(fc.array(wireScalar(), { maxLength: 20 }), (values) => {
        const row = values.map((value) => (Number.isSafeInteger(value) ? BigInt(value as number) : value))
        const bytes = tidyBigInts(row as RowValues)
        expect(bytes).to.be.at.least(rowBytes(row as RowValues))
        expect(bytes).to.be.at.most(rowBytes(row as RowValues) + 4 * row.length)
      }),
    )
  })
})

describe('Filling', () => {
  const full = { bytes: 3 * rowBytes([1]), ms: Number.POSITIVE_INFINITY }

  it('takes rows until it is full, and no more', () => {
    const filling = new Filling(full)
    const taken = [1, 2, 3, 4].map((value) => filling.take([value], rowBytes([value])))
    expect(taken).to.deep.equal([true, true, true, false])
    expect(filling).to.deep.include({ rows: [[1], [2], [3]], bytes: full.bytes, late: false })
  })

  it('takes a row as large as itself alone', () => {
    const large = new Filling(full)
    expect([large.take([1], full.bytes + 1), large.take([2], 1)]).to.deep.equal([true, false])
    const begun = new Filling(full)
    expect([begun.take([1], 1), begun.take([2], full.bytes + 1)]).to.deep.equal([true, false])
  })

  it('is late when its time is over, but not with one row', () => {
    const filling = new Filling({ bytes: 1e9, ms: 0 })
    filling.take([1], 1)
    expect(filling.late).to.equal(false)
    filling.take([2], 1)
    expect(filling.late).to.equal(true)
  })
})

/** Lease: who holds the writer, and its one end. */
import { expect } from 'chai'
import { Lease, type Outcome } from '../../lib/pool/lease.ts'
import type { Request } from '../../lib/pool/request.ts'
import { request } from './plain-request.ts'

describe('Lease', () => {
  it('tells who holds the writer, since when, and with what', () => {
    const sent: Request[] = []
    const first = request('begin')
    first.label = 'connection 7'
    const lease = new Lease(
      first,
      (each) => sent.push(each),
      () => {},
    )
    expect(lease.holder).to.equal('connection 7')
    expect(lease.since).to.be.closeTo(performance.now(), 1000)
    expect(lease.lastSql).to.equal('begin')
    expect(lease.released).to.equal(null)
    const second = request('insert into t values (?)')
    lease.submit(second)
    expect(sent).to.deep.equal([second])
    expect(second.lease).to.equal(lease)
    expect(lease.lastSql).to.equal('insert into t values (?)')
  })

  it('ends once, with the first outcome', () => {
    const outcomes: Outcome[] = []
    const lease = new Lease(
      request('begin'),
      () => {},
      (outcome) => outcomes.push(outcome),
    )
    lease.release('discard')
    lease.release('reuse')
    expect(outcomes).to.deep.equal(['discard'])
    expect(lease.released).to.equal('discard')
  })
})

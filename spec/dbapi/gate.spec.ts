import { expect } from 'chai'
import fc from 'fast-check'
import { Gate } from '../../lib/dbapi/gate.ts'

describe('Gate', () => {
  it('lets reads pass side by side and a write alone, in the order of the calls', () => {
    //  calls:   r1 r2 W3 r4 r5 W6
    //  inside:  r1 r2 |  W3 |  r4 r5 | W6
    const gate = new Gate()
    const started: string[] = []
    for (const name of ['r1', 'r2', 'W3', 'r4', 'r5', 'W6']) {
      gate.enter({ alone: name.startsWith('W'), run: () => started.push(name) })
    }
    expect(started).to.deep.equal(['r1', 'r2'])
    gate.leave()
    expect(started).to.deep.equal(['r1', 'r2'])
    gate.leave()
    expect(started).to.deep.equal(['r1', 'r2', 'W3'])
    gate.leave()
    expect(started).to.deep.equal(['r1', 'r2', 'W3', 'r4', 'r5'])
    gate.leave()
    gate.leave()
    expect(started.at(-1)).to.equal('W6')
  })

  it('does not let a read overtake a write that waits', () => {
    const gate = new Gate()
    const started: string[] = []
    gate.enter({ alone: false, run: () => started.push('r1') })
    gate.enter({ alone: true, run: () => started.push('W2') })
    gate.enter({ alone: false, run: () => started.push('r3') })
    expect(started).to.deep.equal(['r1'])
  })

  it('lets reads pass beside a turn that is shared, and none once it is taken back', async () => {
    //  calls:   W1 (shares)  r2  W3  r4      W1 takes back while r2 is inside
    const gate = new Gate()
    const started: string[] = []
    const turn = (name: string): void =>
      gate.enter({ alone: name.startsWith('W'), run: () => started.push(name) })
    turn('W1')
    gate.share()
    turn('r2')
    turn('W3')
    turn('r4')
    expect(started).to.deep.equal(['W1', 'r2'])
    let alone = false
    const back = gate.takeBack().then(() => {
      alone = true
    })
    await Promise.resolve()
    expect(alone).to.equal(false)
    gate.leave()
    await back
    expect(started).to.deep.equal(['W1', 'r2'])
    gate.leave()
    expect(started).to.deep.equal(['W1', 'r2', 'W3'])
  })

  it('takes a hundred thousand calls that are answered at once without growing the stack', () => {
    const gate = new Gate()
    let started = 0
    gate.enter({ alone: true, run: () => {} })
    for (let i = 0; i < 100_000; i++) {
      gate.enter({
        alone: true,
        run() {
          started++
          gate.leave()
        },
      })
    }
    gate.leave()
    expect(started).to.equal(100_000)
  })

  it('starts all calls once, in order, and never a write beside another, in any schedule', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 30 }),
        fc.infiniteStream(fc.boolean()),
        (calls, schedule) => {
          const gate = new Gate()
          const started: number[] = []
          const inside: boolean[] = []
          let next = 0
          while (started.length < calls.length || inside.length > 0) {
            const enters = next < calls.length && (inside.length === 0 || schedule.next().value)
            if (enters) {
              const i = next++
              const alone = calls[i] as boolean
              gate.enter({
                alone,
                run() {
                  started.push(i)
                  inside.push(alone)
                  if (inside.length > 1) expect(inside).to.not.include(true)
                },
              })
            } else {
              inside.shift()
              gate.leave()
            }
          }
          expect(started).to.deep.equal(calls.map((_, i) => i))
        },
      ),
    )
  })
})

/** PoolSettings: who is told which setting, and when. Children are plain objects that note what they are told. */
import { expect } from 'chai'
import { PoolSettings, type Setting } from '../../lib/pool/settings.ts'
import type { WorkerProcess } from '../../lib/pool/worker-process.ts'

class NotingChild {
  told = 0
  readonly adopted: string[] = []
  enqueueAdopt([, name]: Setting): void {
    this.adopted.push(name)
  }
}

const child = () => new NotingChild() as NotingChild & WorkerProcess
const attach = (name: string): Setting => ['attach', name, `/${name}`]

describe('PoolSettings', () => {
  it('tells each child what another has made, in order and once; not who made it', () => {
    const settings = new PoolSettings()
    const [writer, reader] = [child(), child()]
    settings.add(attach('a'), writer)
    settings.add(attach('b'), writer)
    for (let i = 0; i < 3; i++) for (const each of [writer, reader]) settings.tell(each)
    expect(writer.adopted).to.deep.equal([])
    expect(reader.adopted).to.deep.equal(['a', 'b'])
    settings.add(['detach', 'a', ''], writer)
    settings.tell(reader)
    expect(reader.adopted).to.deep.equal(['a', 'b', 'a'])
    expect(settings).to.deep.include({ made: 3, attached: 1 })
    expect(settings.inForce).to.deep.equal([attach('b')])
  })

  it('tells a child that made one before it heard of others all of them, its own again', () => {
    const settings = new PoolSettings()
    const [one, two] = [child(), child()]
    settings.add(attach('a'), one)
    settings.add(attach('b'), two)
    for (const each of [one, two]) settings.tell(each)
    expect(one.adopted).to.deep.equal(['b'])
    expect(two.adopted).to.deep.equal(['a', 'b'])
  })

  it('tells a child that started in the middle only what it was not opened with', () => {
    const settings = new PoolSettings()
    const writer = child()
    settings.add(attach('a'), writer)
    const late = child()
    late.told = settings.made
    settings.add(attach('b'), writer)
    settings.tell(late)
    expect(late.adopted).to.deep.equal(['b'])
  })
})

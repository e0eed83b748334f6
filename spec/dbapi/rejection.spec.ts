import { expect } from 'chai'
import { rejectAtCaller } from '../../lib/dbapi/rejection.ts'

describe('rejectAtCaller', () => {
  it("makes the error where V8 finds the caller's await", async () => {
    async function whoAwaits(): Promise<void> {
      await new Promise((resolve) => resolve(rejectAtCaller(() => new Error('made late'))))
    }
    async function andTheirCaller(): Promise<void> {
      await whoAwaits()
    }
    const error = await andTheirCaller().then(
      () => null,
      (thrown: Error) => thrown,
    )
    expect(error?.message).to.equal('made late')
    expect(error?.stack).to.match(/whoAwaits[\s\S]*andTheirCaller/)
    expect(error?.stack).to.not.match(/dbapi\/rejection\.[jt]s/)
  })
})

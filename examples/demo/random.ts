/**
 * Random numbers that are the same in every process for the same seed, so that both contestants get the same
 * questions. Mulberry32, by Tommy Ettinger, in the public domain. Runs in every process of the demo.
 */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

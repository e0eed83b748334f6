/**
 * Rounds: runs contestants one after the other, each in a process of its own, round after round, and gives each
 * one's median. What counts is the ratio between them, since machines are noisy.
 */
import { execFileSync } from 'node:child_process'

/** A contestant: its name, and the arguments with which the benchmark's own file runs it. */
export type Contestant = readonly [name: string, ...args: string[]]

/** What a run prints as JSON: numbers by their names. */
export type Score = Record<string, number>

/** The median of each number of each contestant, in the order of the contestants. */
export function compare(file: string, contestants: readonly Contestant[], rounds: number): Score[] {
  const scores = contestants.map((): Score[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, [name, ...args]] of contestants.entries()) {
      const score: Score = JSON.parse(execFileSync(process.execPath, [file, ...args], { encoding: 'utf8' }))
      scores[i]?.push(score)
      const shown = Object.entries(score).map(([key, value]) => `${key} ${value.toPrecision(4)}`)
      console.error(`round ${round + 1}/${rounds}: ${name}: ${shown.join(', ')}`)
    }
  }
  return scores.map((runs) => {
    const names = Object.keys(runs[0] ?? {})
    return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name] as number))]))
  })
}

/** Prints what a contestant's run came to, for compare() to read. */
export function report(score: Score): void {
  console.log(JSON.stringify(score))
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

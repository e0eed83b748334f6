/** What the demo uses of cli-progress, which brings no types. */
declare module 'cli-progress' {
  export class SingleBar {
    constructor(options: {
      format: string
      stream?: NodeJS.WritableStream
      clearOnComplete?: boolean
      hideCursor?: boolean
      gracefulExit?: boolean
      fps?: number
    })
    start(total: number, startValue: number): void
    update(value: number): void
    stop(): void
  }
}

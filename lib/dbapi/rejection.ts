/**
 * Rejection: makes an error where its stack shows the caller's line. Runs in the caller.
 */
function nop(): void {}

/**
 * A promise that rejects with what `make` makes, three microtasks from now.
 *
 * V8 walks from the running microtask over the promises that wait for it to the async function at their end.
 * When the error is made there, after the public promise has been resolved with this one, that walk finds the
 * caller's `await`. A stack taken at each call would show it too, and cost 2 µs a call that succeeds.
 */
export function rejectAtCaller(make: () => Error): Promise<never> {
  return Promise.resolve()
    .then(nop)
    .then(nop)
    .then(function reject(): never {
      const error = make()
      // Our own frames end here; what V8 finds beyond are the caller's.
      Error.captureStackTrace(error, reject)
      throw error
    })
}

/** A promise that rejects with what `make` makes, its stack that of `calledAt`, an error made at the call. */
export function rejectAtCall(make: () => Error, calledAt: Error): Promise<never> {
  const error = make()
  const [, ...frames] = (calledAt.stack ?? '').split('\n')
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n')
  return Promise.reject(error)
}

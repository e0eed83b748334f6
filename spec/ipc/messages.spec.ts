/** Messages: each one that is as it should be reaches its handler; each that is not is refused by what is wrong. */
import { expect } from 'chai'
import type { WireError } from '../../lib/errors.ts'
import {
  ADOPT,
  COSTS,
  type Detail,
  EXECUTE,
  EXECUTEMANY,
  EXECUTESCRIPT,
  FAILED,
  FETCH,
  FINALIZE,
  LEAVE,
  MAGIC,
  MORE,
  ON,
  type Open,
  ProtocolError,
  readHello,
  readOpen,
  readReplies,
  readRequests,
  SET,
  SLOTS,
  UNNUMBERED,
  VERSION,
} from '../../lib/ipc/messages.ts'
import { RecordingReplies, RecordingRequests } from './handlers.ts'

type Case = [name: string, message: unknown, error: string]

function refuses(read: (message: unknown) => unknown, cases: Case[]): void {
  for (const [name, message, error] of cases) {
    it(`refuses ${name}`, () => {
      expect(() => read(message)).to.throw(ProtocolError, error)
    })
  }
}

/** The value with the place that `path` names set anew. */
function changed<T>(value: T, path: (string | number)[], part: unknown): T {
  const copy = structuredClone(value) as Record<string | number, unknown>
  let at = copy
  for (const key of path.slice(0, -1)) at = at[key] as typeof at
  at[path.at(-1)!] = part
  return copy as T
}

describe('a batch of requests', () => {
  const read = (message: unknown) => {
    const handler = new RecordingRequests()
    readRequests(message, handler)
    return handler.calls
  }
  const execute = [EXECUTE, 3, 7, 'select ?', [1, 'a', null], 'IMMEDIATE']
  const executemany = [EXECUTEMANY, 4, UNNUMBERED, 'insert into t values (?)', [[1], [2]], null]

  it('reaches its handler, verb for verb, in order', () => {
    const batch = [...execute, ...executemany, FETCH, 5, 9, FINALIZE, 9, EXECUTE, 6, 7, null, [], null]
    expect(read(batch)).to.deep.equal([
      ['execute', 3, 7, 'select ?', [1, 'a', null], 'IMMEDIATE'],
      ['executemany', 4, UNNUMBERED, 'insert into t values (?)', [[1], [2]], null],
      ['fetch', 5, 9],
      ['finalize', 9],
      ['execute', 6, 7, null, [], null],
    ])
  })

  it('reaches it with scripts, own connections and settings too', () => {
    const attach = ['attach', 'x', '/x.db']
    const batch = [EXECUTESCRIPT, 3, 'select 1;', ON, 8, ...execute, LEAVE, 8, SET, 4, attach, ADOPT, attach]
    expect(read(batch)).to.deep.equal([
      ['executescript', 3, 'select 1;'],
      ['on', 8],
      ['execute', 3, 7, 'select ?', [1, 'a', null], 'IMMEDIATE'],
      ['leave', 8],
      ['set', 4, attach],
      ['adopt', attach],
    ])
  })

  it('may be empty', () => {
    expect(read([])).to.deep.equal([])
  })

  it('is heard up to the request that is malformed', () => {
    const handler = new RecordingRequests()
    expect(() => readRequests([...execute, 99], handler)).to.throw(ProtocolError)
    expect(handler.calls).to.have.length(1)
  })

  refuses(read, [
    ['what is no array', 'batch', 'string came where a batch of requests was due'],
    ['null', null, 'null came where a batch of requests was due'],
    ['a map', { 0: EXECUTE }, 'object came where a batch of requests was due'],
    ['an unknown verb', [99, 1], 'unknown verb 99'],
    ['a verb that is no number', ['execute', 1], 'unknown verb execute'],
    ['a verb that is a symbol of the codec', [undefined], 'unknown verb undefined'],
    ['an id that is a string', changed(execute, [1], '3'), 'string came where a number of a request was due'],
    [
      'an id that is no integer',
      changed(execute, [1], 1.5),
      'number came where a number of a request was due',
    ],
    ['a negative id', changed(execute, [1], -2), 'a request numbered -2'],
    ['a slot that is null', changed(execute, [2], null), 'null came where a slot was due'],
    ['a slot below the first', changed(execute, [2], -2), 'a statement in slot -2'],
    ['a slot behind the last', changed(execute, [2], SLOTS), `a statement in slot ${SLOTS}`],
    ['SQL that is a number', changed(execute, [3], 1), 'number came where SQL was due'],
    ['parameters that are a map', changed(execute, [4], {}), 'object came where a row was due'],
    [
      'a transaction that is a number',
      changed(execute, [5], 1),
      'number came where kind of transaction was due',
    ],
    [
      'rows of parameters that are a string',
      changed(executemany, [4], 'ab'),
      'string came where a row was due',
    ],
    ['a row that is a number', changed(executemany, [4, 1], 2), 'number came where a row was due'],
    ['a fetch without its cursor', [FETCH, 1], 'undefined came where a number of a request was due'],
    ['a fetch of a negative cursor', [FETCH, 1, -1], 'a request numbered -1'],
    ['a fetch with a string for an id', [FETCH, '1', 1], 'string came where a number of a request was due'],
    ['a finalize without its cursor', [FINALIZE], 'undefined came where a number of a request was due'],
    ['a script that is null', [EXECUTESCRIPT, 1, null], 'null came where a script was due'],
    ['a script without its id', [EXECUTESCRIPT, 'a', 'b'], 'string came where a number of a request was due'],
    ['an own connection that is none', [ON, null], 'null came where a number of a request was due'],
    ['a negative own connection', [LEAVE, -1], 'a request numbered -1'],
    ['a setting that is a string', [ADOPT, 'attach'], 'string came where a setting was due'],
    ['a setting of an unknown kind', [SET, 1, ['vacuum', 'x', '']], 'a setting of kind vacuum'],
    ['a setting of two parts', [SET, 1, ['attach', 'x']], 'a setting of 2 parts'],
    ['a setting of four parts', [ADOPT, ['attach', 'x', 'y', 'z']], 'a setting of 4 parts'],
    [
      'a setting whose value is a number',
      [ADOPT, ['pragma', 'x', 1]],
      'number came where part of a setting was due',
    ],
    ['a finalize of what is no number', [FINALIZE, []], 'an array came where a number of a request was due'],
  ])
  for (let length = 1; length < execute.length; length++) {
    it(`refuses an execute of ${length} elements`, () => {
      expect(() => read(execute.slice(0, length))).to.throw(ProtocolError, 'undefined came where')
    })
  }
})

describe('a batch of replies', () => {
  const read = (message: unknown) => {
    const handler = new RecordingReplies()
    readReplies(message, handler)
    return handler.calls
  }
  const error: WireError = ['IntegrityError', 'SQLITE_CONSTRAINT', 'no', 'stack']
  const counts: Detail = [1, 7n, 3]
  const columns = [
    ['a', 'TEXT'],
    ['b', null],
  ]
  const rows = [0, MORE, [['x', 1]], columns, counts]
  const failed = [1, FAILED, error, null, [2, null, 1]]

  it('reaches its handler, answer for answer, in order', () => {
    expect(read([...rows, ...failed, COSTS, 0, [3, 120], null, null, 2, 0, [], null, null])).to.deep.equal([
      ['reply', 0, MORE, [['x', 1]], columns, counts],
      ['reply', 1, FAILED, error, null, [2, null, 1]],
      ['costs', [3, 120]],
      ['reply', 2, 0, [], null, null],
    ])
  })

  it('may be empty', () => {
    expect(read([])).to.deep.equal([])
  })

  refuses(read, [
    ['what is no array', 7, 'number came where a batch of replies was due'],
    ['an answer that is cut', rows.slice(0, 4), 'a batch of replies with 4 elements'],
    ['an id that is null', changed(rows, [0], null), 'null came where a number of a request was due'],
    ['a negative id', changed(rows, [0], -2), 'a request numbered -2'],
    ['flags that are a string', changed(rows, [1], '1'), 'string came where a flags of a reply was due'],
    ['rows that are null', changed(rows, [2], null), "a reply's rows are null, not an array"],
    ['rows that are a map', changed(rows, [2], {}), "a reply's rows are object, not an array"],
    ['a row that is a string', changed(rows, [2, 0], 'x'), 'string came where a row was due'],
    ['columns that are a string', changed(rows, [3], 'a'), 'string came where columns was due'],
    ['a column that is a string', changed(rows, [3, 0], 'a'), 'string came where a column was due'],
    ['a column without a name', changed(rows, [3, 0, 0], 1), "number came where a column's name was due"],
    ['a type that is a number', changed(rows, [3, 1, 1], 1), "number came where a column's type was due"],
    ['counts that are a number', changed(rows, [4], 1), 'number came where counts was due'],
    ['a count that is a string', changed(rows, [4, 0], '1'), 'string came where a count of rows was due'],
    ['a rowid that is a string', changed(rows, [4, 1], '1'), 'string came where a rowid was due'],
    ['more rows without a cursor', changed(rows, [4], [1, null]), 'undefined came where'],
    ['a negative cursor', changed(rows, [4, 2], -1), 'a request numbered -1'],
    [
      'a row of an executemany that is a string',
      changed(failed, [4, 2], 'x'),
      'string came where a row of an',
    ],
    ['an error of three parts', changed(failed, [2], error.slice(1)), 'an error of 3 parts'],
    [
      'an error with a number in it',
      changed(failed, [2, 1], 5),
      'number came where part of an error was due',
    ],
    ['costs that are strings', [COSTS, 0, ['1'], null, null], 'string came where a cost was due'],
    ['costs that are no array', [COSTS, 0, null, null, null], "a reply's rows are null"],
  ])
})

describe('the greeting', () => {
  const open: Open = {
    role: 'writer',
    database: '/tmp/a.db',
    readonly: false,
    drivers: [{ name: 'better-sqlite3', path: '/x.js' }],
    pragmas: [
      ['foreign_keys', 'ON'],
      ['cache_size', -2000],
    ],
    busyTimeoutMs: 0,
    initializer: null,
    initargs: [1, { a: 2 }],
    sparePragmas: [],
    settings: [['attach', 'aux', '/tmp/aux.db']],
    maxResultBytes: 1024,
    startTimeoutMs: 1000,
    maxFrameBytes: 1024,
  }
  const hello = { pid: 1, driver: 'better-sqlite3', sqliteVersion: '3.53.0', journalMode: 'wal' }
  const error: WireError = ['OperationalError', 'CANTOPEN', 'no', '']

  it('brings what to open', () => {
    expect(readOpen([MAGIC, VERSION, open])).to.deep.equal(open)
    expect(
      readOpen([MAGIC, VERSION, { ...open, role: 'reader', initializer: 'file:///i.js' }]).role,
    ).to.equal('reader')
  })

  it('brings that the child is ready, or what kept it', () => {
    expect(readHello([MAGIC, VERSION, hello])).to.deep.equal({ hello })
    expect(readHello([MAGIC, VERSION, null, error])).to.deep.equal({ failed: error })
  })

  for (const [side, read] of [
    ['a caller', readOpen],
    ['a child', readHello],
  ] as const) {
    describe(`of ${side}`, () => {
      refuses(read, [
        ['what is no array', { magic: MAGIC }, 'object came where a greeting was due'],
        ['nothing', [], 'the peer does not speak forklite'],
        ['another magic', ['sqlite', VERSION, open], 'the peer does not speak forklite'],
        [
          'another version',
          [MAGIC, VERSION + 1, open],
          `version ${VERSION + 1} of forklite's protocol, this side`,
        ],
        ['another version, and says why', [MAGIC, 0, open], 'two versions of forklite are mixed'],
        ['a version that is a string', [MAGIC, String(VERSION), open], "forklite's protocol"],
        ['a version that is missing', [MAGIC], 'version undefined'],
        ['a third element that is missing', [MAGIC, VERSION], 'the first frame'],
        ['a third element that is an array', [MAGIC, VERSION, []], 'the first frame'],
        ['a third element that is null', [MAGIC, VERSION, null], 'the first frame'],
      ])
    })
  }

  const fieldsOfOpen: [path: (string | number)[], wrong: unknown[]][] = [
    [['role'], [undefined, 'owner', 1]],
    [['database'], [undefined, null, 1]],
    [['readonly'], [undefined, 0]],
    [['drivers'], [undefined, {}]],
    [
      ['drivers', 0],
      [null, 'better-sqlite3'],
    ],
    [
      ['drivers', 0, 'name'],
      [undefined, 1],
    ],
    [
      ['drivers', 0, 'path'],
      [undefined, null],
    ],
    [['pragmas'], [undefined, {}]],
    [
      ['pragmas', 0],
      ['foreign_keys', {}],
    ],
    [
      ['pragmas', 0, 0],
      [1, undefined],
    ],
    [
      ['pragmas', 0, 1],
      [true, null],
    ],
    [['busyTimeoutMs'], [undefined, '5', 1.5]],
    [['initializer'], [undefined, 1]],
    [['initargs'], [undefined, {}]],
    [['maxFrameBytes'], [undefined, null, '1024']],
  ]
  for (const [path, values] of fieldsOfOpen) {
    for (const value of values) {
      it(`refuses to open with ${path.join('.')} as ${JSON.stringify(value)}`, () => {
        expect(() => readOpen([MAGIC, VERSION, changed(open, path, value)])).to.throw(ProtocolError)
      })
    }
  }

  for (const field of Object.keys(hello)) {
    it(`refuses a child that does not tell its ${field}`, () => {
      expect(() => readHello([MAGIC, VERSION, changed(hello, [field], undefined)])).to.throw(ProtocolError)
    })
  }

  it('refuses an error that is none', () => {
    expect(() => readHello([MAGIC, VERSION, null, 'failed'])).to.throw(ProtocolError, 'an error was due')
    expect(() => readHello([MAGIC, VERSION, null, ['a', 'b']])).to.throw(ProtocolError, 'an error of 2 parts')
  })
})

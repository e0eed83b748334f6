/**
 * The public API as these specs need it, where `forklite` does not export or type it yet. Runs in the caller.
 * To be removed when the API has landed: the specs then import the same names from 'forklite'.
 */

import type { CallOptions, Options, Parameter, Parameters } from 'forklite'
import * as forklite from 'forklite'

export * from 'forklite'

export type Level = 'DEFERRED' | 'IMMEDIATE' | 'EXCLUSIVE' | '' | null

/** A row as it comes without a rowFactory. */
export type Values = (null | number | bigint | string | Buffer)[]

/** `Row` itself is one. */
export type RowFactory = (cursor: Cursor, values: Values) => unknown

export interface ConnectionOptions {
  autocommit?: boolean
  isolationLevel?: Level
  arraysize?: number
  rowFactory?: RowFactory | typeof Row | null
}

export interface ConnectOptions extends ConnectionOptions, Omit<Options, keyof ConnectionOptions> {
  detectTypes?: number
  limits?: Partial<Record<Limit, number>>
}

export type Limit = 'sqlLength' | 'variables' | 'attached'

export type Sets = Iterable<Parameters> | AsyncIterable<Parameters>

/** PEP 249's description, with type objects. */
export type Description = readonly (readonly [name: string, typeCode: unknown, ...unknown[]])[]

export interface Execution
  extends Pick<Promise<Cursor>, 'then' | 'catch' | 'finally'>,
    AsyncIterable<Values> {
  fetchone(): Promise<Values | null>
  fetchmany(size?: number): Promise<Values[]>
  fetchall(): Promise<Values[]>
}

export interface Cursor extends AsyncIterable<Values> {
  arraysize: number
  rowFactory: RowFactory | typeof Row | null
  readonly connection: Connection
  readonly description: Description | null
  readonly rowcount: number
  readonly lastrowid: number | bigint | undefined
  execute(sql: string, params?: Parameters, options?: CallOptions): Execution
  executemany(sql: string, sets: Sets, options?: CallOptions): Promise<Cursor>
  executescript(sql: string, options?: CallOptions): Promise<Cursor>
  callproc(name: string, args?: readonly Parameter[]): Promise<unknown>
  nextset(): unknown
  fetchone(): Promise<Values | null>
  fetchmany(size?: number): Promise<Values[]>
  fetchall(): Promise<Values[]>
  setinputsizes(sizes: readonly unknown[]): unknown
  setoutputsize(size: number, column?: number): unknown
  close(): Promise<void>
}

export interface Connection extends AsyncDisposable {
  rowFactory: RowFactory | typeof Row | null
  readonly inTransaction: boolean
  readonly totalChanges: number
  readonly autocommit: boolean
  readonly isolationLevel: Level
  cursor(): Cursor
  execute(sql: string, params?: Parameters, options?: CallOptions): Execution
  executemany(sql: string, sets: Sets, options?: CallOptions): Promise<Cursor>
  executescript(sql: string, options?: CallOptions): Promise<Cursor>
  transaction<T>(work: () => T | Promise<T>): Promise<T>
  commit(): Promise<void>
  rollback(): Promise<void>
  setAutocommit(flag: boolean): Promise<void>
  setIsolationLevel(level: Level): Promise<void>
  interrupt(): void
  getLimit(name: Limit): number
  setLimit(name: Limit, value: number): number
  backup(...args: unknown[]): unknown
  iterdump(...args: unknown[]): unknown
  serialize(...args: unknown[]): unknown
  deserialize(...args: unknown[]): unknown
  close(): Promise<void>
}

export interface Pool extends Pick<forklite.Pool, 'stats' | 'close'> {
  execute(sql: string, params?: Parameters, options?: CallOptions): Execution
  connect(options?: ConnectionOptions): Promise<Connection>
}

/** A row by place and by name; columns are properties too, in their own spelling. */
export interface Row extends Iterable<Values[number]> {
  readonly [index: number]: Values[number]
  readonly length: number
  get(key: string | number): Values[number]
  keys(): string[]
  slice(start?: number, end?: number): Values
  equals(other: unknown): boolean
  toObject(): Record<string, Values[number]>
}

interface Api {
  connect(database: string | URL, options?: ConnectOptions): Promise<Connection>
  createPool(database: string | URL, options?: ConnectOptions): Promise<Pool>
  sqliteVersion(): Promise<string>
  completeStatement(sql: string): boolean
  registerAdapter<T>(type: new (...args: never[]) => T, adapt: (value: T) => Parameter): void
  registerConverter(type: string, convert: (value: Values[number]) => unknown): void
  Row: abstract new (...args: never[]) => Row
  PARSE_DECLTYPES: number
  PARSE_COLNAMES: number
  Date(year: number, month: number, day: number): string
  Time(hour: number, minute: number, second: number): string
  Timestamp(year: number, month: number, day: number, hour: number, minute: number, second: number): string
  DateFromTicks(ticks: number): string
  TimeFromTicks(ticks: number): string
  TimestampFromTicks(ticks: number): string
  Binary(bytes: string | Uint8Array): Buffer
  STRING: unknown
  BINARY: unknown
  NUMBER: unknown
  DATETIME: unknown
  ROWID: unknown
}

const landed = forklite as unknown as Api

const { Date: DbapiDate } = landed

export const {
  connect,
  createPool,
  sqliteVersion,
  completeStatement,
  registerAdapter,
  registerConverter,
  Row,
  PARSE_DECLTYPES,
  PARSE_COLNAMES,
  Time,
  Timestamp,
  DateFromTicks,
  TimeFromTicks,
  TimestampFromTicks,
  Binary,
  STRING,
  BINARY,
  NUMBER,
  DATETIME,
  ROWID,
} = landed
export { DbapiDate as Date }

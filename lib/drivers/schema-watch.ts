/**
 * SchemaWatch: tells whether the schema may have changed since a statement's columns were read. Runs in the
 * child, one for each synchronous connection. It knows no statements and no columns.
 */

/** No schema version: they are 0 and more. */
const UNKNOWN = -1

/**
 * A statement compiled before an ALTER, by whichever process, is compiled again when it is run, and the
 * packages do not tell. Asking for its columns each time costs 1.7 µs for three of them, beside a point read
 * of 0.7 µs in a transaction and 1.4 outside. `PRAGMA schema_version` costs 0.65 µs outside a transaction, and
 * inside one it is asked once: nobody else can change the schema there.
 */
export class SchemaWatch {
  /** Grows whenever the schema may be another one than before. */
  #stamp = 1
  /** The sum of the schema versions of all databases but `temp`: they only grow. */
  #version = UNKNOWN
  /** Whether this transaction's schema was seen, and can only be changed by ourselves; see #touch. */
  #settled = false
  /** Whether we have changed the schema ourselves: a version that ROLLBACK takes back is another's next one. */
  #dirty = false
  /** Whether somebody else holds the connection, who may change the schema without telling. */
  #shared = false
  #versions: (() => number)[] | null = null
  readonly #prepareVersions: () => (() => number)[]

  /** `prepareVersions` makes one question for each attached database: its schema_version. */
  constructor(prepareVersions: () => (() => number)[]) {
    this.#prepareVersions = prepareVersions
  }

  get stamp(): number {
    return this.#stamp
  }

  /**
   * Looks at the schema after a statement was run, and returns the stamp. Columns that were read under the
   * stamp S are still right when this returned S before the statement and after it.
   */
  check(inTransaction: boolean): number {
    if (inTransaction && this.#settled) return this.#stamp
    const version = this.#ask()
    if (version !== this.#version || version === UNKNOWN) {
      this.#version = version
      this.#stamp++
    }
    this.#settled = inTransaction && !this.#shared && version !== UNKNOWN
    return this.#stamp
  }

  /** The statement it is asked for has succeeded, so a database that is locked just now is no error. */
  #ask(): number {
    try {
      this.#versions ??= this.#prepareVersions()
      let version = 0
      for (const ask of this.#versions) version += ask()
      return version
    } catch {
      return UNKNOWN
    }
  }

  /** After anything of our own that may have changed the schema or the databases attached. */
  touch(): void {
    this.#stamp++
    this.#settled = false
    this.#dirty = true
    this.#versions = null
  }

  /** After a statement that began or ended a transaction. */
  boundary(): void {
    this.#settled = false
  }

  /** After ROLLBACK, and after an error, which may have been one. */
  rolledBack(): void {
    this.#settled = false
    if (this.#dirty) this.#stamp++
  }

  /** When the connection itself is given away, to an initializer or a task. */
  share(): void {
    this.#shared = true
    this.touch()
  }
}

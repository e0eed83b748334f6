/**
 * Exceptions: PEP 249's optional extension "exceptions as attributes of the connection". Runs in the caller. Code
 * that is handed a connection can tell its errors without importing the module that made it.
 */
import * as errors from '../errors.ts'

/** What a Connection extends: the ten classes of PEP 249, Exceptions, the very ones that forklite exports. */
export class Exceptions {
  /** PEP 249, Exceptions, Warning. */
  get Warning(): typeof errors.Warning {
    return errors.Warning
  }

  /** PEP 249, Exceptions, Error: the base of all that follow. */
  get Error(): typeof errors.Error {
    return errors.Error
  }

  /** PEP 249, Exceptions, InterfaceError: not of the database, but of the way to it. */
  get InterfaceError(): typeof errors.InterfaceError {
    return errors.InterfaceError
  }

  /** PEP 249, Exceptions, DatabaseError: the base of all that follow. */
  get DatabaseError(): typeof errors.DatabaseError {
    return errors.DatabaseError
  }

  /** PEP 249, Exceptions, DataError: a value that does not fit. */
  get DataError(): typeof errors.DataError {
    return errors.DataError
  }

  /** PEP 249, Exceptions, OperationalError: the database or its processes, not the caller's doing. */
  get OperationalError(): typeof errors.OperationalError {
    return errors.OperationalError
  }

  /** PEP 249, Exceptions, IntegrityError: a constraint. */
  get IntegrityError(): typeof errors.IntegrityError {
    return errors.IntegrityError
  }

  /** PEP 249, Exceptions, InternalError: of SQLite itself. */
  get InternalError(): typeof errors.InternalError {
    return errors.InternalError
  }

  /** PEP 249, Exceptions, ProgrammingError: a wrong call. */
  get ProgrammingError(): typeof errors.ProgrammingError {
    return errors.ProgrammingError
  }

  /** PEP 249, Exceptions, NotSupportedError: what forklite or the SQLite package cannot do. */
  get NotSupportedError(): typeof errors.NotSupportedError {
    return errors.NotSupportedError
  }
}

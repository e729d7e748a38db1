"""Errors a user can fix, one class per kind of fix.

::

    ChongmingError
      InputFileError (ValueError)      a file is missing, unreadable, truncated or of another format
      StudyError     (ValueError)      the study file has a wrong key or value
      TableError     (ValueError)      a table breaks its contract; the message lists every fault
      CrsError       (ValueError)      a CRS is missing, wrong, or not metric where metres are needed
      NetworkError   (ValueError)      the roads cannot make the network that was asked for
      OutputError    (OSError)         a result cannot be written

"Cannot be reached" and "no feasible answer" are results (``inf``, NA, a status), never exceptions.
"""


class ChongmingError(Exception):
    """Base of every error this package raises on purpose; its message says what, where and what to do."""


class InputFileError(ChongmingError, ValueError):
    """A file is missing, unreadable, truncated or not in the format its name says."""


class StudyError(ChongmingError, ValueError):
    """The study file has a key or a value that is not allowed."""


class TableError(ChongmingError, ValueError):
    """A table breaks its contract; the message lists every fault found."""


class CrsError(ChongmingError, ValueError):
    """A coordinate reference system is missing, wrong, or not metric where metres are needed."""


class NetworkError(ChongmingError, ValueError):
    """The roads cannot make the network that was asked for."""


class OutputError(ChongmingError, OSError):
    """A result cannot be written where it was asked for."""


class ChongmingWarning(UserWarning):
    """Base of the package's own warnings."""


class KernelCacheWarning(ChongmingWarning):
    """Compiled kernels cannot be kept between runs because no cache folder is writable."""

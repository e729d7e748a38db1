"""Errors a user can fix, one class per kind of fix.

::

    ChongmingError
      InputFileError (ValueError)      a file is missing, unreadable, truncated or of another format
      StudyError     (ValueError)      the study file has a wrong key or value
      TableError     (ValueError)      a table breaks its contract; the message lists every fault
      CrsError       (ValueError)      a CRS is missing, wrong, or not metric where metres are needed
        UndeclaredDatumError           a table does not say what its coordinates are
      NetworkError   (ValueError)      the roads cannot make the network that was asked for
      SitingError    (ValueError)      a siting question contradicts itself
      RankingError   (ValueError)      sites cannot be compared by what was given
      OutputError    (OSError)         a result cannot be written
      FetchError     (OSError)         a server cannot be reached, or does not give what was asked
      BatchError     (RuntimeError)    a batch has no Dask, no scheduler, or has lost it

Faults of tables are carried one by one in ``findings`` as well; the message says them in one line.

"Cannot be reached" and "no feasible answer" are results (``inf``, NA, a status), never exceptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis.findings import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from chongming_gis.findings import Finding

    Floats = npt.NDArray[np.float64]


class ChongmingError(Exception):
    """Base of every error this package raises on purpose; its message says what, where and what to do."""

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)  # one a fault and row; empty where the message says it all


class InputFileError(ChongmingError, ValueError):
    """A file is missing, unreadable, truncated or not in the format its name says."""


class StudyError(ChongmingError, ValueError):
    """The study file has a key or a value that is not allowed."""


class TableError(ChongmingError, ValueError):
    """A table breaks its contract; the message lists every fault found."""

    kept: object = None  # what the rows without a fault make, so that the verdict can judge them too

    @classmethod
    def of(cls, findings: Sequence[Finding], *, where: str, kept: object = None) -> TableError:
        """Return the error that tells these findings about one file."""
        error = cls(f"{where}: {'; '.join(in_words(findings))}", findings)
        error.kept = kept
        return error


class CrsError(ChongmingError, ValueError):
    """A coordinate reference system is missing, wrong, or not metric where metres are needed."""


class UndeclaredDatumError(CrsError):
    """A table does not say what its coordinates are; it carries them, so that the likely answer can be told."""

    def __init__(self, finding: Finding, *, columns: tuple[str, str], coordinates: tuple[Floats, Floats]) -> None:
        super().__init__(str(finding), [finding])
        self.columns = columns  # ours: lon and lat, or x and y
        self.coordinates = coordinates  # as written; NaN where they are no numbers


class NetworkError(ChongmingError, ValueError):
    """The roads cannot make the network that was asked for."""


class SitingError(ChongmingError, ValueError):
    """A siting question contradicts itself or holds values that are no numbers."""


class RankingError(ChongmingError, ValueError):
    """Sites cannot be compared: values, weights or judgements are missing or are no numbers."""


class OutputError(ChongmingError, OSError):
    """A result cannot be written where it was asked for."""


class FetchError(ChongmingError, OSError):
    """A server cannot be reached, or does not give what was asked; the message says what to do without it."""


class BatchError(ChongmingError, RuntimeError):
    """A batch cannot start or go on: Dask is missing, or its scheduler is not there; the message says what to do."""


class ChongmingWarning(UserWarning):
    """Base of the package's own warnings."""


class KernelCacheWarning(ChongmingWarning):
    """Compiled kernels cannot be kept between runs because no cache folder is writable."""

"""Where the embedded Chongming study lies: in an installed package, or in the repository that it is run from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from chongming_gis.errors import InputFileError

_STUDY = Path("studies") / "chongming.toml"


def embedded_study_path() -> Path:
    """Return the path of the embedded study file.

    Raises
    ------
    InputFileError
        This copy of the package carries no study.
    """
    package = Path(str(resources.files("chongming_gis")))
    for root in (package / "_embedded", package.parent):
        if (root / _STUDY).is_file():
            return root / _STUDY
    raise InputFileError(f"{package}: this copy carries no embedded study ({_STUDY}); install the package again")

"""One table of a whole batch: the district's coverage in every study, scenario and draw, with what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from chongming_gis import results
from chongming_gis.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from chongming_gis.batch.scenarios import Case

COVERAGE = "coverage.csv"


def gather_coverage(cases: Sequence[Case], folder: Path, *, whole: Collection[str]) -> None:
    """Write the district's rows of every whole case's coverage into ``folder / coverage.csv``, case by case.

    Parameters
    ----------
    whole : names of the cases whose folders hold an answer; without any, no table is written

    Raises
    ------
    OutputError
        The table cannot be written.
    """
    parts = []
    keys = list(dict.fromkeys(key for case in cases for key in case.changed))
    for case in cases:
        if case.name not in whole:
            continue
        table = pd.read_csv(folder / case.name / COVERAGE, encoding="utf-8-sig", dtype={"scope_code": "str"})
        mine = table[table["scope"] == "district"].reset_index(drop=True)
        for place, key in enumerate(keys):
            mine.insert(place, key, str(case.changed.get(key, "")))
        mine.insert(0, "case", case.name)
        parts.append(mine)
    if not parts:
        return
    stage = folder / f".{COVERAGE}"
    try:
        results.write_table(pd.concat(parts, ignore_index=True), stage)
        stage.replace(folder / COVERAGE)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error}); choose another --out") from error

"""Areas matched to codes by name, through a table of codes, names and other names; rows of one code made one area."""

from __future__ import annotations

import difflib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import tables
from chongming_gis.errors import TableError
from chongming_gis.sources import headers, layers, records
from chongming_gis.sources.arearows import TOWNSHIP_ENDS, stem
from chongming_gis.sources.placenames import bare_village_name, one_spelling

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from chongming_gis.findings import Finding

_SEPARATORS = r"[、,，;；|/\s]+"
_NAMES = {
    "name_zh": ("名称", "乡镇", "乡镇名称", "街镇", "街镇名称", "村居", "村居名称", "name"),
    "name_en": ("英文名称", "英文名", "english"),
    "alias": ("别名", "曾用名", "又名", "其他名称", "aliases"),
}
_HEADERS = {
    "township_code": headers.Vocabulary(
        {"township_code": ("代码", "编码", "乡镇代码", "行政区划代码", "区划代码", "code"), **_NAMES}
    ),
    "village_code": headers.Vocabulary(
        {
            "village_code": ("代码", "编码", "村居代码", "统计用区划代码", "code"),
            "township_code": ("乡镇代码", "所属乡镇代码"),
            **_NAMES,
        }
    ),
}
_MOST_NEAR = 3
_ALIKE = 0.5  # of difflib's ratio: 城桥 and 城乔


@dataclass(frozen=True, slots=True)
class CodeTable:
    """Codes with their names: the table that says which area is which."""

    where: str
    codes: tuple[str, ...]
    names: tuple[str, ...]  # the official one of each code
    english: tuple[str | None, ...]
    townships: tuple[str | None, ...]  # of villages: the township each belongs to
    by_name: Mapping[str, tuple[int, ...]]  # every spelling -> rows

    def look_up(self, name: str, township: str | None, key: str) -> tuple[int, ...]:
        """Return the rows that a name can mean: as written, else without 镇, 乡, 街道 or 村."""
        for spelling in (one_spelling(name), short_name(name, key)):
            rows = self.by_name.get(spelling, ())
            if township is not None:
                rows = tuple(row for row in rows if self.townships[row] in {None, township})
            if rows:
                return rows
        return ()

    def near(self, name: str, key: str) -> tuple[str, ...]:
        """Return the official names that look most like a name."""
        found = difflib.get_close_matches(short_name(name, key), list(self.by_name), n=2 * _MOST_NEAR, cutoff=_ALIKE)
        names = [self.names[row] for spelling in found for row in self.by_name[spelling]]
        return tuple(dict.fromkeys(names))[:_MOST_NEAR]


@dataclass(frozen=True, slots=True)
class Coded:
    """Areas with their codes, and what was done or is wrong."""

    frame: gpd.GeoDataFrame
    faults: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)


def short_name(name: str, key: str) -> str:
    """Return a name without what offices add to it.

    Examples
    --------
    >>> short_name("城桥镇人民政府", "township_code"), short_name("南门居委会", "village_code")
    ('城桥', '南门')
    """
    return stem(name, TOWNSHIP_ENDS) if key == "township_code" else bare_village_name(name)


def read_codes(path: Path, *, key: str) -> CodeTable:
    """Return a table of codes and names.

    Parameters
    ----------
    path : a table with a column of codes, ``name_zh``, and, where there are, ``name_en``, ``alias`` (several parted
        by 、) and, for villages, ``township_code``. A code may stand in several rows; the first has its official name.
    key : ``township_code`` or ``village_code``.

    Raises
    ------
    InputFileError
        The file cannot be opened.
    TableError
        A column is missing, or a row lacks its code or name.
    """
    table = records.read_records(path, vocabulary=_HEADERS[key]).table
    missing = [name for name in (key, "name_zh") if name not in table.frame.columns]
    if missing:
        have = layers.name_columns(table.frame)
        raise TableError(f"{path}: no column {', '.join(map(repr, missing))}; the file has {have}")
    text = {name: layers.text_column(table.frame, name) for name in (key, *_NAMES, "township_code")}
    faults = list(table.faults)
    for name in (key, "name_zh"):
        faults += table.fault(text[name].isna(), f"{name} is missing", rule="code_row_incomplete", column=name)
    if faults:
        raise TableError.of(faults, where=str(path))
    official = ~text[key].duplicated()
    codes = tuple(text[key][official])
    row_of = {code: row for row, code in enumerate(codes)}
    by_name: defaultdict[str, set[int]] = defaultdict(set)
    others = text["alias"].fillna("").str.split(_SEPARATORS, regex=True)
    for code, name, aliases in zip(text[key], text["name_zh"], others, strict=True):
        for spelling in (name, *filter(None, aliases)):
            by_name[one_spelling(spelling)].add(row_of[code])
            by_name[short_name(spelling, key)].add(row_of[code])
    of_township = text["township_code"] if key == "village_code" else tables.empty_text(len(table.frame))
    return CodeTable(
        where=str(path),
        codes=codes,
        names=tuple(text["name_zh"][official]),
        english=tuple(map(_or_none, text["name_en"][official])),
        townships=tuple(map(_or_none, of_township[official])),
        by_name={name: tuple(sorted(rows)) for name, rows in by_name.items()},
    )


def _or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def give_codes(frame: gpd.GeoDataFrame, codes: CodeTable, *, key: str, where: str) -> Coded:
    """Return areas with the codes and official names of a table; every name that fits none is told with near ones.

    A code that the file itself gives must be in the table, and wins over the name.
    """
    own, names = layers.text_column(frame, key), layers.text_column(frame, "name_zh")
    is_village = key == "village_code"
    within = layers.text_column(frame, "township_code") if is_village else tables.empty_text(len(frame))
    found = np.full(len(frame), -1, dtype=np.int64)
    states, near = np.full(len(frame), "", dtype=object), np.full(len(frame), "", dtype=object)
    row_of = {code: row for row, code in enumerate(codes.codes)}
    for at, (code, name, township) in enumerate(zip(own, names, within, strict=True)):
        if isinstance(code, str):
            found[at] = row_of.get(code, -1)
            states[at] = "" if code in row_of else "code"
        elif isinstance(name, str):
            rows = codes.look_up(name, _or_none(township), key)
            found[at] = rows[0] if len(rows) == 1 else -1
            states[at] = "" if len(rows) == 1 else ("several" if rows else "name")
            near[at] = "" if rows else "、".join(codes.near(name, key))
        else:
            states[at] = "missing"
    faults = _code_faults(layers.PointTable(frame, [], first_row=1, where=where), states, near, codes, key)
    columns = {
        key: _of_rows(codes.codes, found, own),
        "name_zh": _of_rows(codes.names, found, names),
        "name_en": _of_rows(codes.english, found, layers.text_column(frame, "name_en")),
    }
    if is_village:
        columns["township_code"] = _of_rows(codes.townships, found, within)
    return Coded(frame.assign(**columns), faults)


def _of_rows(values: tuple[str | None, ...], found: npt.NDArray[np.int64], otherwise: pd.Series) -> pd.Series:
    """Return the value of the row found for each area; where it has none, what the file says."""
    taken = [values[row] if row >= 0 else None for row in found.tolist()]
    return pd.Series(taken, index=otherwise.index, dtype="str").fillna(otherwise)


def _code_faults(
    table: layers.PointTable,
    states: npt.NDArray[np.object_],
    near: npt.NDArray[np.object_],
    codes: CodeTable,
    key: str,
) -> list[Finding]:
    faults = table.fault(
        states == "code",
        f"the code is not in {codes.where}",
        rule="area_code_unknown",
        column=key,
        suggestion="correct it, or add it to the table of codes",
        details={"codes": codes.where},
    )
    faults += table.fault(
        states == "missing",
        "the area has neither a name nor a code",
        rule="area_nameless",
        column="name_zh",
        suggestion="write its name",
    )
    faults += table.fault(
        states == "several",
        f"several codes of {codes.where} have this name",
        rule="area_name_ambiguous",
        column="name_zh",
        suggestion=f"give its {key}",
        details={"codes": codes.where, "key": key},
    )
    for suggestions in dict.fromkeys(near[states == "name"].tolist()):
        faults += table.fault(
            (states == "name") & (near == suggestions),
            f"no code of {codes.where} has this name",
            rule="area_name_unknown_near" if suggestions else "area_name_unknown",
            column="name_zh",
            suggestion=f"did you mean {suggestions}? If so, add it as an alias"
            if suggestions
            else "add it to the table",
            details={"codes": codes.where, "near": suggestions},
        )
    return faults


def join_rows(frame: gpd.GeoDataFrame, contract: tables.Contract, *, where: str) -> Coded:
    """Return one row a code: the rows of one code and name joined, with a note; of several names, with an error."""
    key = contract.key[0]
    repeated = (frame[key].duplicated(keep=False) & frame[key].notna()).to_numpy()
    if not repeated.any():
        return Coded(frame)
    table = layers.PointTable(frame, [], first_row=1, where=where)
    n_names = frame[repeated].groupby(key)["name_zh"].nunique()
    differing = repeated & frame[key].isin(n_names.index[n_names > 1]).to_numpy()
    is_area = shapely.get_dimensions(frame.geometry.to_numpy()) == 2
    pointed = repeated & ~differing & frame[key].isin(frame[key][repeated & ~is_area]).to_numpy()
    faults = table.fault(
        differing,
        "rows with this code have different names",
        rule="area_code_of_several_names",
        column=key,
        suggestion="give each area its own code, or one name",
    )
    faults += table.fault(
        pointed, "another row has this code", rule="area_code_repeated", column=key, suggestion="keep one row"
    )
    joined = repeated & ~differing & ~pointed
    again = joined & frame[key].duplicated().to_numpy()
    notes = table.fault(
        joined & ~again,
        "the rows of this code were made one area",
        rule="area_rows_joined",
        column=key,
        severity="note",
    )
    shapes = frame.geometry.to_numpy().copy()
    rows = np.flatnonzero(joined)
    for of_code in frame[joined].groupby(key).indices.values():
        at = rows[of_code]
        shapes[at[0]] = shapely.union_all(shapes[at])
    whole = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return Coded(whole[~again].reset_index(drop=True), faults, notes)


def twin_names(frame: gpd.GeoDataFrame, *, where: str) -> list[Finding]:
    """Return the villages that bear the name of another one of their township."""
    table = layers.PointTable(frame, [], first_row=1, where=where)
    return table.fault(
        frame.duplicated(["township_code", "name_zh"], keep=False),
        "another village of this township has this name",
        rule="village_name_repeated",
        column="name_zh",
        suggestion="give each its full name, or both the same code",
    )

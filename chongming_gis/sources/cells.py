"""Cells as people write them -> numbers, years, degrees, yes or no: whole columns in, whole columns out.

What cannot be read for certain (``80-120``, ``若干``, ``2019.55`` for a year) is marked, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Claims: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]

#: What people write where they have nothing to say. "无" is not among them: for a number it may mean none at all.
MISSING = frozenset(
    {"", *"-–—－/／\\…?？空缺", "--", "---", "——", "//", "......", "n/a", "na", "nan", "null", "none", "nil"}
    | {"不详", "未知", "暂无", "暂缺", "待定", "待补", "待填", "未填", "未填写", "无数据"}
)

_SCALES = {"": 1.0, "十": 10.0, "百": 100.0, "千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8}
_SCALE_WORDS = "十万|百万|千万|十|百|千|万|亿"
_UNIT_WORDS = (
    "张|个|人次|人|床位|床|名|位|份|客|餐|户|间|处|座|套|穴|格|组|台|辆|岁|年|公里|千米|平方米|平米|平方|米|km|m2|m²|㎡|m|"
    "beds?|persons?|people|places?|meals?|plots?"
)
_NUMBER = re.compile(
    rf"^(?P<about>约为|大约|约|近|≈|~|ca\.?|about)?\s*"
    rf"(?P<number>[+-]?(?:\d{{1,3}}(?:[, ']\d{{3}})+|\d+)(?:\.\d+)?)\s*"
    rf"(?P<scale>{_SCALE_WORDS})?\s*(?P<unit>{_UNIT_WORDS})?\s*(?:/\s*(?:天|日|年|月|d|day))?\s*"
    rf"(?P<about_after>左右|上下)?$",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\d\s*(?:-|~|—|–|至|到|或)\s*\d|以上|以下|不足|超过|至少|最多|[<>≥≤＜＞]|余|多$")
_DATE = re.compile(
    r"^(?P<year>(?:1[89]|20|21)\d{2})\s*(?:年度?(?:\s*\d{1,2}\s*月(?:份)?(?:\s*\d{1,2}\s*[日号])?)?"
    r"|[-/]\d{1,2}(?:[-/]\d{1,2})?|\.(?:0?[1-9]|1[0-2])(?:\.\d{1,2})?|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))?"
    r"(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?\s*(?:建成|开业|成立|投用|启用|起)?$"
)
_FIRST_SERIAL, _LAST_SERIAL = 18_264, 73_050  # 1950-01-01, 2099-12-31 as Excel counts days from 1899-12-30
_FIRST_YEAR, _LAST_YEAR = 1800, 2199
_DEGREES = re.compile(
    r"^(?P<before>东经|西经|北纬|南纬|[enws])?\s*(?P<sign>[+-])?(?P<degrees>\d{1,3}(?:\.\d+)?)\s*(?:°|度|d)?\s*"
    r"(?P<after>东经|西经|北纬|南纬|[enws])?$",
    re.IGNORECASE,
)
_SEXAGESIMAL = re.compile(
    r"^(?P<before>东经|西经|北纬|南纬|[enws])?\s*(?P<sign>[+-])?(?P<degrees>\d{1,3})\s*(?:°|度|d|:|\s)\s*"
    r"(?P<minutes>\d{1,2}(?:\.\d+)?)\s*(?:'|’|‘|`|分|m|:|\s|$)\s*"
    r"(?:(?P<seconds>\d{1,2}(?:\.\d+)?)\s*(?:\"|”|“|''|’’|秒|s)?)?\s*(?P<after>东经|西经|北纬|南纬|[enws])?$",
    re.IGNORECASE,
)
_SIGNS = str.maketrans({"″": '"', "′": "'", "º": "°", "˚": "°", "−": "-", "–": "-", "‐": "-"})
_BACKWARD = frozenset({"西经", "南纬", "w", "s"})
_YES = frozenset({"1", "true", "yes", "y", "t", *"是有已√✓✔☑对", "已达标", "达标", "已标准化", "标准化", "是的"})
_NO = frozenset(
    {"0", "false", "no", "n", "f", *"否无未×✗✘", "不是", "没有", "未达标", "不达标", "非标准化", "未标准化"}
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers as read: NaN where a cell is empty or unreadable."""

    numbers: Floats
    unreadable: Claims  # text that is no number
    ranges: Claims  # of these: from-to, at least, more than
    approximate: Claims  # "约80" was read as 80


def read_numbers(column: pd.Series, *, unit: str = "") -> Numbers:
    """Return the numbers of a text column.

    Parameters
    ----------
    column : text, NA = empty.
    unit : what the header says in brackets; one that begins with 万, 千 or 百 multiplies.

    Examples
    --------
    >>> read = read_numbers(pd.Series(["１２０张", "1,200", "约80", "1.2万", "80-120", None], dtype="str"))
    >>> read.numbers.tolist()
    [120.0, 1200.0, 80.0, 12000.0, nan, nan]
    >>> read.unreadable.tolist(), read.approximate.tolist()
    ([False, False, False, False, True, False], [False, False, True, False, False, False])
    """
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan).copy()
    is_text = column.notna().to_numpy() & ~np.isfinite(values)
    ranges = np.zeros(len(column), dtype=bool)
    approximate = np.zeros(len(column), dtype=bool)
    for row in np.flatnonzero(is_text):
        text = _plain(str(column.iloc[row]))
        values[row] = np.nan
        match = _NUMBER.match(text)
        if match is None:
            ranges[row] = _RANGE.search(text) is not None
            continue
        number = float(re.sub(r"[, ']", "", match["number"]))
        values[row] = round(number * _SCALES[match["scale"] or ""], 9)
        approximate[row] = bool(match["about"] or match["about_after"])
    return Numbers(values * scale_of(unit), is_text & np.isnan(values), ranges, approximate)


def scale_of(unit: str) -> float:
    """Return by what numbers in a unit are multiplied: 10,000 for 万人.

    Examples
    --------
    >>> scale_of("万人"), scale_of("张"), scale_of("千人")
    (10000.0, 1.0, 1000.0)
    """
    found = re.match(rf"(?:单位\s*[:：]?\s*)?({_SCALE_WORDS})(?!克|瓦|米|卡|分)", unit.strip())
    return _SCALES[found.group(1)] if found else 1.0


@dataclass(frozen=True, slots=True)
class Years:
    """A column of years as read, and which cells are no year."""

    years: pd.Series  # Int64, the index of the column
    unreadable: Claims


def read_years(column: pd.Series) -> Years:
    """Return the years of a text column: years, dates as people write them, and day numbers of a spreadsheet.

    Examples
    --------
    >>> read = read_years(pd.Series(["2019", "2019年5月", "2019/5/1", "43586", "2019.6", "2019.55", None], dtype="str"))
    >>> read.years.tolist(), read.unreadable.tolist()
    ([2019, 2019, 2019, 2019, 2019, <NA>, <NA>], [False, False, False, False, False, True, False])
    """
    found = [None if missing else _year(str(text)) for text, missing in zip(column, column.isna(), strict=True)]
    values = pd.Series(pd.array(found, dtype="Int64"), index=column.index)
    return Years(values, column.notna().to_numpy() & values.isna().to_numpy())


def _year(text: str) -> int | None:
    plain = _plain(text)
    if re.fullmatch(r"\d{4,5}(?:\.0+)?", plain):
        number = int(float(plain))
        if _FIRST_YEAR <= number <= _LAST_YEAR:
            return number
        if _FIRST_SERIAL <= number <= _LAST_SERIAL:
            return int((pd.Timestamp(1899, 12, 30) + pd.Timedelta(days=number)).year)
        return None
    match = _DATE.match(plain)
    return int(match["year"]) if match else None


@dataclass(frozen=True, slots=True)
class YesNo:
    """A column of yes and no as read, and which cells are neither."""

    claims: pd.Series  # boolean with NA, the index of the column
    unreadable: Claims


def read_claims(column: pd.Series) -> YesNo:
    """Return which cells of a text column say yes.

    Examples
    --------
    >>> read_claims(pd.Series(["是", "√", "否", "也许", None], dtype="str")).claims.tolist()
    [True, True, False, <NA>, <NA>]
    """
    meaning = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}
    found = column.map(lambda text: meaning.get(_plain(str(text)).lower()), na_action="ignore")
    values = pd.Series(pd.array([value if isinstance(value, bool) else None for value in found], dtype="boolean"))
    values.index = column.index
    return YesNo(values, column.notna().to_numpy() & values.isna().to_numpy())


def read_degrees(column: pd.Series) -> Floats:
    """Return degrees of a text column: decimal, or degrees, minutes and seconds; NaN where a cell is neither.

    Examples
    --------
    >>> degrees = read_degrees(pd.Series(["121.5", "121°23′45″E", "东经121.5°", "121度30分", "西经8.25", "121.7.5"]))
    >>> degrees.round(6).tolist()
    [121.5, 121.395833, 121.5, 121.5, -8.25, nan]
    """
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan).copy()
    for row in np.flatnonzero(column.notna().to_numpy() & ~np.isfinite(values)):
        values[row] = _degrees(_plain(str(column.iloc[row])))
    return values


def _degrees(text: str) -> float:
    decimal = _DEGREES.match(text)
    match = decimal or _SEXAGESIMAL.match(text)
    if match is None:
        return float("nan")
    value = float(match["degrees"])
    if decimal is None:
        minutes, seconds = float(match["minutes"]), float(match["seconds"] or 0.0)
        if minutes >= 60.0 or seconds >= 60.0:
            return float("nan")
        value += minutes / 60.0 + seconds / 3600.0
    sides = {(match["before"] or "").lower(), (match["after"] or "").lower()}
    return -value if match["sign"] == "-" or sides & _BACKWARD else value


def split_pairs(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the two halves of a column that holds both coordinates in one cell; a cell of other than two has none.

    Examples
    --------
    >>> first, second = split_pairs(pd.Series(["121.5,31.6", "(121.5，31.6)", "121.5 31.6", "121.5"], dtype="str"))
    >>> first.tolist(), second.tolist()
    (['121.5', '121.5', '121.5', '121.5'], ['31.6', '31.6', '31.6', nan])
    """
    plain = column.map(lambda text: _plain(str(text)).strip("()[] "), na_action="ignore").astype("str")
    halves = [_halves(text) if isinstance(text, str) else ("", "") for text in plain]
    first, second = (
        pd.Series([pair[side] or None for pair in halves], index=column.index, dtype="str") for side in (0, 1)
    )
    return first, second


def _halves(text: str) -> tuple[str, str]:
    for sign in (r"\s*[,;、|]\s*", r"\s*/\s*", r"\s+"):
        parts = [part for part in re.split(sign, text) if part]
        if len(parts) == 2:
            return parts[0], parts[1]
    return text, ""


def read_words(column: pd.Series, meanings: Mapping[str, str]) -> pd.Series:
    """Return a text column with words replaced by ours; a word that is not known stays as it is.

    Examples
    --------
    >>> read_words(pd.Series(["镇 级", "Village", "省级"], dtype="str"), {"镇级": "township", "village": "v"}).tolist()
    ['township', 'v', '省级']
    """
    return _mapped(column, lambda text: meanings.get("".join(_plain(text).casefold().split()), text))


def _mapped(column: pd.Series, function: Callable[[str], str]) -> pd.Series:
    words = {text: function(str(text)) for text in column.dropna().unique()}
    return column.map(words).astype("str") if any(word != text for text, word in words.items()) else column


def _plain(text: str) -> str:
    """Return a text in half width, without blanks around it, with one kind of minus sign and of minutes and seconds."""
    return unicodedata.normalize("NFKC", text.translate(_SIGNS)).strip()

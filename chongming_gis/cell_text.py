"""Text on its way into a spreadsheet cell, made harmless: it is shown as written and never computed.

A spreadsheet program takes a cell of a CSV file that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage
return for a formula (OWASP, *CSV Injection*). Names and addresses come from files of other people, so whatever this
program writes of them goes through here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_LIVE = re.compile(r"^'*(?:[\s\u200b\ufeff]*[=+\-@＝＋－＠]|[\t\r\n])")  # with apostrophes: so that it can be undone
#: What a sheet's XML cannot hold (XML 1.0, section 2.2), besides tab, line feed and carriage return.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def harmless(text: str) -> str:
    r"""Return a text that no spreadsheet program computes: one that looks like a formula gets an apostrophe in front.

    Examples
    --------
    >>> harmless('=HYPERLINK("http://example.org")'), harmless("城桥镇敬老院"), harmless("-5 号楼")
    ('\'=HYPERLINK("http://example.org")', '城桥镇敬老院', "'-5 号楼")
    """
    return f"'{text}" if _LIVE.match(text) else text


def harmless_column(column: pd.Series) -> pd.Series:
    """Return a text column with each text made harmless; missing cells stay missing.

    Examples
    --------
    >>> import pandas as pd
    >>> harmless_column(pd.Series(["=1+1", None, "甲"], dtype="str")).tolist()
    ["'=1+1", nan, '甲']
    """
    distinct = column.drop_duplicates()  # a table repeats few names in many rows
    if not distinct.str.match(_LIVE.pattern, na=False).any():
        return column
    return column.mask(column.str.match(_LIVE.pattern, na=False), "'" + column)


def as_written(column: pd.Series) -> pd.Series:
    """Return a text column of a file that ``harmless_column`` went into as it was before.

    Examples
    --------
    >>> import pandas as pd
    >>> as_written(harmless_column(pd.Series(["=1+1", "'=1", "甲", "'甲'"], dtype="str"))).tolist()
    ['=1+1', "'=1", '甲', "'甲'"]
    """
    pattern = f"'{_LIVE.pattern.removeprefix('^')}"
    if not column.drop_duplicates().str.match(pattern, na=False).any():
        return column
    return column.mask(column.str.match(pattern, na=False), column.str[1:])


def printable(text: str) -> str:
    r"""Return a text without the control characters that XML cannot hold.

    Examples
    --------
    >>> printable("甲\x00乙"), printable("=1+1")
    ('甲乙', '=1+1')
    """
    return _UNWRITABLE.sub("", text)


def writable(text: str) -> str:
    r"""Return a harmless text without the control characters that an .xlsx cannot hold.

    Examples
    --------
    >>> writable("甲\x00乙"), writable("@SUM(A1)")
    ('甲乙', "'@SUM(A1)")
    """
    return harmless(printable(text))

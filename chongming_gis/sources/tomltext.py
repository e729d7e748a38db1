"""A mapping -> the text of a TOML file that a person goes on editing: one key a line, words above sections."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


def toml_text(
    content: Mapping[str, Any], *, inline: Collection[str] = (), words: Mapping[str, str] | None = None
) -> str:
    """Return the TOML of a mapping.

    Parameters
    ----------
    inline : keys whose tables are written on the line of the key.
    words : section (``sources.roads``) -> what is written above it.

    Examples
    --------
    >>> content = {"id": "a", "sources": {"roads": {"path": "r.pbf"}}, "modes": [{"id": "walk", "limits": [{"m": 1}]}]}
    >>> print(toml_text(content, inline={"limits"}, words={"modes": "ways of getting there"}))
    id = "a"
    <BLANKLINE>
    [sources.roads]
    path = "r.pbf"
    <BLANKLINE>
    # ways of getting there
    [[modes]]
    id = "walk"
    limits = [{ m = 1 }]
    <BLANKLINE>
    """
    return "\n".join([*_lines("", content, frozenset(inline), words or {}), ""])


def _lines(name: str, table: Mapping[str, Any], inline: frozenset[str], words: Mapping[str, str]) -> Iterator[str]:
    for key, value in table.items():
        if key in inline or not _is_section(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        if key in inline or not _is_section(value):
            continue
        inside = f"{name}.{_key(key)}" if name else _key(key)
        said = [f"# {line}" for line in words.get(inside, "").splitlines()]
        if isinstance(value, dict):
            has_lines = any(k in inline or not _is_section(v) for k, v in value.items())
            yield from ["", *said, f"[{inside}]"] if has_lines else []
            yield from _lines(inside, value, inline, words)
            continue
        for number, item in enumerate(value):
            yield from ["", *(said if number == 0 else []), f"[[{inside}]]"]
            yield from _lines(inside, item, inline, words)


def _is_section(value: object) -> bool:
    is_tables = isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict) or is_tables


def _key(key: str) -> str:
    return key if _BARE.match(key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dt.date, int, float)):
        return value.isoformat() if isinstance(value, dt.date) else repr(value)
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_value(inside)}' for key, inside in value.items())} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")

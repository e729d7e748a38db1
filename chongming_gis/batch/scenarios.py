"""Which studies a batch holds: the files, each as it is or once for every combination of changed keys."""

from __future__ import annotations

import copy
import itertools
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chongming_gis.batch.shards import Outcome
from chongming_gis.config import parse_study, read_study
from chongming_gis.errors import ChongmingError, StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chongming_gis.config import StudyConfig

_UNFIT = re.compile(r"[^\w.=+-]+")  # for the name of a folder


@dataclass(frozen=True, slots=True)
class Case:
    """One study of a batch; its name is that of its folder."""

    name: str
    study: StudyConfig


def read_changes(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values that each key takes, from texts like ``seed=1|2|3``.

    Raises
    ------
    StudyError
        A text is not KEY=VALUE, or a value is no TOML value; every one is listed.

    Examples
    --------
    >>> read_changes(["seed=1|2", "region.search_limit_min=60", "outputs.language='en'"])
    {'seed': (1, 2), 'region.search_limit_min': (60,), 'outputs.language': ('en',)}
    """
    found: dict[str, tuple[Any, ...]] = {}
    faults = []
    for text in texts:
        key, equals, values = text.partition("=")
        if not (key.strip() and equals):
            faults.append(f"--set {text!r}: is not KEY=VALUE")
            continue
        try:
            found[key.strip()] = tuple(_value(value) for value in values.split("|"))
        except ValueError as error:
            faults.append(f"--set {text!r}: {error}")
    if faults:
        raise StudyError("\n".join(faults))
    return found


def cases_of(
    paths: Iterable[Path | str], changes: Mapping[str, tuple[Any, ...]] | None = None
) -> tuple[list[Case], list[Outcome]]:
    """Return every study of a batch, and an outcome for each that cannot be read or has no name of its own.

    Parameters
    ----------
    changes : values by key, as ``services.meal_point.standards.walk15.limits.0.minutes`` (ids or numbers name the
        entries of lists); each combination makes a scenario of each study
    """
    cases: list[Case] = []
    failed: list[Outcome] = []
    for path in map(Path, paths):
        try:
            plain = read_study(path)
            made = [Case(plain.id, plain)] if not changes else _scenarios(path, changes)
        except ChongmingError as error:
            failed.append(Outcome(path.as_posix(), "failed", error=str(error)))
            continue
        cases += made
    twice = {name for name, count in Counter(case.name for case in cases).items() if count > 1}
    failed += [
        Outcome(name, "failed", error=f"{name}: several studies of this batch have this id; give each its own")
        for name in sorted(twice)
    ]
    return [case for case in cases if case.name not in twice], failed


def _scenarios(path: Path, changes: Mapping[str, tuple[Any, ...]]) -> list[Case]:
    content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    made = []
    for values in itertools.product(*changes.values()):
        changed = copy.deepcopy(content)
        for key, value in zip(changes, values, strict=True):
            _put(changed, key, value, where=str(path))
        told = "+".join(f"{key.rpartition('.')[2]}={value}" for key, value in zip(changes, values, strict=True))
        study = parse_study(changed, folder=path.resolve().parent, where=f"{path} with {told}")
        made.append(Case(_UNFIT.sub("-", f"{study.id}+{told}"), study))
    return made


def _put(content: dict[str, Any], key: str, value: Any, *, where: str) -> None:
    *parents, last = key.split(".")
    here: Any = content
    for part in parents:
        here = here.setdefault(part, {}) if isinstance(here, dict) else _entry(here, part)
        if not isinstance(here, (dict, list)):
            raise StudyError(f"{where}: --set {key}: there is no {part!r} that holds other keys")
    if not isinstance(here, dict):
        raise StudyError(f"{where}: --set {key}: {last!r} is an entry of a list; name a key of that entry")
    here[last] = value


def _entry(entries: Any, part: str) -> Any:
    """Return the entry of a list with an id or a number; None where there is none."""
    if not isinstance(entries, list):
        return None
    named = [entry for entry in entries if isinstance(entry, dict) and entry.get("id") == part]
    if named:
        return named[0]
    return entries[int(part)] if part.isdecimal() and int(part) < len(entries) else None


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        if re.fullmatch(r"[\w-]+", text.strip()):
            return text.strip()  # a bare word: shells eat quotes
        raise ValueError(f"{text!r} is no TOML value (a number, true, 'text', [1, 2])") from None

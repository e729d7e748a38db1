"""Which studies a batch holds: the files, each as it is, for every combination of changed keys, or for random draws."""

from __future__ import annotations

import copy
import itertools
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chongming_gis.batch.shards import Outcome
from chongming_gis.config import parse_study, read_study
from chongming_gis.errors import ChongmingError, StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chongming_gis.config import StudyConfig

_RANGE = re.compile(r"\s*(\S+?)\.\.(\S+)\s*")
_UNFIT = re.compile(r"[^\w.=+-]+")  # for the name of a folder


@dataclass(frozen=True, slots=True)
class Case:
    """One study of a batch; its name is that of its folder, ``changed`` what was changed in it, by key."""

    name: str
    study: StudyConfig
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spread:
    """A range to draw from, both ends included: whole numbers where both are, else any number."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not -np.inf < self.low <= self.high < np.inf:
            raise ValueError(f"{self.low}..{self.high} is no range from a number to one that is not lower")

    def draw(self, rng: np.random.Generator) -> float:
        """Return one number, all as likely."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return int(rng.integers(self.low, self.high, endpoint=True))
        return float(rng.uniform(self.low, self.high))


def read_changes(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values that each key takes, from texts like ``seed=1|2|3``; ``1..9`` is a range to draw from.

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
    paths: Iterable[Path | str], changes: Mapping[str, tuple[Any, ...]] | None = None, *, draws: int = 0
) -> tuple[list[Case], list[Outcome]]:
    """Return every study of a batch, and an outcome for each that cannot be read or has no name of its own.

    Parameters
    ----------
    changes : values by key, as ``services.meal_point.standards.walk15.limits.0.minutes`` (ids or numbers name the
        entries of lists); each combination makes a scenario of each study
    draws : how often numbers are drawn for all ranges (``Spread``) together, in each combination; draw n of a study is
        the same whatever their number

    Raises
    ------
    StudyError
        There are draws but no range to draw from, or a range but no draws.
    """
    if (draws > 0) != any(isinstance(value, Spread) for values in (changes or {}).values() for value in values):
        raise StudyError("--draws N goes with a range to draw from, as --set modes.walk.speed_kmh=3.0..4.2")
    cases: list[Case] = []
    failed: list[Outcome] = []
    for path in map(Path, paths):
        try:
            plain = read_study(path)
            made = [Case(plain.id, plain)] if not changes else _scenarios(path, plain, changes, draws)
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


def _scenarios(path: Path, plain: StudyConfig, changes: Mapping[str, tuple[Any, ...]], draws: int) -> list[Case]:
    content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    made = []
    for values in itertools.product(*changes.values()):
        combination = dict(zip(changes, values, strict=True))
        for number in range(1, draws + 1) if draws else [None]:
            drawn = combination if number is None else _drawn(combination, plain.seed, number)
            changed = copy.deepcopy(content)
            for key, value in drawn.items():
                _put(changed, key, value, where=str(path))
            fixed = {key: value for key, value in combination.items() if not isinstance(value, Spread)}
            told = [f"{key.rpartition('.')[2]}={value}" for key, value in fixed.items()]
            told += [] if number is None else [f"draw={number:0{len(str(draws))}d}"]
            study = parse_study(changed, folder=path.resolve().parent, where=f"{path} with {'+'.join(told)}")
            made.append(Case(_UNFIT.sub("-", "+".join([study.id, *told])), study, drawn))
    return made


def _drawn(combination: Mapping[str, Any], seed: int, number: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, number])
    return {key: value.draw(rng) if isinstance(value, Spread) else value for key, value in combination.items()}


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
    ends = _RANGE.fullmatch(text)
    if ends:
        low, high = (_value(end) for end in ends.groups())
        if not all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in (low, high)):
            raise ValueError(f"{text!r} is no range of two numbers")
        return Spread(low, high)
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        if re.fullmatch(r"[\w-]+", text.strip()):
            return text.strip()  # a bare word: shells eat quotes
        raise ValueError(f"{text!r} is no TOML value (a number, true, 'text', [1, 2])") from None

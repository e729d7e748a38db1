"""Chinese names of villages, townships and roads: the spellings that mean one place, and names one character off.

Pure text: it knows no positions.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chongming_gis.sources.arearows import TOWNSHIP_ENDS, stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHORTEST_BARE = 2  # 堡 for 堡镇 is no name by itself
_VILLAGE_OFFICE = re.compile(r"(?:村民委员会|村委会|村委)$")
_NEIGHBOURHOOD_OFFICE = re.compile(r"(?:(?:社区)?(?:居民委员会|居委会|居委)|社区|居民区)$")
_VILLAGE_FORMS = ("村", "村村民委员会", "村村委会", "村村委", "村民委员会", "村委会", "村委")
_NEIGHBOURHOOD_FORMS = ("社区", "居委会", "居委", "居民委员会", "居民区", "社区居委会", "社区居委", "社区居民委员会")
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")
_SEVERAL = re.compile(r"[/;；、|]")


def one_spelling(text: str) -> str:
    """Return a text in half-width letters and digits, without spaces.

    Examples
    --------
    >>> one_spelling("堡镇　１２３ 号（东）")
    '堡镇123号(东)'
    """
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def village_names(name: str) -> tuple[str, ...]:
    """Return the spellings of a village or neighbourhood that addresses use, its plain one first.

    A village (村) and a neighbourhood (居委会, 社区) of one name are two places, so neither takes the other's forms.

    Examples
    --------
    >>> village_names("富民村村委会")[:3], village_names("南门居委会")[:3]
    (('富民村', '富民村村民委员会', '富民村村委会'), ('南门社区', '南门居委会', '南门居委'))
    >>> "玉环新村" in village_names("玉环新村居委会")
    True
    """
    text = one_spelling(name)
    without = _NEIGHBOURHOOD_OFFICE.sub("", text)
    if without != text and without:
        itself = (without,) if without.endswith("村") else ()
        return tuple(dict.fromkeys((*(without + form for form in _NEIGHBOURHOOD_FORMS), text, *itself)))
    core = _VILLAGE_OFFICE.sub("", text).removesuffix("村")
    if core and core != text:
        return tuple(dict.fromkeys((*(core + form for form in _VILLAGE_FORMS), text)))
    return (text,)


def bare_village_name(name: str) -> str:
    """Return a village's name without 村, 居委会 and the like, as columns of village names have it.

    Examples
    --------
    >>> bare_village_name("富民村村委会"), bare_village_name("北门社区居委会"), bare_village_name("玉环新村居委会")
    ('富民', '北门', '玉环新村')
    """
    text = one_spelling(name)
    without = _NEIGHBOURHOOD_OFFICE.sub("", text)
    if without != text and without:
        return without
    return _VILLAGE_OFFICE.sub("", text).removesuffix("村") or text


def township_names(name: str) -> tuple[str, ...]:
    """Return the spellings of a township, its full name first; one without 镇 or 乡 only where it has two characters.

    Examples
    --------
    >>> township_names("港西镇"), township_names("堡镇")
    (('港西镇', '港西', '港西镇人民政府', '港西镇政府'), ('堡镇', '堡镇人民政府', '堡镇政府'))
    >>> township_names("城桥")  # a border file without endings: addresses have them
    ('城桥', '城桥镇', '城桥乡', '城桥街道', '城桥人民政府', '城桥政府')
    """
    text = one_spelling(name)
    bare = stem(text, TOWNSHIP_ENDS)
    short = (bare,) if len(bare) >= SHORTEST_BARE else ()
    long = (f"{text}镇", f"{text}乡", f"{text}街道") if bare == text else ()
    return tuple(dict.fromkeys((text, *short, *long, f"{text}人民政府", f"{text}政府")))


def road_names(name: str) -> tuple[str, ...]:
    """Return the names that a road's name tag holds.

    Examples
    --------
    >>> road_names("丰乐公路/新环路"), road_names("崇明大道(二期)"), road_names("G40 长兴岛段")
    (('丰乐公路', '新环路'), ('崇明大道(二期)', '崇明大道'), ('G40长兴岛段',))
    """
    found: list[str] = []
    for part in _SEVERAL.split(name):
        text = one_spelling(part)
        found += [text, _BRACKETS.sub("", text)]
    return tuple(dict.fromkeys(text for text in found if text))


@dataclass(frozen=True, slots=True)
class NearNames:
    """Known names, to be asked for those that differ from a text in one character.

    Every name is filed under itself and under itself less one character; two texts that differ in one character share
    one of these.
    """

    filed: Mapping[str, tuple[str, ...]]
    _asked: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, names: Iterable[str]) -> NearNames:
        """Return the index of some names."""
        filed: defaultdict[str, set[str]] = defaultdict(set)
        for name in names:
            for key in _less_one(name):
                filed[key].add(name)
        return cls({key: tuple(sorted(found)) for key, found in filed.items()})

    def near(self, text: str) -> tuple[str, ...]:
        """Return the known names that are one character off: another, one more, or one less.

        Examples
        --------
        >>> NearNames.of(["富民村", "东海村"]).near("富明村"), NearNames.of(["富民村"]).near("村")
        (('富民村',), ())
        """
        if text not in self._asked:
            found = {name for key in _less_one(text) for name in self.filed.get(key, ())}
            self._asked[text] = tuple(sorted(name for name in found if is_one_off(text, name)))
        return self._asked[text]


def _less_one(text: str) -> set[str]:
    return {text, *(text[:at] + text[at + 1 :] for at in range(len(text)))}


def is_one_off(one: str, other: str) -> bool:
    """Return whether two texts differ in exactly one character: replaced, added or left out.

    Examples
    --------
    >>> is_one_off("富明村", "富民村"), is_one_off("富民", "富民村"), is_one_off("民富村", "富民村")
    (True, True, False)
    """
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    short, long = sorted((one, other), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))

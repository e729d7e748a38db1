"""Chinese addresses taken apart: which known places a text names, which unknown ones, which number and group.

Names are matched whole, the longest first, and only where a name can begin: 新港村 is not found in 东新港村, nor
富民村 in 富民村路. What a text names but the lexicon does not know is handed back, so that it can be told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from chongming_gis.sources.placenames import SHORTEST_BARE, one_spelling

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["township", "village", "road", "facility"]
KINDS: tuple[Kind, ...] = ("village", "road", "township", "facility")  # of one length, the first is meant


class Ref(NamedTuple):
    """One place of the gazetteer: a row of its table of that kind."""

    kind: Kind
    row: int


class Mention(NamedTuple):
    """A name in a text and the places that bear it."""

    kind: Kind
    text: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """What a text says about where a place is."""

    mentions: tuple[Mention, ...] = ()
    unknown_roads: tuple[str, ...] = ()
    unknown_villages: tuple[str, ...] = ()
    unknown_townships: tuple[str, ...] = ()
    number: str = ""  # 12号, 3弄
    group: str = ""  # 3组, 5队
    offset_m: float = 0.0  # 陈海公路以北300米

    def of(self, kind: Kind) -> tuple[Mention, ...]:
        """Return the mentions of one kind, each text once."""
        return tuple(dict.fromkeys(mention for mention in self.mentions if mention.kind == kind))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Names and the places that bear them."""

    names: Mapping[str, tuple[Ref, ...]]
    bare_villages: Mapping[str, tuple[int, ...]]  # without 村; meant only before a group: 富民3组
    regions: tuple[str, ...] = ()  # what may stand before a township: 上海, 崇明
    longest: int = field(init=False)

    def __post_init__(self) -> None:
        """Keep the length of the longest name."""
        object.__setattr__(self, "longest", max(map(len, self.names), default=0))

    def find(self, text: str, at: int) -> Mention | None:
        """Return the longest name that begins at a place of a text and can end where it ends."""
        for length in range(min(self.longest, len(text) - at), SHORTEST_BARE - 1, -1):
            name = text[at : at + length]
            refs = self.names.get(name)
            if refs is None:
                continue
            for kind in KINDS:
                rows = tuple(ref.row for ref in refs if ref.kind == kind)
                if rows and _can_end(kind, name, text, at + length):
                    return Mention(kind, name, rows)
        return None


_CHINESE = "\u3400-\u9fff"
_ADMIN = re.compile(
    rf"(?:[{_CHINESE}]{{2,3}}省)?(?:[^\W路街村镇乡道]{{2,4}}市)?(?:[^\W路街村镇乡道]{{1,4}}(?:(?<![社园小街])区|县))?"
)
_REGION_END = re.compile(r"[省市区县岛]?")
_NUMBER = r"第?(?:\d+[A-Za-z]?(?:-\d+)?|[一二三四五六七八九十百]{1,4})"
_UNIT = re.compile(
    rf"(?:{_NUMBER}(?P<place>村民小组|小组|组|生产队|队|号楼|号|弄|幢|室|楼|层|栋))"
    r"|(?:约?(?P<length>\d+(?:\.\d+)?)(?P<measure>米|公里|千米))"
)
_LENGTH_UNITS_M = {"米": 1.0, "公里": 1000.0, "千米": 1000.0}
_GROUP_UNITS = {"村民小组", "小组", "组", "生产队", "队"}
_ROAD_TAIL = re.compile(r"[东南西北中]?(?:公路|大道|路|街(?!道)|巷)|[东南西北中]?支路")
_AREA_TAIL = re.compile(r"(?:新|小)?(?:村(?!口)|区)|社区|居委|居民")
_BARE_TOWNSHIP_TAIL = re.compile(
    r"(?:[东南西北中新老]?(?:公路|大道|路|街|巷|村|社区|居委|居民|小区|港|桥|河|新村)|[镇乡区县市])"
)
_ENDS = ("镇", "乡", "街道")
_JOINS = re.compile(r"(?:交叉口|交汇处|交界处|路口|靠近|位于|附近|旁边|[近与及和旁侧边口在至到原靠内外])+$")
_SEPARATOR = re.compile(r"[^\w]|[_·]")
_LEADING = "近与及和在原位于"
_WHOLE = re.compile(r"(?:公路|大道|[路街巷村镇乡]|社区|居委会|居委|街道|小区|委员会|村委会|村委)$")
_UNKNOWN_ROAD = re.compile(
    rf"[{_CHINESE}]{{1,9}}?(?:公路|大道|大街|[路街巷])(?![东南西北中]?[路街]|道|社区|居委|居民|(?:新|小)?村)"
)
_BREAKS = re.compile(r"(?<=[A-Za-z.,;:!?)])\s+|\s+(?=[A-Za-z(])")
_NEIGHBOURHOOD = "(?:社区居民委员会|社区居委会?|社区|居委会|居委|居民委员会)"
_UNKNOWN_VILLAGE = re.compile(
    rf"[{_CHINESE}]{{1,9}}?(?:村(?:村?民?委员会|村?委会|村?委)?{_NEIGHBOURHOOD}?|{_NEIGHBOURHOOD})"
)
_UNKNOWN_TOWNSHIP = re.compile(rf"^[{_CHINESE}]{{1,5}}?(?:镇|乡|街道)")


def _can_end(kind: Kind, name: str, text: str, end: int) -> bool:
    """Return whether a name is not the beginning of another one: 富民村 of 富民村路, 建设 of 建设公路."""
    if kind == "village":
        return _ROAD_TAIL.match(text, end) is None
    if kind == "road":
        return _AREA_TAIL.match(text, end) is None
    if kind == "township" and not name.endswith((*_ENDS, "政府")):
        return _BARE_TOWNSHIP_TAIL.match(text, end) is None
    return True


def read_address(text: str, lexicon: Lexicon) -> Address:
    """Return what a text says about where a place is.

    Examples
    --------
    >>> lexicon = Lexicon({"港西镇": (Ref("township", 0),), "富民村": (Ref("village", 3),)}, {})
    >>> found = read_address("上海市崇明区港西镇富民村３组", lexicon)
    >>> [mention.text for mention in found.mentions], found.group
    (['港西镇', '富民村'], '3组')
    >>> read_address("港西镇东富民村", lexicon).unknown_villages
    ('东富民村',)
    """
    text = one_spelling(_BREAKS.sub(",", text))
    at = _after_regions(text, lexicon)
    mentions: list[Mention] = []
    unread: list[str] = []
    pending, number, group, offset_m = "", "", "", 0.0
    while at < len(text):
        found = _name_at(text, at, lexicon, mentions) if _can_begin(pending, mentions) else None
        unit = None if found else _UNIT.match(text, at)
        if found is None and unit is None:
            pending += text[at]
            at += 1
            continue
        unread.append(pending)
        pending = ""
        if found is not None:
            mentions.append(found)
            at += len(found.text)
        elif unit is not None:
            if unit["place"] in _GROUP_UNITS:
                group = group or unit.group()
            elif unit["measure"]:
                offset_m += _LENGTH_UNITS_M[unit["measure"]] * float(unit["length"])
            else:
                number = number or unit.group()
            at = unit.end()
    unread.append(pending)
    mentioned = Address(mentions=tuple(mentions), number=number, group=group, offset_m=offset_m)
    return _with_unknown(mentioned, unread)


def _name_at(text: str, at: int, lexicon: Lexicon, mentions: list[Mention]) -> Mention | None:
    found = lexicon.find(text, at)
    if found is not None and found.kind == "township" and any(mention.kind == "township" for mention in mentions):
        begins_road = _ROAD_TAIL.match(text, at + len(found.text)) is not None  # 堡镇堡镇北路
        if begins_road or not found.text.endswith(_ENDS):  # 新海镇新海某社区
            found = None
    if found is not None:
        return found
    for length in range(min(6, len(text) - at), SHORTEST_BARE - 1, -1):
        rows = lexicon.bare_villages.get(text[at : at + length])
        unit = _UNIT.match(text, at + length) if rows else None
        if rows and unit is not None and unit["place"] in _GROUP_UNITS:
            return Mention("village", text[at : at + length], rows)
    return None


def _can_begin(pending: str, mentions: list[Mention]) -> bool:
    """Return whether a name can begin behind what was read: not in the middle of another, unknown one."""
    if not pending or _SEPARATOR.match(pending[-1]) or _WHOLE.search(pending):
        return True
    word = _SEPARATOR.split(pending)[-1]
    joined = _JOINS.search(word)
    return joined is not None and (joined.start() == 0 or bool(mentions and _is_filler(word)))


def _is_filler(word: str) -> bool:
    return len(word) <= 3 and _UNKNOWN_ROAD.match(word) is None


def _after_regions(text: str, lexicon: Lexicon) -> int:
    """Return where the text begins behind province, city and district."""
    at = 0
    while at < len(text) and lexicon.find(text, at) is None:
        region = next((name for name in lexicon.regions if text.startswith(name, at)), None)
        admin = _ADMIN.match(text, at)
        if region is not None:
            end = _REGION_END.match(text, at + len(region))
            after = end.end() if end is not None else at + len(region)
            begins = after < len(text) and (
                lexicon.find(text, after) is not None
                or text.startswith(lexicon.regions, after)
                or _UNKNOWN_TOWNSHIP.match(text[after:]) is not None
            )
            if begins or after > at + len(region):
                at = after
                continue
        if admin is None or admin.end() == at:
            break
        at = admin.end()
    return at


def _with_unknown(address: Address, unread: list[str]) -> Address:
    """Return an address with the names that the texts between the known ones hold."""
    roads: list[str] = []
    villages: list[str] = []
    townships: list[str] = []
    for at, part in enumerate(unread):
        for piece in _SEPARATOR.split(part):
            word = _JOINS.sub("", piece)
            if at == 0:
                first = _UNKNOWN_TOWNSHIP.match(word)
                if first is not None and not _ROAD_TAIL.match(word, first.end()):
                    townships.append(first.group())
                    word = word[first.end() :]
            roads += _UNKNOWN_ROAD.findall(word)
            villages += _UNKNOWN_VILLAGE.findall(_UNKNOWN_ROAD.sub(" ", word))
    return replace(
        address,
        unknown_roads=_bare(roads),
        unknown_villages=_bare(villages),
        unknown_townships=_bare(townships),
    )


def _bare(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lstrip(_LEADING) or name for name in names))

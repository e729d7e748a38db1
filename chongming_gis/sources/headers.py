"""Headers as offices write them -> our columns: synonyms in Chinese and English, units in brackets, line breaks.

A header means a column only where it is listed here (or named by the study's ``columns``). Two headers of one table
that could both be a column are told, and none is taken.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LONGEST = 60  # characters; what is longer is a sentence
_BRACKETS = re.compile(r"[(\[{<【〔「『《]([^()\[\]{}<>【】〔〕「」『』《》]*)[)\]}>】〕」』》]")
_NOISE = re.compile(r"[\s:：*＊#、。,，;；_\-—/\\|·.\"'“”‘’?？!！\u200b-\u200f\ufeff]+")
_NUMBERING = re.compile(r"^(?:[0-9]{1,2}|[一二三四五六七八九十]{1,2})[、.．)]")
_UNIT_AFTER_SLASH = re.compile(r"^(.*[^/])/\s*([^/0-9]{1,4})$")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which headers mean which of our columns.

    ``shared`` are the columns whose value may stand once for several rows (merged cells): a township does, a number
    of beds does not.
    """

    synonyms: Mapping[str, tuple[str, ...]]
    shared: frozenset[str] = frozenset()
    minor: frozenset[str] = frozenset({"address", "source", "data_kind", "site_id", "kind"})  # a clash is a warning
    by_key: Mapping[str, str] = field(init=False, repr=False)  # normalised header -> our column

    def __post_init__(self) -> None:
        found: dict[str, str] = {}
        for ours, theirs in self.synonyms.items():
            for header in (ours, *theirs):
                found.setdefault(key_of(header), ours)
        object.__setattr__(self, "by_key", MappingProxyType(found))

    def plus(self, more: Mapping[str, Sequence[str]], *, shared: Iterable[str] = ()) -> Vocabulary:
        """Return a vocabulary with further synonyms, which win over those it has."""
        merged = {ours: tuple(theirs) for ours, theirs in more.items()}
        for ours, theirs in self.synonyms.items():
            merged[ours] = (*merged.get(ours, ()), *theirs)
        return replace(self, synonyms=merged, shared=self.shared | frozenset(shared))

    def column_of(self, header: str) -> str | None:
        """Return our column that a header means, or None.

        Examples
        --------
        >>> FACILITIES.column_of("机构名称"), FACILITIES.column_of("床位数（张）"), FACILITIES.column_of("电话")
        ('name_zh', 'capacity_beds', None)
        >>> FACILITIES.column_of("坐标（经度）"), FACILITIES.column_of("Ｌｏｎｇｉｔｕｄｅ")
        ('lon', 'lon')
        """
        if len(header) > _LONGEST:
            return None
        if header in self.synonyms:
            return header
        for key in _keys_of(header):
            if key in self.by_key:
                return self.by_key[key]
        return None

    def count_known(self, headers: Iterable[str]) -> int:
        """Return how many of our columns some headers name."""
        words = (header for header in headers if header and not header[0].isdecimal())
        return len({ours for header in words if (ours := self.column_of(header)) is not None})


@dataclass(frozen=True, slots=True)
class HeaderMap:
    """What the headers of a table mean."""

    columns: dict[str, int]  # our column -> its position
    clashes: dict[str, list[int]]  # our column -> the positions that could all be it
    units: dict[str, str]  # our column -> what its header says in brackets or behind a slash


def map_headers(headers: Sequence[str], vocabulary: Vocabulary, *, taken: Mapping[str, int] | None = None) -> HeaderMap:
    """Return what headers mean; ``taken`` are the columns that the study names itself, by position."""
    taken = taken or {}
    found: dict[str, list[int]] = {}
    used = set(taken.values())
    for position, header in enumerate(headers):
        ours = vocabulary.column_of(header) if header and position not in used else None
        if ours is not None and ours not in taken:
            found.setdefault(ours, []).append(position)
    columns, clashes = dict(taken), {}
    for ours, positions in found.items():
        exact = [position for position in positions if headers[position].strip() == ours]
        if len(positions) == 1 or len(exact) == 1:
            columns[ours] = (exact or positions)[0]
        else:
            clashes[ours] = positions
    units = {ours: unit for ours, position in columns.items() if (unit := unit_of(headers[position]))}
    return HeaderMap(columns, clashes, units)


def key_of(header: str) -> str:
    """Return a header without width, case, blanks and punctuation, for comparing.

    Examples
    --------
    >>> key_of("机构 名称：*"), key_of("Bed Count")
    ('机构名称', 'bedcount')
    """
    text = unicodedata.normalize("NFKC", header).casefold()
    return _NOISE.sub("", _BRACKETS.sub(r"\1", text))


def unit_of(header: str) -> str:
    """Return what a header says in brackets or behind a slash, or nothing.

    Examples
    --------
    >>> unit_of("人口（万人）"), unit_of("床位数/张"), unit_of("名称")
    ('万人', '张', '')
    """
    text = unicodedata.normalize("NFKC", header).strip()
    inside = _BRACKETS.search(text)
    if inside:
        return inside.group(1).strip()
    after = _UNIT_AFTER_SLASH.match(text)
    return after.group(2).strip() if after else ""


@lru_cache(maxsize=4096)
def _keys_of(header: str) -> tuple[str, ...]:
    """Return the keys a header may be listed under, the fullest first."""
    text = unicodedata.normalize("NFKC", header).casefold().strip()
    bare = _BRACKETS.sub("", text)
    after = _UNIT_AFTER_SLASH.match(bare.strip())
    variants = [text, bare, *([after.group(1)] if after else []), _NUMBERING.sub("", bare.strip())]
    return tuple(dict.fromkeys(key for variant in variants if (key := key_of(variant))))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: Our columns that any table of places may have.
_PLACE: dict[str, tuple[str, ...]] = {
    "address": _words(
        "地址 详细地址 坐落 座落 机构地址 单位地址 设施地址 服务地址 所在地址 所在地 地点 地理位置 具体地址 具体位置 "
        "住址 详址 场所地址 经营地址 门牌地址 位置描述"
    ),
    "lon": _words(
        "经度 东经 lng long longitude 坐标经度 经度坐标 位置经度 经度e x经度 经度x lon84 lng84 wgs84经度 "
        "gcj02经度 bd09经度 百度经度 高德经度"
    ),
    "lat": _words(
        "纬度 北纬 latitude 坐标纬度 纬度坐标 位置纬度 纬度n y纬度 纬度y lat84 wgs84纬度 gcj02纬度 bd09纬度 "
        "百度纬度 高德纬度"
    ),
    "lon_lat": _words(
        "经纬度 经纬度坐标 坐标 位置坐标 地理坐标 经度纬度 坐标经度纬度 lonlat lnglat coordinates gps gps坐标"
    ),
    "x": _words("x坐标 坐标x 横坐标 东坐标 easting xcoord pointx pointx米"),
    "y": _words("y坐标 坐标y 纵坐标 北坐标 northing ycoord pointy pointy米"),
    "township_name": _words(
        "乡镇 街镇 镇 所属乡镇 所在乡镇 所属街镇 所在街镇 乡镇名称 街镇名称 镇名 乡镇街道 街道乡镇 街道 "
        "所属街道 所在街道 街道名称 属地 所属镇 所在镇 乡镇名 街道镇 township town subdistrict"
    ),
    "village_name": _words(
        "村居 村 村名 所属村 所在村 所属村居 所在村居 村居名称 行政村 村委会 居委会 村居委 村居委会 社区 "
        "所属社区 所在社区 村社区 社区名称 村名称 所属行政村 村居委名称 village community"
    ),
    "township_code": _words("乡镇代码 街镇代码 乡镇编码 乡镇区划代码 街道代码 乡镇行政区划代码"),
    "village_code": _words("村居代码 村代码 村编码 村居编码 村区划代码 统计用区划代码 村行政区划代码"),
    "position_quality_m": _words("位置精度 定位精度 坐标精度 位置误差 定位误差 精度米"),
    "data_kind": _words("数据类型 数据性质 数据种类"),
    "source": _words("数据来源 来源 资料来源"),
}

_SHARED_PLACE = ("address", "township_name", "village_name", "township_code", "village_code", "data_kind", "source")

FACILITIES = Vocabulary(
    {
        **_PLACE,
        "facility_id": _words(
            "设施编号 设施编码 设施id 机构编号 机构编码 机构代码 机构id 点位编号 站点编号 统一社会信用代码 id"
        ),
        "service": _words("服务 服务项目 服务编号 公共服务 设施大类"),
        "name_zh": _words(
            "名称 机构名称 单位名称 设施名称 站点名称 点位名称 场所名称 项目名称 服务点名称 网点名称 机构全称 "
            "单位全称 名称全称 设施名 机构名 单位名 机构 养老机构名称 助餐点名称 助餐点 助餐场所名称 "
            "日间服务中心名称 活动室名称 墓地名称 骨灰堂名称 中心名称 name nameoffacility facility facilityname"
        ),
        "site_id": _words("场所编号 所在综合体 综合体编号 综合体 共用场地编号 场地编号"),
        "kind": _words("类型 类别 机构类型 设施类型 单位类型 机构类别 设施类别 种类 type"),
        "level": _words("级别 层级 设施级别 机构级别 设施层级 服务层级 建设级别"),
        "serves": _words("服务范围 服务对象范围 服务区域 辐射范围 覆盖范围"),
        "status": _words(
            "状态 运营状态 运营情况 建设状态 建设情况 现状 设施状态 运行状态 营业状态 使用状态 使用情况 是否运营"
        ),
        "open_year": _words(
            "开业时间 开业年份 开业日期 成立时间 成立年份 成立日期 建成时间 建成年份 建成日期 投用时间 投用年份 "
            "启用时间 启用年份 开办时间 开办年份 运营时间 投入使用时间 投入运营时间 竣工时间 竣工年份 建立时间 "
            "建立年份 openyear yearopened opened openingyear"
        ),
        "close_year": _words(
            "关停时间 关停年份 停业时间 停业年份 关闭时间 关闭年份 撤销时间 撤销年份 closeyear yearclosed closed"
        ),
        "standardised": _words("标准化 是否标准化 标准化建设 是否达标 达标情况 是否标准 标准化情况 standardized"),
        "capacity": _words("容量 规模 服务能力 服务规模 设计规模 设计能力 可服务人数 接待能力"),
        "used": _words("已用数 已使用数 在用数 使用数 用途数 实际使用数 实际服务人数 服务人数"),
        "capacity_beds": _words(
            "床位数 床位 核定床位 核定床位数 总床位 总床位数 床位总数 养老床位 养老床位数 设置床位 设置床位数 "
            "设计床位数 实有床位 实有床位数 开放床位数 bedcount beds numberofbeds"
        ),
        "used_beds": _words(
            "已用床位 已用床位数 入住床位 入住床位数 入住人数 在住人数 已入住 入住老人数 实际入住人数 入住数"
        ),
        "capacity_meals_per_day": _words(
            "供餐能力 日供餐能力 每日供餐能力 日供餐数 每日供餐数 日均供餐能力 设计供餐能力 最大供餐能力 供餐规模 "
            "助餐能力 客位数每日 日供餐客数 mealsperday meals"
        ),
        "used_meals_per_day": _words(
            "日均供餐数 日均用餐人数 实际供餐数 日均供餐客数 就餐人数 日均就餐人数 用餐人数 usedmealsperday"
        ),
        "capacity_places": _words(
            "托位数 日托人数 日托床位数 日托位数 可托养人数 日间照料床位数 日托能力 托养人数 日托规模 places"
        ),
        "capacity_plots": _words("穴位数 墓穴数 墓穴总数 格位数 骨灰格位数 总穴位数 总格位数 安葬格位数 plots"),
        "used_places": _words("实际托养人数 在托人数 usedplaces"),
        "used_plots": _words("已用穴位数 已葬穴位数 已用格位数 已使用穴位 已使用格位 usedplots"),
        "capacity_nursing_beds": _words("护理型床位 护理型床位数 护理床位 护理床位数"),
        "capacity_dementia_beds": _words("认知症床位 认知障碍床位 认知障碍照护床位 认知障碍照护床位数 认知症床位数"),
    },
    frozenset({*_SHARED_PLACE, "service", "site_id", "kind", "level", "serves", "status", "standardised"}),
)

#: Columns of a table of people; a reader adds those of its study's groups with ``plus``.
PEOPLE = Vocabulary(
    {
        **_PLACE,
        "demand_id": _words("编号 居民点编号 居民点id 点位编号 id"),
        "name_zh": _words("名称 居民点 居民点名称 自然村 小区 小区名称 村民小组 组名 name"),
        "island": _words("岛 岛屿 所在岛屿 所属岛屿"),
        "settlement_class": _words("聚落类型 城乡分类 居民点类型 城乡类型"),
    },
    frozenset({*_SHARED_PLACE, "island", "settlement_class"}),
)

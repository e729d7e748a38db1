"""Words of facility tables, as offices write them, and what they are called here."""

from __future__ import annotations

from chongming_gis import tables


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_LEVELS = {
    "district": _words("区级 县级 市级 区 区属 区管"),
    "township": _words("镇级 乡镇级 街镇级 乡级 街道级 镇 乡 街道 乡镇 街镇 镇属 镇管 片区级 片区 town"),
    "village": _words("村级 村居级 社区级 村 村居 居村 居村级 社区 村组 居委 村委"),
}
_SERVES = {
    "district": _words("全区 区 区级 本区 全县 区内 全区居民"),
    "township": _words("全镇 本镇 镇 镇级 全乡 本乡 乡镇 街镇 本街道 本街镇 镇内 镇域 全镇居民"),
    "village": _words("本村 村 村级 村居 本村居 本社区 村内 本居 居村 本居村 社区 本村居民"),
    "all": _words("不限 全部 所有人 全市 无限制 对外 不限户籍 社会 面向社会 公众"),
}
_STATUSES = {
    "existing": _words(
        "在营 运营 运营中 运行 运行中 正常 正常运营 正常运行 已建 已建成 已运营 已投用 已开业 在用 营业 "
        "营业中 开业 开放 现状 现有 投入使用 已投入使用 使用中 建成 open active 是"
    ),
    "planned": _words(
        "规划 规划中 拟建 在建 建设中 筹建 筹建中 待建 新建 计划 计划中 未建 未开业 立项 planning proposed "
        "underconstruction"
    ),
}
#: What a table calls a facility that is no more, or not now. Such rows are left out and named.
_CLOSED_WORDS = _words(
    "已关停 关停 已停业 停业 已停用 停用 撤销 已撤销 注销 已注销 关闭 已关闭 歇业 已歇业 停运 已停运 拆除 已拆除 废弃 "
    "已废弃 暂停 暂停运营 暂停营业 否 closed"
)
_CLOSED = "closed"
CLOSED = frozenset({_CLOSED})

_DATA_KINDS = {
    "surveyed": _words("实测 测量 现场测量 现场核实"),
    "official_statistic": _words("官方统计 统计 统计数据"),
    "sourced": _words("有来源 公开资料 公示 台账 资料"),
    "derived": _words("推算 推导 估算 计算"),
    "schematic": _words("示意 示意性 示例"),
}


def _meanings(words: dict[str, tuple[str, ...]], allowed: tuple[str, ...]) -> dict[str, str]:
    own = {word: word for word in allowed}
    return own | {word.casefold(): ours for ours, theirs in words.items() for word in theirs}


#: Our column -> what its words mean.
WORDS: dict[str, dict[str, str]] = {
    "level": _meanings(_LEVELS, tables.LEVELS),
    "serves": _meanings(_SERVES, tables.SERVES),
    "status": _meanings(_STATUSES, tables.STATUSES) | dict.fromkeys(_CLOSED_WORDS, _CLOSED),
    "data_kind": _meanings(_DATA_KINDS, tables.DATA_KINDS),
}

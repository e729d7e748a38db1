"""The facility tables of the plan's services: true counts and sums, places by rule.

Every rule is written in data/SOURCES.md. Names are the township, the kind and a number, except for the named
institutions of facilities_named.csv.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from embedded import shapes, siting_rules
from embedded.counting import at_least_one, largest_remainder

if TYPE_CHECKING:
    from embedded.facts import Facts
    from embedded.siting_rules import Units

QUALITY_RULE_M = 3000.0  # a place by rule may be anywhere in its township
COLUMNS = (
    "facility_id",
    "service",
    "name_zh",
    "township_code",
    "village_code",
    "site_id",
    "kind",
    "level",
    "serves",
    "status",
    "open_year",
    "close_year",
    "standardised",
    "lon",
    "lat",
    "position_quality_m",
    "data_kind",
    "source",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """How one service is shared out: over townships, over villages of a township, and onto a site of the village."""

    service: str
    label: str  # in names: 庙镇助餐点03
    level: str
    serves: str
    slot: int
    reach_m: float
    per_township: str = "elders"  # elders | each | elders_each (at least one each)


RULES = (
    Rule("elder_home", "养老院", "district", "all", 4, 4000, "elders_each"),
    Rule("small_home", "长者照护之家", "township", "all", 3, 3000),
    Rule("elder_centre", "综合为老服务中心", "township", "township", 2, 3500, "elders_each"),
    Rule("day_care", "日间照护中心", "township", "township", 2, 3000, "elders_each"),
    Rule("meal_point", "助餐点", "township", "township", 2, 1600, "elders_each"),
    Rule("rehab_rental", "康复辅具租赁点", "township", "all", 2, 4000),
    Rule("columbarium", "公益性骨灰堂", "township", "township", 11, 4000, "elders_each"),
    Rule("community_affairs", "社区事务受理服务中心", "township", "township", 5, 6000, "each"),
    Rule("child_station", "关爱特殊儿童工作站", "village", "village", 1, 500),
    Rule("health_centre", "社区卫生服务中心", "township", "all", 6, 6000, "each"),
    Rule("health_station", "卫生服务站", "village", "all", 1, 1200, "elders_each"),
    Rule("nursing_station", "护理站", "township", "all", 6, 6000, "each"),
    Rule("donation_point", "经常性捐助点", "township", "all", 7, 3000, "elders_each"),
    Rule("charity_shop", "慈善超市", "township", "all", 7, 6000, "each"),
    Rule("breakfast_shop", "早餐店", "township", "all", 8, 2000, "elders_each"),
    Rule("lottery_outlet", "福利彩票网点", "township", "all", 8, 2000, "elders_each"),
)
ROOM_SLOTS = (1, 9, 10, 12)  # the first activity room of a village is at its committee, others elsewhere
NEIGHBOURLY_SLOTS = (13, 14, 15, 16)


def make_facilities(
    facts: Facts, units: Units, burial_xy: Any, burial_village: Any, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Return one table per service with longitude, latitude and capacities."""
    towns = facts["townships"].set_index("township_code")["name_zh"]
    made = {}
    for rule in RULES:
        if rule.service != "community_affairs":
            made[rule.service] = _by_rule(rule, facts.count(rule.service), units, towns, rng)
    made["community_affairs"] = _affairs(facts, units, towns, rng)
    made["child_station"] = _in_villages(units, towns, facts.count("child_station"), RULES[8], (1,))
    rooms = Rule("activity_room", "标准化老年活动室", "village", "village", 1, 500)
    made["activity_room"] = _in_villages(units, towns, facts.count("activity_room"), rooms, ROOM_SLOTS)
    made["activity_room"]["standardised"] = True
    points = Rule("neighbourly_point", "示范睦邻点", "village", "village", 13, 500)
    made["neighbourly_point"] = _in_villages(units, towns, facts.count("neighbourly_point"), points, NEIGHBOURLY_SLOTS)
    made["burial_ground"] = _burial_grounds(facts, units, towns, burial_xy, burial_village, rng)
    return made


def _by_rule(rule: Rule, count: int, units: Units, towns: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    shares = units.table.groupby("township_code")["elders"].sum().reindex(towns.index)
    numbers = _per_township(rule, shares.to_numpy(), count)
    rows = []
    for township, number in zip(towns.index, numbers, strict=True):
        mine = units.table[units.table["township_code"] == township].reset_index(drop=True)
        picked = siting_rules.spread(mine, min(number, len(mine)), rule.reach_m, rng)
        picked += picked[: number - len(picked)]
        rows += [
            _row(rule, units, mine.iloc[k], towns[township], order + 1, slot=rule.slot + (order >= len(mine)))
            for order, k in enumerate(picked)
        ]
    return pd.DataFrame(rows)


def _per_township(rule: Rule, shares: Any, count: int) -> Any:
    """Return how many each township has; ``elders`` with fewer than one each goes to the largest townships."""
    if rule.per_township == "each":
        return np.ones(len(shares), dtype=np.int64)
    if rule.per_township == "elders_each":
        return at_least_one(shares, count)
    if count < len(shares):
        numbers = np.zeros(len(shares), dtype=np.int64)
        numbers[np.argsort(-shares, kind="stable")[:count]] = 1
        return numbers
    return largest_remainder(shares, count)


def _row(rule: Rule, units: Units, unit: Any, township: str, number: int, *, slot: int) -> dict[str, Any]:
    x, y = siting_rules.site_of(units, unit["village_code"], slot)
    return {
        "facility_id": f"{rule.service}-{unit['township_code']}-{number:02d}",
        "service": rule.service,
        "name_zh": f"{township}{rule.label}{number:02d}",
        "township_code": unit["township_code"],
        "village_code": unit["village_code"],
        "site_id": f"site-{unit['village_code']}-{slot:02d}",
        "kind": None,
        "level": rule.level,
        "serves": rule.serves,
        "status": "existing",
        "open_year": None,
        "close_year": None,
        "standardised": None,
        "x": x,
        "y": y,
        "position_quality_m": QUALITY_RULE_M,
        "data_kind": "schematic",
        "source": "数量：沪崇府办发〔2021〕15号或规划假设（facility_counts.csv）；位置：按规则",
    }


def _in_villages(units: Units, towns: pd.Series, count: int, rule: Rule, slots: tuple[int, ...]) -> pd.DataFrame:
    """Return ``count`` facilities shared out over all villages by their elders (largest remainder)."""
    numbers = largest_remainder(units.table["elders"] ** 0.5, count)
    rows, counter = [], dict.fromkeys(towns.index, 0)
    for number, (_, unit) in zip(numbers, units.table.iterrows(), strict=True):
        for k in range(number):
            counter[unit["township_code"]] += 1
            row = _row(
                rule,
                units,
                unit,
                towns[unit["township_code"]],
                counter[unit["township_code"]],
                slot=slots[k % len(slots)],
            )
            rows.append(row)
    return pd.DataFrame(rows)


def _affairs(facts: Facts, units: Units, towns: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """Return a centre in each township and the units of the ten former towns, away from the centre."""
    rule = next(rule for rule in RULES if rule.service == "community_affairs")
    centres = _by_rule(rule, facts.count("community_affairs", "centre"), units, towns, rng).assign(kind="centre")
    shares = units.table[units.table["kind"] == "village"].groupby("township_code")["elders"].sum()
    shares = shares.reindex(towns.index).fillna(0.0)
    many = np.argsort(-shares.to_numpy(), kind="stable")[: facts.count("community_affairs", "former_town_unit")]
    rows = []
    for township in towns.index[np.sort(many)]:
        mine = units.table[units.table["township_code"] == township].reset_index(drop=True)
        centre = centres[centres["township_code"] == township].iloc[0]
        away = np.hypot(mine["x"] - centre["x"], mine["y"] - centre["y"])
        unit = mine.iloc[int(np.argmax(away.to_numpy() ** 0.5 * mine["elders"].to_numpy() ** 0.5))]
        rows.append(
            _row(rule, units, unit, f"{towns[township]}撤制镇", 2, slot=rule.slot) | {"kind": "former_town_unit"}
        )
    return pd.concat([centres, pd.DataFrame(rows)], ignore_index=True)


def _burial_grounds(
    facts: Facts, units: Units, towns: pd.Series, xy: Any, village: Any, rng: np.random.Generator
) -> pd.DataFrame:
    """Return one ground for each township and one village ground in each of the villages with most elders."""
    for_town = Rule("burial_ground", "公益性埋葬地", "township", "township", 0, 4000, "each")
    for_village = Rule("burial_ground", "村级公益性埋葬地", "village", "village", 0, 4000)
    count = facts.count("burial_ground", "village")
    rural = units.table[units.table["kind"] == "village"]
    rows = []
    for rule, wanted in ((for_town, towns.index), (for_village, _spread_over_townships(rural, count))):
        for key in wanted:
            place = _burial_place(rule, key, units, xy, village, rng)
            unit = units.table[units.table["village_code"] == village[place]].iloc[0]
            number = sum(row["township_code"] == unit["township_code"] for row in rows) + 1
            row = _row(rule, units, unit, towns[unit["township_code"]], number, slot=1)
            code = f"site-burial-{unit['township_code']}-{number:02d}"
            rows.append(row | {"x": xy[place, 0], "y": xy[place, 1], "site_id": code, "kind": rule.level})
    return pd.DataFrame(rows)


def _spread_over_townships(rural: pd.DataFrame, count: int) -> list[str]:
    """Return villages with most elders, one in each township that has villages, then a second in the largest."""
    ranked = rural.sort_values(["elders", "village_code"], ascending=[False, True])
    ranked = ranked.assign(turn=ranked.groupby("township_code").cumcount())
    return ranked.sort_values(["turn", "elders"], ascending=[True, False])["village_code"].to_list()[:count]


def _burial_place(rule: Rule, key: str, units: Units, xy: Any, village: Any, rng: np.random.Generator) -> int:
    codes = np.asarray(village)
    mine = codes == key if rule.level == "village" else np.char.startswith(codes.astype(str), key)
    pool = np.flatnonzero(mine)
    if len(pool) == 0:
        unit = units.table[units.table["village_code"] == key].iloc[0]
        same = np.flatnonzero(np.char.startswith(codes.astype(str), unit["township_code"]))
        return int(same[np.argmin(np.hypot(*(xy[same] - unit[["x", "y"]].to_numpy(float)).T))])
    return int(rng.choice(pool))


def to_files(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables with longitude and latitude in place of metres, columns in the order of the contract."""
    files = {}
    for service, table in tables.items():
        at = shapes.to_lonlat(table[["x", "y"]].to_numpy(float))
        placed = table.assign(lon=at[:, 0], lat=at[:, 1]).sort_values("facility_id", ignore_index=True)
        extra = sorted(c for c in placed.columns if c.startswith(("capacity_", "used_")))
        files[service] = placed[[*COLUMNS, *extra]]
    return files

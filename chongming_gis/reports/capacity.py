"""The chapter on capacity: who finds a place, who reaches only full sites, who reaches none; what hangs on one site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis import backup, discretion, provision, wording
from chongming_gis.maps import shares, times, views
from chongming_gis.reports.blocks import Paragraph, Section, Table, number, text
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    import pandas as pd

    from chongming_gis.config import ServiceConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told
    from chongming_gis.wording import Words

_NUMBERS = ["need", "served", "no_place", "out_of_reach"]
_NUMBER_COLUMNS = ("need", "served", "no_place", "beyond_reach")  # their headings
_MOST_VILLAGES = 10
_MOST_SITES = 5


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter, without the part on needs where the study states none."""
    words = told.words
    provided = _rows_by_service(told)
    inner = [_provision(told, service, rows) for service, rows in provided]
    blocks: list[Block] = []
    if inner:
        blocks += [Paragraph(words("capacity.opening")), _overview(told, provided)]
    blocks += [Paragraph(words("capacity.backup_opening")), _backup(told)]
    return (Section("capacity", words("capacity.chapter"), tuple(blocks), tuple(inner)),)


def _rows_by_service(told: Told) -> list[tuple[ServiceConfig, pd.DataFrame]]:
    """Return the provision of each service that has one, with the areas its people live in."""
    areas = told.result.demand.points[["demand_id", "township_code", "village_code"]]
    table = told.result.provision.merge(areas, on="demand_id", how="left")
    rows = ((service, table[table["service"] == service.id]) for service in told.result.study.services)
    return [(service, found) for service, found in rows if len(found)]


def _overview(told: Told, provided: list[tuple[ServiceConfig, pd.DataFrame]]) -> Table:
    words, facilities = told.words, told.result.facilities
    rows = []
    for service, found in provided:
        sums, unit = found[_NUMBERS].sum(), str(found["unit"].iloc[0])
        label = words("capacity.of_unit", service=words.name(service), unit=words.or_raw("unit", unit))
        own = (facilities.places["service"] == service.id).to_numpy(bool)
        capacity = number(wording.quantity(round(float(provision.capacity_of(facilities, unit)[own].sum()), 1)))
        rows.append((text(label), number(_share(sums)), *_cells(sums), capacity))
    columns = ("service", "share_served", *_NUMBER_COLUMNS, "capacity")
    return Table(words("capacity.by_service"), tuple(words(f"col.{name}") for name in columns), tuple(rows))


def _share(sums: pd.Series) -> str:
    return wording.share(sums["served"] / sums["need"] if sums["need"] > 0 else None)


def _cells(sums: pd.Series) -> list[Cell]:
    return [number(f"{sums[name]:,.1f}") for name in _NUMBERS]


def _provision(told: Told, service: ServiceConfig, found: pd.DataFrame) -> Section:
    words = told.words
    sums = found[_NUMBERS].sum()
    unit = words.or_raw("unit", found["unit"].iloc[0])
    standard = service.standards[0]
    said = words(
        "capacity.sentence",
        service=words.name(service),
        standard=words.standard(told.result.study, standard),
        unit=unit,
        need=f"{sums['need']:,.0f}",
        served=f"{sums['served']:,.0f}",
        no_place=f"{sums['no_place']:,.0f}",
        out_of_reach=f"{sums['out_of_reach']:,.0f}",
    )
    tables = [_by_township(told, found, words), _left_out(told, found, words)]
    blocks: tuple[Block, ...] = (Paragraph(said), *(table for table in tables if table is not None))
    return Section(f"capacity-{service.id}", words.name(service), blocks)


def _by_township(told: Told, found: pd.DataFrame, words: Words) -> Table | None:
    sums = found.groupby("township_code", sort=True)[_NUMBERS].sum()
    if sums.empty:
        return None
    rows = [
        (text(told.townships.get(str(code), str(code))), number(_share(sums.loc[code])), *_cells(sums.loc[code]))
        for code in sums.index
    ]
    columns = ("township", "share_served", *_NUMBER_COLUMNS)
    return Table(words("capacity.by_township"), tuple(words(f"col.{name}") for name in columns), tuple(rows))


def _left_out(told: Told, found: pd.DataFrame, words: Words) -> Table | None:
    """Return the villages with the most need that finds no place, and how far the nearest place left over is."""
    left = found.assign(left=found["no_place"] + found["out_of_reach"])
    left = left[left["left"] > 0.0]
    if left.empty or left["village_code"].isna().all():
        return None
    villages = told.result.villages.set_index("village_code")["name_zh"]
    sums = left.groupby(["village_code", "township_code"], sort=True).agg(
        no_place=("no_place", "sum"), out_of_reach=("out_of_reach", "sum"), left=("left", "sum"),
        nearest=("nearest_with_place_s", "min"),
    )  # fmt: skip
    worst = sums.sort_values("left", ascending=False, kind="stable").head(_MOST_VILLAGES).reset_index()
    study, asked = told.result.study, set(zip(found["service"], found["unit"], strict=True))
    needs = [need for need in study.needs if (need.service, need.unit) in asked]
    is_sensitive = any(discretion.is_sensitive(study, need.group) for need in needs)

    def amount(value: float) -> str:  # of what some people need: so few of it are few of them
        return discretion.HIDDEN if is_sensitive and 0.0 < value < discretion.LEAST_SHOWN else f"{value:,.1f}"

    rows = [
        (
            text(str(villages.get(row["village_code"], row["village_code"]))),
            text(told.townships.get(row["township_code"], row["township_code"])),
            number(amount(row["left"])),
            number(amount(row["no_place"])),
            number(amount(row["out_of_reach"])),
            number(wording.minutes(float(row["nearest"]))),
        )
        for row in worst.to_dict("records")
    ]
    columns = ("village", "township", "left_out", "no_place", "beyond_reach", "nearest_with_place")
    caption = words("capacity.left_out", n=len(rows), of=len(sums))
    return Table(caption, tuple(words(f"col.{name}") for name in columns), tuple(rows))


def _backup(told: Told) -> Table:
    """Return for each service who has a second facility in reach, and the sites that most people depend on."""
    words, result = told.words, told.result
    names = result.facilities.places.set_index("facility_id")["name_zh"]
    access = times.read_access(result)
    rows = []
    for service in result.study.services:
        parts = shares.headline(service).parts
        mine = access.answers(parts) if parts in access.rows else result.access.iloc[:0]
        own = views.facilities_of(result, service)["facility_id"]
        persons = result.demand.persons[persons_column(service.base, service.group)].reindex(mine["demand_id"])
        found = backup.measure_backup(mine, persons.to_numpy(float), own)
        worst = found.lost_if_closed[found.lost_if_closed > 0.0].head(_MOST_SITES)
        sites = [
            words("capacity.site", name=str(names.get(site, site)), persons=wording.persons(float(lost)))
            for site, lost in worst.items()
        ]
        second = wording.share(found.with_second / found.persons if found.persons > 0 else None)
        rows.append(
            (
                text(words.name(service)),
                number(second),
                number(wording.persons(found.covered - found.with_second)),
                text(words.join(sites) or wording.NOTHING),
            )
        )
    columns = ("service", "share_second", "only_one", "critical_sites")
    return Table(words("capacity.backup"), tuple(words(f"col.{name}") for name in columns), tuple(rows))

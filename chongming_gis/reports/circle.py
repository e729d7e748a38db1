"""The chapter on the complete circle: how many services of the basket people have, and which is missing where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis import discretion, wording
from chongming_gis.reports.blocks import Cell, Notes, Paragraph, Section, Table, number, text

if TYPE_CHECKING:
    import pandas as pd

    from chongming_gis.measuremodel import BasketConfig
    from chongming_gis.reports.blocks import Block
    from chongming_gis.reports.figures import Told

_MOST_VILLAGES = 15
_HALF = 0.5
_CLASS_WIDTH = 0.2  # of the colours, as in the matrix of coverage
_LAST_CLASS = 4


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter; nothing where the study asks for no basket."""
    asked = told.result.study.measures.basket
    counts, missing = (told.result.measured.get(name) for name in ("basket", "basket_missing"))
    if asked is None or counts is None or missing is None:
        return ()
    words = told.words
    district = counts[counts["scope"] == "district"]
    blocks: list[Block] = [Paragraph(_opening(told, asked, district, missing)), _by_number(told, district)]
    blocks += [table for table in (_by_township(told, asked, counts, missing),) if table]
    blocks += [table for table in (_villages(told, counts, missing),) if table]
    blocks.append(Notes((words("circle.note", source=words.source(asked)),)))
    return (Section("circle", words("circle.chapter"), tuple(blocks)),)


def in_a_line(told: Told) -> str:
    """Return how many have the complete circle, in a sentence; nothing where the study asks for no basket."""
    asked, counts = told.result.study.measures.basket, told.result.measured.get("basket")
    if asked is None or counts is None:
        return ""
    district = counts[counts["scope"] == "district"]
    persons = float(district["persons"].sum())
    if persons <= 0.0:
        return ""
    complete = wording.share(float(district["persons"].iloc[-1]) / persons)
    who = told.words.group(told.result.study, asked.group, asked.base)
    return told.words("summary.circle", who=who, n=len(asked.services), share=complete)


def _opening(told: Told, asked: BasketConfig, district: pd.DataFrame, missing: pd.DataFrame) -> str:
    words, study = told.words, told.result.study
    persons = float(district["persons"].sum())
    said = {
        "n": len(asked.services),
        "services": words.join([words.service(study, name) for name in asked.services]),
        "who": words.group(study, asked.group, asked.base),
    }
    sentences = [words("circle.basket", **said)]
    if persons > 0.0:
        complete = float(district["persons"].iloc[-1])
        mean = float((district["n_within"] * district["persons"]).sum()) / persons
        figures = {"share": wording.share(complete / persons), "complete": wording.persons(complete)}
        sentences.append(words("circle.complete", who=said["who"], mean=f"{mean:.1f}", n=said["n"], **figures))
        whole = missing[missing["scope"] == "district"].sort_values("persons_missing", ascending=False, kind="stable")
        lacking = [
            words(
                "circle.lacking",
                service=words.service(study, row["service"]),
                share=wording.share(row["share_missing"]),
            )
            for row in whole.head(3).to_dict("records")
            if row["persons_missing"] > 0.0
        ]
        sentences += [words("circle.most_lacking", services=words.join(lacking))] if lacking else []
    return ("" if words.language == "zh" else " ").join(sentences)


def _by_number(told: Told, district: pd.DataFrame) -> Table:
    words = told.words
    rows = [
        (
            text(words("circle.of", n=row["n_within"], of=row["n_services"])),
            number(wording.persons(row["persons"])),
            number(wording.share(row["share"])),
        )
        for row in district.iloc[::-1].to_dict("records")
    ]
    columns = (words("col.services_within"), words("col.persons"), words("col.share_of_persons"))
    return Table(words("circle.by_number"), columns, tuple(rows), strong_rows=(0,))


def _by_township(told: Told, asked: BasketConfig, counts: pd.DataFrame, missing: pd.DataFrame) -> Table | None:
    """Return for each township the complete share, the mean number, and the share of people without each service."""
    words = told.words
    areas = _of_areas(counts[counts["scope"] == "township"])
    areas = areas[areas["persons"] > 0.0].sort_values("share_complete", kind="stable")
    if areas.empty:
        return None
    of_townships = missing[missing["scope"] == "township"]
    keys = zip(of_townships["scope_code"], of_townships["service"], strict=True)
    shares = dict(zip(keys, of_townships["share_missing"], strict=True))
    rows = [
        (
            text(told.townships.get(str(code), str(code))),
            number(wording.share(row["share_complete"])),
            number(f"{row['mean']:.1f}"),
            *(_missing_cell(float(shares[str(code), name])) for name in asked.services),
        )
        for code, row in areas.to_dict("index").items()
    ]
    services = tuple(words.heading(words.service(told.result.study, name)) for name in asked.services)
    columns = (words("col.township"), words("col.complete"), words("col.mean_services"), *services)
    return Table(words("circle.by_township"), columns, tuple(rows), is_matrix=True)


def _missing_cell(share: float) -> Cell:
    which = min(int(share / _CLASS_WIDTH), _LAST_CLASS)
    return Cell(f"{100.0 * share:.0f}%", "number", mark=f"share-{which}")


def _villages(told: Told, counts: pd.DataFrame, missing: pd.DataFrame) -> Table | None:
    """Return the villages whose people have fewest services, with those that most of them lack."""
    words, result = told.words, told.result
    areas = _of_areas(counts[counts["scope"] == "village"])
    areas = areas[areas["persons"] > 0.0]
    areas = areas[areas["share_complete"] < 1.0].sort_values("mean", kind="stable").head(_MOST_VILLAGES)
    if areas.empty:
        return None
    lacking = missing[(missing["scope"] == "village") & (missing["share_missing"] > _HALF)]
    names = lacking.groupby("scope_code")["service"].agg(list).to_dict()
    township_of = result.villages.set_index("village_code")["township_code"].to_dict()
    asked = result.study.measures.basket
    group = asked.group if asked else ""
    rows = []
    for code, row in areas.to_dict("index").items():
        township = township_of.get(code)
        services = [words.service(result.study, name) for name in names.get(code, [])]
        rows.append(
            (
                text(str(row["name_zh"])),
                text(told.townships.get(str(township), wording.NOTHING)),
                number(discretion.persons(result.study, group, row["persons"])),
                number(f"{row['mean']:.1f}"),
                text(words.join(services) or wording.NOTHING),
            )
        )
    columns = ("village", "township", "persons", "mean_services", "lacking")
    caption = words("circle.villages", n=len(rows))
    return Table(caption, tuple(words(f"col.{name}") for name in columns), tuple(rows))


def _of_areas(counts: pd.DataFrame) -> pd.DataFrame:
    """Return one row an area, by code: name_zh, persons, mean number of services, complete share."""
    weighted = counts.assign(
        weighted=counts["n_within"] * counts["persons"],
        complete=counts["persons"].where(counts["n_within"] == counts["n_services"], 0.0),
    )
    sums = weighted.groupby("scope_code", sort=True).agg(
        name_zh=("name_zh", "first"), persons=("persons", "sum"), weighted=("weighted", "sum"),
        complete=("complete", "sum"),
    )  # fmt: skip
    whole = sums["persons"].where(sums["persons"] > 0.0)
    return sums.assign(
        name_zh=sums["name_zh"].fillna(sums.index.to_series()),
        mean=sums["weighted"] / whole,
        share_complete=sums["complete"] / whole,
    )

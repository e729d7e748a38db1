"""The chapter on gaps: where the people live whom a service does not reach, most people first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chongming_gis import discretion, wording
from chongming_gis.maps import gap_layer, shares
from chongming_gis.reports.blocks import Notes, Paragraph, Section, Table, number, short, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import pandas as pd

    from chongming_gis.config import ServiceConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told

_MOST_GAPS = 10


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter, or nothing where the study asks for no gaps."""
    config, words = told.result.study.measures.gaps, told.words
    if config is None or told.result.measured.get("gaps") is None:
        return ()
    asked = [s for s in told.result.study.services if not config.services or s.id in config.services]
    found = [(service, gaps) for service in asked if (gaps := gap_layer.gaps_of(told.result, service)) is not None]
    opening = Paragraph(
        words(
            "gaps.opening",
            radius=wording.quantity(config.radius_min),
            least=wording.quantity(config.least_persons),
            services=len(found),
            n=f"{sum(len(gaps) for _, gaps in found):,}",
        )
    )
    without = [words.name(service) for service in asked if service.id not in {own.id for own, _ in found}]
    notes = [words("gaps.none", services=words.join(without))] if without else []
    notes.append(words("gaps.outline_note"))
    blocks: list[Block] = [opening, *([_overview(told, found)] if found else []), Notes(tuple(notes))]
    inner = tuple(_service(told, service, gaps) for service, gaps in found)
    return (Section("gaps", words("gaps.chapter"), tuple(blocks), inner),)


def _overview(told: Told, found: list[tuple[ServiceConfig, gpd.GeoDataFrame]]) -> Table:
    """Return how many people of each service live in gaps, how many beside them, and the largest gap."""
    words = told.words
    rows = []
    for service, gaps in found:
        whole = told.shares.whole(shares.headline(service))
        inside = float(gaps["persons"].sum())
        scattered = max(whole.uncovered - inside, 0.0) if whole else float("nan")
        largest = gaps.iloc[0]
        lives = discretion.persons(told.result.study, service.group, largest["persons"])
        named = words("gaps.of_persons", name=_name(told, largest), persons=lives)
        rows.append(
            (
                text(words.name(service)),
                number(wording.persons(whole.uncovered if whole else None)),
                number(f"{len(gaps):,}"),
                number(wording.persons(inside)),
                number(wording.share(float(gaps["persons"].head(_MOST_GAPS).sum()) / inside)),
                number(wording.persons(scattered)),
                text(named),
            )
        )
    columns = ("service", "uncovered", "gaps", "persons_in_gaps", "share_of_ten", "persons_scattered", "largest_gap")
    return Table(words("gaps.by_service"), tuple(words(f"col.{name}") for name in columns), tuple(rows))


def _name(told: Told, gap: Mapping[Any, Any] | pd.Series) -> str:
    return str(gap[f"name_{told.words.language}"])


def _service(told: Told, service: ServiceConfig, gaps: gpd.GeoDataFrame) -> Section:
    """Return the gaps of a service with most people: how many, how far, by which mode."""
    words, study = told.words, told.result.study
    modes = {mode.id: words.name(mode) for mode in study.modes}
    others = [g for g in study.groups if g.id != service.group and f"persons_{g.id}" in gaps]
    oldest = next((g for g in others if g.id.startswith("a80")), None)  # who can go least far, where they are counted
    rows: list[tuple[Cell, ...]] = []
    for gap in gaps.head(_MOST_GAPS).to_dict("records"):
        cells = [
            short(str(gap["rank"])),
            text(_name(told, gap)),
            number(discretion.persons(study, service.group, gap["persons"])),
            *([number(discretion.persons(study, oldest.id, gap[f"persons_{oldest.id}"]))] if oldest else []),
            number(wording.minutes(gap["nearest_s"])),
            number(wording.minutes(gap["median_s"])),
            number(discretion.persons(study, service.group, gap["persons_unreached"])),
            text(modes.get(gap["mode"], gap["mode"])),
        ]
        rows.append(tuple(cells))
    headings = [words("col.rank"), words("col.gap"), words("col.persons")]
    headings += [words.heading(words.name(oldest))] if oldest else []
    headings += [words(f"col.{name}") for name in ("gap_nearest", "gap_median", "unreached", "mode")]
    caption = words("gaps.of_service", service=words.name(service), n=len(rows), of=f"{len(gaps):,}")
    first = gaps.iloc[0]
    said = words(
        "gaps.sentence",
        who=words.group(study, service.group, service.base),
        standard=words.standard(study, service.standards[0]),
        n=f"{len(gaps):,}",
        persons=wording.persons(float(gaps["persons"].sum())),
        name=_name(told, first),
        largest=discretion.persons(study, service.group, first["persons"]),
    )
    table = Table(caption, tuple(headings), tuple(rows), folded=caption)
    return Section(f"gaps-{service.id}", words.heading(words.name(service)), (Paragraph(said), table))

"""The chapter on the plan: targets beside what the study counts, and the planning figures it works with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from chongming_gis import planning, wording
from chongming_gis.maps import shares
from chongming_gis.reports.blocks import Bullets, Paragraph, Section, Table, number, short, text

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import pandas as pd

    from chongming_gis.config import StudyConfig
    from chongming_gis.planning import FactorConfig, IndicatorConfig, NeedConfig, PlanConfig, TargetSetConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Words

_MOST_NAMED = 20
_STATUSES = ("met", "not_met", "schematic", "not_measured", "to_fill")


def sections(result: StudyResult, words: Words) -> tuple[Section, ...]:
    """Return the chapter of a study with a plan, needs, costs or siting rules; nothing for one without any."""
    study = result.study
    blocks: list[Block] = []
    inner: list[Section] = []
    if study.plan is not None:
        blocks.append(Paragraph(words("plan.opening", plan=words.name(study.plan), source=words.source(study.plan))))
        inner += [_targets(result, study.plan, target_set, words) for target_set in study.plan.target_sets]
        inner += _decided_by_rule(study.plan, study, words)
    figures = [table for table in (_needs(result, words), _costs(result, words), _siting(result, words)) if table]
    if figures:
        inner.append(Section("plan-figures", words("plan.figures"), (Paragraph(words("plan.adjustable")), *figures)))
    if not blocks and not inner:
        return ()
    return (Section("plan", words("plan.chapter"), tuple(blocks), tuple(inner)),)


def count_of_statuses(table: pd.DataFrame, target_set: str, words: Words) -> str:
    """Return how many indicators of a target set are met, not met, and without a verdict, in words."""
    district = table[(table["target_set"] == target_set) & (table["scope"] == "district")]
    counts = district["status"].value_counts()
    return words.join(
        [words(f"plan.count.{status}", n=counts[status]) for status in _STATUSES if counts.get(status, 0)]
    )


def _targets(result: StudyResult, plan: PlanConfig, target_set: TargetSetConfig, words: Words) -> Section:
    table = result.indicators[result.indicators["target_set"] == target_set.id]
    figures = {str(row["indicator_id"]): row for row in table[table["scope"] == "district"].to_dict("records")}
    asked = [indicator for indicator in plan.indicators if indicator.id in figures]
    rows = [_target_row(indicator, figures[indicator.id], words) for indicator in asked]
    names = ("indicator", "indicator_type", "unit", "baseline", "counted", "target", "shortfall", "status")
    years = {"base": target_set.base_year, "year": target_set.year}
    columns = tuple(words(f"col.{name}", **years) for name in names)
    opening = words(
        "plan.set_sentence",
        n=len(asked),
        counts=count_of_statuses(result.indicators, target_set.id, words),
        source=words.source(target_set),
    )
    blocks: list[Block] = [Paragraph(opening), Table(words.name(target_set), columns, tuple(rows))]
    lacking = _lacking(asked, table, shares.township_names(result, words), words)
    if lacking:
        blocks += [Paragraph(words("plan.lacking")), Bullets(tuple(lacking))]
    return Section(f"plan-{target_set.id}", words.name(target_set), tuple(blocks))


def _target_row(indicator: IndicatorConfig, row: Mapping[Hashable, Any], words: Words) -> tuple[Cell, ...]:
    label = f"{indicator.number}. {words.name(indicator)}" if indicator.number else words.name(indicator)
    sign = {"at_least": "≥ ", "at_most": "≤ ", "equal": ""}[indicator.direction]
    target = words("plan.to_fill") if math.isnan(row["target"]) else sign + _amount(row["target"])
    return (
        text(label),
        short(words(f"indicator_type.{indicator.type}")),
        short(words.or_raw("unit", indicator.unit)),
        number(_amount(row["baseline"])),
        number(_amount(row["value"])),
        number(target),
        number(_amount(row["shortfall"])),
        short(words(f"indicator_status.{row['status']}")),
    )


def _amount(value: float) -> str:
    return wording.quantity(round(float(value), 2))


def _lacking(
    asked: Sequence[IndicatorConfig], table: pd.DataFrame, townships: Mapping[str, str], words: Words
) -> list[str]:
    """Return where what an indicator asks is missing, how much and for how many; what a rule decides is marked so."""
    sentences = []
    for indicator in asked:
        rows = table[(table["indicator_id"] == indicator.id) & table["status"].isin(["not_met", "schematic"])]
        areas = rows[(rows["scope"] != "district") & (rows["value"] < rows["target"])]
        if len(areas):
            worst = areas.sort_values(["persons_short", "places_short"], ascending=False, kind="stable")
            named = [
                _area_in_words(row, indicator, townships, words) for row in worst.head(_MOST_NAMED).to_dict("records")
            ]
            more = len(areas) - len(named)
            listed = words.join(named) + (words("plan.and_more", n=more) if more else "")
            sentences.append(
                words(
                    "plan.without", indicator=_marked(indicator, words), areas=listed, **_short(areas, indicator, words)
                )
            )
    return sentences


def _marked(indicator: IndicatorConfig, words: Words) -> str:
    """Return the name of an indicator; one that a rule of schematic data decides says so."""
    name = words.heading(words.name(indicator))
    if not indicator.decided_by_rule:
        return name
    return words("plan.marked", name=name, label=words("indicator_status.schematic"))


def _short(areas: pd.DataFrame, indicator: IndicatorConfig, words: Words) -> dict[str, str]:
    """Return what is short over some areas, in words: places and persons as far as they can be told."""
    places, persons = areas["places_short"], areas["persons_short"]
    parts = []
    if places.notna().any():
        key = "plan.areas_short" if isinstance(indicator.measure, planning.AreasWith) else "plan.places_short"
        parts.append(words(key, n=f"{places.sum():,.0f}"))
    if persons.notna().any():
        key = "plan.persons_beyond" if isinstance(indicator.measure, planning.Covered) else "plan.persons_there"
        parts.append(words(key, persons=wording.persons(float(persons.sum()))))
    return {"short": ("，" if words.language == "zh" else ", ").join(parts)}


def _area_in_words(
    row: Mapping[Hashable, Any], indicator: IndicatorConfig, townships: Mapping[str, str], words: Words
) -> str:
    """Return an area by name, with what it is short of where areas differ in it."""
    code = str(row["scope_code"])
    name = row["name_zh"] if isinstance(row["name_zh"], str) else code
    name = townships.get(code, name) if row["scope"] == "township" else name
    if isinstance(indicator.measure, planning.Covered):
        return words("report.place_count", place=name, persons=wording.persons(row["persons_short"]))
    if isinstance(indicator.measure, planning.AreasWith):
        return str(name)
    return words("plan.place_short", place=name, n=f"{row['places_short']:,.0f}")


def _decided_by_rule(plan: PlanConfig, study: StudyConfig, words: Words) -> list[Section]:
    kinds = {service.id: service.facilities.kind for service in study.services}
    rows = []
    for indicator in plan.indicators:
        if not indicator.decided_by_rule:
            continue
        rule = words.in_language(indicator.decided_by_rule, indicator.decided_by_rule_en)
        counted = indicator.measure.services if indicator.measure else ()
        if counted and not any(kinds.get(service) == "schematic" for service in counted):
            rule = words("plan.rule_is_stale", rule=rule)  # the file was replaced, the line forgotten
        rows.append((text(words.name(indicator)), text(rule)))
    if not rows:
        return []
    columns = (words("col.indicator"), words("col.decided_by_rule"))
    opening = Paragraph(words("plan.rules_decide"))
    return [
        Section(
            "plan-schematic", words("plan.schematic"), (opening, Table(words("plan.schematic"), columns, tuple(rows)))
        )
    ]


def _needs(result: StudyResult, words: Words) -> Table | None:
    rows = tuple(_need_row(need, result, words) for need in result.study.needs)
    columns = tuple(words(f"col.{name}") for name in ("service", "who", "rate", "unit", "factors"))
    return Table(words("plan.needs"), columns, rows) if rows else None


def _need_row(need: NeedConfig, result: StudyResult, words: Words) -> tuple[Cell, ...]:
    factors = [
        words("plan.factor", name=words.name(factor), value=_factor_in_words(factor), source=words.source(factor))
        for factor in need.factors
    ]
    return (
        text(words.service(result.study, need.service)),
        text(words.group(result.study, need.group, need.base)),
        number(wording.quantity(need.rate)),
        short(words.or_raw("unit", need.unit)),
        text(words.join(factors)),
    )


def _factor_in_words(factor: FactorConfig) -> str:
    """Return the value of a factor, with its range where it has one."""
    value = wording.quantity(factor.value)
    if factor.low is None and factor.high is None:
        return value
    low, high = (wording.quantity(factor.value if end is None else end) for end in (factor.low, factor.high))
    return f"{value} [{low}–{high}]"


def _costs(result: StudyResult, words: Words) -> Table | None:
    rows = []
    for cost in result.study.costs:
        is_share = cost.what == "co_location_saving"
        currency = words.or_raw("currency", cost.currency)
        unit = currency if cost.unit is None else f"{currency} / {words.or_raw('unit', cost.unit)}"
        value = wording.share(cost.value) if is_share else wording.quantity(cost.value)
        cells = (text(words.name(cost)), number(value), short(wording.NOTHING if is_share else unit))
        rows.append((*cells, short(str(cost.year)), text(words.source(cost))))
    columns = tuple(words(f"col.{name}") for name in ("item", "value", "unit", "price_year", "source"))
    return Table(words("plan.costs"), columns, tuple(rows)) if rows else None


def _siting(result: StudyResult, words: Words) -> Table | None:
    rows = tuple(
        (
            text(words.service(result.study, rule.service)),
            text(words.siting_rule(result.study, rule)),
            text(words.source(rule)),
        )
        for rule in result.study.siting_rules
    )
    columns = tuple(words(f"col.{name}") for name in ("service", "siting_rule", "source"))
    return Table(words("plan.siting_rules"), columns, rows) if rows else None

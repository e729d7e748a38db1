"""The chapter on access with competition and its fairness: how much people can use, who has least, how even it is."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chongming_gis import accessibility, discretion, fairness, wording
from chongming_gis.measured import fair, scores
from chongming_gis.measuremodel import WITHOUT_DECAY
from chongming_gis.reports import pictures
from chongming_gis.reports.blocks import Notes, Paragraph, Picture, Section, Table, number, text
from chongming_gis.tables import persons_column

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig
    from chongming_gis.measuremodel import AccessConfig, DeprivationConfig
    from chongming_gis.reports.blocks import Block, Cell
    from chongming_gis.reports.figures import Told
    from chongming_gis.wording import Words

    Floats = npt.NDArray[np.float64]

_MOST_VILLAGES = 10
_PER_PERSONS = 1000.0  # scores per person are shown per thousand people
_HANDING_OUT = frozenset({"two_step", "e2sfca", "three_step", "bfca"})  # demand x score is the supply in reach
_NO_RELATION = 0.05  # of a concentration index: nearer to 0 no direction is told
_ALIKE = 0.01  # of the ratio of groups
_READ = (
    "gini", "palma", "theil", "theil_between", "theil_within", "atkinson", "concentration", "share_without",
    "share_below_line", "gap_to_line", "severity",
)  # fmt: skip
_PERCENT = frozenset({"share_without", "share_below_line", "gap_to_line", "share_persons", "share_score"})


@dataclass(frozen=True, slots=True)
class _Answer:
    """One question with its scores, the people whom the service is for, and what was found of their fairness."""

    config: AccessConfig
    service: ServiceConfig
    table: pd.DataFrame
    persons: Floats
    fair: pd.DataFrame  # no rows: not asked
    line: float | None

    @property
    def score(self) -> Floats:
        return self.table["score"].to_numpy(float)

    def value(self, measure: str, scope: str = "district") -> float:
        """Return a measure of the whole; NaN where it was not asked or is not defined."""
        rows = self.fair[(self.fair["scope"] == scope) & (self.fair["measure"] == measure)]
        return float(rows["value"].iloc[0]) if len(rows) else math.nan

    def by_code(self, scope: str) -> pd.DataFrame:
        """Return the measures of the areas or groups of a scope: a row each, a column a measure, and persons."""
        rows = self.fair[self.fair["scope"] == scope]
        wide = rows.pivot_table(index="scope_code", columns="measure", values="value", sort=False, dropna=False)
        return wide.assign(persons=rows.groupby("scope_code", sort=False)["persons"].first())


def sections(told: Told) -> tuple[Section, ...]:
    """Return the chapter, or nothing where the study asks no question of access."""
    answers = _answers(told)
    if not answers:
        return ()
    words = told.words
    asked = [answer for answer in answers if len(answer.fair)]
    blocks: list[Block] = [Paragraph(words("fair.opening")), _overview(told, answers), _sources(told, answers)]
    if asked:
        blocks += [Paragraph(words("fair.readings_opening")), _readings(told, asked)]
    inner = tuple(_of_question(told, answer, answers) for answer in answers)
    chapter = words("fair.chapter" if asked else "fair.chapter_access")
    return (Section("access", chapter, tuple(blocks), inner),)


def _answers(told: Told) -> list[_Answer]:
    study, measured = told.result.study, told.result.measured
    table, fair_table = measured.get("accessibility"), measured.get("fairness")
    if table is None or study.measures.accessibility is None:
        return []
    config = study.measures.fairness
    lines = {entry.question: entry.line for entry in config.questions} if config else {}
    found = []
    for question in study.measures.accessibility.questions:
        service = study.service(question.service)
        mine = table[table["question"] == question.id]
        persons = told.result.demand.persons[persons_column(service.base, service.group)].reindex(mine["demand_id"])
        rows = pd.DataFrame(columns=["question", "scope", "scope_code", "measure", "persons", "value", "rank"])
        if fair_table is not None:
            rows = fair_table[fair_table["question"] == question.id]
        found.append(_Answer(question, service, mine, persons.to_numpy(float), rows, lines.get(question.id)))
    return found


def _name(answer: _Answer, answers: list[_Answer], words: Words) -> str:
    """Return the service, and the method where one service is asked for twice."""
    name = words.heading(words.name(answer.service))
    if sum(other.service.id == answer.service.id for other in answers) == 1:
        return name
    return words("fair.question", service=name, method=words(f"fair.method.{answer.config.method}"))


# ---- numbers in words ----------------------------------------------------------------------------------------------


def _unit(answer: _Answer, words: Words) -> str:
    """Return what a score counts."""
    unit = str(answer.table["unit"].iloc[0])
    return words(f"fair.unit.{answer.table['score_unit'].iloc[0]}", unit=words.or_raw("unit", unit))


def _shown(answer: _Answer, score: float) -> str:
    """Return a score as it is shown: minutes, per thousand people, or as it is."""
    if math.isnan(score):
        return wording.NOTHING
    kind = answer.table["score_unit"].iloc[0]
    if kind == "seconds":
        return wording.minutes(score)
    return _decimals(score * _PER_PERSONS if kind == "supply_per_person" else score)


def _decimals(value: float) -> str:
    """Return a number with two decimals; one that is not 0 is not shown as 0."""
    if math.isinf(value):
        return "∞"
    if value == 0.0:
        return "0"
    shown = f"{value:,.2f}"
    return {"0.00": "<0.01", "-0.00": ">-0.01"}.get(shown, shown)


def _value(measure: str, value: float) -> str:
    if math.isnan(value):
        return wording.NOTHING
    if measure == "ratio":  # may be above 1
        return f"{100.0 * value:.1f}%"
    return wording.share(value) if measure in _PERCENT else _decimals(value)


def _means(answer: _Answer) -> tuple[float, float]:
    """Return the mean over the people who have an answer, and the share of people who have nothing in reach."""
    score, persons = answer.score, answer.persons
    reached = np.isfinite(score)
    means = fair.Spread(score[reached], persons[reached], None, 0.0).means()
    if answer.table["score_unit"].iloc[0] in {"seconds", "cost"}:
        total = persons.sum()
        return means["mean_score"], float(persons[~reached].sum() / total) if total > 0.0 else math.nan
    return means["mean_score"], means["share_without"]


def _catchments(told: Told, answer: _Answer) -> str:
    """Return how far people of each settlement class go by which mode, and how many of them, as one line."""
    words, study = told.words, told.result.study
    modes = {mode.id: words.name(mode) for mode in study.modes}
    classes = {entry.id: words.name(entry) for entry in study.settlement_classes}
    by_class: dict[str, list[str]] = {}
    for entry in scores.catchments_of(answer.config, study):
        shown = words("limit", mode=modes[entry.mode], minutes=f"{entry.minutes:g}")
        if entry.share < 1.0:
            shown = words("fair.of_people", limit=shown, share=f"{100.0 * entry.share:g}%")
        by_class.setdefault(entry.settlement, []).append(shown)
    return words.join_clauses(
        [
            words("limit_of_class", settlement=classes[name], limit=words.join(parts)) if name in classes
            else words.join(parts)
            for name, parts in by_class.items()
        ]
    )  # fmt: skip


def _method(answer: _Answer, words: Words) -> str:
    """Return the method, and the decay where it has one."""
    method = words(f"fair.method.{answer.config.method}")
    if answer.config.method in WITHOUT_DECAY:
        return method
    default = inspect.signature(getattr(accessibility, answer.config.method)).parameters["decay"].default
    curve = answer.config.decay.curve if answer.config.decay else default
    return words("fair.with_decay", method=method, decay=words(f"fair.decay.{curve}"))


# ---- the whole chapter ---------------------------------------------------------------------------------------------


def _overview(told: Told, answers: list[_Answer]) -> Table:
    words = told.words
    with_fairness = any(len(answer.fair) for answer in answers)
    rows = []
    for answer in answers:
        mean, without = _means(answer)
        cells: list[Cell] = [
            text(_name(answer, answers, words)),
            number(_shown(answer, mean)),
            text(_unit(answer, words)),
            number(wording.share(without)),
        ]
        if with_fairness:
            cells += [
                number(_value("share_below_line", answer.value("share_below_line"))),
                number(_value("gini", answer.value("gini"))),
                number(wording.share(_share_of_lower_half(answer))),
            ]
        rows.append((*cells, text(_catchments(told, answer)), text(_method(answer, words))))
    columns = ["service", "access_mean", "access_unit", "access_none"]
    columns += ["access_below", "access_gini", "access_half"] if with_fairness else []
    headings = tuple(words(f"col.{name}") for name in (*columns, "limits", "access_method"))
    return Table(words("fair.overview"), headings, tuple(rows))


def _sources(told: Told, answers: list[_Answer]) -> Notes:
    """Return where each question's choices come from."""
    words, config = told.words, told.result.study.measures.fairness
    said = [
        words("fair.source", service=_name(answer, answers, words), source=words.source(answer.config))
        for answer in answers
    ]
    said += [words("fair.source_of_lines", source=words.source(config))] if config else []
    return Notes((words("fair.note_rule"), *said))


def _readings(told: Told, answers: list[_Answer]) -> Table:
    """Return every measure of inequality, one row each, with how to read it."""
    words, config = told.words, told.result.study.measures.fairness
    worse = config.deprivation if config else None
    said = {"epsilon": f"{config.epsilon:g}" if config else "", "share": _deprivation(told, worse) if worse else ""}
    rows = []
    for measure in _READ:
        values = [answer.value(measure) for answer in answers]
        if all(math.isnan(value) for value in values):
            continue
        cells = (number(_value(measure, value)) for value in values)
        rows.append((text(words(f"fair.measure.{measure}")), *cells, text(words(f"fair.reading.{measure}", **said))))
    names = tuple(_name(answer, answers, words) for answer in answers)
    columns = (words("col.access_measure"), *names, words("col.access_reading"))
    return Table(words("fair.readings"), columns, tuple(rows))


def _deprivation(told: Told, worse: DeprivationConfig) -> str:
    names = {group.id: told.words.name(group) for group in told.result.study.groups}
    return told.words("fair.share_of", group=names[worse.group], of=names[worse.of])


# ---- one question --------------------------------------------------------------------------------------------------


def _of_question(told: Told, answer: _Answer, answers: list[_Answer]) -> Section:
    words = told.words
    blocks: list[Block] = [Paragraph(_sentences(told, answer))]
    if len(answer.fair):
        blocks += [*_lorenz(told, answer), *_townships(told, answer), *_villages(told, answer), *_groups(told, answer)]
    return Section(f"access-{answer.config.id}", _name(answer, answers, words), tuple(blocks))


def _sentences(told: Told, answer: _Answer) -> str:
    words, service = told.words, answer.service
    mean, without = _means(answer)
    if math.isnan(mean) and math.isnan(without):
        return words("fair.nobody", group=words.group(told.result.study, service.group, service.base))
    said = {
        "group": words.heading(words.group(told.result.study, service.group, service.base)),
        "mean": _shown(answer, mean),
        "unit": _unit(answer, words),
        "without": wording.share(without),
    }
    kind = answer.table["score_unit"].iloc[0]
    key = {"seconds": "fair.sentence_time", "cost": "fair.sentence_cost"}.get(str(kind), "fair.sentence")
    sentences = [words(key, **said)]
    sentences += [words("fair.enough")] if kind == "supply_per_need" else []
    sentences += [*_line_sentence(answer, words), *_spread_sentences(told, answer), *_unused_sentence(told, answer)]
    return ("" if words.language == "zh" else " ").join(sentences)


def _line_sentence(answer: _Answer, words: Words) -> list[str]:
    below = answer.value("share_below_line")
    if answer.line is None or math.isnan(below):
        return []
    return [words("fair.below_sentence", below=wording.share(below), line=_shown(answer, answer.line))]


def _spread_sentences(told: Told, answer: _Answer) -> list[str]:
    """Return in plain words what the indices say, where they are defined."""
    words, gini = told.words, answer.value("gini")
    if math.isnan(gini):
        return [words("fair.no_access")] if len(answer.fair) else []
    said = [
        words(
            "fair.gini_sentence",
            gini=_decimals(gini),
            twice=wording.share(2.0 * gini),
            half=wording.share(_share_of_lower_half(answer)),
            top=wording.share(1.0 - _curve(answer).share_of_lowest(1.0 - fairness.PALMA_TOP)),
        )
    ]
    theil, between = answer.value("theil"), answer.value("theil_between")
    if theil > 0.0 and not math.isnan(between):
        key = "fair.mostly_between" if between > theil / 2.0 else "fair.mostly_within"
        said.append(words(key, between=wording.share(between / theil)))
    worse = told.result.study.measures.fairness.deprivation if told.result.study.measures.fairness else None
    index = answer.value("concentration")
    if worse is not None and not math.isnan(index):
        direction = "none" if abs(index) < _NO_RELATION else "less" if index > 0.0 else "more"
        said.append(words(f"fair.worse_off_{direction}", share=_deprivation(told, worse), index=_decimals(index)))
    return said


def _unused_sentence(told: Told, answer: _Answer) -> list[str]:
    """Return how much supply has nobody in reach who needs it, where scores tell."""
    if answer.config.method not in _HANDING_OUT:
        return []
    facilities, unit = told.result.facilities, str(answer.table["unit"].iloc[0])
    own = (facilities.places["service"] == answer.service.id).to_numpy(bool)
    supply = float(scores.supply_of(facilities, unit)[own].sum())
    unused = supply - float((answer.table["demand"] * answer.score).sum())
    if round(unused) < 1:
        return []
    said = {"unused": f"{unused:,.0f}", "supply": f"{supply:,.0f}", "unit": told.words.or_raw("unit", unit)}
    return [told.words("fair.unused_sentence", **said)]


def _curve(answer: _Answer) -> fairness.Lorenz:
    return fairness.lorenz(answer.score, answer.persons)


def _share_of_lower_half(answer: _Answer) -> float:
    """Return what part of all access the lower half of the people has; NaN where fairness was not asked."""
    return _curve(answer).share_of_lowest(0.5) if len(answer.fair) else math.nan


def _lorenz(told: Told, answer: _Answer) -> list[Picture]:
    words, gini = told.words, answer.value("gini")
    if math.isnan(gini):
        return []
    curve, half = _curve(answer), wording.share(_share_of_lower_half(answer))
    service = words.name(answer.service)
    texts = pictures.LorenzTexts(
        title=words.heading(words("fair.lorenz_title", service=service)),
        description=words("fair.lorenz_text", half=half, gini=_decimals(gini)),
        across=words("fair.lorenz_across"),
        up=words("fair.lorenz_up"),
        equal=words("fair.lorenz_equal"),
        mark=words("fair.lorenz_mark", half=half),
    )
    svg = pictures.draw_lorenz(f"lorenz-{answer.config.id}", curve.share_persons, curve.share_score, texts)
    return [Picture(svg, words.heading(words("fair.lorenz_caption", service=service)))]


def _townships(told: Told, answer: _Answer) -> list[Table]:
    words, found = told.words, answer.by_code("township")
    if found.empty:
        return []
    measures = ["share_without", "share_below_line", "gini", "share_persons", "share_score"]
    measures = [name for name in measures if name in found and found[name].notna().any()]
    rows = [
        (
            text(told.townships.get(str(code), str(code))),
            number(wording.persons(row["persons"])),
            number(_shown(answer, row["mean_score"])),
            *(number(_value(name, row[name])) for name in measures),
        )
        for code, row in zip(found.index, found.to_dict("records"), strict=True)
    ]
    whole: dict[str, float] = {name: answer.value(name) for name in measures}
    whole |= {"share_persons": 1.0, "share_score": 1.0}
    rows.append(
        (
            text(words("report.whole")),
            number(wording.persons(float(answer.persons.sum()))),
            number(_shown(answer, answer.value("mean_score"))),
            *(number(_value(name, whole[name])) for name in measures),
        )
    )
    names = ["township", "persons", "access_mean", *(f"access_{name}" for name in measures)]
    headings = tuple(words(f"col.{name}") for name in names)
    return [Table(words("fair.by_township"), headings, tuple(rows), strong_rows=(len(rows) - 1,))]


def _villages(told: Told, answer: _Answer) -> list[Block]:
    """Return the villages that have least, and how many have nothing at all."""
    words, study, group = told.words, told.result.study, answer.service.group
    found = answer.fair[(answer.fair["scope"] == "village") & (answer.fair["measure"] == "mean_score")]
    found = found.sort_values("rank", kind="stable")
    if found.empty:
        return []
    known = told.result.villages.set_index("village_code")
    below = answer.by_code("village").get("share_below_line")
    rows = []
    for row in found.head(_MOST_VILLAGES).to_dict("records"):
        code = str(row["scope_code"])
        place = known.loc[code] if code in known.index else None
        township = str(place["township_code"]) if place is not None else ""
        cells: list[Cell] = [
            text(str(place["name_zh"]) if place is not None else code),
            text(told.townships.get(township, township or wording.NOTHING)),
            number(discretion.persons(study, group, float(row["persons"]))),
            number(_shown(answer, float(row["value"]))),
        ]
        if below is not None:
            cells.append(number(discretion.share(study, group, float(below[code]), of_persons=float(row["persons"]))))
        rows.append(tuple(cells))
    names = ["village", "township", "persons", "access_mean", *["access_share_below_line"] * (below is not None)]
    caption = words("fair.worst_villages", n=len(rows), of=len(found))
    blocks: list[Block] = [Table(caption, tuple(words(f"col.{name}") for name in names), tuple(rows))]
    empty = found[found["value"] == 0.0]
    if len(empty):
        said = words("fair.villages_without", n=len(empty), persons=wording.persons(float(empty["persons"].sum())))
        blocks.append(Notes((said,)))
    return blocks


def _groups(told: Told, answer: _Answer) -> list[Block]:
    words, found = told.words, answer.by_code("group")
    if found.empty:
        return []
    names = {group.id: words.name(group) for group in told.result.study.groups}
    measures = [name for name in ("ratio", "share_without", "share_below_line") if name in found]
    rows = [
        (
            text(names.get(str(code), str(code))),
            number(wording.persons(row["persons"])),
            number(_shown(answer, row["mean_score"])),
            *(number(_value(name, row[name])) for name in measures),
        )
        for code, row in zip(found.index, found.to_dict("records"), strict=True)
    ]
    headings = ["access_group", "persons", "access_mean", *(f"access_{name}" for name in measures)]
    table = Table(words("fair.by_group"), tuple(words(f"col.{name}") for name in headings), tuple(rows))
    ratios = found["ratio"].dropna()
    alike = len(ratios) > 1 and float(ratios.max() - ratios.min()) < _ALIKE
    return [table, Notes((words("fair.groups_alike"),))] if alike else [table]

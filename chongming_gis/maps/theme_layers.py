"""Further views of a service's map: how far its places suffice by township, and how much of it each person can get."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chongming_gis import wording
from chongming_gis.maps import views
from chongming_gis.maps.packing import pack
from chongming_gis.maps.page import Data
from chongming_gis.tables import persons_column
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.config import ServiceConfig
    from chongming_gis.maps.views import Material
    from chongming_gis.measuremodel import AccessConfig
    from chongming_gis.wording import Words

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_PARTS = ("served", "no_place", "out_of_reach")
NO_SCORE_FILL = "#2b2b2b"
QUANTILE_FILLS = ("#b35806", "#f1a340", "#b5abd0", "#8073ac", "#3f2a78")  # ColorBrewer's PuOr: safe for all eyes
_PER_PERSONS = 1000.0
_LARGEST_PACKED = 1e9


def three_numbers_view(material: Material, service: ServiceConfig) -> Data | None:
    """Return the view of served, without a place and out of reach by township, or None where that was not measured."""
    result, words, base = material.result, material.words, material.base
    found = result.provision[result.provision["service"] == service.id]
    if found.empty or base.townships is None:
        return None
    unit = words.or_raw("unit", str(found["unit"].iloc[0]))
    code_of = result.demand.points.set_index("demand_id")["township_code"]
    codes = code_of.reindex(found["demand_id"]).to_numpy(object)
    sums = found.assign(code=codes).groupby("code")[["need", *_PARTS]].sum().to_dict("index")
    labels = [words(f"map.three.{part}") for part in _PARTS]
    areas: list[dict[str, Any] | None] = []
    pies: list[list[float] | None] = []
    for code in base.township_codes:
        row = sums.get(code)
        if row is None or not row["need"] > 0.0:
            areas.append(None)
            pies.append(None)
            continue
        share = float(row["served"] / row["need"])
        cells = [(words("map.three.need", unit=unit), f"{row['need']:,.1f}")]
        cells += [(label, f"{row[part]:,.1f}") for label, part in zip(labels, _PARTS, strict=True)]
        cells.append((words("map.three.share"), wording.share(share)))
        areas.append({"value": round(share, 6), "share": wording.share(share), "rows": cells})
        pies.append([round(float(row[part]), 1) for part in _PARTS])
    whole = found[["need", *_PARTS]].sum()
    standard = service.standards[0]
    content = {
        "service": words.name(service),
        "standard": words.standard(result.study, standard),
        "who": words("map.three.who", unit=unit),
        "figure": {
            "share": wording.share(whole["served"] / whole["need"] if whole["need"] > 0 else None),
            "text": words("map.three.figure", unit=unit, **{name: f"{whole[name]:,.0f}" for name in ("need", *_PARTS)}),
        },
        "title": words("map.three.title"),
        "note": words("map.three.note", unit=unit),
        "parts": labels,
        "shareTitle": words("map.three.share_title"),
        "areas": areas,
        "pies": pies,
    }
    return Data.of(f"view-three-{service.id}", content)


def access_questions(material: Material, service: ServiceConfig) -> list[AccessConfig]:
    """Return the questions of access that were answered for a service."""
    config, table = material.result.study.measures.accessibility, material.result.measured.get("accessibility")
    if config is None or table is None:
        return []
    mine = [asked for asked in config.questions if asked.service == service.id]
    return [asked for asked in mine if (table["question"] == asked.id).any()]


def access_view(material: Material, service: ServiceConfig, asked: AccessConfig) -> Data:
    """Return the view of a question of access: every place by how much of the service there is for its people."""
    result, words = material.result, material.words
    table = result.measured["accessibility"]
    table = table[table["question"] == asked.id].set_index("demand_id")
    score = table["score"].reindex(result.demand.points["demand_id"]).to_numpy(np.float64)
    kind = str(table["score_unit"].iloc[0])
    scale = {"supply_per_person": _PER_PERSONS, "seconds": 1.0 / minutes_to_seconds(1.0)}.get(kind, 1.0)
    shown = score * scale
    persons = result.demand.persons[persons_column(service.base, service.group)].to_numpy(np.float64)
    classes, class_of = quantile_classes(shown, persons, words, less_is_better=kind == "seconds")
    unit = words.or_raw("unit", str(table["unit"].iloc[0]))
    label = words.or_raw("map.score", kind).format(unit=unit)
    who = words.group(result.study, service.group, service.base)
    lived = np.isfinite(shown) & (persons > 0.0)
    mean = float((shown[lived] * persons[lived]).sum() / persons[lived].sum()) if lived.any() else math.nan
    has_score = np.isfinite(shown)
    packed = np.rint(np.clip(np.where(has_score, shown, 0.0), 0.0, _LARGEST_PACKED) * 100.0).astype(np.int64) + 1
    content = {
        "service": words.name(service),
        "standard": words.in_language(asked.source, asked.source_en),
        "who": who,
        "figure": {
            "share": wording.NOTHING if math.isnan(mean) else f"{mean:.2f}",
            "text": words("map.access.mean", label=label, who=who),
        },
        "title": words("map.access.title", label=label),
        "note": words("map.access.note", who=who),
        "label": label,
        "decimals": 2,
        "per": 100,
        "areas": [],
        "classes": classes,
        "cls": views.pack_or_constant(class_of),
        "score": pack(np.where(has_score, packed, 0)),
    }
    return Data.of(f"view-access-{asked.id}", content)


def quantile_classes(
    score: Floats, persons: Floats, words: Words, *, less_is_better: bool
) -> tuple[list[dict[str, Any]], Ints]:
    """Return the classes of a score and the class of each place: fifths of those who have some, and those with none.

    Parameters
    ----------
    score : a number a place; NaN and infinity have a class of their own, as has 0 where more is better.
    persons : a number a place; a place without people sets no border.
    less_is_better : of minutes; the fills are turned round.
    """
    nothing = ~np.isfinite(score) if less_is_better else ~np.isfinite(score) | (score <= 0.0)
    some = np.flatnonzero(~nothing & (persons > 0.0))
    order = some[np.argsort(score[some], kind="stable")]
    edges: list[float] = []
    if len(order):
        reached = np.cumsum(persons[order]) / persons[order].sum()
        at = [
            min(int(np.searchsorted(reached, k / len(QUANTILE_FILLS))), len(order) - 1)
            for k in range(1, len(QUANTILE_FILLS))
        ]
        edges = sorted({float(score[order[i]]) for i in at} - {float(score[order[-1]])})
    fills = QUANTILE_FILLS[::-1] if less_is_better else QUANTILE_FILLS
    spread = np.linspace(0, len(fills) - 1, len(edges) + 1).round().astype(int)
    ends = [*edges, float(score[order[-1]]) if len(order) else math.nan]
    starts = [float(score[order[0]]) if len(order) else math.nan, *edges]
    classes = [{"fill": NO_SCORE_FILL, "label": words("map.access.none")}]
    classes += [
        {"fill": fills[spread[k]], "label": f"{start:.2f}–{end:.2f}"}
        for k, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    class_of = np.where(nothing, 0, 1 + np.searchsorted(np.array(edges), np.where(nothing, 0.0, score), side="left"))
    occurring, renumbered = np.unique(class_of, return_inverse=True)
    return [classes[k] for k in occurring], renumbered.astype(np.int64)


def phased_of(material: Material, service: ServiceConfig) -> list[Any]:
    """Return the phased proposals of a service that would build something."""
    sites = material.result.measured.get("phase_sites")
    if sites is None:
        return []
    built = set(sites.loc[sites["service"] == service.id, "phases"])
    return [entry for entry in material.result.study.phases if entry.id in built]

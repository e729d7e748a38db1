"""Maps that are not of one service: the plan's indicators, the rules for burial sites, and how good the data is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chongming_gis import discretion, wording
from chongming_gis.maps import shares, sheets
from chongming_gis.maps.base import lon_lat, text_list
from chongming_gis.maps.delivery_sheet import delivery_map
from chongming_gis.maps.layers import Choice, Drawn, Slot, ViewChoice
from chongming_gis.maps.packing import pack, pack_coordinates
from chongming_gis.maps.page import Data
from chongming_gis.maps.plan_sheet import plans_map

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import geopandas as gpd

    from chongming_gis.maps.page import PlanMap
    from chongming_gis.maps.views import Material
    from chongming_gis.planning import IndicatorConfig


_HAS, _LACKS = "#2c7fb8", "#f28e2b"
_ALLOWED = "#0072b2"
_REFUSED = ("#d55e00", "#c0478a", "#a87800", "#3f7a2c", "#5b3f9a", "#6b3a06")  # apart for all eyes in lightness and hue
_OTHER_RULE = "#2b2b2b"
_KIND_FILLS = {
    "surveyed": "#00441b", "official_statistic": "#0072b2", "sourced": "#56b4e9", "derived": "#e69f00",
    "schematic": "#cc4c9a",
}  # fmt: skip
_OTHER_KIND = "#5d5d72"
_UNREACHED = "#b3261e"
_SPLIT = " | "  # between the reasons of a candidate, and between their sources
_MOST_NAMED = 4


def further_maps(material: Material) -> Iterator[tuple[str, PlanMap]]:
    """Yield the maps beside those of the services by name; those of which the result has nothing are left out."""
    for name, make in (
        ("indicators", indicators_map),
        ("burial_constraints", burial_constraints_map),
        ("data_quality", data_quality_map),
        ("delivery", delivery_map),
        ("plans", plans_map),
    ):
        sheet = make(material)
        if sheet is not None:
            yield name, sheet


def indicators_map(material: Material) -> PlanMap | None:
    """Return the map of the plan's indicators that are told area by area: a view each; None where there is none."""
    result, words, base = material.result, material.words, material.base
    asked = result.study.plan.indicators if result.study.plan else ()
    areas_of = {"township": base.townships, "village": base.villages}
    table = result.indicators
    told = [
        (indicator, scope, areas, rows)
        for indicator in asked
        for scope, areas in areas_of.items()
        if areas is not None and len(rows := table[(table["indicator_id"] == indicator.id) & (table["scope"] == scope)])
    ]
    if not told:
        return None
    title = words("map.indicators")
    sheet = sheets.new_sheet(material, title)
    slot = Slot(words("map.indicators.layer"), show=True)
    slot.add_to(sheet)
    choices: list[Choice] = []
    for indicator, scope, areas, rows in told:
        view = _indicator_view(material, indicator, scope, rows)
        drawn = Drawn("choropleth", {"areas": areas, "view": view}, show=False)
        group = words(f"map.indicators.{scope}")
        choices.append(
            (words.name(indicator), group, sheets.add_view(sheet, view, [(slot, drawn)], is_first=not choices))
        )
    sheets.add_base_layers(sheet, base, words)
    sheets.finish(sheet, material, None, title, ViewChoice(words("map.indicators.choose"), choices))
    return sheet


def _indicator_view(material: Material, indicator: IndicatorConfig, scope: str, rows: pd.DataFrame) -> Data:
    """Return one indicator under the first of its target sets: value, target and verdict of every area."""
    result, words = material.result, material.words
    table = result.indicators
    target_set = str(rows["target_set"].iloc[0])
    rows = rows[rows["target_set"] == target_set].set_index("scope_code")
    whole = table[
        (table["indicator_id"] == indicator.id) & (table["target_set"] == target_set) & (table["scope"] == "district")
    ].to_dict("records")[0]
    if scope == "township":
        codes = list(material.base.township_codes)
        names = None
    else:
        villages = result.villages[result.villages.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
        codes, names = villages["village_code"].tolist(), text_list(villages["name_zh"])
    scale = 100.0 if indicator.unit == "percent" else 1.0
    values = rows["value"].reindex(codes).to_numpy(float) / scale
    is_yes_no = bool(np.isin(values[np.isfinite(values)], [0.0, 1.0]).all())
    areas: list[dict[str, Any] | None] = []
    counted = indicator.measure.services[0] if indicator.measure else ""
    group = next((service.group for service in result.study.services if service.id == counted), "")
    records = {str(row["scope_code"]): row for row in rows.reset_index().to_dict("records")}
    for code, value in zip(codes, values, strict=True):
        if np.isnan(value):
            areas.append(None)
            continue
        row = records[code]
        said = words("map.indicators.has" if value else "map.indicators.lacks") if is_yes_no else wording.share(value)
        cells = [(words("col.indicator"), words.name(indicator)), (words("map.indicators.value"), said)]
        if row["status"] in {"schematic", "to_fill"}:
            cells.append((words("col.status"), words(f"indicator_status.{row['status']}")))
        if row["places_short"] > 0:
            cells.append((words("map.indicators.short"), wording.quantity(float(row["places_short"]))))
        if is_yes_no and row["persons_short"] > 0:
            cells.append(
                (words("map.indicators.persons"), discretion.persons(result.study, group, float(row["persons_short"])))
            )
        shown = int(value) if is_yes_no else round(float(value), 6)
        areas.append({"value": shown, "share": said if scope == "township" else "", "rows": cells})
    district = float(whole["value"]) / scale
    figure = words(
        "map.indicators.figure",
        target=wording.NOTHING if pd.isna(whole["target"]) else wording.share(float(whole["target"]) / scale),
        year=whole["target_year"],
        status=words(f"indicator_status.{whole['status']}"),
    )
    content: dict[str, Any] = {
        "standard": words.source(indicator),
        "who": words.name(indicator),
        "figure": {"share": wording.share(district), "text": figure},
        "shareTitle": words(f"map.indicators.{scope}"),
        "areas": areas,
    }
    if is_yes_no:
        content["fills"] = [
            {"fill": fill, "label": words(f"map.indicators.{key}")} for key, fill in (("lacks", _LACKS), ("has", _HAS))
        ]
    if names is not None:
        content["names"] = names
    return Data.of(f"view-indicator-{indicator.id}-{scope}", content)


def burial_constraints_map(material: Material) -> PlanMap | None:
    """Return the map of places looked at for burial services, and which rule refuses each; None where none were."""
    result, words = material.result, material.words
    config, table = result.study.measures.burial, result.measured.get("candidates")
    if config is None or table is None:
        return None
    mine = [(name, table[table["service"] == name]) for name in config.services]
    mine = [(name, rows) for name, rows in mine if len(rows) and not rows["allowed"].all()]
    if not mine:
        return None
    title = words("map.constraints")
    sheet = sheets.new_sheet(material, title)
    places = Slot(words("map.constraints.layer"), show=True)
    facility = Slot(words("layer.facilities"), show=True)
    for slot in (places, facility):
        slot.add_to(sheet)
    choices: list[Choice] = []
    for name, rows in mine:
        service = result.study.service(name)
        n = int(rows["allowed"].sum())
        view = Data.of(
            f"view-candidates-{name}",
            {
                "standard": words("map.constraints.note"),
                "who": words.name(service),
                "figure": {
                    "share": f"{n:,}",
                    "text": words(
                        "map.constraints.figure", n=f"{n:,}", of=f"{len(rows):,}", refused=f"{len(rows) - n:,}"
                    ),
                },
                "areas": [],
            },
        )
        data = _candidates_data(material, name, rows.sort_values("candidate_id", kind="stable"))
        parts = [
            (places, Drawn("places", {"data": data}, show=False)),
            (facility, Drawn("facilities", {"data": material.facilities(service)}, show=False)),
        ]
        added = sheets.add_view(sheet, view, parts, is_first=not choices)
        choices.append((words.heading(words.name(service)), "", added))
    sheets.add_base_layers(sheet, material.base, words, show_zones=True)
    sheets.finish(sheet, material, None, title, ViewChoice(words("choose_service"), choices))
    return sheet


def _candidates_data(material: Material, service_id: str, rows: gpd.GeoDataFrame) -> Data:
    """Return the candidates of a service: a dot where one may stand, else a cross coloured by the first rule."""
    words, study = material.words, material.result.study
    reasons = [[] if pd.isna(text) else str(text).split(_SPLIT) for text in rows["reason"]]
    said = {rule: words.refusal(study, service_id, rule) for rule in {rule for found in reasons for rule in found}}
    first = pd.Series([found[0] if found else "" for found in reasons])
    often = first[first != ""].value_counts().index.tolist()[: len(_REFUSED)]
    place = {rule: k + 1 for k, rule in enumerate(often)}
    last = len(often) + 1
    classes: list[dict[str, Any]] = [{"fill": _ALLOWED, "label": words("map.constraints.allowed")}]
    classes += [{"fill": _REFUSED[k], "label": said[rule], "cross": True} for k, rule in enumerate(often)]
    if len(often) < first[first != ""].nunique():
        classes.append({"fill": _OTHER_RULE, "label": words("map.constraints.other"), "cross": True})
    villages = dict(zip(material.result.villages["village_code"], material.result.villages["name_zh"], strict=True))
    towns = shares.township_names(material.result, words)
    columns = {
        words("map.constraints.state"): [
            words("map.constraints.allowed" if allowed else "map.constraints.refused") for allowed in rows["allowed"]
        ],
        words("map.constraints.why"): [words.join_clauses([said[rule] for rule in found]) for found in reasons],
        words("facility_source"): [
            "" if pd.isna(text) else words.join_clauses(list(dict.fromkeys(str(text).split(_SPLIT))))
            for text in rows["source"]
        ],
        words("map.constraints.land"): [
            "" if pd.isna(kind) else words.or_raw("zone", str(kind)) for kind in rows["land_kind"]
        ],
        words("map.constraints.road"): [
            "" if pd.isna(metres) else f"{metres:,.0f} {words('js.m')}" for metres in rows["road_m"]
        ],
        words("js.village"): [str(villages.get(code, "")) if pd.notna(code) else "" for code in rows["village_code"]],
        words("js.township"): [str(towns.get(code, "")) if pd.notna(code) else "" for code in rows["township_code"]],
    }
    content = {
        "title": words("map.constraints.layer"),
        "note": words("map.constraints.legend_note"),
        "xy": pack_coordinates(lon_lat(rows)),
        "cls": pack([0 if not rule else place.get(rule, last) for rule in first]),
        "classes": classes,
        "names": text_list(rows["name_zh"]),
        **_texts(columns),
    }
    return Data.of(f"candidates-{service_id}", content)


def _texts(columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what cards say: labels, the distinct texts, and for each place the number of its text under each label."""
    distinct = list(dict.fromkeys(value for column in columns.values() for value in column))
    number = {value: k for k, value in enumerate(distinct)}
    values = [[number[value] for value in row] for row in zip(*columns.values(), strict=True)]
    return {"labels": list(columns), "texts": distinct, "values": values}


def data_quality_map(material: Material) -> PlanMap | None:
    """Return the map of how good the data is: every facility by its kind of data, and places that reach nothing."""
    result, words = material.result, material.words
    if result.facilities.places.empty:
        return None
    title = words("map.quality")
    sheet = sheets.new_sheet(material, title)
    data, figure = _facilities_quality(material)
    Drawn("places", {"data": data}, name=words("map.quality.facilities")).add_to(sheet)
    missing = _lacking(material)
    for key, everything in (("nothing", True), ("something", False)):
        unreached = _unreached_data(material, missing, everything=everything)
        if unreached is not None:
            options = {"pane": "uncovered", "rank": 5, "size": 2.2}
            name = words(f"map.quality.layer_{key}")
            Drawn("places", {"data": unreached}, options=options, name=name, show=everything).add_to(sheet)
    view = Data.of("view-quality", {"standard": words("map.quality.note"), "who": "", "figure": figure, "areas": []})
    added = sheets.add_view(sheet, view, [], is_first=True)
    sheets.add_base_layers(sheet, material.base, words)
    sheets.finish(sheet, material, None, title, ViewChoice("", [(words("map.quality.all"), "", added)]))
    return sheet


def _facilities_quality(material: Material) -> tuple[Data, dict[str, str]]:
    words, study = material.words, material.result.study
    places = material.result.facilities.places.sort_values("facility_id", kind="stable")
    kinds = text_list(places["data_kind"])
    occurring = [kind for kind in [*_KIND_FILLS, *sorted(set(kinds) - set(_KIND_FILLS))] if kind in kinds]
    counts = {kind: kinds.count(kind) for kind in occurring}
    classes = [
        {
            "fill": _KIND_FILLS.get(kind, _OTHER_KIND),
            "label": words("map.quality.count", kind=words.or_raw("kind", kind), n=f"{counts[kind]:,}"),
        }
        for kind in occurring
    ]
    quality = places["position_quality_m"].to_numpy(float)
    columns = {
        words("choose_service"): [words.heading(words.service(study, name)) for name in places["service"]],
        words("facility_data"): [words.or_raw("kind", kind) for kind in kinds],
        words("map.quality.position"): [
            words("map.quality.unknown")
            if np.isnan(metres)
            else words("quality_m", metres=wording.quantity(float(metres)))
            for metres in quality
        ],
        words("facility_status"): [words(f"status.{status}") for status in places["status"]],
        words("facility_source"): text_list(places["source"]),
    }
    content = {
        "title": words("map.quality.facilities"),
        "note": words("map.quality.rings"),
        "xy": pack_coordinates(lon_lat(places)),
        "cls": indexed_in(kinds, occurring),
        "ring": pack(np.rint(np.nan_to_num(quality)).astype(np.int64)),
        "classes": classes,
        "names": text_list(places["name_zh"]),
        **_texts(columns),
    }
    schematic = counts.get("schematic", 0)
    known = quality[np.isfinite(quality)]
    figure = {
        "share": wording.share(1.0 - schematic / len(kinds)),
        "text": words(
            "map.quality.figure",
            n=f"{len(kinds):,}",
            schematic=f"{schematic:,}",
            median=wording.quantity(float(np.median(known))) if len(known) else wording.NOTHING,
        ),
    }
    return Data.of("quality-facilities", content), figure


def indexed_in(values: list[str], known: list[str]) -> str:
    """Return the packed place of each value among the known ones."""
    place = {value: k for k, value in enumerate(known)}
    return pack([place[value] for value in values])


def _lacking(material: Material) -> list[list[str]]:
    """Return for each place the services of which it reaches no facility, whoever may use it."""
    words, services = material.words, material.result.study.services
    missing: list[list[str]] = [[] for _ in range(len(material.result.demand.points))]
    for service in services:
        question = shares.headline(service)
        parts = next((asked for asked in (question.freed.parts, question.parts) if asked in material.access.rows), None)
        if parts is None:
            continue
        name = words.name(service)
        for at in np.flatnonzero(np.isinf(material.access.answers(parts)["time_s"].to_numpy(float))).tolist():
            missing[at].append(name)
    return missing


def _unreached_data(material: Material, missing: list[list[str]], *, everything: bool) -> Data | None:
    """Return the places that reach nothing (everything is missing), or not all; None where there are none."""
    services = material.result.study.services
    key, fill = ("nothing", _UNREACHED) if everything else ("something", _OTHER_RULE)
    result, words = material.result, material.words
    points = result.demand.points
    wanted = [len(names) == len(services) if everything else 0 < len(names) < len(services) for names in missing]
    lacking = np.flatnonzero(wanted)
    if not len(lacking):
        return None
    chosen = points.iloc[lacking]
    towns = shares.township_names(result, words)
    columns = {
        words("map.quality.lacks"): [
            words("map.quality.lacks_n", n=len(missing[i]), of=len(services)) for i in lacking
        ],
        words("map.quality.which"): [
            words.join(missing[i][:_MOST_NAMED]) + ("……" if len(missing[i]) > _MOST_NAMED else "") for i in lacking
        ],
        words("js.township"): [
            str(towns.get(code, code)) if pd.notna(code) else "" for code in chosen["township_code"]
        ],
    }
    content = {
        "title": words("map.quality.unreached"),
        "note": words("map.quality.unreached_note"),
        "xy": pack_coordinates(lon_lat(chosen)),
        "cls": pack(np.zeros(len(lacking), dtype=np.int64)),
        "classes": [{"fill": fill, "label": words(f"map.quality.{key}"), "cross": True}],
        "names": text_list(chosen["name_zh"]),
        **_texts(columns),
    }
    return Data.of(f"quality-{key}", content)

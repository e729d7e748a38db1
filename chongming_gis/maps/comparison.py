"""The map of two results: where people gained or lost a service and why, and the facilities that changed.

It stands over the ground of the second result; one view a service that changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from chongming_gis import compare, wording
from chongming_gis.coverage import answers_of
from chongming_gis.maps import shares, sheets, views
from chongming_gis.maps.base import lon_lat, text_list
from chongming_gis.maps.layers import Choice, Drawn, Slot, ViewChoice
from chongming_gis.maps.packing import pack, pack_coordinates
from chongming_gis.maps.page import Data
from chongming_gis.units import minutes_to_seconds

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.compare import Comparison
    from chongming_gis.config import ServiceConfig
    from chongming_gis.maps.page import PlanMap
    from chongming_gis.maps.views import Material
    from chongming_gis.wording import Words

NAME = "comparison"
_LIFT = 10_000  # pixels: markers farther south stand above others unless lifted
_STILL = ("#bccad3", "#cbc5bb")  # covered in both, in neither: what did not change steps back
_GAINED = ("#08457e", "#1f6fb4", "#3f97cf", "#6cb8d9", "#3b5fa0", "#7d9cc9")  # by cause
_LOST = ("#b3261e", "#7a1414", "#cf5a1c", "#f28e2b", "#a0522d", "#d98a6a")


def changed_services(found: Comparison) -> list[ServiceConfig]:
    """Return the services of both results in which coverage or a facility changed."""
    own = {service.id: (service.id, service.group, service.base, service.standards[0].id) for service in found.services}
    table = found.coverage[found.coverage["change_covered"].abs() > compare.LEAST_PERSONS]
    keys = set(zip(table["service"], table["group"], table["base"], table["standard"], strict=True))
    touched = set(found.facilities["service"]) | set(found.points["service"])
    return [service for service in found.services if own[service.id] in keys or service.id in touched]


def comparison_map(found: Comparison, material: Material) -> PlanMap | None:
    """Return the map of a comparison, or None where nothing changed.

    Parameters
    ----------
    material : what ``prepare`` made of the second result.
    """
    services = changed_services(found)
    if not services:
        return None
    words = material.words
    title = words("compare.map")
    sheet = sheets.new_sheet(material, title)
    slots = {key: Slot(words(f"compare.layer.{key}"), show=key != "choropleth") for key in _layers(found, material)}
    for slot in slots.values():
        slot.add_to(sheet)
    choices: list[Choice] = []
    for service in services:
        view = _view(found, material, service)
        facilities = material.facilities(service)
        drawn = {"facilities": Drawn("facilities", {"data": facilities}, show=False)}
        changed = _changed_facilities(found, service, words)
        if changed is not None:
            drawn["changed"] = Drawn("facilities", {"data": changed}, options={"lift": _LIFT}, show=False)
        if found.has_same_points:
            data = sheets.people_data(material, view, facilities, service)
            drawn["people"] = Drawn("people", data, show=False)
        if material.base.townships is not None:
            areas = {"areas": material.base.townships, "view": view}
            drawn["choropleth"] = Drawn("choropleth", areas, show=False)
        parts = [(slot, drawn[key]) for key, slot in slots.items() if key in drawn]
        added = sheets.add_view(sheet, view, parts, is_first=not choices)
        choices.append((words.heading(words.name(service)), "", added))
    sheets.add_base_layers(sheet, material.base, words)
    sheets.finish(sheet, material, None, title, ViewChoice(words("choose_service"), choices))
    return sheet


def _layers(found: Comparison, material: Material) -> list[str]:
    wanted = {"people": found.has_same_points, "changed": True, "facilities": True}
    wanted["choropleth"] = material.base.townships is not None
    return [key for key, is_there in wanted.items() if is_there]


def _view(found: Comparison, material: Material, service: ServiceConfig) -> Data:
    """Return what the map shows of one service: the second result's figures, with what they were."""
    words = material.words
    question = shares.headline(service)
    content = views.view_content(material, question)
    before = shares.read_shares(found.before)
    old = shares.headline(found.before.study.service(service.id))
    whole = before.whole(old)
    if content["figure"] and whole:
        gained, lost = (_persons(found, service, change) for change in ("gained", "lost"))
        content["figure"] = {
            "share": f"{wording.share(whole.share)} → {content['figure']['share']}",
            "text": words("compare.figure", gained=wording.persons(gained), lost=wording.persons(lost))
            if found.has_same_points
            else content["figure"]["text"],
        }
    _tell_areas(content["areas"], material, before.by_code(old, "township"))
    if found.has_same_points:
        classes, class_of = _classes(found, service, words)
        content["title"] = words("compare.people")
        content["classes"], content["cls"] = classes, views.pack_or_constant(class_of)
        content["before"] = {
            "change": words("compare.change"),
            "label": words("compare.time_before"),
            "time": _packed_times(found, service),
        }
    return Data.of(f"view-{question.key}-compared", content)


def _persons(found: Comparison, service: ServiceConfig, change: str) -> float:
    mine = found.points[(found.points["service"] == service.id) & (found.points["change"] == change)]
    return float(mine["persons"].sum())


def _tell_areas(areas: list[dict[str, Any] | None], material: Material, before: Any) -> None:
    """Add to each township's card what its share was, and by how much it changed."""
    words = material.words
    for code, entry in zip(material.base.township_codes, areas, strict=True):
        if entry is None or code not in before:
            continue
        was = before[code].share
        entry["more"] = [[words("compare.share_before"), wording.share(was)]]
        if entry["value"] is not None and was == was:
            entry["more"].append([words("compare.change"), wording.points(entry["value"] - was)])


def _packed_times(found: Comparison, service: ServiceConfig) -> str:
    """Return the seconds of the first result in the order of the people, in tenths of minutes from 1 on; 0 = none."""
    standard = found.before.study.service(service.id).standards[0]
    rows = answers_of(found.before.access, service.id, standard.id, "applied")
    time_s = rows["time_s"].to_numpy(float)
    reached = np.isfinite(time_s)
    tenths = np.rint(np.where(reached, time_s, 0.0) / minutes_to_seconds(0.1)) + 1
    return pack(np.where(reached, tenths, 0).astype(np.int64))


def _classes(
    found: Comparison, service: ServiceConfig, words: Words
) -> tuple[list[dict[str, Any]], npt.NDArray[np.int64]]:
    """Return the classes that occur, and the class of each place: changed ones by cause, drawn above the others."""
    rows = answers_of(found.after.access, service.id, service.standards[0].id, "applied")
    class_of = np.where(rows["covered"].to_numpy(bool), 0, 1).astype(np.int64)
    classes = [
        {"fill": _STILL[0], "covered": True, "label": words("compare.still_covered")},
        {"fill": _STILL[1], "covered": False, "label": words("compare.still_uncovered")},
    ]
    mine = found.points[found.points["service"] == service.id]
    at = pd.Index(rows["demand_id"]).get_indexer(pd.Index(mine["demand_id"]))
    for change, fills in (("gained", _GAINED), ("lost", _LOST)):
        for number, cause in enumerate(compare.CAUSES):
            chosen = ((mine["change"] == change) & (mine["cause"] == cause)).to_numpy()
            if chosen.any():
                class_of[at[chosen]] = len(classes)
                label = words(f"compare.class.{change}", cause=words(f"compare.cause.{cause}"))
                classes.append({"fill": fills[number], "covered": change == "gained", "label": label})
    occurring, renumbered = np.unique(class_of, return_inverse=True)
    return [classes[k] for k in occurring], renumbered.astype(np.int64)


def _changed_facilities(found: Comparison, service: ServiceConfig, words: Words) -> Data | None:
    """Return the facilities that opened, closed, moved or changed their capacity, with that on their cards."""
    told = found.facilities[found.facilities["service"] == service.id]
    if told.empty:
        return None
    gone = told.loc[told["change"] == "gone", "facility_id"]
    frames = [
        _places(result, ids)
        for result, ids in ((found.after, told.loc[told["change"] != "gone", "facility_id"]), (found.before, gone))
    ]
    places = pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
    changes = {
        facility_id: [(str(row["change"]), str(row["detail"])) for row in rows.to_dict("records")]
        for facility_id, rows in told.groupby("facility_id", sort=False)
    }
    cards, statuses = [], []
    for facility_id in places["facility_id"]:
        mine = changes[facility_id]
        statuses.append(mine[0][0])
        said = [f"{words(f'compare.facility.{change}')} {detail}".strip() for change, detail in mine]
        cards.append([(words("compare.change"), words.join_clauses(said))])
    levels, kinds = text_list(places["level"]), text_list(places["data_kind"])
    content = {
        "title": words("compare.layer.changed"),
        "xy": pack_coordinates(lon_lat(places)),
        "names": text_list(places["name_zh"]),
        **_coded("levels", "level", levels),
        **_coded("statuses", "status", statuses),
        **_coded("kinds", "kind", kinds),
        "rows": cards,
    }
    return Data.of(f"changed-{service.id}", content)


def _places(result: Any, ids: pd.Series) -> gpd.GeoDataFrame:
    places = result.facilities.places
    return places[places["facility_id"].isin(ids)].sort_values("facility_id", kind="stable")


def _coded(names: str, name: str, values: list[str]) -> dict[str, list[Any]]:
    distinct = list(dict.fromkeys(values))
    return {names: distinct, name: [distinct.index(value) for value in values]}

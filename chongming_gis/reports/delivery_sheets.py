"""delivery_sheets.html: what the driver of each round needs, a page a round when printed, readable on a phone."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment, FunctionLoader, StrictUndefined

from chongming_gis import wording
from chongming_gis.deliverymodel import clock_after
from chongming_gis.errors import OutputError
from chongming_gis.maps import notices
from chongming_gis.maps.delivery_sheet import minutes, round_name
from chongming_gis.maps.page import POLICY
from chongming_gis.units import minutes_to_seconds
from chongming_gis.wording import HTML_LANG, Words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chongming_gis.results import StudyResult
    from chongming_gis.wording import Language

FILE = "delivery_sheets.html"
_KM = 1000.0
_COLUMNS = ("stop", "arrive", "drop", "meals", "left", "done")


def write_sheets(result: StudyResult, folder: Path, *, language: Language = "zh") -> Path | None:
    """Write ``delivery_sheets.html`` into a folder and return its path; None where the result has no rounds.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    if "routes" not in result.measured or result.study.delivery is None:
        return None
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(render_sheets(result, language=language), encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(f"{path}: the sheets cannot be written ({error.strerror or error})") from error
    return path


def render_sheets(result: StudyResult, *, language: Language = "zh") -> str:
    """Return the sheets of all rounds as one page that asks nothing of a network."""
    words = Words(language)
    sheets = _sheets(result, words)
    index: dict[str, list[dict[str, Any]]] = {}
    for sheet in sheets:
        index.setdefault(sheet["kitchen"], []).append(sheet)
    environment = Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    entries = notices.sources(result)
    return environment.get_template("delivery_sheets.html.jinja").render(
        lang=HTML_LANG[language],
        policy=POLICY,
        words=words,
        css=_asset("delivery_sheets.css"),
        title=words("delivery.sheets_title"),
        lead=words.name(result.study),
        notice=notices.schematic_notice(result.study, entries, words),
        index=list(index.items()),
        sheets=sheets,
        columns=[words(f"delivery.sheet_col.{name}") for name in _COLUMNS],
        marks=_marks(result, words),
    )


def _marks(result: StudyResult, words: Words) -> list[str]:
    """Return what stands at the foot of every sheet, as printed sheets go about without their front page."""
    config, whole = result.study.delivery, result.measured["delivery"]
    groups = {entry.group for entry in config.shares} if config else set()
    is_sensitive = any(group.sensitive for group in result.study.groups if group.id in groups)
    is_schematic = bool((whole["evidence"] == "schematic").any())
    marks = {"schematic": is_schematic, "internal": is_sensitive}
    return [words(f"delivery.sheet_{name}") for name, holds in marks.items() if holds]


def _asset(name: str) -> str:
    return files("chongming_gis.reports").joinpath("assets", name).read_text(encoding="utf-8")


def _sheets(result: StudyResult, words: Words) -> list[dict[str, Any]]:
    config, measured = result.study.delivery, result.measured
    if config is None:
        return []
    vehicles = {vehicle.id: words.name(vehicle) for vehicle in config.vehicles}
    villages = result.villages.set_index("village_code")["name_zh"]
    towns = result.townships.set_index("township_code")["name_zh"]
    by_round = dict(tuple(measured["route_stops"].groupby("round_id", sort=False)))
    sheets = []
    for number, one in enumerate(measured["routes"].drop(columns="geometry").to_dict("records"), start=1):
        latest = clock_after(one["depart"], minutes_to_seconds(config.deadline_min))
        kitchen = one["name_zh"] if not pd.isna(one["name_zh"]) else one["kitchen_id"]
        sheets.append(
            {
                "anchor": f"round-{number}",
                "kitchen": str(kitchen),
                "short": f"{one['depart']} · {int(str(one['round_id']).rpartition('-')[2])}",
                "name": round_name({str(key): value for key, value in one.items()}, words),
                "depart": words("delivery.sheet_depart", depart=one["depart"]),
                "vehicle": f"{vehicles.get(one['vehicle'], one['vehicle'])} {one['cart']}",
                "load": words("delivery.sheet_load", meals=wording.quantity(one["meals"])),
                "deadline": words("delivery.sheet_deadline", clock=latest, minutes=f"{config.deadline_min:g}"),
                "ferry": words("delivery.sheet_ferry") if one["uses_ferry"] else "",
                "stops": [_stop(stop, villages, towns) for stop in by_round[one["round_id"]].to_dict("records")],
                "back": words(
                    "delivery.sheet_back",
                    clock=clock_after(one["depart"], one["back_s"]),
                    minutes=minutes(one["back_s"]),
                    km=f"{one['length_m'] / _KM:.1f}",
                ),
            }
        )
    return sheets


def _stop(stop: Mapping[Any, Any], villages: pd.Series, towns: pd.Series) -> dict[str, str]:
    places = [towns.get(stop["township_code"]), villages.get(stop["village_code"])]
    return {
        "stop": str(stop["stop"]),
        "arrive": str(stop["arrive"]),
        "drop": str(stop["drop_id"] if pd.isna(stop["name_zh"]) else stop["name_zh"]),
        "place": " · ".join(str(place) for place in places if place is not None and not pd.isna(place)),
        "meals": wording.quantity(stop["meals"]),
        "left": wording.quantity(stop["load_after"]),
    }

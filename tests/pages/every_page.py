"""Every page that a result can have, of the toy town with all its themes: maps, report, comparison, drivers' sheets."""

import dataclasses

import pandas as pd

from chongming_gis import compare, maps, tables
from chongming_gis.maps import online
from chongming_gis.maps.page import PlanMap
from chongming_gis.reports.comparison import render_comparison
from chongming_gis.reports.delivery_sheets import render_sheets
from chongming_gis.reports.document import render_report
from tests.maps import delivery_toy, measured_toy, plans_toy, themed_toy

LANGUAGES = ("zh", "en")
NAMES = (
    *("map overview", "map meal_point", "map care_home", "map indicators", "map burial_constraints"),
    *("map data_quality", "map delivery", "map plans", "map empty", "report", "compare", "sheets"),
)


def everything(toy, toy_result):
    """The toy town with gaps, drawn areas, access, phases, candidates, plans and a day's rounds."""
    parts = [
        themed_toy.with_themes(toy_result),
        measured_toy.with_areas(toy_result),
        plans_toy.with_plans(toy_result),
        delivery_toy.with_rounds(toy, toy_result),
    ]
    measured, changed, measures = {}, {}, {}
    for part in parts:
        measured |= part.measured
        for name in type(part.study).model_fields:
            value = getattr(part.study, name)
            if name == "measures":
                measures |= {key: getattr(value, key) for key in value.model_fields_set}
            elif value != getattr(toy_result.study, name):
                changed[name] = value
    study = toy_result.study
    study = study.model_copy(update={**changed, "measures": study.measures.model_copy(update=measures)})
    return dataclasses.replace(toy_result, study=study, measured=measured)


def pages(toy, toy_result, language):
    """Return every page by its name."""
    result = themed_toy.with_sensitive(everything(toy, toy_result), "a80_plus")
    material = maps.prepare(result, language)
    made = {f"map {name}": sheet.page.render() for name, sheet in maps.every_map(material)}
    empty = PlanMap(title="x", language=language, bounds=((31.0, 121.0), (32.0, 122.0)))
    made["map empty"] = online.offer(empty, result.study).page.render()
    made["report"] = render_report(result, language=language, material=material)
    made["compare"] = render_comparison(compare.compare_results(toy_result, changed(toy_result)), language)
    made["sheets"] = render_sheets(result, language=language)
    return made


def changed(result):
    """The toy result without its first meal point, for a comparison."""
    places = result.facilities.places
    kept = tables.Facilities(
        places=pd.concat([places.iloc[1:], places.iloc[[0]].assign(facility_id="F9", name_zh="新食堂 <b>")]),
        capacity=result.facilities.capacity.iloc[1:].reset_index(drop=True),
    )
    coverage = result.coverage.copy()
    coverage.loc[coverage["scope"] == "district", ["persons_covered", "share_covered"]] = [40.0, 0.5]
    return dataclasses.replace(result, facilities=kept, coverage=coverage)

"""The map of bed plans and of services planned together: one view a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis.maps import plan_layer, sheets
from chongming_gis.maps.layers import Choice, Drawn, Slot, ViewChoice
from chongming_gis.maps.page import Data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chongming_gis.bedmodel import BedPlanConfig
    from chongming_gis.maps.page import PlanMap
    from chongming_gis.maps.views import Material
    from chongming_gis.phasemodel import JointProposalConfig

    _Asked = tuple[str, set[str], Data, Data]  # name, services whose facilities stand beside it, places, heading


def plans_map(material: Material) -> PlanMap | None:
    """Return the map of what bed plans and joint plans would build; None where none was made or none builds."""
    study, words = material.result.study, material.words
    asked = [*_bed_views(material, study.bed_plans), *_joint_views(material, study.joint_proposals)]
    if not asked:
        return None
    title = words("map.plans")
    sheet = sheets.new_sheet(material, title)
    sites, facility = Slot(words("map.plans.layer"), show=True), Slot(words("layer.facilities"), show=False)
    for slot in (sites, facility):
        slot.add_to(sheet)
    choices: list[Choice] = []
    for name, services, data, view in asked:
        standing = [material.facilities(service) for service in study.services if service.id in services]
        parts = [(sites, Drawn("sites", {"data": data}, show=False))]
        parts += [(facility, Drawn("facilities", {"data": entry}, show=False)) for entry in standing]
        choices.append((name, "", sheets.add_view(sheet, view, parts, is_first=not choices)))
    sheets.add_base_layers(sheet, material.base, words)
    sheets.finish(sheet, material, None, title, ViewChoice(words("map.plans.choose"), choices))
    return sheet


def _bed_views(material: Material, plans: Sequence[BedPlanConfig]) -> list[_Asked]:
    """Return what the map shows of each bed plan that does something."""
    words = material.words
    found: list[_Asked] = []
    for plan in plans:
        data, actions = plan_layer.beds_data(material, plan), plan_layer.actions_of(material, plan)
        if data is None or actions is None:
            continue
        done = [
            words(f"map.plans.done.{what}", n=f"{rows['place_id'].nunique():,}", beds=f"{rows['beds'].sum():,}")
            for what, rows in actions.groupby("what", sort=False)
        ]
        figure = {
            "share": f"{actions['place_id'].nunique():,}",
            "text": words(
                "map.plans.beds_figure",
                done=words.join_clauses(done),
                cost=f"{actions['cost'].sum():,.0f}",
                **plan_layer.bed_prices(material, plan),
            ),
        }
        heading = {"standard": words.source(plan), "who": words.name(plan), "figure": figure, "areas": []}
        name = words.heading(words.name(plan))
        found.append((name, {plan.service}, data, Data.of(f"view-beds-{plan.id}", heading)))
    return found


def _joint_views(material: Material, plans: Sequence[JointProposalConfig]) -> list[_Asked]:
    """Return what the map shows of each joint plan that builds something."""
    words, study = material.words, material.result.study
    found: list[_Asked] = []
    for plan in plans:
        data, sites = plan_layer.joint_data(material, plan), plan_layer.joint_sites_of(material, plan)
        if data is None or sites is None:
            continue
        counts = sites["service"].value_counts()
        built = [
            words("map.plans.built", service=words.name(service), n=f"{counts[service.id]:,}")
            for service in study.services
            if service.id in counts
        ]
        shared = sites.loc[sites["shared_with"].notna(), "place_id"].nunique()
        figure = {
            "share": f"{sites['place_id'].nunique():,}",
            "text": words("map.plans.joint_figure", built=words.join_clauses(built), shared=f"{shared:,}"),
        }
        heading = {"standard": words.source(plan), "who": words.name(plan), "figure": figure, "areas": []}
        name = words.heading(words.name(plan))
        found.append((name, set(counts.index), data, Data.of(f"view-joint-{plan.id}", heading)))
    return found

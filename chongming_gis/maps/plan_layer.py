"""What bed plans do at each home, and the sites of services planned together: stars with cards that say why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import pandas as pd

from chongming_gis import discretion
from chongming_gis.maps import shares
from chongming_gis.maps.base import lon_lat
from chongming_gis.maps.layers import Drawn
from chongming_gis.maps.packing import pack_coordinates
from chongming_gis.maps.page import Data
from chongming_gis.maps.proposal_layer import site_names

if TYPE_CHECKING:
    import geopandas as gpd

    from chongming_gis.bedmodel import BedPlanConfig
    from chongming_gis.maps.views import Material
    from chongming_gis.phasemodel import JointProposalConfig

    Card = list[tuple[str, str]]

# Light, so that their dark outline and figures stand out, and apart in lightness for all eyes.
_FILLS = ("#ffd400", "#7fd0f5", "#f7a8c4", "#b7e07a", "#c9b3f2", "#ffb27a", "#f2f2f2")
_WHATS = ("new", "extended", "converted", "standardised")  # a home is drawn as the first of these that is done there
_SPLIT = " | "


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Places of a plan: the rows of each, its class, what the classes are called, and the cards."""

    by_place: list[gpd.GeoDataFrame]
    firsts: list[str]
    labels: dict[str, str]
    cards: list[Card]


def plan_layers(material: Material) -> list[Drawn]:
    """Return the layers of all bed plans and joint plans that build something, off until switched on."""
    words = material.words
    found = [(words.name(plan), beds_data(material, plan)) for plan in material.result.study.bed_plans]
    found += [(words.name(plan), joint_data(material, plan)) for plan in material.result.study.joint_proposals]
    return [
        Drawn("sites", {"data": data}, name=words("layer.sites", proposal=name), show=False)
        for name, data in found
        if data is not None
    ]


def actions_of(material: Material, plan: BedPlanConfig) -> gpd.GeoDataFrame | None:
    """Return what a bed plan does, home by home, or None where it does nothing or was not made."""
    return _rows_of(material, "bed_plan", "plan", plan.id)


def joint_sites_of(material: Material, plan: JointProposalConfig) -> gpd.GeoDataFrame | None:
    """Return the sites of a joint plan, or None where it builds nothing or was not made."""
    return _rows_of(material, "joint_sites", "joint", plan.id)


def _rows_of(material: Material, table: str, column: str, plan: str) -> gpd.GeoDataFrame | None:
    rows = material.result.measured.get(table)
    mine = None if rows is None else rows[rows[column] == plan].sort_values("place_id", kind="stable")
    return None if mine is None or mine.empty else mine


def beds_data(material: Material, plan: BedPlanConfig) -> Data | None:
    """Return the homes of a bed plan, each with what is done there and the targets that counts towards."""
    actions = actions_of(material, plan)
    if actions is None:
        return None
    words, study = material.words, material.result.study
    by_place = [group for _, group in actions.groupby("place_id", sort=True)]
    firsts = [next(what for what in _WHATS if what in set(group["what"])) for group in by_place]
    labels = {what: words(f"map.plans.{what}") for what in _WHATS}
    is_schematic = study.service(plan.service).facilities.kind == "schematic"
    note = words("beds.note_schematic") if is_schematic else ""
    priced = words("map.cost", **bed_prices(material, plan))
    drawn = _Drawn(by_place, firsts, labels, [_home_card(material, group, priced) for group in by_place])
    return _sites(material, f"beds-{plan.id}", (words.heading(words.name(plan)), note), drawn)


def bed_prices(material: Material, plan: BedPlanConfig) -> dict[str, str]:
    """Return the currency and the year of the prices of a bed plan."""
    plans = material.result.measured["bed_plans"]
    row = plans[plans["plan"] == plan.id].iloc[0]
    return {"currency": material.words.or_raw("currency", row["currency"]), "year": str(row["price_year"])}


def _home_card(material: Material, actions: pd.DataFrame, priced: str) -> Card:
    words, study = material.words, material.result.study
    rows = [(words("js.township"), _township(material, actions))]
    for action in actions.to_dict("records"):
        unit = words.or_raw("unit", str(action["unit"]))
        rows.append((words(f"beds.what_{action['what']}", unit=unit), words("map.plans.beds", n=f"{action['beds']:,}")))
    before = float(actions["beds_before"].iloc[0])
    added = float(actions.loc[actions["what"].isin(["new", "extended"]), "beds"].sum())
    rows.append((words("col.beds_now"), f"{before:,.0f}"))
    rows.append((words("col.beds_then"), f"{before + added:,.0f}"))
    rows.append((priced, f"{actions['cost'].sum():,.0f}"))
    named = {i.id: words.name(i) for i in study.plan.indicators} if study.plan else {}
    targets = dict.fromkeys(name for text in actions["targets"] for name in str(text).split(_SPLIT) if name)
    rows.append((words("col.counts_towards"), words.join([named.get(name, name) for name in targets])))
    return [row for row in rows if row[1]]


def joint_data(material: Material, plan: JointProposalConfig) -> Data | None:
    """Return the grounds of a joint plan, each with the services that stand there and what each of them brings."""
    sites = joint_sites_of(material, plan)
    if sites is None:
        return None
    words, study = material.words, material.result.study
    order = [service.id for service in study.services if service.id in set(sites["service"])]
    by_place = [group for _, group in sites.groupby("place_id", sort=True)]
    firsts = ["" if len(group) > 1 else str(group["service"].iloc[0]) for group in by_place]
    labels = {"": words("map.plans.shared")}
    labels |= {name: words.heading(words.name(study.service(name))) for name in order}
    first = next(proposal for proposal in study.proposals if proposal.id == plan.parts[0].proposal)
    cost = next(cost for cost in study.costs if cost.id == first.cost)  # a joint plan has one currency and year
    currency = words.or_raw("currency", cost.currency)
    drawn = _Drawn(by_place, firsts, labels, [_ground_card(material, group, currency) for group in by_place])
    note = words("map.plans.joint_note", currency=currency, year=cost.year)
    return _sites(material, f"joint-{plan.id}", (words.heading(words.name(plan)), note), drawn)


def _ground_card(material: Material, sites: pd.DataFrame, currency: str) -> Card:
    """Return what the card of a ground says: its township, and for each service what it brings and costs there."""
    words, study = material.words, material.result.study
    rows = [(words("js.township"), _township(material, sites))]
    for site in sites.to_dict("records"):
        service = study.service(site["service"])
        said = [words("map.plans.lost", persons=discretion.persons(study, service.group, float(site["lost_without"])))]
        said.append(words("map.plans.cost", currency=currency, cost=f"{site['cost'] - site['saved']:,.0f}"))
        said += [words("map.plans.saved", currency=currency, saved=f"{site['saved']:,.0f}")] if site["saved"] else []
        said.append(words("map.plans.apart_too" if site["is_apart"] else "map.plans.apart_not"))
        rows.append((words.heading(words.name(service)), words.join_clauses(said)))
    return [row for row in rows if row[1]]


def _township(material: Material, rows: pd.DataFrame) -> str:
    code = rows["township_code"].iloc[0]
    return "" if pd.isna(code) else shares.township_names(material.result, material.words).get(str(code), str(code))


def _sites(material: Material, key: str, said: tuple[str, str], drawn: _Drawn) -> Data:
    """Return places as stars in classes: those that occur, in the order of their labels."""
    title, note = said
    occurring = [name for name in drawn.labels if name in drawn.firsts]
    tops = pd.concat([group.iloc[:1] for group in drawn.by_place])
    content = {
        "title": title,
        "note": note,
        "xy": pack_coordinates(lon_lat(tops)),
        "names": site_names(material.result, tops, material.words),
        "cls": [occurring.index(name) for name in drawn.firsts],
        "classes": [
            {"fill": fill, "label": drawn.labels[name]} for name, fill in zip(occurring, cycle(_FILLS), strict=False)
        ],
        "rows": drawn.cards,
    }
    return Data.of(key, content)

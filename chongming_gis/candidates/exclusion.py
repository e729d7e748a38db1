"""Which rule refuses which place: the siting rules of a study on the layers that they name.

Pure but for grids, which are asked place by place. A rule that no data can answer at a place does not refuse it, and is
kept beside it as unjudged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from chongming_gis import tables
from chongming_gis.candidates import rasters
from chongming_gis.candidates.attributes import SEPARATOR, join_claims

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.candidates.ground import Grid, Ground, Layer
    from chongming_gis.planning import SitingRuleConfig

    Claims = npt.NDArray[np.bool_]
    Objects = npt.NDArray[np.object_]

REFUSALS = ("service", "rule", "source", "count", "alone")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one rule says of every place."""

    rule: str  # its id
    source: str
    broken: Claims
    unjudged: Claims
    why: str = ""  # where it could not be judged at all: why

    @property
    def is_judged(self) -> bool:
        """Whether there was data to judge by."""
        return not self.why


def judge(places: gpd.GeoDataFrame, rules: Iterable[SitingRuleConfig], ground: Ground) -> list[Ruling]:
    """Return what each rule says of every place.

    Parameters
    ----------
    places : points in the CRS of the ground, with their ``site_id`` and ``kind``.

    Notes
    -----
    ``not_inside`` counts the border of an area as inside. ``not_within`` d refuses what is nearer than d, ``beside`` d
    what is farther than d and not on a site of the layer: at exactly d both allow. Distances are straight lines.
    """
    points = places.geometry.to_numpy()
    tree = shapely.STRtree(points)
    site = places["site_id"].to_numpy(object)
    is_new = (places["kind"] != "site").to_numpy(bool)
    rulings = []
    for rule in rules:
        ruling = _judge_one(rule, points, tree, site, ground)
        if rule.only_new_ground:
            ruling = replace(ruling, broken=ruling.broken & is_new, unjudged=ruling.unjudged & is_new)
        rulings.append(ruling)
    return rulings


def _judge_one(rule: SitingRuleConfig, points: Objects, tree: shapely.STRtree, site: Objects, ground: Ground) -> Ruling:
    layer = ground.layers.get(rule.layer)
    nowhere = np.zeros(len(points), dtype=bool)
    why = ground.absent.get(rule.layer, "") if layer is None else _why_not(rule, layer)
    if layer is None or why:
        return Ruling(rule.id, rule.source, nowhere, ~nowhere, why or f"layer {rule.layer!r} was not read")
    if layer.grid is not None:
        inside, unknown = _in_cells(layer.grid, points, ground)
        return Ruling(rule.id, rule.source, inside, unknown)
    if rule.rule == "not_inside":
        return Ruling(rule.id, rule.source, _touched(tree, layer.areas, 0.0), nowhere)
    if rule.rule == "not_within":
        return Ruling(rule.id, rule.source, _touched(tree, layer.geometry, np.nextafter(rule.distance_m, 0.0)), nowhere)
    on_site = np.array([name in layer.sites for name in site], dtype=bool)
    return Ruling(rule.id, rule.source, ~(on_site | _touched(tree, layer.geometry, rule.distance_m)), nowhere)


def _why_not(rule: SitingRuleConfig, layer: Layer) -> str:
    if rule.rule == "not_inside" and layer.grid is None and not len(layer.areas):
        return f"{layer.name} has no areas that one could be inside of; use not_within with a distance_m"
    return ""


def _touched(tree: shapely.STRtree, shapes: Objects, metres: float) -> Claims:
    """Return which places of a tree some shape touches, or comes as near as some metres.

    The places are the tree and the shapes ask it: shapes are few and large, and GEOS prepares whoever asks.
    """
    if metres > 0.0:
        _, hit = tree.query(shapes, predicate="dwithin", distance=metres)
    else:
        _, hit = tree.query(shapes, predicate="intersects")
    touched = np.zeros(len(tree.geometries), dtype=bool)
    touched[hit] = True
    return touched


def _in_cells(grid: Grid, points: Objects, ground: Ground) -> tuple[Claims, Claims]:
    """Return which places lie in a cell that counts, and of which the grid knows nothing."""
    values = rasters.sample(grid.path, grid.config, points, ground.crs)
    layer, known = grid.config, ~np.isnan(values)
    chosen = layer.values  # noqa: PD011 - a key of the study, no frame's
    counts = np.isin(values, chosen) if chosen else known
    counts = counts & known if layer.at_least is None else counts & (values >= layer.at_least)
    counts = counts if layer.at_most is None else counts & (values <= layer.at_most)
    return counts, ~known


def with_rulings(places: gpd.GeoDataFrame, rulings: list[Ruling]) -> gpd.GeoDataFrame:
    """Return the places with ``allowed``, every rule that refuses each with its source, and what was not judged."""
    shape = (len(places), len(rulings))
    broken = np.column_stack([ruling.broken for ruling in rulings]) if rulings else np.zeros(shape, dtype=bool)
    unjudged = np.column_stack([ruling.unjudged for ruling in rulings]) if rulings else np.zeros(shape, dtype=bool)
    names = [ruling.rule for ruling in rulings]
    sources = [ruling.source.replace(SEPARATOR, " / ") for ruling in rulings]
    texts = {"reason": join_claims(broken, names), "source": join_claims(broken, sources)}
    texts["unjudged"] = join_claims(unjudged, names)
    columns = {name: text.set_axis(places.index) for name, text in texts.items()}
    return places.assign(allowed=~broken.any(axis=1), **columns)


def refusals(candidates: pd.DataFrame) -> pd.DataFrame:
    """Return how many candidates each rule refuses: service, rule, source, count, alone; the most first.

    Parameters
    ----------
    candidates : satisfies ``tables.CANDIDATES``.

    Notes
    -----
    A candidate that breaks several rules counts for each of them; ``alone`` counts those that only this rule refuses:
    they would be allowed without it.
    """
    refused = candidates.loc[candidates["reason"].notna(), ["service", "reason", "source"]]
    rules, sources = (refused[name].str.split(SEPARATOR, regex=False) for name in ("reason", "source"))
    alone = ~refused["reason"].str.contains(SEPARATOR, regex=False)
    parts = pd.DataFrame({"service": refused["service"], "rule": rules, "source": sources, "alone": alone})
    each = pd.DataFrame(parts.explode(["rule", "source"]))
    table = each.groupby(["service", "rule", "source"], sort=True)["alone"].agg(["size", "sum"]).reset_index()
    table = table.rename(columns={"size": "count", "sum": "alone"}).astype({"count": "int64", "alone": "int64"})
    table = table.sort_values(["service", "count", "rule"], ascending=[True, False, True], kind="stable")
    return table[list(REFUSALS)].reset_index(drop=True)


def choose_ground(candidates: pd.DataFrame, townships: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return for each township whether any place is allowed, or only a columbarium can serve it.

    Parameters
    ----------
    candidates : of a burial service, satisfying ``tables.CANDIDATES``; the finer their grid, the surer the answer.
    townships : satisfies ``tables.TOWNSHIPS``.

    Returns
    -------
    DataFrame
        Satisfies ``tables.GROUND_CHOICE``. ``choice`` is ``ground`` where at least one place is allowed,
        ``columbarium`` where places were looked at and none is, ``not_looked_at`` where there was none to look at.
    """
    at = candidates.groupby("township_code")["allowed"]
    n_places = at.size().reindex(townships["township_code"]).fillna(0).to_numpy(dtype=np.int64)
    n_allowed = at.sum().reindex(townships["township_code"]).fillna(0).to_numpy(dtype=np.int64)
    choice = np.select([n_allowed > 0, n_places > 0], ["ground", "columbarium"], "not_looked_at")
    reasons: list[str | None] = [None] * len(townships)
    for row in np.flatnonzero(choice == "columbarium").tolist():
        here = candidates[candidates["township_code"] == townships["township_code"].iloc[row]]
        reasons[row] = refusals(here)["rule"].iloc[0]
    table = pd.DataFrame(
        {
            "township_code": townships["township_code"].to_numpy(object),
            "name_zh": townships["name_zh"].to_numpy(object),
            "n_places": n_places,
            "n_allowed": n_allowed,
            "choice": choice,
            "reason": reasons,
        }
    ).astype(tables.column_types(tables.GROUND_CHOICE))
    table = table.sort_values("township_code", kind="stable").reset_index(drop=True)
    tables.validate(table, tables.GROUND_CHOICE, where="ground choice")
    return table

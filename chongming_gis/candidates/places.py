"""The places that are looked at: a planner's list, sites of other services, features, villages, junctions, a grid.

Ids tell what a place is and stay the same from run to run: ``village:<code>``, ``site:<site_id>``, ``own:<id>``,
``feature:<layer>:<key>``, ``node:<x>:<y>`` and ``grid:<spacing>:<column>:<row>`` (metres of the study's CRS).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from chongming_gis.config import FacilitySource
from chongming_gis.errors import StudyError
from chongming_gis.sources import read_facilities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy.typing as npt
    from pyproj import CRS

    from chongming_gis.candidates.ground import Features, Ground
    from chongming_gis.config import StudyConfig
    from chongming_gis.findings import Finding
    from chongming_gis.sitingmodel import CandidatesConfig, OwnListConfig
    from chongming_gis.tables import StudyInputs

    Floats = npt.NDArray[np.float64]
    Claims = npt.NDArray[np.bool_]
    Objects = npt.NDArray[np.object_]

SITE_PREFIX = "site:"
_TEXTS = ("candidate_id", "name_zh", "township_code", "village_code", "site_id", "kind")
_MOST_GRID_PLACES = 2_000_000
_JUNCTION_ENDS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """Places in the order of their kinds, then of their ids."""

    frame: gpd.GeoDataFrame  # candidate_id, name_zh, township_code, village_code, site_id, kind, geometry
    left_out: Mapping[str, int]  # by kind: nearer than least_apart_m to a place taken before
    row_of: Mapping[str, int] = field(default_factory=dict)  # own list: candidate -> row of the file
    findings: tuple[Finding, ...] = ()  # what the reader of the own list had to say


def find_places(section: CandidatesConfig, study: StudyConfig, inputs: StudyInputs, ground: Ground) -> Found:
    """Return the places that a section of the study asks for.

    Raises
    ------
    StudyError
        A grid is asked for where nothing bounds it, or one so fine that it has millions of places.
    ChongmingError
        The own list cannot be read; the errors are those of ``sources.read_facilities``.
    """
    own, row_of, findings = _own_places(section.own, study, inputs.crs)
    taken = [own]
    left_out: dict[str, int] = {}
    makers: list[tuple[str, Callable[[], gpd.GeoDataFrame]]] = [
        ("site", lambda: site_places(section.sites_of, inputs)),
        ("feature", lambda: _feature_places(section.features_of, ground)),
        ("village", lambda: village_places(inputs) if section.villages else _no_places(inputs.crs)),
        ("node", lambda: _node_places(section, inputs, taken)),
        ("grid", lambda: grid_places(section.grid_every_m, inputs)),
    ]
    for kind, make in makers:
        made = make()
        apart = thin(_xy(made), spacing_m=section.least_apart_m, taken=_xy(*taken), among_themselves=kind != "village")
        left_out |= {kind: int((~apart).sum())} if not apart.all() else {}
        taken.append(made[apart])
    return Found(pd.concat(taken, ignore_index=True), left_out, row_of, findings)


def thin(xy: Floats, *, spacing_m: float, taken: Floats | None = None, among_themselves: bool = True) -> Claims:
    """Return which places to keep so that no two are nearer to each other than a spacing.

    Parameters
    ----------
    xy : (n, 2) metres
    spacing_m : two places exactly so far apart are both kept; 0 keeps all
    taken : (m, 2) places that are kept already; what is nearer to one of them goes too
    among_themselves : whether places are compared with each other, and not only with those taken

    Notes
    -----
    Greedy from west to east (then south to north): every place that goes is nearer than the spacing to one that stays,
    and which places stay depends on where they are, not on their order.

    Examples
    --------
    >>> thin(np.array([[0.0, 0.0], [60.0, 0.0], [100.0, 0.0], [250.0, 0.0]]), spacing_m=100.0).tolist()
    [True, False, True, True]
    """
    free: Claims = np.ones(len(xy), dtype=bool)
    if spacing_m == 0.0 or not len(xy):
        return free
    within = np.nextafter(spacing_m, 0.0)
    if taken is not None and len(taken):
        distance, _ = cKDTree(taken).query(xy)
        free = np.asarray(distance >= spacing_m)
    if not among_themselves:
        return free
    kept = np.zeros(len(xy), dtype=bool)
    tree = cKDTree(xy)
    for row in np.lexsort((xy[:, 1], xy[:, 0])):  # one after the other: who stays decides who goes
        if free[row]:
            kept[row] = True
            free[tree.query_ball_point(xy[row], within)] = False
    return kept


def village_places(inputs: StudyInputs) -> gpd.GeoDataFrame:
    """Return the middle of each village and neighbourhood: where people live, nearest to the mean of its people.

    A village in which nobody lives is represented by a place in its area.
    """
    villages, points = inputs.villages, inputs.demand.points
    if villages.empty:
        return _no_places(inputs.crs)
    centre = np.asarray(shapely.point_on_surface(villages.geometry.to_numpy()), dtype=object)
    persons = inputs.demand.persons.iloc[:, 0].to_numpy(dtype=float)
    homes = pd.DataFrame({"code": points["village_code"].to_numpy(object), "weight": persons})
    homes = homes.assign(x=points.geometry.x.to_numpy(), y=points.geometry.y.to_numpy(), row=np.arange(len(points)))
    homes = homes[homes["code"].notna() & (homes["weight"] > 0.0)]
    weighted = homes.assign(x=homes["x"] * homes["weight"], y=homes["y"] * homes["weight"])
    sums = weighted.groupby("code")[["x", "y", "weight"]].sum()
    mean = sums.loc[homes["code"]]
    off_x = homes["x"].to_numpy() - (mean["x"] / mean["weight"]).to_numpy()
    off_y = homes["y"].to_numpy() - (mean["y"] / mean["weight"]).to_numpy()
    homes = homes.assign(off_m=np.round(np.hypot(off_x, off_y), 6)).sort_values(["code", "off_m", "row"])
    middle = homes.drop_duplicates("code").set_index("code")["row"].reindex(villages["village_code"]).to_numpy()
    lived_in = ~np.isnan(middle)
    centre[lived_in] = points.geometry.to_numpy()[middle[lived_in].astype(int)]
    return _frame(
        [f"village:{code}" for code in villages["village_code"]],
        "village",
        centre,
        inputs.crs,
        name_zh=villages["name_zh"],
        township_code=villages["township_code"],
        village_code=villages["village_code"],
    )


def site_places(services: Iterable[str], inputs: StudyInputs) -> gpd.GeoDataFrame:
    """Return the sites of some services, each once: where its first facility stands."""
    frames = [inputs.facilities[name].places for name in services if name in inputs.facilities]
    if not frames:
        return _no_places(inputs.crs)
    found = pd.concat(frames, ignore_index=True)
    site = found["site_id"].where(found["site_id"].notna(), found["facility_id"])
    found = found.assign(site=site).drop_duplicates("site").sort_values("site", kind="stable")
    return _frame(
        list(SITE_PREFIX + found["site"]),
        "site",
        found.geometry.to_numpy(),
        inputs.crs,
        **{name: found[name] for name in ("name_zh", "township_code", "village_code", "site_id")},
    )


def _feature_places(layers: Iterable[str], ground: Ground) -> gpd.GeoDataFrame:
    """Return a place on each feature of some layers; one without a key in its file is known by its position."""
    parts = [_no_places(ground.crs)]
    for name in layers:
        layer = ground.layers.get(name)
        if layer is None or layer.features is None:
            parts.append(_of_shapes(name, None if layer is None else layer.geometry, ground.crs))
        else:
            parts.append(_of_features(name, layer.features, ground.crs))
    return pd.concat(parts, ignore_index=True)


def _of_shapes(name: str, shapes: Objects | None, crs: CRS) -> gpd.GeoDataFrame:
    if shapes is None:
        return _no_places(crs)
    points = _places_on(shapes)
    return _frame([f"feature:{name}:{_position(p)}" for p in points], "feature", points, crs)


def _of_features(name: str, features: Features, crs: CRS) -> gpd.GeoDataFrame:
    points = _places_on(features.geometry)
    keys = [key or _position(point) for key, point in zip(features.keys, points, strict=True)]
    names = pd.Series([text or None for text in features.names], dtype="str")
    return _frame([f"feature:{name}:{key}" for key in keys], "feature", points, crs, name_zh=names)


def _places_on(shapes: Objects) -> Objects:
    """Return a point on each shape: inside an area, half-way along a line."""
    is_line = shapely.get_dimensions(shapes) == 1
    points = np.asarray(shapely.point_on_surface(shapes), dtype=object)
    single = is_line & (shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING)
    points[single] = shapely.line_interpolate_point(shapes[single], 0.5, normalized=True)
    return points


def _node_places(section: CandidatesConfig, inputs: StudyInputs, taken: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return junctions (three road ends or more) on roads of the section's classes, thinned around what is taken."""
    edges, nodes = inputs.roads.edges, inputs.roads.nodes
    if section.nodes_every_m is None or edges.empty:
        return _no_places(inputs.crs)
    ends = pd.concat([edges["u"], edges["v"]])
    along = edges["highway"].isin(section.node_classes).to_numpy(bool)
    n_ends = ends.value_counts().reindex(nodes["node_id"]).fillna(0).to_numpy()
    eligible = nodes["node_id"].isin(pd.concat([edges["u"][along], edges["v"][along]])).to_numpy(bool)
    chosen = nodes.geometry.to_numpy()[eligible & (n_ends >= _JUNCTION_ENDS)]
    xy = shapely.get_coordinates(chosen)
    kept = thin(xy, spacing_m=section.nodes_every_m, taken=_xy(*taken))
    order = np.lexsort((xy[kept][:, 1], xy[kept][:, 0]))
    points = chosen[kept][order]
    return _frame([f"node:{_position(point)}" for point in points], "node", points, inputs.crs)


def grid_places(step: float | None, inputs: StudyInputs) -> gpd.GeoDataFrame:
    """Return the whole multiples of a spacing (metres) inside the region, or where there is none in the townships.

    Raises
    ------
    StudyError
        Nothing bounds the grid, or it has millions of places.
    """
    if step is None:
        return _no_places(inputs.crs)
    area: shapely.Geometry | None = inputs.region
    if area is None and not inputs.townships.empty:
        area = shapely.union_all(inputs.townships.geometry.to_numpy())
    if area is None:
        raise StudyError("candidates: grid_every_m needs region.boundary or sources.townships, to know where to end")
    west, south, east, north = (int(side) for side in np.floor(np.array(shapely.bounds(area)) / step))
    n_places = (east - west + 1) * (north - south + 1)
    if n_places > _MOST_GRID_PLACES:
        raise StudyError(
            f"candidates: grid_every_m = {step:g} makes {n_places:,} places, more than {_MOST_GRID_PLACES:,}; widen it"
        )
    column, row = (side.ravel() for side in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1)))
    shapely.prepare(area)
    inside = shapely.contains_xy(area, column * step, row * step)
    column, row = column[inside], row[inside]
    points = np.asarray(shapely.points(column * step, row * step), dtype=object)
    ids = [f"grid:{step:g}:{i}:{j}" for i, j in zip(column.tolist(), row.tolist(), strict=True)]
    return _frame(ids, "grid", points, inputs.crs)


def _own_places(
    own: OwnListConfig | None, study: StudyConfig, crs: CRS
) -> tuple[gpd.GeoDataFrame, dict[str, int], tuple[Finding, ...]]:
    """Return a planner's own list, the row of the file of each place, and what its reader had to say."""
    if own is None:
        return _no_places(crs), {}, ()
    source = FacilitySource(**own.model_dump(exclude_none=True))
    read = read_facilities(source, path=study.resolve(own.path), service_id="own", capacity_unit=None, crs=crs)
    places = read.places
    frame = _frame(
        [f"own:{id_}" for id_ in places["facility_id"]],
        "own",
        places.geometry.to_numpy(),
        crs,
        **{name: places[name] for name in ("name_zh", "township_code", "village_code", "site_id")},
    )
    row_of = {f"own:{id_}": int(row) for id_, row in read.report.get("row_of", {}).items()}
    return frame, row_of, tuple(read.report.get("findings", ()))


def _frame(ids: list[str], kind: str, points: Objects, crs: CRS, **texts: pd.Series) -> gpd.GeoDataFrame:
    given = {"candidate_id": ids, "kind": [kind] * len(ids), **{name: list(text) for name, text in texts.items()}}
    nothing = [None] * len(ids)
    columns = {name: pd.Series(given.get(name, nothing), dtype="str") for name in _TEXTS}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(points, crs=crs), crs=crs)


def _no_places(crs: CRS) -> gpd.GeoDataFrame:
    return _frame([], "own", np.empty(0, dtype=object), crs)


def _xy(*frames: gpd.GeoDataFrame) -> Floats:
    return np.concatenate([shapely.get_coordinates(frame.geometry.to_numpy()) for frame in frames])


def _position(point: shapely.Point) -> str:
    return f"{point.x:.0f}:{point.y:.0f}"

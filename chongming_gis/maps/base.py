"""What every map of a result stands on: ground, roads, borders, names and the places where people live, packed once.

Geometry is simplified for the screen and leaves the metric CRS here, at the door.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from chongming_gis import crs
from chongming_gis.maps import shares
from chongming_gis.maps.packing import pack, pack_coordinates, pack_shapes
from chongming_gis.maps.page import Bounds, Data
from chongming_gis.wording import Language, Words

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt
    import pandas as pd

    from chongming_gis.results import StudyResult

AREA_TOLERANCE_M = 8.0  # below a pixel at zoom 13 in 31 degrees north
ROAD_TOLERANCE_M = 3.0
MOST_LAND_AROUND = 1.4  # land that reaches farther than this (a whole province) does not widen the first view

_GROUND_ROLES = {
    "land": ("land", "island", "islands", "mainland"),
    "flat": ("wetland", "tidal_flat", "tidalflat", "mudflat", "marsh", "beach", "flat"),
    "water": ("water", "river", "lake", "canal", "reservoir", "sea", "pond", "riverbank"),
    "coast": ("coast", "coastline", "dike", "dyke", "seawall", "shore"),
    "other": ("other_district",),
    "town": ("built_up", "town", "urban"),
}
_ROLE_OF_KIND = {kind: role for role, kinds in _GROUND_ROLES.items() for kind in kinds}
_ROAD_CLASSES = {
    "motorway": ("motorway", "motorway_link", "trunk", "trunk_link"),
    "primary": ("primary", "primary_link"),
    "secondary": ("secondary", "secondary_link"),
    "tertiary": ("tertiary", "tertiary_link"),
    "service": ("service", "track"),
    "path": ("footway", "path", "cycleway", "steps", "pedestrian", "bridleway"),
}
_CLASS_OF_HIGHWAY = {highway: name for name, highways in _ROAD_CLASSES.items() for highway in highways}
_ZONE_LOOKS = {
    "reserve": ("reserve", "nature_reserve", "protected_area", "ecological_redline"),
    "water": ("reservoir_protection", "water_source"),
    "farmland": ("farmland",),
    "forest": ("forest", "forest_park", "park", "ecological"),
    "port": ("port",),
}
_LOOK_OF_ZONE = {kind: look for look, kinds in _ZONE_LOOKS.items() for kind in kinds}
# Townships' names carry a share and may move, in their own area where they can; villages' wait for a closer view.
_TOWNSHIP_NAMES = {"areas": "townships", "style": {"fromZoom": 0, "font": "600", "px": 13, "colour": "#1f2a30"}}
_VILLAGE_NAMES = {"areas": None, "style": {"fromZoom": 13, "font": "400", "px": 11.5, "colour": "#4a4a55"}}
_DRAWN_FIRST_TO_LAST = (
    "path", "service", "minor", "tertiary", "secondary", "primary", "motorway", "tunnel", "ferry",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """The packed base of a result's maps; None where the study has no such layer."""

    bounds: Bounds
    township_codes: tuple[str, ...]
    demand: Data
    ground: Data | None
    zones: Data | None
    roads: Data | None
    townships: Data | None
    villages: Data | None
    names: tuple[Data, ...]


def build_base(result: StudyResult, language: Language) -> Base:
    """Return the base of a result's maps."""
    words = Words(language)
    townships = result.townships.sort_values("township_code", kind="stable")
    name_of = shares.township_names(result, words)
    township_names = [name_of[code] for code in townships["township_code"]]
    ground, zones = _ground(result, words)
    other = shares.township_names(result, Words("zh" if language == "en" else "en"))
    also = [other[code] if other[code] != name_of[code] else "" for code in townships["township_code"]]
    of_township = {**_TOWNSHIP_NAMES, "kind": words("js.township"), "also": also}
    names = [_names("names-townships", townships, township_names, of_township)]
    within, within_of = indexed([name_of.get(code, code) for code in text_list(result.villages["township_code"])])
    of_village = {**_VILLAGE_NAMES, "kind": words("js.village"), "ofNames": within, "of": within_of}
    names.append(_names("names-villages", result.villages, list(result.villages["name_zh"]), of_village))
    return Base(
        bounds=_bounds(result),
        township_codes=tuple(townships["township_code"]),
        demand=_demand(result, name_of),
        ground=ground,
        zones=zones,
        roads=_roads(result.roads_drawn),
        townships=_areas("townships", townships, township_names),
        villages=_areas("villages", _polygons(result.villages), []),
        names=tuple(entry for entry in names if entry),
    )


def text_list(series: pd.Series) -> list[str]:
    """Return a text column as a list, the missing as empty text."""
    return list(map(str, series.fillna("").tolist()))


def indexed(values: list[str]) -> tuple[list[str], str]:
    """Return the distinct texts in order of appearance, and the packed place of each value among them."""
    distinct = list(dict.fromkeys(values))
    place = {text: i for i, text in enumerate(distinct)}
    return distinct, pack([place[text] for text in values])


def lon_lat(points: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    """Return the longitudes and latitudes (n, 2) of a point layer, degrees."""
    xy = shapely.get_coordinates(points.geometry.to_numpy())
    return np.column_stack(crs.to_degrees(xy[:, 0], xy[:, 1], crs.parse(points.crs, where="a layer of the result")))


def _bounds(result: StudyResult) -> Bounds:
    """Return what is in view at first: the townships with the land around them, else the people, else the roads."""
    layers = (result.townships, result.demand.points, result.facilities.places, result.roads_drawn)
    shown = next((layer for layer in layers if len(layer)), None)
    if shown is None:
        return ((-60.0, -180.0), (70.0, 180.0))
    box = crs.to_geographic(shown[["geometry"]]).total_bounds
    if len(result.land):
        around = crs.to_geographic(result.land[["geometry"]]).total_bounds
        both = np.array([*np.minimum(box, around)[:2], *np.maximum(box, around)[2:]])
        if ((both[2:] - both[:2]) <= MOST_LAND_AROUND * (box[2:] - box[:2])).all():
            box = both
    west, south, east, north = (round(float(v), 5) for v in box)
    return ((south, west), (north, east))


def _polygons(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.loc[frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy()]


def _degrees(geometry: npt.NDArray[np.object_], frame: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """Return geometries made from a layer in degrees."""
    return crs.shapes_to_degrees(geometry, crs.parse(frame.crs, where="a layer of the result"))


def _simplified(
    geometry: npt.NDArray[np.object_], frame: gpd.GeoDataFrame, tolerance_m: float
) -> npt.NDArray[np.object_]:
    """Return geometries made from a layer simplified in metres and moved to degrees."""
    return _degrees(shapely.simplify(geometry, tolerance_m), frame)


def _ground(result: StudyResult, words: Words) -> tuple[Data | None, Data | None]:
    """Return land, flats, water and coast; and apart from them the zones, which are a layer to switch on."""
    land = result.land.sort_values("land_id", kind="stable")
    land = land.iloc[np.argsort(-shapely.area(land.geometry.to_numpy()), kind="stable")]  # small zones above large ones
    if land.empty and not result.townships.empty:
        outline = np.array([shapely.union_all(result.townships.geometry.to_numpy())], dtype=object)
        shapes = pack_shapes(_simplified(outline, result.townships, AREA_TOLERANCE_M))
        sets = [{"role": "land", "closed": True, "shapes": shapes}]
        return Data.of("ground", sets), None
    roles, is_area = ground_roles(land)
    drawn: list[dict[str, Any]] = []
    zones: list[dict[str, Any]] = []
    for role in ("land", "other", "flat", "town", "water", "coast", "zone"):
        for closed in (True, False):
            rows = land.loc[(roles == role) & (is_area == closed)]
            if rows.empty:
                continue
            shapes = pack_shapes(_simplified(rows.geometry.to_numpy(), land, AREA_TOLERANCE_M))
            entry = {"role": role, "closed": closed, "shapes": shapes}
            if role == "zone":
                kinds = [words.or_raw("zone", kind) for kind in rows["kind"]]
                names = [name or kind for name, kind in zip(text_list(rows["name_zh"]), kinds, strict=True)]
                looks = [_LOOK_OF_ZONE.get(kind, "other") for kind in rows["kind"]]
                zones.append({**entry, "names": names, "kinds": kinds, "looks": looks} if closed else entry)
            else:
                drawn.append(entry)
    return (Data.of("ground", drawn) if drawn else None), (Data.of("zones", zones) if zones else None)


def ground_roles(land: gpd.GeoDataFrame) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
    """Return what each shape of the land layer is drawn as (land, water, zone ...), and whether it is an area."""
    is_area = shapely.get_dimensions(land.geometry.to_numpy()) == 2
    roles = land["kind"].map(_ROLE_OF_KIND).fillna("zone").to_numpy()
    roles = np.where(is_area & (roles == "coast"), "land", np.where(~is_area & (roles == "land"), "coast", roles))
    return roles, is_area


def road_classes(roads: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """Return the class in which each road is drawn."""
    classes: npt.NDArray[np.object_] = roads["highway"].map(_CLASS_OF_HIGHWAY).fillna("minor").to_numpy().astype(object)
    in_tunnel = roads["tunnel"].fillna("no").ne("no").to_numpy() & np.isin(classes, ["motorway", "primary"])
    classes[in_tunnel] = "tunnel"
    classes[(roads["route"] == "ferry").to_numpy()] = "ferry"
    return classes


def _roads(roads: gpd.GeoDataFrame) -> Data | None:
    """Return the roads by class, joined end to end and simplified."""
    classes = road_classes(roads)
    sets = []
    for name in _DRAWN_FIRST_TO_LAST:
        chosen = roads.loc[classes == name]
        if chosen.empty:
            continue
        pieces = shapely.get_parts(chosen.geometry.to_numpy())
        joined = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(pieces)))
        sets.append({"name": name, "shapes": pack_shapes(_simplified(joined, roads, ROAD_TOLERANCE_M))})
    return Data.of("roads", sets) if sets else None


def _areas(key: str, areas: gpd.GeoDataFrame, names: list[str]) -> Data | None:
    """Return areas simplified together, so that neighbours keep one common border."""
    if areas.empty:
        return None
    simple = shapely.coverage_simplify(areas.geometry.to_numpy(), AREA_TOLERANCE_M)
    return Data.of(key, {"names": names, "shapes": pack_shapes(_degrees(simple, areas))})


def _names(key: str, areas: gpd.GeoDataFrame, names: list[str], style: dict[str, Any]) -> Data | None:
    """Return names with the place to write them."""
    if areas.empty:
        return None
    anchors = shapely.point_on_surface(areas.geometry.to_numpy())
    content = {"names": names, **style}
    return Data.of(key, {**content, "anchors": pack_coordinates(shapely.get_coordinates(_degrees(anchors, areas)))})


def _demand(result: StudyResult, townships: dict[str, str]) -> Data:
    points = result.demand.points
    villages = dict(zip(result.villages["village_code"], text_list(result.villages["name_zh"]), strict=True))
    names, name_of = indexed(text_list(points["name_zh"]))
    village_names, village_of = indexed([villages.get(code, code) for code in text_list(points["village_code"])])
    township_names, township_of = indexed([townships.get(code, code) for code in text_list(points["township_code"])])
    content = {
        "xy": pack_coordinates(lon_lat(points)),
        "names": names,
        "name": name_of,
        "villages": village_names,
        "village": village_of,
        "townships": township_names,
        "township": township_of,
    }
    return Data.of("demand", content)

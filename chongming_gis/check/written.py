"""What coordinates betray by the way they are written: few decimals, one spot or one line for all, another datum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from chongming_gis import crs as crs_module
from chongming_gis import datum_evidence
from chongming_gis.check.material import metres, percent

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    from chongming_gis.check.material import PlaceTable
    from chongming_gis.config import RoadSource
    from chongming_gis.findings import Finding

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

_METRES_A_DEGREE = 111_320.0  # of latitude
_FINE_DECIMALS = 4  # ten metres; coarser ones are told
_WRITTEN_TOLERANCE_DEG = 2e-8  # of positions that went to metres and back; a millimetre or two
_FEWEST_ON_ONE_SPOT, _SHARE_ON_ONE_SPOT = 3, 0.1
_FEWEST_ON_A_LINE, _SHARE_ON_A_LINE = 5, 0.5
_DECIMALS_OF_A_SPOT = 7
_BESIDE_M, _MOST_BESIDE = 25.0, 0.7  # by chance a quarter of all places stand so close to a road, in a dense city
_MOST_LOOKED_AT = 400


def judge_written(table: PlaceTable) -> list[Finding]:
    """Return what is odd about the coordinates as written."""
    if len(table.frame) == 0:
        return []
    lon, lat = _degrees(table)
    on_spot = _is_on_common_spot(lon, lat)
    found = table.findings(
        on_spot,
        "stands on a spot that {share} % of all rows share: a default, not a position",
        rule="default_position",
        suggestion="find the real position",
        details={"share": [percent(share) for share in _spot_shares(lon, lat)[on_spot]]},
    )
    return [*found, *_on_a_line(table, lon, lat, on_spot), *_coarse(table, lon, lat, on_spot)]


def judge_datum(table: PlaceTable, roads: gpd.GeoDataFrame, source: RoadSource) -> list[Finding]:
    """Return the suspicion that a declared datum is wrong, where the roads can tell."""
    if table.datum is None or len(table.frame) == 0 or len(roads) == 0 or _is_beside_roads(table, roads):
        return []
    verdict = datum_evidence.suspect_datum(
        table.frame.geometry, table.datum, roads, kind=source.kind, position_quality_m=source.position_quality_m
    )
    if verdict is None:
        return []
    told = datum_evidence.suspicion(verdict, table.datum, where=table.source.where)
    return [
        table.source.finding(
            told.message.replace("{", "{{").replace("}", "}}"),
            rule=told.rule,
            severity=told.severity,
            suggestion=told.suggestion,
            details=told.details,
        )
    ]


def _is_beside_roads(table: PlaceTable, roads: gpd.GeoDataFrame) -> bool:
    """Return whether most places stand so close to a road that they cannot be hundreds of metres off.

    It spares the comparison of datums, which takes a second or more, for tables that are in order.
    """
    lines = roads.geometry[roads["highway"].notna()].to_numpy()
    points = table.frame.geometry.to_numpy()[:: max(1, len(table.frame) // _MOST_LOOKED_AT)]
    near, _ = shapely.STRtree(lines).query(points, predicate="dwithin", distance=_BESIDE_M)
    return bool(len(np.unique(near)) >= _MOST_BESIDE * len(points))


def _degrees(table: PlaceTable) -> tuple[Floats, Floats]:
    """Return longitudes and latitudes as the file has them, in its own datum."""
    geometry = table.frame.geometry
    lon, lat = crs_module.to_degrees(geometry.x.to_numpy(), geometry.y.to_numpy(), geometry.crs)
    back = {"gcj02": crs_module.wgs84_to_gcj02, "bd09": crs_module.wgs84_to_bd09}.get(table.datum or "")
    return back(lon, lat) if back else (lon, lat)


def _spots(lon: Floats, lat: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    xy = np.column_stack([lon, lat]).round(_DECIMALS_OF_A_SPOT)
    _, spot, count = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    return spot.ravel(), count


def _spot_shares(lon: Floats, lat: Floats) -> Floats:
    spot, count = _spots(lon, lat)
    return np.asarray(count[spot] / len(lon), dtype=float)


def _is_on_common_spot(lon: Floats, lat: Floats) -> Bools:
    spot, count = _spots(lon, lat)
    return np.asarray((count[spot] >= _FEWEST_ON_ONE_SPOT) & (count[spot] / len(lon) >= _SHARE_ON_ONE_SPOT))


def _on_a_line(table: PlaceTable, lon: Floats, lat: Floats, on_spot: Bools) -> list[Finding]:
    """Return a warning where most places have one longitude or one latitude in common."""
    rest = ~on_spot
    for values, words in ((lon, "longitude"), (lat, "latitude")):
        if rest.sum() < _FEWEST_ON_A_LINE:
            return []
        rounded = values[rest].round(_DECIMALS_OF_A_SPOT)
        kinds, which, count = np.unique(rounded, return_inverse=True, return_counts=True)
        most = int(np.argmax(count))
        if count[most] >= _FEWEST_ON_A_LINE and count[most] / rest.sum() >= _SHARE_ON_A_LINE:
            on_line = np.zeros(len(values), dtype=bool)
            on_line[np.flatnonzero(rest)[which.ravel() == most]] = True
            shown = f"{kinds[most]:.6f}".rstrip("0").rstrip(".")
            return table.findings(
                on_line,
                f"has the same {words} ({{degrees}}) as most rows",
                rule=f"one_{words}",
                suggestion="check the column: it may have been filled down",
                details={"degrees": shown},
            )
    return []


def _coarse(table: PlaceTable, lon: Floats, lat: Floats, on_spot: Bools) -> list[Finding]:
    """Return places whose longitude and latitude both have fewer than four decimals."""
    decimals = np.maximum(_decimals(lon), _decimals(lat))
    error_m = 0.5 * _METRES_A_DEGREE / 10.0**decimals
    coarse = ~on_spot & (decimals < _FINE_DECIMALS) & (error_m > table.quality_m)
    return table.findings(
        coarse,
        "is given to {decimals} decimals of a degree only, so it may be {metres} off",
        rule="coarse_position",
        suggestion="find a finer position, or state position_quality_m",
        details={
            "decimals": [str(number) for number in decimals[coarse]],
            "metres": [metres(error) for error in error_m[coarse]],
        },
    )


def _decimals(values: Floats) -> npt.NDArray[np.intp]:
    """Return how many decimals each number has, up to four."""
    decimals = np.full(len(values), _FINE_DECIMALS)
    for number in reversed(range(_FINE_DECIMALS)):
        decimals[np.abs(values - values.round(number)) < _WRITTEN_TOLERANCE_DEG] = number
    return decimals

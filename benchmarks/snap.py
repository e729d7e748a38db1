"""100,000 points onto the Wuhan network: geopandas sjoin_nearest."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import network

POINTS = 100_000


def run() -> list[Row]:
    """Return the rows."""
    net = measure.wuhan_network("older_walk")
    rng = np.random.default_rng(measure.SEED)
    node = rng.integers(0, net.n_nodes, POINTS)
    near = np.column_stack([net.node_x[node], net.node_y[node]]) + rng.normal(0.0, 60.0, (POINTS, 2))
    points = gpd.GeoSeries(shapely.points(near), crs=net.crs)
    ours = measure.take(lambda: network.snap_points(net, points), runs=3)
    frame = gpd.GeoDataFrame(geometry=net.lines[net.can_snap], crs=net.crs)
    people = gpd.GeoDataFrame(geometry=points)
    limit_m = net.mode.max_snap_m

    def peer() -> gpd.GeoDataFrame:
        return gpd.sjoin_nearest(people, frame, max_distance=limit_m, distance_col="m")

    theirs = peer()["m"].groupby(level=0).min().reindex(range(POINTS)).to_numpy()
    at = network.snap_points(net, points)
    mine = np.where(at.is_reachable, at.off_network_m, np.nan)
    free = ~at.left_tiny_piece
    measure.refuse_unless(
        np.allclose(theirs[free], mine[free], rtol=0, atol=1e-6, equal_nan=True), "metres to the road"
    )
    return [
        Row(
            f"snap {POINTS:,} points, Wuhan",
            ours.seconds,
            "geopandas sjoin_nearest",
            measure.median_seconds(peer, runs=3),
            peak_mb=ours.peak_mb,
        )
    ]

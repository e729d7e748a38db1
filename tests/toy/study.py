"""A study of the toy town as plain content, and the tables of people and facilities that go with it."""

from __future__ import annotations

import copy
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from chongming_gis import config, network, reach, tables
from tests.toy.roads import CRS, X0, Y0

_SOURCE = {"path": "x.csv", "kind": "sourced", "source": "test"}
_NAMES = {"name_zh": "名", "name_en": "name"}
CONTENT = {
    "id": "toy",
    **_NAMES,
    "data_date": "2024-12-31",
    "crs": CRS,
    "sources": {"roads": {**_SOURCE, "path": "r.osm"}, "demand": _SOURCE},
    "bases": [{"id": "resident", **_NAMES, "source": "test"}],
    "groups": [
        {"id": "all", **_NAMES, "columns": {"resident": ["n"]}},
        {"id": "old", **_NAMES, "columns": {"resident": ["n_old"]}},
    ],
    "settlement_classes": [{"id": "town", **_NAMES}, {"id": "village", **_NAMES}],
    "modes": [
        {"id": "foot", **_NAMES, "preset": "older_walk", "source": "test"},
        {"id": "bike", **_NAMES, "preset": "ebike", "source": "test"},
    ],
    "services": [
        {
            "id": "meal",
            **_NAMES,
            "facilities": {**_SOURCE, "path": "m.csv"},
            "group": "all",
            "base": "resident",
            "standards": [
                {"id": "walk15", **_NAMES, "source": "test", "limits": [{"mode": "foot", "minutes": 15}]},
                {
                    "id": "by_class",
                    **_NAMES,
                    "source": "test",
                    "limits": [
                        {"settlement": "town", "mode": "foot", "minutes": 4},
                        {"settlement": "village", "mode": "foot", "minutes": 14},
                    ],
                },
            ],
        }
    ],
}


def content(**changes):
    """The content of the study; ``changes`` replace entries by their path: ``services__0__direction="..."``."""
    changed = copy.deepcopy(CONTENT)
    for path, value in changes.items():
        *parents, last = path.split("__")
        here = changed
        for part in parents:
            here = here[int(part) if part.isdigit() else part]
        here[int(last) if last.isdigit() else last] = value
    return changed


def study(**changes):
    return config.parse_study(content(**changes), folder=Path())


def text(values):
    return pd.Series(list(values), dtype="str")


def demand(xy, *, persons, township, village, settlement=None, island=None):
    """Demand points at metres from A; ``persons`` maps groups to one number a point."""
    n = len(xy)
    ids = [f"d{i}" for i in range(n)]
    columns = {
        "demand_id": text(ids),
        "name_zh": text([None] * n),
        "township_code": text(township),
        "village_code": text(village),
        "island": text(island or [None] * n),
        "settlement_class": text(settlement or ["town"] * n),
    }
    counts = {tables.persons_column("resident", group): np.asarray(values, float) for group, values in persons.items()}
    frame = gpd.GeoDataFrame(columns, geometry=_points(xy), crs=CRS)
    return tables.Demand(points=frame, persons=pd.DataFrame(counts, index=pd.Index(ids, name="demand_id")))


def facilities(xy, *, serves=None, township=None, village=None):
    """Facilities f0, f1, ... at metres from A, open to all unless ``serves`` says otherwise."""
    n = len(xy)
    missing = [None] * n
    columns = {
        "facility_id": text([f"f{i}" for i in range(n)]),
        "service": text(["meal"] * n),
        "name_zh": text(["食堂"] * n),
        "township_code": text(missing if township is None else township),
        "village_code": text(missing if village is None else village),
        "site_id": text(missing),
        "kind": text(missing),
        "level": text(["township"] * n),
        "serves": text(serves or ["all"] * n),
        "status": text(["existing"] * n),
        "open_year": pd.Series([pd.NA] * n, dtype="Int64"),
        "close_year": pd.Series([pd.NA] * n, dtype="Int64"),
        "standardised": pd.Series([pd.NA] * n, dtype="boolean"),
        "position_quality_m": np.full(n, np.nan),
        "data_kind": text(["sourced"] * n),
        "source": text(missing),
    }
    return gpd.GeoDataFrame(columns, geometry=_points(xy), crs=CRS)


def _points(xy):
    return [shapely.Point(X0 + x, Y0 + y) for x, y in xy]


def places(nets, frame):
    """A frame of points with its positions on every network."""
    return reach.Places(frame, {net.mode.name: network.snap_points(net, frame.geometry) for net in nets})


def areas(codes, contract=tables.TOWNSHIPS):
    """Townships or villages with names; their shapes do not matter."""
    key = contract.key[0]
    columns = {key: text(codes), "name_zh": text([f"区{code}" for code in codes])}
    columns["name_en" if key == "township_code" else "township_code"] = text(["x"] * len(codes))
    return gpd.GeoDataFrame(columns, geometry=[shapely.box(0, 0, 1, 1)] * len(codes), crs=CRS)

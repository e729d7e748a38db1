"""Rows made into a table of a contract."""

import geopandas as gpd
import pandas as pd

from chongming_gis import tables


def frame_of(contract, rows, geometry=None):
    """The table of some rows; columns that a row does not name hold what stands for nothing."""
    frame = pd.DataFrame([{**dict.fromkeys(contract.columns), **row} for row in rows], columns=list(contract.columns))
    frame = frame.astype(tables.column_types(contract))
    made = frame if geometry is None else gpd.GeoDataFrame(frame, geometry=geometry, crs="EPSG:32651")
    tables.validate(made, contract, where=contract.name)
    return made

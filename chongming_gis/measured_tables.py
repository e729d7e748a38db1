"""Contracts of the tables that measures add to a result. ``MEASURED`` lists them by name, in the order they are told.

Tables without geometry are saved as tables/<name>.parquet, those with one as layers/<name>.parquet and <name>.geojson.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chongming_gis.tables import Contract

_LISTED: tuple[Contract, ...] = ()

MEASURED: Mapping[str, Contract] = {contract.name: contract for contract in _LISTED}

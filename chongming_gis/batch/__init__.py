"""Many districts, scenarios, or the tiles of one large region, on Dask: shards that are done once and kept.

A shard is one piece of work with a folder of its own and a key made of everything its answer depends on; a shard that
is whole is not done again, so that a batch which was stopped, or lost a worker or its scheduler, goes on where it was.
Nothing here computes anything itself: districts are ``pipeline.run_study``, tiles ``coverage.measure_access``.
"""

from chongming_gis.batch.cluster import Heard, connect
from chongming_gis.batch.districts import run_districts
from chongming_gis.batch.gathering import gather_coverage
from chongming_gis.batch.grid import GridQuestion, run_grid
from chongming_gis.batch.scenarios import Case, Spread, cases_of, read_changes
from chongming_gis.batch.shards import SHARD, Outcome, is_whole

__all__ = [
    "SHARD",
    "Case",
    "GridQuestion",
    "Heard",
    "Outcome",
    "Spread",
    "cases_of",
    "connect",
    "gather_coverage",
    "is_whole",
    "read_changes",
    "run_districts",
    "run_grid",
]

"""500 draws of the embedded study, 20 services: the search reused, and a search anew for every draw."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import numpy as np

from benchmarks import measure
from benchmarks.measure import Row
from chongming_gis import coverage, measured, network, pipeline
from chongming_gis.config import read_study
from chongming_gis.measured import certainty
from chongming_gis.reach import rows_of_limit
from chongming_gis.sources import embedded_study_path

if TYPE_CHECKING:
    from chongming_gis.measured import Groundwork

PACE, WAIT = 1.1, 0.8  # of the one draw that is searched anew
JOB = "certainty of the embedded study, 20 services, 500 draws"


def run() -> list[Row]:
    """Return the rows."""
    ground = _ground()
    draws = ground.study.measures.certainty.draws
    certainty.measure(ground)
    ours = min(measure.seconds(lambda: certainty.measure(ground)) for _ in range(3))

    def anew() -> list[np.ndarray]:
        return [_searched(ground, service) for service in ground.study.services]

    searched = anew()
    for service, time_s in zip(ground.study.services, searched, strict=True):
        ways = certainty.ways_of(service, ground)
        quickest = np.min([w.moving_s * PACE + w.crossing_s + w.headway_s * WAIT for w in ways], axis=0)
        limit_s = ways[0].limit_s
        unlike = np.count_nonzero((quickest <= limit_s) != (time_s <= limit_s))
        measure.refuse_unless(unlike <= len(limit_s) // 10_000, f"covered places of {service.id}")
    peer = draws * measure.seconds(anew)
    note = "intervals, villages and drivers; the target is 60 s; the peer's is one draw, scaled"
    return [Row(JOB, ours, "a search anew for every draw", peer, note)]


def _ground() -> Groundwork:
    """Return what a run of the embedded study hands to its measures."""
    kept: list[Groundwork] = []

    def keep(ground: Groundwork) -> measured.Measured:
        kept.append(ground)
        return measured.Measured()

    step = measured.Step("certainty", "full", lambda study: study.measures.certainty is not None, keep)
    with mock.patch.object(measured, "STEPS", (step,)):
        pipeline.run_study(read_study(embedded_study_path()), depth="full")
    return kept[0]


def _searched(ground: Groundwork, service) -> np.ndarray:  # noqa: ANN001
    """Return the seconds of one draw: everything PACE times as slow, ferries waited for WAIT of their headway."""
    time_s = np.full(len(ground.demand.points), np.inf)
    for limit, at in rows_of_limit(service, service.standards[0], ground.demand.points):
        net = ground.networks[limit.mode]
        ferry, crossing_s, headway_s = network.ferry_parts(ground.inputs.roads.edges.iloc[net.row], net.mode)
        ferry_s = (crossing_s + WAIT * headway_s) / PACE
        forward_s, backward_s = (
            np.where(ferry & np.isfinite(seconds), ferry_s, seconds) for seconds in (net.forward_s, net.backward_s)
        )
        found = coverage.nearest_usable_s(
            service,
            demand=ground.demand,
            facilities=ground.facilities[service.id],
            network=network.with_seconds(net, forward_s=forward_s, backward_s=backward_s),
            search_limit_s=limit.limit_s * 1.2,
        )
        time_s[at] = PACE * found[at]
    return time_s

"""A thousand drops and a hundred kitchens on the embedded roads, planned, checked and bounded.

Target: at most 120 s on two cores and 2 GB. The drops are places where people live, the kitchens meal points and a few
such places; which ones, and how many meals each drop wants, is drawn from the study's seed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from benchmarks.measure import Row
from chongming_gis import config, delivery, network, pipeline
from chongming_gis.progress import peak_memory
from chongming_gis.sources import embedded_study_path

if TYPE_CHECKING:
    import geopandas as gpd

N_DROPS, N_KITCHENS = 1000, 100


def question() -> delivery.Question:
    study = config.read_study(embedded_study_path())
    inputs = pipeline.read_inputs(study)
    rng = np.random.default_rng(study.seed)
    people = inputs.demand.points.geometry
    chosen = people.iloc[np.sort(rng.choice(len(people), N_DROPS + 8, replace=False))]
    kitchens = inputs.facilities["meal_point"].places.geometry
    kitchens = pd.concat([kitchens, chosen.iloc[:8]], ignore_index=True).iloc[:N_KITCHENS]
    drops = chosen.iloc[8:].reset_index(drop=True)
    wanted = study.delivery
    networks = {
        mode.name: network.compile_network(inputs.roads, mode) for mode in network.modes_of_study(study, wanted.modes)
    }

    def stands(prefix: str, points: gpd.GeoSeries) -> delivery.Stands:
        xy = shapely.get_coordinates(points.to_numpy())
        at = {mode: network.snap_points(net, points) for mode, net in networks.items()}
        return delivery.Stands(tuple(f"{prefix}{i:04d}" for i in range(len(points))), xy, at)

    fleet = np.tile(np.array([v.per_kitchen for v in wanted.vehicles], dtype=np.int64), (len(kitchens), 1))
    return delivery.Question(
        kitchens=stands("k", kitchens),
        cooks=np.full(len(kitchens), 60, dtype=np.int64),
        drops=stands("d", drops),
        meals=rng.integers(1, 10, len(drops)),
        vehicles=wanted.vehicles,
        fleet=fleet,
        rules=delivery.Rules(
            deadline_s=wanted.deadline_s,
            back_s=60.0 * wanted.back_min,
            handover_s=60.0 * wanted.handover_min,
            n_waves=len(wanted.starts),
            missed_meal_price=wanted.missed_meal_price,
            iterations=wanted.iterations,
            time_limit_s=wanted.time_limit_s,
            seed=study.seed,
        ),
        networks=networks,
    )


def run() -> list[Row]:
    asked = question()
    start = time.perf_counter()
    plan = delivery.plan_day(asked)
    seconds = time.perf_counter() - start
    memory = peak_memory().get("peak_mb", 0.0)
    note = (
        f"{len(asked.drops)} drops, {len(asked.kitchens)} kitchens, {len(plan.rounds)} rounds; "
        f"{plan.n_served} of at most {plan.most_served} meals; {memory:.0f} MB; target 120 s, 2 GB"
    )
    return [Row("meals to the door, 1,000 drops", seconds, note=note)]

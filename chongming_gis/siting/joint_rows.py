"""Services planned together as columns and rows: their covering models side by side, one budget, what sharing saves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.siting.answer import opened
from chongming_gis.siting.formulation import as_mip, rows_of
from chongming_gis.siting.models import mclp_formulation
from chongming_gis.siting.stacked import first_columns, side_by_side, with_columns, with_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chongming_gis.siting.formulation import Entry, Formulation, Ints
    from chongming_gis.siting.highs import MipModel
    from chongming_gis.siting.problem import SitingProblem

ALONE = -1  # ground that no other service can share
SLACK = 1e-9  # relative: sums of money in another order


@dataclass(frozen=True, slots=True)
class JointPart:
    """One of the services that are planned together.

    Attributes
    ----------
    problem : its own question; ``site_costs`` in the money of the common budget; a budget of its own binds beside it
    standard : largest cost that counts as covered, one number or (n_demand,)
    ground : (n_sites,) number of the ground a site stands on: the same number in two services is the same ground,
        ``ALONE`` is shared with nobody
    weight : what one person covered by this service counts
    new_sites : most sites to build; None = as many as the budget allows
    at_least : new sites that the joint plan must build of this service
    """

    name: str
    problem: SitingProblem
    standard: npt.ArrayLike
    ground: Ints
    weight: float = 1.0
    new_sites: int | None = None
    at_least: int = 0


def most_of(part: JointPart) -> int:
    """Return the most new sites that a service may build."""
    candidates = len(part.problem.candidates)
    return candidates if part.new_sites is None else min(part.new_sites, candidates)


def formulation_of(part: JointPart) -> Formulation:
    """Return the covering model of a service with its own rules."""
    return mclp_formulation(part.problem, standard=part.standard, new_sites=most_of(part))


def joint_model(
    parts: Sequence[JointPart], formulations: Sequence[Formulation], *, budget: float, saving: float
) -> MipModel:
    """Return the services side by side, with columns for what is saved and the row of the budget."""
    models = []
    for part, formulation in zip(parts, formulations, strict=True):
        model = as_mip(formulation)
        high = model.high.copy()
        high[: part.problem.n_sites] *= opened(part.problem, part.problem.candidates)
        models.append(replace(model, high=high))
    first = first_columns(models)
    joined = side_by_side(models, [part.weight for part in parts])
    rows, discounts = sharing_rows(parts, first, at=int(first[-1]))
    joined = with_columns(joined, np.ones(len(discounts)))
    columns, values = [], []
    for number, part in enumerate(parts):
        candidates = part.problem.candidates
        if part.at_least:
            rows.append((candidates + first[number], np.ones(len(candidates)), float(part.at_least), math.inf))
        columns.append(candidates + first[number])
        values.append(part.problem.site_costs[candidates])
    columns.append(np.arange(len(discounts), dtype=np.int64) + first[-1])
    values.append(-saving * np.array(discounts))
    limit = budget + SLACK * max(budget, 1.0)
    rows.append((np.concatenate(columns), np.concatenate(values), -math.inf, limit))
    return with_rows(joined, rows_of(rows))


def sharing_rows(parts: Sequence[JointPart], first: Ints, *, at: int) -> tuple[list[Entry], list[float]]:
    """Return when a site saves (rows over its column from ``at`` on), and the full cost of each that could."""
    on_ground: dict[int, list[tuple[float, int, int]]] = {}
    for number, part in enumerate(parts):
        for site in part.problem.candidates.tolist():
            if part.ground[site] != ALONE:
                entry = (-float(part.problem.site_costs[site]), number, int(first[number]) + site)
                on_ground.setdefault(int(part.ground[site]), []).append(entry)
    rows: list[Entry] = []
    discounts: list[float] = []
    for ground in sorted(on_ground):
        ordered = sorted(on_ground[ground])
        for place, (minus_cost, _, column) in enumerate(ordered[1:], start=1):
            own = at + len(discounts)
            dearer = [other for *_, other in ordered[:place]]
            rows.append(([own, column], [1.0, -1.0], -math.inf, 0.0))
            rows.append(([own, *dearer], [1.0, *[-1.0] * place], -math.inf, 0.0))
            discounts.append(-minus_cost)
    return rows, discounts

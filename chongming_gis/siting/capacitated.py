"""Models in which a site serves only so many: who goes where is part of the plan, as is where capacity is added.

People may be split between sites (``assignment="split"``) or each demand row goes to one site whole ("single"). Sites
may be extended, and sites that stand may move, at a cost that the budget bears.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from chongming_gis.errors import SitingError
from chongming_gis.siting.answer import find_values
from chongming_gis.siting.cover_rows import within
from chongming_gis.siting.flow_rows import FlowQuestion, flow_model

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.siting.flow_rows import FlowModel
    from chongming_gis.siting.formulation import Floats
    from chongming_gis.siting.problem import SitingPlan, SitingProblem

Assignment = Literal["single", "split"]

TIME_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Extension:
    """Capacity that can be added to a site, standing or new.

    Attributes
    ----------
    site : column
    unit_cost : money for each unit of capacity, from the budget
    most : units that can be added
    """

    site: int
    unit_cost: float
    most: float


@dataclass(frozen=True, slots=True)
class Move:
    """A site that stands and may move, with its capacity, to where a candidate is.

    It is closed at ``site`` and open at ``to``, where it counts for every rule about places, but neither as one of the
    ``new_sites`` nor with the candidate's ``site_costs``; closing it saves nothing.
    """

    site: int
    to: int
    cost: float


@dataclass(frozen=True, slots=True)
class CapacityRules:
    """How people may be assigned, and how capacity may change."""

    assignment: Assignment = "split"
    extensions: tuple[Extension, ...] = ()
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class CapacitatedPlan:
    """A plan with who goes where.

    Attributes
    ----------
    plan : the plan; ``assigned`` is the site that takes most of each row; a moved site is in ``closed``, and where it
        goes is in ``chosen``
    flows : (n_demand, n_sites) weight of each row that each site serves
    added : (n_sites,) capacity added by extension
    moves : the moves that are made
    """

    plan: SitingPlan
    flows: sparse.csr_array
    added: Floats
    moves: tuple[Move, ...] = field(default=())


def capacitated_mclp(
    problem: SitingProblem,
    *,
    standard: npt.ArrayLike,
    new_sites: int | None,
    capacity: CapacityRules | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> CapacitatedPlan:
    """Return at most ``new_sites`` sites that serve the most people within the standard and their capacities.

    Raises
    ------
    SitingError
        Nothing limits what is built, or an extension or a move names what it cannot.

    Notes
    -----
    Current & Storbeck (1988); Pirkul & Schilling (1991): max sum w_i z_ij, sum of z_ij <= 1, z_ij <= x_j,
    sum of w_i z_ij <= capacity of j. A floor counts who is served.

    Examples
    --------
    Ten people at the door of a site for eight, which may grow by up to five.

    >>> from chongming_gis.siting import SitingProblem
    >>> problem = SitingProblem([[0.0]], [10], capacities=[8])
    >>> round(capacitated_mclp(problem, standard=900.0, new_sites=1).plan.objective, 6)
    8.0
    >>> grows = CapacityRules(extensions=(Extension(0, unit_cost=20_000.0, most=5.0),))
    >>> round(capacitated_mclp(problem, standard=900.0, new_sites=1, capacity=grows).plan.objective, 6)
    10.0
    """
    how = capacity or CapacityRules()
    _check(problem, how)
    covers = within(problem, standard)
    nobody = np.zeros(problem.n_demand, dtype=bool)
    asked = FlowQuestion("capacitated MCLP", "maximise", covers, 0.0, nobody)
    return _solved(flow_model(problem, asked, how, new_sites=new_sites), time_limit_s, target_gap)


def capacitated_p_median(
    problem: SitingProblem,
    *,
    new_sites: int | None,
    unreachable_cost: float | None = None,
    capacity: CapacityRules | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    target_gap: float = 0.0,
) -> CapacitatedPlan:
    """Return at most ``new_sites`` sites with the least weighted cost of all people within the capacities.

    Parameters
    ----------
    unreachable_cost : cost of a person whom no site serves; None = everyone with a weight above 0 must be served

    Raises
    ------
    SitingError
        Nothing limits what is built, or an extension or a move names what it cannot.

    Notes
    -----
    Mulvey & Beck (1984): min sum w_i c_ij z_ij, sum of z_ij = 1, z_ij <= x_j, sum of w_i z_ij <= capacity of j.
    """
    how = capacity or CapacityRules()
    _check(problem, how)
    if unreachable_cost is not None and not 0.0 <= unreachable_cost < np.inf:
        raise SitingError(f"unreachable_cost: {unreachable_cost} must be a number of at least 0")
    costs, without = problem.costs, unreachable_cost or 0.0
    pays = sparse.csr_array((costs.data - without, costs.indices, costs.indptr), shape=costs.shape)
    must_go = (problem.weights > 0.0) & (unreachable_cost is None)
    offset = without * float(problem.weights.sum())
    asked = FlowQuestion("capacitated p-median", "minimise", pays, offset, must_go)
    return _solved(flow_model(problem, asked, how, new_sites=new_sites), time_limit_s, target_gap)


def _solved(model: FlowModel, time_limit_s: float, target_gap: float) -> CapacitatedPlan:
    problem = model.formulation.problem
    plan, values = find_values(model.formulation, time_limit_s=time_limit_s, target_gap=target_gap)
    if not len(values):
        return CapacitatedPlan(plan, sparse.csr_array(problem.costs.shape), np.zeros(problem.n_sites))
    flows, added, moves = model.read(values)
    return CapacitatedPlan(plan, flows, added, moves)


def _check(problem: SitingProblem, how: CapacityRules) -> None:
    n_sites, standing = problem.n_sites, set(problem.existing.tolist())
    told = (
        [] if how.assignment in {"single", "split"} else [f"assignment: {how.assignment!r} must be 'single' or 'split'"]
    )
    for one in how.extensions:
        if not 0 <= one.site < n_sites:
            told.append(f"extension of site {one.site}: no site; columns run from 0 to {n_sites - 1}")
        if not (0.0 <= one.unit_cost < math.inf and 0.0 <= one.most < math.inf):
            told.append(f"extension of site {one.site}: unit_cost and most must be numbers of at least 0")
    for move in how.moves:
        if move.site not in standing:
            told.append(f"move of site {move.site}: it does not stand; name an existing site")
        if not 0 <= move.to < n_sites or move.to in standing:
            told.append(f"move of site {move.site} to {move.to}: must go to a candidate")
        if not 0.0 <= move.cost < math.inf:
            told.append(f"move of site {move.site} to {move.to}: cost must be a number of at least 0")
    repeated = {one.site for one in how.extensions if sum(one.site == other.site for other in how.extensions) > 1}
    told += [f"extension of site {site}: given more than once" for site in sorted(repeated)]
    if told:
        raise SitingError("\n".join(told))

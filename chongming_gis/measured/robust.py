"""How firm the proposed sites are: other good plans, and each draw of speeds, ways and people with its own best plan.

The draws are the first ones of the chapter on certainty (``uncertainty.draw``), the same for every proposal. The wait
for a ferry and the distance to the road are not drawn here, and a ferry's time is drawn like the rest of the way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from chongming_gis import proposals, reach, uncertainty
from chongming_gis.measured.groundwork import Measured, Step
from chongming_gis.measured.questions import candidates_of, setting_of
from chongming_gis.measured_tables import PLAN_ALTERNATIVES, PLAN_ROBUSTNESS, SITE_ROBUSTNESS
from chongming_gis.proposals import robust, solving
from chongming_gis.tables import column_types

if TYPE_CHECKING:
    from chongming_gis.measured.groundwork import Groundwork
    from chongming_gis.proposalmodel import ProposalConfig
    from chongming_gis.proposals import Question
    from chongming_gis.proposals.robust import Robustness
    from chongming_gis.siting import SitingPlan
    from chongming_gis.siting.alternatives import Alternatives
    from chongming_gis.tables import Contract
    from chongming_gis.uncertainty import Draws


Row: TypeAlias = dict[str, Any]
BETWEEN = " | "
_HIGH = 0.95
_CONTRACTS = (PLAN_ALTERNATIVES, PLAN_ROBUSTNESS, SITE_ROBUSTNESS)
_TEXTS = ("place_id", "name_zh", "township_code", "village_code", "kind")


def measure(ground: Groundwork) -> Measured:
    """Return the other good plans of every proposal that builds something, and how often each site is in a plan."""
    setting = setting_of(ground)
    rows: dict[str, list[Row]] = {contract.name: [] for contract in _CONTRACTS}
    for proposal in ground.study.proposals:
        if not proposal.alternatives and not proposal.draws:
            continue
        draws = _draws(ground, proposal)
        paces = {} if draws is None else {mode: _range(draws, mode) for mode in draws.speed}
        question = robust.ask_widely(proposal, setting, candidates_of(ground, proposal.service), paces=paces)
        plan = proposals.solve(question)
        if plan.status not in proposals.PLANNED or not len(plan.chosen):
            continue  # the chapter on proposals says why nothing is built
        good = robust.good_plans(
            question, plan, count=proposal.alternatives, within_share=proposal.within_percent / 100.0
        )
        held = None if draws is None else _held(question, plan, ground, draws)
        rows[PLAN_ALTERNATIVES.name] += plan_rows(question, good)
        rows[PLAN_ROBUSTNESS.name].append(_whole_row(question, good, held))
        rows[SITE_ROBUSTNESS.name] += _site_rows(question, plan, good, held)
    return Measured(tables={contract.name: _frame(rows[contract.name], contract) for contract in _CONTRACTS})


def plan_rows(question: Question, good: Alternatives) -> list[Row]:
    """Return the rows of ``PLAN_ALTERNATIVES`` of a proposal, the proposed plan first."""
    first = good.plans[0]
    ids, proposal = question.sites["place_id"].to_numpy(object), question.proposal
    sign = 1.0 if first.sense == "maximise" else -1.0
    added = abs(first.objective - solving.reached(question, first.chosen[:0]))
    rows: list[Row] = []
    for number, plan in enumerate(good.plans, 1):
        lost = sign * (first.objective - plan.objective)
        rows.append(
            {
                "proposal": proposal.id,
                "service": proposal.service,
                "number": number,
                "status": plan.status,
                "objective": plan.objective,
                "lost": lost,
                "lost_share": lost / added if added > 0.0 else np.nan,
                "n_new": len(plan.chosen),
                "cost": np.nan if proposal.cost is None else float(question.problem.site_costs[plan.chosen].sum()),
                "sites": BETWEEN.join(ids[plan.chosen]),
                "left_out": BETWEEN.join(ids[np.setdiff1d(first.chosen, plan.chosen)]) or None,
                "brought_in": BETWEEN.join(ids[np.setdiff1d(plan.chosen, first.chosen)]) or None,
            }
        )
    return rows


def _whole_row(question: Question, good: Alternatives, held: Robustness | None) -> Row:
    has_draws = held is not None and len(held.lost) > 0
    return {
        "proposal": question.proposal.id,
        "service": question.proposal.service,
        "n_alternatives": len(good.plans) - 1,
        "within_share": question.proposal.within_percent / 100.0,
        "stop_reason": good.stop_reason,
        "n_draws": held.n_draws if held else 0,
        "n_planned": len(held.lost) if held else 0,
        "n_proven": held.n_proven if held else 0,
        "share_same": held.share_same if held else np.nan,
        "lost_median": float(np.median(held.lost)) if held and has_draws else np.nan,
        "lost_high": float(np.quantile(held.lost, _HIGH)) if held and has_draws else np.nan,
    }


def _site_rows(question: Question, plan: SitingPlan, good: Alternatives, held: Robustness | None) -> list[Row]:
    """Return a row a site that is part of any plan: the proposed ones first, then by how often."""
    nothing = np.full(question.problem.n_sites, np.nan)
    share, near = (nothing, nothing) if held is None else (held.share, held.share_near)
    lost = dict(zip(plan.chosen.tolist(), robust.lost_if_refused(question, plan).tolist(), strict=True))
    ever = np.flatnonzero((good.frequency > 0.0) | (np.nan_to_num(share) > 0.0))
    ids = question.sites["place_id"].to_numpy(object)
    order = sorted(
        {*ever.tolist(), *lost}, key=lambda site: (site not in lost, -np.nan_to_num(share[site]), str(ids[site]))
    )
    texts = question.sites[list(_TEXTS)].iloc[order].to_dict("records")
    return [
        {
            "proposal": question.proposal.id,
            "service": question.proposal.service,
            **{str(name): value for name, value in own.items()},
            "is_chosen": site in lost,
            "share_good_plans": good.frequency[site],
            "share_draws": share[site],
            "share_draws_near": near[site],
            "lost_if_refused": lost.get(site, np.nan),
        }
        for site, own in zip(order, texts, strict=True)
    ]


def _frame(rows: list[Row], contract: Contract) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(contract.columns)).astype(column_types(contract))


def _held(question: Question, plan: SitingPlan, ground: Groundwork, draws: Draws) -> Robustness:
    points = ground.demand.points
    mode = np.full(len(points), "", dtype=object)
    largest = np.ones(len(points))
    for limit, at in reach.rows_of_limit(question.service, question.standard, points):
        mode[at], largest[at] = limit.mode, _range(draws, limit.mode)[1]
    villages = pd.Index(ground.inputs.villages["village_code"].astype("str"))
    area = villages.get_indexer(pd.Index(points["village_code"].astype("str"))).astype(np.int64)
    return robust.try_draws(robust.core_of(question, largest), plan, draws, mode=mode.tolist(), area=area)


def _draws(ground: Groundwork, proposal: ProposalConfig) -> Draws | None:
    """Return the first draws of the study, as the chapter on certainty takes them; None where it gives no ranges."""
    config, n = ground.study.measures.certainty, proposal.draws
    if config is None or not n:
        return None
    drawn = uncertainty.draw(
        config.model_copy(update={"draws": max(config.draws, n)}),
        modes=[mode.id for mode in ground.study.modes],
        n_areas=len(ground.inputs.villages),
        seed=ground.study.seed,
        on_map=frozenset(name for name, net in ground.networks.items() if net.mode.access == "motor_vehicle"),
    )
    return replace(
        drawn,
        speed={mode: factor[:n] for mode, factor in drawn.speed.items()},
        path=drawn.path[:n],
        wait=drawn.wait[:n],
        snap_m=drawn.snap_m[:n],
        people=drawn.people[:n],
    )


def _range(draws: Draws, mode: str) -> tuple[float, float]:
    """Return the least and the largest factor on a mode's times, that of the run among them."""
    factors = draws.slower(mode, slice(None))
    return min(float(factors.min()), 1.0), max(float(factors.max()), 1.0)


STEP = Step("robustness", "full", lambda study: bool(study.proposals), measure)

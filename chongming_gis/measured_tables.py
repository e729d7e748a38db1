"""Contracts of the tables that measures add to a result. ``MEASURED`` lists them by name, in the order they are told.

Tables without geometry are saved as tables/<name>.parquet, those with one as layers/<name>.parquet and <name>.geojson
(those of ``WITHOUT_GEOJSON`` as the former only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chongming_gis.tables import CANDIDATES, Column, Contract

if TYPE_CHECKING:
    from collections.abc import Mapping


ACCESSIBILITY = Contract(
    name="accessibility",
    meaning="how much of a service a person at a demand point can use, by question of [measures.accessibility]",
    columns={
        "demand_id": Column("str"),
        "question": Column("str"),
        "service": Column("str"),
        "method": Column("str"),
        "unit": Column("str"),  # of supply and reachable_supply: a capacity unit, or facilities
        "demand": Column("float64", low=0.0),  # what this point asks for: need in that unit, or persons
        "score": Column("float64", low=0.0),  # inf = no supply in reach, where less is better
        "score_unit": Column("str", allowed=("supply_per_need", "supply_per_person", "supply", "seconds", "cost")),
        "reachable_supply": Column("float64", low=0.0),  # within the catchment, by any mode, whoever else uses it
        "n_reachable": Column("int64", low=0.0),  # facilities, those without supply among them
    },
    key=("question", "demand_id"),
)

FAIRNESS = Contract(
    name="fairness",
    meaning="how evenly access is spread over the people whom a service is for, by question and area or group",
    columns={
        "question": Column("str"),
        "service": Column("str"),
        "scope": Column("str", allowed=("district", "island", "township", "village", "group")),
        "scope_code": Column("str"),
        "measure": Column("str"),
        "persons": Column("float64", low=0.0),  # of this scope
        "value": Column("float64", nullable=True),  # NA = not defined: nobody lives there, or nobody has any access
        "rank": Column("Int64", nullable=True, low=1),  # of villages by mean_score, 1 = worst
    },
    key=("question", "scope", "scope_code", "measure"),
)

BASKET = Contract(
    name="basket",
    meaning="how many people have how many of the services of the basket within their headline standards, by area",
    columns={
        "scope": Column("str", allowed=("district", "island", "township", "village")),
        "scope_code": Column("str"),
        "name_zh": Column("str", nullable=True),
        "n_within": Column("int64", low=0),  # 0 to all: a row each
        "n_services": Column("int64", low=1),  # in the basket
        "persons": Column("float64", low=0.0),  # who have exactly so many
        "share": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),  # of the area's; NA = nobody lives there
    },
    key=("scope", "scope_code", "n_within"),
)

BASKET_MISSING = Contract(
    name="basket_missing",
    meaning="how many people lack which service of the basket, by area",
    columns={
        "scope": Column("str", allowed=("district", "island", "township", "village")),
        "scope_code": Column("str"),
        "name_zh": Column("str", nullable=True),
        "service": Column("str"),
        "persons": Column("float64", low=0.0),  # of the area
        "persons_missing": Column("float64", low=0.0),
        "share_missing": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),  # NA = nobody lives there
    },
    key=("scope", "scope_code", "service"),
)

LINKS = Contract(
    name="links",
    meaning="for each village and level of the network: the facility of its own area, and how its people get there",
    columns={
        "village_code": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "level": Column("str"),
        "persons": Column("float64", low=0.0),
        "n_own": Column("int64", low=0),  # facilities in the village, its township, or the district, as the level asks
        "facility_id": Column("str", nullable=True),  # the one nearest to most of its people
        "mode": Column("str", nullable=True),  # or "by_settlement" where its people differ
        "standard_s": Column("float64", nullable=True, low=0.0),  # NA where its people differ
        "time_s": Column("float64", nullable=True, low=0.0),  # of the middle person; inf = none, NA = nobody there
        "share_within": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),
        "elsewhere_s": Column("float64", nullable=True, low=0.0),  # to the nearest anywhere, whomever it serves
        "status": Column("str", allowed=("linked", "beyond", "unreached", "none", "nobody")),
    },
    key=("village_code", "level"),
)

BURIAL = Contract(
    name="burial",
    meaning="years until the plots that people may use are full, by area; inf = never at this rate, NA = not known",
    columns={
        "scope": Column("str", allowed=("district", "township", "village")),
        "scope_code": Column("str"),
        "name_zh": Column("str", nullable=True),
        "service": Column("str"),
        "n_grounds": Column("int64", low=0),  # that people of the area may use
        "n_unknown": Column("int64", low=0),  # of these: without a statement of plots or of plots in use
        "plots": Column("float64", low=0.0),
        "used": Column("float64", low=0.0),
        "plots_left": Column("float64", nullable=True, low=0.0),  # NA where n_unknown is above 0, likewise all years
        "persons": Column("float64", low=0.0),
        "per_year_low": Column("float64", low=0.0),
        "per_year": Column("float64", low=0.0),  # deaths x share, at the likely rates
        "per_year_high": Column("float64", low=0.0),
        "years_low": Column("float64", nullable=True, low=0.0),  # at the high rates
        "years": Column("float64", nullable=True, low=0.0),  # until the first people find no plot that they may use
        "years_high": Column("float64", nullable=True, low=0.0),  # at the low rates
        "years_pooled": Column("float64", nullable=True, low=0.0),  # plots left / per_year, whoever may use them
        "evidence": Column("str", allowed=("data", "schematic")),
    },
    key=("scope", "scope_code", "service"),
)

VISITS = Contract(
    name="visits",
    meaning="how many people each point has to visit, if everyone is visited from the nearest one they may use",
    columns={
        "facility_id": Column("str"),
        "serves_rule": Column("str", allowed=("applied", "ignored")),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "persons": Column("float64", low=0.0),
        "n_villages": Column("int64", low=0),
        "persons_beyond": Column("float64", low=0.0),  # of these, beyond the standard
        "time_s": Column("float64", nullable=True, low=0.0),  # mean over persons; NA = it visits nobody
        "farthest_s": Column("float64", nullable=True, low=0.0),
    },
    key=("facility_id", "serves_rule"),
)

VISITS_BEYOND = Contract(
    name="visits_beyond",
    meaning="who is to be visited in each village, and who of them lives beyond the standard of a point",
    columns={
        "village_code": Column("str"),
        "serves_rule": Column("str", allowed=("applied", "ignored")),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "persons": Column("float64", low=0.0),
        "persons_beyond": Column("float64", low=0.0),  # reach one, but too late
        "persons_unreached": Column("float64", low=0.0),  # reach none that they may use
        "time_s": Column("float64", nullable=True, low=0.0),  # of the middle person; inf = none, NA = nobody to visit
    },
    key=("village_code", "serves_rule"),
)

_STATUS = ("reached", "not_reached", "uncertain", "nobody")

CERTAINTY = Contract(
    name="certainty",
    meaning="the share within the headline standard as an interval over the study's ranges; NA where nobody lives",
    columns={
        "scope": Column("str", allowed=("district", "island", "township", "village")),
        "scope_code": Column("str"),
        "name_zh": Column("str", nullable=True),
        "service": Column("str"),
        "standard": Column("str"),
        "group": Column("str"),
        "base": Column("str"),
        "persons": Column("float64", low=0.0),
        "share_run": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),  # as the coverage table has it
        "share_low": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),
        "share_likely": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),  # the median of the draws
        "share_high": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),
    },
    key=("scope", "scope_code", "service", "standard"),
)

CERTAINTY_VILLAGES = Contract(
    name="certainty_villages",
    meaning="in which share of the draws a village counts as reached, and whether that decides its status",
    columns={
        "village_code": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "service": Column("str"),
        "standard": Column("str"),
        "persons": Column("float64", low=0.0),
        "status_run": Column("str", allowed=("reached", "not_reached", "nobody")),
        "draws_reached_share": Column("float64", nullable=True, low=0.0, high=1.0),
        "status": Column("str", allowed=_STATUS),
    },
    key=("village_code", "service", "standard"),
)

CERTAINTY_DRIVERS = Contract(
    name="certainty_drivers",
    meaning="how far the district's share moves with one range alone, the others at their likely value",
    columns={
        "service": Column("str"),
        "standard": Column("str"),
        "driver": Column("str", allowed=("speed", "path", "wait", "snap", "people")),
        "share_low": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),
        "share_high": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-9),
    },
    key=("service", "standard", "driver"),
)

PLANS = Contract(
    name="plans",
    meaning="each proposal's plan with its certificate: what was asked, what it reaches, what is the best possible",
    columns={
        "proposal": Column("str"),
        "service": Column("str"),
        "standard": Column("str"),
        "model": Column("str"),
        "status": Column("str", allowed=("optimal", "feasible", "infeasible", "unknown")),
        "stop_reason": Column("str"),
        "reason": Column("str", nullable=True),  # of an infeasible plan: the rule that makes it so
        "n_existing": Column("int64", low=0),
        "n_candidates": Column("int64", low=0),  # those allowed
        "n_refused": Column("int64", low=0),
        "n_asked": Column("Int64", nullable=True, low=0),  # NA = as many as the budget allows
        "n_new": Column("int64", low=0),
        "persons": Column("float64", low=0.0),
        "covered_before": Column("float64", low=0.0),
        "covered_after": Column("float64", low=0.0),
        "objective": Column("float64"),  # in the unit of the model; -inf or inf where there is no plan
        "bound": Column("float64"),  # no plan can be better
        "gap": Column("float64", low=0.0),
        "cost": Column("float64", nullable=True, low=0.0),
    },
    key=("proposal",),
)

SITES = Contract(
    name="sites",
    meaning="the sites a proposal would build, best first, with what each brings and what stands in for it",
    columns={
        "proposal": Column("str"),
        "service": Column("str"),
        "place_id": Column("str"),  # the candidate's
        "rank": Column("int64", low=1),  # within its proposal, by weighted sum of the criteria
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "kind": Column("str", nullable=True),  # of the candidate
        "newly_covered": Column("float64", low=0.0),  # persons, each counted at the nearest new site
        "lost_without": Column("float64", low=0.0),  # persons covered no more if this one is left out
        "minutes_saved": Column("float64", nullable=True, low=0.0),  # mean of those it is nearest for; NA = nobody
        "township_shortfall": Column("float64", low=0.0, high=1.0),  # share of its township not covered before
        "co_location": Column("int64", low=0),  # other services on the same site
        "backup_gained": Column("float64", nullable=True, low=0.0),  # persons: a second one for them; NA = not asked
        "cost": Column("float64", nullable=True, low=0.0),
        "cost_per_person": Column("float64", nullable=True, low=0.0),  # newly covered
        "meets_duty": Column("bool"),  # its township had fewer than the plan's duty asks for
        "stand_in_id": Column("str", nullable=True),
        "stand_in_name": Column("str", nullable=True),
        "stand_in_loss": Column("float64", nullable=True),  # persons covered less with it
        "refused_id": Column("str", nullable=True),  # ground nearby that would cover more but may not be built on
        "refused_name": Column("str", nullable=True),
        "refused_gain": Column("float64", nullable=True, low=0.0),
        "refused_reason": Column("str", nullable=True),
        "refused_source": Column("str", nullable=True),
        "score": Column("float64"),
        "share_first": Column("float64", low=0.0, high=1.0),  # of draws of the weights in which it comes first
    },
    key=("proposal", "place_id"),
    geometry_types=("Point",),
)

PLAN_ACCESS = Contract(
    name="plan_access",
    meaning="the demand points that a proposal newly covers: by which site, and how long it takes",
    columns={
        "proposal": Column("str"),
        "demand_id": Column("str"),
        "place_id": Column("str"),
        "time_s": Column("float64", low=0.0),
    },
    key=("proposal", "demand_id"),
)

SITE_TIMES = Contract(
    name="site_times",
    meaning="seconds between people and the sites of a proposal, so that it can be asked again without the networks",
    columns={
        "proposal": Column("str"),
        "demand_row": Column("int32", low=0),  # row of layers/demand
        "site_row": Column("int32", low=0),  # the sites that stand, then the service's candidates, refused ones too
        "time_s": Column("float64", low=0.0),
    },
    key=("proposal", "demand_row", "site_row"),
)

SITE_GAINS = Contract(
    name="site_gains",
    meaning="who each proposed site newly covers, by village and group",
    columns={
        "proposal": Column("str"),
        "service": Column("str"),
        "place_id": Column("str"),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "base": Column("str"),
        "group": Column("str"),
        "persons": Column("float64", low=0.0),
    },
    key=("proposal", "place_id", "township_code", "village_code", "group"),
)

PLAN_ALTERNATIVES = Contract(
    name="plan_alternatives",
    meaning="other plans of a proposal that are nearly as good, the proposed one first; ids with ' | ' between",
    columns={
        "proposal": Column("str"),
        "service": Column("str"),
        "number": Column("int64", low=1),  # 1 = proposed
        "status": Column("str", allowed=("optimal", "feasible")),  # optimal = the best that differs from all before it
        "objective": Column("float64"),
        "lost": Column("float64"),  # worse than the proposed plan by: persons, or weighted cost
        "lost_share": Column("float64", nullable=True),  # of what the proposed plan adds; NA = it adds nothing
        "n_new": Column("int64", low=0),
        "cost": Column("float64", nullable=True, low=0.0),
        "sites": Column("str"),
        "left_out": Column("str", nullable=True),  # sites of the proposed plan that this one does without
        "brought_in": Column("str", nullable=True),
    },
    key=("proposal", "number"),
)

PLAN_ROBUSTNESS = Contract(
    name="plan_robustness",
    meaning="how firm each plan is: how many others are nearly as good, and what keeping it loses over the draws",
    columns={
        "proposal": Column("str"),
        "service": Column("str"),
        "n_alternatives": Column("int64", low=0),
        "within_share": Column("float64", low=0.0),  # of what the plan adds
        "stop_reason": Column("str"),  # of the search for others
        "n_draws": Column("int64", low=0),
        "n_planned": Column("int64", low=0),  # draws in which a plan obeys the rules
        "n_proven": Column("int64", low=0),  # draws whose best plan is proven to be
        "share_same": Column("float64", nullable=True, low=0.0, high=1.0),  # draws in which all sites stay
        "lost_median": Column("float64", nullable=True, low=0.0),  # share of what each draw's best plan adds
        "lost_high": Column("float64", nullable=True, low=0.0),  # in 5 % of the draws it is more
    },
    key=("proposal",),
)

SITE_ROBUSTNESS = Contract(
    name="site_robustness",
    meaning="how often a site is part of good plans and of the best plans of the draws; every site that ever is",
    columns={
        "proposal": Column("str"),
        "service": Column("str"),
        "place_id": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "kind": Column("str", nullable=True),
        "is_chosen": Column("bool"),
        "share_good_plans": Column("float64", low=0.0, high=1.0),  # the proposed plan counted
        "share_draws": Column("float64", nullable=True, low=0.0, high=1.0),  # NA = nothing drawn, or no draw has a plan
        "share_draws_near": Column("float64", nullable=True, low=0.0, high=1.0),  # it, or a site within 1 km
        "lost_if_refused": Column("float64", nullable=True),  # chosen ones; the rest planned anew; inf = no plan then
    },
    key=("proposal", "place_id"),
)

PHASES = Contract(
    name="phases",
    meaning="each year of a phased proposal: what is built, who is covered, and what the year could have had alone",
    columns={
        "phases": Column("str"),
        "proposal": Column("str"),
        "service": Column("str"),
        "year": Column("int64"),
        "limit": Column("float64", low=0.0),  # sites or money of this year
        "limit_unit": Column("str", allowed=("new_sites", "money")),
        "weight": Column("float64", low=0.0),
        "n_new": Column("int64", low=0),  # built in this year
        "cost": Column("float64", nullable=True, low=0.0),  # of these
        "persons": Column("float64", low=0.0),
        "covered_before": Column("float64", low=0.0),  # by what stands already
        "covered": Column("float64", nullable=True, low=0.0),  # NA = there is no plan
        "unphased": Column("float64", nullable=True, low=0.0),  # the year's own best plan, nothing kept from before
        "unphased_bound": Column("float64", nullable=True),
        "price_of_nesting": Column("float64", nullable=True),  # unphased - covered
        "status": Column("str", allowed=("optimal", "feasible", "infeasible", "unknown")),  # of the whole, as below
        "stop_reason": Column("str"),
        "reason": Column("str", nullable=True),
        "objective": Column("float64"),  # weighted sum over all years
        "bound": Column("float64"),
        "gap": Column("float64", low=0.0),
    },
    key=("phases", "year"),
)

PHASE_SITES = Contract(
    name="phase_sites",
    meaning="the sites of a phased proposal with the year they are built in",
    columns={
        "phases": Column("str"),
        "service": Column("str"),
        "year": Column("int64"),
        "place_id": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "kind": Column("str", nullable=True),
        "added": Column("float64", low=0.0),  # persons covered more by it, once all of earlier years stand
        "cost": Column("float64", nullable=True, low=0.0),
    },
    key=("phases", "place_id"),
    geometry_types=("Point",),
)

JOINT_PLANS = Contract(
    name="joint_plans",
    meaning="services planned together within one budget, by service and in all, beside the same planned apart",
    columns={
        "joint": Column("str"),
        "service": Column("str"),  # "all" = together; persons of several services are weighted and add up
        "proposal": Column("str", nullable=True),
        "weight": Column("float64", nullable=True, low=0.0),
        "persons": Column("float64", low=0.0),
        "covered_before": Column("float64", low=0.0),
        "n_new": Column("Int64", nullable=True, low=0),  # NA = there is no plan
        "spent": Column("float64", nullable=True, low=0.0),  # what is saved taken off
        "saved": Column("float64", nullable=True, low=0.0),
        "covered": Column("float64", nullable=True, low=0.0),
        "apart_budget": Column("float64", low=0.0),
        "apart_n_new": Column("Int64", nullable=True, low=0),
        "apart_spent": Column("float64", nullable=True, low=0.0),
        "apart_covered": Column("float64", nullable=True, low=0.0),
        "budget": Column("float64", low=0.0),
        "status": Column("str", allowed=("optimal", "feasible", "infeasible", "unknown")),  # of the whole, as below
        "stop_reason": Column("str"),
        "reason": Column("str", nullable=True),
        "objective": Column("float64"),
        "bound": Column("float64"),
        "gap": Column("float64", low=0.0),
    },
    key=("joint", "service"),
)

JOINT_SITES = Contract(
    name="joint_sites",
    meaning="the sites of a joint plan, which of them share their ground, and what that saves",
    columns={
        "joint": Column("str"),
        "service": Column("str"),
        "place_id": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "kind": Column("str", nullable=True),
        "cost": Column("float64", low=0.0),
        "saved": Column("float64", low=0.0),
        "shared_with": Column("str", nullable=True),  # other services of the plan on this ground, " | " between
        "lost_without": Column("float64", low=0.0),  # persons of its service covered no more if it is left out
        "is_apart": Column("bool"),  # built there, too, where the services are planned apart
    },
    key=("joint", "service", "place_id"),
    geometry_types=("Point",),
)

BED_PLANS = Contract(
    name="bed_plans",
    meaning="each bed plan with its certificate: what the targets cost at least, and how far people are from beds",
    columns={
        "plan": Column("str"),
        "service": Column("str"),
        "target_set": Column("str"),
        "status": Column("str", allowed=("optimal", "feasible", "infeasible", "unknown", "to_fill")),
        "stop_reason": Column("str"),
        "reason": Column("str", nullable=True),
        "cost": Column("float64", nullable=True, low=0.0),
        "bound": Column("float64", nullable=True),
        "gap": Column("float64", nullable=True, low=0.0),
        "currency": Column("str"),
        "price_year": Column("Int64", nullable=True),
        "beds_before": Column("float64", low=0.0),  # of the service
        "beds_after": Column("float64", nullable=True, low=0.0),
        "n_homes": Column("int64", low=0),
        "n_ground": Column("int64", low=0),  # places looked at for a new home
        "n_new": Column("Int64", nullable=True, low=0),
        "n_extended": Column("Int64", nullable=True, low=0),
        "need": Column("float64", low=0.0),  # beds
        "minutes_before": Column("float64", nullable=True, low=0.0),  # mean over need; who finds no bed counts the most
        "minutes": Column("float64", nullable=True, low=0.0),
        "share_in_time_before": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-6),
        "share_in_time": Column("float64", nullable=True, low=0.0, high=1.0 + 1e-6),
    },
    key=("plan",),
)

BED_PLAN = Contract(
    name="bed_plan",
    meaning="what a bed plan does at each home or place: beds built, added, converted, homes brought to the standard",
    columns={
        "plan": Column("str"),
        "place_id": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "kind": Column("str", nullable=True),
        "what": Column("str", allowed=("new", "extended", "converted", "standardised")),
        "unit": Column("str"),
        "beds": Column("int64", low=1),  # of a home brought up to the standard: all it has then
        "beds_before": Column("float64", low=0.0),  # of the home
        "cost": Column("float64", low=0.0),
        "targets": Column("str"),  # indicators not met before that this counts towards, " | " between
    },
    key=("plan", "place_id", "what", "unit"),
    geometry_types=("Point",),
)

BED_DUTIES = Contract(
    name="bed_duties",
    meaning="the targets of each bed plan, before and after it",
    columns={
        "plan": Column("str"),
        "indicator_id": Column("str"),
        "target_set": Column("str"),
        "unit": Column("str"),
        "before": Column("float64", nullable=True),
        "target": Column("float64", nullable=True),  # NA = still to be filled
        "after": Column("float64", nullable=True),  # NA = there is no plan
        "status": Column("str", allowed=("met_before", "met", "not_met", "to_fill")),
        "evidence": Column("str", allowed=("data", "schematic")),
    },
    key=("plan", "indicator_id"),
)

BED_FRONTIER = Contract(
    name="bed_frontier",
    meaning="what nearness costs: plans that all meet the targets, from the cheapest to the nearest to people",
    columns={
        "plan": Column("str"),
        "point": Column("int64", low=1),
        "cost": Column("float64", low=0.0),
        "minutes": Column("float64", low=0.0),
        "minutes_bound": Column("float64"),  # no plan of this cost has shorter ways
        "share_in_time": Column("float64", low=0.0, high=1.0 + 1e-6),
        "new_beds": Column("int64", low=0),
        "extended_beds": Column("int64", low=0),
        "n_new": Column("int64", low=0),
        "n_extended": Column("int64", low=0),
    },
    key=("plan", "point"),
)

GAPS = Contract(
    name="gaps",
    meaning="areas in which people live whom a service does not reach within its headline standard, most people first",
    columns={
        "gap_id": Column("str"),  # service and demand point in the middle: the same people, the same id
        "service": Column("str"),
        "standard": Column("str"),
        "mode": Column("str"),  # by which these people are measured, and gathered
        "rank": Column("int64", low=1),  # within the service
        "name_zh": Column("str"),
        "name_en": Column("str"),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),  # where most of the people live; of none: the nearest
        "demand_id": Column("str"),  # the point in the middle
        "n_points": Column("int64", low=1),
        "base": Column("str"),
        "group": Column("str"),
        "persons": Column("float64", low=0.0),  # beside it persons_<group> for every group of the base
        "persons_unreached": Column("float64", low=0.0),  # reach no facility within the search limit
        "nearest_s": Column("float64", low=0.0),  # of the person who is nearest to a facility; inf = nobody reaches any
        "median_s": Column("float64", low=0.0),  # half of the people take at most so long; inf = most reach none
    },
    key=("gap_id",),
    geometry_types=("Polygon", "MultiPolygon"),
)

ISOCHRONES = Contract(
    name="isochrones",
    meaning="the ground from which a service is reached within parts of its headline standard, and whom it misjudges",
    columns={
        "service": Column("str"),
        "standard": Column("str"),
        "settlement": Column("str"),  # the class of people whom mode and limit hold for, or all
        "mode": Column("str"),
        "limit_s": Column("float64", low=0.0),  # of this ring
        "standard_s": Column("float64", low=0.0),
        "cell_m": Column("float64", low=0.0),  # side of the cells that the area was drawn from
        "area_km2": Column("float64", low=0.0),
        "persons": Column("float64", low=0.0),  # of the service's group, in the settlement class
        "persons_inside": Column("float64", low=0.0),
        "persons_in_time": Column("float64", low=0.0),  # by the time at their own door
        "persons_misclassified": Column("float64", low=0.0),  # inside but too far, or outside but in time
        "share_misclassified": Column("float64", nullable=True, low=0.0, high=1.0),  # NA = nobody lives there
        "near_edge_persons": Column("float64", low=0.0),  # within 300 m of the edge
        "near_edge_misclassified": Column("float64", low=0.0),
    },
    key=("service", "standard", "settlement", "mode", "limit_s"),
    geometry_types=("MultiPolygon",),
)

DELIVERY = Contract(
    name="delivery",
    meaning="meals to the door on one day: what is wanted, cooked, in hot range and brought, and what no plan can beat",
    columns={
        "service": Column("str"),
        "deadline_s": Column("float64", low=0.0),
        "n_kitchens": Column("int64", low=0),
        "n_drops": Column("int64", low=0),  # where a meal is wanted
        "n_drops_whole": Column("int64", low=0),  # of these: every meal is brought
        "meals_needed": Column("float64", low=0.0),  # by everyone, at the table or at the door
        "meals_wanted": Column("float64", low=0.0),  # at the door
        "meals_stated": Column("float64", low=0.0),  # capacity of the kitchens
        "meals_cooked": Column("float64", low=0.0),  # of it, to be sent out
        "meals_carried": Column("float64", low=0.0),  # by all vehicles, if every round were full
        "meals_in_range": Column("float64", low=0.0),  # wanted within hot range of some kitchen
        "meals_at_most": Column("float64", low=0.0),  # by the exact assignment: no rounds bring more
        "meals_brought": Column("float64", low=0.0),
        "meals_target": Column("float64", nullable=True, low=0.0),  # a day, of the plan; NA = none named
        "n_rounds": Column("int64", low=0),
        "n_vehicles": Column("int64", low=0),  # that leave at least once
        "length_m": Column("float64", low=0.0),
        "ride_s": Column("float64", nullable=True, low=0.0),  # age of the mean meal at the drop; NA = none is brought
        "oldest_s": Column("float64", nullable=True, low=0.0),
        "cost": Column("float64", low=0.0),  # of the rounds
        "price_of_missed": Column("float64", low=0.0),
        "bound": Column("float64", nullable=True, low=0.0),  # cost and price of missed are at least this; NA = no bound
        "currency": Column("str"),
        "price_year": Column("int64"),
        "iterations": Column("int64", low=1),
        "seed": Column("int64", low=0),
        "evidence": Column("str", allowed=("data", "schematic")),
    },
    key=("service",),
)

DELIVERY_KITCHENS = Contract(
    name="delivery_kitchens",
    meaning="each kitchen: what it can send out, what the exact assignment and the rounds take of it",
    columns={
        "kitchen_id": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "meals_stated": Column("float64", low=0.0),
        "meals_cooked": Column("float64", low=0.0),
        "meals_assigned": Column("float64", low=0.0),
        "meals_brought": Column("float64", low=0.0),
        "meals_in_range": Column("float64", low=0.0),  # wanted within its hot range
        "n_rounds": Column("int64", low=0),
        "n_drops": Column("int64", low=0),
        "length_m": Column("float64", low=0.0),
        "cost": Column("float64", low=0.0),
        "status": Column("str", allowed=("sends", "idle", "no_meals", "no_road", "no_vehicle")),
    },
    key=("kitchen_id",),
    geometry_types=("Point",),
)

DELIVERY_DROPS = Contract(
    name="delivery_drops",
    meaning="each drop: meals wanted and brought, from which kitchen, how old, and why the rest is left",
    columns={
        "drop_id": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "meals": Column("float64", low=0.0),
        "meals_brought": Column("float64", low=0.0),
        "meals_left": Column("float64", low=0.0),
        "kitchen_id": Column("str", nullable=True),  # of the round that comes first; NA = none comes
        "arrive_s": Column("float64", nullable=True, low=0.0),  # age of the oldest meal on arrival; NA = none comes
        "nearest_s": Column("float64", low=0.0),  # from the nearest kitchen by the fastest vehicle; inf = no road
        "reason": Column(
            "str",
            nullable=True,  # NA = nothing is left
            allowed=(
                "no_road",
                "no_kitchen",
                "ferry",
                "not_back",
                "out_of_range",
                "no_kitchen_open",
                "no_capacity",
                "no_round",
            ),
        ),
    },
    key=("drop_id",),
    geometry_types=("Point",),
)

ROUTES = Contract(
    name="routes",
    meaning="each round of a day: its vehicle, when it leaves and is back, what it carries, and its way on the roads",
    columns={
        "round_id": Column("str"),
        "kitchen_id": Column("str"),
        "name_zh": Column("str", nullable=True),  # of the kitchen
        "vehicle": Column("str"),
        "cart": Column("int64", low=1),  # which of the kitchen's vehicles of this kind
        "wave": Column("int64", low=1),
        "depart": Column("str"),  # hh:mm
        "back_s": Column("float64", low=0.0),  # from departure
        "n_stops": Column("int64", low=1),
        "meals": Column("float64", low=0.0),
        "length_m": Column("float64", low=0.0),
        "cost": Column("float64", low=0.0),
        "uses_ferry": Column("bool"),
    },
    key=("round_id",),
    geometry_types=("LineString",),
)

ROUTE_STOPS = Contract(
    name="route_stops",
    meaning="each stop of each round in its order: when the vehicle is there, what it hands over, what is left",
    columns={
        "round_id": Column("str"),
        "stop": Column("int64", low=1),
        "drop_id": Column("str"),
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "village_code": Column("str", nullable=True),
        "arrive": Column("str"),  # hh:mm, cut to the minute
        "arrive_s": Column("float64", low=0.0),  # from departure: the age of the meal
        "meals": Column("float64", low=0.0),
        "load_after": Column("float64", low=0.0),  # meals still on board
        "along_m": Column("float64", low=0.0),  # from the kitchen, along the round's line
    },
    key=("round_id", "stop"),
)

DELIVERY_WHATIF = Contract(
    name="delivery_whatif",
    meaning="what another deadline, one more vehicle at a kitchen, or one more kitchen would bring",
    columns={
        "what": Column("str", allowed=("deadline", "vehicle", "kitchen")),
        "id": Column("str"),  # minutes; a kitchen; a candidate
        "name_zh": Column("str", nullable=True),
        "township_code": Column("str", nullable=True),
        "value": Column("float64", low=0.0),  # minutes of the deadline; vehicles added; meals the kitchen sends out
        "meals_in_range": Column("float64", nullable=True, low=0.0),
        "meals_at_most": Column("float64", nullable=True, low=0.0),
        "meals_brought": Column("float64", nullable=True, low=0.0),
        "meals_more": Column("float64", nullable=True),  # brought, compared with the plan
        "minutes_saved": Column("float64", nullable=True),  # by each meal that is brought already
        "cost": Column("float64", nullable=True, low=0.0),
    },
    key=("what", "id"),
)

#: Too large to be read as text; as GeoParquet only.
WITHOUT_GEOJSON = frozenset({ISOCHRONES.name, CANDIDATES.name})

_LISTED: tuple[Contract, ...] = (
    ACCESSIBILITY,
    FAIRNESS,
    BASKET,
    BASKET_MISSING,
    LINKS,
    BURIAL,
    VISITS,
    VISITS_BEYOND,
    CERTAINTY,
    CERTAINTY_VILLAGES,
    CERTAINTY_DRIVERS,
    GAPS,
    ISOCHRONES,
    PLANS,
    SITES,
    PLAN_ACCESS,
    SITE_GAINS,
    SITE_TIMES,
    CANDIDATES,
    PLAN_ALTERNATIVES,
    PLAN_ROBUSTNESS,
    SITE_ROBUSTNESS,
    PHASES,
    PHASE_SITES,
    JOINT_PLANS,
    JOINT_SITES,
    BED_PLANS,
    BED_PLAN,
    BED_DUTIES,
    BED_FRONTIER,
    DELIVERY,
    DELIVERY_KITCHENS,
    DELIVERY_DROPS,
    ROUTES,
    ROUTE_STOPS,
    DELIVERY_WHATIF,
)

MEASURED: Mapping[str, Contract] = {contract.name: contract for contract in _LISTED}

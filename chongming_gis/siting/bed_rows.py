"""The beds question as columns and rows for HiGHS, and back: what is added, converted and brought up to standard."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis.siting import highs
from chongming_gis.siting.bed_problem import AreaDuty
from chongming_gis.siting.formulation import rows_of
from chongming_gis.siting.highs import MipModel
from chongming_gis.siting.stacked import with_columns

if TYPE_CHECKING:
    from chongming_gis.siting.bed_problem import BedDuty, BedKind, BedQuestion, BedSites, BedTravel
    from chongming_gis.siting.formulation import Bools, Entry, Floats, Ints

_SLACK = 1e-9  # relative: a share of a sum of floats is no exact number


@dataclass(frozen=True, slots=True)
class BedModel:
    """The model and where its columns are.

    Attributes
    ----------
    mip : the objective is money, or minutes times beds
    kinds : for each kind its first column and how many: one for all sites where conversions may be split at will
    duty_rows : the row of each duty; of areas, the row that counts them
    money : what each column of the question itself costs, whatever the objective is
    offset : added to the objective
    """

    mip: MipModel
    kinds: tuple[tuple[int, int], ...]
    duty_rows: tuple[int, ...]
    money: Floats
    offset: float = 0.0


def bed_model(question: BedQuestion) -> BedModel:
    """Return the model of the least cost.

    Columns: beds added (n), whether any are (n), whether a home is brought up to the standard (n), then by kind the
    beds converted and whether any are, then by duty about areas which have one.
    """
    sites = question.sites
    n = sites.n_sites
    added, opens, standard = np.arange(n), n + np.arange(n), 2 * n + np.arange(n)
    high = [sites.most.astype(np.float64), np.ones(n), _may_be_standard(sites)]
    costs = [sites.bed_costs, sites.build_costs, np.where(sites.is_new, 0.0, _finite(sites.standard_cost))]
    entries: list[Entry] = []
    for site in range(n):
        entries.append(([added[site], opens[site]], [1.0, -float(sites.most[site])], -math.inf, 0.0))
        entries.append(([added[site], opens[site]], [1.0, -float(max(sites.least[site], 1))], 0.0, math.inf))
        if high[2][site]:
            size = float(sites.standard_from)
            entries.append(([added[site], standard[site]], [1.0, -size], -float(sites.beds[site]), math.inf))
            entries += [([standard[site], opens[site]], [1.0, -1.0], -math.inf, 0.0)] if sites.is_new[site] else []
    at = 3 * n
    places: list[tuple[int, int]] = []
    for kind in sites.kinds:
        own, own_high, own_costs, of_kind = _kind(sites, kind, at, added)
        places.append(own)
        high.append(own_high)
        costs.append(own_costs)
        entries += of_kind
        at += len(own_high)
    duty_rows = []
    for duty in question.duties:
        if isinstance(duty, AreaDuty):
            columns = at + np.arange(len(duty.has))
            at += len(duty.has)
            high.append(np.ones(len(duty.has)))
            costs.append(np.zeros(len(duty.has)))
            made = standard if duty.needs_standard else opens
            entries += _area_rows(sites, duty, columns, made)
            duty_rows.append(len(entries))
            entries.append((columns, np.ones(len(columns)), float(duty.least), math.inf))
        else:
            duty_rows.append(len(entries))
            entries.append(_duty_row(sites, duty, places, added, opens))
    objective = np.concatenate(costs)
    if question.budget is not None:
        slack = _SLACK * max(question.budget, 1.0)
        entries.append((np.arange(len(objective)), objective, -math.inf, question.budget + slack))
    rows = rows_of(entries)
    mip = MipModel(
        objective,
        rows.matrix(len(objective)),
        rows.low,
        rows.high,
        np.zeros(len(objective)),
        np.concatenate(high),
        np.ones(len(objective), dtype=bool),
        "minimise",
    )
    return BedModel(mip, tuple(places), tuple(duty_rows), objective)


def minutes_model(question: BedQuestion, travel: BedTravel, *, budget: float | None) -> BedModel:
    """Return the model of the shortest ways for so much money: who goes where is a column for each pair.

    Going somewhere saves the minutes that need without a bed counts; ways longer than that are not gone.
    """
    base = bed_model(replace(question, budget=budget))
    sites, pairs = question.sites, _useful(travel)
    n = len(base.mip.costs)
    mip = with_columns(base.mip, travel.need[pairs.row])
    columns = n + np.arange(pairs.nnz)
    saved = pairs.data - travel.unserved_min
    n_rows = len(travel.need)
    by_row = sparse.csr_array((np.ones(pairs.nnz), (pairs.row, columns)), shape=(n_rows, len(mip.costs)))
    by_site = sparse.coo_array(
        (
            np.concatenate([np.ones(pairs.nnz), -np.ones(sites.n_sites)]),
            (
                np.concatenate([pairs.col, np.arange(sites.n_sites)]),
                np.concatenate([columns, np.arange(sites.n_sites)]),
            ),
        ),
        shape=(sites.n_sites, len(mip.costs)),
    )
    matrix = sparse.csr_array(sparse.vstack([mip.matrix, by_row, by_site], format="csr"))
    mip = replace(
        mip,
        costs=np.concatenate([np.zeros(n), saved]),
        matrix=matrix,
        row_low=np.concatenate([mip.row_low, np.full(n_rows + sites.n_sites, -math.inf)]),
        row_high=np.concatenate([mip.row_high, travel.need, sites.beds]),
    )
    return replace(base, mip=mip, offset=travel.unserved_min * float(travel.need.sum()))


def promising(travel: BedTravel, flows: Floats, count: int) -> BedTravel:
    """Return the same need with fewer ways: those gone in a solution, and each row's to its nearest sites.

    Parameters
    ----------
    flows : the last columns of ``minutes_model`` with all ways, in its order
    count : how many of the nearest sites
    """
    pairs = _useful(travel)
    order = np.lexsort((pairs.col, pairs.data, pairs.row))
    first = np.searchsorted(pairs.row[order], pairs.row[order], side="left")
    kept = flows > _SLACK
    kept[order[np.arange(len(order)) - first < count]] = True
    chosen = (pairs.data[kept], (pairs.row[kept], pairs.col[kept]))
    return replace(travel, minutes=sparse.csr_array(sparse.coo_array(chosen, shape=pairs.shape)))


def ways_of(question: BedQuestion, travel: BedTravel, added: Ints) -> tuple[float, sparse.csr_array]:
    """Return the least minutes times beds of everyone in need with these beds, and who goes where: (n_rows, n_sites).

    Notes
    -----
    Hitchcock's transport problem (1941); need that finds no bed nearer than ``unserved_min`` goes nowhere.
    """
    pairs, sites = _useful(travel), question.sites
    n_rows, n = len(travel.need), pairs.nnz
    columns = np.arange(n)
    by_row = sparse.csr_array((np.ones(n), (pairs.row, columns)), shape=(n_rows, n))
    by_site = sparse.csr_array((np.ones(n), (pairs.col, columns)), shape=(sites.n_sites, n))
    mip = MipModel(
        pairs.data - travel.unserved_min,
        sparse.csr_array(sparse.vstack([by_row, by_site], format="csr")),
        np.full(n_rows + sites.n_sites, -math.inf),
        np.concatenate([travel.need, sites.beds + added]),
        np.zeros(n),
        travel.need[pairs.row],
        np.zeros(n, dtype=bool),
        "minimise",
    )
    found = highs.solve(mip)
    flows = sparse.csr_array((np.maximum(found.values, 0.0), (pairs.row, pairs.col)), shape=travel.minutes.shape)
    return float(travel.unserved_min * travel.need.sum() + found.objective), flows


def read_plan(question: BedQuestion, model: BedModel, values: Floats) -> tuple[Ints, Ints, Bools]:
    """Return beds added, beds converted by kind, and homes brought up to the standard."""
    sites = question.sites
    n = sites.n_sites
    whole = np.rint(values).astype(np.int64)
    added = whole[:n]
    standardised = whole[2 * n : 3 * n] > 0
    converted = np.zeros((len(sites.kinds), n), dtype=np.int64)
    for at, (kind, (first, count)) in enumerate(zip(sites.kinds, model.kinds, strict=True)):
        room = room_of(sites, kind, added)
        own = whole[first : first + min(count, n)]
        converted[at] = shared_out(int(own.sum()), room, kind, own if count > 1 else None)
    return added, converted, standardised


def room_of(sites: BedSites, kind: BedKind, added: Ints) -> Ints:
    """Return how many beds of each site could be converted to a kind."""
    more = np.zeros_like(added) if kind.is_of_new else added
    return np.floor(sites.beds - kind.beds + 1e-9).astype(np.int64) + more


def shared_out(total: int, room: Ints, kind: BedKind, solved: Ints | None) -> Ints:
    """Return so many conversions shared out over the sites in proportion to their room, whole numbers.

    Where a site needs a least number, as many sites as that allows take part: those without any of the kind first,
    then those with the most room; the solver's own split where this does not fit.
    """
    if total == 0:
        return np.zeros_like(room)
    base, free = np.zeros_like(room), room.copy()
    if kind.least > 1:
        able = np.flatnonzero(room >= kind.least)
        order = able[np.lexsort((able, -room[able], kind.beds[able] > 0.0))][: total // kind.least]
        if int(room[order].sum()) < total:
            return solved if solved is not None else base
        base[order] = kind.least
        free = np.zeros_like(room)
        free[order] = room[order] - kind.least
    left = total - int(base.sum())
    ideal = left * free / max(int(free.sum()), 1)
    share = np.minimum(np.floor(ideal + 1e-9).astype(np.int64), free)
    rest = left - int(share.sum())
    order = np.lexsort((np.arange(len(room)), -(ideal - share)))
    order = order[share[order] < free[order]]
    share[order[:rest]] += 1
    return base + share


def _kind(sites: BedSites, kind: BedKind, at: int, added: Ints) -> tuple[tuple[int, int], Floats, Floats, list[Entry]]:
    room = room_of(sites, kind, np.zeros(sites.n_sites, dtype=np.int64)).astype(np.float64)
    n = sites.n_sites
    grows = not kind.is_of_new
    if kind.least <= 1:
        most = float(room.sum())
        entries: list[Entry] = []
        if grows:
            entries.append(([at, *added], [1.0, *[-1.0] * n], -math.inf, most))
            most += float(sites.most.sum())
        return (at, 1), np.array([most]), np.array([kind.cost]), entries
    most_of = room + sites.most * grows
    entries = []
    for site in range(n):
        beds, any_ = at + site, at + n + site
        entries.append(([beds, any_], [1.0, -float(most_of[site])], -math.inf, 0.0))
        entries.append(([beds, any_], [1.0, -float(kind.least)], 0.0, math.inf))
        entries += [([beds, added[site]], [1.0, -1.0], -math.inf, float(room[site]))] if grows else []
    return (
        (at, 2 * n),
        np.concatenate([most_of, np.ones(n)]),
        np.concatenate([np.full(n, kind.cost), np.zeros(n)]),
        entries,
    )


def _area_rows(sites: BedSites, duty: AreaDuty, columns: Ints, made: Ints) -> list[Entry]:
    entries: list[Entry] = []
    for area in np.flatnonzero(~duty.has).tolist():
        inside = np.flatnonzero((sites.areas == area) & (sites.is_new | duty.needs_standard))
        entries.append(([columns[area], *made[inside]], [1.0, *[-1.0] * len(inside)], -math.inf, 0.0))
    return entries


def _duty_row(sites: BedSites, duty: BedDuty, places: list[tuple[int, int]], added: Ints, opens: Ints) -> Entry:
    of_new = sum(duty.per_kind.get(kind.name, 0.0) for kind in sites.kinds if kind.is_of_new)
    columns, values = [added], [np.full(len(added), duty.per_bed + of_new)]
    if duty.per_site:
        new = opens[sites.is_new]
        columns.append(new)
        values.append(np.full(len(new), duty.per_site))
    for kind, (first, count) in zip(sites.kinds, places, strict=True):
        own = first + np.arange(min(count, sites.n_sites))
        columns.append(own)
        values.append(np.full(len(own), duty.per_kind.get(kind.name, 0.0)))
    size = max([1.0, *(abs(end) for end in (duty.low, duty.high, duty.standing) if math.isfinite(end))])
    slack = _SLACK * size
    return (
        np.concatenate(columns),
        np.concatenate(values),
        duty.low - duty.standing - slack,
        duty.high - duty.standing + slack,
    )


def _may_be_standard(sites: BedSites) -> Floats:
    is_large = sites.beds + sites.most >= sites.standard_from
    is_for_sale = sites.is_new | math.isfinite(sites.standard_cost)
    return (is_large & is_for_sale & ~sites.is_standard).astype(np.float64)


def _finite(cost: float) -> float:
    return cost if math.isfinite(cost) else 0.0


def _useful(travel: BedTravel) -> sparse.coo_array:
    """Return the pairs that are nearer than having no bed."""
    pairs = sparse.coo_array(travel.minutes)
    kept = (pairs.data < travel.unserved_min) & (travel.need[pairs.row] > 0.0)
    return sparse.coo_array((pairs.data[kept], (pairs.row[kept], pairs.col[kept])), shape=pairs.shape)

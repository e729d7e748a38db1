"""MCLP for people who are in parts (tiles): greedy sites and a proven bound, the same whatever the parts.

Persons are whole numbers of a tiny unit here, so that sums over people are exact in any order, and every other step is
one row's or one site's own. The parts stay where they are; what goes to and fro is one number a site. Equal rows are
not merged and nothing is left out beforehand: both would depend on the parts.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from chongming_gis.batch import cluster
from chongming_gis.kernels import cover
from chongming_gis.siting.problem import PROVEN_GAP, SitingPlan, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]

UNITS = 2**30  # of one person: the persons of the world still fit into 63 bits
STEPS, STEPS_A_ROUND = 400, 25  # of the bound: at most, and between two looks at it
_STEPS_A_RESTART = 50  # at least


@dataclass(frozen=True, slots=True)
class CoverPart:
    """The people of one part, and the sites that cover some of them.

    Attributes
    ----------
    covers : (n_rows, n own sites) of ones: the site is within the standard of the row
    rows_of : the same by site
    sites : (n own sites,) their numbers in the whole, ascending
    weights : (n_rows,) persons in ``UNITS``
    settled : persons in ``UNITS`` who are covered already
    """

    covers: sparse.csr_array
    rows_of: sparse.csr_array
    sites: Longs
    weights: Longs
    settled: int


@dataclass(frozen=True, slots=True)
class TiledPlan:
    """The sites with the certificate, in the order in which greedy chose them, with the persons each added."""

    plan: SitingPlan
    order: Longs
    gains: Floats


def part_of(covers: sparse.csr_array, weights: Floats, *, is_settled: Bools) -> CoverPart:
    """Return a part from its people.

    Parameters
    ----------
    covers : (n_rows, n sites of the whole); what is stored is within the standard, whatever the number
    weights : (n_rows,) persons
    is_settled : (n_rows,) who is covered by what stands already
    """
    units = np.rint(weights * UNITS).astype(np.int64)
    rows = np.flatnonzero(~is_settled & (np.diff(covers.indptr) > 0) & (units > 0))
    mine = covers[rows]
    sites, column = np.unique(mine.indices, return_inverse=True)
    ones = np.ones(len(column), dtype=np.int8)
    own = sparse.csr_array((ones, column.astype(np.int32), mine.indptr), shape=(len(rows), len(sites)))
    own.sort_indices()
    settled = int(units[is_settled].sum())
    return CoverPart(own, own.T.tocsr(), sites.astype(np.int64), units[rows], settled)


def write_part(part: CoverPart, path: Path) -> None:
    """Write a part; the same part makes the same bytes."""
    covers = part.covers
    np.savez(
        path,
        allow_pickle=False,
        ptr=covers.indptr,
        own=covers.indices,
        sites=part.sites,
        weights=part.weights,
        settled=np.array(part.settled),
    )


def read_part(path: Path) -> CoverPart:
    """Return a part that was written."""
    with np.load(path, allow_pickle=False) as read:
        shape = (len(read["weights"]), len(read["sites"]))
        ones = np.ones(len(read["own"]), dtype=np.int8)
        own = sparse.csr_array((ones, read["own"], read["ptr"]), shape=shape)
        return CoverPart(own, own.T.tocsr(), read["sites"], read["weights"], int(read["settled"]))


@dataclass(frozen=True, slots=True)
class _State:
    """A part on its worker, with what the search has come to there."""

    part: CoverPart
    open: Longs  # (n_rows,) persons whom greedy has not covered yet
    price: Longs
    price_sum: Floats


class _Crew:
    """The parts, each on some worker or here; ``ask`` changes some of them and brings what they answer."""

    def __init__(self, client: Any, load: Callable[[Any], CoverPart], parts: Sequence[Any]) -> None:
        self.client = client
        self.held = [self._call(_begin, load, part) for part in parts]

    def _call(self, function: Callable[..., tuple[_State, Any]], *arguments: Any) -> Any:
        return function(*arguments) if self.client is None else self.client.submit(function, *arguments, pure=False)

    def ask(self, step: Callable[..., Any], arguments: Mapping[int, tuple[Any, ...]]) -> list[Any]:
        """Return the answers of some parts to a step, in the order asked."""
        for number, given in arguments.items():
            self.held[number] = self._call(_advance, step, self.held[number], *given)
        return self.answers(list(arguments))

    def answers(self, numbers: Sequence[int]) -> list[Any]:
        """Return what some parts answered last."""
        held = [self.held[number] for number in numbers]
        if self.client is None:
            return [answer for _, answer in held]
        with cluster.loss_told():
            asked = [self.client.submit(operator.itemgetter(1), one, pure=False) for one in held]
            told: list[Any] = self.client.gather(asked)
            return told


def _begin(load: Callable[[Any], CoverPart], part: Any) -> tuple[_State, Any]:
    mine = load(part)
    state = _State(mine, mine.weights, mine.weights // 2, np.zeros(len(mine.weights)))
    return state, (mine.sites, mine.rows_of @ mine.weights, mine.settled, int(mine.weights.sum()))


def _advance(step: Callable[..., tuple[_State, Any]], held: tuple[_State, Any], *arguments: Any) -> tuple[_State, Any]:
    return step(held[0], *arguments)


def _close(state: _State, site: int) -> tuple[_State, Longs]:
    """Take whom a site covers; the answer is how much less every own site would add."""
    part = state.part
    rows = part.rows_of.indices[part.rows_of.indptr[site] : part.rows_of.indptr[site + 1]]
    lost: Longs = part.covers[rows].T @ state.open[rows]
    left = state.open.copy()
    left[rows] = 0
    return replace(state, open=left), lost


def _move_prices(state: _State, share: Floats) -> tuple[_State, Longs]:
    """Take one dual step; the answer is what the prices pay to every own site."""
    part = state.part
    step = part.weights / np.diff(part.covers.indptr)
    price = np.rint(np.clip(state.price - step * (part.covers @ share - 1.0), 0, part.weights)).astype(np.int64)
    np.minimum(price, part.weights, out=price)  # beyond 2^53 units the last bits are rounded
    return replace(state, price=price, price_sum=state.price_sum + price), part.rows_of @ price


def _pay(state: _State, n_steps: int) -> tuple[_State, tuple[int, Longs, int, Longs]]:
    """Answer what the prices, and their means over the last steps, sum up to and pay to every own site."""
    mean = _mean_of(state, n_steps)
    rows_of = state.part.rows_of
    return state, (int(state.price.sum()), rows_of @ state.price, int(mean.sum()), rows_of @ mean)


def _restart(state: _State, n_steps: int, takes_mean: bool) -> tuple[_State, Longs]:  # noqa: FBT001 - for a worker
    price = _mean_of(state, n_steps) if takes_mean else state.price
    return replace(state, price=price, price_sum=np.zeros(len(price))), state.part.rows_of @ price


def _mean_of(state: _State, n_steps: int) -> Longs:
    mean: Longs = np.minimum(np.rint(state.price_sum / n_steps).astype(np.int64), state.part.weights)
    return mean


def cover_most(
    client: Any,
    load: Callable[[Any], CoverPart],
    parts: Sequence[Any],
    *,
    n_sites: int,
    new_sites: int,
    n_steps: int = STEPS,
) -> TiledPlan:
    """Return at most ``new_sites`` sites that cover many people, and how many no choice can cover.

    Parameters
    ----------
    client : a ``distributed.Client``; None does all in this process
    load : gives the ``CoverPart`` of an entry of ``parts``, on the worker
    n_sites : of the whole; the parts name sites by their number there
    n_steps : of the bound; it ends sooner where it proves the plan

    Raises
    ------
    BatchError
        The scheduler is lost.

    Notes
    -----
    Church & ReVelle (1974). Greedy: the site that adds most, the lowest of equals; only parts that it reaches are asked
    again (Nemhauser, Wolsey & Fisher 1978: at least 63 % of the best). Bound: the Lagrangian dual of ``siting.mclp`` by
    primal-dual steps (Chambolle & Pock 2011), restarted from the last prices or their means, the better of both.
    """
    crew = _Crew(client, load, parts)
    begun = crew.answers(range(len(parts)))
    own, gains, settled, open_units = (list(told) for told in zip(*begun, strict=True))
    sums = _Sums(own, n_sites)
    question = _Question(sums, sums.of(gains), sum(settled), sum(open_units), new_sites)
    order, added = _choose(crew, sums, question.reach.copy(), new_sites)
    objective = question.settled + sum(added)
    bound = _bound(crew, question, order, objective, n_steps) if len(order) else objective
    covered, most = objective / UNITS, max(bound, objective) / UNITS
    status = status_of(covered, most)
    plan = SitingPlan(
        "MCLP",
        status,
        np.sort(order),
        covered,
        most,
        "maximise",
        "proven" if status == "optimal" else "search exhausted",
    )
    return TiledPlan(plan, order, np.array(added, dtype=np.float64) / UNITS)


@dataclass(frozen=True, slots=True)
class _Question:
    """What the whole is asked: the sums over all parts at the start."""

    sums: _Sums
    reach: Longs  # (n sites,) persons whom each site covers
    settled: int
    open: int  # persons whom some site covers
    new_sites: int

    def value(self, paid: int, earned: Longs) -> int:
        """Return how many persons no plan exceeds, from the sum of prices and what they pay to each site."""
        first = max(len(earned) - self.new_sites, 0)
        return (
            self.settled + self.open - paid + int(np.partition(earned, first)[first:].sum() if first else earned.sum())
        )


class _Sums:
    """Adds up numbers of the parts' own sites."""

    def __init__(self, own: Sequence[Longs], n_sites: int) -> None:
        self.own, self.n_sites = own, n_sites
        part = np.repeat(np.arange(len(own)), [len(sites) for sites in own])
        place = np.concatenate([np.arange(len(sites)) for sites in own])
        sites = np.concatenate(own)
        order = np.argsort(sites, kind="stable")
        self._part, self._place = part[order], place[order]
        self._start = np.searchsorted(sites[order], np.arange(n_sites + 1))

    def of(self, numbers: Sequence[Longs]) -> Longs:
        """Return the sums over all parts by site of the whole."""
        whole = np.zeros(self.n_sites, dtype=np.int64)
        for sites, values in zip(self.own, numbers, strict=True):
            whole[sites] += values
        return whole

    def places_of(self, site: int) -> dict[int, int]:
        """Return the parts that have a site, and its number in each."""
        at = slice(self._start[site], self._start[site + 1])
        return dict(zip(self._part[at].tolist(), self._place[at].tolist(), strict=True))


def _choose(crew: _Crew, sums: _Sums, gains: Longs, new_sites: int) -> tuple[Longs, list[int]]:
    """Return the greedy sites in their order, and what each adds; ``gains`` is used up."""
    order: list[int] = []
    added: list[int] = []
    while len(order) < new_sites and len(gains):
        site = int(gains.argmax())
        if gains[site] <= 0:
            break
        order.append(site)
        added.append(int(gains[site]))
        places = sums.places_of(site)
        lost = crew.ask(_close, {part: (place,) for part, place in places.items()})
        for part, less in zip(places, lost, strict=True):
            gains[sums.own[part]] -= less
    return np.array(order, dtype=np.int64), added


def _bound(crew: _Crew, question: _Question, order: Longs, objective: int, n_steps: int) -> int:
    """Return the lowest bound that the steps find, in units."""
    sums = question.sums
    everyone: dict[int, tuple[Any, ...]] = dict.fromkeys(range(len(sums.own)), ())
    step = np.divide(1.0, question.reach, out=np.ones(sums.n_sites), where=question.reach > 0)
    share, share_sum, since = np.zeros(sums.n_sites), np.zeros(sums.n_sites), 0
    share[order] = 1.0
    earned = sums.of(crew.ask(_restart, dict.fromkeys(everyone, (1, False))))
    best, now = question.settled + question.open, np.empty(sums.n_sites)
    for taken in range(1, n_steps + 1):
        cover.share_out(share + step * earned, step, question.new_sites, now)
        ahead, share = 2.0 * now - share, now.copy()
        share_sum += share
        since += 1
        paid = crew.ask(_move_prices, {part: (ahead[own],) for part, own in enumerate(sums.own)})
        earned = sums.of(paid)
        if taken % STEPS_A_ROUND and taken < n_steps:
            continue
        told = list(zip(*crew.ask(_pay, dict.fromkeys(everyone, (since,))), strict=True))
        last, mean = (question.value(sum(told[at]), sums.of(told[at + 1])) for at in (0, 2))
        best = min(best, last, mean)
        if best <= objective * (1.0 + PROVEN_GAP):
            break
        if since >= max(_STEPS_A_RESTART, taken // 3):
            share = share_sum / since if mean < last else share
            earned = sums.of(crew.ask(_restart, dict.fromkeys(everyone, (since, mean < last))))
            share_sum, since = np.zeros(sums.n_sites), 0
    return best

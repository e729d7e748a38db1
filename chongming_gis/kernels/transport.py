"""The transport problem with few places: needs flow to capacities at least cost, by successive shortest paths.

All needs start where cost plus price is least, prices raised for some rounds so that few places stay overfull. Then
each overfull place hands on what is too much along the cheapest chain of moves (one need leaves a for b, another b for
c, ...) that ends where there is room. Every state on the way is optimal for what it holds (Busacker & Gowen 1960;
potentials: Edmonds & Karp 1972), so the last one is optimal. The caller gives one place room for everything, as the
place of those who go unserved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]

MOST_ROUNDS = 30  # of raising prices; more of them cost more than the chains they save (measured on the embedded study)


class Problem(NamedTuple):
    """Pairs of need and place: by need (CSR), and the same pairs by place."""

    indptr: Ints
    indices: Ints  # ascending within a need
    cost: Floats
    need: Floats
    capacity: Floats
    place_indptr: Ints
    place_pairs: Ints
    pair_row: Ints  # the need of each pair


class State(NamedTuple):
    """Flows, and for each place the pairs that hold some of it and the cheapest move to every other place."""

    flow: Floats
    load: Floats
    held: Ints  # pairs with a flow: those of place p from place_indptr[p] on
    n_held: Ints
    slot: Ints  # where in held a pair stands
    move_cost: Floats
    move_pair: Ints  # the pair that leaves


@compiled
def raise_prices(problem: Problem, price: Floats, at_pair: Ints, load: Floats, least: float) -> None:
    """Raise the prices of overfull places for some rounds; ``price``, ``at_pair`` and ``load`` change in place.

    Each need stays whole where cost + price is least. A price rises only as far as its place stays full, so that needs
    and prices remain optimal for the places' present loads.
    """
    indptr, indices, cost = problem.indptr, problem.indices, problem.cost
    for _ in range(MOST_ROUNDS):
        is_quiet = True
        for place in range(problem.capacity.shape[0]):
            too_much = load[place] - problem.capacity[place]
            if too_much <= least:
                continue
            first, last = problem.place_indptr[place], problem.place_indptr[place + 1]
            gap = np.empty(last - first)
            leaving = np.empty(last - first, dtype=np.int32)
            onward = np.empty(last - first, dtype=np.int32)
            n = 0
            for at in range(first, last):
                own = problem.place_pairs[at]
                row = problem.pair_row[own]
                if at_pair[row] != own:
                    continue
                best = np.inf
                best_pair = -1
                for pair in range(indptr[row], indptr[row + 1]):
                    if pair != own and cost[pair] + price[indices[pair]] < best:
                        best = cost[pair] + price[indices[pair]]
                        best_pair = pair
                gap[n] = best - cost[own] - price[place]
                leaving[n] = row
                onward[n] = best_pair
                n += 1
            rise = 0.0
            for i in np.argsort(gap[:n]):
                row = leaving[i]
                if onward[i] < 0 or load[place] - problem.need[row] < problem.capacity[place]:
                    break
                load[place] -= problem.need[row]
                load[indices[onward[i]]] += problem.need[row]
                at_pair[row] = onward[i]
                rise = gap[i]
                is_quiet = False
            price[place] += rise
        if is_quiet:
            return


@compiled
def _pair_of(problem: Problem, row: int, place: int) -> int:
    """Return the pair of a need and a place, -1 where there is none."""
    low, high = problem.indptr[row], problem.indptr[row + 1]
    while low < high:
        middle = (low + high) // 2
        if problem.indices[middle] < place:
            low = middle + 1
        else:
            high = middle
    if low < problem.indptr[row + 1] and problem.indices[low] == place:
        return int(low)
    return -1


@compiled
def _add_held(problem: Problem, state: State, pair: int) -> None:
    """Note that a pair holds some flow now, and what moves it offers."""
    place = problem.indices[pair]
    at = problem.place_indptr[place] + state.n_held[place]
    state.held[at] = pair
    state.slot[pair] = at
    state.n_held[place] += 1
    row = problem.pair_row[pair]
    for other in range(problem.indptr[row], problem.indptr[row + 1]):
        there = problem.indices[other]
        move = problem.cost[other] - problem.cost[pair]
        if there != place and move < state.move_cost[place, there]:
            state.move_cost[place, there] = move
            state.move_pair[place, there] = pair


@compiled
def _drop_held(problem: Problem, state: State, pair: int) -> None:
    """Note that a pair holds nothing any more, and find the moves anew that it was the cheapest for."""
    place = problem.indices[pair]
    state.n_held[place] -= 1
    end = problem.place_indptr[place] + state.n_held[place]
    moved = state.held[end]
    state.held[state.slot[pair]] = moved
    state.slot[moved] = state.slot[pair]
    row = problem.pair_row[pair]
    for offered in range(problem.indptr[row], problem.indptr[row + 1]):
        there = problem.indices[offered]
        if state.move_pair[place, there] != pair:
            continue
        best = np.inf
        best_pair = -1
        for at in range(problem.place_indptr[place], end):
            own = state.held[at]
            other = _pair_of(problem, problem.pair_row[own], there)
            if other >= 0 and problem.cost[other] - problem.cost[own] < best:
                best = problem.cost[other] - problem.cost[own]
                best_pair = own
        state.move_cost[place, there] = best
        state.move_pair[place, there] = best_pair


@compiled
def _cheapest_chain(
    problem: Problem, state: State, start: int, least: float, potential: Floats, distance: Floats, came_from: Ints
) -> int:
    """Return the place with room that is reached by the cheapest chain of moves (-1 = none), and its chain."""
    n_places = problem.capacity.shape[0]
    is_done = np.zeros(n_places, dtype=np.bool_)
    distance[:] = np.inf
    came_from[:] = -1
    distance[start] = 0.0
    while True:
        here = -1
        for place in range(n_places):
            if not is_done[place] and distance[place] < np.inf and (here < 0 or distance[place] < distance[here]):
                here = place
        if here < 0:
            return -1
        is_done[here] = True
        if problem.capacity[here] - state.load[here] > least:
            for place in range(n_places):
                potential[place] += min(distance[place], distance[here])
            return here
        for place in range(n_places):
            if not is_done[place] and state.move_pair[here, place] >= 0:
                step = max(0.0, state.move_cost[here, place] + potential[here] - potential[place])
                if distance[here] + step < distance[place]:
                    distance[place] = distance[here] + step
                    came_from[place] = here


@compiled
def _hand_on(problem: Problem, state: State, start: int, end: int, came_from: Ints, least: float) -> None:
    """Move as much as possible along a chain."""
    amount = min(state.load[start] - problem.capacity[start], problem.capacity[end] - state.load[end])
    place = end
    while place != start:
        above = came_from[place]
        amount = min(amount, state.flow[state.move_pair[above, place]])
        place = above
    place = end
    while place != start:
        above = came_from[place]
        leaving = state.move_pair[above, place]
        arriving = _pair_of(problem, problem.pair_row[leaving], place)
        if state.flow[arriving] == 0.0:
            _add_held(problem, state, arriving)
        state.flow[arriving] += amount
        state.flow[leaving] -= amount
        if state.flow[leaving] <= least:
            state.flow[arriving] += state.flow[leaving]  # what rounding leaves behind goes along
            state.load[above] -= state.flow[leaving]
            state.load[place] += state.flow[leaving]
            state.flow[leaving] = 0.0
            _drop_held(problem, state, leaving)
        place = above
    state.load[start] -= amount
    state.load[end] += amount


@compiled
def cheapest_flows(problem: Problem, least: float) -> Floats:
    """Return the flow of each pair: every need flows whole, no place holds more than its capacity, the cost is least.

    ``least`` is what counts as nothing (rounding). One place must be paired with every need and have room for all.
    """
    indptr, indices, cost = problem.indptr, problem.indices, problem.cost
    n_needs, n_places = problem.need.shape[0], problem.capacity.shape[0]
    load = np.zeros(n_places)
    at_pair = np.empty(n_needs, dtype=np.int32)
    for row in range(n_needs):
        best = indptr[row]
        for pair in range(indptr[row] + 1, indptr[row + 1]):
            if cost[pair] < cost[best]:
                best = pair
        at_pair[row] = best
        load[indices[best]] += problem.need[row]
    price = np.zeros(n_places)
    raise_prices(problem, price, at_pair, load, least)
    state = State(
        np.zeros(indices.shape[0]),
        load,
        np.empty(indices.shape[0], dtype=np.int32),
        np.zeros(n_places, dtype=np.int32),
        np.empty(indices.shape[0], dtype=np.int32),
        np.full((n_places, n_places), np.inf),
        np.full((n_places, n_places), np.int32(-1), dtype=np.int32),
    )
    for row in range(n_needs):
        if problem.need[row] > 0.0:
            state.flow[at_pair[row]] = problem.need[row]
            _add_held(problem, state, at_pair[row])
    potential = -price
    distance = np.empty(n_places)
    came_from = np.empty(n_places, dtype=np.int32)
    for start in range(n_places):
        while state.load[start] - problem.capacity[start] > least:
            end = _cheapest_chain(problem, state, start, least, potential, distance, came_from)
            if end < 0:
                break  # the caller left no place with room for all
            _hand_on(problem, state, start, end, came_from, least)
    return state.flow

"""People and places in competition: catchments that grow until they hold enough, and crowds that settle.

Rows are compressed: the pairs of row ``i`` are ``indptr[i]`` to ``indptr[i + 1]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]

SOLVED = 1e-3  # of the squared residual at the start
FACES = 20  # how often in a round the crowds that share several places are balanced all at once


@compiled
def grow(indptr: Ints, seconds: Floats, amounts: Floats, enough: Floats) -> Floats:
    """Return the smallest time of each row within which its pairs hold enough; inf where all together do not."""
    radius = np.full(indptr.shape[0] - 1, np.inf)
    for row in range(radius.shape[0]):
        start, stop = indptr[row], indptr[row + 1]
        order = np.argsort(seconds[start:stop])
        total = 0.0
        for at in range(order.shape[0]):
            here = seconds[start + order[at]]
            total += amounts[start + order[at]]
            is_last_of_its_time = at + 1 == order.shape[0] or seconds[start + order[at + 1]] > here
            if is_last_of_its_time and total >= enough[row]:
                radius[row] = here
                break
    return radius


@compiled
def spread_rows(
    indptr: Ints, indices: Ints, travel: Floats, demand: Floats, slope: Floats, flow: Floats, load: Floats
) -> None:
    """Spread the people of row after row in the best way while all others stay, in ``flow`` and ``load``."""
    widest = 0
    for row in range(demand.shape[0]):
        widest = max(widest, indptr[row + 1] - indptr[row])
    alone = np.empty(widest)  # what the first person of the row would bear at each place
    for row in range(demand.shape[0]):
        start, stop = indptr[row], indptr[row + 1]
        if demand[row] <= 0.0 or start == stop:
            continue
        level = np.inf  # what everyone bears where they go; from all places down to those that are worth it
        while True:
            people, room = demand[row], 0.0
            for pair in range(start, stop):
                place = indices[pair]
                if level == np.inf:
                    alone[pair - start] = travel[pair] + slope[place] * max(0.0, load[place] - flow[pair])
                if alone[pair - start] < level:
                    people += alone[pair - start] / slope[place]
                    room += 1.0 / slope[place]
            if not people / room < level:
                break
            level = people / room
        for pair in range(start, stop):
            now = max(0.0, (level - alone[pair - start]) / slope[indices[pair]])
            load[indices[pair]] += now - flow[pair]
            flow[pair] = now


@compiled
def worst_excess(
    indptr: Ints, indices: Ints, travel: Floats, demand: Floats, slope: Floats, flow: Floats, load: Floats
) -> float:
    """Return the most that the people of a row bear on average above the cheapest place in reach, a part of 1 or more.

    It is a part of that least cost where this is above 1, since costs may be of any size and digits end somewhere.
    """
    worst = 0.0
    for row in range(demand.shape[0]):
        borne, least = 0.0, np.inf
        for pair in range(indptr[row], indptr[row + 1]):
            cost = travel[pair] + slope[indices[pair]] * load[indices[pair]]
            borne += cost * flow[pair]
            least = min(least, cost)
        if demand[row] > 0.0 and least < np.inf:
            worst = max(worst, (borne / demand[row] - least) / max(1.0, least))
    return worst


@compiled
def _scaled(residual: Floats, steep: Floats, starts: Longs, into: Floats) -> float:
    """Fill ``into`` with the residual divided by the slopes, each row summing to 0; return the product of both."""
    product = 0.0
    for row in range(starts.shape[0] - 1):
        mean, room = 0.0, 0.0
        for at in range(starts[row], starts[row + 1]):
            mean += residual[at] / steep[at]
            room += 1.0 / steep[at]
        mean /= room
        for at in range(starts[row], starts[row + 1]):
            into[at] = (residual[at] - mean) / steep[at]
            product += (residual[at] - mean) * into[at]
    return product


@compiled
def _step(
    pairs: Longs,
    starts: Longs,
    moved: Floats,
    indices: Ints,
    travel: Floats,
    slope: Floats,
    flow: Floats,
    load: Floats,
) -> bool:
    """Move the flows as far as it helps: what falls below 0 is 0, at the cost of the rest of its row.

    The longest of a few such steps that lowers the total is taken, else the one that ends at the first flow of 0.
    Whether a flow came to 0 is returned.
    """
    first = 1.0
    for at in range(pairs.shape[0]):
        if flow[pairs[at]] + first * moved[at] < 0.0:
            first = -flow[pairs[at]] / moved[at]
    trial, change = np.empty(pairs.shape[0]), np.empty(load.shape[0])
    part, is_last = 1.0, first >= 1.0
    while True:
        change[:] = 0.0
        lower = 0.0
        for row in range(starts.shape[0] - 1):
            total, kept = 0.0, 0.0
            for at in range(starts[row], starts[row + 1]):
                total += flow[pairs[at]]
                trial[at] = max(0.0, flow[pairs[at]] + part * moved[at])
                kept += trial[at]
            for at in range(starts[row], starts[row + 1]):
                trial[at] = trial[at] * (total / kept) if kept > 0.0 else flow[pairs[at]]
                change[indices[pairs[at]]] += trial[at] - flow[pairs[at]]
                lower += travel[pairs[at]] * (trial[at] - flow[pairs[at]])
        lower += (slope * change * (load + 0.5 * change)).sum()
        if is_last or lower < 0.0:
            break
        part *= 0.25
        if part <= first:
            part, is_last = first, True
    has_emptied = False
    for at in range(pairs.shape[0]):
        has_emptied |= trial[at] <= 0.0
        flow[pairs[at]] = trial[at]
    load += change
    return has_emptied


@compiled
def balance(
    indptr: Ints, indices: Ints, travel: Floats, demand: Floats, slope: Floats, flow: Floats, load: Floats
) -> bool:
    """Balance all crowds that share several places at once, each within the places it uses already.

    Conjugate gradients on the flows above 0 of the rows that have two or more; the step ends where a flow would fall
    below 0. ``flow`` and ``load`` change in place. Whether the step was cut short is returned.
    """
    n_free, n_rows = 0, 0
    for row in range(demand.shape[0]):
        used = 0
        for pair in range(indptr[row], indptr[row + 1]):
            used += flow[pair] > 0.0
        if used > 1:
            n_free += used
            n_rows += 1
    if n_free == 0:
        return False
    pairs, starts = np.empty(n_free, dtype=np.int64), np.zeros(n_rows + 1, dtype=np.int64)
    n_free, n_rows = 0, 0
    for row in range(demand.shape[0]):
        used = 0
        for pair in range(indptr[row], indptr[row + 1]):
            used += flow[pair] > 0.0
        if used > 1:
            for pair in range(indptr[row], indptr[row + 1]):
                if flow[pair] > 0.0:
                    pairs[n_free] = pair
                    n_free += 1
            n_rows += 1
            starts[n_rows] = n_free
    residual, steep, scaled, moved = np.empty(n_free), np.empty(n_free), np.empty(n_free), np.zeros(n_free)
    for at in range(n_free):
        steep[at] = slope[indices[pairs[at]]]
        residual[at] = -travel[pairs[at]] - steep[at] * load[indices[pairs[at]]]
    squared = _scaled(residual, steep, starts, scaled)
    direction, first = scaled.copy(), squared
    extra = np.empty(load.shape[0])
    for _ in range(2 * load.shape[0] + 20):
        if squared <= SOLVED * first or squared == 0.0:
            break
        extra[:] = 0.0
        for at in range(n_free):
            extra[indices[pairs[at]]] += direction[at]
        curvature = (extra * extra * slope).sum()
        if curvature <= 1e-14 * (direction * direction * steep).sum():
            # people swapped around a ring of places: each step gains as much, up to the first flow that ends
            moved[:] = direction * (demand.sum() / np.abs(direction).max())
            break
        length = squared / curvature
        for at in range(n_free):
            residual[at] -= length * steep[at] * extra[indices[pairs[at]]]
        moved += length * direction
        before = squared
        squared = _scaled(residual, steep, starts, scaled)
        direction = scaled + (squared / before) * direction
    return _step(pairs, starts, moved, indices, travel, slope, flow, load)


@compiled
def settle(
    indptr: Ints,
    indices: Ints,
    travel: Floats,
    demand: Floats,
    slope: Floats,
    tolerance: float,
    most_rounds: int,
) -> tuple[Floats, float, int]:
    """Return the load of each place when nobody can do better elsewhere, the worst excess left, and the rounds taken.

    A person of row ``i`` at place ``j`` bears ``travel`` + ``slope[j]`` x load of ``j``. A round spreads row after row
    anew, then balances all at once. Both descend on Beckmann's convex program (1956), whose loads are unique.
    """
    flow, load = np.zeros(indices.shape[0]), np.zeros(slope.shape[0])
    excess, rounds = np.inf, 0
    while rounds < most_rounds and excess > tolerance:
        rounds += 1
        spread_rows(indptr, indices, travel, demand, slope, flow, load)
        for _ in range(FACES):
            if not balance(indptr, indices, travel, demand, slope, flow, load):
                break
        load[:] = 0.0
        for pair in range(indices.shape[0]):
            load[indices[pair]] += flow[pair]
        excess = worst_excess(indptr, indices, travel, demand, slope, flow, load)
    return load, excess, rounds

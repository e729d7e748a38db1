"""Covering everyone at least cost: what can be left out, local search, and multipliers for a bound.

Rows are demand, columns are candidates; the pairs stand by row and by column (CSR, both ascending). A row may also be
left uncovered where the caller allows so much weight to be missing (partial cover). Searches keep their state between
calls, so that the caller can look at the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chongming_gis.kernels.compiled import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Bools = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int32]
    Longs = npt.NDArray[np.int64]

EPS = 1e-9  # relative: sums of floats in another order differ by less


class Cover(NamedTuple):
    """Pairs of row and column both ways, the price of each column, the weight of each row."""

    row_ptr: Longs
    row_columns: Ints
    column_ptr: Longs
    column_rows: Ints
    cost: Floats
    weight: Floats
    missing: Floats  # (1,) weight that may stay uncovered


class Search(NamedTuple):
    """Where a local search stands."""

    is_chosen: Bools
    best: Bools  # the cheapest cover so far
    times: Longs  # how many chosen columns cover a row
    guide: Floats  # weight of a row in the search; grows while the row is uncovered
    score: Floats  # guide weight won by adding, or lost by removing, a column
    changed: Longs  # step of a column's last change
    may_add: Bools  # something near a column changed since it was removed
    open_rows: Longs
    open_place: Longs
    plan: Longs
    plan_place: Longs
    counts: Longs  # open rows, chosen columns, step, last added, step of the best
    sums: Floats  # cost of the plan, of the best, weight of the open rows
    chance: npt.NDArray[np.uint64]


@compiled
def undominated_rows(row_ptr: Longs, row_columns: Ints, order: Longs, count: Longs) -> Bools:
    """Return which rows must be looked at: one whose columns contain all columns of another is covered with it.

    ``order`` names the rows by number of columns, ``count`` is the number of rows of each column.
    """
    n_rows, n_columns = row_ptr.shape[0] - 1, count.shape[0]
    is_kept = np.zeros(n_rows, dtype=np.bool_)
    head = np.full(n_columns, -1, dtype=np.int64)
    following = np.full(n_rows, -1, dtype=np.int64)
    mark = np.full(n_columns, -1, dtype=np.int64)
    for row in order:
        rarest = np.int64(-1)
        for pair in range(row_ptr[row], row_ptr[row + 1]):
            column = np.int64(row_columns[pair])
            mark[column] = row
            if rarest < 0 or count[column] < count[rarest]:
                rarest = column
        is_dominated = bool(rarest < 0)
        for pair in range(row_ptr[row], row_ptr[row + 1]):
            other = head[row_columns[pair]]
            while other >= 0 and not is_dominated:
                is_dominated = True
                for theirs in range(row_ptr[other], row_ptr[other + 1]):
                    if mark[row_columns[theirs]] != row:
                        is_dominated = False
                        break
                other = following[other]
            if is_dominated:
                break
        if not is_dominated:
            is_kept[row] = True
            following[row] = head[rarest]
            head[rarest] = row
    return is_kept


@compiled
def undominated_columns(cover: Cover) -> Bools:
    """Return which columns are worth a look: none covers all of theirs for no more money (ties: the first stays)."""
    row_ptr, column_ptr, column_rows, cost = cover.row_ptr, cover.column_ptr, cover.column_rows, cover.cost
    n_columns = cost.shape[0]
    is_kept = np.ones(n_columns, dtype=np.bool_)
    for column in range(n_columns):
        first, last = column_ptr[column], column_ptr[column + 1]
        size = last - first
        if size == 0:
            is_kept[column] = False
            continue
        rarest = np.int64(column_rows[first])
        for pair in range(first, last):
            row = np.int64(column_rows[pair])
            if row_ptr[row + 1] - row_ptr[row] < row_ptr[rarest + 1] - row_ptr[rarest]:
                rarest = row
        for near in range(row_ptr[rarest], row_ptr[rarest + 1]):
            other = np.int64(cover.row_columns[near])
            theirs = column_ptr[other + 1] - column_ptr[other]
            if other == column or cost[other] > cost[column] or theirs < size:
                continue
            if theirs == size and cost[other] == cost[column] and other > column:
                continue
            at, end = column_ptr[other], column_ptr[other + 1]
            contains = True
            for pair in range(first, last):
                while at < end and column_rows[at] < column_rows[pair]:
                    at += 1
                if at == end or column_rows[at] != column_rows[pair]:
                    contains = False
                    break
            if contains:
                is_kept[column] = False
                break
    return is_kept


@compiled
def start(cover: Cover, state: Search) -> None:
    """Fill a state whose ``is_chosen`` is set and whose other arrays are 0; the plan given must cover enough."""
    n_rows, n_columns = cover.weight.shape[0], cover.cost.shape[0]
    state.plan_place[:] = -1
    state.open_place[:] = -1
    state.may_add[:] = True
    state.counts[3] = -1
    state.sums[1] = np.inf
    for column in range(n_columns):
        if state.is_chosen[column]:
            state.plan[state.counts[1]] = column
            state.plan_place[column] = state.counts[1]
            state.counts[1] += 1
            state.sums[0] += cover.cost[column]
            for pair in range(cover.column_ptr[column], cover.column_ptr[column + 1]):
                state.times[cover.column_rows[pair]] += 1
    for row in range(n_rows):
        if state.times[row] == 0:
            _open(cover, state, row)
        if state.times[row] <= 1:
            for pair in range(cover.row_ptr[row], cover.row_ptr[row + 1]):
                column = cover.row_columns[pair]
                if state.times[row] == 0 or state.is_chosen[column]:
                    state.score[column] += state.guide[row]


@compiled
def _open(cover: Cover, state: Search, row: int) -> None:
    state.open_place[row] = state.counts[0]
    state.open_rows[state.counts[0]] = row
    state.counts[0] += 1
    state.sums[2] += cover.weight[row]


@compiled
def _close(cover: Cover, state: Search, row: int) -> None:
    state.counts[0] -= 1
    place, last = state.open_place[row], state.open_rows[state.counts[0]]
    state.open_rows[place] = last
    state.open_place[last] = place
    state.open_place[row] = -1
    state.sums[2] -= cover.weight[row]


@compiled
def _remove(cover: Cover, state: Search, column: int) -> None:
    state.is_chosen[column] = False
    state.counts[1] -= 1
    place, last = state.plan_place[column], state.plan[state.counts[1]]
    state.plan[place] = last
    state.plan_place[last] = place
    state.plan_place[column] = -1
    state.sums[0] -= cover.cost[column]
    state.score[column] = 0.0
    for pair in range(cover.column_ptr[column], cover.column_ptr[column + 1]):
        row = cover.column_rows[pair]
        state.times[row] -= 1
        if state.times[row] == 0:
            _open(cover, state, row)
            for near in range(cover.row_ptr[row], cover.row_ptr[row + 1]):
                state.score[cover.row_columns[near]] += state.guide[row]
                state.may_add[cover.row_columns[near]] = True
        elif state.times[row] == 1:
            for near in range(cover.row_ptr[row], cover.row_ptr[row + 1]):
                if state.is_chosen[cover.row_columns[near]]:
                    state.score[cover.row_columns[near]] += state.guide[row]
                    break
    state.may_add[column] = False
    state.changed[column] = state.counts[2]


@compiled
def _add(cover: Cover, state: Search, column: int) -> None:
    state.is_chosen[column] = True
    state.plan[state.counts[1]] = column
    state.plan_place[column] = state.counts[1]
    state.counts[1] += 1
    state.sums[0] += cover.cost[column]
    state.score[column] = 0.0
    for pair in range(cover.column_ptr[column], cover.column_ptr[column + 1]):
        row = cover.column_rows[pair]
        state.times[row] += 1
        if state.times[row] == 1:
            _close(cover, state, row)
            state.score[column] += state.guide[row]
            for near in range(cover.row_ptr[row], cover.row_ptr[row + 1]):
                other = cover.row_columns[near]
                state.may_add[other] = True
                if other != column:
                    state.score[other] -= state.guide[row]
        elif state.times[row] == 2:
            for near in range(cover.row_ptr[row], cover.row_ptr[row + 1]):
                other = cover.row_columns[near]
                if other != column and state.is_chosen[other]:
                    state.score[other] -= state.guide[row]
                    break
    state.changed[column] = state.counts[2]
    state.counts[3] = column


@compiled
def _is_enough(cover: Cover, state: Search) -> bool:
    if state.counts[0] == 0:
        return True
    allowed = cover.missing[0] * (1.0 + EPS)
    if allowed == 0.0 or state.sums[2] > allowed * (1.0 + EPS):
        return False
    total = 0.0
    for at in range(state.counts[0]):
        total += cover.weight[state.open_rows[at]]
    state.sums[2] = total
    return bool(total <= allowed)


@compiled
def _cheapest_loss(cover: Cover, state: Search, barred: int) -> int:
    """Return the chosen column that loses least per money, the one unchanged for longest among equals."""
    best = -1
    for at in range(state.counts[1]):
        column = state.plan[at]
        if column == barred:
            continue
        if best >= 0:
            ours, theirs = state.score[column] * cover.cost[best], state.score[best] * cover.cost[column]
            if ours > theirs or (ours == theirs and _is_younger(state, column, best)):
                continue
        best = column
    return best


@compiled
def _is_younger(state: Search, column: int, other: int) -> bool:
    if state.changed[column] != state.changed[other]:
        return bool(state.changed[column] > state.changed[other])
    return column > other


@compiled
def _better_gain(cover: Cover, state: Search, column: int, best: int) -> int:
    if best < 0:
        return column
    ours, theirs = state.score[column] * cover.cost[best], state.score[best] * cover.cost[column]
    if ours < theirs or (ours == theirs and _is_younger(state, column, best)):
        return best
    return column


@compiled
def _best_gain(cover: Cover, state: Search) -> int:
    """Return the column to add: of all, for partial cover; else of one open row drawn by lot."""
    best = -1
    if cover.missing[0] > 0.0:
        for column in range(cover.cost.shape[0]):
            if not state.is_chosen[column] and state.may_add[column] and state.score[column] > 0.0:
                best = _better_gain(cover, state, column, best)
        return best
    lot = state.chance[0]
    lot ^= lot << np.uint64(13)
    lot ^= lot >> np.uint64(7)
    lot ^= lot << np.uint64(17)
    state.chance[0] = lot
    row = state.open_rows[np.int64(lot % np.uint64(state.counts[0]))]
    oldest = -1
    for pair in range(cover.row_ptr[row], cover.row_ptr[row + 1]):
        column = int(cover.row_columns[pair])
        if state.may_add[column]:
            best = _better_gain(cover, state, column, best)
        if oldest < 0 or _is_younger(state, oldest, column):
            oldest = column
    return best if best >= 0 else oldest


@compiled
def search(cover: Cover, state: Search, enough: float, n_steps: int) -> None:
    """Look for cheaper covers for some steps, or until the best costs at most ``enough``.

    One column leaves, and rows are covered again while that is cheaper than the best; rows that stay uncovered weigh
    more and more (Gao, Weise & Li 2015, "RWLS"); in partial cover they keep their weight.
    """
    is_partial = cover.missing[0] > 0.0
    for _ in range(n_steps):
        state.counts[2] += 1
        while _is_enough(cover, state):
            if state.sums[0] < state.sums[1] * (1.0 - EPS):
                state.sums[1] = state.sums[0]
                state.best[:] = state.is_chosen
                state.counts[4] = state.counts[2]
            if state.counts[1] == 0 or state.sums[1] <= enough:
                return
            _remove(cover, state, _cheapest_loss(cover, state, -1))
        if state.counts[1] > 0:
            column = _cheapest_loss(cover, state, state.counts[3])
            if column >= 0:
                _remove(cover, state, column)
        while not _is_enough(cover, state):
            column = _best_gain(cover, state)
            if column < 0 or state.sums[0] + cover.cost[column] >= state.sums[1] * (1.0 - EPS):
                break
            _add(cover, state, column)
            if not is_partial:
                for at in range(state.counts[0]):
                    row = state.open_rows[at]
                    state.guide[row] += 1.0
                    for pair in range(cover.row_ptr[row], cover.row_ptr[row + 1]):
                        state.score[cover.row_columns[pair]] += 1.0


@compiled
def lower_bound(cover: Cover, dual: Floats, reduced: Floats, slope: Floats) -> float:
    """Return the Lagrangian bound of some multipliers (at least 0); fills the reduced costs and the slope.

    The rows' constraints are priced into the columns; of the rows, those whose multipliers are the dearest for their
    weight may be missing, up to the weight allowed, the last of them in part.
    """
    bound = 0.0
    slope[:] = 1.0
    for row in range(dual.shape[0]):
        bound += dual[row]
    if cover.missing[0] > 0.0:
        room = cover.missing[0] * (1.0 + 2.0 * EPS)
        for row in np.argsort(-dual / cover.weight):
            if room <= 0.0 or dual[row] <= 0.0:
                break
            part = min(1.0, room / cover.weight[row])
            room -= part * cover.weight[row]
            bound -= part * dual[row]
            slope[row] = 1.0 - part
    for column in range(cover.cost.shape[0]):
        left = cover.cost[column]
        for pair in range(cover.column_ptr[column], cover.column_ptr[column + 1]):
            left -= dual[cover.column_rows[pair]]
        reduced[column] = left
        if left < 0.0:
            bound += left
            for pair in range(cover.column_ptr[column], cover.column_ptr[column + 1]):
                slope[cover.column_rows[pair]] -= 1.0
    return bound


@compiled
def ascend(
    cover: Cover, duals: tuple[Floats, Floats, Floats], pace: Floats, goal: float, shape: tuple[float, int, int]
) -> None:
    """Raise the multipliers for some rounds (subgradient method with a remembered direction).

    Parameters
    ----------
    duals : multipliers, the best so far, the direction; change in place
    pace : bound of the best, step, rounds without a gain, rounds
    goal : a value that no bound exceeds: that of a known plan
    shape : share of the old direction kept, rounds without a gain until the step shrinks, rounds to do
    """
    dual, best, direction = duals
    kept, patience, n_rounds = shape
    reduced, slope = np.empty(cover.cost.shape[0]), np.empty(dual.shape[0])
    for _ in range(n_rounds):
        bound = lower_bound(cover, dual, reduced, slope)
        pace[3] += 1.0
        if bound > pace[0]:
            pace[2] = 0.0 if bound > pace[0] + 1e-5 * abs(pace[0]) else pace[2] + 1.0
            pace[0] = bound
            best[:] = dual
        else:
            pace[2] += 1.0
        if pace[2] >= patience:
            pace[1] *= 0.8
            pace[2] = 0.0
            dual[:] = best
        length = 0.0
        for row in range(dual.shape[0]):
            direction[row] = (1.0 - kept) * slope[row] + kept * direction[row]
            if dual[row] <= 0.0 and direction[row] < 0.0:
                direction[row] = 0.0
            length += direction[row] * direction[row]
        if length < 1e-14 or goal - bound <= EPS * abs(goal):
            pace[1] = 0.0
            return
        step = pace[1] * (goal - bound) / length
        for row in range(dual.shape[0]):
            dual[row] = max(0.0, dual[row] + step * direction[row])

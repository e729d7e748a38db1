"""Which kitchen serves whom: the exact transport assignment of meals to kitchens within hot range.

As many meals as possible are cooked and carried, and of all ways to do so the one with the least riding. This is also
the bound on what rounds can bring: no plan serves more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from chongming_gis import assignment

if TYPE_CHECKING:
    import numpy.typing as npt

    from chongming_gis.delivery.question import HotRange, Question

    Floats = npt.NDArray[np.float64]
    Longs = npt.NDArray[np.int64]
    Claims = npt.NDArray[np.bool_]

_WHOLE = 1e-6


@dataclass(frozen=True, slots=True)
class Sharing:
    """How many meals each kitchen cooks for each drop, and what is left without a kitchen."""

    flow: Longs  # (n kitchens, n drops)
    no_capacity: Longs  # in hot range, but all that the kitchens there cook or carry goes elsewhere
    out_of_range: Longs

    @property
    def n_served(self) -> int:
        """The meals that can at most be served."""
        return int(self.flow.sum())


@dataclass(frozen=True, slots=True)
class Item:
    """Meals for one drop on one round: cooked by ``kitchen``, or by any other of ``allowed``."""

    drop: int
    meals: int
    kitchen: int
    allowed: tuple[int, ...]


def share_kitchens(question: Question, hot: HotRange) -> Sharing:
    """Return which kitchen cooks how many meals for which drop."""
    return share_within(hot.fastest_s, question.meals, question.sends)


def share_within(fastest_s: Floats, meals: Longs, sends: Longs) -> Sharing:
    """Return the same from times alone: (n kitchens, n drops) seconds, inf where a kitchen cannot serve a drop.

    Notes
    -----
    ``assignment.assign_needs``; whole meals and whole capacities give whole flows (Hoffman & Kruskal 1956).
    """
    n_kitchens, n_drops = fastest_s.shape
    if n_kitchens == 0 or n_drops == 0:
        return Sharing(np.zeros((n_kitchens, n_drops), dtype=np.int64), np.zeros(n_drops, dtype=np.int64), meals.copy())
    kitchen, drop = np.nonzero(np.isfinite(fastest_s))
    times = sparse.csr_matrix((fastest_s[kitchen, drop], (drop, kitchen)), shape=(n_drops, n_kitchens))
    found = assignment.assign_needs(times, meals.astype(float), sends.astype(float))
    flow = np.rint(found.flow.toarray().T).astype(np.int64)
    if np.abs(flow - found.flow.toarray().T).max(initial=0.0) > _WHOLE:
        raise AssertionError("whole meals were shared into parts of meals: a fault of the assignment")
    left = meals - flow.sum(axis=0)
    in_range = np.isfinite(fastest_s).any(axis=0)
    return Sharing(flow, np.where(in_range, left, 0), np.where(in_range, 0, left))


def items_of(question: Question, hot: HotRange, sharing: Sharing) -> list[Item]:
    """Return what goes onto rounds: each drop's meals by kitchen, in parts that a vehicle can carry.

    Notes
    -----
    A kitchen that can send every meal in its hot range may serve all of them; a scarcer one only what the exact
    assignment gives it. So no choice of rounds can ask more of a kitchen than it sends.
    """
    usable = hot.any_vehicle
    is_roomy = (usable * question.meals[None, :]).sum(axis=1) <= question.sends
    loads = np.array([vehicle.capacity_meals for vehicle in question.vehicles], dtype=np.int64)
    largest = np.where(hot.is_usable, loads[:, None, None], 0).max(axis=0)
    items = []
    for drop, kitchen in zip(*(at.tolist() for at in np.nonzero(sharing.flow.T)), strict=True):
        others = np.flatnonzero(is_roomy & usable[:, drop]).tolist()
        allowed = tuple(sorted({kitchen, *others}))
        part = int(min(largest[k, drop] for k in allowed))
        left = int(sharing.flow[kitchen, drop])
        while left > 0:
            items.append(Item(drop, min(part, left), kitchen, allowed))
            left -= part
    return items

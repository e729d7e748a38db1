"""The question about beds: homes and ground with what changing them costs, duties as sums, and who needs a bed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chongming_gis.errors import SitingError

if TYPE_CHECKING:
    from scipy import sparse

    from chongming_gis.siting.formulation import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class BedKind:
    """A kind of bed that an ordinary bed can be made into (nursing, dementia care). A bed may be of several kinds.

    Attributes
    ----------
    beds : (n_sites,) of this kind now
    cost : money for converting one
    least : beds converted at a site, where any are
    is_of_new : whether every bed that is added is of this kind already
    """

    name: str
    beds: Floats
    cost: float
    least: int = 1
    is_of_new: bool = False


@dataclass(frozen=True, slots=True)
class BedSites:
    """Homes that stand, and ground where one may be built.

    Attributes
    ----------
    beds : (n_sites,) that stand; 0 where nothing does
    is_new : (n_sites,) ground for a new home
    areas : (n_sites,) area codes; -1 = in none
    least, most : (n_sites,) beds added at a site, where any are
    bed_costs : (n_sites,) money for each bed added
    build_costs : (n_sites,) money once, where any are added
    is_standard : (n_sites,) which homes are up to the standard
    standard_cost : money for bringing a home that stands up to it; inf = cannot be; a new one of the size costs no more
    standard_from : beds that a home up to the standard has at least
    """

    beds: Floats
    is_new: Bools
    areas: Ints
    least: Ints
    most: Ints
    bed_costs: Floats
    build_costs: Floats
    is_standard: Bools
    standard_cost: float = math.inf
    standard_from: int = 0
    kinds: tuple[BedKind, ...] = ()

    @property
    def n_sites(self) -> int:
        """How many sites there are."""
        return len(self.beds)


@dataclass(frozen=True, slots=True)
class BedDuty:
    """A sum that must lie between two numbers: what stands, and what each bed added or converted adds to it.

    Attributes
    ----------
    standing : the sum before the plan
    per_bed, per_site : what a bed added, and a new home, adds
    per_kind : the same of each bed that becomes of a kind
    scale, unit : for sentences only: the sum divided by ``scale`` is told in ``unit``
    """

    name: str
    standing: float
    low: float = -math.inf
    high: float = math.inf
    per_bed: float = 0.0
    per_site: float = 0.0
    per_kind: dict[str, float] = field(default_factory=dict)
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class AreaDuty:
    """So many areas must have at least one home, or one up to the standard.

    Attributes
    ----------
    has : (n_areas,) which have one already; area codes count from 0
    least : areas that must have one
    """

    name: str
    has: Bools
    least: int
    needs_standard: bool = False


@dataclass(frozen=True, slots=True)
class BedQuestion:
    """What is to be met, with what, and for how much money at most."""

    sites: BedSites
    duties: tuple[BedDuty | AreaDuty, ...]
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class BedTravel:
    """Who needs a bed, and how far each site is.

    Attributes
    ----------
    minutes : (n_rows, n_sites); a pair that is not stored is out of reach
    need : (n_rows,) beds
    unserved_min : minutes that count for need without a bed in reach
    """

    minutes: sparse.csr_array
    need: Floats
    unserved_min: float


def check_question(question: BedQuestion) -> None:
    """Refuse numbers that mean nothing, all at once.

    Raises
    ------
    SitingError
        Numbers are NaN or negative, sizes do not fit, or a duty names a kind there is not.
    """
    sites, n = question.sites, question.sites.n_sites
    told = [
        f"sites.{name}: has shape {np.shape(getattr(sites, name))}, must be ({n},)"
        for name in ("is_new", "areas", "least", "most", "bed_costs", "build_costs", "is_standard")
        if np.shape(getattr(sites, name)) != (n,)
    ]
    amounts: dict[str, Floats | Ints] = {
        "sites.beds": sites.beds,
        "sites.bed_costs": sites.bed_costs,
        "sites.build_costs": sites.build_costs,
    }
    amounts |= {"sites.least": sites.least, "sites.most": sites.most}
    amounts |= {f"{kind.name}.beds": kind.beds for kind in sites.kinds}
    amounts |= {f"{kind.name}.cost": np.array([kind.cost]) for kind in sites.kinds}
    told += [
        f"{name}: must be numbers of at least 0"
        for name, values in amounts.items()
        if not bool(((values >= 0.0) & np.isfinite(values)).all())
    ]
    for kind in sites.kinds:
        if np.shape(kind.beds) == (n,) and (kind.beds > sites.beds).any():
            told.append(f"{kind.name}: sites {np.flatnonzero(kind.beds > sites.beds).tolist()} have more than beds")
    names = [kind.name for kind in sites.kinds]
    for duty in question.duties:
        if isinstance(duty, AreaDuty):
            told += (
                [f"{duty.name}: asks for {duty.least} of {len(duty.has)} areas"] if duty.least > len(duty.has) else []
            )
            continue
        strange = sorted(set(duty.per_kind) - set(names))
        told += [f"{duty.name}: {strange} are no kinds of bed here"] if strange else []
        told += [f"{duty.name}: low {duty.low} is above high {duty.high}"] if duty.low > duty.high else []
    if question.budget is not None and not question.budget >= 0.0:
        told.append(f"budget: {question.budget} must be at least 0")
    if told:
        raise SitingError("\n".join(told))


def check_travel(question: BedQuestion, travel: BedTravel) -> None:
    """Refuse travel that does not fit the question, or has NaN or negative numbers.

    Raises
    ------
    SitingError
        Every fault is listed.
    """
    shape = (len(travel.need), question.sites.n_sites)
    told = [] if travel.minutes.shape == shape else [f"minutes: shape {travel.minutes.shape}, must be {shape}"]
    values = [
        ("minutes", travel.minutes.data),
        ("need", travel.need),
        ("unserved_min", np.array([travel.unserved_min])),
    ]
    told += [f"{name}: must be numbers of at least 0" for name, v in values if not ((v >= 0) & np.isfinite(v)).all()]
    if told:
        raise SitingError("\n".join(told))

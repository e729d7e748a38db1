"""Decay: how much a facility counts at some travel time, as values that are handed to the measures of access.

A decay is called with times and catchments (seconds, arrays that broadcast) and gives weights: 1 at 0 s, never
negative, 0 beyond the catchment. A time *at* the catchment is within it. ``as_decay`` makes one from a name, and from
a function of the time alone. Nothing here knows of people or facilities.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from chongming_gis.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

DecayName = Literal["binary", "step", "linear", "exponential", "gaussian", "bell", "epanechnikov", "power"]
NAMES: tuple[DecayName, ...] = get_args(DecayName)

LEFT_AT_CATCHMENT = 0.01  # Kwan (1998): decays without an end of their own have 1 % left at the catchment
_DECIMALS_S = 6  # travel times are whole microseconds; the bounds of zones are too, or 1/3 of 900 s would be 299.99...


def _share(time_s: Floats, catchment_s: Floats) -> Floats:
    """Return t/c as a new array; 0 where the catchment is 0, since then only 0 s is within it."""
    if catchment_s.ndim == 0 and catchment_s > 0.0:
        return np.asarray(time_s / catchment_s)
    shape = np.broadcast_shapes(time_s.shape, catchment_s.shape)
    return np.divide(time_s, catchment_s, out=np.zeros(shape), where=catchment_s > 0.0)


def _check_positive(decay: Decay, **parameters: float | None) -> None:
    wrong = [
        f"{name} = {value}" for name, value in parameters.items() if value is not None and not 0.0 < value < np.inf
    ]
    if wrong:
        raise StudyError(f"{type(decay).__name__.lower()} decay: {', '.join(wrong)}; it must be a number above 0")


class Decay(ABC):
    """A decay with its parameters; subclasses give the curve within the catchment."""

    def __call__(self, time_s: npt.ArrayLike, catchment_s: npt.ArrayLike) -> Floats:
        """Return the weights of some times.

        Parameters
        ----------
        time_s, catchment_s : seconds, not negative; arrays that broadcast.

        Raises
        ------
        StudyError
            The curve gives a weight that is negative, infinite or not a number.
        """
        shape = np.broadcast_shapes(np.shape(time_s), np.shape(catchment_s))
        time, limit = np.atleast_1d(np.asarray(time_s, dtype=np.float64)), np.asarray(catchment_s, dtype=np.float64)
        within = np.minimum(time, limit)  # the curve need not be defined beyond the catchment
        weights = self.curve(within, limit)
        if weights.shape != within.shape:
            raise StudyError(
                f"the decay {self} gave {weights.shape} weights for {within.shape} times; it must give one a time"
            )
        if weights.size and not (weights.min() >= 0.0 and weights.max() < np.inf):
            at = int(np.flatnonzero(~((weights >= 0.0) & (weights < np.inf)).ravel())[0])
            raise StudyError(
                f"the decay {self} gave {weights.ravel()[at]:g} for {within.ravel()[at]:g} s; "
                "weights must be finite and not negative"
            )
        np.copyto(weights, 0.0, where=time > limit)
        return weights.reshape(shape)

    @abstractmethod
    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:
        """Return a new array of weights; no time is beyond its catchment."""


@dataclass(frozen=True, slots=True)
class Binary(Decay):
    """1 everywhere in the catchment (Luo & Wang 2003).

    Examples
    --------
    >>> Binary()([0.0, 900.0, 900.1], 900.0).tolist()
    [1.0, 1.0, 0.0]
    """

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:  # noqa: ARG002
        """Return ones."""
        return np.ones_like(time_s)


@dataclass(frozen=True, slots=True)
class Step(Decay):
    """One weight a zone (Luo & Qi 2009): three zones of equal width with weights 1, 0.68, 0.22.

    Parameters
    ----------
    bounds : where the zones end, as shares of the catchment, ascending, the last 1; a bound belongs to the inner zone.
    weights : of the zones, from 1 down; 1, 0.42, 0.09 is the sharper set of the same paper.

    Examples
    --------
    >>> Step()([0.0, 300.0, 301.0, 600.0, 900.0, 901.0], 900.0).tolist()
    [1.0, 1.0, 0.68, 0.68, 0.22, 0.0]
    """

    bounds: tuple[float, ...] = (1 / 3, 2 / 3, 1.0)
    weights: tuple[float, ...] = (1.0, 0.68, 0.22)

    def __post_init__(self) -> None:
        bounds, weights = np.asarray(self.bounds, dtype=float), np.asarray(self.weights, dtype=float)
        if not (bounds.size and bounds[0] > 0.0 and (np.diff(bounds) > 0.0).all() and bounds[-1] == 1.0):
            raise StudyError(f"the bounds of a step decay must ascend from above 0 to 1, not {self.bounds}")
        if not (
            weights.size == bounds.size and weights[0] == 1.0 and weights[-1] >= 0.0 and (np.diff(weights) <= 0.0).all()
        ):
            raise StudyError(
                f"a step decay of {bounds.size} zones needs as many weights that start at 1, do not rise and are not "
                f"negative, not {self.weights}"
            )

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:
        """Return the weight of each zone."""
        found = np.full_like(time_s, self.weights[-1])
        for bound, weight in zip(self.bounds[-2::-1], self.weights[-2::-1], strict=True):
            np.copyto(found, weight, where=time_s <= np.round(bound * catchment_s, _DECIMALS_S))
        return found


@dataclass(frozen=True, slots=True)
class Linear(Decay):
    """A straight line from 1 at 0 s to 0 at the catchment.

    Examples
    --------
    >>> Linear()([0.0, 225.0, 900.0], 900.0).tolist()
    [1.0, 0.75, 0.0]
    """

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:
        """Return 1 - t/c."""
        left = _share(time_s, catchment_s)
        return np.subtract(1.0, left, out=left)


@dataclass(frozen=True, slots=True)
class Exponential(Decay):
    """exp(-t / scale): a fixed part is lost in every minute.

    Parameters
    ----------
    scale_s : seconds after which 1/e is left; without it 1 % is left at the catchment (Kwan 1998).

    Examples
    --------
    >>> Exponential()([0.0, 450.0, 900.0], 900.0).round(3).tolist()
    [1.0, 0.1, 0.01]
    >>> Exponential(scale_s=300.0)(300.0, 900.0).round(4).tolist()
    0.3679
    """

    scale_s: float | None = None

    def __post_init__(self) -> None:
        _check_positive(self, scale_s=self.scale_s)

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:
        """Return exp(-t / scale)."""
        if self.scale_s is None:
            power = _share(time_s, catchment_s)
            power *= np.log(LEFT_AT_CATCHMENT)
        else:
            power = time_s / -self.scale_s
        return np.asarray(np.exp(power, out=power))


@dataclass(frozen=True, slots=True)
class Gaussian(Decay):
    """The Gaussian of Dai (2010), which reaches 0 at the catchment.

    Notes
    -----
    f(t) = (exp(-(t/c)^2 / 2) - exp(-1/2)) / (1 - exp(-1/2)).

    Examples
    --------
    >>> Gaussian()([0.0, 450.0, 900.0], 900.0).round(4).tolist()
    [1.0, 0.7014, 0.0]
    """

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:
        """Return Dai's curve."""
        end = float(np.exp(-0.5))
        weights = _share(time_s, catchment_s)
        at_end = weights >= 1.0  # exactly nothing: a last bit left over would hand a facility to those at its very edge
        weights *= weights
        weights *= -0.5
        np.exp(weights, out=weights)
        weights -= end
        weights /= 1.0 - end
        np.maximum(weights, 0.0, out=weights)
        np.copyto(weights, 0.0, where=at_end)
        return weights


@dataclass(frozen=True, slots=True)
class Bell(Decay):
    """exp(-t^2 / (2 sigma^2)), cut at the catchment.

    Parameters
    ----------
    sigma_s : seconds; without it 1 % is left at the catchment (Kwan 1998; Wan, Zou & Sternberg 2012).

    Examples
    --------
    >>> Bell()([0.0, 900.0], 900.0).round(4).tolist()
    [1.0, 0.01]
    >>> Bell(sigma_s=300.0)(300.0, 900.0).round(4).tolist()
    0.6065
    """

    sigma_s: float | None = None

    def __post_init__(self) -> None:
        _check_positive(self, sigma_s=self.sigma_s)

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:
        """Return the bell."""
        if self.sigma_s is None:
            power, factor = _share(time_s, catchment_s), float(np.log(LEFT_AT_CATCHMENT))
        else:
            power, factor = time_s / self.sigma_s, -0.5
        power *= power
        power *= factor
        return np.asarray(np.exp(power, out=power))


@dataclass(frozen=True, slots=True)
class Epanechnikov(Decay):
    """The kernel of kernel-density 2SFCA (Guagliardo 2004; Dai & Wang 2011), scaled to 1 at 0 s: 1 - (t/c)^2.

    Examples
    --------
    >>> Epanechnikov()([0.0, 450.0, 900.0], 900.0).tolist()
    [1.0, 0.75, 0.0]
    """

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:
        """Return 1 - (t/c)^2."""
        left = _share(time_s, catchment_s)
        left *= left
        return np.subtract(1.0, left, out=left)


@dataclass(frozen=True, slots=True)
class Power(Decay):
    """(t / floor)^-exponent, and 1 up to the floor: the classic gravity decay without its pole at 0 s.

    Parameters
    ----------
    exponent : above 0.
    floor_s : seconds, above 0; nothing nearer counts for more than 1.

    Examples
    --------
    >>> Power(exponent=1.0, floor_s=60.0)([0.0, 60.0, 120.0, 900.0], 600.0).tolist()
    [1.0, 1.0, 0.5, 0.0]
    """

    exponent: float = 1.0
    floor_s: float = 60.0

    def __post_init__(self) -> None:
        _check_positive(self, exponent=self.exponent, floor_s=self.floor_s)

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:  # noqa: ARG002
        """Return (t / floor)^-exponent."""
        ratio = np.maximum(time_s, self.floor_s)
        ratio /= self.floor_s
        return np.asarray(np.power(ratio, -self.exponent, out=ratio))


@dataclass(frozen=True, slots=True)
class Own(Decay):
    """A decay of one's own: a function of the time alone, cut at the catchment.

    Parameters
    ----------
    function : takes an array of seconds, none beyond its catchment, and gives as many weights.

    Examples
    --------
    >>> Own(lambda time_s: 1.0 / (1.0 + time_s / 300.0))([0.0, 300.0, 901.0], 900.0).tolist()
    [1.0, 0.5, 0.0]
    """

    function: Callable[[Any], Any]

    def curve(self, time_s: Floats, catchment_s: Floats) -> Floats:  # noqa: ARG002
        """Return what the function gives."""
        return np.array(self.function(time_s), dtype=np.float64)


DecayLike: TypeAlias = "DecayName | Decay | Callable[[Any], Any]"

_NAMED: Mapping[str, Decay] = MappingProxyType(
    {
        "binary": Binary(),
        "step": Step(),
        "linear": Linear(),
        "exponential": Exponential(),
        "gaussian": Gaussian(),
        "bell": Bell(),
        "epanechnikov": Epanechnikov(),
        "power": Power(),
    }
)


def as_decay(decay: DecayLike) -> Decay:
    """Return the decay that a name, a value or a function of the time stands for.

    Raises
    ------
    StudyError
        It is none of them.

    Examples
    --------
    >>> as_decay("step")
    Step(bounds=(0.3333333333333333, 0.6666666666666666, 1.0), weights=(1.0, 0.68, 0.22))
    """
    if isinstance(decay, Decay):
        return decay
    if isinstance(decay, str):
        if decay in _NAMED:
            return _NAMED[decay]
    elif callable(decay) and not isinstance(decay, type):
        return Own(decay)
    raise StudyError(f"there is no decay {decay!r}; choose one of {', '.join(NAMES)}, a Decay or a function of seconds")

"""Rates: the probability that a unit is **dropped**, as a number or as one for each member.

A unit's 48 bits are the digits of a number in [0, 1); it is dropped where that number is below the rate. Rates are
therefore exact to 2^-48, none above 0 is rounded to 0, and with one seed the units that a low rate drops are among
those that a higher rate drops. What is kept is rescaled by the exact share that is kept, so the mean is unbiased.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evenfit.errors import RegularizeError

Rate = float | Sequence[float] | Tensor  # a number, or one for each member
Rates = float | tuple[float, ...]  # the same, checked

FORMS = ("inverted", "original")
RESOLUTION = 48  # bits of the number that a rate is compared with


def check_rate(rate: object, *, name: str = "rate") -> Rates:
    """Give the rate as a float, or those of the members as a tuple.

    Raises:
        RegularizeError: a rate is not a number in [0, 1), or is one that wants a gradient.

    Example:
        >>> check_rate(torch.tensor([0.0, 0.5]))
        (0.0, 0.5)
    """
    if isinstance(rate, float) and 0 <= rate < 1:
        return float(rate)
    if isinstance(rate, Tensor):
        if rate.requires_grad:
            raise RegularizeError(f"{name} has no gradient, since a mask is not a function of it: give {name}.detach()")
        if rate.dim() > 1 or rate.is_complex() or rate.dtype == torch.bool:
            raise RegularizeError(f"{name} must be a number, or one for each member; got {_described(rate)}")
        return _each(rate.tolist(), name) if rate.dim() else _one(rate.item(), name)
    if isinstance(rate, np.ndarray):
        rate = rate.tolist()
    if isinstance(rate, list | tuple):
        return _each(list(rate), name)
    return _one(rate, name)


def check_form(form: str) -> str:
    """Give the form.

    Raises:
        RegularizeError: it is not one of FORMS.
    """
    if form not in FORMS:
        raise RegularizeError(f"form must be one of {', '.join(FORMS)}; got {form!r}")
    return form


def threshold(rate: float) -> int:
    """Give the number of 48 bits below which a unit is dropped: at least 1 for every rate above 0.

    Example:
        >>> threshold(0.5) == 2**47, threshold(1e-30)
        (True, 1)
    """
    if rate == 0:
        return 0
    return min(max(round(rate * (1 << RESOLUTION)), 1), (1 << RESOLUTION) - 1)


def kept_share(rate: float) -> float:
    """Give the exact share of units that masks of this rate keep.

    Example:
        >>> kept_share(0.25)
        0.75
    """
    return 1 - threshold(rate) / (1 << RESOLUTION)


@dataclass(frozen=True, eq=False)
class Law:
    """What masks or noise of some rates are made with, one of each for a member."""

    thresholds: npt.NDArray[np.int64]
    scales: npt.NDArray[np.float64]  # what a kept unit is multiplied by
    deviations: npt.NDArray[np.float64]  # of Gaussian noise
    addresses: tuple[int, int, int]  # of the three, for compiled code
    members: int  # how many


@lru_cache(maxsize=512)
def law(rates: tuple[float, ...], form: str) -> Law:
    """Give the thresholds of checked rates, the scales of a form, and the deviations."""
    kept = np.array([kept_share(rate) for rate in rates], dtype=np.float64)
    arrays = (
        np.array([threshold(rate) for rate in rates], dtype=np.int64),
        np.ones_like(kept) if form == "original" else 1 / kept,
        np.sqrt((1 - kept) / kept),
    )
    first, second, third = (array.ctypes.data for array in arrays)
    return Law(*arrays, (first, second, third), len(rates))


def thresholds_of(rates: Tensor) -> Tensor:
    """Give the thresholds of rates, float64 to int64, in torch's operations: for programs that torch compiles."""
    found = (rates * 2.0**RESOLUTION).round().clamp(max=2.0**RESOLUTION - 1).to(torch.int64)
    return torch.where(rates > 0, found.clamp(min=1), 0)


def _each(rates: list[object], name: str) -> tuple[float, ...]:
    return tuple(_one(rate, f"{name} of member {number}") for number, rate in enumerate(rates))


def _one(rate: object, name: str) -> float:
    if (
        isinstance(rate, bool | np.bool_)
        or not isinstance(rate, int | float | np.integer | np.floating)
        or not 0 <= rate < 1
    ):
        raise RegularizeError(f"{name}, the probability that a unit is dropped, must be in [0, 1); got {rate!r}")
    return float(rate)


def _described(rate: Tensor) -> str:
    return f"a tensor of shape {tuple(rate.shape)} and type {rate.dtype}"

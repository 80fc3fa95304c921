"""Distribution: any of those that a space may have, from and to JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.space.beta import Beta
from evenfit.specs.space.choice import Choice, Constant, same
from evenfit.specs.space.normal import LogNormal, Normal
from evenfit.specs.space.numbers import nearest
from evenfit.specs.space.range import Range

Distribution = Range | Normal | LogNormal | Beta | Choice | Constant

NUMBERS: Mapping[str, type[Range | Normal | LogNormal | Beta]] = {  # by what JSON and TOML call them
    "range": Range,
    "normal": Normal,
    "lognormal": LogNormal,
    "beta": Beta,
}
_ALWAYS = ("low", "high", "log", "whole", "zero")  # what a stored range has always had


def distribution_to_json(known: Distribution) -> dict[str, Any]:
    """Give a distribution, ready for JSON; branches of a choice are the space's conditions."""
    if isinstance(known, Constant):
        return {"value": known.value}
    if isinstance(known, Choice):
        weights = {"probabilities": list(known.probabilities)} if known.probabilities else {}
        return {"choices": list(known.values), "first": known.first} | weights
    values = {field.name: getattr(known, field.name) for field in fields(known)}
    if isinstance(known, Range):
        return {name: value for name, value in values.items() if name in _ALWAYS or value is not None}
    kind = next(name for name, one in NUMBERS.items() if isinstance(known, one))
    return {"distribution": kind} | {
        name: value for name, value in values.items() if value is not None and not math.isinf(value)
    }


def distribution_from_json(stored: Mapping[str, Any]) -> Distribution:
    """Make a distribution from what ``distribution_to_json`` gave, or an earlier version's."""
    values = dict(stored)
    if "value" in values:
        return Constant(value=values["value"])
    if "choices" in values:
        return _stored_choice(values)
    return NUMBERS[values.pop("distribution", "range")](**values)


def has(known: Distribution, value: Any) -> bool:
    """Say whether a distribution can give a value, but for rounding.

    Example:
        >>> has(Range(low=0.1, high=0.5, zero=0.2), 0.0), has(Range(low=0.1, high=0.5), 0.0)
        (True, False)
    """
    if isinstance(known, Choice):
        return known.place(value) is not None
    if isinstance(known, Constant) or isinstance(value, str):
        return isinstance(known, Constant) and same(known.value, value)
    if known.zero > 0 and value == 0:
        return True
    return known.low <= value <= known.high and math.isclose(nearest(known, value), value, rel_tol=1e-9, abs_tol=1e-12)


def _stored_choice(values: Mapping[str, Any]) -> Choice:
    """A choice, also one of a version in which a value could come twice to be twice as likely."""
    choices, first = values["choices"], values.get("first", 0.0)
    probabilities = tuple(values.get("probabilities", ()))
    kept = [value for place, value in enumerate(choices) if not any(same(value, one) for one in choices[:place])]
    if len(kept) < len(choices):
        each = [first, *[(1 - first) / (len(choices) - 1)] * (len(choices) - 1)] if first else None
        shares = each or [1 / len(choices)] * len(choices)
        summed = [sum(part for one, part in zip(choices, shares, strict=True) if same(one, value)) for value in kept]
        return Choice(values=tuple(kept), probabilities=tuple(summed))
    return Choice(values=tuple(choices), first=first, probabilities=probabilities)


def check_distribution(known: object, *, name: str) -> None:
    """Refuse what is no distribution.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(known, Distribution):
        raise ConfigError(
            f"{name} must have a distribution such as Range(low=0.0, high=0.5) or Choice(values=(32, 64)); "
            f"got {known!r}"
        )

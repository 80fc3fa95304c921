"""Conditions: names that are searched only while other names have given values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.space.choice import Constant, same
from evenfit.specs.space.distribution import Distribution, has


@dataclass(frozen=True)
class Above:
    """A condition on a number: that it is above a bound.

    Example:
        >>> holds(Above(0.0), 0.2), holds(Above(0.0), 0.0)
        (True, False)
    """

    bound: float


Condition = tuple[Any, ...] | Above  # one of some values, or above a bound
Conditions = Mapping[str, Mapping[str, Condition]]  # of a name: what others must have


def holds(condition: Condition, value: Any) -> bool:
    """Say whether a value meets a condition."""
    if isinstance(condition, Above):
        return not isinstance(value, str) and bool(value > condition.bound)
    return any(same(value, one) for one in condition)


def tidy_conditions(when: Mapping[str, Any]) -> dict[str, dict[str, Condition]]:
    """Give conditions in one form: one value becomes a tuple of it.

    Raises:
        ConfigError: one is no condition.
    """
    found: dict[str, dict[str, Condition]] = {}
    for name, needs in when.items():
        if not isinstance(needs, Mapping) or not needs:
            raise ConfigError(
                f"the condition of {name} must say what other names must have, such as {{'optimiser': 'sgd'}}; "
                f"got {needs!r}"
            )
        found[name] = {
            parent: needed if isinstance(needed, Above) else _as_tuple(needed) for parent, needed in needs.items()
        }
    return found


def _as_tuple(needed: Any) -> tuple[Any, ...]:
    return tuple(needed) if isinstance(needed, list | tuple) else (needed,)


def conditions_to_json(when: Conditions) -> dict[str, Any]:
    """Give conditions, ready for JSON and TOML."""
    return {
        name: {
            parent: {"above": needed.bound} if isinstance(needed, Above) else list(needed)
            for parent, needed in needs.items()
        }
        for name, needs in when.items()
    }


def conditions_from_json(stored: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Make conditions from what ``conditions_to_json`` gave."""
    return {
        name: {
            parent: Above(needed["above"]) if isinstance(needed, Mapping) else needed
            for parent, needed in needs.items()
        }
        for name, needs in stored.items()
    }


def condition_words(needs: Mapping[str, Condition]) -> str:
    """Say in words when a name is searched.

    Example:
        >>> condition_words({"optimiser": ("sgd",), "dropout": Above(0.0)})
        'when optimiser is sgd and dropout is above 0'
    """
    parts = [
        f"{parent} is above {needed.bound:g}"
        if isinstance(needed, Above)
        else f"{parent} is {' or '.join(str(value) for value in needed)}"
        for parent, needed in needs.items()
    ]
    return "when " + " and ".join(parts)


def parents_first(names: Sequence[str], when: Conditions) -> tuple[str, ...]:
    """Give names in an order in which each comes after those that its condition is about.

    Raises:
        ConfigError: conditions go round in a circle.
    """
    found: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise ConfigError(f"conditions go round in a circle: {circle}; leave one of them out")
        if name in found:
            return
        for parent in when.get(name, {}):
            visit(parent, (*path, name))
        found[name] = None

    for name in names:
        visit(name, ())
    return tuple(name for name in found if name in names)


def needs_in_all(name: str, when: Conditions) -> dict[str, Condition]:
    """Give what all names that a name depends on must have, directly or through others.

    Raises:
        ConfigError: the same name would need two values at once.
    """
    found: dict[str, Condition] = {}
    for parent, needed in when.get(name, {}).items():
        for other, more in (*needs_in_all(parent, when).items(), (parent, needed)):
            before = found.get(other)
            both = more if before is None else _both(before, more)
            if both == ():
                raise ConfigError(
                    f"the condition of {name} can never hold: {condition_words({other: before or ()})[5:]} and "
                    f"{condition_words({other: more})[5:]}"
                )
            found[other] = both
    return found


def can_hold(condition: Condition, known: Distribution) -> bool:
    """Say whether a distribution has a value that meets a condition."""
    values = known.values_or_none()
    if values is not None:
        return any(holds(condition, value) for value in values)
    if isinstance(condition, Above):
        return holds(condition, known.at(1 - 1e-9))
    zero = 0.0 if isinstance(known, Constant) else getattr(known, "zero", 0.0)
    return any(value == 0 and zero > 0 and has(known, value) for value in condition)


def _both(first: Condition, second: Condition) -> Condition:
    """What meets two conditions."""
    if isinstance(first, Above) and isinstance(second, Above):
        return Above(max(first.bound, second.bound))
    listed, other = (second, first) if isinstance(first, Above) else (first, second)
    assert isinstance(listed, tuple)  # noqa: S101 - for mypy: at most one of them is a bound by now
    return tuple(value for value in listed if holds(other, value))

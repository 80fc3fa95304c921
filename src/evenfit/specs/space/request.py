"""SpaceRequest: what a user asks of a space, laid over the one that a table's search has of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.config import Config
from evenfit.specs.space.choice import Choice
from evenfit.specs.space.conditions import (
    Conditions,
    conditions_from_json,
    conditions_to_json,
)
from evenfit.specs.space.distribution import Distribution, distribution_from_json, distribution_to_json, has
from evenfit.specs.space.space import Space, check_name, flattened


@dataclass(frozen=True, kw_only=True)
class SpaceRequest:
    """Distributions of the names that a user has something to say of.

    They replace those that the table's own space has; other names keep theirs, unless ``only`` leaves them out. A
    default that a distribution cannot give moves to the nearest number that it can, and a word to the likeliest.

    Raises:
        ConfigError: a name is not one of a config's values, or a config refuses a value.

    Example:
        >>> from evenfit.specs.space import Range
        >>> own = Space(default=Config(width=128), values={"dropout": Range(low=0.0, high=0.5)})
        >>> asked = SpaceRequest(values={"width": Choice(values=(32, 64))}).over(own)
        >>> sorted(asked.values), asked.default.width
        (['dropout', 'width'], 64)
    """

    values: Mapping[str, Distribution] = field(default_factory=dict)
    when: Conditions = field(default_factory=dict)
    only: bool = False  # nothing else is searched

    def __post_init__(self) -> None:
        values, when = flattened(self.values, self.when)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "when", when)
        Space(values=values)  # refuses what no config has
        for name, needs in when.items():
            if name not in values:
                raise ConfigError(f"{name} has a condition and no distribution")
            for parent in needs:
                check_name(parent)

    def over(self, space: Space) -> Space:
        """Give the space that is searched.

        Raises:
            ConfigError: a condition can never hold there.
        """
        moved = {
            name: _nearest(known, getattr(space.default, name))
            for name, known in self.values.items()
            if not has(known, getattr(space.default, name))
        }
        default = space.default.with_values(**moved) if moved else space.default
        if self.only:
            return Space(default=default, values=self.values, when=self.when)
        when = {name: needs for name, needs in space.when.items() if name not in self.values}
        values = dict(space.values) | dict(self.values)
        kept = {name for name in values if name in self.values or _can_be(name, values, when, default)}
        return Space(
            default=default,
            values={name: known for name, known in values.items() if name in kept},
            when={name: needs for name, needs in when.items() if name in kept} | dict(self.when),
        )

    def to_json(self) -> dict[str, Any]:
        """Give everything, ready for JSON."""
        values = {name: distribution_to_json(known) for name, known in self.values.items()}
        return {"values": values, "when": conditions_to_json(self.when), "only": self.only}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> SpaceRequest:
        """Make a request from what ``to_json`` gave."""
        return cls(
            values={name: distribution_from_json(known) for name, known in stored["values"].items()},
            when=conditions_from_json(stored["when"]),
            only=stored["only"],
        )


def _nearest(known: Distribution, value: Any) -> Any:
    """The value of a distribution that a default which it has not moves to."""
    if isinstance(known, Choice):
        if not isinstance(value, str | bool):
            return min(known.values_or_none(), key=lambda each: abs(each - value))
        return max(zip(known.weights(), known.values, strict=True), key=lambda pair: pair[0])[1]
    return known.at(known.quantile_of(value))


def _can_be(name: str, values: Mapping[str, Distribution], when: Conditions, default: Config) -> bool:
    """Whether a name of the table's own space is still searched at all: what it depends on may have been fixed."""
    if name not in when:
        return True
    try:
        Space(default=default, values=values, when={name: when[name]})
    except ConfigError:
        return False
    return True

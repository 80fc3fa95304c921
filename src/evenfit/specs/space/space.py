"""Space: names of a config's values, where each is looked for, and when."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.config import Config, limits, switches, whole_names
from evenfit.specs.space.choice import Choice, Constant, same
from evenfit.specs.space.conditions import (
    Conditions,
    can_hold,
    condition_words,
    conditions_from_json,
    conditions_to_json,
    holds,
    needs_in_all,
    parents_first,
    tidy_conditions,
)
from evenfit.specs.space.distribution import (
    Distribution,
    check_distribution,
    distribution_from_json,
    distribution_to_json,
)
from evenfit.specs.space.normal import LogNormal, Normal


@dataclass(frozen=True, kw_only=True)
class Space:
    """Names of a config's values, each with the distribution to draw it from.

    What is not named keeps the value of ``default``, which is always the first config tried; a constant is the
    default's too. A name with a condition in ``when`` is searched only while it holds, and has the default's value
    elsewhere, so that two configs that differ there alone are one. Branches of a choice become conditions.
    Whole numbers stay whole, and bells end where the config's values do.

    Raises:
        ConfigError: a name is not one of a config's values, a config refuses a value that a distribution may give,
            or a condition can never hold.

    Example:
        >>> space = Space(
        ...     values={
        ...         "optimiser": Choice(values=("adamw", "sgd")),
        ...         "nesterov": Choice(values=(True, False)),
        ...     },
        ...     when={"nesterov": {"optimiser": "sgd"}},
        ... )
        >>> space.config_at({"optimiser": 0.9, "nesterov": 0.1}).nesterov
        True
        >>> space.config_at({"optimiser": 0.1, "nesterov": 0.1}).nesterov
        False
    """

    default: Config = field(default_factory=Config)
    values: Mapping[str, Distribution] = field(default_factory=dict)
    when: Conditions = field(default_factory=dict)  # searched only while others have these values

    def __post_init__(self) -> None:
        values, when = flattened(self.values, self.when)
        constants = {name: known.value for name, known in values.items() if isinstance(known, Constant)}
        for name, value in constants.items():
            check_name(name)
            _config_with(self.default, name, value)
        default = self.default.with_values(**constants) if constants else self.default
        fitted = {name: _fitted(name, known, default) for name, known in values.items()}
        when = {
            name: {parent: _as_of_config(parent, needed, default) for parent, needed in needs.items()}
            for name, needs in when.items()
        }
        object.__setattr__(self, "default", default)
        object.__setattr__(self, "values", fitted)
        object.__setattr__(self, "when", when)
        _check_conditions(self)

    @property
    def order(self) -> tuple[str, ...]:
        """The names, each after those that its condition is about."""
        return parents_first(tuple(self.values), self.when)

    def config(self, chosen: Mapping[str, Any]) -> Config:
        """Make the config that has these values and the default's elsewhere; what could do nothing is left out."""
        return self.settled(self.default.with_values(**chosen))

    def config_at(self, quantiles: Mapping[str, float]) -> Config:
        """Make the config at these quantiles, each in [0, 1); names that are left out keep the default."""
        return self.config({name: self.values[name].at(quantile) for name, quantile in quantiles.items()})

    def quantiles(self, config: Config) -> dict[str, float]:
        """Give the quantile of each name's value."""
        return {name: known.quantile_of(getattr(config, name)) for name, known in self.values.items()}

    def settled(self, config: Config) -> Config:
        """Give a config in which names that are not searched with its values have the default's."""
        idle = {name: getattr(self.default, name) for name in self.when if not self.reaches(name, vars(config))}
        changes = {name: value for name, value in idle.items() if getattr(config, name) != value}
        return (config.with_values(**changes) if changes else config).tidied()

    def reaches(self, name: str, chosen: Mapping[str, Any]) -> bool:
        """Say whether a name is searched where others have these values, and the default's elsewhere."""
        return all(
            holds(needed, chosen.get(parent, getattr(self.default, parent)))
            and (parent not in self.values or self.reaches(parent, chosen))
            for parent, needed in self.when.get(name, {}).items()
        )

    def part(self, names: Collection[str]) -> Space:
        """Give the space in which these names alone vary, as far as their conditions can hold."""
        kept = {name for name in self.values if name in names}
        while kept:
            lost = {
                name
                for name in kept
                for parent, needed in self.when.get(name, {}).items()
                if parent not in kept
                and not (self.reaches(parent, {}) and holds(needed, getattr(self.default, parent)))
            }
            if not lost:
                break
            kept -= lost
        when = {name: needs for name, needs in self.when.items() if name in kept}
        return replace(self, values={name: known for name, known in self.values.items() if name in kept}, when=when)

    def to_json(self) -> dict[str, Any]:
        """Give the default, each distribution and each condition, ready for JSON."""
        stored = {
            "default": self.default.to_json(),
            "values": {name: distribution_to_json(known) for name, known in self.values.items()},
        }
        return stored | ({"when": conditions_to_json(self.when)} if self.when else {})

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Space:
        """Make a space from what ``to_json`` gave, also that of an earlier version."""
        return cls(
            default=Config.from_json(stored["default"]),
            values={name: distribution_from_json(known) for name, known in stored["values"].items()},
            when=conditions_from_json(stored.get("when", {})),
        )


def flattened(
    values: Mapping[str, Distribution], when: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Distribution], dict[str, dict[str, Any]]]:
    """Give distributions and conditions by name, with branches of choices among them.

    Raises:
        ConfigError: a name is searched in more than one way.
    """
    found: dict[str, Distribution] = {}
    conditions: dict[str, dict[str, Any]] = tidy_conditions(when)
    for name, known in values.items():
        check_distribution(known, name=name)
        found[name] = replace(known, branches={}) if isinstance(known, Choice) else known
    for name, known in values.items():
        for value, branch in known.branches.items() if isinstance(known, Choice) else ():
            below, needs = flattened(branch, {})
            for inner, one in below.items():
                needed = needs.get(inner, {}) | {name: (value,)}
                before = conditions.get(inner, {})
                if inner in found and (found[inner] != one or set(before) != set(needed) or len(needed) > 1):
                    raise ConfigError(
                        f"{inner} is searched in more than one way: in the branch {value!r} of {name}, and elsewhere; "
                        "give it one distribution, and a condition"
                    )
                needed = {name: (*before[name], value)} if inner in found else _joined(inner, before, needed)
                found[inner], conditions[inner] = one, needed
    return found, conditions


def _joined(name: str, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Two conditions that must both hold."""
    for parent in set(first) & set(second):
        raise ConfigError(f"{name} has a condition on {parent}, in whose branch it is already; leave the condition out")
    return first | second


def check_name(name: str) -> None:
    """Refuse what is no name of a config's value.

    Raises:
        ConfigError: it is not; the message has the nearest.
    """
    known = Config().to_json()
    if name not in known:
        near = difflib.get_close_matches(str(name), list(known), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(f"a config has no value named {name!r}; {hint}it has {', '.join(sorted(known))}")


def _fitted(name: str, known: Distribution, default: Config) -> Distribution:
    """A distribution as this value of a config has it, checked at its ends."""
    check_name(name)
    low, high = limits(name)
    whole = name in whole_names()
    if isinstance(getattr(default, name), str) and not isinstance(known, Choice | Constant):
        raise ConfigError(f"{name} is a word; give a Choice of them, not {known.words()}")
    try:
        fitted: Distribution = known.fitted(default=getattr(default, name), low=low, high=high, whole=whole)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error
    if isinstance(fitted, Choice):
        values = tuple(_config_with(default, name, value) for value in fitted.values)
        try:
            return replace(fitted, values=values)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from error
    if isinstance(fitted, Constant):
        return Constant(value=_config_with(default, name, fitted.value))
    if name in switches() and {fitted.low, fitted.high} - {0, 1}:
        raise ConfigError(f"{name} is true or false; give a Choice(values=(True, False))")
    bell = isinstance(fitted, Normal | LogNormal)  # which has bounds that it never reaches
    ends = (fitted.at(fitted.zero), fitted.at(1 - 1e-16)) if bell else (fitted.low, fitted.high)
    for end in (*ends, *((0,) if fitted.zero > 0 else ())):
        _config_with(default, name, end)
    return fitted


def _config_with(default: Config, name: str, value: Any) -> Any:
    """A value as a config has it."""
    known = getattr(default, name)
    wrong = isinstance(value, str) != isinstance(known, str) or (
        isinstance(value, bool) and not isinstance(known, bool)
    )
    if wrong or not isinstance(value, str | int | float):
        kind = "a word" if isinstance(known, str) else "true or false" if isinstance(known, bool) else "a number"
        raise ConfigError(f"{name} must be {kind}, got {value!r}")
    return getattr(default.with_values(**{name: value}), name)


def _as_of_config(parent: str, needed: Any, default: Config) -> Any:
    """A condition with its values as a config has them."""
    check_name(parent)
    if not isinstance(needed, tuple):
        return needed
    found: list[Any] = []
    for value in needed:
        one = _config_with(default, parent, value)
        if not any(same(one, other) for other in found):
            found.append(one)
    return tuple(found)


def _check_conditions(space: Space) -> None:
    """Every condition is of a name that is searched, and can hold."""
    for name in space.when:
        check_name(name)
        if name not in space.values:
            raise ConfigError(f"{name} has a condition and no distribution")
    parents_first(tuple(space.values), space.when)
    for name in space.when:
        for parent, needed in needs_in_all(name, space.when).items():
            known = space.values.get(parent, Constant(value=getattr(space.default, parent)))
            if not can_hold(needed, known):
                held = "" if parent in space.values else "not searched, and "
                raise ConfigError(
                    f"{name} is searched {condition_words({parent: needed})}, which can never hold: {parent} is "
                    f"{held}{known.words()}"
                )

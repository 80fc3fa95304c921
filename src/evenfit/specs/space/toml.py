"""Spaces as TOML: the table ``[space]`` of a file, read and written."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from evenfit.errors import ConfigError
from evenfit.specs.config import Config
from evenfit.specs.space.choice import Choice, Constant
from evenfit.specs.space.conditions import conditions_from_json, conditions_to_json
from evenfit.specs.space.distribution import NUMBERS, Distribution, distribution_to_json
from evenfit.specs.space.request import SpaceRequest
from evenfit.specs.space.space import check_name

_Made = TypeVar("_Made")

_CHOICE = ("values", "probabilities", "first", "when")
_CONSTANT = ("value", "when")


def read_space(tables: object, *, where: str) -> SpaceRequest:
    """Make a request of what a table ``[space]`` holds.

    Each key is a value of a config, but for ``only``. A list is a choice, a table a distribution, and anything else
    a constant. A table with ``values`` may hold tables named after them: what is searched where that value is chosen.

    Args:
        tables: as a TOML reader gives them.
        where: the file and the table, for messages.

    Raises:
        ConfigError: a key is unknown or a value makes no sense; the message has the file and the key.

    Example:
        >>> asked = read_space({"width": [32, 64], "l1": {"low": 1e-4, "high": 1.0, "log": True}}, where="a.toml")
        >>> asked.values["width"]
        Choice(values=(32, 64), first=0.0, probabilities=(), branches={})
    """
    if not isinstance(tables, Mapping):
        raise ConfigError(f"{where} must be a table of distributions, got {tables!r}")
    only = tables.get("only", False)
    if not isinstance(only, bool):
        raise ConfigError(f"{where}: only must be true or false, got {only!r}")
    found = _Found(values={}, when={})
    _read_names({name: given for name, given in tables.items() if name != "only"}, found, where=where)
    try:
        return SpaceRequest(values=found.values, when=conditions_from_json(found.when), only=only)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


class _Found:
    """Distributions and conditions of one level of tables."""

    def __init__(self, *, values: dict[str, Distribution], when: dict[str, Any]) -> None:
        self.values, self.when = values, when


def _read_names(tables: Mapping[str, Any], found: _Found, *, where: str) -> None:
    for given, known in tables.items():
        name, here = given.replace("-", "_"), f"{where}: {given}"
        try:
            check_name(name)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
        try:
            found.values[name] = _distribution(name, known, found, where=here)
        except TypeError as error:
            raise ConfigError(f"{here} is none of a space: {error}") from error


def _distribution(name: str, known: Any, found: _Found, *, where: str) -> Distribution:
    if isinstance(known, list):
        return _made(Choice, {"values": tuple(known)}, where=where)
    if not isinstance(known, Mapping):
        return Constant(value=known)
    if "when" in known:
        found.when[name] = _condition(known["when"], where=f"{where}.when")
    if "value" in known:
        _check_keys(known, _CONSTANT, where=where)
        return Constant(value=known["value"])
    if "values" in known:
        return _choice(known, found, where=where)
    kind: str = known.get("distribution") or _inferred(known)
    if kind not in NUMBERS:
        near = difflib.get_close_matches(str(kind), list(NUMBERS), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(NUMBERS)}"
        if not kind:
            raise ConfigError(f"{where} needs low and high, values, value, or a distribution; it has {_listed(known)}")
        raise ConfigError(f"{where} has an unknown distribution {kind!r}; {hint}")
    names = [field.name for field in fields(NUMBERS[kind])]
    _check_keys(known, ("distribution", "when", *names), where=where)
    values = {key: value for key, value in known.items() if key in names}
    required = [field.name for field in fields(NUMBERS[kind])][:2]
    for key in required:
        if key not in values:
            raise ConfigError(f"{where} needs {' and '.join(required)}; it has {_listed(known)}")
    make: Callable[..., Distribution] = NUMBERS[kind]
    return _made(make, values, where=where)


def _choice(known: Mapping[str, Any], found: _Found, *, where: str) -> Choice:
    values = known["values"]
    if not isinstance(values, list):
        raise ConfigError(f"{where}.values must be a list, got {values!r}")
    by_word = {_word(value): value for value in values}
    _check_keys(known, (*_CHOICE, *by_word), where=where)
    branches: dict[Any, Mapping[str, Distribution]] = {}
    for word, value in by_word.items():
        if word in known and word not in _CHOICE:
            if not isinstance(known[word], Mapping):
                raise ConfigError(f"{where}.{word} must be a table of distributions, got {known[word]!r}")
            inner = _Found(values={}, when=found.when)
            _read_names(known[word], inner, where=f"{where}.{word}")
            branches[value] = inner.values
    chosen = {"values": tuple(values), "branches": branches}
    options: dict[str, Any] = {key: known[key] for key in ("probabilities", "first") if key in known}
    return _made(Choice, chosen | options, where=where)


def _made(kind: Callable[..., _Made], values: Mapping[str, Any], *, where: str) -> _Made:
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _condition(given: Any, *, where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(f"{where} must be a table such as {{ optimiser = 'sgd' }}, got {given!r}")
    found: dict[str, Any] = {}
    for name, needed in given.items():
        if isinstance(needed, Mapping):
            _check_keys(needed, ("above",), where=f"{where}.{name}")
            bound = needed.get("above")
            if isinstance(bound, bool) or not isinstance(bound, int | float):
                raise ConfigError(f"{where}.{name} must have a number to be above, got {bound!r}")
        found[name.replace("-", "_")] = needed
    return found


def _inferred(known: Mapping[str, Any]) -> str:
    """The distribution that is meant where none is named."""
    if "a" in known or "b" in known:
        return "beta"
    return "range" if "low" in known or "high" in known else ""


def _check_keys(given: Mapping[str, Any], known: Collection[str], *, where: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), list(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(known)}"
            raise ConfigError(f"{where} has an unknown key {key!r}; {hint}")


def _listed(known: Mapping[str, Any]) -> str:
    return ", ".join(known) or "none"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_space(asked: SpaceRequest) -> str:
    """Write a request as the table ``[space]`` that ``read_space`` reads back.

    Example:
        >>> from evenfit.specs.space import Range
        >>> print(write_space(SpaceRequest(values={"l1": Range(low=0.001, high=1.0, log=True)})), end="")
        [space]
        l1 = { low = 0.001, high = 1.0, log = true }
    """
    lines = ["[space]", *(["only = true"] if asked.only else [])]
    conditions = conditions_to_json(asked.when)
    for name, known in asked.values.items():
        when = {"when": conditions[name]} if name in conditions else {}
        lines.append(f"{name} = {_written(known, when)}")
    return "\n".join(lines) + "\n"


def _written(known: Distribution, when: dict[str, Any]) -> str:
    if isinstance(known, Constant):
        return _toml({"value": known.value} | when) if when else _toml(known.value)
    if isinstance(known, Choice):
        options: dict[str, Any] = {"probabilities": list(known.probabilities)} if known.probabilities else {}
        options |= {"first": known.first} if known.first else {}
        return _toml({"values": list(known.values)} | options | when) if options or when else _toml(list(known.values))
    usual = {"log": False, "whole": False, "zero": 0.0}
    stored = {k: v for k, v in distribution_to_json(known).items() if k not in usual or v != usual[k]}
    return _toml(stored | when)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # JSON's texts, numbers and switches are TOML's too, but for one character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def known_names() -> tuple[str, ...]:
    """Give the names that a table may have, for schemas."""
    return ("only", *Config().to_json())

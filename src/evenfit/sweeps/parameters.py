"""Parameters of a sweep file, checked, and flattened out of what is nested."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from evenfit.errors import SweepError
from evenfit.sweeps.distributions import Distribution

Names = tuple[str, ...]  # a parameter's name within the names of those that hold it

_NAME = re.compile(r"^[A-Za-z_]\S*$")  # wider than W&B's schema, of whose breach its server only warns: a/b is usual
_BOUNDS = ("uniform", "log_uniform", "log_uniform_values", "inv_log_uniform", "inv_log_uniform_values")
_KEYS: dict[str, tuple[str, ...]] = {
    "constant": ("value",),
    "categorical": ("values", "probabilities"),
    "categorical_w_probabilities": ("values", "probabilities"),
    "int_uniform": ("min", "max"),
    **dict.fromkeys(_BOUNDS, ("min", "max")),
    "normal": ("mu", "sigma"),
    "log_normal": ("mu", "sigma"),
    "beta": ("a", "b"),
}
_KEYS |= {
    f"q_{kind}": (*_KEYS[kind], "q")
    for kind in ("uniform", "log_uniform", "log_uniform_values", "normal", "log_normal", "beta")
}
_DEFAULTS = {"mu": 0, "sigma": 1, "a": 1, "b": 1, "q": 1}


def check_keys(given: Mapping[str, Any], known: Collection[str], *, where: str) -> None:
    """Refuse a key that is not known, with the nearest that is.

    Raises:
        SweepError: there is one.
    """
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), list(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(sorted(known))}"
            raise SweepError(f"{where} has an unknown key {key!r}; {hint}")


def parse_parameters(given: Any, *, where: str = "parameters", within: Names = ()) -> dict[Names, Distribution]:
    """Make the distributions of all parameters.

    Raises:
        SweepError: one is not as the schema has it; the message names it.
    """
    if not isinstance(given, Mapping) or not given:
        raise SweepError(f"{where} must hold at least one parameter, got {given!r}")
    found: dict[Names, Distribution] = {}
    for name, spec in given.items():
        here = f"{where}.{name}"
        if not isinstance(name, str) or not _NAME.match(name):
            raise SweepError(f"{where}: a parameter's name begins with a letter and has no spaces; got {name!r}")
        if not isinstance(spec, Mapping):
            raise SweepError(f"{here} must have keys such as value, values, or min and max; got {spec!r}")
        if "parameters" in spec:
            check_keys(spec, ["parameters"], where=here)
            found |= parse_parameters(spec["parameters"], where=f"{here}.parameters", within=(*within, name))
        else:
            found[*within, name] = _distribution(spec, where=here)
    return found


def _distribution(spec: Mapping[str, Any], *, where: str) -> Distribution:
    kind = spec["distribution"] if "distribution" in spec else _inferred(spec, where=where)
    if kind not in _KEYS:
        near = difflib.get_close_matches(str(kind), list(_KEYS), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_KEYS)}"
        raise SweepError(f"{where} has an unknown distribution {kind!r}; {hint}")
    check_keys(spec, ["distribution", *_KEYS[kind]], where=f"{where} ({kind})")
    if kind == "constant":
        return Distribution(kind=kind, values=(_needed(spec, "value", where=where),))
    if kind.startswith("categorical"):
        return _categorical(spec, where=where)
    first, second = _KEYS[kind][:2]
    low, high = (_number(spec, key, where=where) for key in (first, second))
    if first == "min":
        _check_bounds(kind, low, high, where=where)
    elif high < 0 or (first == "a" and low < 0):
        raise SweepError(f"{where}: {first if low < 0 and first == 'a' else second} must be at least 0")
    q = _number(spec, "q", where=where) if "q" in _KEYS[kind] else None
    if q is not None and q <= 0:
        raise SweepError(f"{where}: q must be above 0, got {q}")
    return Distribution(kind=kind, low=low, high=high, q=q)


def _check_bounds(kind: str, low: float, high: float, *, where: str) -> None:
    if not low < high:
        raise SweepError(f"{where}: min must be below max, got {low} and {high}")
    if kind.endswith("log_uniform_values") and low <= 0:
        raise SweepError(f"{where}: min of {kind} must be above 0, got {low}")
    if kind == "int_uniform" and not (isinstance(low, int) and isinstance(high, int)):
        raise SweepError(f"{where}: min and max of int_uniform must be whole numbers, got {low} and {high}")


def _categorical(spec: Mapping[str, Any], *, where: str) -> Distribution:
    values = _needed(spec, "values", where=where)
    if not isinstance(values, list) or not values:
        raise SweepError(f"{where}: values must be a list of at least one value, got {values!r}")
    chances = spec.get("probabilities")
    if chances is None:
        return Distribution(kind="categorical", values=tuple(values))
    if not isinstance(chances, list) or not all(_is_number(each) and each >= 0 for each in chances):
        raise SweepError(f"{where}: probabilities must be a list of numbers of at least 0, got {chances!r}")
    if len(chances) != len(values):
        raise SweepError(f"{where}: there are {len(values)} values and {len(chances)} probabilities")
    if not math.isclose(sum(chances), 1):
        raise SweepError(f"{where}: probabilities must sum to 1, got {sum(chances):.6g}")
    return Distribution(kind="categorical", values=tuple(values), probabilities=tuple(map(float, chances)))


def _inferred(spec: Mapping[str, Any], *, where: str) -> str:
    """The distribution that is meant where none is named, as W&B infers it."""
    if "values" in spec:
        return "categorical"
    if "value" in spec:
        return "constant"
    if "min" in spec and "max" in spec:
        whole = all(isinstance(spec[key], int) for key in ("min", "max"))
        return "int_uniform" if whole else "uniform"
    raise SweepError(f"{where} needs value, values, min and max, or a distribution; it has {', '.join(spec) or 'none'}")


def _needed(spec: Mapping[str, Any], key: str, *, where: str) -> Any:
    if key not in spec and key not in _DEFAULTS:
        raise SweepError(f"{where} needs {key}")
    return spec.get(key, _DEFAULTS.get(key))


def _number(spec: Mapping[str, Any], key: str, *, where: str) -> Any:
    value = _needed(spec, key, where=where)
    if not _is_number(value):
        raise SweepError(f"{where}: {key} must be a finite number, got {value!r}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

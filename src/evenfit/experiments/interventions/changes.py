"""Changes: how a parameter of a scikit-learn estimator is made larger or smaller, as far as it can be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from evenfit.experiments.interventions.owners import Owner

Changes = Mapping[str, Any]
Change = Callable[[Owner], Changes | str]  # new values by name; or why there are none, "" if it goes without saying
Sizes = tuple[int, ...]


def times(name: str, factor: float, *, start: float = 0.0, least: float = 0.0, most: float = math.inf) -> Change:
    """Multiply a number; from 0 it starts somewhere; below the least it is 0."""

    def change(owner: Owner) -> Changes | str:
        known = owner.values[name]
        if not _is_number(known):
            return f"{name} is {known!r}, no number"
        if known == 0:
            return {name: start} if start else ""
        value = min(most, known * factor)
        if factor < 1 and value < least:
            value = 0.0 if start else known
        return {name: _rounded(value)} if value != known else f"{name} is {known:g} already"

    return change


def count(name: str, factor: float, *, least: int = 1, most: float = math.inf) -> Change:
    """Multiply a whole number."""

    def change(owner: Owner) -> Changes | str:
        known = owner.values[name]
        if not isinstance(known, int) or isinstance(known, bool) or known < 1:
            return f"{name} is {known!r}, no count" if known is not None else ""
        value = int(min(most, max(least, round(known * factor))))
        changed = value > known if factor > 1 else value < known
        return {name: value} if changed else f"{name} is {known} already"

    return change


def switch(name: str, *, to: Any, known: tuple[Any, ...]) -> Change:
    """Set a value, where it is one of some others."""

    def change(owner: Owner) -> Changes | str:
        return {name: to} if owner.values[name] in known else ""

    return change


def part(name: str, value: float) -> Change:
    """Take a share of what all of is taken; or all, where it is a share."""

    def change(owner: Owner) -> Changes | str:
        known = owner.values[name]
        whole = known is None or (_is_number(known) and known == 1)
        if value < 1:
            extra = {"subsample_freq": 1} if name == "subsample" and owner.has("subsample_freq") else {}
            return {name: value, **extra} if whole else ""
        return {name: value} if isinstance(known, float) and known < 1 else ""

    return change


def of_rows(name: str, factor: float) -> Change:
    """Change a number of training rows, or a share of them; a quarter of them is the most."""

    def change(owner: Owner) -> Changes | str:
        known = owner.values[name]
        if isinstance(known, float) and known < 1:
            return {name: _rounded(min(0.25, known * factor))}
        return count(name, factor, most=max(2, owner.setting.rows // 4))(owner)

    return change


def shallower_trees(owner: Owner) -> Changes | str:
    """Halve a bound on depth; where there is none, set one that grows with the logarithm of the rows."""
    known = owner.values["max_depth"]
    if known is None or known <= 0:  # lightgbm's -1, too, is no bound
        return {"max_depth": max(3, round(0.6 * math.log2(max(2, owner.setting.rows))))}
    return {"max_depth": max(1, known // 2)} if known > 1 else "max_depth is 1 already"


def deeper_trees(owner: Owner) -> Changes | str:
    """Double a bound on depth."""
    known = owner.values["max_depth"]
    if known is None or known <= 0:
        return "trees have no bound on their depth"
    return {"max_depth": 2 * known}


def candidates(factor: float) -> Change:
    """Change how many columns a tree chooses from at each split."""

    def change(owner: Owner) -> Changes | str:
        known, columns = owner.values["max_features"], max(1, owner.setting.columns)
        shares = {None: 1.0, "sqrt": columns**-0.5, "log2": max(1.0, math.log2(columns)) / columns}
        share = shares[known] if known is None or isinstance(known, str) else known
        share = share / columns if isinstance(known, int) else share
        value = min(1.0, max(1 / columns, share * factor))
        return {"max_features": _rounded(value)} if abs(value - share) > 1e-9 else f"max_features is {known!r} already"

    return change


def layers(grow: Callable[[Sizes], Sizes]) -> Change:
    """Change the sizes of hidden layers."""

    def change(owner: Owner) -> Changes | str:
        given = owner.values["hidden_layer_sizes"]
        known = (given,) if isinstance(given, int) else tuple(given)
        sizes = grow(known)
        return {"hidden_layer_sizes": sizes} if sizes != known else f"hidden_layer_sizes is {given!r} already"

    return change


def batch(factor: float) -> Change:
    """Change the rows of a step; "auto" is 200 of them, or all."""

    def change(owner: Owner) -> Changes | str:
        known, rows = owner.values["batch_size"], owner.setting.rows
        now = min(200, rows) if known == "auto" else min(known, rows)
        value = min(rows, max(8, round(now * factor)))
        return {"batch_size": value} if value != now else f"batches have {now} rows already"

    return change


def gamma(factor: float) -> Change:
    """Change how near a row must be to count; "scale" and "auto" are the numbers that they stand for."""

    def change(owner: Owner) -> Changes | str:
        known, columns = owner.values["gamma"], max(1, owner.setting.columns)
        variance = owner.setting.input_variance if known == "scale" and not owner.scaled else 1.0
        now = known if _is_number(known) else 1 / (columns * variance)
        return {"gamma": _rounded(now * factor)}

    return change


def pruning(owner: Owner) -> Changes | str:
    """Prune trees more; from 0, by three thousandths of what a tree can explain."""
    known = owner.values["ccp_alpha"]
    return {"ccp_alpha": _rounded(5 * known if known else 0.003 * owner.setting.target_variance)}


def shrinkage(owner: Owner) -> Changes | str:
    """Shrink a covariance, by a solver that can."""
    if owner.values["shrinkage"] is not None:
        return f"shrinkage is {owner.values['shrinkage']!r} already"
    other = "lsqr" if owner.kind.startswith("Linear") else "eigen"
    solver = {"solver": other} if owner.values.get("solver") == "svd" else {}
    return {"shrinkage": "auto", **solver}


def noise_of_process(owner: Owner) -> Changes | str:
    """Say that a Gaussian process's target has noise, a tenth of its variance at first."""
    known = owner.values["alpha"]
    if not _is_number(known):
        return "alpha is an array"
    variance = 1.0 if owner.values["normalize_y"] else owner.setting.target_variance
    return {"alpha": _rounded(max(10 * known, 0.1 * variance))}


def mix(towards: float) -> Change:
    """Move the share of L1 most of the way to 0 or 1."""

    def change(owner: Owner) -> Changes | str:
        known = owner.values["l1_ratio"]
        value = _rounded(known + 0.8 * (towards - known)) if _is_number(known) else known
        return {"l1_ratio": value} if value != known else f"l1_ratio is {known!r} already"

    return change


def network_penalty(owner: Owner) -> Changes | str:
    """Penalise weights more: what scikit-learn begins with, 0.0001, is next to nothing."""
    known = owner.values["alpha"]
    return {"alpha": _rounded(max(0.3, 10 * known))}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")

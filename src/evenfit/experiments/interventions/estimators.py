"""Interventions on a scikit-learn estimator: on its parameters and its parts', and what can be put around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone

from evenfit.experiments.interventions.intervention import EITHER, Intervention, NotApplicable
from evenfit.experiments.interventions.owners import EstimatorSetting, Owner, owners_of
from evenfit.experiments.interventions.parameters import PARAMETERS, Line
from evenfit.experiments.interventions.structures import STRUCTURES

_STRUCTURE = "structure of "  # a change that no parameter has, by its name
_OF_NETWORKS = (("label_smoothing", "label smoothing"), ("mixup", "mixup"), ("more_dropout", "dropout"))


def estimator_interventions(
    estimator: Any, setting: EstimatorSetting
) -> tuple[tuple[Intervention, ...], tuple[NotApplicable, ...]]:
    """Give the changes that an estimator can have, and those that it cannot.

    Args:
        estimator: any of scikit-learn's kind; the parts of pipelines and ensembles are changed too, but for what a
            search chooses by itself.
        setting: what it is to learn from.

    Example:
        >>> from sklearn.neighbors import KNeighborsRegressor
        >>> setting = EstimatorSetting(rows=200, columns=3, classification=False)
        >>> found, left = estimator_interventions(KNeighborsRegressor(), setting)
        >>> [one.words for one in found][:2]
        ['more neighbours (n_neighbors 5 to 15)', 'fewer neighbours (n_neighbors 5 to 2)']
    """
    asked: list[tuple[int, Line, Owner]] = [
        (priority, line, owner)
        for owner in owners_of(estimator, setting)
        for priority, line in enumerate(PARAMETERS)
        if line.parameter in owner.values and line.of(owner)
    ]
    often = Counter([line.name for _, line, _ in asked])
    found: list[Intervention] = []
    left: list[NotApplicable] = []
    for priority, line, owner in asked:
        name = line.name if often[line.name] == 1 else f"{line.name}_of_{owner.path.removesuffix('__') or 'whole'}"
        values = line.change(owner)
        if isinstance(values, str):
            if values:
                left.append(NotApplicable(name=name, words=line.said + _of(owner, often[line.name]), reason=values))
            continue
        found.append(
            _intervention(estimator, line, owner, values, name=name, priority=priority, shared=often[line.name])
        )
    for priority, structure in enumerate(STRUCTURES):
        changed = structure.change(estimator, setting)
        if changed is not None and structure.name not in often:
            found.append(
                Intervention(
                    name=structure.name,
                    words=structure.words,
                    direction=structure.direction,
                    variant=changed,
                    changes={_STRUCTURE + structure.name: (False, True)},
                    cost=structure.cost(setting),
                    priority=priority,
                )
            )
    if "wider" in often:
        reason = "networks of scikit-learn have none"
        left += [NotApplicable(name=name, words=words, reason=reason) for name, words in _OF_NETWORKS]
    return tuple(found), tuple(left)


def combined_estimator(estimator: Any, parts: Sequence[Intervention], setting: EstimatorSetting) -> Intervention | None:
    """Give several changes as one; None where they change the same value.

    Example:
        >>> from sklearn.neighbors import KNeighborsRegressor
        >>> setting = EstimatorSetting(rows=200, columns=3, classification=False)
        >>> found, _ = estimator_interventions(KNeighborsRegressor(), setting)
        >>> both = combined_estimator(KNeighborsRegressor(), (found[0], found[2]), setting)
        >>> both.variant
        KNeighborsRegressor(n_neighbors=15, weights='distance')
    """
    changes: dict[str, tuple[Any, Any]] = {}
    for part in parts:
        if not part.changes or changes.keys() & part.changes.keys():
            return None
        changes |= part.changes
    values = {name: new for name, (_, new) in changes.items() if not name.startswith(_STRUCTURE)}
    changed = clone(estimator).set_params(**values)
    for structure in STRUCTURES:
        if _STRUCTURE + structure.name in changes:
            changed = structure.change(changed, setting)
            if changed is None:
                return None
    cost = 1.0
    for part in parts:
        cost *= part.cost
    return Intervention(
        name="+".join(part.name for part in parts),
        words=" and ".join(part.words for part in parts),
        direction=parts[0].direction if len({part.direction for part in parts}) == 1 else EITHER,
        variant=changed,
        changes=changes,
        cost=cost,
    )


def _intervention(
    estimator: Any, line: Line, owner: Owner, values: Mapping[str, Any], *, name: str, priority: int, shared: int
) -> Intervention:
    changes = {owner.path + each: (owner.values.get(each), value) for each, value in values.items()}
    old, new = owner.values[line.parameter], values[line.parameter]
    return Intervention(
        name=name,
        words=f"{line.said} ({line.parameter} {_shown(old)} to {_shown(new)}{_of(owner, shared)})",
        direction=line.direction,
        variant=clone(estimator).set_params(**{each: value for each, (_, value) in changes.items()}),
        changes=changes,
        cost=_factor(old, new) ** line.power,
        priority=priority,
    )


def _of(owner: Owner, shared: int) -> str:
    """Say whose parameter it is, where several have one."""
    return f" of {owner.path.removesuffix('__') or 'the whole'}" if shared > 1 else ""


def _factor(old: Any, new: Any) -> float:
    """How many times as large a value has become."""
    before, after = (sum(value) if isinstance(value, tuple | list) else value for value in (old, new))
    if any(isinstance(value, bool) or not isinstance(value, int | float) or value <= 0 for value in (before, after)):
        return 1.0
    return float(after / before)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

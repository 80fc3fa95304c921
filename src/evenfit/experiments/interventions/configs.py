"""Interventions on a config: a table, a row for each.

To add one, write what it changes and name it in `INTERVENTIONS`; `tests/experiments/interventions/test_configs.py`
then holds it to the laws that all share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evenfit.data.encodings import InputShape
from evenfit.experiments.fitting.fleets import Variant
from evenfit.experiments.interventions.intervention import (
    EITHER,
    LESS_BIAS,
    LESS_VARIANCE,
    Intervention,
    NotApplicable,
)
from evenfit.experiments.sizing import epoch_seconds
from evenfit.specs.config import Config

_MOST_WIDTH = 4096


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a config is to learn from, as far as changes of it depend on that."""

    shape: InputShape
    outputs: int  # classes, or 1
    rows: int  # that a split trains on
    classification: bool


Changes = Mapping[str, Any]
Change = Callable[[Config, Setting], Changes | str]  # new values by name, or why there are none


def config_interventions(
    variant: Variant, setting: Setting
) -> tuple[tuple[Intervention, ...], tuple[NotApplicable, ...]]:
    """Give the changes that a config can have, in the order of the table, and those that it cannot.

    Example:
        >>> setting = Setting(
        ...     shape=InputShape(numeric=2, features=2, cardinalities=()), outputs=1, rows=80, classification=False
        ... )
        >>> found, left = config_interventions(Variant(config=Config(dropout=0.0)), setting)
        >>> [one.name for one in left]
        ['label_smoothing', 'less_dropout', 'less_l2', 'larger_batches']
    """
    found: list[Intervention] = []
    left: list[NotApplicable] = []
    config = variant.config
    own = _seconds(variant, setting)
    for priority, row in enumerate(INTERVENTIONS):
        values = row.change(config, setting)
        if isinstance(values, str):
            if values:
                left.append(NotApplicable(name=row.name, words=row.words(config, {}), reason=values))
            continue
        changed = changed_variant(variant, values)
        found.append(
            Intervention(
                name=row.name,
                words=row.words(config, values),
                direction=row.direction,
                variant=changed,
                changes={name: (getattr(config, name), value) for name, value in values.items()},
                cost=_seconds(changed, setting) / own,
                priority=priority,
            )
        )
    return tuple(found), tuple(left)


def changed_variant(variant: Variant, values: Changes) -> Variant:
    """Give a variant with some of its config's values changed.

    One that is judged at an epoch before its last keeps the share of its training, so that other epochs mean what
    they mean.
    """
    config = variant.config.with_values(**values)
    if variant.epoch is None or "epochs" not in values:
        return Variant(config=config, epoch=variant.epoch)
    share = variant.epochs / variant.config.epochs
    return Variant(config=config, epoch=max(1, round(share * config.epochs)))


def combined(variant: Variant, parts: Sequence[Intervention], setting: Setting) -> Intervention | None:
    """Give two changes as one; None where they change the same value.

    Example:
        >>> setting = Setting(
        ...     shape=InputShape(numeric=2, features=2, cardinalities=()), outputs=1, rows=80, classification=False
        ... )
        >>> found, _ = config_interventions(Variant(config=Config()), setting)
        >>> wider, deeper = (one for one in found if one.name in ("wider", "deeper"))
        >>> combined(Variant(config=Config()), (wider, deeper), setting).variant.config.width
        256
    """
    values: dict[str, Any] = {}
    for part in parts:
        for name, (_, value) in part.changes.items():
            if name in values or not hasattr(variant.config, name):
                return None
            values[name] = value
    if not values:
        return None
    changed = changed_variant(variant, values)
    return Intervention(
        name="+".join(part.name for part in parts),
        words=" and ".join(part.words for part in parts),
        direction=parts[0].direction if len({part.direction for part in parts}) == 1 else EITHER,
        variant=changed,
        changes={name: (getattr(variant.config, name), value) for name, value in values.items()},
        cost=_seconds(changed, setting) / _seconds(variant, setting),
    )


def _seconds(variant: Variant, setting: Setting) -> float:
    """Core-seconds of one fit, by the fixed model of costs."""
    each = epoch_seconds(variant.config, setting.shape, setting.outputs, setting.rows)
    return variant.epochs * each


# ---- what changes: new values by name; or why it cannot be, empty where there is nothing to say


def _factor(name: str, factor: float, *, start: float, most: float = float("inf"), least: float = 0.0) -> Change:
    """Multiply a number; from 0 it starts somewhere, and what would not move is not to be had."""

    def change(config: Config, setting: Setting) -> Changes | str:
        del setting
        known = getattr(config, name)
        if known == 0:
            return {name: start} if start else f"{_plain(name)} is 0 already"
        value = min(most, known * factor)
        if factor < 1 and known <= least:
            value = 0.0
        return {name: _rounded(value)} if value != known else f"{_plain(name)} is {known:g} already"

    return change


def _more_dropout(config: Config, setting: Setting) -> Changes | str:
    del setting
    if config.depth == 0:
        return "there are no hidden units"
    if config.dropout >= 0.85:
        return f"dropout is {config.dropout:g} already"
    kept = 1 - config.dropout
    return {"dropout": 0.2 if config.dropout == 0 else round(1 - 0.7 * kept, 3)}


def _less_dropout(config: Config, setting: Setting) -> Changes | str:
    del setting
    if config.depth == 0 or config.dropout == 0:
        return "there is no dropout"
    return {"dropout": 0.0 if config.dropout <= 0.15 else round(0.4 * config.dropout, 3)}


def _smoothing(config: Config, setting: Setting) -> Changes | str:
    if not setting.classification:
        return "the target is no class"
    known = config.label_smoothing
    return {"label_smoothing": 0.1 if known == 0 else round(min(0.4, 2.5 * known), 3)} if known < 0.4 else "it is large"


def _wider(config: Config, setting: Setting) -> Changes | str:
    del setting
    if config.depth == 0:
        return "there are no hidden layers"
    return {"width": 2 * config.width} if 2 * config.width <= _MOST_WIDTH else f"the width is {config.width} already"


def _narrower(config: Config, setting: Setting) -> Changes | str:
    del setting
    if config.depth == 0:
        return "there are no hidden layers"
    return {"width": max(2, config.width // 2)} if config.width > 2 else f"the width is {config.width} already"


def _deeper(config: Config, setting: Setting) -> Changes | str:
    del setting
    return {"depth": config.depth + 1} if config.depth < 12 else f"the depth is {config.depth} already"


def _shallower(config: Config, setting: Setting) -> Changes | str:
    del setting
    return {"depth": config.depth - 1} if config.depth > 0 else "there are no hidden layers"


def _longer(config: Config, setting: Setting) -> Changes | str:
    del setting
    return {"epochs": 2 * config.epochs}


def _shorter(config: Config, setting: Setting) -> Changes | str:
    del setting
    return {"epochs": config.epochs // 2} if config.epochs > 1 else "it trains for one epoch"


def _smaller_batches(config: Config, setting: Setting) -> Changes | str:
    known = min(config.batch_rows, setting.rows)
    return {"batch_rows": max(1, known // 2)} if known > 8 else f"batches have {known} rows already"


def _larger_batches(config: Config, setting: Setting) -> Changes | str:
    wanted = 2 * config.batch_rows
    return {"batch_rows": wanted} if wanted <= setting.rows // 2 else "there are too few training rows"


def _averaging(config: Config, setting: Setting) -> Changes | str:
    del setting
    if config.epochs < 4:
        return "it trains for too few epochs"
    known = config.weight_averaging
    value = 0.8 if known == 0 else round(1 - (1 - known) / 2.5, 3)
    return {"weight_averaging": value} if value < 0.99 else f"weights are averaged by {known:g} already"


def _embedding(config: Config, setting: Setting) -> Changes | str:
    if not setting.shape.numeric:
        return "no column has many numbers"
    if config.numeric_embedding == "none":
        return "" if setting.shape.numeric > 64 else {"numeric_embedding": "pbld"}
    return ""


def _no_embedding(config: Config, setting: Setting) -> Changes | str:
    if config.numeric_embedding == "none" or not setting.shape.numeric:
        return ""
    return {"numeric_embedding": "none"}


def _other_inputs(config: Config, setting: Setting) -> Changes | str:
    if not setting.shape.numeric:
        return ""
    return {"inputs": "quantile" if config.inputs == "robust" else "robust"}


def _off(name: str) -> Change:
    """Do without a regulariser that is there."""

    def change(config: Config, setting: Setting) -> Changes | str:
        del setting
        return {name: 0.0} if getattr(config, name) else ""

    return change


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _plain(name: str) -> str:
    return {"l1": "L1", "l2": "L2"}.get(name, name.replace("_", " "))


# ---- how a change is called: given the config and the new values, which are empty where it cannot be


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    direction: str
    change: Change
    said: str  # in a few words; {old} and {new} stand for the value

    def words(self, config: Config, values: Changes) -> str:
        """Call the change by its name, with its values where it has any."""
        if not values:
            return self.said.split(":", maxsplit=1)[0]
        ((name, value),) = values.items()
        old = getattr(config, name)
        return self.said.replace("{old}", _shown(old)).replace("{new}", _shown(value)).replace(":", "", 1)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


INTERVENTIONS = (
    Row(name="wider", direction=LESS_BIAS, change=_wider, said="wider: ({old} to {new} units)"),
    Row(name="longer", direction=LESS_BIAS, change=_longer, said="longer: ({old} to {new} epochs)"),
    Row(name="deeper", direction=LESS_BIAS, change=_deeper, said="deeper: ({old} to {new} hidden layers)"),
    Row(name="more_dropout", direction=LESS_VARIANCE, change=_more_dropout, said="more dropout: ({old} to {new})"),
    Row(
        name="more_l2",
        direction=LESS_VARIANCE,
        change=_factor("l2", 5, start=0.1, most=30),
        said="stronger L2: ({old} to {new})",
    ),
    Row(
        name="more_l1",
        direction=LESS_VARIANCE,
        change=_factor("l1", 5, start=0.02, most=3),
        said="stronger L1: ({old} to {new})",
    ),
    Row(name="shorter", direction=LESS_VARIANCE, change=_shorter, said="shorter: ({old} to {new} epochs)"),
    Row(
        name="lower_learning_rate",
        direction=EITHER,
        change=_factor("learning_rate", 0.4, start=0.0),
        said="a lower learning rate: ({old} to {new})",
    ),
    Row(
        name="higher_learning_rate",
        direction=EITHER,
        change=_factor("learning_rate", 2.5, start=0.0),
        said="a higher learning rate: ({old} to {new})",
    ),
    Row(name="narrower", direction=LESS_VARIANCE, change=_narrower, said="narrower: ({old} to {new} units)"),
    Row(
        name="label_smoothing",
        direction=LESS_VARIANCE,
        change=_smoothing,
        said="label smoothing: ({old} to {new})",
    ),
    Row(name="mixup", direction=LESS_VARIANCE, change=_factor("mixup", 3, start=0.2, most=2), said="mixup: ({new})"),
    Row(
        name="input_noise",
        direction=LESS_VARIANCE,
        change=_factor("input_noise", 3, start=0.15, most=1),
        said="input noise: ({old} to {new} deviations)",
    ),
    Row(
        name="weight_averaging",
        direction=LESS_VARIANCE,
        change=_averaging,
        said="averaged weights: (decay {old} to {new})",
    ),
    Row(name="less_dropout", direction=LESS_BIAS, change=_less_dropout, said="less dropout: ({old} to {new})"),
    Row(
        name="less_l2",
        direction=LESS_BIAS,
        change=_factor("l2", 0.2, start=0.0),
        said="weaker L2: ({old} to {new})",
    ),
    Row(name="less_l1", direction=LESS_BIAS, change=_off("l1"), said="no L1: ({old} to {new})"),
    Row(name="shallower", direction=LESS_VARIANCE, change=_shallower, said="shallower: ({old} to {new} hidden layers)"),
    Row(
        name="input_dropout",
        direction=LESS_VARIANCE,
        change=_factor("input_dropout", 2.5, start=0.1, most=0.5),
        said="dropped inputs: ({old} to {new})",
    ),
    Row(name="embedding", direction=LESS_BIAS, change=_embedding, said="periodic embeddings of numbers:"),
    Row(name="no_embedding", direction=LESS_VARIANCE, change=_no_embedding, said="no periodic embeddings of numbers:"),
    Row(
        name="smaller_batches", direction=EITHER, change=_smaller_batches, said="smaller batches: ({old} to {new} rows)"
    ),
    Row(name="larger_batches", direction=EITHER, change=_larger_batches, said="larger batches: ({old} to {new} rows)"),
    Row(name="other_inputs", direction=EITHER, change=_other_inputs, said="inputs scaled otherwise: ({old} to {new})"),
    Row(name="no_mixup", direction=LESS_BIAS, change=_off("mixup"), said="no mixup: ({old} to {new})"),
    Row(
        name="no_smoothing",
        direction=LESS_BIAS,
        change=_off("label_smoothing"),
        said="no label smoothing: ({old} to {new})",
    ),
    Row(name="no_noise", direction=LESS_BIAS, change=_off("input_noise"), said="no input noise: ({old} to {new})"),
)

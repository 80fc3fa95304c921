"""Subject: what a user gave to be measured, a model of any kind and rows; and the learner that fits it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evenfit.data.arrays import from_memory
from evenfit.data.schema import Table, read_groups
from evenfit.data.targets import find_target, present, read_target
from evenfit.errors import ConfigError, DataError
from evenfit.experiments.fitting.fits import Learner
from evenfit.experiments.fitting.fleets import Variant, fit_fleets
from evenfit.experiments.fitting.rows import Rows, join
from evenfit.specs.config import Config
from evenfit.specs.training import Training

CONFIG, ESTIMATOR, MODULE = "config", "estimator", "module"


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """A model of some kind, and all rows: those that may train, and those to judge by that were given apart."""

    kind: str  # config, estimator or module
    model: Any  # Config, a scikit-learn estimator, or a factory of nn.Module
    rows: Rows
    table: Table | None = None  # for configs
    groups: npt.NDArray[np.int64] | None = None  # [N] rows of one group are never on both sides of a split
    training: Training | None = None  # for modules
    epoch: int | None = None  # for configs: the epoch at which training ends; None is the last

    def learner(self, variants: Sequence[Any]) -> Learner:
        """Give what fits these variants of the model.

        Args:
            variants: of a config: configs or `Variant`s; of an estimator: estimators; of a module: pairs
                (factory, training).
        """
        if self.kind == CONFIG:
            if self.table is None:
                raise DataError("networks need a table, got none")
            known = [each if isinstance(each, Variant) else Variant(config=each, epoch=self.epoch) for each in variants]
            return partial(fit_fleets, self.table, known)
        if self.kind == ESTIMATOR:
            from evenfit.experiments.fitting.estimators import fit_estimators

            return partial(fit_estimators, self.rows, list(variants))
        from evenfit.experiments.fitting.modules import fit_modules

        return partial(fit_modules, self.rows, list(variants))

    @property
    def variant(self) -> Any:
        """The model as it was given, as a variant of itself."""
        return (self.model, self.training) if self.kind == MODULE else self.model


def make_subject(
    model: Any,
    parts: Sequence[tuple[Any, Any]],
    *,
    task: str | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    training: Training | None = None,
) -> Subject:
    """Understand a model and the rows that it is to be measured on.

    Args:
        model: a `Config`, or "mlp" for the default one; any scikit-learn estimator or pipeline; or a function or class
            that makes a new ``nn.Module`` at each call.
        parts: pairs (X, y), the rows of which are numbered one after the other.
        task: "classification" or "regression"; None finds it from the estimator, else from the target.
        groups: of all rows.
        sample_weight: of all rows.
        training: how modules are trained; None for the usual way.

    Raises:
        ConfigError: the model is of no known kind.
        DataError: the rows or the target cannot be used.

    Example:
        >>> subject = make_subject(Config(width=8), [([[1.0], [2.0], [3.0]], [0.5, 0.1, 0.9])])
        >>> subject.kind, len(subject.rows), subject.rows.task
        ('config', 3, 'regression')
    """
    kind = _kind(model)
    if kind != MODULE and training is not None:
        raise ConfigError(f"training says how a module is trained; the model is {_named(model)}")
    X = join([_rows(X, kind) for X, _ in parts])
    labels = np.concatenate([_labels(y) for _, y in parts])
    if len(X) != len(labels):
        raise DataError(f"there must be a target for each of {len(X):,} rows; got {len(labels):,}")
    if kind == CONFIG:
        known = Config() if isinstance(model, str) else model
        table = from_memory(X, labels, task=task, groups=groups, sample_weight=sample_weight)
        if table.rows < len(labels):
            raise DataError(f"every row must have a target; {len(labels) - table.rows:,} of {len(labels):,} lack one")
        target = table.schema.target
        if target is None or table.target is None:
            raise DataError("networks need a table with its target, got one without")
        rows = Rows(X=X, labels=labels, target=table.target, about=target, weights=table.weights)
        return Subject(kind=kind, model=known, rows=rows, table=table, groups=table.groups)
    series = pl.Series("target", labels.tolist(), strict=False)
    kept = present(series)
    if not kept.all():
        raise DataError(f"every row must have a target; {int((~kept).sum()):,} of {len(labels):,} lack one")
    about = find_target(series, task or _task_of(model, kind))
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    known_rows = Rows(X=X, labels=labels, target=read_target(about, series), about=about, weights=weights)
    grouped = None if groups is None else read_groups(pl.Series("group", np.asarray(groups).tolist(), strict=False))
    given = (training or Training()) if kind == MODULE else None
    return Subject(kind=kind, model=model, rows=known_rows, groups=grouped, training=given)


def subject_of_table(model: Config, table: Table, *, epoch: int | None = None) -> Subject:
    """Give a config, the epoch at which its training ends, and a table that was read from a file as a subject."""
    target = table.schema.target
    if target is None or table.target is None:
        raise DataError("networks need a table with its target, got one without")
    labels = table.target if not target.classes else np.array(target.classes, dtype=object)[table.target]
    rows = Rows(X=table.numeric, labels=labels, target=table.target, about=target, weights=table.weights)
    return Subject(kind=CONFIG, model=model, rows=rows, table=table, groups=table.groups, epoch=epoch)


def _kind(model: Any) -> str:
    """What a model is."""
    if isinstance(model, Config) or model == "mlp":
        return CONFIG
    if isinstance(model, str):
        raise ConfigError(f"model must be 'mlp', a Config, an estimator or a factory of modules; got {model!r}")
    if not isinstance(model, type) and hasattr(model, "fit") and hasattr(model, "get_params"):
        return ESTIMATOR
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        name = type(model).__name__
        raise ConfigError(f"a module must be given as what makes a new one for each fit: lambda: {name}(...)")
    if isinstance(model, type) and hasattr(model, "get_params"):
        raise ConfigError(f"an estimator must be made before it is measured: {model.__name__}()")
    if callable(model):
        return MODULE
    raise ConfigError(
        f"model must be a Config, a scikit-learn estimator, or a function that makes an nn.Module; got {_named(model)}"
    )


def _named(model: Any) -> str:
    """Say what a model is, for a message."""
    return f"a {type(model).__name__}"


def _rows(X: Any, kind: str) -> Any:
    """An array or a data frame as it is; anything else as an array."""
    if hasattr(X, "iloc") or isinstance(X, (np.ndarray, pl.DataFrame)):
        return X
    if hasattr(X, "toarray"):
        raise DataError(f"rows must be dense; got the sparse {type(X).__name__}; give X.toarray() if it fits memory")
    if kind == CONFIG and hasattr(X, "columns"):
        from evenfit.data.frames import to_polars

        return to_polars(X)
    return np.asarray(X)


def _labels(y: Any) -> npt.NDArray[Any]:
    """A target as one axis."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"a target must have one value a row; got the shape {labels.shape}")
    return labels


def _task_of(model: Any, kind: str) -> str | None:
    """The task that an estimator says it has."""
    if kind != ESTIMATOR:
        return None
    from sklearn.base import is_classifier, is_regressor

    try:
        classifies, regresses = is_classifier(model), is_regressor(model)
    except AttributeError:  # estimators of older libraries have no tags: the target says what they are for
        return None
    if classifies:
        return "classification"
    return "regression" if regresses else None

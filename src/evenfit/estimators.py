"""EvenfitClassifier and EvenfitRegressor: tuned networks behind scikit-learn's interface."""

from __future__ import annotations

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import narwhals.stable.v1 as nw
import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_array, check_consistent_length, check_random_state, estimator_html_repr
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    assert_all_finite,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from evenfit.data.arrays import with_known_target
from evenfit.data.copies import without_copies
from evenfit.data.frames import to_polars
from evenfit.data.schema import Table
from evenfit.data.targets import Target, Task
from evenfit.errors import ConfigError, DataError
from evenfit.report.short import short
from evenfit.results.cv_results import cv_results
from evenfit.results.metrics import default_metric, metric_of
from evenfit.runs.deployment import make_model
from evenfit.runs.memory import plan_request, solve, useful_workers
from evenfit.runs.nested import Nesting, share_of
from evenfit.runs.parameters import budget_of, check_known, is_number, is_whole, process_count
from evenfit.runs.request import FitRequest
from evenfit.runs.search import PROPOSALS, Search
from evenfit.runs.spaces import asked_space
from evenfit.runs.warm_start import First, warm_start_of
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.objectives import LOSS
from evenfit.specs.racing import RACING
from evenfit.specs.space import Distribution, Space, SpaceRequest

Array = npt.NDArray[Any]

__all__ = ["EvenfitClassifier", "EvenfitRegressor"]


class _Evenfit(BaseEstimator, ABC):
    """What both estimators share: reading rows, searching, and what is known afterwards."""

    def __init__(  # noqa: PLR0913 - scikit-learn's way: every option is a parameter
        self,
        time_limit: float | None = 60,
        max_trials: int | None = None,
        folds: int = 5,
        metric: str | None = None,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        proposals: str = PROPOSALS,
        racing: str = RACING,
        *,
        max_epochs: int | None = None,
        space: Space | SpaceRequest | Mapping[str, Distribution] | None = None,
        objectives: Sequence[str] = (),
        prefer: str = LOSS,
        nested: int | None = None,
        target_loss: float | None = None,
        stop_when_settled: bool = False,
        try_first: First = None,
    ) -> None:
        self.time_limit = time_limit
        self.max_trials = max_trials
        self.folds = folds
        self.metric = metric
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.proposals = proposals
        self.racing = racing
        self.max_epochs = max_epochs
        self.space = space
        self.objectives = objectives
        self.prefer = prefer
        self.nested = nested
        self.target_loss = target_loss
        self.stop_when_settled = stop_when_settled
        self.try_first = try_first

    @abstractmethod
    def _read_target(self, y: Array) -> tuple[Array, Target]:
        """Give the target as numbers or codes of classes, and what it is."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Tune networks on these rows by cross-validation, until the time or the trials are spent.

        Args:
            X: an array or any data frame: numbers, words, booleans and dates; cells may be missing.
            y: what to predict, one value a row.
            sample_weight: how much each row counts in training, at least 0; rows of weight 0 are left out.

        Raises:
            ValueError: the rows, the target or a parameter cannot be used.
        """
        started = time.monotonic()
        budget = budget_of(self.time_limit, trials=self.max_trials, epochs=self.max_epochs)
        workers = useful_workers(process_count(self.n_jobs), budget)
        if y is None:
            raise DataError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        rows, weights = self._rows(X, reset=True), None
        target = column_or_1d(y, warn=True)
        check_consistent_length(rows, target)
        check_known(target)
        assert_all_finite(target, input_name="y")
        kept = np.arange(len(target))
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
            kept = np.flatnonzero(weights)
            if not len(kept):
                raise DataError("sample weights must contain at least one non-zero number; all are zero")
            rows, weights = rows[kept], weights[kept]
        values, known = self._read_target(target[kept])
        table, first = without_copies(with_known_target(rows, values, known, weights))
        self.rows_ = kept[first]
        folds, notes = self._fold_count(table.rows)
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**31 - 1)
        request = self._request(budget, task=known.task, folds=folds, seed=int(seed))
        where = asked_space(self.space)
        warm = warm_start_of(self.try_first, runs=request.runs, task=known.task, fingerprint="")

        def plan(part: Table, share: Budget, first: Sequence[Config] = ()) -> Search:
            return plan_request(replace(request, budget=share), part, workers=workers, space=where, first=first)

        search = replace(plan(table, share_of(budget, self.nested), warm.configs), searches=1 + (self.nested or 0))
        notes = (*table.notes, *notes, *([warm.note] if warm.note else []))
        nesting = None if self.nested is None else Nesting(folds=self.nested, seed=request.seed, budget=budget)
        solved = solve(search, workers=workers, started=started, notes=notes, nesting=nesting, plan=plan)
        self.study_ = solved.study
        self.model_ = make_model(search, solved.found, solved.study)
        self.cv_results_ = cv_results(solved.study)
        self.best_index_ = [trial.number for trial in solved.study.trials].index(solved.study.selected.trial)
        self.best_config_ = solved.study.selected.config
        self.estimate_ = solved.study.estimate
        return self

    def _outputs(self, X: Any) -> Array:
        """The model's outputs for new rows: float64 ``[rows, classes]`` or ``[rows, 1]``."""
        check_is_fitted(self)
        return self.model_.outputs(self._rows(X, reset=False))

    def _rows(self, X: Any, *, reset: bool) -> pl.DataFrame:
        """The rows as a polars frame, checked as scikit-learn does, under the names that training saw."""
        if isinstance(X, Mapping | pl.LazyFrame):
            X = to_polars(X)
        least = 2 if reset else 1
        _check_names(X)
        if nw.dependencies.is_into_dataframe(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            _check_size(X, least=least)
        else:
            checks = {"dtype": None, "ensure_all_finite": False, "ensure_min_samples": least}
            X = validate_data(self, X, reset=reset, **checks)
        if reset:
            self._columns = list(getattr(self, "feature_names_in_", [f"x{at}" for at in range(self.n_features_in_)]))
        try:
            return to_polars(X, columns=self._columns)
        except DataError as error:
            if "argument must be" in str(error):  # a cell that is no value: scikit-learn wants a TypeError
                raise TypeError(str(error)) from error
            raise

    def _request(self, budget: Budget, *, task: str, folds: int, seed: int) -> FitRequest:
        """The options as a request, which checks them."""
        metric_of(self.metric or default_metric(task), task=task)
        if self.nested is not None and not is_whole(self.nested):
            raise ConfigError(f"nested must be a whole number of at least 2, or None; got {self.nested!r}")
        if self.target_loss is not None and not is_number(self.target_loss):
            raise ConfigError(f"target_loss must be a number, or None; got {self.target_loss!r}")
        if isinstance(self.objectives, str):
            raise ConfigError(f"objectives must be several words, such as ('loss', 'size'); got {self.objectives!r}")
        return FitRequest(
            table="memory",
            target="target",
            budget=budget,
            folds=folds,
            seed=seed,
            metric=self.metric,
            proposals=self.proposals,
            racing=self.racing,
            objectives=tuple(self.objectives),
            prefer=self.prefer,
            nested=None if self.nested is None else int(self.nested),
            target_loss=self.target_loss,
            stop_when_settled=bool(self.stop_when_settled),
        )

    def _fold_count(self, rows: int) -> tuple[int, tuple[str, ...]]:
        if not is_whole(self.folds) or self.folds < 2:
            raise ConfigError(f"folds must be a whole number of at least 2, got {self.folds!r}")
        if rows >= self.folds:
            return int(self.folds), ()
        note = f"folds are {rows} instead of {self.folds}: there are no more rows"
        warnings.warn(note, UserWarning, stacklevel=3)
        return rows, (note,)

    def _html_repr(self) -> str:
        """Scikit-learn's diagram; beside it, once fitted, what came of the search."""
        diagram = str(estimator_html_repr(self))
        if not hasattr(self, "study_"):
            return diagram
        return f'<div style="display: flex; gap: 1.5em; align-items: flex-start">{diagram}{short(self.study_)}</div>'

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        # Words are taken too; but the tag for them promises to take any object, which is refused here.
        tags.input_tags.categorical = True
        return tags


class EvenfitClassifier(ClassifierMixin, _Evenfit):
    """A classifier that is tuned by cross-validation and says what to expect of it on fresh rows.

    Predictions are the mean probabilities of the networks of all folds. The same ``random_state``
    and ``max_trials`` give the same model on any number of processes, whatever the order of the rows.

    Args:
        time_limit: seconds that ``fit`` may take; None for no limit.
        max_trials: configs to try; with it, results do not depend on the machine's speed unless time runs out.
        folds: of the cross-validation; fewer where there are fewer rows.
        metric: what selection looks at: log_loss (also for None), accuracy, balanced_accuracy, auc or f1.
        random_state: a seed, or a generator that one is drawn from.
        n_jobs: processes: None is this one, -1 is one a core.
        proposals: how configs are chosen, as of ``evenfit fit``: random, tpe, mixed and others.
        racing: when the worse configs are dropped: halving, hyperband, finish-best, forgiving or none.
        max_epochs: epochs of single networks in all: a config of 32 epochs on 5 folds takes 160.
        space: where to look: a ``Space``, with a default of its own; or a ``SpaceRequest``, laid over the space that
            fits the table, which is what None gives. A dict of distributions is such a request.
        objectives: ("loss", "size") or ("loss", "latency") looks for small or fast networks, too: ``study_.front``.
        prefer: which of the front is selected: loss, small or knee.
        nested: outer folds of nested cross-validation, whose searches share the limits with this one's:
            ``study_.nested``.
        target_loss: the search ends at this loss on cross-validation, as the metric is shown: an RMSE for rmse.
        stop_when_settled: the search ends where no gain is to be expected that the folds could show.
        try_first: configs that are tried after the default; or a study, or a stored run's name, whose best are.

    Attributes:
        classes_: the labels, sorted.
        estimate_: the metric's loss to expect on fresh rows, with its interval: corrected for the search.
        study_: all trials, the selected config, the verdict. Its rows are ``rows_`` of those given.
        cv_results_: a dict of arrays, an entry a trial; higher scores are better.
        best_index_, best_config_: the selected trial; simpler than the best where that is as good.
        model_: the networks; ``model_.save(folder)`` and ``evenfit.load_model(folder)`` keep them without pickle.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = EvenfitClassifier(max_trials=2, random_state=0).fit(X, y)
        >>> bool(model.score(X, y) > 0.9)
        True
    """

    def predict(self, X: Any) -> Array:
        """Give the likeliest class of each row."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def predict_proba(self, X: Any) -> Array:
        """Give each class's probability, in the order of ``classes_``: ``[rows, classes]``, rows summing to 1."""
        outputs = self._outputs(X)
        return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))

    def _read_target(self, y: Array) -> tuple[Array, Target]:
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"y must have at least two classes; got one class alone, {self.classes_.tolist()[0]!r}, "
                "in all rows with a weight above 0"
            )
        task: Task = "binary" if len(self.classes_) == 2 else "multiclass"
        return codes.astype(np.int64), Target(name="target", task=task, classes=tuple(self.classes_.tolist()))


class EvenfitRegressor(RegressorMixin, _Evenfit):
    """A regressor that is tuned by cross-validation and says what to expect of it on fresh rows.

    Predictions are the mean of the networks of all folds. The same ``random_state`` and
    ``max_trials`` give the same model on any number of processes, whatever the order of the rows.

    Args:
        time_limit: seconds that ``fit`` may take; None for no limit.
        max_trials: configs to try; with it, results do not depend on the machine's speed unless time runs out.
        folds: of the cross-validation; fewer where there are fewer rows.
        metric: what selection looks at: rmse (also for None), mae or r2.
        random_state: a seed, or a generator that one is drawn from.
        n_jobs: processes: None is this one, -1 is one a core.
        proposals: how configs are chosen, as of ``evenfit fit``: random, tpe, mixed and others.
        racing: when the worse configs are dropped: halving, hyperband, finish-best, forgiving or none.
        max_epochs: epochs of single networks in all: a config of 32 epochs on 5 folds takes 160.
        space: where to look: a ``Space``, with a default of its own; or a ``SpaceRequest``, laid over the space that
            fits the table, which is what None gives. A dict of distributions is such a request.
        objectives: ("loss", "size") or ("loss", "latency") looks for small or fast networks, too: ``study_.front``.
        prefer: which of the front is selected: loss, small or knee.
        nested: outer folds of nested cross-validation, whose searches share the limits with this one's:
            ``study_.nested``.
        target_loss: the search ends at this loss on cross-validation, as the metric is shown: an RMSE for rmse.
        stop_when_settled: the search ends where no gain is to be expected that the folds could show.
        try_first: configs that are tried after the default; or a study, or a stored run's name, whose best are.

    Attributes:
        estimate_: the metric's loss to expect on fresh rows (the mean squared error for rmse), with its interval.
        study_: all trials, the selected config, the verdict. Its rows are ``rows_`` of those given.
        cv_results_: a dict of arrays, an entry a trial; higher scores are better.
        best_index_, best_config_: the selected trial; simpler than the best where that is as good.
        model_: the networks; ``model_.save(folder)`` and ``evenfit.load_model(folder)`` keep them without pickle.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> model = EvenfitRegressor(max_trials=2, random_state=0).fit(X, y)
        >>> bool(model.score(X, y) > 0.3)
        True
    """

    def predict(self, X: Any) -> Array:
        """Give the number that is expected for each row."""
        return np.asarray(self._outputs(X)[:, 0])

    def _read_target(self, y: Array) -> tuple[Array, Target]:
        numbers = np.asarray(check_array(y, ensure_2d=False, dtype=np.float64, input_name="y"))
        if np.abs(numbers).max() > 1e30:
            raise DataError(f"y must lie within 1e30 of 0; got {numbers[np.abs(numbers).argmax()]:g}")
        return numbers, Target(name="target", task="regression")


def _check_size(X: Any, *, least: int) -> None:
    """A data frame has rows and columns, in the words of scikit-learn."""
    rows, columns = X.shape
    if rows < least:
        raise DataError(f"Found array with {rows} sample(s) (shape={X.shape}) while a minimum of {least} is required.")
    if columns < 1:
        raise DataError(f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")


def _check_names(X: Any) -> None:
    """No name of a pandas frame comes twice; others cannot have that."""
    columns: Any = getattr(X, "columns", None)
    if not getattr(columns, "is_unique", True):
        raise DataError(f"a table must name each column once; got {list(map(str, columns))}")

"""bias_variance: where an expected loss comes from, for a model of any kind."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenfit.data.splits import Split
from evenfit.errors import ConfigError, DataError
from evenfit.experiments.bias_variance import (
    SAMPLINGS,
    TrainingSets,
    bootstrap,
    disjoint,
    gather,
    given,
    hold_out,
    out_of_bag,
    plan_fits,
    shortened,
    silent,
)
from evenfit.experiments.fitting.fits import never
from evenfit.experiments.fitting.repeats import note_on_repeats
from evenfit.results.decomposition.bias_variance import BiasVariance
from evenfit.results.decomposition.decompose import check_loss, decompose
from evenfit.results.decomposition.noise import measure_noise
from evenfit.results.decomposition.sweep import BiasVarianceSweep, make_sweep
from evenfit.runs.measures.cautions import SHARED, cautions, constant_note, few_rows, row_numbers
from evenfit.runs.measures.judges import cores
from evenfit.runs.measures.material import Material, make_material
from evenfit.runs.measures.subject import CONFIG, ESTIMATOR, Subject
from evenfit.specs.training import Training

ROWS = "rows"  # the name under which training rows are swept
REPEATED = "repeated"  # noise that is measured where rows are repeated


def bias_variance(  # noqa: PLR0913 - every option is a keyword
    model: Any,
    X: Any = None,
    y: Any = None,
    *,
    loss: str | None = None,
    replicates: int = 50,
    sampling: str = "bootstrap",
    training_sets: Iterable[tuple[Any, Any]] | None = None,
    X_test: Any = None,
    y_test: Any = None,
    seeds: int = 1,
    rows: int | None = None,
    noise: Any = None,
    over: Mapping[str, Sequence[Any]] | None = None,
    seed: int = 0,
    workers: int | None = None,
    task: str | None = None,
    groups: Any = None,
    training: Training | None = None,
    tell: Callable[[int, int], None] = silent,
) -> BiasVariance | BiasVarianceSweep:
    """Take a model's expected loss apart into bias, variance and noise.

    The model is fitted to many training sets, and all are judged by the same rows. Rows to judge by are ``X_test`` and
    ``y_test`` where they are given; else a quarter of the rows is held out, or, with ``sampling="out-of-bag"``, each
    replicate is judged by the rows that it did not draw. A warning says how many rows to judge by equal a training row.

    Args:
        model: a `Config`, or "mlp" for the default one; any scikit-learn estimator or pipeline; or a function that
            makes a new ``nn.Module``.
        X: an array [rows, columns] or any data frame.
        y: what to predict, a value for each row.
        loss: "squared", "log", "zero-one" (Kohavi and Wolpert) or "domingos"; None is squared error for numbers and
            log loss for classes.
        replicates: training sets; at least 2.
        sampling: "bootstrap" draws each replicate's rows with replacement; "disjoint" deals each row to one replicate,
            so that training sets are independent, and small; "out-of-bag" is a bootstrap without rows held out.
        training_sets: pairs (X, y) to use instead, such as fixed inputs with fresh noise.
        X_test: rows to judge by.
        y_test: their target.
        seeds: fits of each replicate that differ by chance alone; from 2 on, variance is split into data and seed.
        rows: that each replicate trains on; None is as many as there are, or all dealt out.
        noise: what is known of it, for the rows that are judged or for all rows of ``X``: the variance of numbers, one
            or one a row; the probabilities of classes [rows, classes]; None leaves it in the bias.
        over: the name of one hyperparameter, and its values, for a sweep; "rows" is the training rows.
        seed: of everything that is left to chance.
        workers: cores to use; None is all.
        task: "classification" or "regression"; None finds it.
        groups: a value for each row of ``X``; rows of one group train together or judge together.
        training: how modules are trained.
        tell: called as fits end, with how many are done and of how many.

    Raises:
        ConfigError: an option is out of its range, or the loss does not fit the task.
        DataError: the rows or the target cannot be used, or fewer than two replicates could be fitted.

    Example:
        >>> from sklearn.linear_model import LinearRegression
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(400, 3))
        >>> y = X[:, 0] ** 2 + 0.1 * rng.normal(size=400)
        >>> found = bias_variance(LinearRegression(), X, y, replicates=20, noise=0.01, workers=1)
        >>> found.bias_squared.corrected.mean > found.variance.corrected.mean  # a line does not bend
        True
    """
    options = Options(
        loss=loss,
        replicates=replicates,
        sampling=sampling,
        seeds=seeds,
        rows=rows,
        noise=noise,
        over=over,
        seed=seed,
    )
    material = make_material(
        model,
        X,
        y,
        training_sets=None if training_sets is None else list(training_sets),
        test=None if X_test is None else (X_test, y_test),
        task=task,
        groups=groups,
        training=training,
    )
    found = measure_bias_variance(material, options, workers=cores(workers), tell=tell)
    for note in found.notes:
        if SHARED in note:
            warnings.warn(note, UserWarning, stacklevel=2)
    return found


def measure_bias_variance(
    material: Material,
    options: Options,
    *,
    workers: int,
    tell: Callable[[int, int], None] = silent,
    stop: Callable[[], bool] = never,
) -> BiasVariance | BiasVarianceSweep:
    """Do what `bias_variance` does, with rows and a model that have been understood; replicates end where told to."""
    subject = material.subject
    classification = subject.rows.task != "regression"
    known_loss = check_loss(options.loss or ("log" if classification else "squared"), classification=classification)
    sets = _training_sets(material, options)
    name, values = options.swept
    points = [shortened(sets, int(value)) for value in values] if name == ROWS else [sets] * len(values)
    variants = [subject.variant if name in ("", ROWS) else _changed(subject, name, value) for value in values]
    splits = [split for point in points for split in point.splits]
    count = len(sets.splits)
    places = [range(count * point, count * (point + 1)) for point in range(len(points))]
    fits = plan_fits(range(len(points)), places, seeds=options.seeds, seed=options.seed)
    fitted = subject.learner(variants)(fits, splits, checkpoints=0, workers=workers, stop=stop)
    gathered = gather(
        fitted,
        fits,
        splits,
        points=len(points),
        seeds=options.seeds,
        judged=sets.judged,
        width=subject.rows.classes,
        tell=tell,
    )
    noise = _noise_of(options.noise, material, sets, loss=known_loss)
    reached = [place for place in range(len(points)) if gathered.complete[place] >= 2]
    if not reached:
        raise DataError(f"at least 2 replicates must be fitted before the end; {max(gathered.complete)} were")
    told = (*cautions(material, sets), *_repeats(subject, variants, splits[0], seed=options.seed), *gathered.notes)
    found = [
        decompose(
            gathered.predictions[place],
            subject.rows.target[sets.judged],
            loss=known_loss,
            classification=classification,
            noise=noise,
            groups=None if subject.groups is None else subject.groups[sets.judged],
            sampling=sets.sampling,
            training_rows=points[place].training_rows,
            failures=gathered.failures[place],
            notes=(*told, *few_rows(points[place]), *constant_note(gathered, place, fits=count * options.seeds)),
        )
        for place in reached
    ]
    if not options.over:
        return found[0]
    missed = [str(value) for place, value in enumerate(values) if place not in reached]
    notes = (*told, f"not reached: {name} {', '.join(missed)}") if missed else told
    return make_sweep(name, [values[place] for place in reached], found, notes=notes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Options:
    """What is asked of a bias-variance measurement; `bias_variance` says what each is.

    Raises:
        ConfigError: an option is out of its range.
    """

    loss: str | None = None
    replicates: int = 50
    sampling: str = "bootstrap"
    seeds: int = 1
    rows: int | None = None
    noise: Any = None
    over: Mapping[str, Sequence[Any]] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("replicates", "seeds", "seed"):
            if not isinstance(getattr(self, name), int | np.integer):
                raise ConfigError(f"{name} must be a whole number, got {getattr(self, name)!r}")
        if self.replicates < 2:
            raise ConfigError(f"replicates must be at least 2: one alone has no variance; got {self.replicates}")
        if self.sampling not in SAMPLINGS:
            raise ConfigError(f"sampling must be one of {', '.join(SAMPLINGS)}; got {self.sampling!r}")
        if self.seeds < 1:
            raise ConfigError(f"seeds must be at least 1, got {self.seeds}")
        if self.seed < 0:
            raise ConfigError(f"seed must be at least 0, got {self.seed}")
        if self.over is not None and (len(self.over) != 1 or not len(next(iter(self.over.values())))):
            raise ConfigError(f"over must name one hyperparameter with its values; got {dict(self.over)!r}")

    @property
    def swept(self) -> tuple[str, list[Any]]:
        """The hyperparameter that is swept, and its values; no name and one value where none is."""
        return next((name, list(values)) for name, values in self.over.items()) if self.over else ("", [None])


def _training_sets(material: Material, options: Options) -> TrainingSets:
    test = material.test
    if material.given and test is not None:
        return given(material.sizes, test)
    pool = np.arange(material.sizes[0])
    groups = material.subject.groups
    if options.sampling == "out-of-bag":
        if test is not None:
            raise ConfigError("sampling='out-of-bag' judges by the rows that are not drawn; leave X_test out")
        return out_of_bag(pool, replicates=options.replicates, rows=options.rows, seed=options.seed, groups=groups)
    if test is None:
        pool, test = hold_out(material.subject.rows.target, seed=options.seed, groups=groups)
    draw = disjoint if options.sampling == "disjoint" else bootstrap
    return draw(pool, test, replicates=options.replicates, rows=options.rows, seed=options.seed, groups=groups)


def _changed(subject: Subject, name: str, value: Any) -> Any:
    """The model with one hyperparameter changed."""
    if subject.kind == CONFIG:
        return type(subject.model).from_json(subject.model.to_json() | {name: value})
    if subject.kind == ESTIMATOR:
        from sklearn.base import clone

        if name not in subject.model.get_params(deep=True):
            known = ", ".join(sorted(subject.model.get_params(deep=True)))
            raise ConfigError(f"the model has no parameter named {name!r}; it has {known}")
        return clone(subject.model).set_params(**{name: value})
    if subject.training is not None and hasattr(subject.training, name):
        return subject.model, subject.training.with_values(**{name: value})
    return _with_argument(subject.model, name, value), subject.training


def _with_argument(factory: Callable[..., Any], name: str, value: Any) -> Callable[[], Any]:
    """A factory of modules with one of its arguments set."""
    from functools import partial

    return partial(factory, **{name: value})


def _repeats(subject: Subject, variants: Sequence[Any], split: Split, *, seed: int) -> tuple[str, ...]:
    """Say so where a model that is not evenfit's own is another each time that it is fitted to the same rows."""
    if subject.kind == CONFIG:
        return ()
    name = type(subject.model).__name__ if subject.kind == ESTIMATOR else "the module"
    note = note_on_repeats(subject.learner(variants), split, seed=seed, name=name)
    return (note,) if note else ()


def _noise_of(noise: Any, material: Material, sets: TrainingSets, *, loss: str) -> Any:
    """The noise of the judged rows: as it is known, or as it is measured where all rows have some that are equal."""
    rows = material.subject.rows
    if isinstance(noise, str):
        if noise != REPEATED:
            raise ConfigError(f"noise must be numbers, or {REPEATED!r} to measure it where rows are; got {noise!r}")
        return measure_noise(row_numbers(material), rows.target, loss=loss, classes=rows.classes)
    if noise is None or np.ndim(noise) == 0 or material.test is not None:
        return noise
    given_noise = np.asarray(noise, dtype=np.float64)
    return given_noise[sets.judged] if len(given_noise) == len(rows) else given_noise

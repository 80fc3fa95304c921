"""Diagnose: what is the matter with a model on a table, and what was measured to help."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.encodings import fit_encoding
from evenfit.data.splits import Split
from evenfit.errors import BudgetError, DataError
from evenfit.experiments.diagnosis import (
    CHECKPOINTS,
    Case,
    Findings,
    Outcome,
    Wish,
    by_repeat,
    ensemble_losses,
    measure_remedies,
    run_round,
)
from evenfit.experiments.fitting.fleets import Variant
from evenfit.experiments.interventions.configs import Setting, config_interventions, fewer_rows
from evenfit.experiments.interventions.intervention import (
    LESS_BIAS,
    LESS_VARIANCE,
    Intervention,
    NotApplicable,
)
from evenfit.experiments.nested import nested
from evenfit.results.baseline import constant_loss
from evenfit.results.diagnosis.concluding import (
    Measured,
    Weighing,
    curve_ends,
    data_slope,
    epoch_curve,
    loss_parts,
    own_losses,
    weigh_remedies,
)
from evenfit.results.diagnosis.diagnosis import Diagnosis
from evenfit.results.diagnosis.judging import judge
from evenfit.results.diagnosis.remedy import NotTested
from evenfit.results.diagnosis.signs import ENSEMBLE, Signs
from evenfit.results.metrics import metric_of
from evenfit.results.study import Truth
from evenfit.results.verdict import NOTABLE
from evenfit.runs.clock import process_age
from evenfit.runs.measures.judges import cores, find_metric, row_counts
from evenfit.runs.measures.judges import splits_of as make_splits_of
from evenfit.runs.measures.subject import CONFIG, Subject, make_subject
from evenfit.specs.budget import Budget
from evenfit.specs.training import Training

PLACEBOS = 5
SHARES = (0.5, 0.71)  # of the training rows, for the slope of more
_REPORT = 2.0  # seconds of the budget that are kept for what follows the fits, here
Numbers = npt.NDArray[np.floating]
Tell = Callable[[str, int], None]


def _silent(doing: str, fits: int) -> None:
    """Tell nobody."""
    del doing, fits


def diagnose(  # noqa: PLR0913 - every option is a keyword
    model: Any,
    X: Any,
    y: Any,
    *,
    budget: Budget | str | float = "90s",
    error: float | None = None,
    metric: str | None = None,
    task: str | None = None,
    groups: Any = None,
    sample_weight: Any = None,
    training: Training | None = None,
    X_validation: Any = None,
    y_validation: Any = None,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    workers: int | None = None,
) -> Diagnosis:
    """Say whether a model underfits, overfits or neither, and measure what would help.

    Args:
        model: a `Config`, or "mlp"; any scikit-learn estimator or pipeline; or what makes a new ``nn.Module``.
        X: an array [rows, columns] or any data frame.
        y: what to predict, a value for each row.
        budget: seconds, or a text such as "90s", for everything; a small table takes less.
        error: the acceptable error, in the metric's score: 0.05 of RMSE, 0.9 of accuracy.
        metric: what remedies are judged by; None is log loss or RMSE.
        task: "classification" or "regression"; None finds it.
        groups: a value for each row; rows of one group stay in one fold.
        sample_weight: how much each row counts in training.
        training: how modules are trained.
        X_validation: rows that are otherwise used to judge by: are they like those of X?
        y_validation: their target.
        folds: of the cross-validation.
        repeats: how often to split anew.
        seed: of everything that is left to chance.
        workers: cores; None for all.

    Raises:
        ConfigError: an option is out of its range.
        DataError: the rows or the target cannot be used, or no model could be fitted.
        BudgetError: the budget cannot be read, or is too small for any answer.

    Example:
        >>> from evenfit.specs.config import Config
        >>> generator = np.random.default_rng(0)
        >>> X = generator.uniform(-2, 2, (120, 1))
        >>> linear = Config(depth=0, epochs=10, numeric_embedding="none", learning_rate=0.05)
        >>> found = diagnose(linear, X, np.cos(2 * X[:, 0]), workers=1)
        >>> found.verdict, found.remedies[0].name
        ('underfit', 'embedding')
    """
    started = time.monotonic()
    known = budget if isinstance(budget, Budget) else Budget.parse(str(budget))
    if known.seconds is None:
        raise BudgetError(f"budget of a diagnosis must be a time such as 90s; got {known.trials} trials")
    subject = make_subject(model, [(X, y)], task=task, groups=groups, sample_weight=sample_weight, training=training)
    return diagnose_subject(
        subject,
        seconds=known.seconds,
        started=started,
        error=error,
        metric=metric,
        folds=folds,
        repeats=repeats,
        seed=seed,
        workers=workers,
    )


def diagnose_subject(
    subject: Subject,
    *,
    seconds: float,
    started: float | None = None,
    error: float | None = None,
    metric: str | None = None,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    workers: int | None = None,
    tell: Tell = _silent,
) -> Diagnosis:
    """Diagnose a subject, as `diagnose` does.

    Args:
        subject: a model and its rows.
        seconds: of the budget, from ``started`` to the return of this function.
        started: a moment of the monotonic clock; None is the start of this process.
        tell: is told what is being done, and how many models have been fitted.
    """
    began = time.monotonic() - process_age() if started is None else started
    known = find_metric(subject, metric)
    splits = make_splits_of(subject, folds=folds, repeats=repeats, seed=seed)
    examination = _Examination(
        subject=subject,
        splits=splits,
        case=Case(
            learner_of=subject.learner,
            truth=_truth(subject, splits, metric=known.name),
            seed=seed,
            workers=cores(workers),
        ),
        deadline=began + seconds - _REPORT,
        tell=tell,
    )
    return examination.run(error=error, budget=seconds, folds=folds, began=began)


def _truth(subject: Subject, splits: Sequence[Split], *, metric: str) -> Truth:
    """What models are judged by."""
    rows = subject.rows
    repeats = max(split.repeat for split in splits) + 1
    split_of = np.full((repeats, len(rows)), -1, dtype=np.int64)
    for number, split in enumerate(splits):
        split_of[split.repeat, split.validate] = number
    return Truth(
        task=rows.task,
        metric=metric,
        target=rows.target,
        classes=rows.classes,
        split_of=split_of,
        training_rows=np.array([len(split.train) for split in splits]),
        groups=subject.groups,
    )


@dataclass(eq=False, kw_only=True)
class _Examination:
    """One diagnosis under way."""

    subject: Subject
    splits: tuple[Split, ...]
    case: Case
    deadline: float
    tell: Tell

    def __post_init__(self) -> None:
        self.found = Findings()
        self.notes: list[str] = []

    def stop(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.deadline

    def left(self) -> float:
        """Seconds that are left."""
        return self.deadline - time.monotonic()

    def round(self, doing: str, wishes: Sequence[Wish], *, checkpoints: int = 0) -> dict[str, Outcome]:
        """Fit what is wished for."""
        self.tell(doing, self.found.fits)
        return run_round(self.case, self.found, wishes, checkpoints=checkpoints, stop=self.stop)

    def run(self, *, error: float | None, budget: float, folds: int, began: float) -> Diagnosis:
        """Measure the model, its copies, fewer rows and remedies, and conclude."""
        own = self.measure_own()
        fewer = self.measure_fewer()
        interventions, left = self.interventions()
        ordered = in_order(interventions, losses_gap(own, self.case.truth))
        waiting = {one.name: one for one in ordered}
        for names in measure_remedies(
            self.case, self.found, ordered, self.splits, seconds_left=self.left, stop=self.stop
        ):
            self.tell("remedies", self.found.fits)
            for name in names:
                waiting.pop(name, None)
        return self.conclude(
            own, fewer, left=left, untested=list(waiting.values()), error=error, budget=budget, folds=folds, began=began
        )

    def measure_own(self) -> list[Outcome]:
        """Fit the model as it is and its copies: on as many splits, and from as many seeds, as time allows."""
        variant = self.subject_variant()
        first = self.splits[: len({split.fold for split in self.splits})]
        probe = self.round("the model", [Wish(name="0", variant=variant, splits=first)], checkpoints=CHECKPOINTS)
        if "0" not in probe:
            raise BudgetError(
                f"the budget is too small: the model could not be fitted to {len(first)} splits; give it more seconds"
            )
        if all(np.isnan(probe["0"].losses)):
            raise DataError(
                f"no model could be fitted: {'; '.join(probe['0'].failures) or 'its losses are no numbers'}"
            )
        wishes = [Wish(name=str(draw), variant=variant, splits=self.splits, draw=draw) for draw in range(PLACEBOS + 1)]
        outcomes = self.round("the model and its copies", wishes, checkpoints=CHECKPOINTS)
        return [outcomes[wish.name] for wish in wishes if wish.name in outcomes]

    def measure_fewer(self) -> dict[float, Outcome]:
        """Fit the model to fewer rows."""
        if self.subject.kind != CONFIG:
            variants: dict[float, Any] = dict.fromkeys(SHARES, self.subject_variant())
        else:
            variants = {share: fewer_rows(self.subject_variant(), share) for share in SHARES}
        table = self.subject.table
        sets = nested(
            self.splits,
            target=self.subject.rows.target,
            sizes=list(SHARES),
            groups=self.subject.groups,
            time=None if table is None else table.time,
            seed=self.case.seed,
        )
        size = len(self.splits)
        wishes = [
            Wish(name=str(share), variant=variants[share], splits=sets.splits[place * size : (place + 1) * size])
            for place, share in enumerate(SHARES)
        ]
        outcomes = self.round("fewer rows", wishes)
        return {share: outcomes[str(share)] for share in SHARES if str(share) in outcomes}

    def subject_variant(self) -> Any:
        """The model as a variant."""
        if self.subject.kind == CONFIG:
            return Variant(config=self.subject.model, epoch=self.subject.epoch)
        return self.subject.variant

    def setting(self) -> Setting:
        """What a config learns from."""
        table = self.subject.table
        if table is None:
            raise DataError("networks need a table, got none")
        rows = int(np.median(self.case.truth.training_rows))
        return Setting(
            shape=fit_encoding(table, self.splits[0].train).shape,
            outputs=self.case.truth.classes,
            rows=rows,
            classification=self.case.truth.task != "regression",
        )

    def interventions(self) -> tuple[tuple[Intervention, ...], tuple[NotApplicable, ...]]:
        """The changes that this model can have, and those that it cannot."""
        if self.subject.kind == CONFIG:
            return config_interventions(self.subject_variant(), self.setting())
        return (), ()

    def conclude(
        self,
        own: list[Outcome],
        fewer: dict[float, Outcome],
        *,
        left: Sequence[NotApplicable],
        untested: Sequence[Intervention],
        error: float | None,
        budget: float,
        folds: int,
        began: float,
    ) -> Diagnosis:
        """Say what all of it means."""
        truth, found = self.case.truth, self.found
        metric = metric_of(truth.metric, task=truth.task)
        counts = row_counts(self.splits)
        weighing = Weighing(training_rows=counts["training_rows"], validation_rows=counts["validation_rows"])
        losses, training, validation = (
            np.stack([getattr(one, name) for one in own]) for name in ("losses", "training", "validation")
        )
        tested = [
            Measured(
                name=name,
                words=found.interventions[name].words,
                direction=found.interventions[name].direction,
                losses=outcome.losses,
                changes=found.interventions[name].changes,
                seconds=outcome.seconds,
            )
            for name, outcome in found.remedies.items()
        ]
        gain = math.nan
        if len(own) > 1:
            together = ensemble_losses(self.case, own, self.splits)
            gain = float(losses.mean() - together.mean())
            tested.append(
                Measured(
                    name=ENSEMBLE,
                    words=f"the mean of {len(own)} copies' predictions",
                    direction=LESS_VARIANCE,
                    losses=together,
                    members=len(own),
                )
            )
        remedies, placebos = weigh_remedies(losses, tested, weighing)
        slope = data_slope(losses, {share: one.losses for share, one in fewer.items()}, weighing)
        parts = loss_parts(
            by_repeat(own, self.splits, len(truth.target)),
            truth.target,
            classification=truth.task != "regression",
            ensemble_gain=gain,
        )
        curve, falling, turned = None, None, None
        if all(len(one.curves) == len(self.splits) for one in own):
            epochs = own[0].curves[0].epochs
            by_epoch = [
                np.stack([[getattr(curve, name) for curve in one.curves] for one in own]).mean(axis=0).T
                for name in ("training", "validation")
            ]
            curve = epoch_curve(epochs, by_epoch[0], by_epoch[1], weighing)
            falling, turned = curve_ends(epochs, by_epoch[1], weighing)
        shown = own_losses(
            losses, training, validation, constant=constant_loss(truth), metric=metric, weighing=weighing
        )
        signs = Signs(
            loss="squared error" if truth.task == "regression" else "log loss",
            training=shown.training,
            validation=shown.validation,
            gap=shown.gap,
            constant=shown.constant,
            remedies=remedies,
            falling=falling,
            turned=turned,
            data=slope,
            parts=parts,
            headline=shown.headline,
        )
        not_tested = [NotTested(name=one.name, words=one.words, reason=one.reason) for one in left]
        not_tested += [NotTested(name=one.name, words=one.words, reason="no time was left") for one in untested]
        return Diagnosis(
            task=truth.task,
            metric=metric.name,
            metric_label=metric.label,
            higher=metric.higher,
            model=self.subject.kind,
            config=self.subject.model.to_json() if self.subject.kind == CONFIG else {},
            rows=len(truth.target),
            columns=0,
            folds=folds,
            repeats=len(truth.split_of),
            seed=self.case.seed,
            error=error,
            regime=judge(signs),
            losses=shown,
            remedies=remedies,
            placebos=placebos,
            not_tested=tuple(not_tested),
            data=slope,
            curve=curve,
            parts=parts,
            seconds=time.monotonic() - began,
            budget=budget,
            fits=found.fits,
            notes=tuple(self.notes),
        )


def losses_gap(own: Sequence[Outcome], truth: Truth) -> float:
    """The share of what training gained that fresh rows do not share: a first verdict."""
    training = float(np.mean([one.training.mean() for one in own]))
    validation = float(np.mean([one.validation.mean() for one in own]))
    way = constant_loss(truth) - training
    return (validation - training) / way if way > 0 else math.inf if validation > training else 0.0


def in_order(interventions: Sequence[Intervention], lost: float) -> list[Intervention]:
    """Sort interventions: what fits the first verdict comes two by two, with one of the others between.

    Example:
        >>> in_order([], 0.5)
        []
    """
    first = LESS_VARIANCE if lost >= NOTABLE else LESS_BIAS
    fitting = [one for one in interventions if one.direction == first]
    others = [one for one in interventions if one.direction != first]
    ordered: list[Intervention] = []
    while fitting or others:
        ordered += fitting[:2] + others[:1]
        fitting, others = fitting[2:], others[1:]
    return ordered

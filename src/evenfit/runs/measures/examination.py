"""Examination: a model, its copies, fewer rows and remedies fitted while time lasts: all that a diagnosis looks at."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split, make_splits
from evenfit.errors import BudgetError, DataError
from evenfit.experiments.diagnosis import (
    CHECKPOINTS,
    Case,
    Findings,
    Outcome,
    Wish,
    ensemble_losses,
    joined,
    measure_remedies,
    on_splits,
    run_round,
)
from evenfit.experiments.diagnosis_plan import PLACEBOS, Scale, affordable_scale, in_order
from evenfit.experiments.interventions.intervention import LESS_VARIANCE, Intervention, NotApplicable
from evenfit.experiments.nested import nested
from evenfit.results.baseline import constant_loss
from evenfit.results.diagnosis.concluding import Measured, Weighing, weigh_remedies
from evenfit.results.diagnosis.remedy import HELPS, Remedy
from evenfit.results.diagnosis.signs import ENSEMBLE
from evenfit.results.study import Truth
from evenfit.runs.measures.changes import combine, interventions_of, own_variant
from evenfit.runs.measures.subject import Subject

SHARES = (0.5, 0.71)  # of the training rows, for the slope of more
FRESH_DRAW = 100  # of seeds, and of folds: those that chose a remedy would flatter it
_FRESH_REPEATS = 2
_CONFIRMED = 2  # of the remedies that help most
_RESERVE = 85  # fits, of 25 splits: the combination, and all that is measured on fresh folds
_MOST_RESERVED = 0.25  # of the time that is left
_MOST_FAILED = 1 / 3  # of the splits, where the model itself could not be fitted
_ROWS_FOR_FEWER = 20  # training rows; fewer are not cut further

Numbers = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]
Tell = Callable[[str, int], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Fresh:
    """What was measured on folds, and from seeds, that chose nothing."""

    own: Numbers  # [draws, S]
    changed: dict[str, Numbers]  # [S]
    splits: tuple[Split, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Examined:
    """All that was measured."""

    truth: Truth
    splits: tuple[Split, ...]
    own: list[Outcome]  # the model as it is, and its copies
    tested: list[Measured]
    fewer: dict[float, Outcome]
    combination: Measured | None
    parts: tuple[str, str] | None  # names of what is combined
    fresh: Fresh | None
    training_headline: float | None
    judged: list[Outcome]  # the model trained on all rows, judged by those given apart, by seed
    not_applicable: tuple[NotApplicable, ...]
    untested: tuple[Intervention, ...]
    fits: int
    failures: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(eq=False, kw_only=True)
class Examination:
    """One examination under way."""

    subject: Subject
    splits: tuple[Split, ...]
    truth: Truth
    seed: int
    workers: int
    deadline: float  # by the monotonic clock, of fits
    tell: Tell
    validation: Integers | None = None  # rows to judge by that were given apart
    wants_training: bool = False  # whether the headline loss on training rows is wanted
    found: Findings = field(default_factory=Findings)
    notes: list[str] = field(default_factory=list)

    @property
    def case(self) -> Case:
        """What is diagnosed, as it is fitted."""
        return Case(learner_of=self.subject.learner, truth=self.truth, seed=self.seed, workers=self.workers)

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

    def run(self) -> Examined:
        """Measure what time allows, the most telling first."""
        own = self.measure_own()
        judged = self.measure_judged(len(own))
        trained = self.measure_training() if self.wants_training else None
        fewer = self.measure_fewer()
        possible, impossible = interventions_of(self.subject, self.splits, self.truth)
        ordered = in_order(possible, lost_share(own, self.truth))
        known = {one.name: one for one in ordered}
        reserve = _RESERVE * len(self.splits) / 25 * self.found.each / self.workers
        for _ in measure_remedies(
            self.case,
            self.found,
            ordered,
            self.splits,
            seconds_left=lambda: self.left() - min(reserve, _MOST_RESERVED * self.left()),
            stop=self.stop,
        ):
            self.tell("remedies", self.found.fits)
        tested = self.tested(own, known)
        helping = self.helping(own, tested)
        combination, parts = self.measure_combination(helping, known)
        fresh = self.measure_fresh(helping, known, combination, copies=len(own))
        outcomes = [*own, *self.found.remedies.values(), *fewer.values()]
        return Examined(
            truth=self.truth,
            splits=self.splits,
            own=own,
            tested=tested,
            fewer=fewer,
            combination=combination,
            parts=parts,
            fresh=fresh,
            training_headline=trained,
            judged=judged,
            not_applicable=impossible,
            untested=tuple(one for one in ordered if one.name not in self.found.remedies),
            fits=self.found.fits,
            failures=tuple(dict.fromkeys(failure for one in outcomes for failure in one.failures)),
            notes=tuple(dict.fromkeys([*self.notes, *(note for one in outcomes for note in one.notes)])),
        )

    # ---- the model as it is

    def measure_own(self) -> list[Outcome]:
        """Fit the model and its copies: on as many splits, and from as many seeds, as half of the time allows."""
        variant = own_variant(self.subject)
        folds = sum(split.repeat == 0 for split in self.splits)
        first = self.splits[:folds]
        wishes = [
            Wish(name="0", variant=variant, splits=first),
            Wish(name="other", variant=variant, splits=first[:1], draw=1),
        ]
        probe = self.round("the model", wishes, checkpoints=CHECKPOINTS)
        if "0" not in probe or "other" not in probe:
            raise BudgetError(f"the budget is too small: the model could not be fitted to {folds} splits in it")
        if np.isnan(probe["0"].losses).all():
            why = "; ".join(probe["0"].failures) or "its losses are no numbers"
            raise DataError(f"the model could not be fitted to any split: {why}")
        chance = not _same(probe["0"], probe["other"])
        if not chance:
            self.notes.append("The model leaves nothing to chance: copies from other seeds would be the same.")
        scale = self.scale(folds, chance=chance)
        copies: dict[str, Outcome] = {}
        if scale.repeats < self.truth.split_of.shape[0] or scale.copies < PLACEBOS:
            # The first fits of a process pay for much that comes once: look again before anything is given up.
            self.found.forget_pace()
            again = [Wish(name=str(draw), variant=variant, splits=first, draw=draw) for draw in (1, 2) if chance]
            again = again or [Wish(name="0", variant=variant, splits=first)]
            looked = self.round("the model and its copies", again, checkpoints=CHECKPOINTS)
            copies = {name: one for name, one in looked.items() if name != "0"}
            scale = self.scale(folds, chance=chance)
        self.rescale(scale, folds)
        names = [str(draw) for draw in range(scale.copies + 1)]
        begun = {"0": probe["0"]} | copies
        wishes = [
            Wish(
                name=name,
                variant=variant,
                splits=self.splits[folds * (name in begun) :],
                draw=int(name),
            )
            for name in names
        ]
        wishes = [wish for wish in wishes if wish.splits]
        outcomes = self.round("the model and its copies", wishes, checkpoints=CHECKPOINTS) if wishes else {}
        if scale.repeats > 1 and "0" not in outcomes:
            self.rescale(Scale(repeats=1, copies=0), folds)
            return self.without_failures([probe["0"], *copies.values()])
        whole = []
        for name in names:
            parts = [known[name] for known in (begun, outcomes) if name in known]
            if sum(len(part.losses) for part in parts) == len(self.splits):
                whole.append(joined(*parts) if len(parts) == 2 else parts[0])
        return self.without_failures(whole)

    def scale(self, folds: int, *, chance: bool) -> Scale:
        """How often the model itself is fitted, by what a fit has taken so far."""
        return affordable_scale(
            each=self.found.each,
            left=self.left() * self.workers,
            folds=folds,
            repeats=self.truth.split_of.shape[0],
            leaves_chance=chance,
        )

    def rescale(self, scale: Scale, folds: int) -> None:
        """Go on with fewer repeats, where time does not allow all."""
        if scale.repeats < self.truth.split_of.shape[0]:
            self.notes.append(f"Time allowed {scale.repeats} of {self.truth.split_of.shape[0]} repeats.")
            self.splits = self.splits[: scale.repeats * folds]
            self.truth = replace(
                self.truth,
                split_of=self.truth.split_of[: scale.repeats],
                training_rows=self.truth.training_rows[: len(self.splits)],
            )

    def without_failures(self, own: list[Outcome]) -> list[Outcome]:
        """Leave out the splits on which the model itself failed, and copies that failed on another.

        Raises:
            DataError: the model failed on more than a third of the splits.
        """
        whole = own[0]
        good = np.flatnonzero(np.isfinite(whole.losses))
        failed = len(whole.losses) - len(good)
        if failed:
            why = "; ".join(whole.failures) or "its losses are no numbers"
            told = f"failed on {failed} of {len(whole.losses)} splits"
            if failed > _MOST_FAILED * len(whole.losses):
                raise DataError(f"the model {told}, too many to judge it by the others: {why}")
            self.notes.append(f"The model {told}, which are left out: {why}.")
            self.leave(good)
            own = [on_splits(one, good.tolist()) for one in own]
        whole, *copies = own
        kept = [one for one in copies if np.isfinite(one.losses).all()]
        if len(kept) < len(copies):
            self.notes.append(f"{len(copies) - len(kept)} of {len(copies)} copies failed, and were left out.")
        return [whole, *kept]

    def leave(self, places: Integers) -> None:
        """Go on with the splits of these places alone."""
        self.splits = tuple(self.splits[place] for place in places)
        number = np.full(len(self.truth.training_rows) + 1, -1)  # the last, for -1, stays so
        number[places] = np.arange(len(places))
        self.truth = replace(
            self.truth, split_of=number[self.truth.split_of], training_rows=self.truth.training_rows[places]
        )

    def measure_judged(self, seeds: int) -> list[Outcome]:
        """Fit the model to all rows that may train, and judge it by those given apart."""
        if self.validation is None:
            return []
        train = np.unique(np.concatenate([split.train for split in self.splits]))
        split = Split(train=train, validate=self.validation, repeat=0, fold=0)
        wishes = [
            Wish(name=str(draw), variant=own_variant(self.subject), splits=(split,), draw=draw) for draw in range(seeds)
        ]
        outcomes = self.round("rows given to judge by", wishes)
        return [one for one in outcomes.values() if np.isfinite(one.validation).all()]

    def measure_training(self) -> float | None:
        """The headline loss on training rows, where it is no multiple of the loss that training lowers."""
        folds = sum(split.repeat == 0 for split in self.splits)
        splits = tuple(replace(split, validate=split.train) for split in self.splits[:folds])
        wishes = [Wish(name="training", variant=own_variant(self.subject), splits=splits)]
        outcomes = self.round("training rows", wishes)
        return float(outcomes["training"].losses.mean()) if "training" in outcomes else None

    def measure_fewer(self) -> dict[float, Outcome]:
        """Fit the model to fewer rows, for as many epochs, as `learning_curve` does."""
        if min(len(split.train) for split in self.splits) < _ROWS_FOR_FEWER or self.stop():
            return {}
        sets = nested(
            self.splits, target=self.truth.target, sizes=list(SHARES), groups=self.subject.groups, seed=self.seed
        )
        size = len(self.splits)
        wishes = [
            Wish(
                name=str(share),
                variant=own_variant(self.subject),
                splits=sets.splits[place * size : (place + 1) * size],
            )
            for place, share in enumerate(SHARES)
            if place < len(sets.sizes)
        ]
        outcomes = self.round("fewer rows", wishes)
        return {
            share: outcomes[str(share)]
            for share in SHARES
            if str(share) in outcomes and np.isfinite(outcomes[str(share)].losses).all()
        }

    # ---- remedies

    def tested(self, own: list[Outcome], known: dict[str, Intervention]) -> list[Measured]:
        """What was measured of each remedy; the mean of the copies is one that costs no fit."""
        found = [_measured(known[name], outcome) for name, outcome in self.found.remedies.items()]
        if len(own) > 1:
            found.append(
                Measured(
                    name=ENSEMBLE,
                    words=f"an ensemble of {len(own)} copies",
                    direction=LESS_VARIANCE,
                    losses=ensemble_losses(self.case, own, self.splits),
                    members=len(own),
                )
            )
        return found

    def helping(self, own: list[Outcome], tested: list[Measured]) -> list[Remedy]:
        """The remedies that help, the best first."""
        losses = np.stack([one.losses for one in own])
        remedies, _ = weigh_remedies(losses, tested, weighing_of(self.splits))
        return [one for one in remedies if one.outcome == HELPS]

    def measure_combination(
        self, helping: Sequence[Remedy], known: dict[str, Intervention]
    ) -> tuple[Measured | None, tuple[str, str] | None]:
        """Measure the two remedies that help most and can be had together."""
        usable = [known[one.name] for one in helping if one.name in known]
        pairs = ((one, other) for place, other in enumerate(usable) for one in usable[:place])
        for one, other in pairs:
            both = combine(self.subject, self.splits, self.truth, (one, other))
            if both is None:
                continue
            if both.cost * len(self.splits) * self.found.each > self.left() * self.workers:
                return None, None
            wish = Wish(name="both", variant=both.variant, splits=self.splits, cost=both.cost)
            outcomes = self.round("the best two together", [wish])
            if "both" not in outcomes or not np.isfinite(outcomes["both"].losses).all():
                return None, None
            return _measured(both, outcomes["both"]), (one.name, other.name)
        return None, None

    def measure_fresh(
        self,
        helping: Sequence[Remedy],
        known: dict[str, Intervention],
        combination: Measured | None,
        *,
        copies: int,
    ) -> Fresh | None:
        """Measure what is to be recommended once more, on folds and from seeds that did not choose it."""
        if not helping:
            return None
        chosen = [one.name for one in helping[:_CONFIRMED]]
        draws = copies if ENSEMBLE in chosen else 2
        folds = sum(split.repeat == 0 for split in self.splits)
        train = np.unique(np.concatenate([split.train for split in self.splits]))
        splits = _fresh_splits(self.truth, train, folds=folds, seed=self.seed)
        variant = own_variant(self.subject)
        wishes = [
            Wish(name=f"own{draw}", variant=variant, splits=splits, draw=FRESH_DRAW + draw) for draw in range(draws)
        ]
        for name in chosen:
            if name in known:
                one = known[name]
                wishes.append(Wish(name=name, variant=one.variant, splits=splits, draw=FRESH_DRAW, cost=one.cost))
        if combination is not None and combination.variant is not None:
            wishes.append(Wish(name="both", variant=combination.variant, splits=splits, draw=FRESH_DRAW))
        cost = sum(wish.cost for wish in wishes) * len(splits) * self.found.each
        if cost > self.left() * self.workers:
            return None
        outcomes = self.round("the best once more, on fresh folds", wishes)
        own = [outcomes[f"own{draw}"] for draw in range(draws) if f"own{draw}" in outcomes]
        if len(own) < draws:
            return None
        changed = {name: one.losses for name, one in outcomes.items() if not name.startswith("own")}
        if ENSEMBLE in chosen:
            changed[ENSEMBLE] = ensemble_losses(self.case, own, splits)
        return Fresh(own=np.stack([one.losses for one in own]), changed=changed, splits=splits)


def weighing_of(splits: Sequence[Split]) -> Weighing:
    """How means over these splits are weighed."""
    return Weighing(
        training_rows=np.array([len(split.train) for split in splits]),
        validation_rows=np.array([len(split.validate) for split in splits]),
    )


def lost_share(own: Sequence[Outcome], truth: Truth) -> float:
    """The share of what training gained that fresh rows do not share: a first verdict."""
    training = float(np.mean([one.training.mean() for one in own]))
    validation = float(np.mean([one.validation.mean() for one in own]))
    way = constant_loss(truth) - training
    if way > 0:
        return (validation - training) / way
    return float("inf") if validation > training else 0.0


def _measured(one: Intervention, outcome: Outcome) -> Measured:
    return Measured(
        name=one.name,
        words=one.words,
        direction=one.direction,
        losses=outcome.losses,
        changes=one.changes,
        seconds=outcome.seconds,
        variant=one.variant,
    )


def _same(one: Outcome, other: Outcome) -> bool:
    """Whether two models of the first split predict the same to the last bit."""
    return bool(len(other.predictions[0]) and np.array_equal(one.predictions[0], other.predictions[0]))


def _fresh_splits(truth: Truth, rows: Integers, *, folds: int, seed: int) -> tuple[Split, ...]:
    """Other folds of the same rows."""
    groups = None if truth.groups is None else truth.groups[rows]
    made = make_splits(truth.target[rows], folds=folds, repeats=_FRESH_REPEATS, seed=seed + FRESH_DRAW, groups=groups)
    return tuple(replace(split, train=rows[split.train], validate=rows[split.validate]) for split in made)

"""Fleets: networks of evenfit's own, fitted many at a time, a fleet to each core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event, Lock

import numpy as np

from evenfit.data.encodings import Encoding, fit_encoding
from evenfit.data.schema import Table
from evenfit.data.splits import Split
from evenfit.data.target_encodings import thin
from evenfit.errors import DataError
from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.fitting.fits import Curve, Fit, Fitted, Integers, Numbers, followed
from evenfit.experiments.problem import make_samples
from evenfit.experiments.sizing import MEMBERS
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.results.logits import log_softmax
from evenfit.results.row_values import base_loss
from evenfit.specs.config import Config

_MOST_BYTES = 400e6  # of one fleet's encoded rows


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A config, and the epoch whose weights are judged: its last one, unless training is to end before."""

    config: Config
    epoch: int | None = None

    @property
    def epochs(self) -> int:
        """The epochs that are trained."""
        return self.config.epochs if self.epoch is None else min(self.epoch, self.config.epochs)


def fit_fleets(
    table: Table,
    variants: Sequence[Variant],
    fits: Sequence[Fit],
    splits: Sequence[Split],
    *,
    checkpoints: int = 0,
    workers: int = 1,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Fitted]:
    """Fit networks to rows of a table, in fleets of one shape, as `Learner` asks.

    Encodings are fitted on each split's own training rows. A network's weights depend on its config, its split's rows
    and its seed alone: neither on its neighbours nor on the number of workers.

    Raises:
        DataError: the table has no target, or a split trains on too few rows.
    """
    target = table.schema.target
    if target is None or table.target is None:
        raise DataError("networks need a table with its target, got one without")
    for split in splits:
        if len(split.train) < 2:
            raise DataError(f"a network needs at least 2 training rows, got {len(split.train)}")
    work = _Work(table=table, variants=variants, fits=fits, splits=splits, checkpoints=checkpoints)
    fleets = work.packed(workers)
    if workers <= 1 or len(fleets) == 1:
        for numbers in fleets:
            if stop():
                return
            yield from work.train(numbers, stop)
        return
    left = Event()  # nobody waits any more: Ctrl-C, or an error

    def over() -> bool:
        return left.is_set() or stop()

    with ThreadPoolExecutor(max_workers=workers) as pool:  # compiled code runs without Python's lock
        try:
            yield from _as_they_end([pool.submit(work.train, numbers, over) for numbers in fleets], stop)
        finally:
            left.set()


def _as_they_end(running: list[Future[list[Fitted]]], stop: Callable[[], bool]) -> Iterator[Fitted]:
    """Tell what fleets have come to; a consumer that goes away, or an error, takes what waits with it."""
    left = set(running)
    try:
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for each in done:
                yield from each.result()
            if stop():
                return
    finally:
        for each in left:
            each.cancel()


class _Work:
    """All that fleets are made from, and what has been encoded."""

    def __init__(
        self,
        *,
        table: Table,
        variants: Sequence[Variant],
        fits: Sequence[Fit],
        splits: Sequence[Split],
        checkpoints: int,
    ) -> None:
        target = table.schema.target
        self.table, self.variants, self.fits, self.splits = table, variants, fits, splits
        self.checkpoints = checkpoints
        self.classification = target is not None and target.task != "regression"
        self.classes = len(target.classes) if target is not None and self.classification else 1
        self.target = np.asarray(table.target)
        self._encodings: dict[tuple[int, str, str], Encoding] = {}
        self._lock = Lock()

    def packed(self, workers: int) -> list[list[int]]:
        """Sort fits into fleets: of one shape and one way to encode, no larger than memory and cache allow."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for number, fit in enumerate(self.fits):
            config = self.variants[fit.variant].config
            groups.setdefault((config.shape(), config.inputs, config.target), []).append(number)
        most = self._most_members()
        fleets: list[list[int]] = []
        for numbers in groups.values():
            ordered = sorted(numbers, key=lambda number: (self.fits[number].split, number))
            share = -(-len(ordered) // workers) if len(groups) < workers else len(ordered)
            size = max(1, min(most, share))
            count = -(-len(ordered) // size)
            fleets += [[int(one) for one in part] for part in np.array_split(ordered, count)]
        return sorted(fleets, key=min)

    def _most_members(self) -> int:
        columns = len(self.table.schema.numeric) + 4 * len(self.table.schema.categorical) + 4
        return int(np.clip(_MOST_BYTES / (4.0 * columns * self.table.rows), 1, MEMBERS))

    def train(self, numbers: Sequence[int], stop: Callable[[], bool]) -> list[Fitted]:
        """Train one fleet to its end; nothing where it was stopped."""
        fits = [self.fits[number] for number in numbers]
        places = {split: place for place, split in enumerate(dict.fromkeys(fit.split for fit in fits))}
        splits = tuple(self.splits[split] for split in places)
        config = self.variants[fits[0].variant].config
        encodings = tuple(self._encoding(split, config) for split in places)
        samples = make_samples(
            self.table, encodings, splits, target=self.target, classes=self.classes, classification=self.classification
        )
        members = [
            Member(config=self.variants[fit.variant].config, split=places[fit.split], seed=fit.seed) for fit in fits
        ]
        fleet = Fleet(members, samples)
        judges = [
            _Judge(number, self, split=splits[places[fit.split]], encoding=encodings[places[fit.split]], fit=fit)
            for number, fit in zip(numbers, fits, strict=True)
        ]
        ended: dict[int, Fitted] = {}
        left = list(range(len(fits)))
        while left:
            if stop() or not fleet.train_epoch(stop):
                return []
            due = [place for place in left if judges[place].due(fleet.epoch)]
            if not due:
                continue
            weights = fleet.learnt()
            outputs = fleet.outputs(
                [judges[place].rows if place in due else judges[place].rows[:0] for place in left], weights
            )
            for place, own in zip(left, outputs, strict=True):
                if place in due and (done := judges[place].judge(fleet.epoch, own)) is not None:
                    ended[place] = done
            staying = [position for position, place in enumerate(left) if place not in ended]
            if len(staying) < len(left):
                left = [left[position] for position in staying]
                if left:
                    fleet.keep(staying)
        return [ended[place] for place in range(len(fits))]

    def _encoding(self, split: int, config: Config) -> Encoding:
        """Fit an encoding on a split's training rows, once."""
        place = (split, config.inputs, config.target)
        with self._lock:
            known = self._encodings.get(place)
        if known is None:
            known = fit_encoding(self.table, self.splits[split].train, inputs=config.inputs, target=config.target)  # type: ignore[arg-type]
            with self._lock:
                self._encodings[place] = known
        return known


class _Judge:
    """What one network has shown so far, from its outputs on rows that it is judged by and on training rows."""

    def __init__(self, number: int, work: _Work, *, split: Split, encoding: Encoding, fit: Fit) -> None:
        self._number, self._work, self._split, self._encoding = number, work, split, encoding
        variant = work.variants[fit.variant]
        self._last = variant.epochs
        points = checkpoint_epochs(variant.config.epochs, work.checkpoints) if work.checkpoints else []
        self._points = {epoch for epoch in points if epoch <= self._last} | {self._last}
        own = followed(split, seed=fit.split)
        self._followed: Integers = own
        self.rows = np.concatenate([split.validate, own])
        self._seen: list[tuple[int, float, float]] = []

    def due(self, epoch: int) -> bool:
        """Whether the network is judged after this epoch."""
        return epoch in self._points

    def judge(self, epoch: int, outputs: Numbers) -> Fitted | None:
        """Take the losses of an epoch; give what the network has come to where it was the last."""
        work, split = self._work, self._split
        judged, clean = outputs[: len(split.validate)], outputs[len(split.validate) :]
        if work.classification:
            predictions, fitted = log_softmax(judged), log_softmax(clean)
        else:
            spread = np.asarray(self._encoding.target(work.target[self._followed]) - clean[:, 0], dtype=np.float64)
            residuals = thin(np.nan_to_num(spread, nan=0.0, posinf=0.0, neginf=0.0))
            predictions, fitted = self._encoding.restore(judged, residuals), self._encoding.restore(clean, residuals)
        training = float(np.mean(base_loss(fitted, work.target[self._followed])))
        validation = (
            float(np.mean(base_loss(predictions, work.target[split.validate]))) if len(judged) else float("nan")
        )
        self._seen.append((epoch, training, validation))
        if epoch < self._last:
            return None
        predictions = np.asarray(predictions, dtype=np.float64)
        if not np.isfinite(predictions).all():
            why = "training diverged: its predictions are no numbers; a lower learning_rate may help"
            return Fitted(number=self._number, predictions=np.empty((0, 0)), failure=why)
        epochs, training_losses, validation_losses = (np.array(column) for column in zip(*self._seen, strict=True))
        curve = Curve(epochs=epochs, training=training_losses, validation=validation_losses)
        return Fitted(
            number=self._number,
            predictions=predictions,
            training_loss=training,
            curve=curve if work.checkpoints else None,
        )

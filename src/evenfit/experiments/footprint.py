"""Footprint: what a search holds in memory, by a fixed model of the arrays that there are.

The model counts the arrays and adds what programs take before they hold any: it asks neither the clock nor
the machine, so that a search that it bounds tries the same configs everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evenfit.data.encodings import InputShape, fit_encoding
from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.heat import Heat
from evenfit.experiments.problem import Problem, followed_rows
from evenfit.fleet.layout import layout
from evenfit.results.metrics import METRICS
from evenfit.results.trial import COMPLETE, PLANNED, Trial
from evenfit.specs.config import Config
from evenfit.specs.memory import MIB
from evenfit.specs.space import Space

# resident memory, measured on Linux with CPython 3.11: programs with their libraries, and no table
_MAIN = 290 * MIB  # reads, proposes, selects and reports
_AHEAD = 85 * MIB  # what the end needs, where that is imported while networks train
_WORKER = 215 * MIB  # trains; its libraries are shared with the other workers, and counted for each
_SUMMARY, _SUMMED_ROW = 120 * MIB, 6_500  # to sum a study up: at most, and for each row
_RESAMPLED, _MOST_RESAMPLED = 4_000, 2e7 * 8  # to resample: an epoch of a trial on a split, and in all
_COPIES = 2  # of what a worker tells: as it is, and on its way


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What decides how much memory a search takes; all results are bytes."""

    rows: int  # of the table
    training: int  # rows of a split
    judged: int  # rows that every validation predicts, over all splits
    splits: int
    repeats: int
    outputs: int
    columns: int  # of what the metric judges a row by
    precision: int  # bytes of a stored prediction
    numeric: int  # columns of the table
    categorical: int
    shape: InputShape  # encoded inputs
    encodings: int = 1  # choices of encodings that the space has

    def table(self) -> int:
        """The table, what is known of its columns' values, and its splits."""
        cells = self.rows * (24 * self.numeric + 4 * self.categorical)
        return cells + self.rows * (24 + 8 * (self.splits + self.repeats))

    def samples(self) -> int:
        """The rows as every split's networks see them, for each choice of encodings."""
        one = 4 * self.shape.features + 4 * len(self.shape.cardinalities) + 12
        return self.encodings * self.splits * self.rows * one + 16 * self.rows * self.shape.features

    def main(self) -> int:
        """The program that proposes and reports, without trials."""
        return _MAIN + _AHEAD + 2 * self.table() + min(_SUMMARY, _SUMMED_ROW * self.rows)

    def worker(self) -> int:
        """A program that trains, without a fleet."""
        return _WORKER + self.table() + self.samples()

    def heat(self, config: Config, entries: int) -> int:
        """A fleet of so many configs of one shape, and what is recorded of them."""
        members, weights = entries * self.splits, self._parameters(config)
        batch = min(config.batch_rows, self.training)
        steps = self.training // max(1, batch)
        fleet = members * (24 * weights + 4 * self.training + 16 * steps)
        passing = 4 * batch * (3 * (config.depth + 1) * max(config.width, self.shape.features) + self.outputs)
        recorded = self.trial(config) + 4 * self.judged * self.outputs
        return fleet + passing + entries * recorded + _COPIES * self.trial(config) + 16 * self._predicted()

    def trial(self, config: Config, *, complete: bool = True) -> int:
        """What is kept of a trial until the study is done."""
        shown = 2 * self._validated(config) * self.repeats * self.rows * self.columns
        if not complete:
            return shown
        return shown + self.precision * self._predicted() + 4 * self.splits * self._parameters(config)

    def peak(self, config: Config, *, entries: int, workers: int, trials: int, ahead: bool = True) -> int:
        """Estimate the peak of a run: all its processes, each at its own.

        Args:
            config: whose shape fleets have.
            entries: configs of a fleet.
            workers: that train; one is the program itself.
            trials: that are kept, half of them complete.
            ahead: whether what the end needs is imported while networks train.
        """
        heat = self.heat(config, entries)
        one = self.trial(config) + self.trial(config, complete=False)
        trained = self.samples() + heat if workers == 1 else workers * (self.worker() + heat)
        summed = min(int(_MOST_RESAMPLED), trials * self.summed(config))
        return self.main() - (0 if ahead else _AHEAD) + trained + trials * one // 2 + summed

    def kept(self, history: Sequence[Trial]) -> int:
        """What is kept of these trials, and what summing them up takes; those that train may come to be complete."""
        held = sum(self.trial(trial.config, complete=trial.status in (COMPLETE, PLANNED)) for trial in history)
        return held + min(int(_MOST_RESAMPLED), sum(self.summed(trial.config) for trial in history))

    def summed(self, config: Config) -> int:
        """What summing up takes for one more trial, as long as there are few."""
        return _RESAMPLED * self.splits * self._validated(config)

    def _validated(self, config: Config) -> int:
        """Epochs at which a trial is validated."""
        return len(checkpoint_epochs(config.epochs, Heat(round=0, entries=()).checkpoints))

    def _parameters(self, config: Config) -> int:
        return layout(config, self.shape, self.outputs).parameters

    def _predicted(self) -> int:
        return self.repeats * self.rows * self.outputs


def footprint_of(problem: Problem, *, space: Space) -> Footprint:
    """Give what decides how much a search of this space for this problem takes."""
    choices = [known.values_or_none() for name in ("inputs", "target") if (known := space.values.get(name))]
    table, truth, splits = problem.table, problem.truth, problem.splits
    judged = sum(len(split.validate) + followed_rows(split) for split in splits)
    sample = METRICS[problem.metric].values(np.zeros((1, 2, truth.classes)), truth.target[:2])
    return Footprint(
        rows=table.rows,
        training=int(truth.training_rows.max()),
        judged=judged,
        splits=len(splits),
        repeats=len(truth.split_of),
        outputs=truth.classes,
        columns=sample.shape[-1],
        precision=8 if truth.task == "regression" else 4,
        numeric=table.numeric.shape[1],
        categorical=table.codes.shape[1],
        shape=fit_encoding(table, splits[-1].train).shape,
        encodings=math.prod(len(values or ()) for values in choices),
    )

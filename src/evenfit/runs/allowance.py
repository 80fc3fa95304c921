"""Allowance: the seconds of a run's budget, and which of them are kept for its end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evenfit.runs.request import FitRequest
    from evenfit.runs.source import Source

REPORT_SECONDS = 1.0  # that the report takes
_LEAST_IMPORTANCE_SECONDS, _IMPORTANCE_SECONDS = 0.3, 3.0
_DEPENDED_SECONDS = 1.2  # that forests of trials may take
_ABLATION_SHARE = 0.05  # of the budget, for training the selected config without each of its regularisers
_MOST_RESERVED = 0.35  # of the budget, for the end; and as much again for rows that are scored there
_TEST_SECONDS = 1e-4  # to score one row of --test by every network
_REFIT_SHARE = 0.15  # of the budget, for training the final model anew where rows are in order of time


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What a run may spend, from the moment when its program began; without a limit in seconds no clock is asked."""

    seconds: float | None  # of the budget
    started: float  # moment of the monotonic clock
    before: float = 0.0  # seconds that the run's earlier lives have spent
    reserved: float = 0.0  # for selection, model and report, and for rows that are scored

    def spent(self) -> float:
        """Say how much the run has spent, its earlier lives included."""
        return self.before + time.monotonic() - self.started

    def left(self) -> float:
        """Say how much there is left; endless without a limit."""
        return math.inf if self.seconds is None else self.seconds - self.spent()

    def stop_at(self, *, apart: float = 0.0) -> float | None:
        """Give the moment when training ends, so that what comes after, and ``apart`` seconds more, fit in."""
        if self.seconds is None:
            return None
        return self.started + self.seconds - self.before - self.reserved - apart

    def importance_seconds(self) -> float:
        """Give what columns may be measured for: what the report leaves, and a little even when it is late."""
        return self._after_training(_IMPORTANCE_SECONDS)

    def depended_seconds(self) -> float:
        """Give what asking the trials may take."""
        return self._after_training(_DEPENDED_SECONDS)

    def _after_training(self, most: float) -> float:
        if self.seconds is None:
            return math.inf
        return min(most, max(_LEAST_IMPORTANCE_SECONDS, self.left() - REPORT_SECONDS))


def allowance_of(request: FitRequest, source: Source, *, started: float, before: float) -> Allowance:
    """Give what a request may spend on this table, of which earlier lives of its run have spent some."""
    seconds = request.budget.seconds
    if seconds is None:
        return Allowance(seconds=None, started=started, before=before)
    reserve = 2.6 + 0.045 * min(seconds, 60.0) + source.table.rows * 4e-5
    if request.time is not None:
        reserve += _REFIT_SHARE * seconds
    scoring = 0.0 if source.test is None else min(source.test.rows * _TEST_SECONDS, _MOST_RESERVED * seconds)
    reserved = min(reserve, _MOST_RESERVED * seconds) + scoring
    return Allowance(seconds=seconds, started=started, before=before, reserved=reserved)


def ablation_seconds(budget: float, *, one: float, count: int, workers: int) -> float:
    """Give the seconds of a budget to keep for an ablation of ``count`` configs of ``one`` core-second each.

    None where a twentieth of the budget would not do for three of them: the search has better use for it.

    Example:
        >>> ablation_seconds(60.0, one=0.5, count=5, workers=2), ablation_seconds(60.0, one=9.0, count=5, workers=2)
        (1.875, 0.0)
    """
    needed = 1.5 * one * max(3, count) / workers  # what is selected may be larger, and the model is not exact
    most = _ABLATION_SHARE * budget
    return min(most, needed) if needed * 3 / max(3, count) <= most else 0.0

"""Outcome: what one run has come to, ready to be printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evenfit.report.facts import Facts
from evenfit.report.text import text
from evenfit.results.json import plain, to_json
from evenfit.results.study import Study


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A finished run: its study, the facts beside it, and its folder."""

    study: Study
    facts: Facts
    folder: Path
    name: str
    require: float | None = None  # the loss that the request's gate asks for
    extended: tuple[Mapping[str, object], ...] = ()  # what it was before each extension
    track: tuple[str, ...] = ()  # the trackers that the request asks for

    def text(self) -> str:
        """The short report that ``fit`` prints."""
        return text(self.study, self.facts)

    def json(self) -> Mapping[str, object]:
        """The one documented schema of ``--json`` and ``metrics.json``."""
        found: dict[str, object] = {"run": {"name": self.name, "folder": str(self.folder)}}
        found |= to_json(self.study)
        fresh = self.facts.fresh
        if fresh is not None:
            found["test"] = {
                "source": fresh.source,
                "rows": fresh.rows,
                "loss": {
                    "mean": fresh.loss.mean,
                    "low": fresh.loss.low,
                    "high": fresh.loss.high,
                    "level": fresh.loss.level,
                },
                "members_loss": fresh.members_loss,
                "scores": dict(fresh.scores),
            }
        found["ensemble_gain"] = self.facts.ensemble_gain
        found["importance"] = [
            {"column": name, "mean": known.mean, "low": known.low, "high": known.high}
            for name, known in self.facts.importance
        ]
        found["regularisers"] = self.facts.ranking.to_json()
        if self.facts.forecast is not None:
            epochs = sum(int(trial.epochs[-1]) * int(trial.seen.sum()) for trial in self.study.trials)
            happened = {"trials": len(self.study.trials), "seconds": self.facts.seconds_spent, "epochs": epochs}
            found["expected"] = dict(self.facts.forecast.to_json()) | {"happened": happened}
        if self.facts.memory is not None:
            found["memory"] = dict(self.facts.memory.to_json())
        if self.extended:
            found["extended"] = [dict(one) for one in self.extended]
        if self.facts.hyperparameters is not None:
            found["hyperparameters"] = plain(self.facts.hyperparameters.to_json())
        return found

    @property
    def upper_bound(self) -> float:
        """The estimate's upper bound, as ``--require`` compares it: an RMSE for rmse, else the metric's loss."""
        high = self.study.estimate.high
        return float(high**0.5) if self.study.truth.metric == "rmse" else high

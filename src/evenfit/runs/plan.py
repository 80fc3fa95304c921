"""Plan: what a fit would do, ready to be printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenfit.data.splits import describe_splits
from evenfit.data.table import describe
from evenfit.report.digits import duration
from evenfit.report.expected import expected
from evenfit.report.remembered import remembered
from evenfit.report.words import network, regularisation, value_word
from evenfit.results.forecast import Forecast
from evenfit.results.memory_use import MemoryUse
from evenfit.results.metrics import metric_of
from evenfit.runs.search import Search
from evenfit.runs.source import Source
from evenfit.specs.budget import budget_text
from evenfit.specs.space import Space
from evenfit.specs.space.conditions import condition_words


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Data, splits, the default config, and the space that would be searched."""

    source: Source
    search: Search
    workers: int
    nested: int | None = None  # outer folds
    expected: Forecast | None = None  # from a probe; None where the engine is yet to be compiled
    probe_seconds: float = 0.0  # that it took

    def _nested_words(self) -> str:
        """How the budget is shared."""
        return (
            f"{self.nested} searches on parts of the rows come first; they and this one have equal shares of the "
            "budget, of which the one above is one"
        )

    def text(self) -> str:
        """A line for each, and one for each value of the space."""
        search = self.search
        task, default = search.problem.task, search.space.default
        said = [
            ("data", describe(self.source.table)),
            *(("note", note) for note in self.source.table.notes),
            ("splits", describe_splits(search.problem.splits)),
            ("metric", metric_of(search.problem.metric, task=task).label),
            ("budget", f"{budget_text(search.budget)} on {self.workers} worker{'' if self.workers == 1 else 's'}"),
            ("racing", search.racing),
            *([("nested", self._nested_words())] if self.nested else []),
            (
                "default",
                f"{network(default, task=task)}; {regularisation(default, task=task)}; "
                f"{default.epochs} epochs of batches of {default.batch_rows} rows",
            ),
        ]
        said += self._expected_words()
        said.append(("memory", remembered(self.memory())))
        names = {value_word(name): _words(search.space, name) for name in search.space.values}
        wide, far = max(len(name) for name, _ in said), max(map(len, names), default=0)
        lines = [f"{name:<{wide}}  {value}" for name, value in said]
        lines += ["searched", *(f"  {name:<{far}}  {value}" for name, value in names.items())]
        return "\n".join(lines)

    def memory(self) -> MemoryUse:
        """What the run is expected to hold at its peak: with the trials of its budget, or as many as are expected."""
        known = 0 if self.expected is None else round(self.expected.trials.high)
        trials = 1 + (known or self.search.budget.trials or 0)
        room = self.search.room
        return MemoryUse(
            expected=self.search.peak(workers=self.workers, trials=trials),
            processes=1 if self.workers == 1 else 1 + self.workers,
            bound=None if room is None else room.memory,
        )

    def _expected_words(self) -> list[tuple[str, str]]:
        """What a probe says of the cost."""
        if self.expected is None:
            return [("expected", "not known: the engine is compiled at the first fit; then a probe of 2 s tells")]
        one = f"{duration(self.expected.default_seconds)} for the default config on one core"
        return [("expected", f"{one}; {expected(self.expected)} (a probe of {duration(self.probe_seconds)})")]

    def json(self) -> Mapping[str, Any]:
        """The same by name."""
        search = self.search
        default = search.space.default
        return {
            "data": describe(self.source.table),
            "notes": list(self.source.table.notes),
            "splits": describe_splits(search.problem.splits),
            "metric": search.problem.metric,
            "workers": self.workers,
            "budget": search.budget.to_json(),
            "racing": search.racing,
            "nested": self.nested,
            "default": default.to_json(),
            "default_seconds": search.costs.config(default),
            "expected": None if self.expected is None else self.expected.to_json(),
            "probe_seconds": self.probe_seconds,
            "memory": dict(self.memory().to_json()),
            "searched": search.space.to_json()["values"],
        }


def _words(space: Space, name: str) -> str:
    """What values a name of the space may have, and when it is searched.

    Example:
        >>> from evenfit.specs.space import Range
        >>> _words(Space(values={"l1": Range(low=1e-4, high=0.5, log=True, zero=0.1)}), "l1")
        '0 (10%), or 0.0001 to 0.5 by its logarithm'
    """
    needs = space.when.get(name)
    return space.values[name].words() + (f"; {condition_words(needs)}" if needs else "")

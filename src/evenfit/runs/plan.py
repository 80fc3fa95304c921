"""Plan: what a fit would do, ready to be printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenfit.data.splits import describe_splits
from evenfit.data.table import describe
from evenfit.report.digits import short
from evenfit.report.words import network, regularisation, value_word
from evenfit.results.metrics import metric_of
from evenfit.runs.options import budget_text
from evenfit.runs.search import Search
from evenfit.runs.source import Source
from evenfit.specs.space import Choice, Range


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Data, splits, the default config, and the space that would be searched."""

    source: Source
    search: Search
    workers: int
    nested: int | None = None  # outer folds

    def _nested_words(self) -> str:
        """How the budget is shared."""
        return f"{self.nested} searches on parts of the rows come first; each, and this one, has the budget above"

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
        names = {value_word(name): _words(values) for name, values in search.space.values.items()}
        wide, far = max(len(name) for name, _ in said), max(map(len, names), default=0)
        lines = [f"{name:<{wide}}  {value}" for name, value in said]
        lines += ["searched", *(f"  {name:<{far}}  {value}" for name, value in names.items())]
        return "\n".join(lines)

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
            "searched": search.space.to_json()["values"],
        }


def _words(values: Range | Choice) -> str:
    """What values a name of the space may have.

    Example:
        >>> _words(Range(low=1e-4, high=0.5, log=True, zero=0.1))
        '0, or 1e-4 to 0.5 by its logarithm'
    """
    if isinstance(values, Choice):
        return ", ".join(dict.fromkeys(short(v) if isinstance(v, float) else str(v) for v in values.values))
    zero = "0, or " if values.zero else ""
    return f"{zero}{short(values.low)} to {short(values.high)}{' by its logarithm' if values.log else ''}"

"""Facts: what a report tells about a run beyond its study, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evenfit.results.forecast import Forecast
from evenfit.results.hyperparameters import Hyperparameters
from evenfit.results.memory_use import MemoryUse
from evenfit.results.ranking import Ranking
from evenfit.results.study import Interval


@dataclass(frozen=True, kw_only=True)
class Finish:
    """When a trial was done."""

    trial: int  # its number
    seconds: float  # since the start of the run


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """The deployed model on labelled rows that nothing else was allowed to see (``--test``)."""

    source: str  # the file, as the user named it
    rows: int
    loss: Interval  # the metric's loss, with an interval over rows
    scores: Mapping[str, float] = field(default_factory=dict)  # by name: accuracy, auc, rmse, r2
    members_loss: float | None = None  # of the fold members, one by one: what the estimate is about


@dataclass(frozen=True, kw_only=True)
class Before:
    """What a run was before it was extended."""

    budget: str  # as a user writes it
    by: str  # what it was extended by
    trials: int
    loss: Interval | None  # the estimate of then; None where it had not come to one


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The run that a report is about: its table, its spending, and what was measured besides."""

    name: str  # of the run
    folder: str  # where its files lie, as a user would type it
    command: str  # the command line that made it
    description: str  # the one line that says what was understood of the table
    target: str  # name of the target's column
    rows: int
    columns: tuple[tuple[str, int], ...]  # kind, how many: ("numeric", 7)
    classes: tuple[str, ...] = ()  # names of the classes in the order of their codes; empty for regression
    left_out: tuple[tuple[str, str], ...] = ()  # column, why
    notes: tuple[str, ...] = ()  # what else a user should know about the data
    time: str = ""  # name of the column whose order rows are in; empty where they have none
    weights: str = ""  # which weights were used in training, in words; empty where none
    budget: str = ""  # as the user wrote it
    seconds: float | None = None  # the budget, where it is in seconds
    seconds_spent: float = 0.0
    forecast: Forecast | None = None  # of the whole run, once its default config was done
    memory: MemoryUse | None = None
    before: tuple[Before, ...] = ()  # a value for each extension
    finishes: tuple[Finish, ...] = ()
    importance: tuple[tuple[str, Interval], ...] = ()  # column, rise of the loss when its values are permuted
    ranking: Ranking = field(default_factory=Ranking)  # which regularisers mattered
    hyperparameters: Hyperparameters | None = None  # what the search's losses depended on; None was not asked
    fresh: Fresh | None = None
    ensemble_gain: float | None = None  # loss of the fold members one by one minus that of their ensemble
    versions: tuple[tuple[str, str], ...] = ()  # package, version

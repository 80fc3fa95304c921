"""FitRequest: everything that a user can ask of one fit, as one frozen value in plain Python."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from evenfit.errors import ConfigError
from evenfit.specs.budget import Budget
from evenfit.specs.objectives import LOSS, SMALL, check_preference, second_objective
from evenfit.specs.racing import RACING, RACINGS
from evenfit.specs.space.request import SpaceRequest

TASKS = ("classification", "regression")
SELECTIONS = ("one-se", "best")
TRACKERS = ("wandb", "mlflow", "tensorboard")
PROPOSALS = (  # those of evenfit.proposals.ways, whose home needs optuna; grid=3 has 3 points a range
    "grid",
    "random",
    "quasi-random",
    "tpe",
    "near",
    "mixed",
    "gp",
    "portfolio",
    "telescopic",
)
_SHARES = ("accuracy", "balanced_accuracy", "auc", "f1", "r2")  # whose loss is 1 minus the score
METRICS = {  # those of evenfit.results.metrics, whose home needs numpy
    "log_loss": "classification",
    "accuracy": "classification",
    "balanced_accuracy": "classification",
    "auc": "classification",
    "f1": "classification",
    "rmse": "regression",
    "mae": "regression",
    "r2": "regression",
}


@dataclass(frozen=True, kw_only=True)
class FitRequest:
    """A table, its target, and how to search.

    Where a value is None, it is found from the data or the machine, as the comment beside it says.

    Raises:
        ConfigError: a value is out of its range, unknown, or at odds with another.
    """

    table: str  # path of the table to fit on
    target: str
    budget: Budget = field(default_factory=lambda: Budget(seconds=60.0))
    test: str | None = None  # path of labelled rows that are scored at the end and never used before
    task: str | None = None  # found from the target
    categorical: tuple[str, ...] = ()  # columns to read as categories, whatever they look like
    drop: tuple[str, ...] = ()  # columns to leave out
    group: str | None = None  # rows with one value of this column stay in one fold
    time: str | None = None  # folds are in the order of this column
    weight: str | None = None  # column with the weight of each row
    metric: str | None = None  # what selection looks at: log loss, or RMSE
    folds: int = 5
    repeats: int = 1
    holdout: float | None = None  # share of the rows that judges, in place of folds
    nested: int | None = None  # outer folds of nested cross-validation
    seed: int = 0
    selection: str = "best"
    proposals: str = "portfolio"  # how configs are chosen
    racing: str = RACING  # when the worse ones are dropped
    objectives: tuple[str, ...] = ()  # loss and one of size, latency; none is the loss alone
    prefer: str = LOSS  # which config along the front of both is selected: loss, small or knee
    target_loss: float | None = None  # the search ends at this loss, as the metric is shown: an RMSE for rmse
    stop_when_settled: bool = False  # the search ends where no gain is to be expected that the folds could show
    from_run: str | None = None  # whose best configs are tried after the default
    space: SpaceRequest | None = None  # where to look; else where a search of this table looks by itself
    class_weights: bool = False  # every class weighs the same in training
    memory: int | None = None  # bytes that all processes of the run may hold together
    workers: int | None = None  # one per core
    runs: str = "runs"  # folder of the store and of the runs
    name: str | None = None  # made from the table's name
    delimiter: str | None = None  # found from the first lines
    encoding: str | None = None  # found from the first bytes
    track: tuple[str, ...] = ()  # trackers that the finished run is written to: mlflow, or mlflow=URI
    require: float | None = None  # the gate: the estimate's upper bound may not exceed this loss

    def __post_init__(self) -> None:
        for name in ("table", "target", "runs"):
            if not getattr(self, name):
                raise ConfigError(f"{name} must not be empty")
        _check_choice("task", self.task, TASKS)
        _check_choice("selection", self.selection, SELECTIONS)
        _check_proposals(self.proposals)
        _check_choice("racing", self.racing, tuple(RACINGS))
        _check_objectives(self)
        _check_choice("metric", self.metric, tuple(METRICS))
        _check_least("folds", self.folds, 2)
        _check_least("repeats", self.repeats, 1)
        if self.holdout is not None:
            _check_holdout(self)
        _check_least("nested", self.nested, 2)
        if self.nested is not None and self.time is not None:
            raise ConfigError(
                "nested cannot be had with time, whose folds follow one another already; leave one of them out"
            )
        _check_least("seed", self.seed, 0)
        _check_least("workers", self.workers, 1)
        _check_least("memory", self.memory, 1)
        _check_columns(self)
        if self.task and self.metric and METRICS[self.metric] != self.task:
            raise ConfigError(f"metric {self.metric} is for {METRICS[self.metric]}, but task is {self.task}")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ConfigError(f"delimiter must be one character, got {self.delimiter!r}")
        if self.require is not None and not math.isfinite(self.require):
            raise ConfigError(f"require must be a finite loss, got {self.require}")
        _check_target_loss(self)
        if self.from_run == "":
            raise ConfigError("from-run must name a run, got an empty text")
        for target in self.track:
            _check_choice("track", target.partition("=")[0], TRACKERS)
        if self.name is not None:
            _check_name(self.name)

    def to_json(self) -> dict[str, Any]:
        """Give every value by name, ready for JSON."""
        values = {known.name: getattr(self, known.name) for known in fields(self) if known.name != "space"}
        # a stored run's "space" is what came of it
        space = {} if self.space is None else {"asked_space": self.space.to_json()}
        return (
            values
            | space
            | {
                "budget": self.budget.to_json(),
                "categorical": list(self.categorical),
                "drop": list(self.drop),
                "track": list(self.track),
                "objectives": list(self.objectives),
            }
        )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "FitRequest":
        """Make a request from what ``to_json`` gave."""
        values = dict(stored)
        values["budget"] = Budget(**values["budget"])
        values["categorical"] = tuple(values["categorical"])
        values["drop"] = tuple(values["drop"])
        values.setdefault("proposals", "mixed")  # what there was before they had names
        space = values.pop("asked_space", None)
        values["space"] = None if space is None else SpaceRequest.from_json(space)
        values["objectives"] = tuple(values.get("objectives", ()))
        values["track"] = tuple(values.get("track", ()))  # runs of before it was one have none
        return cls(**values)


def _check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    """A value is one of the choices, or left to the data."""
    if value is not None and value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}; got {value!r}")


def _check_proposals(value: str) -> None:
    """A way of proposing; of a grid, how many points a range has."""
    name, given, points = value.partition("=")
    _check_choice("proposals", name, PROPOSALS)
    if given and (name != "grid" or not points.isdecimal() or not 2 <= int(points) <= 100):
        raise ConfigError(f"proposals may have a number for grid alone, 2 to 100 points a range: grid=5; got {value!r}")


def _check_least(name: str, value: int | None, least: int) -> None:
    """A number is not below its least."""
    if value is not None and value < least:
        raise ConfigError(f"{name} must be at least {least}, got {value}")


def _check_target_loss(request: FitRequest) -> None:
    """A loss that can be reached: a number, and for metrics that are never below 0 one above it."""
    known = request.target_loss
    if known is None:
        return
    if not math.isfinite(known) or known < 0:
        raise ConfigError(f"target-loss must be a finite loss, at least 0, got {known:g}")
    if request.metric in _SHARES and known >= 1:
        raise ConfigError(
            f"target-loss is a loss, lower is better: for {request.metric} it is 1 minus the score, below 1; "
            f"got {known:g}"
        )


def _check_columns(request: FitRequest) -> None:
    """No column has two roles."""
    roles = {"target": request.target, "group": request.group, "time": request.time, "weight": request.weight}
    given = {role: column for role, column in roles.items() if column is not None}
    for role, column in given.items():
        if not column:
            raise ConfigError(f"{role} must name a column, got an empty text")
        if role == "target" and column in request.categorical:
            raise ConfigError(
                f"the target {column!r} is also in categorical; to predict classes, use task classification"
            )
        if column in request.drop:
            raise ConfigError(f"column {column!r} is the {role}, so it cannot be in drop too")
        if role != "target" and column == request.target:
            raise ConfigError(f"column {column!r} is the target, so it cannot be the {role} too")
    for column in request.categorical:
        if column in request.drop:
            raise ConfigError(f"column {column!r} is in categorical and in drop; choose one")


def _check_holdout(request: FitRequest) -> None:
    """A share of the rows, and more than one split where the spread over splits is asked for."""
    if not (request.holdout is not None and 0 < request.holdout < 1):
        raise ConfigError(f"holdout must be a share of the rows between 0 and 1, got {request.holdout}")
    if request.repeats == 1 and request.selection == "one-se":
        raise ConfigError("selection one-se needs several splits to know the standard error; give repeats, at least 2")


def _check_objectives(request: FitRequest) -> None:
    """Two objectives or none, a preference among them, and no other rule of selection beside it."""
    second_objective(request.objectives)
    check_preference(request.prefer, request.objectives)
    if request.prefer != LOSS and request.selection != "best":
        raise ConfigError(f"selection {request.selection} and prefer {request.prefer} both choose; give one of them")
    if request.prefer == SMALL and request.holdout is not None and request.repeats == 1:
        raise ConfigError("prefer small needs several splits to know the standard error; give repeats, at least 2")


def _check_name(name: str) -> None:
    """A run's name can be the name of a folder."""
    if (
        not name.strip()
        or name.startswith(".")
        or len(name.encode()) > 200
        or any(c in '/\\:*?"<>|' or ord(c) < 32 for c in name)
    ):
        raise ConfigError(f"name must be fit for a folder, without / or leading dots, got {name!r}")

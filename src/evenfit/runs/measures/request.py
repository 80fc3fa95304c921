"""MeasureRequest: everything that a command asks of one measurement, as frozen values in plain Python."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenfit.errors import BudgetError, ConfigError
from evenfit.runs.options import columns_text, request_from
from evenfit.runs.request import FitRequest
from evenfit.specs.budget import Budget, budget_text

COMMANDS = {  # command: how its folder is called after the table's name
    "diagnose": "diagnosis",
    "bias-variance": "bias-variance",
    "learning-curve": "learning-curve",
    "validation-curve": "validation-curve",
}


@dataclass(frozen=True, kw_only=True)
class MeasureRequest:
    """A table and its target, the network that is measured on it, and where the answer is left.

    Where a value is None, it is found from the data or the machine, as the comment beside it says.

    Raises:
        ConfigError: a value is out of its range.
        BudgetError: the budget is not a time.
    """

    command: str  # one of COMMANDS
    data: FitRequest  # table, target, columns, test rows, seed, workers, folder of runs
    network: str | None = None  # a run, or a TOML file with a config; a default one that fits the table
    budget: Budget | None = None  # seconds; what the command says
    folds: int | None = None  # what the command says
    repeats: int | None = None  # what the command says
    out: str | None = None  # folder to leave; made from the table's name
    asked: tuple[tuple[str, str], ...] = ()  # the command's own options, as they were typed

    def __post_init__(self) -> None:
        if self.command not in COMMANDS:
            raise ConfigError(f"command must be one of {', '.join(COMMANDS)}; got {self.command!r}")
        if self.budget is not None and self.budget.seconds is None:
            raise BudgetError(f"budget of a measurement must be a time such as 90s; got {budget_text(self.budget)!r}")
        if self.out is not None and not self.out.strip():
            raise ConfigError("out must name a folder, got an empty text")

    @property
    def seconds(self) -> float | None:
        """The budget, where there is one."""
        return None if self.budget is None else self.budget.seconds

    def line(self) -> str:
        """Write the command line that asks for the same."""
        words = ["evenfit", self.command, self.data.table, "--target", self.data.target]
        usual = FitRequest(table="-", target="-")
        for name, value in self.data.to_json().items():
            if name in ("table", "target", "budget", "folds", "repeats") or value == usual.to_json()[name]:
                continue
            words += [f"--{name.replace('_', '-')}", columns_text(value) if isinstance(value, list) else str(value)]
        others = (
            ("config", self.network),
            ("budget", None if self.budget is None else budget_text(self.budget)),
            ("folds", self.folds),
            ("repeats", self.repeats),
            *self.asked,
            ("out", self.out),
        )
        for name, known in others:
            if known is not None:
                words += [f"--{name}", str(known)]
        return shlex.join(words)


def measure_request(
    command: str,
    options: Mapping[str, object],
    *,
    network: str | None,
    budget: str | None,
    out: str | None,
    asked: Mapping[str, object],
) -> MeasureRequest:
    """Make the request that these options ask for.

    Args:
        command: one of `COMMANDS`.
        options: those that ``fit`` has, too, by name; None is not given.
        network: a run, or a file with a config.
        budget: as a user writes it.
        out: the folder to leave.
        asked: options of the command alone, by name; None is not given.

    Raises:
        ConfigError: a value is out of its range or of the wrong type.
        BudgetError: the budget cannot be read.

    Example:
        >>> options = {"table": "a.csv", "target": "y", "folds": None}
        >>> measure_request("diagnose", options, network=None, budget="90s", out=None, asked={"error": 0.1}).line()
        'evenfit diagnose a.csv --target y --budget 90s --error 0.1'
    """
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return MeasureRequest(
        command=command,
        data=request_from(given),
        network=network,
        budget=None if budget is None else Budget.parse(budget),
        folds=given.get("folds"),
        repeats=given.get("repeats"),
        out=out,
        asked=tuple((name, str(value)) for name, value in asked.items() if value is not None),
    )

"""Sweep: a sweep file's meaning, every key honoured or refused by name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evenfit.errors import SweepError
from evenfit.sweeps.command import MACROS
from evenfit.sweeps.distributions import Distribution
from evenfit.sweeps.parameters import Names, check_keys, parse_parameters
from evenfit.sweeps.stopping import Hyperband

COMMAND = ("${env}", "${interpreter}", "${program}", "${args}")
METHODS = ("grid", "random", "bayes")

# What needs W&B's own servers or code, and why it cannot be had here.
_REFUSED = {
    "metrics": "a sweep here has one metric; name the one to choose by under metric, and log the others",
    "job": "it is a job of W&B Launch, which lies on W&B's server; give program or command",
    "image_uri": "W&B Launch starts images; give a command, such as [docker, run, IMAGE, '${args}']",
}
_IGNORED = ("entity", "project", "controller", "apiVersion", "kind", "name", "description")  # they change no run
_KEYS = (
    *("method", "parameters", "metric", "early_terminate", "run_cap", "program", "command", "scheduler"),
    *_IGNORED,
    *_REFUSED,
)
_IMPUTE = ("latest", "best", "worst")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What to try, how, and until when."""

    method: str
    parameters: Mapping[Names, Distribution]
    metric: str = ""
    maximize: bool = False
    target: float | None = None
    impute: str = "worst"
    impute_while_running: str = ""  # or as impute: then what runs is taken at what it has logged
    early_terminate: Hyperband | None = None
    run_cap: int | None = None
    program: str = ""
    command: tuple[str, ...] = COMMAND
    name: str = ""
    description: str = ""
    project: str = ""
    warnings: tuple[str, ...] = field(default=())

    def better(self, value: float) -> float:
        """Give a metric's value such that lower is better."""
        return -value if self.maximize else value

    def reaches(self, value: float) -> bool:
        """Whether a value of the metric is at the target or beyond."""
        return self.target is not None and self.better(value) <= self.better(self.target)


def make_sweep(given: Mapping[str, Any]) -> Sweep:
    """Make a sweep of what a file holds.

    >>> make_sweep({"method": "grid", "program": "a.py", "parameters": {"x": {"values": [1, 2]}}}).method
    'grid'

    Raises:
        SweepError: a key is unknown, cannot be honoured, or has a value that it cannot have.
    """
    check_keys(given, _KEYS, where="the sweep file")
    for key, reason in _REFUSED.items():
        if key in given:
            raise SweepError(f"{key} cannot be honoured: {reason}")
    method = _method(given)
    for key in ("name", "description", "entity", "project", "program"):
        if not isinstance(given.get(key) or "", str):  # left empty, as in templates, it is not given
            raise SweepError(f"{key} must be text, got {given[key]!r}")
    if "parameters" not in given:
        raise SweepError("the sweep file needs parameters")
    _check_controller(given)
    parameters = parse_parameters(given["parameters"])
    metric = _metric(given.get("metric"))
    _check_method(method, parameters, metric=str(metric["metric"]), given=given)
    stop = Hyperband.parse(given["early_terminate"]) if given.get("early_terminate") is not None else None
    return Sweep(
        method=method,
        parameters=parameters,
        early_terminate=stop,
        run_cap=_run_cap(given.get("run_cap")),
        program=given.get("program") or "",
        command=_command(given),
        name=given.get("name") or "",
        description=given.get("description") or "",
        project=given.get("project") or "",
        warnings=(*_warnings(parameters, str(metric["metric"])), *_unknown_macros(given.get("command") or ())),
        **metric,
    )


def _method(given: Mapping[str, Any]) -> str:
    """The method, or the engine that a scheduler names in its place."""
    method, scheduler = given.get("method"), given.get("scheduler")
    if method not in {*METHODS, "custom"}:
        near = difflib.get_close_matches(str(method), METHODS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise SweepError(f"method must be one of {', '.join(METHODS)}; got {method!r}{hint}")
    if scheduler is None:
        if method == "custom":
            raise SweepError("method: custom needs scheduler with engine: optuna here; or use grid, random or bayes")
        return str(method)
    if not isinstance(scheduler, Mapping):
        raise SweepError(f"scheduler must be a mapping with engine, got {scheduler!r}")
    check_keys(scheduler, ["engine", "source", "optimizer", "search_space"], where="scheduler")
    engine = scheduler.get("engine")
    if engine not in {"optuna", "wandb"}:
        raise SweepError(f"scheduler.engine cannot be honoured: there are optuna and wandb here, got {engine!r}")
    for key in ("source", "optimizer", "search_space"):
        if key in scheduler:
            raise SweepError(
                f"scheduler.{key} cannot be honoured: it names code of a study of your own; "
                "leave it out, and the search is TPE over parameters"
            )
    if (engine == "optuna") != (method == "custom"):
        raise SweepError(f"scheduler.engine {engine} needs method {'custom' if engine == 'optuna' else METHODS}")
    if given.get("early_terminate") is not None:
        raise SweepError("scheduler and early_terminate exclude each other")
    return "optuna" if engine == "optuna" else str(method)


def _unknown_macros(command: Sequence[Any]) -> list[str]:
    """Macros that W&B does not know: they expand to nothing there, and so they do here, but not in silence."""
    said = []
    for word in map(str, command):
        name = word[2:-1]
        if word.startswith("${") and word.endswith("}") and name not in MACROS and not name.startswith("envvar:"):
            near = difflib.get_close_matches(name, MACROS, n=1)
            hint = f"; did you mean ${{{near[0]}}}?" if near else ""
            said.append(f"command: {word} is no macro of W&B's and expands to nothing{hint}")
    return said


def _check_controller(given: Mapping[str, Any]) -> None:
    controller = given.get("controller", {})
    if not isinstance(controller, Mapping):
        raise SweepError(f"controller must be a mapping with type, got {controller!r}")
    check_keys(controller, ["type"], where="controller")
    if controller.get("type", "local") not in {"local", "cloud"}:
        raise SweepError(f"controller.type must be local or cloud, got {controller['type']!r}")


def _check_method(
    method: str, parameters: Mapping[Names, Distribution], *, metric: str, given: Mapping[str, Any]
) -> None:
    if method == "grid":
        for names, known in parameters.items():
            if not known.discrete:
                kind = "categorical with probabilities" if known.probabilities else known.kind
                raise SweepError(f"a grid cannot hold {'.'.join(names)} ({kind}); give it values, or use random")
            try:
                known.size  # noqa: B018 - it may be beyond all numbers
            except OverflowError:
                raise SweepError(f"a grid over {'.'.join(names)} would be infinite: its q is too small") from None
    if not metric and (method in {"bayes", "optuna"} or given.get("early_terminate") is not None):
        raise SweepError(f"{method if method in {'bayes', 'optuna'} else 'early_terminate'} needs metric.name")


def _metric(given: Any) -> dict[str, Any]:
    if given is None:
        return {"metric": ""}
    if not isinstance(given, Mapping):
        raise SweepError(f"metric must be a mapping with name and goal, got {given!r}")
    check_keys(given, ["name", "goal", "target", "impute", "impute_while_running"], where="metric")
    if not isinstance(given.get("name"), str) or not given["name"]:
        raise SweepError("metric needs a name")
    goal = given.get("goal", "minimize")
    if goal not in {"minimize", "maximize"}:
        raise SweepError(f"metric.goal must be minimize or maximize, got {goal!r}")
    target = given.get("target")
    if target is not None and (isinstance(target, bool) or not isinstance(target, int | float) or math.isnan(target)):
        raise SweepError(f"metric.target must be a number, got {target!r}")
    running = given.get("impute_while_running", "false")
    running = "false" if running is False else running  # unquoted, it is a truth value
    for key, value, known in (
        ("impute", given.get("impute", "worst"), _IMPUTE),
        ("impute_while_running", running, (*_IMPUTE, "false")),
    ):
        if value not in known:
            raise SweepError(f"metric.{key} must be one of {', '.join(known)}; got {value!r}")
    return {
        "metric": given["name"],
        "maximize": goal == "maximize",
        "target": target,
        "impute": given.get("impute", "worst"),
        "impute_while_running": "" if running == "false" else running,
    }


def _run_cap(given: Any) -> int | None:
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise SweepError(f"run_cap must be a whole number of at least 1, got {given!r}")
    return given


def _command(given: Mapping[str, Any]) -> tuple[str, ...]:
    command = given.get("command")
    if command is None:
        command = list(COMMAND)
    if not isinstance(command, list) or not command:
        raise SweepError(f"command must be a list of at least one word, got {command!r}")
    if not all(isinstance(word, str | int | float) for word in command):
        raise SweepError(f"command must be a list of words, got {command!r}")
    words = tuple(str(word) for word in command)
    if any("${program}" in word for word in words) and not given.get("program"):
        raise SweepError("the sweep file needs program, which its command runs")
    return words


def _warnings(parameters: Mapping[Names, Distribution], metric: str) -> list[str]:
    """What is legal and unwise."""
    said = [
        f"{'.'.join(names)}: {known.kind} is deprecated in W&B; its bounds are read as exponents of e"
        for names, known in parameters.items()
        if known.kind in {"log_uniform", "q_log_uniform", "inv_log_uniform"}
    ]
    searched = [names for names, known in parameters.items() if len(known.values) != 1]
    signs = ("dropout", "weight_decay", "l1", "l2", "lambda", "regulari", "smoothing", "decay", "drop")
    found = [".".join(names) for names in searched if any(sign in names[-1].lower() for sign in signs)]
    if found and is_training(metric):
        said.append(
            f"{metric!r} is a training metric, and {', '.join(found)} regularise: the least regularised runs win, "
            "whatever they do on fresh rows; log a validation metric and name it"
        )
    return said


def is_training(metric: str) -> bool:
    """Whether a metric's name says that it is measured on what was trained on: train_loss, or a bare loss.

    >>> is_training("train/loss"), is_training("loss"), is_training("val_loss")
    (True, True, False)
    """
    words = metric.lower().replace("/", "_").replace("-", "_").replace(".", "_").split("_")
    return "train" in words or "training" in words or words in (["loss"], ["acc"], ["accuracy"], ["epoch", "loss"])

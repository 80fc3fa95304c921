"""Search: one study from a problem and a budget, without any file: what fit, the functions and the estimators share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.encodings import fit_encoding, input_choices, target_choices
from evenfit.data.schema import Table
from evenfit.data.splits import Split
from evenfit.errors import BudgetError, DataError, EvenfitError
from evenfit.experiments.footprint import footprint_of
from evenfit.experiments.heat import Event, Finished, Heat
from evenfit.experiments.price import measured_latency, price_of
from evenfit.experiments.problem import Problem
from evenfit.experiments.room import Room
from evenfit.experiments.settling import settled
from evenfit.experiments.sizing import default_config, make_space
from evenfit.experiments.tuning import Costs, Ended, Limits, Planned, Terms, tune
from evenfit.experiments.workers import Workers
from evenfit.proposals.for_front import ForFront
from evenfit.proposals.plain import PlainFirst
from evenfit.proposals.warm import WarmFirst, warm_configs
from evenfit.proposals.ways import way_of
from evenfit.results.baseline import constant_loss
from evenfit.results.front import Prices
from evenfit.results.intervals import correction
from evenfit.results.selection import validation_rows
from evenfit.results.study import Study
from evenfit.results.summary import summarise
from evenfit.results.trial import COMPLETE, DIVERGED, Trial
from evenfit.runs.holdout_advice import few_configs, or_holdout
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.objectives import LATENCY, LOSS, SIZE, second_objective
from evenfit.specs.racing import RACING, racing_of
from evenfit.specs.space import Space, SpaceRequest

PROPOSALS = "portfolio"  # what measured best
WEIGHED = 3  # batches that are proposed for a heat where proposals are weighed
_MOST_SHARE = 0.25  # of a budget's core-seconds that one config may take
_PLAIN = 8  # times the default's epochs: training that is long
_PLAIN_SHARE = 0.15  # of a budget's seconds that one such config may take on one core

State = dict[str, npt.NDArray[Any]]


def imports_ahead(budget: Budget, *, workers: int) -> bool:
    """Whether what the end of a run needs is imported while networks train: where others do, or time is short."""
    return workers > 1 or budget.seconds is not None


@dataclass(frozen=True, kw_only=True)
class Search:
    """Everything that decides what a study will try."""

    problem: Problem
    space: Space
    budget: Budget
    selection: str
    costs: Costs
    proposals: str = PROPOSALS  # how configs are proposed: a name of WAYS
    racing: str = RACING  # how they are raced: a name of RACINGS
    target_loss: float | None = None  # at or below which the search ends, as the metric is shown
    stop_when_settled: bool = False  # the search ends where no gain is to be expected that the folds could show
    rounds: bool = True  # where trials or epochs are limited, heats come in rounds, and nothing asks the clock
    warm: tuple[Config, ...] = ()  # configs of another run, which are tried after the default
    searches: int = 1  # that share a user's budget equally, this one among them
    objective: str | None = None  # what is to be small beside the loss: size or latency
    prefer: str = LOSS  # which config along the front is selected
    room: Room | None = None  # that fleets and trials have in memory; None is as much as they like

    @property
    def rule(self) -> str:
        """The rule of selection: where the loss alone is preferred, the one that was asked for."""
        return self.selection if self.prefer == LOSS else self.prefer

    def peak(self, *, workers: int, trials: int) -> int:
        """Estimate the bytes that a run with so many workers holds at its peak, when it has so many trials."""
        footprint = footprint_of(self.problem, space=self.space) if self.room is None else self.room.footprint
        default, entries = self.space.default, self.costs.entries
        entries = entries if self.room is None else self.room.entries(default, entries)
        ahead = imports_ahead(self.budget, workers=workers)
        return footprint.peak(default, entries=entries, workers=workers, trials=trials, ahead=ahead)

    @property
    def measured(self) -> bool:
        """Whether prices are measured by the clock: only a latency, and only where the clock limits the search."""
        return self.objective == LATENCY and self.budget.trials is None and self.budget.epochs is None

    def price(self, config: Config) -> float:
        """What a config costs in use, as the search is told: parameters, or microseconds by the cost model."""
        costs = self.costs
        return price_of(self.objective or SIZE, config, shape=costs.shape, outputs=costs.outputs, splits=costs.splits)


@dataclass(kw_only=True)
class Found:
    """What a search has found so far: trials by number, and the networks of complete ones."""

    trials: dict[int, Trial] = field(default_factory=dict)
    states: dict[int, State] = field(default_factory=dict)
    stopped: str = "seconds"  # what ended the search: one of REASONS
    latencies: dict[tuple[Any, ...], float] = field(default_factory=dict)  # microseconds, as measured, by shape

    def add(self, event: Finished) -> None:
        """Take a finished trial, replacing what was known of it."""
        self.trials[event.trial.number] = event.trial
        if event.state is not None:
            self.states[event.trial.number] = event.state


def plan_search(  # noqa: PLR0913 - every option is a keyword
    table: Table,
    splits: tuple[Split, ...],
    *,
    metric: str,
    budget: Budget,
    workers: int,
    seed: int,
    selection: str,
    balanced_classes: bool = False,
    space: Space | SpaceRequest | None = None,
    proposals: str = PROPOSALS,
    racing: str = RACING,
    target_loss: float | None = None,
    stop_when_settled: bool = False,
    rounds: bool = True,
    warm: Sequence[Config] = (),
    objectives: tuple[str, ...] = (),
    prefer: str = LOSS,
    memory: int | None = None,
) -> Search:
    """Decide the default config and the space that fit the table and the budget.

    Args:
        table: what is to be learnt.
        splits: of its rows.
        metric: what selection looks at.
        budget: what may be spent.
        workers: processes that train; they matter where seconds are limited.
        seed: of all chance.
        selection: the rule.
        balanced_classes: every class weighs the same in training.
        space: where to look; None makes one.
        proposals: how configs are chosen.
        racing: when the worse ones are dropped.
        target_loss: the search ends where a complete config's loss, as the metric is shown, is not above it.
        stop_when_settled: the search ends where no gain is to be expected that the folds could show.
        rounds: where trials or epochs are limited, heats come in rounds, and nothing asks the clock.
        warm: configs of another run, the best first: those that fit are tried after the default.
        objectives: loss and one of size, latency; none is the loss alone.
        prefer: which config along the front is selected.
        memory: bytes that all processes of the run may hold; None is no bound.

    Raises:
        ConfigError: the space is none for these proposals.
        BudgetError: the epochs do not suffice for one of every split, or the memory for the default config.
    """
    problem = Problem(table=table, splits=splits, metric=metric, seed=seed)
    rows = int(np.median(problem.truth.training_rows))
    shape = fit_encoding(table, splits[-1].train).shape
    outputs = problem.truth.classes
    costs = Costs(shape=shape, outputs=outputs, rows=rows, splits=len(splits))
    if table.time is not None and budget.seconds is not None:  # half, since what wins is trained once more on all rows
        affordable = replace(budget, seconds=budget.seconds / 2)
    else:
        affordable = budget
    if not isinstance(space, Space):
        default = default_config(
            rows=rows,
            shape=shape,
            outputs=outputs,
            splits=len(splits),
            budget=affordable,
            workers=workers,
            classification=problem.task != "regression",
        )
        if balanced_classes:
            default = default.with_values(balanced_classes=True)
        default = _affordable(default, budget, splits=len(splits))
        own = make_space(
            default,
            costs=costs.config,
            most_seconds=math.inf if affordable.seconds is None else _MOST_SHARE * affordable.seconds * workers,
            shape=shape,
            inputs=input_choices(table),
            targets=target_choices(table),
            classification=problem.task != "regression",
            small=bool(objectives),
        )
        space = own if space is None else space.over(own)
    classification = problem.task != "regression"
    way_of(proposals, space=space, seed=seed, classification=classification)  # which looks at the space
    return Search(
        problem=problem,
        space=space,
        budget=budget,
        selection=selection,
        costs=costs,
        proposals=proposals,
        racing=racing,
        target_loss=target_loss,
        stop_when_settled=stop_when_settled,
        rounds=rounds,
        warm=warm_configs(space, warm),
        objective=second_objective(objectives),
        prefer=prefer,
        room=None
        if memory is None
        else Room(memory=memory, footprint=footprint_of(problem, space=space), default=space.default),
    )


def _affordable(default: Config, budget: Budget, *, splits: int) -> Config:
    """Give the default with no more epochs than the budget has for all splits."""
    if budget.epochs is None:
        return default
    if budget.epochs < splits:
        raise BudgetError(
            f"the budget of {budget.epochs} epochs is too small for an answer: one epoch of one config on "
            f"{splits} splits takes {splits}"
        )
    return default.with_values(epochs=min(default.epochs, budget.epochs // splits))


def plain_epochs(search: Search) -> int:
    """Give the most epochs that a plain config may have: what is long, as far as the budget has time for it."""
    default, seconds = search.space.default, search.budget.seconds
    if seconds is None:
        return _PLAIN * default.epochs
    share = _PLAIN_SHARE * seconds / search.costs.config(default)
    return int(default.epochs * min(float(_PLAIN), share))


def run_search(
    search: Search,
    workers: Workers,
    *,
    stop_at: float | None,
    found: Found,
    planned: Sequence[Heat] = (),
    tell: Callable[[Planned | Ended | Event], None],
) -> Found:
    """Try configs until the budget is spent; each event is told before the next step of the search.

    Raises:
        BudgetError: time ran out before the default config was validated once.
        DataError: no config has losses that are numbers.
    """
    way = way_of(
        search.proposals,
        space=search.space,
        seed=search.problem.seed,
        classification=search.problem.task != "regression",
    )
    draw = way.draw
    if way.plain:
        draw = PlainFirst(constant=constant_loss(search.problem.truth), epochs=plain_epochs(search), draw=draw)
    if search.objective:
        draw = ForFront(draw=draw, price=search.price)
    terms = Terms(
        space=search.space,
        propose=WarmFirst(configs=search.warm, then=draw) if search.warm else draw,
        limits=_limits(search, stop_at),
        costs=search.costs,
        seed=search.problem.seed,
        racing=racing_of(search.racing),
        weighed=WEIGHED if way.weighed else 1,
        price=search.price if search.objective else None,
        room=search.room,
    )
    events = tune(
        terms,
        workers,
        history=[found.trials[number] for number in sorted(found.trials)],
        planned=planned,
    )
    for event in events:
        tell(event)
        if isinstance(event, Finished):
            found.add(event)
        elif isinstance(event, Ended):
            found.stopped = event.why
    if not any(trial.status == COMPLETE for trial in found.trials.values()):
        raise _no_answer(search, found)
    return found


def _limits(search: Search, stop_at: float | None) -> Limits:
    """Give what ends a search, in the terms of its trials."""
    target = search.target_loss
    if target is not None and search.problem.metric == "rmse":  # whose loss is the squared error
        target = target**2
    return Limits(
        trials=search.budget.trials,
        epochs=search.budget.epochs,
        stop_at=stop_at,
        seconds=search.budget.seconds,
        target=target,
        rounds=search.rounds,
        settled=_settled(search) if search.stop_when_settled else None,
        full=None if search.room is None else search.room.full,
    )


def _settled(search: Search) -> Callable[[Sequence[Trial]], bool]:
    """Give what says of a history whether the search has settled."""
    truth = search.problem.truth
    factor = correction(truth.training_rows, validation_rows(truth))
    return partial(settled, search.space, factor=factor, seed=search.problem.seed)


def _no_answer(search: Search, found: Found) -> EvenfitError:
    """Say why no config could be completed: its losses are no numbers, or time was too short."""
    seconds, costs = search.budget.seconds, search.costs
    if seconds is None or any(trial.status == DIVERGED for trial in found.trials.values()):
        return DataError(
            "training came to losses that are no numbers, in every config that was tried; are there enormous values in "
            "the target?"
        )
    epoch = costs.config(search.space.default) / search.space.default.epochs
    enough = search.searches * 5 * math.ceil(max(10.0, 4 * epoch + 10, 2 * seconds) / 5)
    shared = search.searches > 1
    return BudgetError(
        f"the budget is too small for an answer: in {seconds:g}s{', its share,' if shared else ''} the default config "
        f"could not finish an epoch on all {costs.splits} splits; "
        f"give {f'all {search.searches} searches' if shared else 'it'} {enough}s"
        f"{or_holdout(search.problem.table.rows, splits=costs.splits)}"
    )


def conclude(search: Search, found: Found, *, seconds: float, stopped: str, notes: Sequence[str] = ()) -> Study:
    """Select a config among what was found, and say honestly how good it is."""
    trials = [found.trials[number] for number in sorted(found.trials)]
    if search.budget.seconds is not None and found.stopped == "seconds":
        complete = sum(trial.status == COMPLETE for trial in trials)
        notes = (*notes, *few_configs(complete, rows=search.problem.table.rows, splits=search.costs.splits))
    return summarise(
        search.problem.truth,
        trials,
        selection=search.rule,
        seed=search.problem.seed,
        seconds=seconds,
        stopped=stopped,
        notes=tuple(notes),
        prices=prices_of(search, found),
    )


def prices_of(search: Search, found: Found) -> Prices | None:
    """Give what each trial found costs in use, in the order of their numbers; None without a second objective."""
    if search.objective is None:
        return None
    trials = [found.trials[number] for number in sorted(found.trials)]
    return Prices(
        objective=search.objective,
        values=tuple(_latency(search, found, trial.config) or search.price(trial.config) for trial in trials),
        how="measured" if search.measured else "counted" if search.objective == SIZE else "by the cost model",
        networks=search.costs.splits,
        left={
            number: float(np.count_nonzero(state["weights"], axis=1).mean()) for number, state in found.states.items()
        }
        if search.objective == SIZE
        else {},
    )


def _latency(search: Search, found: Found, config: Config) -> float:
    """The measured latency of a config, measured once for each shape of network; 0 where none is measured."""
    if not search.measured:
        return 0.0
    costs = search.costs
    periodic = config.numeric_embedding == "pbld"
    shape = (config.width, config.depth, periodic, config.embedding_size, config.activation)
    if shape not in found.latencies:
        found.latencies[shape] = measured_latency(config, shape=costs.shape, outputs=costs.outputs, splits=costs.splits)
    return found.latencies[shape]

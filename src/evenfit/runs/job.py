"""Job: a stored run under way, from its search to the files in its folder."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib import import_module
from threading import Thread
from typing import Any, Protocol

from evenfit.data.splits import make_splits
from evenfit.errors import BudgetError, DataError, Interrupted, WorkerError
from evenfit.experiments.ablation import ablate, finished
from evenfit.experiments.heat import Entry, Epoch, Event, Finished, Heat, HeatDone
from evenfit.experiments.peak import peak_memory
from evenfit.experiments.problem import Problem
from evenfit.experiments.spending import trained_epochs
from evenfit.experiments.tuning import Ended, Planned
from evenfit.experiments.workers import Workers
from evenfit.results.ablation import effects
from evenfit.results.hyperparameters import Hyperparameters
from evenfit.results.leaning import FEWEST, leaning
from evenfit.results.memory_use import MemoryUse
from evenfit.results.metrics import default_metric, metric_of
from evenfit.results.nested_estimate import NestedEstimate
from evenfit.results.ranking import Ranking
from evenfit.results.selection import select
from evenfit.results.study import Interval, Study
from evenfit.results.trial import Trial
from evenfit.runs.documents import make_facts, write_documents
from evenfit.runs.forecasting import end_seconds, forecast, keep_forecast, kept_forecast
from evenfit.runs.kept import Kept
from evenfit.runs.nested import Nesting, measure_nested, share_of
from evenfit.runs.outcome import Outcome
from evenfit.runs.progress import Progress, Report
from evenfit.runs.reached import with_target_note
from evenfit.runs.request import FitRequest
from evenfit.runs.retraining import with_networks
from evenfit.runs.search import Found, Search, conclude, imports_ahead, plan_search, prices_of, run_search
from evenfit.runs.source import Source, read_source
from evenfit.runs.warming import warm_engine
from evenfit.specs.config import Config
from evenfit.specs.space import Space
from evenfit.store import Run, Store
from evenfit.store.failures import told_plainly

__all__ = ["Job", "Starting", "plan_job", "read_source"]

_LATER = (
    "evenfit.experiments.hyperparameters",
    "evenfit.runs.deployment",
    "evenfit.runs.importance",
    "evenfit.report.page",
    "evenfit.report.readme",
    "sklearn.ensemble",
)
_REPORT_SECONDS = 1.0  # that the report takes
_LEAST_IMPORTANCE_SECONDS, _IMPORTANCE_SECONDS = 0.3, 3.0
_DEPENDED_SECONDS = 1.2  # that forests of trials may take
_ABLATION_SHARE = 0.05  # of the budget, for training the selected config without each of its regularisers
_MOST_RESERVED = 0.35  # of the budget, for the end; and as much again for rows that are scored there
_TEST_SECONDS = 1e-4  # to score one row of --test by every network
_MOST_LOST, _LOST_SHARE = 5, 0.1  # trials of before that may have to be trained again, and their share of what is left
_REFIT_SHARE = 0.15  # of the budget, for training the final model anew where rows are in order of time


class Starting(Protocol):
    """Workers that begin to work once they are given a problem; used in a ``with`` block, which ends them."""

    def give(self, problem: Problem, *, stop_at: float | None) -> Workers:
        """Say what the heats to come are about; those that have not begun by then are not waited for."""
        ...

    def __exit__(self, *details: Any) -> None:
        """End the workers."""
        ...


def plan_job(
    request: FitRequest,
    source: Source,
    *,
    workers: int,
    space: Space | None = None,
    warm: Sequence[Config] = (),
) -> Search:
    """Decide what a request's search will try: anew, or in the space of a run that is resumed.

    The configs of ``warm``, of another run, come first. Where searches are nested, this one has its share of the
    budget.
    """
    table = source.table
    task = table.schema.target.task if table.schema.target else ""
    metric = metric_of(request.metric or default_metric(task), task=task)
    splits = make_splits(
        table, folds=request.folds, repeats=request.repeats, seed=request.seed, holdout=request.holdout
    )
    search = plan_search(
        table,
        splits,
        metric=metric.name,
        budget=share_of(request.budget, request.nested),
        workers=workers,
        seed=request.seed,
        selection=request.selection,
        balanced_classes=request.class_weights,
        space=request.space if space is None else space,
        proposals=request.proposals,
        racing=request.racing,
        objectives=request.objectives,
        prefer=request.prefer,
        target_loss=request.target_loss,
        memory=request.memory,
        stop_when_settled=request.stop_when_settled,
        rounds=not request.budget.timed,
        warm=warm,
    )
    return replace(search, searches=1 + (request.nested or 0))


class Job:
    """A run, what it searches, and where that is kept."""

    def __init__(
        self,
        *,
        kept: Kept,
        source: Source,
        search: Search,
        store: Store,
        run: Run,
        started: float,
        space: Space | None = None,
    ) -> None:
        self.kept, self.request, self.source, self.search = kept, kept.request, source, search
        self.store, self.run, self.started = store, run, started
        self.before = run.seconds_spent  # by the run's earlier lives
        self.found = Found()
        self.step_seconds = 0.0  # of one member of the default config, measured
        self.running: dict[int, int] = {}  # configs of the heats that are under way
        self.epochs: dict[int, int] = {}  # of single networks, by the trial that has ended
        self.epochs_running: dict[int, int] = {}  # the same, of the configs of a heat that are left
        self.held: dict[int, int] = {}  # bytes at the peak of each process that trained; 0 is this one
        self.space = space  # of nested searches; None is made for the rows of each
        self.nested: NestedEstimate | None = None
        self.foretold: Future[None] | None = None  # what the search will come to is being kept

    def run_with(self, starting: Starting, progress: Report) -> Outcome:
        """Search, conclude, deploy and report; what an interruption leaves can be resumed.

        Raises:
            Interrupted: the user stopped the run.
            BudgetError: the budget is too small for any answer.
            StoreError: the disk is full, or cannot be written.
        """
        self.progress = progress
        self.workers = 1
        self.source.tell(progress)
        self.started += warm_engine(progress)
        try:
            with self.store.lock(self.run), told_plainly(self.run.folder, run=self.run.folder):
                try:
                    self._recover()
                    self._nest(starting)
                    workers = starting.give(self.search.problem, stop_at=self._stop_at())
                    self.workers = workers.count
                    self._import_ahead(workers)
                    self._search(workers)
                    study = self._conclude(workers)
                    ranking = self._rank(workers)
                    starting.__exit__(None, None, None)
                    self._say("selecting")
                    return self._finish(study or self._study(), ranking)
                except (BudgetError, DataError):
                    self.store.finish(self.run, None, "failed")
                    raise
        except WorkerError as error:
            raise WorkerError(f"{error}, go on with: evenfit resume {shlex.quote(str(self.run.folder))}") from error
        except KeyboardInterrupt:
            self.store.spend(self.run, self._spent())
            raise Interrupted(self.run.name, runs=self.request.runs) from None

    def _recover(self) -> None:
        for trial in self.store.trials(self.run):
            self.found.trials[trial.number] = trial
            self.epochs[trial.number] = trained_epochs([trial])
            if trial.status == "complete" and self.store.has_state(self.run, trial.number):
                self.found.states[trial.number] = self.store.state(self.run, trial.number)

    def _nest(self, starting: Starting) -> None:
        """Search on parts of the rows first, where that is asked for; what is done of it is kept with the run."""
        if self.request.nested is None:
            return
        alone = replace(self.request, nested=None)
        workers = int(self.run.request.get("workers", 1))
        self.nested = measure_nested(
            self.source.table,
            Nesting(folds=self.request.nested, seed=self.request.seed, budget=self.request.budget),
            plan=lambda table, budget: plan_job(
                replace(alone, budget=budget),
                replace(self.source, table=table, test=None),
                workers=workers,
                space=self.space,
            ),
            give=lambda problem, stop_at: starting.give(problem, stop_at=stop_at),
            stop_at=self._stop_at(),
            folder=self.run.folder,
            tell=self._say,
            done=lambda _: self.store.spend(self.run, self._spent()),
        )

    def _import_ahead(self, workers: Workers) -> None:
        """Import what the end needs while networks train, so that the end is short."""
        if imports_ahead(self.request.budget, workers=workers.count):
            Thread(target=lambda: [import_module(name) for name in _LATER], daemon=True).start()

    def _foretell(self, default: Trial) -> None:
        """Say what the search will come to, once its default config is done, and keep that with the run."""
        if self.request.nested is not None or not default.seconds > 0:
            return
        stop_at = self._stop_at(apart=self._apart() + self._lost_seconds())
        begun = time.monotonic() - default.seconds if len(self.found.trials) == 0 else self.started
        before = kept_forecast(self.run.folder)
        known = partial(
            forecast,
            self.search,
            default_seconds=self._default_seconds(default) if before is None else before.default_seconds,
            workers=self.workers,
            before=max(0.0, begun - self.started),
            after=end_seconds(self.source.table.rows),
            train=None if stop_at is None else max(0.0, stop_at - begun + self.before),
        )
        beside = ThreadPoolExecutor(1)  # so that the next heat does not wait for it
        self.foretold = beside.submit(lambda: keep_forecast(self.run.folder, known()))
        beside.shutdown(wait=False)

    def _default_seconds(self, default: Trial) -> float:
        """Give the core-seconds of the default config: by its steps after its first epoch, which loads the engine."""
        rows, config = self.search.costs.rows, default.config
        if self.step_seconds > 0:
            steps = config.epochs * (rows // min(config.batch_rows, rows)) * self.search.costs.splits
            return self.step_seconds * steps
        return default.seconds * config.epochs / max(1, int(default.epochs[-1]))  # it may have been ended by the time

    def _search(self, workers: Workers) -> None:
        if self.kept.extended and 0 in self.found.trials:  # more is to be tried than was foretold
            self._foretell(self.found.trials[0])
        run_search(
            self.search,
            workers,
            stop_at=self._stop_at(apart=self._apart() + self._lost_seconds()),
            found=self.found,
            planned=[_stored_heat(stored.number, stored.configs) for stored in self.store.rounds(self.run)],
            tell=self._tell,
        )

    def _tell(self, event: Planned | Ended | Event) -> None:
        """Keep what must not be lost, and say how far it is."""
        if isinstance(event, Planned):
            heat = event.heat
            self.running[heat.round] = len(heat.entries)
            configs = [_stored_entry(entry) for entry in heat.entries]
            self.store.add_round(
                self.run, heat.round, configs, "default" if heat.round == 0 else self.request.proposals
            )
        elif isinstance(event, Finished):
            if event.trial.number == 0:
                self._foretell(event.trial)
            spent = self.epochs[event.trial.number] = trained_epochs([event.trial])
            left = self.epochs_running.get(event.trial.round, 0) - spent
            self.epochs_running[event.trial.round] = max(0, left)
            self.store.add_trial(self.run, event.trial, state=event.state, seconds_spent=self._spent())
        elif isinstance(event, Epoch):
            if event.round == 0:
                self.step_seconds = event.seconds_a_step
            self.running[event.round] = event.running
            self.epochs_running[event.round] = event.trained
        elif isinstance(event, HeatDone):
            self.held[event.process] = event.memory
            self.running.pop(event.round, None)
            self.epochs_running.pop(event.round, None)
        self._say()

    def _say(self, note: str = "") -> None:
        budget, spent = self.request.budget, self._spent()
        trials = self.search.budget.trials
        metric = metric_of(self.search.problem.metric, task=self.search.problem.task)
        losses = [trial.loss for trial in self.found.trials.values() if trial.status == "complete"]
        best = min(losses, default=None)
        done = len(self.found.trials)
        epochs, trained = self.search.budget.epochs, sum(self.epochs.values()) + sum(self.epochs_running.values())
        self.progress(
            Progress(
                seconds_spent=spent,
                seconds_left=None if budget.seconds is None else max(0.0, budget.seconds - spent),
                trials_done=done,
                trials_running=sum(self.running.values()),
                trials_left=None if trials is None else max(0, trials - done),
                epochs_done=trained,
                epochs_left=None if epochs is None else max(0, epochs - trained),
                best_loss=None if best is None else metric.score(best) if metric.name == "rmse" else best,
                fleets=len(self.running),
                note=note,
            )
        )

    def _spent(self) -> float:
        return self.before + time.monotonic() - self.started

    def _stop_at(self, *, apart: float = 0.0) -> float | None:
        """Give the moment when training ends, so that selection, model and report fit into the budget."""
        seconds = self.request.budget.seconds
        if seconds is None:
            return None
        rows, test = self.source.table.rows, self.source.test
        reserve = 2.6 + 0.045 * min(seconds, 60.0) + rows * 4e-5
        if self.request.time is not None:
            reserve += _REFIT_SHARE * seconds
        scoring = 0.0 if test is None else min(test.rows * _TEST_SECONDS, _MOST_RESERVED * seconds)
        return self.started + seconds - self.before - min(reserve, _MOST_RESERVED * seconds) - scoring - apart

    def _apart(self) -> float:
        """Give the seconds of training that are not the search's but the ablation's: none where they would not do."""
        seconds = self.search.budget.seconds
        if seconds is None:
            return 0.0
        costs, default = self.search.costs, self.search.space.default
        return ablation_seconds(
            seconds,
            one=costs.config(default),
            count=1 + len(default.regularisers()),
            workers=self.workers,
        )

    def _study(self) -> Study:
        """Select, and say how good what was selected is."""
        notes = [self.kept.warm_note] if self.kept.warm_note else []
        study = conclude(self.search, self.found, seconds=self._spent(), stopped=self.found.stopped, notes=notes)
        return with_target_note(study, self.request.target_loss)

    def _conclude(self, workers: Workers) -> Study | None:
        """Conclude while there are workers, where some weights are gone; else there is time for it later."""
        complete = {number for number, trial in self.found.trials.items() if trial.status == "complete"}
        if complete <= set(self.found.states):
            return None
        self._say("training again what is deployed")
        return with_networks(
            self._study,
            self.found,
            workers=workers,
            stop_at=self._stop_at(),
            keep=lambda event: self.store.add_trial(self.run, event.trial, state=event.state),
        )

    def _lost_seconds(self) -> float:
        """Give the seconds to train again what may be deployed of an extended run's earlier trials."""
        if self.request.budget.seconds is None:
            return 0.0
        ranked = sorted((t for t in self.found.trials.values() if t.status == "complete"), key=lambda t: t.loss)
        lost = [trial.seconds for trial in ranked[:_MOST_LOST] if trial.number not in self.found.states]
        left = (self._stop_at() or 0.0) - time.monotonic()
        return min(_LOST_SHARE * max(0.0, left), sum(lost) / self.workers)

    def _rank(self, workers: Workers) -> Ranking:
        """Say which regularisers mattered: by an ablation where there is time for it, else by the search."""
        trials = [self.found.trials[number] for number in sorted(self.found.trials)]
        truth = self.search.problem.truth
        prices = prices_of(self.search, self.found)
        priced = None if prices is None else prices.values
        selected = trials[select(truth, trials, rule=self.search.rule, prices=priced)]
        used = tuple(
            name
            for name in selected.config.regularisers()
            if name != "label_smoothing" or self.search.problem.task != "regression"
        )
        names = used[: self._affordable(selected, len(used))]
        if names:
            self._say("measuring what each regulariser does")
            events = list(ablate(selected.config, names, workers=workers, stop_at=self._stop_at()))
            known = finished(events, selected.config, names)
            if known is not None:
                found = effects(truth, *known)
                measured = {effect.name for effect in found}
                left = tuple(name for name in used if name not in measured)
                return Ranking(effects=found, leaning=leaning(trials), unmeasured=left)
        return Ranking(leaning=leaning(trials), unmeasured=used)

    def _affordable(self, selected: Trial, count: int) -> int:
        """Say how many of its regularisers the selected config can be trained without."""
        stop_at = self._stop_at()
        if stop_at is None:  # no clock has a part in it: all, unless the search itself was no longer
            return count if len(self.found.trials) >= FEWEST else 0
        if self._apart() == 0 or not selected.seconds > 0:
            return 0
        left = (stop_at - time.monotonic()) * self.workers
        return max(0, min(count, int(0.8 * left / selected.seconds) - 1))

    def _left(self) -> float:
        seconds = self.request.budget.seconds
        return math.inf if seconds is None else seconds - self._spent()

    def _finish(self, study: Study, ranking: Ranking) -> Outcome:
        from evenfit.experiments.hyperparameters import hyperparameter_importance
        from evenfit.runs.deployment import make_model, refit_model
        from evenfit.runs.importance import importance
        from evenfit.runs.scoring import score_rows

        study = replace(study, nested=self.nested)
        fold_model = make_model(self.search, self.found, study)
        model = fold_model
        if self.request.time is not None:
            self._say("training the final model on all rows")
            spare = self._left() - _REPORT_SECONDS
            model = refit_model(
                self.search, study, seconds=0.8 * spare, stop=lambda: self._left() < _REPORT_SECONDS / 2
            )
        model.save(self.run.folder / "model")
        fresh = None
        if self.source.test is not None:
            fresh = score_rows(model, self.source.test, source=str(self.request.test))
        self._say("asking which hyperparameters mattered")
        depended = hyperparameter_importance(study.trials, seconds=self._depended_seconds())
        self._say("measuring what each column is worth")
        worth = importance(self.search.problem, fold_model, seconds=self._importance_seconds())
        self._say("writing the report")
        outcome = self._outcome(study, worth, ranking, depended, fresh)
        write_documents(outcome, self.request)
        self.store.finish(self.run, outcome.json(), "done", report=outcome.text())
        self.store.spend(self.run, self._spent())
        # last: a run that is killed before it is done needs the weights of every complete trial
        self.store.prune_states(self.run, {part.trial for part in fold_model.parts})
        return outcome

    def _importance_seconds(self) -> float:
        """Give what the report leaves, a little even when it is late; where trials are the budget, no clock."""
        if self.request.budget.seconds is None:
            return math.inf
        return min(_IMPORTANCE_SECONDS, max(_LEAST_IMPORTANCE_SECONDS, self._left() - _REPORT_SECONDS))

    def _depended_seconds(self) -> float:
        """Give the most that asking the trials may take; where trials are the budget, no clock."""
        if self.request.budget.seconds is None:
            return math.inf
        return min(_DEPENDED_SECONDS, max(_LEAST_IMPORTANCE_SECONDS, self._left() - _REPORT_SECONDS))

    def _memory(self) -> MemoryUse:
        """Say what the run was expected to hold in memory, and what it holds at the end."""
        others = [held for process, held in self.held.items() if process]
        own = peak_memory()
        return MemoryUse(
            expected=self.search.peak(workers=self.workers, trials=len(self.found.trials)),
            held=own + sum(others) if own and all(others) else None,
            processes=1 + len(others),
            bound=self.request.memory,
        )

    def _outcome(
        self,
        study: Study,
        worth: tuple[tuple[str, Interval], ...],
        ranking: Ranking,
        depended: Hyperparameters,
        fresh: Any,
    ) -> Outcome:
        if self.foretold is not None:
            self.foretold.result()
        facts = make_facts(
            self.request,
            self.source.table,
            study,
            run=self.run,
            finishes=self.store.finishes(self.run),
            importance=worth,
            ranking=ranking,
            hyperparameters=depended,
            fresh=fresh,
            seconds_spent=self._spent(),
            extended=self.kept.extended,
            forecast=kept_forecast(self.run.folder),
            memory=self._memory(),
        )
        return Outcome(
            study=study,
            facts=facts,
            folder=self.run.folder,
            name=self.run.name,
            require=self.request.require,
            track=self.request.track,
            extended=self.kept.extended,
        )


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


def _stored_entry(entry: Entry) -> dict[str, Any]:
    return {"number": entry.number, "protected": entry.protected, "config": entry.config.to_json()}


def _stored_heat(number: int, configs: tuple[Mapping[str, Any], ...]) -> Heat:
    entries = tuple(
        Entry(number=known["number"], config=Config.from_json(known["config"]), protected=known["protected"])
        for known in configs
    )
    return Heat(round=number, entries=entries)

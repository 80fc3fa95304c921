"""Job: a stored run under way, from its search to the files in its folder."""

from __future__ import annotations

import shlex
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib import import_module
from threading import Thread
from typing import Any

from evenfit.errors import BudgetError, DataError, Interrupted, WorkerError
from evenfit.experiments.heat import Event, Finished
from evenfit.experiments.peak import peak_memory
from evenfit.experiments.tuning import Ended, Planned
from evenfit.experiments.workers import Workers
from evenfit.results.hyperparameters import Hyperparameters
from evenfit.results.memory_use import MemoryUse
from evenfit.results.nested_estimate import NestedEstimate
from evenfit.results.ranking import Ranking
from evenfit.results.study import Interval, Study
from evenfit.results.trial import Trial
from evenfit.runs.allowance import REPORT_SECONDS, ablation_seconds, allowance_of
from evenfit.runs.documents import make_facts, write_documents
from evenfit.runs.forecasting import default_seconds, end_seconds, forecast, has_learnt, keep_forecast, kept_forecast
from evenfit.runs.kept import Kept
from evenfit.runs.nested import Nesting, measure_nested
from evenfit.runs.outcome import Outcome
from evenfit.runs.planning import plan_job
from evenfit.runs.progress import Report
from evenfit.runs.ranking import rank_regularisers
from evenfit.runs.reached import with_target_note
from evenfit.runs.retraining import lost_seconds, with_networks
from evenfit.runs.search import Found, Search, conclude, imports_ahead, run_search
from evenfit.runs.source import Source
from evenfit.runs.standing import standing
from evenfit.runs.starting import Starting
from evenfit.runs.stored_heats import entry_json, stored_heat
from evenfit.runs.tally import Tally
from evenfit.runs.warming import warm_engine
from evenfit.specs.space import Space
from evenfit.store import Run, Store
from evenfit.store.failures import told_plainly

_LATER = (
    "evenfit.experiments.hyperparameters",
    "evenfit.runs.deployment",
    "evenfit.runs.importance",
    "evenfit.report.page",
    "evenfit.report.readme",
    "sklearn.ensemble",
)
_START_SECONDS = 1.5  # until training begins, of a run that is extended


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
        self.store, self.run = store, run
        self.time = allowance_of(self.request, source, started=started, before=run.seconds_spent)
        self.found, self.tally = Found(), Tally()
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
        self.time = replace(self.time, started=self.time.started + warm_engine(progress))
        try:
            with self.store.lock(self.run), told_plainly(self.run.folder, run=self.run.folder):
                try:
                    self._recover()
                    self._nest(starting)
                    workers = starting.give(self.search.problem, stop_at=self.time.stop_at())
                    self.workers = workers.count
                    self._import_ahead(workers)
                    self._search(workers)
                    study = self._conclude(workers)
                    ranking = rank_regularisers(
                        self.search,
                        self.found,
                        workers=workers,
                        stop_at=self.time.stop_at(),
                        apart=self._apart(),
                        say=self._say,
                    )
                    starting.__exit__(None, None, None)
                    self._say("selecting")
                    return self._finish(study or self._study(), ranking)
                except (BudgetError, DataError):
                    self.store.finish(self.run, None, "failed")
                    raise
        except WorkerError as error:
            raise WorkerError(f"{error}, go on with: evenfit resume {shlex.quote(str(self.run.folder))}") from error
        except KeyboardInterrupt:
            self.store.spend(self.run, self.time.spent())
            raise Interrupted(self.run.name, runs=self.request.runs) from None

    def _recover(self) -> None:
        for trial in self.store.trials(self.run):
            self.found.trials[trial.number] = trial
            self.tally.recall(trial)
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
            stop_at=self.time.stop_at(),
            folder=self.run.folder,
            tell=self._say,
            done=lambda _: self.store.spend(self.run, self.time.spent()),
        )

    def _import_ahead(self, workers: Workers) -> None:
        """Import what the end needs while networks train, so that the end is short."""
        if imports_ahead(self.request.budget, workers=workers.count):
            Thread(target=lambda: [import_module(name) for name in _LATER], daemon=True).start()

    def _foretell(self, default: Trial) -> None:
        """Say what the search will come to, once its default config is done, and keep that with the run."""
        if self.request.nested is not None or not default.seconds > 0:
            return
        stop_at = self._search_stops_at()
        begun = time.monotonic() - default.seconds if len(self.found.trials) == 0 else self.time.started
        before, lives = kept_forecast(self.run.folder), 1 + len(self.kept.extended)
        known = partial(
            forecast,
            self.search,
            default_seconds=default_seconds(self.search, default, step_seconds=self.tally.step_seconds)
            if before is None
            else before.default_seconds,
            workers=self.workers,
            before=max(0.0, begun - self.time.started) + (lives - 1) * _START_SECONDS,
            after=lives * end_seconds(self.source.table.rows),
            learnt=has_learnt(self.search, default),
            train=None if stop_at is None else max(0.0, stop_at - begun + self.time.before),
        )
        beside = ThreadPoolExecutor(1)  # so that the next heat does not wait for it
        self.foretold = beside.submit(lambda: keep_forecast(self.run.folder, known()))
        beside.shutdown(wait=False)

    def _search(self, workers: Workers) -> None:
        if self.kept.extended and 0 in self.found.trials:  # more is to be tried than was foretold
            self._foretell(self.found.trials[0])
        run_search(
            self.search,
            workers,
            stop_at=self._search_stops_at(),
            found=self.found,
            planned=[stored_heat(stored.number, stored.configs) for stored in self.store.rounds(self.run)],
            tell=self._tell,
        )

    def _tell(self, event: Planned | Ended | Event) -> None:
        """Keep what must not be lost, and say how far it is."""
        if isinstance(event, Planned):
            heat = event.heat
            configs = [entry_json(entry, cut=heat.cut) for entry in heat.entries]
            self.store.add_round(
                self.run, heat.round, configs, "default" if heat.round == 0 else self.request.proposals
            )
        elif isinstance(event, Finished):
            if event.trial.number == 0:
                self._foretell(event.trial)
            self.store.add_trial(self.run, event.trial, state=event.state, seconds_spent=self.time.spent())
        self.tally.take(event)
        self._say()

    def _say(self, note: str = "") -> None:
        seconds, spent = self.request.budget.seconds, self.time.spent()
        self.progress(standing(self.search, self.found, self.tally, seconds=seconds, spent=spent, note=note))

    def _search_stops_at(self) -> float | None:
        """Give the moment when the search ends, so that the ablation and what was lost can be trained after it."""
        lost = 0.0
        if self.request.budget.seconds is not None:
            left = (self.time.stop_at() or 0.0) - time.monotonic()
            lost = lost_seconds(self.found, workers=self.workers, left=left)
        return self.time.stop_at(apart=self._apart() + lost)

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
        study = conclude(self.search, self.found, seconds=self.time.spent(), stopped=self.found.stopped, notes=notes)
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
            stop_at=self.time.stop_at(),
            keep=lambda event: self.store.add_trial(self.run, event.trial, state=event.state),
        )

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
            spare = self.time.left() - REPORT_SECONDS
            model = refit_model(
                self.search, study, seconds=0.8 * spare, stop=lambda: self.time.left() < REPORT_SECONDS / 2
            )
        model.save(self.run.folder / "model")
        fresh = None
        if self.source.test is not None:
            fresh = score_rows(model, self.source.test, source=str(self.request.test))
        self._say("asking which hyperparameters mattered")
        depended = hyperparameter_importance(study.trials, seconds=self.time.depended_seconds())
        self._say("measuring what each column is worth")
        worth = importance(self.search.problem, fold_model, seconds=self.time.importance_seconds())
        self._say("writing the report")
        outcome = self._outcome(study, worth, ranking, depended, fresh)
        write_documents(outcome, self.request)
        self.store.finish(self.run, outcome.json(), "done", report=outcome.text())
        self.store.spend(self.run, self.time.spent())
        # last: a run that is killed before it is done needs the weights of every complete trial
        self.store.prune_states(self.run, {part.trial for part in fold_model.parts})
        return outcome

    def _memory(self) -> MemoryUse:
        """Say what the run was expected to hold in memory, and what it holds at the end."""
        others = [held for process, held in self.tally.held.items() if process]
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
            seconds_spent=self.time.spent(),
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

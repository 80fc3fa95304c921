"""A sweep's loop: propose, run, read metrics, stop early, until it is done."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from evenfit.errors import SweepError
from evenfit.sweeps.journal import Journal
from evenfit.sweeps.processes import watch
from evenfit.sweeps.program import Program, last_lines, start
from evenfit.sweeps.proposals import PROPOSALS, Tried, nested
from evenfit.sweeps.sweep import Sweep
from evenfit.sweeps.trial import FAILED, FINISHED, KILLED, STOPPED, Part, Run, Trial

POLL = 0.05  # seconds between looks at what runs
_AT_ONCE = 60.0  # seconds within which a failure is one at once


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a sweep is run beyond what its file says."""

    jobs: int = 1
    seed: int = 0
    folds: int = 0  # 0: the program knows of none
    seeds: int = 0  # the same
    count: int | None = None
    engine: str = ""  # the file's method
    timeout: float | None = None  # seconds for a run

    def __post_init__(self) -> None:
        for name, low in (("jobs", 1), ("count", 1)):
            value = getattr(self, name)
            if value is not None and value < low:
                raise SweepError(f"{name} must be at least {low}, got {value}")
        if self.folds < 0 or self.folds == 1:
            raise SweepError(f"folds must be at least 2, got {self.folds}")
        if self.seeds < 0:
            raise SweepError(f"seeds must be at least 1, got {self.seeds}")
        if self.engine not in {"", "optuna"}:
            raise SweepError(f"engine must be optuna, got {self.engine!r}")

    @property
    def parts(self) -> list[Part]:
        """The runs of one trial."""
        return [(fold, seed) for fold in range(max(1, self.folds)) for seed in range(max(1, self.seeds))]


def part_name(part: Part, options: Options) -> str:
    """What a run's name has beyond its trial's number.

    >>> part_name((1, 0), Options(folds=5))
    '-fold1'
    """
    fold, seed = part
    return (f"-fold{fold}" if options.folds else "") + (f"-seed{seed}" if options.seeds else "")


def part_config(part: Part, options: Options) -> dict[str, int]:
    """What a run is told beyond its trial's values."""
    fold, seed = part
    folds = {"fold": fold, "folds": options.folds} if options.folds else {}
    return folds | ({"seed": seed} if options.seeds else {})


@dataclass
class _Running:
    trial: Trial
    part: Part
    program: Program
    stopped: str = ""


class Loop:
    """What runs and what has been tried."""

    def __init__(
        self, sweep: Sweep, options: Options, *, name: str, folder: Path, working: Path, journal: Journal
    ) -> None:
        self.sweep, self.options, self.name, self.journal = sweep, options, name, journal
        self.folder, self.working = folder, working
        self.trials = journal.trials(len(options.parts))
        self.running: list[_Running] = []
        self.warnings: list[str] = []
        self._open = [trial for trial in self.trials if not trial.ended]
        self._past: dict[Part, list[list[float]]] = {part: [] for part in options.parts}  # of runs that have ended
        for trial in self.trials:
            for part, run in trial.runs.items():
                self._past[part].append([sweep.better(value) for value in run.history])
        self._failures = 0  # at once, before any success
        self._exhausted = False
        self._reached = any(self._hits(run) for trial in self.trials for run in trial.runs.values())
        self._checked = any(run.history for trial in self.trials for run in trial.runs.values())

    def run(self) -> Iterator[Trial]:
        """Yield trials as they end; whatever happens, no program is left running.

        Raises:
            SweepError: the metric is never logged, or the program fails three times at once.
        """
        watchdog = watch(self.folder)
        try:
            while True:
                while len(self.running) < self.options.jobs and (work := self._next()):
                    self._start(*work)
                if not self.running:
                    return
                with contextlib.suppress(subprocess.TimeoutExpired):  # as soon as one ends, or to read metrics
                    self.running[0].program.process.wait(POLL)
                for each in list(self.running):
                    yield from self._look(each)
        finally:
            for each in self.running:
                each.program.ask()
            until = time.monotonic() + 2
            while any(each.program.process.poll() is None for each in self.running) and time.monotonic() < until:
                time.sleep(POLL)
            for each in self.running:
                each.program.kill()
            if watchdog is not None and watchdog.stdin is not None:
                watchdog.stdin.close()
                watchdog.wait()

    def _next(self) -> tuple[Trial, Part] | None:
        """Give the next run to start: of a trial that has begun, or of a new one."""
        busy = {(each.trial.number, each.part) for each in self.running}
        for trial in self._open:
            for part in self.options.parts:
                if part not in trial.runs and (trial.number, part) not in busy:
                    return trial, part
        caps = [cap for cap in (self.sweep.run_cap, self.options.count) if cap is not None]
        if self._reached or self._exhausted or (caps and len(self.trials) >= min(caps)):
            return None
        propose = PROPOSALS[self.options.engine or self.sweep.method]
        chosen = propose(self.sweep, _History(self), self.options.seed)
        if chosen is None:
            self._exhausted = True
            return None
        trial = Trial(number=len(self.trials), chosen=chosen)
        self.trials.append(trial)
        self._open.append(trial)
        self.journal.proposed(trial)
        return trial, self.options.parts[0]

    def _start(self, trial: Trial, part: Part) -> None:
        config = nested(trial.chosen) | part_config(part, self.options)
        suffix = part_name(part, self.options)
        group = f"{self.name}-{trial.number:05d}"
        program = start(
            self.sweep.command,
            config,
            program=self.sweep.program,
            metric=self.sweep.metric,
            sweep=self.name,
            run=group + suffix,
            group=group,
            folder=self.folder / f"{trial.number:05d}{suffix}",
            working=self.working,
            more={"WANDB_PROJECT": self.sweep.project} if self.sweep.project else {},
        )
        self.running.append(_Running(trial=trial, part=part, program=program))

    def _look(self, each: _Running) -> Iterator[Trial]:
        """Read what a run has logged; end it, or take note that it ended."""
        program = each.program
        code = program.poll()
        program.metrics.update(ended=code is not None)
        if code is None:
            if not each.stopped:
                each.stopped = self._verdict(each)
                if each.stopped:
                    program.ask()
            return
        self.running.remove(each)
        status = each.stopped or (FINISHED if code == 0 else FAILED)
        seconds = time.monotonic() - program.began
        found = program.metrics
        run = Run(status=status, history=tuple(found.history), summary=found.summary, seconds=seconds)
        each.trial.runs[each.part] = run
        self._past[each.part].append([self.sweep.better(value) for value in run.history])
        self.journal.ended(each.trial, each.part)
        self._reached = self._reached or self._hits(run)
        self._check(each, run, code=code)
        if status == STOPPED or len(each.trial.runs) == len(self.options.parts):
            yield from self._close(each.trial)

    def _verdict(self, each: _Running) -> str:
        """Why a run is to end now, if it is."""
        limit = self.options.timeout
        if limit is not None and time.monotonic() - each.program.began > limit:
            self.warnings.append(f"trial {each.trial.number} was killed after {limit:g} s")
            return KILLED
        rule, metrics = self.sweep.early_terminate, each.program.metrics
        if rule is None:
            return ""
        live = [r.program.metrics.history for r in self.running if r.part == each.part]  # the same fold and seed
        others = [[self.sweep.better(value) for value in history] for history in live] + self._past[each.part]
        own = [self.sweep.better(value) for value in metrics.history]
        return STOPPED if rule.stops(own, others) else ""

    def _check(self, each: _Running, run: Run, *, code: int) -> None:
        """Stop a sweep that cannot work, and say what is odd."""
        metrics = each.program.metrics
        if run.status == FAILED:
            self._failures += 1 if run.seconds < _AT_ONCE else 0
            self.warnings.append(f"trial {each.trial.number} failed with exit code {code}: {each.program.log}")
            if self._failures >= 3:
                end = last_lines(each.program.log)
                raise ProgramError("the program failed three times at once; its last lines are above", end)
            return
        if run.status == FINISHED:
            self._failures = -(10**9)  # it can work: failures are the values', not the program's
        if metrics.bad:
            self.warnings.append(f"trial {each.trial.number} logged {self.sweep.metric} {metrics.bad} times not finite")
        if run.status == FINISHED and self.sweep.metric and not self._checked and not metrics.bad:
            self._checked = bool(run.history)
            if not self._checked:
                names = ", ".join(metrics.names) or "nothing"
                raise SweepError(f"the metric {self.sweep.metric!r} was never logged; the first run logged: {names}")

    def _close(self, trial: Trial) -> Iterator[Trial]:
        for each in [r for r in self.running if r.trial is trial]:
            each.stopped = each.stopped or STOPPED
            each.program.ask()
        if not trial.ended:
            trial.ended = True
            self._open.remove(trial)
            self.journal.closed(trial)
            for seed in range(max(1, self.options.seeds)):
                runs = [trial.runs.get((fold, seed)) for fold in range(self.options.folds)]
                values = [run.value for run in runs if run is not None and run.value is not None]
                if len(values) > 1 and len(set(values)) == 1:
                    self.warnings.append(
                        f"trial {trial.number}: all folds have the same metric, {values[0]:.6g}; "
                        "does the program use fold?"
                    )
            yield trial

    def _hits(self, run: Run) -> bool:
        return any(map(self.sweep.reaches, run.history))


class _History(Sequence[Tried]):
    """The trials as proposals see them, each made when it is looked at: most proposals only count them."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def __len__(self) -> int:
        return len(self._loop.trials)

    @overload
    def __getitem__(self, place: int) -> Tried: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Tried]: ...
    def __getitem__(self, place: int | slice) -> Tried | Sequence[Tried]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        trial = self._loop.trials[place]
        live = [each.program.metrics.history for each in self._loop.running if each.trial is trial]
        return trial.tried(self._loop.sweep, live=live)


class ProgramError(SweepError):
    """A program that cannot work; ``lines`` are the last that it wrote."""

    def __init__(self, message: str, lines: str) -> None:
        super().__init__(message)
        self.lines = lines

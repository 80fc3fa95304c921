"""A stand-in for the runs that the command line calls."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from evenfit.cli.main import main


@dataclass(frozen=True)
class FakeAnswer:
    """What a run would answer."""

    folder: Path = Path("runs/a")
    upper_bound: float = 0.5
    require: float | None = None
    name: str = "a"
    track: tuple[str, ...] = ()

    def text(self):
        return "selected 0.4"

    def json(self):
        return {"selected": 0.4, "low": float("-inf")}


@dataclass
class FakeRuns:
    """Remembers what it was asked for, and raises what it is told to."""

    calls: list = field(default_factory=list)
    error: BaseException | None = None
    progress: list = field(default_factory=list)
    refusal: BaseException | None = None  # of a tracker, before the search
    asked: tuple[str, ...] = ()  # trackers of a run that is resumed
    tracker_error: BaseException | None = None  # and behind it

    def fit(self, request, *, progress):
        self.calls.append(("fit", request))
        for value in self.progress:
            progress(value)
        return self._answer()

    def plan(self, request):
        self.calls.append(("plan", request))
        return self._answer()

    def resume(self, name, *, runs, progress, extend=None):
        self.calls.append(("resume", name, runs, *([] if extend is None else [extend])))
        return self._answer()

    def predict(self, folder, file, out, *, delimiter, encoding):
        self.calls.append(("predict", folder, file, out, delimiter, encoding))
        return self._answer()

    def score(self, folder, file, *, delimiter, encoding):
        self.calls.append(("score", folder, file, delimiter, encoding))
        return self._answer()

    def list_runs(self, runs, *, tags):
        self.calls.append(("list_runs", runs, tags))
        return [{"name": "a", "loss": 0.41}, {"name": "long name", "loss": None}]

    def check_targets(self, targets, *, runs):
        self.calls.append(("check_targets", targets, runs))
        if self.refusal is not None:
            raise self.refusal

    def split_target(self, text):
        return text.split("=") if "=" in text else (text, None)

    def track(self, run, *, runs, to, uri, project, tell):
        self.calls.append(("track", run, runs, to, uri, project))
        if self.tracker_error is not None:
            raise self.tracker_error
        return FakeAnswer()

    def show(self, run, runs):
        self.calls.append(("show", run, runs))
        return self._answer()

    def _answer(self):
        if self.error is not None:
            raise self.error
        return FakeAnswer(track=self.asked)


@pytest.fixture
def fake_runs(monkeypatch):
    """The command line with a stand-in below it."""
    fake = FakeRuns()
    homes = {"fit": ("fit", "plan", "resume"), "predict": ("predict", "score"), "listing": ("list_runs", "show")}
    homes["tracking"] = ("check_targets", "split_target", "track")
    for home, functions in homes.items():
        module = ModuleType(f"evenfit.runs.{home}")
        for name in functions:
            setattr(module, name, getattr(fake, name))
        module.PROJECT = "evenfit"
        monkeypatch.setitem(sys.modules, f"evenfit.runs.{home}", module)
    return fake


@pytest.fixture
def command(capsys):
    """Run one command: its exit code, standard output and standard error."""

    def run(*arguments):
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run

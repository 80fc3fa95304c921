"""Nested searches of a run that is killed: those that were done stay, and the others come to the same."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.end_to_end import killed
from tests.end_to_end.conftest import write_table

from evenfit.runs.fit import fit, resume
from evenfit.runs.options import request_from
from evenfit.runs.progress import ignore

OPTIONS = {"table": "shop.csv", "target": "sold", "runs": "runs", "folds": 2, "nested": 2, "budget": "6 trials"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nested")
    write_table(folder / "shop.csv")
    return folder


def told(found):
    """What a run says of its nested searches and of its own, without seconds."""
    nested = json.loads(json.dumps(found["nested"]))
    for fold in nested["folds"]:
        fold.pop("seconds")
    return nested, found["estimate"], [trial["config"] for trial in found["trials"]]


def killed_at(moment, count, *, name, workers):
    words = ["fit", OPTIONS["table"], "--name", name, "--workers", str(workers)]
    for option in ("target", "runs", "folds", "nested", "budget"):
        words += [f"--{option}", str(OPTIONS[option])]
    program = [sys.executable, killed.__file__, moment, str(count), "SIGKILL", *words]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_that_is_killed_in_nested_searches_keeps_those_that_were_done(home, monkeypatch):
    monkeypatch.chdir(home)
    wanted = told(fit(request_from(OPTIONS | {"name": "whole", "workers": 1}), progress=ignore).json())
    for place, (moment, count, kept) in enumerate(
        [
            ("after a nested search is stored", 1, 1),
            ("before a nested search is stored", 2, 1),
            ("after a trial is stored", 1, 2),
        ]
    ):
        name = f"killed-{place}"
        done = killed_at(moment, count, name=name, workers=1 + place % 2)
        assert done.returncode == -signal.SIGKILL, done.stderr
        files = {file: file.stat().st_mtime_ns for file in Path("runs", name, "nested").glob("fold-*.json")}
        assert len(files) == kept
        assert told(resume(name, runs="runs", progress=ignore).json()) == wanted
        assert all(file.stat().st_mtime_ns == before for file, before in files.items())

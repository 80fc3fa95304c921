"""Compiling the engine, once, is no part of any budget."""

import time

from evenfit.fleet import warm as engine
from evenfit.runs.warming import warm_engine


def test_what_is_compiled_takes_no_time_and_says_nothing():
    engine.warm()
    said = []
    assert warm_engine(said.append) == 0.0
    assert said == []


def test_compiling_is_said_and_its_seconds_are_given(monkeypatch):
    monkeypatch.setattr(engine, "is_cold", lambda: True)
    monkeypatch.setattr(engine, "warm", lambda: time.sleep(0.05))
    said = []
    assert 0.05 <= warm_engine(said.append) < 1.0
    assert "once" in said[0].line


def test_an_engine_that_was_never_compiled_is_cold(tmp_path):
    import os
    import subprocess
    import sys

    code = "from evenfit.fleet.warm import is_cold; print(is_cold())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"

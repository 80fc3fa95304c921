"""The pool: calls are made here while they are short, and in processes that end when told to."""

import importlib.util
import os
import sys
import threading
import time

import numpy as np
import pytest
from tests.experiments.fitting.calls import Asks, Call

from evenfit.errors import WorkerError
from evenfit.experiments.fitting import pool

SHARED = np.arange(20) ** 2


class Clock:
    """Each look at it takes some seconds."""

    def __init__(self, seconds):
        self.now, self.seconds = 0.0, seconds

    def __call__(self):
        self.now += self.seconds
        return self.now


def made(calls, *, seconds, workers=2, stop=lambda: False):
    return list(pool.run(calls, SHARED, workers=workers, stop=stop, clock=Clock(seconds)))


def test_short_work_stays_in_this_process():
    found = made([Call(n) for n in range(8)], seconds=0.01)
    assert {one.notes[0] for one in found} == {str(os.getpid())}


def test_one_worker_is_this_process_however_long_it_takes():
    found = made([Call(n) for n in range(8)], seconds=1000, workers=1)
    assert {one.notes[0] for one in found} == {str(os.getpid())}


@pytest.mark.slow
def test_long_work_goes_to_processes_which_are_given_what_is_shared():
    found = made([Call(n, seconds=0.01) for n in range(12)], seconds=100)
    places = {one.notes[0] for one in found if one.number > 0}
    assert str(os.getpid()) not in places
    assert {one.number: one.predictions[0, 0] for one in found} == {n: n**2 for n in range(12)}


@pytest.mark.slow
def test_processes_end_soon_when_told_to_stop():
    made([Call(n) for n in range(4)], seconds=100)  # so that they have started
    begun = time.monotonic()
    calls = [Call(0), *(Call(n, seconds=60) for n in range(1, 9))]
    found = made(calls, seconds=100, stop=lambda: time.monotonic() - begun > 1.0)
    assert [one.number for one in found] == [0]
    assert time.monotonic() - begun < 20


@pytest.mark.slow
def test_a_process_that_dies_is_told_in_one_line():
    with pytest.raises(WorkerError, match="has died"):
        made([Call(0), Call(1, deadly=True), Call(2)], seconds=100)
    assert len(made([Call(n) for n in range(4)], seconds=100)) == 4  # and the next ones have new processes


@pytest.mark.slow
def test_what_cannot_be_sent_is_done_here():
    calls = [Call(n) for n in range(4)]
    for call in calls:
        call.lock = threading.Lock()
    assert sorted(one.number for one in made(calls, seconds=100)) == [0, 1, 2, 3]


@pytest.mark.slow
def test_what_is_of_a_module_that_cannot_be_imported_is_done_here(tmp_path):
    place = tmp_path / "of_the_user.py"
    place.write_text("from tests.experiments.fitting.calls import Call\nclass Own(Call):\n    pass\n")
    spec = importlib.util.spec_from_file_location("of_the_user", place)
    module = sys.modules["of_the_user"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        found = made([module.Own(n) for n in range(5)], seconds=100)
    finally:
        del sys.modules["of_the_user"]
    assert sorted(one.number for one in found) == [0, 1, 2, 3, 4]


def test_a_call_that_ends_itself_ends_them_all():
    asked = iter([False, True])
    assert made([Asks(), Asks()], seconds=0.01, stop=lambda: next(asked)) == []


@pytest.mark.slow
def test_a_consumer_that_goes_away_ends_the_processes():
    told = pool.run(
        [Call(0), *(Call(n, seconds=60) for n in range(1, 9))], SHARED, workers=2, stop=lambda: False, clock=Clock(100)
    )
    next(told)
    begun = time.monotonic()
    told.close()
    assert time.monotonic() - begun < 20

"""With a budget in trials, a seed gives the same trials to the last bit: any number of workers, killed, resumed."""

import json
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end import killed
from tests.end_to_end.conftest import write_table
from tests.end_to_end.test_resume import Stopping, timeless

from evenfit.errors import Interrupted
from evenfit.runs.fit import fit as run_fit
from evenfit.runs.fit import resume as run_resume
from evenfit.runs.options import request_from
from evenfit.runs.progress import ignore
from evenfit.specs.racing import RACINGS
from evenfit.store import open_store

TRIALS = 36  # the default, and two rounds of two heats: the second learns from the first
PROGRAM = Path(killed.__file__)


def options(name, racing, *, workers=1):
    return {
        "table": "shop.csv",
        "target": "sold",
        "drop": "price",
        "workers": workers,
        "budget": f"{TRIALS} trials",
        "racing": racing,
        "name": name,
    }


def request(name, racing, *, workers=1):
    return request_from(options(name, racing, workers=workers))


def bits(name):
    """Everything that a run's trials are, but the seconds: configs, curves, losses of rows, predictions, as bytes."""
    with open_store(Path("runs")) as store:
        trials = store.trials(store.run(name))
    return {
        trial.number: {
            field: (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
            for field, value in vars(trial).items()
            if field != "seconds"
        }
        for trial in trials
    }


def networks(name):
    """The weights that a run kept, and its model's, as bytes."""
    folder = Path("runs", name)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.safetensors"))
        if path.is_file()
    }


def assert_identical(name, wanted):
    found, whole = bits(name), bits(wanted)
    assert sorted(found) == sorted(whole) == list(range(TRIALS))
    for number in whole:
        for field in whole[number]:
            assert found[number][field] == whole[number][field], f"trial {number} of {name} has another {field}"
    assert networks(name) == networks(wanted)
    assert timeless(name) == timeless(wanted)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the shop's table."""
    folder = tmp_path_factory.mktemp("identical")
    write_table(folder / "shop.csv")
    return folder


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    return home


def never_stopped(racing):
    """The name of a run on one worker that was not stopped."""
    if not Path("runs", racing).exists():
        run_fit(request(racing, racing), progress=ignore)
    return racing


QUICK = "forgiving"  # the way with the most that could go wrong; the others are slow tests
EVERY = [pytest.param(name, marks=() if name == QUICK else pytest.mark.slow) for name in RACINGS]


@pytest.mark.slow
def test_every_way_to_race_drops_others(here):
    """Else the tests below would compare one search with itself."""
    statuses = {name: tuple(trial["status"] for trial in bits(never_stopped(name)).values()) for name in RACINGS}
    assert len(set(statuses.values())) == len(RACINGS)
    assert all("dropped" in found for name, found in statuses.items() if name != "none")


@pytest.mark.parametrize("racing", EVERY)
def test_two_workers_give_the_trials_of_one(here, racing):
    run_fit(request(f"two-{racing}", racing, workers=2), progress=ignore)
    assert_identical(f"two-{racing}", never_stopped(racing))


@pytest.mark.parametrize("racing", EVERY)
def test_a_run_that_is_interrupted_twice_gives_the_trials_of_one_that_was_not(here, racing):
    name = f"twice-{racing}"
    with pytest.raises(Interrupted):
        run_fit(request(name, racing), progress=Stopping(25))
    with pytest.raises(Interrupted):
        run_resume(name, runs="runs", progress=Stopping(40))
    run_resume(name, runs="runs", progress=ignore)
    assert_identical(name, never_stopped(racing))


def strike(moment, count, number, *words):
    """Run a command that gets a signal at a moment, in a process of its own."""
    return subprocess.run(
        [sys.executable, str(PROGRAM), moment, str(count), number.name, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def fit_words(name, racing, workers):
    words = ["fit"]
    for option, value in options(name, racing, workers=workers).items():
        words += [str(value)] if option == "table" else [f"--{option}", str(value)]
    return words


CASES = [  # moment, which call of it: the first is the default's; then in a heat of two, and in the second round
    ("before a heat is stored", 3),
    ("after a heat is stored", 1),
    ("after a heat is stored", 2),
    ("after a heat is stored", 4),
    ("before a trial is stored", 1),
    ("before a trial is stored", 22),
    ("when its weights are stored", 2),
    ("when half of its row is", 7),
    ("after a trial is stored", 17),
    ("after a trial is stored", 30),
    ("at the end of the search", 1),
    ("in the ablation", 1),
    ("after selecting", 1),
    ("before the report is written", 1),
    ("after the report is written", 1),
    ("before it is done", 1),
]


@pytest.mark.parametrize("moment", killed.MOMENTS)
def test_every_moment_names_a_function_that_is_there(moment):
    module, owner, name, _ = killed.MOMENTS[moment]
    holder = import_module(module)
    assert callable(getattr(getattr(holder, owner) if owner else holder, name))


def killed_and_resumed(name, racing, moment, count, *, workers=2, number=signal.SIGKILL):
    done = strike(moment, count, number, *fit_words(name, racing, workers))
    assert done.returncode == (-number if number == signal.SIGKILL else 3), done.stderr
    with open_store(Path("runs")) as store:
        assert store.run(name).status == "interrupted"
    run_resume(name, runs="runs", progress=ignore)
    assert_identical(name, never_stopped(racing))


@pytest.mark.parametrize(("moment", "count"), [CASES[7]])
def test_a_run_that_is_killed_gives_the_trials_of_one_that_was_not(here, moment, count):
    killed_and_resumed(f"quick-{moment}-{count}", QUICK, moment, count)


def test_a_run_that_is_told_to_end_keeps_what_it_has_and_gives_the_trials_of_one_that_was_not(here):
    killed_and_resumed("told to end", QUICK, "after a trial is stored", 17, number=signal.SIGTERM)


SIZED = {"objectives": "loss,size", "prefer": "small"}  # what a search for small networks adds to the options


def sized(name, *, workers=1):
    return options(name, QUICK, workers=workers) | SIZED


@pytest.fixture
def small(here):
    """The name of a search for small networks on one worker that was not stopped."""
    if not Path("runs/small").exists():
        run_fit(request_from(sized("small") | {"objectives": ["loss", "size"]}), progress=ignore)
    front = json.loads(Path("runs/small/metrics.json").read_text())["front"]
    assert front, "else the tests below say nothing of it"
    return "small"


@pytest.mark.slow
def test_two_workers_find_the_front_of_one(here, small):
    run_fit(request_from(sized("small-two", workers=2) | {"objectives": ["loss", "size"]}), progress=ignore)
    assert_identical("small-two", small)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("moment", "count"), [CASES[3], CASES[7], CASES[9], CASES[12]])
def test_a_search_for_small_networks_that_is_killed_finds_the_front_of_one_that_was_not(here, small, moment, count):
    name = f"small-{moment}-{count}"
    words = ["fit"]
    for option, value in sized(name, workers=2).items():
        words += [str(value)] if option == "table" else [f"--{option}", str(value)]
    assert strike(moment, count, signal.SIGKILL, *words).returncode == -signal.SIGKILL
    run_resume(name, runs="runs", progress=ignore)
    assert_identical(name, small)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("racing", RACINGS)
@pytest.mark.parametrize(("moment", "count"), CASES)
def test_a_run_that_is_killed_at_any_moment_gives_the_trials_of_one_that_was_not(here, racing, moment, count):
    killed_and_resumed(f"{racing}-{moment}-{count}", racing, moment, count)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("moment", "count"), CASES)
def test_a_run_that_is_stopped_at_any_moment_gives_the_trials_of_one_that_was_not(here, moment, count, number):
    killed_and_resumed(f"{number.name}-{moment}-{count}", "forgiving", moment, count, number=number)


@pytest.mark.slow
@pytest.mark.parametrize("racing", ["hyperband", "forgiving"])
def test_a_run_that_is_killed_twice_gives_the_trials_of_one_that_was_not(here, racing):
    name = f"again-{racing}"
    assert strike("after a trial is stored", 6, signal.SIGKILL, *fit_words(name, racing, 2)).returncode < 0
    assert strike("when half of its row is", 14, signal.SIGKILL, "resume", name).returncode < 0
    run_resume(name, runs="runs", progress=ignore)
    assert_identical(name, never_stopped(racing))


def test_a_run_that_is_killed_when_it_is_done_is_done(here):
    done = strike("before it is tidied", 1, signal.SIGKILL, *fit_words("done", QUICK, 2))
    assert done.returncode < 0
    with open_store(Path("runs")) as store:
        assert store.run("done").status == "done"
    assert bits("done") == bits(never_stopped(QUICK))
    assert timeless("done") == timeless(QUICK)
    assert json.loads(Path("runs/done/metrics.json").read_text())

"""What was stopped goes on: nothing that was finished is lost, and the end is that of a run that was never stopped."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evenfit.errors import Interrupted
from evenfit.runs.fit import fit as run_fit
from evenfit.runs.fit import resume as run_resume
from evenfit.runs.options import request_from
from evenfit.runs.progress import ignore
from evenfit.runs.warming import warm_engine
from evenfit.store import open_store

TRIALS = 12


def request(**others):
    values = {"table": "shop.csv", "target": "sold", "drop": "price", "folds": 3, "workers": 1}
    return request_from(values | {"budget": f"{TRIALS} trials"} | others)


def timeless(name):
    """A run's numbers without what the clock, the machine and the name change."""
    found = json.loads(Path("runs", name, "metrics.json").read_text())
    for trial in found["trials"]:
        del trial["seconds"]
    del found["run"], found["seconds"], found["memory"]
    found.pop("expected", None)  # by the clock
    return found


class Stopping:
    """Progress that is stopped like Ctrl-C at its n-th call."""

    def __init__(self, at):
        self.left = at

    def __call__(self, progress):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_a_run_stopped_at_any_moment_ends_as_if_it_had_not_been(here):
    calls = []
    warm_engine(ignore)  # else the first run alone says that it compiles, and is a call longer than the others
    run_fit(request(name="whole"), progress=calls.append)
    wanted = timeless("whole")
    assert len(wanted["trials"]) == TRIALS
    # before the first heat, in its midst, between rounds, at the end of the search, in the report
    moments = sorted({2, 3, len(calls) // 3, len(calls) // 2, len(calls) - 4, len(calls) - 1, len(calls)})
    for moment in moments:
        name = f"stopped-{moment}"
        with pytest.raises(Interrupted):
            run_fit(request(name=name), progress=Stopping(moment))
        with open_store(Path("runs")) as store:
            run = store.run(name)
            assert run.status == "interrupted"
            kept = {trial.number for trial in store.trials(run)}
        outcome = run_resume(name, runs="runs", progress=ignore)
        assert kept <= {trial.number for trial in outcome.study.trials}
        assert timeless(name) == wanted, f"stopped at call {moment} of {len(calls)}"


def test_a_run_stopped_again_and_again_ends_as_if_it_had_not_been(here):
    run_fit(request(name="whole"), progress=ignore)
    with pytest.raises(Interrupted):
        run_fit(request(name="often"), progress=Stopping(4))
    for moment in (6, 9, 12):
        with pytest.raises(Interrupted):
            run_resume("often", runs="runs", progress=Stopping(moment))
    run_resume("often", runs="runs", progress=ignore)
    assert timeless("often") == timeless("whole")


def test_what_each_regulariser_does_is_measured_and_a_run_stopped_meanwhile_ends_the_same(here):
    trials = {"budget": "20 trials"}
    run_fit(request(name="whole", **trials), progress=ignore)
    wanted = timeless("whole")
    assert wanted["regularisers"]["method"] == "ablation"
    measured = {effect["name"]: effect["value"] for effect in wanted["regularisers"]["measured"]}
    config = wanted["selected"]["config"]
    assert measured
    assert all(value == config[name] > 0 for name, value in measured.items())
    assert not wanted["regularisers"]["unmeasured"]
    assert len(wanted["trials"]) == 20  # an ablation is no part of the search
    assert "mattered" in Path("runs/whole/report.html").read_text()

    def stop(progress):
        if "each regulariser" in progress.note:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run_fit(request(name="stopped", **trials), progress=stop)
    run_resume("stopped", runs="runs", progress=ignore)
    assert timeless("stopped") == wanted
    run_fit(request(name="two", workers=2, **trials), progress=ignore)
    assert timeless("two") == wanted


def test_a_search_of_few_trials_measures_nothing_besides(here):
    run_fit(request(name="few", budget="3 trials"), progress=ignore)
    found = timeless("few")["regularisers"]
    assert (found["method"], found["measured"], found["search"]) == ("none", [], [])


def test_one_worker_and_two_give_the_same_study(here):
    run_fit(request(name="one"), progress=ignore)
    run_fit(request(name="two", workers=2), progress=ignore)
    assert timeless("one") == timeless("two")


def test_resume_spends_only_what_is_left_of_the_seconds(here):
    class Late(Stopping):
        def __call__(self, progress):
            if progress.trials_done:
                raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(Interrupted):
        run_fit(request(name="timed", budget="20s"), progress=Late(0))
    with open_store(Path("runs")) as store:
        spent = store.run("timed").seconds_spent
        store.spend(store.run("timed"), 15.0)
    assert 0 < spent <= time.monotonic() - began + 10
    began = time.monotonic()
    outcome = run_resume("timed", runs="runs", progress=ignore)
    assert time.monotonic() - began < 19, "of 20 s, 15 were spent; what is over is a busy machine's"
    assert outcome.study.trials
    with open_store(Path("runs")) as store:
        assert store.run("timed").seconds_spent > 15


def test_ctrl_c_says_how_to_go_on_and_show_says_how_far_it_came(fit, evenfit, here, monkeypatch):
    from evenfit.runs import job

    def stop(*details, **others):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job, "conclude", stop)
        said = fit("--require", "0.000001", "--runs", "my runs")
    assert said.code == 3
    assert said.errors == ["evenfit: stopped, and kept; to go on: evenfit resume shop --runs 'my runs'"]
    shown = evenfit("show", "my runs/shop")
    assert "interrupted" in shown.out
    assert "evenfit resume" in shown.out
    assert evenfit("runs", "--runs", "my runs", "--json").json[0]["trials"] == 2
    said = evenfit("predict", "my runs/shop", "shop.csv")
    assert said.code == 2
    assert "evenfit resume" in said.errors[0]
    said = evenfit("resume", "shop", "--runs", "my runs")
    assert said.code == 1, "the gate of the first request holds"
    assert "estimate" in said.out


# in processes of their own


def start(*words):
    """Begin a command as a shell would, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "evenfit", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def wait_for(process, text):
    """Read standard error until a text comes."""
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came")


def workers_left(home):
    """Worker processes whose working directory is this one."""
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            if b"evenfit.experiments.worker" in words and (folder / "cwd").readlink() == home:
                left.append(int(folder.name))
        except OSError:
            continue
    return left


def none_left(home):
    """Whether the workers are gone, given a moment."""
    until = time.monotonic() + 20
    while workers_left(home) and time.monotonic() < until:
        time.sleep(0.05)
    return not workers_left(home)


LONG = (
    "fit",
    "shop.csv",
    "--target",
    "sold",
    "--drop",
    "price",
    "--workers",
    2,
    "--budget",
    "400 trials",
)  # longer than any test


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_program_says_how_to_go_on_and_leaves_no_worker(evenfit, here, number):
    with start(*LONG) as process:
        wait_for(process, "in flight")
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert out == ""
    assert "Traceback" not in err
    assert [line for line in err.splitlines() if line.startswith("evenfit: ")] == [
        "evenfit: stopped, and kept; to go on: evenfit resume shop"
    ]
    assert none_left(here)
    assert evenfit("runs", "--json").json[0]["status"] == "interrupted"


def kill_at_random(home, seed, times, trials):
    """Kill a run at random moments and go on with it, so often or until it is done; finished trials stay.

    Returns:
        How many kills hit.
    """
    chance = random.Random(seed)  # noqa: S311 (a table, not a secret)
    words = [str(word) for word in LONG[:-1]] + [f"{trials} trials"]
    known = set()
    for life in range(times):
        process = start(*words)
        until = time.monotonic() + 0.3 + chance.random() * 2
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        process.kill()
        _, err = process.communicate()
        if process.returncode == 0:
            return life
        assert process.returncode == -signal.SIGKILL, (life, err)
        assert none_left(home), "workers outlive their parent"
        if not (home / "runs" / "evenfit.sqlite").exists():
            continue
        with open_store(home / "runs", create=False) as store:
            runs = store.runs()
            if not runs:
                continue
            done = runs[0].status == "done"  # killed between its last word and its end
            assert done or runs[0].status == "interrupted"
            found = {trial.number: trial.loss for trial in store.trials(runs[0])}
            for trial in store.trials(runs[0]):
                if trial.status == "complete" and not done:  # of a done run the deployed ones are kept
                    store.state(runs[0], trial.number)
        assert known <= set(found), "a finished trial was lost"
        if done:
            return life + 1
        known = set(found)
        words = ["resume", runs[0].name]
    return times


def end_well(home, trials):
    """Whatever is left of a run goes on to its end."""
    with open_store(home / "runs") as store:
        runs = store.runs()
    if not runs:
        return
    if runs[0].status != "done":
        with start("resume", runs[0].name) as process:
            out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        assert "estimate" in out
    assert re.search("<svg", (home / "runs" / runs[0].name / "report.html").read_text())
    run_fit(request(name="whole", workers=2, folds=5, budget=f"{trials} trials"), progress=ignore)
    assert timeless(runs[0].name) == timeless("whole")


def test_a_run_killed_at_random_moments_loses_nothing(here):
    assert kill_at_random(here, seed=1, times=4, trials=60) >= 2
    end_well(here, 60)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_killed_thirty_times_loses_nothing(here):
    assert kill_at_random(here, seed=2, times=30, trials=400) == 30
    end_well(here, 400)


def test_two_runs_at_once_on_one_store_both_end_well(evenfit, here):
    words = ("fit", "shop.csv", "--target", "sold", "--workers", 1, "--budget", "6 trials", "--folds", 2)
    with start(*words) as first, start(*words) as second:
        for process in (first, second):
            out, err = process.communicate(timeout=240)
            assert process.returncode == 0, err
            assert "estimate" in out
    rows = evenfit("runs", "--json").json
    assert sorted(row["run"] for row in rows) == ["shop", "shop-2"]
    assert {row["status"] for row in rows} == {"done"}
    assert timeless("shop") == timeless("shop-2")


def test_a_run_under_way_is_not_resumed_by_another(evenfit, here):
    with start(*LONG) as process:
        try:
            wait_for(process, "in flight")
            said = evenfit("resume", "shop")
            assert evenfit("runs", "--json").json[0]["status"] == "running"
            assert "running now" in evenfit("show", "shop").out
        finally:
            process.kill()
            process.communicate()
    assert said.code == 2
    assert "is being executed by process" in said.errors[0]


def test_a_worker_that_dies_is_told_and_the_run_can_be_resumed(evenfit, here):
    with start(*LONG) as process:
        wait_for(process, "configs tried · best loss")
        os.kill(workers_left(here)[0], signal.SIGKILL)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    last = [line for line in err.splitlines() if line.startswith("evenfit: ")]
    assert len(last) == 1
    assert "a worker process died" in last[0]
    assert "evenfit resume runs/shop" in last[0]
    assert evenfit("runs", "--json").json[0]["status"] == "interrupted"

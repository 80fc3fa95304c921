"""Runs are deleted when that was asked for, whole, and no others."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.store.trials import state_of, trial_of

from evenfit.errors import ConfigError, StoreError
from evenfit.runs.listing import list_runs
from evenfit.runs.marking import note, tag
from evenfit.runs.pruning import Chosen, prune
from evenfit.store import open_store

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def runs(tmp_path):
    """Five runs, a day apart: done, failed, interrupted, done, done and tagged."""
    states = ("done", "failed", "interrupted", "done", "done")
    for day, status in enumerate(states):
        with open_store(tmp_path / "runs", now=lambda day=day: START + timedelta(days=day)) as store:
            run = store.create_run({}, name=f"run-{day}", fingerprint="")
            store.add_trial(run, trial_of(day), state=state_of(day))
            store.finish(run, None, status)
    tag("run-4", runs=str(tmp_path / "runs"), add=["paper"])
    return tmp_path / "runs"


def chosen(*names, status=(), older=None, keep=None):
    return Chosen.parse(names=names, status=status, older=older, keep=keep)


def pruned(runs, *names, yes=True, **choice):
    return prune(chosen(*names, **choice), runs=str(runs), yes=yes, now=lambda: START + timedelta(days=4, hours=1))


def left(runs):
    return [row["run"] for row in list_runs(runs)]


def test_without_yes_nothing_is_deleted_and_all_is_said(runs):
    found = pruned(runs, status=("failed", "interrupted"), yes=False)
    assert {name for name, _, _ in found.runs} == {"run-1", "run-2"}
    assert "would be deleted; add --yes" in found.text()
    assert len(left(runs)) == 5
    assert all((runs / f"run-{day}").is_dir() for day in range(5))


def test_with_yes_rows_trials_and_folders_are_gone_and_the_others_stay(runs):
    pruned(runs, status=("failed", "interrupted"))
    assert left(runs) == ["run-0", "run-3", "run-4"]
    assert sorted(path.name for path in runs.iterdir() if path.is_dir()) == ["run-0", "run-3", "run-4"]
    with open_store(runs) as store:
        assert store.trials(store.run("run-0"))[0].number == 0
        with pytest.raises(StoreError, match="no run named run-1"):
            store.run("run-1")


@pytest.mark.parametrize(
    ("choice", "gone"),
    [
        ({"older": "2d"}, ["run-0", "run-1", "run-2"]),
        ({"older": "2d", "status": ("done",)}, ["run-0"]),
        ({"keep": 2}, ["run-0", "run-1", "run-2"]),
        ({"keep": 1, "status": ("done",)}, ["run-0", "run-3"]),
        ({"keep": 0}, ["run-0", "run-1", "run-2", "run-3"]),
        ({"keep": 99}, []),
    ],
)
def test_what_is_given_must_all_hold_and_tagged_runs_stay(runs, choice, gone):
    pruned(runs, **choice)
    assert left(runs) == [f"run-{day}" for day in range(5) if f"run-{day}" not in gone]


def test_a_tagged_run_goes_when_it_is_named(runs):
    pruned(runs, "run-4")
    assert "run-4" not in left(runs)


def test_a_run_that_is_executed_stays_in_any_case(runs):
    with open_store(runs) as store, store.lock(store.run("run-2")):
        assert pruned(runs, keep=0).kept == ("run-4", "run-2")
        with pytest.raises(StoreError, match="run-2 is running"):
            pruned(runs, "run-2")
        with pytest.raises(StoreError, match="is being executed"), open_store(runs) as other:
            other.delete(other.run("run-2"))
    assert "run-2" in left(runs)


def test_the_space_is_given_back(runs):
    with open_store(runs) as store:
        run = store.create_run({}, name="big", fingerprint="")
        for number in range(20):
            store.add_trial(run, trial_of(number, rows=4000), state=None)
    before = (runs / "evenfit.sqlite").stat().st_size
    pruned(runs, "big")
    assert (runs / "evenfit.sqlite").stat().st_size < before / 2


def test_a_run_whose_folder_is_gone_is_deleted_too(runs):
    import shutil

    shutil.rmtree(runs / "run-1")
    pruned(runs, "run-1")
    assert "run-1" not in left(runs)


def test_what_a_crash_left_is_swept_by_the_next_deletion(runs):
    (runs / "run-1").rename(runs / ".deleted-run-1")
    pruned(runs, "run-0")
    assert not (runs / ".deleted-run-1").exists()


def test_what_a_link_leads_to_is_never_deleted(runs, tmp_path):
    (runs / "run-0").rename(tmp_path / "precious")
    (runs / "run-0").symlink_to(tmp_path / "precious")
    with pytest.raises(StoreError, match="is a link to another folder"):
        pruned(runs, "run-0")
    assert (tmp_path / "precious").is_dir()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({}, "say which runs to delete"),
        ({"status": ("finished",)}, "status must be one of done, failed, interrupted; got 'finished'"),
        ({"status": ("running",)}, "status must be one of"),
        ({"older": "soon"}, "such as 12h, 30d or 4w; got 'soon'"),
        ({"older": "99999999999999d"}, "can be counted"),
        ({"keep": -1}, "keep must be at least 0, got -1"),
    ],
)
def test_a_choice_that_is_none_is_refused(choice, message):
    with pytest.raises(ConfigError, match=message):
        chosen(**choice)


def test_names_and_a_choice_are_not_mixed():
    with pytest.raises(ConfigError, match="not both"):
        chosen("run-1", keep=3)


def test_a_tag_or_a_note_is_there_until_it_is_taken_away(runs):
    home = str(runs)
    assert tag("run-0", runs=home, add=["b", "a", "a"]).tags == ("a", "b")
    assert tag("run-0", runs=home, add=["c"], remove=["b", "never"]).tags == ("a", "c")
    assert tag("run-0", runs=home, add=()).tags == ("a", "c")
    assert note("run-0", runs=home, text=" mind the gap \n").note == "mind the gap"
    assert note("run-0", runs=home, text=None).note == "mind the gap"
    assert note("run-0", runs=home, text="").note == ""


def test_runs_are_found_by_all_of_their_tags(runs):
    tag("run-0", runs=str(runs), add=["paper", "old"])
    assert [row["run"] for row in list_runs(runs, tags=["paper"])] == ["run-0", "run-4"]
    assert [row["run"] for row in list_runs(runs, tags=["paper", "old"])] == ["run-0"]
    assert list_runs(runs, tags=["never"]) == []


@pytest.mark.parametrize("word", ["", "two words", "-x", "a,b", "x" * 65, "a\nb"])
def test_a_tag_is_one_word(runs, word):
    with pytest.raises(StoreError, match="a tag must be a word"):
        tag("run-0", runs=str(runs), add=["fine", word])
    assert tag("run-0", runs=str(runs), add=()).tags == ()

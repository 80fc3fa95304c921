"""Progress: lines for a log, a bar for a person, nothing for a program."""

import io

import pytest

from evenfit.cli.progress import reporting, sentence
from evenfit.runs.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_the_sentence_has_time_left_configs_best_and_fleets():
    progress = Progress(
        seconds_spent=10, seconds_left=50, trials_done=12, trials_running=8, best_loss=0.41234, fleets=2
    )
    assert sentence(progress) == "50s left · 12 configs tried · best loss 0.4123 · 2 fleets in flight (8 configs)"


def test_a_budget_in_trials_shows_how_many_there_are():
    assert sentence(Progress(seconds_spent=75, trials_done=3, trials_left=37)) == "1m 15s spent · 3 of 40 configs tried"


def test_a_budget_in_epochs_shows_how_many_there_are():
    progress = Progress(seconds_spent=8, trials_done=3, epochs_done=1200, epochs_left=800, best_loss=0.5)
    assert sentence(progress) == "8s spent · 3 configs tried · 1,200 of 2,000 epochs · best loss 0.5"


def test_the_share_is_of_the_limit_that_is_nearest():
    assert Progress(seconds_spent=15, seconds_left=45).share() == 0.25
    assert Progress(trials_done=10, trials_left=30).share() == 0.25
    assert Progress(epochs_done=10, epochs_left=30).share() == 0.25
    assert Progress(seconds_spent=1, seconds_left=3, trials_done=10, trials_left=10, epochs_left=7).share() == 0.5
    assert Progress().share() is None
    assert Progress(seconds_left=0.0).share() == 1.0


def test_a_log_gets_a_line_every_five_seconds_and_at_a_new_note():
    out, clock = io.StringIO(), Clock()
    with reporting(quiet=False, stream=out, clock=clock) as show:
        for clock.now in (0.0, 1.0, 4.9, 5.1, 6.0):
            show(Progress(seconds_spent=clock.now))
        show(Progress(seconds_spent=6.0, note="saving"))
    assert [line.split()[0] for line in out.getvalue().splitlines()] == ["0s", "5s", "6s"]


@pytest.mark.parametrize(("columns", "wanted"), [(80, "2 fleets in flight"), (120, "2 fleets in flight (18 configs)")])
def test_a_terminal_of_80_columns_has_room_for_all_that_matters(columns, wanted, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with reporting(quiet=False, stream=out, clock=Clock()) as show:
        show(
            Progress(
                seconds_spent=10, seconds_left=50, trials_done=123, trials_running=18, best_loss=0.0008385, fleets=2
            )
        )
    said = out.getvalue()
    assert f"50s left · 123 configs tried · best loss 0.0008385 · {wanted}" in said
    assert "…" not in said


def test_a_line_to_keep_is_shown_at_once():
    for out in (io.StringIO(), Terminal()):
        with reporting(quiet=False, stream=out, clock=Clock()) as show:
            show(Progress())
            show(Progress(line="classification: 5000 rows [bold]"))
        assert "classification: 5000 rows [bold]\n" in out.getvalue()


def test_a_log_gets_nothing_beside_json():
    out = io.StringIO()
    with reporting(quiet=True, stream=out) as show:
        show(Progress())
    assert out.getvalue() == ""


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_a_terminal_shows_progress_even_beside_json(kind, monkeypatch):
    monkeypatch.setenv("TERM", kind)
    out = Terminal()
    with reporting(quiet=True, stream=out) as show:
        show(Progress(seconds_spent=10, seconds_left=50))
    assert "50s left" in out.getvalue()

"""The report in a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console
from tests.report.studies import interval, make_facts, make_study

from evenfit.report.text import renderable, text


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def study(request):
    return make_study(request.param, rows=200, trials=6)


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(study, width):
    lines = text(study, make_facts(study), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)


def test_no_number_is_cut_however_long_it_is():
    study = make_study(rows=60, trials=3)
    long = interval(-0.000112345, 0.000169)
    sides = {"training_loss": long, "validation_loss": long, "gap": long}
    study = replace(study, default=replace(study.default, **sides), selected=replace(study.selected, **sides))
    study = replace(study, comparison=replace(study.comparison, same=False))
    said = text(study, make_facts(study))
    assert "…" not in said
    assert max(map(len, said.splitlines())) <= 80
    assert "validation log loss" in said
    assert said.replace("\n", " ").count("0.00006)") == 6


def test_it_says_everything_that_fit_promises(study):
    said = text(study, make_facts(study))
    for wanted in ("default", "selected", "training", "validation", "gap", "BBC-CV", "verdict", "runs/bank-1"):
        assert wanted in said
    assert "evenfit predict runs/bank-1 new.csv --out predictions.csv" in said


def test_plain_text_carries_no_control_characters(study):
    assert "\x1b" not in text(study, make_facts(study))


def test_names_are_text_and_not_markup(study):
    facts = make_facts(study, folder="runs/[bold]x[/bold] y", weights="[red]weight[/red]")
    said = text(study, facts, width=200)
    assert "runs/[bold]x[/bold] y" in said
    assert "[red]weight[/red]" in said
    assert "evenfit show 'runs/[bold]x[/bold] y'" in said


def test_a_console_with_colours_shows_the_same_words(study):
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=True).print(renderable(study, make_facts(study)))
    assert "BBC-CV" in out.getvalue()


def test_many_notes_are_left_to_the_page(study):
    said = text(study, make_facts(study, notes=tuple(f"note {number}" for number in range(40))))
    assert said.count("note") < 12
    assert "36 more notes in report.html" in said

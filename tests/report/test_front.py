"""What a report says of loss against size or latency, and of what the loss depended on."""

import pytest
from tests.report.studies import make_facts, make_hyperparameters, make_study, with_front

from evenfit.report.page import page
from evenfit.report.text import text
from evenfit.report.traded import traded
from evenfit.results.hyperparameters import Hyperparameters

STUDY = make_study(trials=15)


@pytest.mark.parametrize("objective", ["size", "latency"])
def test_a_page_and_a_text_show_the_front(objective):
    study = with_front(STUDY, objective=objective)
    shown, said = page(study, make_facts(study)), text(study, make_facts(study))
    assert f"Loss against {objective}" in shown
    assert "\nfront " in said
    assert max(map(len, said.splitlines())) <= 80
    for point in study.front.points:
        assert f">{point.trial}</th>" in shown


def test_without_a_second_objective_nothing_is_said_of_a_front():
    assert "Loss against" not in page(STUDY, make_facts(STUDY))
    assert "\nfront" not in text(STUDY, make_facts(STUDY))


@pytest.mark.parametrize(
    ("prefer", "said"), [("best", "the lowest loss is"), ("small", "the smallest of these is"), ("knee", "the knee")]
)
def test_the_front_says_how_the_selected_config_was_chosen(prefer, said):
    study = with_front(STUDY, prefer=prefer)
    assert f"{said} selected" in traded(study, study.front) or f"{said} of the front is" in traded(study, study.front)
    assert ("corrected standard error" in page(study, make_facts(study))) >= (prefer == "small")


def test_a_latency_says_whether_it_was_measured():
    study = with_front(STUDY, objective="latency")
    assert "measured" in traded(study, study.front)
    assert "µs" in traded(study, study.front)


def test_what_the_loss_depended_on_is_shown_with_what_chance_gives():
    shown = page(STUDY, make_facts(STUDY))
    assert "What the loss depended on" in shown
    assert "learning rate with activation" in shown
    assert "51 dropped configs" in shown.replace("\n", " ")
    assert "depended on  learning rate (42%)" in text(STUDY, make_facts(STUDY))
    assert "activation (6%)" not in text(STUDY, make_facts(STUDY))  # not told from chance


def test_a_refusal_is_a_sentence_and_no_figure():
    facts = make_facts(STUDY, hyperparameters=Hyperparameters(trials=3, refusal="importance needs 20 configs"))
    shown = page(STUDY, facts)
    assert "Not known: importance needs 20 configs." in shown
    assert "Shares of the loss" not in shown


def test_a_run_of_before_it_was_asked_says_nothing():
    facts = make_facts(STUDY, hyperparameters=None)
    assert "depended" not in page(STUDY, facts)
    assert "depended" not in text(STUDY, facts)


def test_numbers_of_hyperparameters_are_plain_values():
    known = make_hyperparameters().to_json()
    assert known["alone"][0]["clear"]
    assert not known["alone"][1]["clear"]
    assert known["pairs"][0]["names"] == ["learning_rate", "activation"]
    assert len(known["surface"]["losses"]) == len(known["surface"]["values"][0]) == 3

"""The page: complete, self-contained, and safe whatever names come from outside."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.report.studies import make_facts, make_study

from evenfit.report.page import page
from evenfit.report.sections import MOST_HYPERPARAMETERS, worth_drawing
from evenfit.results.ranking import Ranking
from evenfit.specs.config import REGULARISERS

TASKS = ("binary", "multiclass", "regression")


class Elements(HTMLParser):
    """The elements and attributes of a page, with a check that they are closed in order."""

    VOID = ("meta", "link", "br", "path", "use", "rect")

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.words = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def parse(html):
    parser = Elements()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return parser


def diverged(trial):
    """All but the default with losses that are not finite."""
    if trial.number == 0:
        return trial
    return replace(
        trial,
        status="diverged",
        training_loss=np.full_like(trial.training_loss, np.nan),
        validation_loss=np.full_like(trial.validation_loss, np.nan),
        selection_loss=np.full_like(trial.selection_loss, np.nan),
        row_values=np.full_like(trial.row_values, np.nan),
        predictions=np.full_like(trial.predictions, np.nan),
    )


def dropped(trial):
    return trial if trial.number == 0 else replace(trial, status="dropped")


def constant(trial):
    """The same prediction for every row."""
    same = np.zeros_like(trial.predictions) - (
        np.log(trial.predictions.shape[2]) if trial.predictions.shape[2] > 1 else 0
    )
    return replace(trial, predictions=np.where(np.isnan(trial.predictions), np.nan, same))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "values",
    [
        {"trials": 12},
        {"trials": 1},
        {"trials": 6, "change": dropped},
        {"trials": 6, "change": diverged},
        {"trials": 4, "change": constant},
        {"trials": 4, "epochs": (1, 2)},
        {"trials": 4, "epochs": (3,)},
        {"trials": 4, "time": True},
        {"trials": 4, "repeats": 3},
    ],
    ids=["plain", "one", "dropped", "diverged", "constant", "two-epochs", "one-epoch", "time", "repeats"],
)
def test_a_page_of_any_study_is_whole(task, values):
    study = make_study(task, rows=150, **values)
    found = parse(page(study, make_facts(study)))
    sections = [attributes["id"] for tag, attributes in found.seen if tag == "section"]
    expected = {"configs", "learning", "search", "predictions", "columns", "regularisers", "trials", "data"}
    assert expected | {"methods", "toml"} <= set(sections)
    links = [attributes["href"] for tag, attributes in found.seen if tag == "a"]
    assert links == [f"#{name}" for name in sections]
    ids = [attributes["id"] for _, attributes in found.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert not re.search(r"\b(nan|inf|None)\b", " ".join(found.words))


def test_a_hundred_classes_fit():
    study = make_study("multiclass", rows=1500, trials=3, classes=100)
    html = page(study, make_facts(study))
    parse(html)
    assert "Most frequent mistakes" in html


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "auc", "f1"])
def test_any_metric_of_selection_has_a_page(metric):
    study = make_study(rows=200, trials=4, metric=metric)
    parse(page(study, make_facts(study)))


def test_nothing_measured_besides_leaves_no_empty_section():
    study = make_study(rows=100, trials=2)
    bare = make_facts(
        study, importance=(), fresh=None, finishes=(), left_out=(), notes=(), versions=(), seconds=None, classes=()
    )
    found = parse(page(study, replace(bare, ensemble_gain=None, ranking=Ranking())))
    assert {"columns", "regularisers"}.isdisjoint(attributes.get("id") for _, attributes in found.seen)


EVIL = "<script>alert(1)</script>\"'&amp;😀\x00$x$</style>"


def test_no_name_becomes_markup():
    study = make_study("multiclass", rows=100, trials=4, notes=(EVIL,))
    facts = make_facts(
        study,
        name=EVIL,
        folder=EVIL,
        command=EVIL,
        description=EVIL,
        target=EVIL,
        classes=(EVIL,) * 4,
        left_out=((EVIL, EVIL),),
        notes=(EVIL,),
        weights=EVIL,
        columns=((EVIL, 3),),
        importance=tuple((EVIL + name, rise) for name, rise in make_facts(study).importance),
        versions=((EVIL, EVIL),),
    )
    html = page(study, facts)
    found = parse(html)
    assert "script" not in [tag for tag, _ in found.seen]
    assert [tag for tag, _ in found.seen].count("style") == 1
    assert "\x00" not in html
    assert "<script>alert(1)</script>\"'&amp;😀\N{REPLACEMENT CHARACTER}$x$</style>" in "".join(found.words)
    html.encode()


def test_the_page_needs_nothing_from_elsewhere_and_no_script():
    study = make_study(rows=100, trials=4)
    found = parse(page(study, make_facts(study)))
    for tag, attributes in found.seen:
        assert tag not in ("script", "iframe", "object", "embed", "form", "img")
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in ("href", "src", "xlink:href"):
                assert value.startswith(("#", "data:"))
    assert "url(http" not in page(study, make_facts(study))


def test_every_figure_has_a_caption_or_title_words_and_a_table():
    study = make_study(rows=100, trials=8)
    html = page(study, make_facts(study))
    drawn = re.findall(r"<figure>.*?</figure>", html, re.DOTALL)
    assert len(drawn) > 8
    for each in drawn:
        assert "aria-label=" in each
        assert "<details>" in each
        assert "<figcaption>" in each or "<h3>" in each


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_a_large_study_takes_less_than_two_seconds_of_one_core(task):
    study = make_study(task, rows=20_000, trials=60)
    facts = make_facts(study)
    began = time.process_time()
    html = page(study, facts)
    assert time.process_time() - began < 2.0
    assert len(html) < 2_000_000


def test_what_is_worth_most_is_drawn_where_not_all_can_be():
    names = ["width", *reversed(REGULARISERS), "schedule"]
    drawn = worth_drawing(names)
    assert len(drawn) == MOST_HYPERPARAMETERS < len(names)
    assert drawn[:4] == ["width", "schedule", *REGULARISERS[:2]]

"""Small measurements of every kind, from made-up losses and from quick estimators, and the facts beside them."""

from functools import cache

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import evenfit
from evenfit.report.measures import bias_variance, diagnosis, learning_curve, validation_curve
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.page import page
from evenfit.report.measures.text import text
from evenfit.specs.config import Config

WRITERS = {
    "bias": bias_variance,
    "domingos": bias_variance,
    "sweep": bias_variance,
    "learning": learning_curve,
    "refused": learning_curve,
    "epochs": learning_curve,
    "values": validation_curve,
    "names": validation_curve,
    "diagnosis": diagnosis,
}
KINDS = tuple(WRITERS)


def rows(count=160, *, noise=0.5):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(count, 4))
    return X, X[:, 0] + X[:, 1] ** 2 + noise * rng.normal(size=count)


@cache
def measured(kind):
    """One result of its kind."""
    X, y = rows()
    classes = np.where(y > 1, "yes", "no")
    tree = DecisionTreeRegressor(random_state=0)
    network = Config(width=8, depth=1, epochs=6, batch_rows=16, numeric_embedding="none")
    calls = {
        "bias": lambda: evenfit.bias_variance(tree, X, y, replicates=6, seeds=2, noise=0.25, workers=1),
        "domingos": lambda: evenfit.bias_variance(
            DecisionTreeClassifier(random_state=0), X, classes, replicates=6, loss="domingos", workers=1
        ),
        "sweep": lambda: evenfit.bias_variance(
            tree, X, y, replicates=6, over={"max_depth": [1, 2, 4, 8, 16]}, workers=1
        ),
        "learning": lambda: evenfit.learning_curve(Ridge(), *rows(600), workers=1),
        "refused": lambda: evenfit.learning_curve(Ridge(), X, y, sizes=[20, 40], folds=3, repeats=1, workers=1),
        "epochs": lambda: evenfit.learning_curve(network, X, y, sizes=[0.5, 1.0], folds=3, repeats=1, workers=1),
        "values": lambda: evenfit.validation_curve(
            network, X, y, name="l2", values=[0.0, 0.01, 0.1, 1.0], folds=3, repeats=1, workers=1
        ),
        "names": lambda: evenfit.validation_curve(
            network, X, classes, name="activation", values=["relu", "selu"], folds=3, repeats=1, workers=1
        ),
        "diagnosis": lambda: evenfit.diagnose(Ridge(), X, y, budget="20s", folds=3, repeats=2, workers=1),
    }
    return calls[kind]()


def make_facts(result=None, *, name="shop: a measurement", **others):
    """Facts of a table that might be anybody's."""
    judged = () if result is None else tuple(range(1, 4000))
    known = {
        "name": name,
        "folder": "runs/shop-measurement",
        "command": "evenfit diagnose shop.csv --target price",
        "description": "regression of 'price': 160 rows, 4 columns",
        "table": "shop.csv",
        "target": "price",
        "task": "regression",
        "rows": 160,
        "config": Config(),
        "source": "the default config for this table",
        "row_names": judged,
        "labels": tuple(f"label {number}" for number in judged),
        "notes": ("a note",),
        "versions": (("evenfit", "0.1"),),
    }
    return MeasureFacts(**(known | others))


def told(kind):
    """A result's story, as text of a terminal."""
    facts = make_facts(measured(kind))
    return text(WRITERS[kind].story(measured(kind), facts), facts)


def written(kind, **facts):
    """A result's page."""
    known = make_facts(measured(kind), **facts)
    writer = WRITERS[kind]
    return page(writer.story(measured(kind), known), known, writer.sections(measured(kind), known))

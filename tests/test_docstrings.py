"""The examples in docstrings run, and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import evenfit

LEFT_OUT = ("evenfit.__main__", "evenfit.regularize")  # it runs; its examples need names: tests/regularize
NEEDS = {  # modules that need a package of an extra
    "evenfit.tracking.mlflow_runs": "mlflow",
    "evenfit.tracking.tensorboard_runs": "tensorboard",
    "evenfit.tracking.wandb_runs": "wandb",
}
MODULES = sorted(found.name for found in pkgutil.walk_packages(evenfit.__path__, "evenfit."))


@pytest.mark.parametrize("module", [name for name in MODULES if not name.startswith(LEFT_OUT)])
def test_the_examples_in_docstrings_run(module):
    if module in NEEDS:
        pytest.importorskip(NEEDS[module], reason=f"{NEEDS[module]} is not installed")
    assert doctest.testmod(importlib.import_module(module)).failed == 0


def test_examples_are_found():
    finder = doctest.DocTestFinder(exclude_empty=True)
    functions = importlib.import_module("evenfit.runs.functions")
    assert sum(len(found.examples) for found in finder.find(functions)) >= 5

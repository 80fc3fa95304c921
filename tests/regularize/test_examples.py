"""The examples in the documentation of every module of evenfit.regularize run."""

import doctest
import pkgutil
from importlib import import_module
from types import ModuleType

import pytest
import torch
from torch import nn

import evenfit.regularize

MODULES = sorted(one.name for one in pkgutil.walk_packages(evenfit.regularize.__path__, "evenfit.regularize."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name):
    module = import_module(name)
    names = {"torch": torch, "nn": nn, **vars(module)}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        result = doctest.testmod(module, extraglobs=names, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    assert sum(len(test.examples) for name in MODULES for test in finder.find(import_module(name))) > 40


@pytest.mark.parametrize("name", evenfit.regularize.__all__)
def test_every_public_name_is_found_and_says_what_it_is(name):
    found = getattr(evenfit.regularize, name)
    assert found.__doc__
    assert not isinstance(getattr(evenfit.regularize, name), ModuleType)  # a module of that name would hide it
    assert getattr(evenfit.regularize, name) is found


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'dropuot'"):
        evenfit.regularize.__getattr__("dropuot")

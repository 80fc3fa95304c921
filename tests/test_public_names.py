"""The public names: a sorted list, each at home somewhere, none of them loading torch before it is used."""

import subprocess
import sys

import pytest

import evenfit


def test_public_names_are_sorted():
    assert list(evenfit.__all__) == sorted(evenfit.__all__)


@pytest.mark.parametrize("name", evenfit.__all__)
def test_every_public_name_is_found(name):
    assert getattr(evenfit, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tuna'"):
        evenfit.__getattr__("tuna")


def test_importing_evenfit_imports_no_torch():
    heavy = "{'torch', 'sklearn', 'optuna', 'numba', 'polars', 'matplotlib'}"
    code = f"import sys, evenfit; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

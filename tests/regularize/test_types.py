"""The stub that gives the public names their types says the same as the table that loads them."""

import re
from pathlib import Path

import evenfit.regularize


def test_the_stub_names_what_the_table_names():
    stub = Path(evenfit.regularize.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    named = re.findall(r"^from (\S+) import (\w+) as (\w+)$", stub, flags=re.MULTILINE)
    assert {name: home for home, name, again in named if name == again} == evenfit.regularize._HOMES
    assert len(named) == len(evenfit.regularize._HOMES)

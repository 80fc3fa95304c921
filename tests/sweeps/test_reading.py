import json

import pytest

from evenfit.errors import SweepError
from evenfit.sweeps.reading import parse


@pytest.mark.parametrize("text", ["1e-5", "1E-5", "1.0e-5", "+1e-5", "1e5", ".5", "-.5e3"])
def test_an_unquoted_number_with_an_exponent_is_a_number(text):
    assert parse(f"a: {text}")["a"] == float(text)


@pytest.mark.parametrize("text", ["'1e-5'", '"1e-5"', "1e", "e5", "v1e5"])
def test_a_quoted_number_or_a_word_is_text(text):
    assert isinstance(parse(f"a: {text}")["a"], str)


def test_a_key_that_comes_twice_is_refused_with_its_line():
    with pytest.raises(SweepError, match="line 3: 'method' comes twice, first on line 1"):
        parse("method: grid\nname: x\nmethod: random")


def test_anchors_and_merges_are_followed():
    assert parse("a: &a {min: 0, max: 1}\nb: {<<: *a, max: 2}")["b"] == {"min": 0, "max": 2}


def test_json_with_tabs_is_read():
    given = {"method": "grid", "parameters": {"x": {"values": [1, 2.5, None, True, "a"]}}}
    assert parse(json.dumps(given, indent="\t")) == given


@pytest.mark.parametrize("text", ["[1]", "a: [", "", "x", "a: &a [*a"])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(SweepError):
        parse(text)


def test_a_date_is_text_as_in_json():
    assert parse("a: 2020-01-31")["a"] == "2020-01-31"

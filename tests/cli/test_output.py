"""Answers on standard output."""

import io
import json
import sys

from evenfit.cli.output import print_json, print_table


def test_json_has_no_infinities_and_keeps_every_letter(capsys):
    print_json({"a": [float("nan"), 1.5, (True, None)], "é": "日本 🐚", 3: {"b": float("inf")}})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": [None, 1.5, [True, None]], "é": "日本 🐚", "3": {"b": None}}
    assert "🐚" in out


def test_a_terminal_that_cannot_show_a_letter_gets_another(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    print_table([{"shell": "🐚"}])
    assert out.buffer.getvalue() == b"shell\n?\n"


def test_a_table_puts_numbers_to_the_right_and_gaps_as_a_dash(capsys):
    print_table([{"name": "a", "rows": 10, "kinds": {"numeric": 3}}, {"name": "b\nc", "rows": 2000, "done": False}])
    assert (
        capsys.readouterr().out == "name  rows  kinds      done\na       10  numeric 3  -\nb c   2000  -          no\n"
    )

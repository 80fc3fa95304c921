"""What a command says on standard output: text for people, or one JSON object for programs."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol


class Answer(Protocol):
    """What a command can print, either way."""

    def text(self) -> str:
        """The answer for people."""

    def json(self) -> Mapping[str, object]:
        """The answer for programs."""


def print_answer(answer: Answer, *, as_json: bool) -> None:
    """Print an answer as text or as JSON."""
    if as_json:
        print_json(answer.json())
    else:
        _write(answer.text())


def print_json(value: object) -> None:
    """Print a value as JSON that any reader takes: what is not a finite number becomes null."""
    _write(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows below their names, numbers to the right."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    head = [name.replace("_", " ") for name in names]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    right = [all(_is_number(row.get(name)) for row in rows) for name in names]
    lines = [
        "  ".join(text.rjust(w) if r else text.ljust(w) for text, w, r in zip(line, widths, right, strict=True))
        for line in [head, *cells]
    ]
    _write("\n".join(line.rstrip() for line in lines))


def _write(text: str) -> None:
    """Write a text and end its line, whatever the terminal's encoding can show."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding).rstrip("\n") + "\n")
    sys.stdout.flush()


def _finite(value: object) -> object:
    """A value without what JSON lacks: infinities and not-a-number, tuples, frozen mappings."""
    if isinstance(value, Mapping):
        return {str(name): _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return str(value)


def _is_number(value: object) -> bool:
    """Whether a cell goes to the right; an empty one may."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: object) -> str:
    """A value in one short line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(inner)}" for name, inner in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value)) or "-"
    return " ".join(str(value).split())

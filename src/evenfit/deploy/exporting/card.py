"""Card: what a model's users should know of it, in Markdown beside the file."""

from __future__ import annotations

import platform
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import polars as pl

from evenfit.data.columns import Column, read_cells
from evenfit.data.schema import Table
from evenfit.deploy.exporting.exported import Check
from evenfit.deploy.model import Model
from evenfit.results.metrics import metric_of

FILE = "model-card.md"
NOT_STATED = "Not stated."
_MOST_LEVELS = 12
_TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}  # they reverse the text that follows
_UNTESTED = (
    "Not tested: rows from another time, place or population than the training table's; whether errors are "
    "spread evenly over groups of people; rows made to deceive."
)


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a card says, each part in sentences or lines of Markdown; what is empty is said to be not stated.

    Text from outside goes through `plain` first.
    """

    title: str
    purpose: tuple[str, ...] = ()  # what it is for, and what not
    data: tuple[str, ...] = ()  # what it was trained on
    config: tuple[str, ...] = ()  # what it is, and how it was regularised
    estimate: tuple[str, ...] = ()  # how good it is, and what that means
    limits: tuple[str, ...] = ()


def card_text(
    card: Card,
    *,
    signature: Mapping[str, Any],
    files: Sequence[str],
    check: Check,
    graph: str,
    example: str,
    packages: Sequence[str],
) -> str:
    """Write the card.

    Args:
        card: what is said of the model.
        signature: inputs and outputs.
        files: names of the files beside it.
        check: how the file was held to the model in Python.
        graph: what was looked for in it, in words.
        example: Python that calls it.
        packages: those whose versions matter.
    """
    versions = [("python", platform.python_version()), *((name, metadata.version(name)) for name in packages)]
    sizes = [size for value in signature["inputs"] for size in value["shape"]]
    varying = any(isinstance(size, str) for size in sizes)
    batch = "Any number of rows may be given at once." if varying else "Sizes are as given here."
    values = [*(("in", value) for value in signature["inputs"]), *(("out", value) for value in signature["outputs"])]
    table = [
        f"| {way} | {plain(value['name'])} | {value['type']} | [{', '.join(map(str, value['shape']))}] "
        f"| {plain(_missing(value))} | {plain(value.get('meaning', ''))} |"
        for way, value in values
    ]
    sections = {
        "Intended use": card.purpose,
        "Training data": card.data,
        "Model": card.config,
        "How good it is": card.estimate,
        "Limits": card.limits,
    }
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", example)), default=0))  # a category may be written so
    written = "\n\n".join(f"## {name}\n\n{_lines(lines)}" for name, lines in sections.items())
    return f"""# {plain(card.title)}

{written}

## How to call it

Files: {", ".join(f"`{name}`" for name in files)}. `signature.json` says the same as this table, for programs. {batch}

| | name | type | shape | missing | what |
|---|---|---|---|---|---|
{chr(10).join(table)}

In the folder of this file:

{fence}python
{example}
{fence}

## How it was checked

The file was held to the model in Python {plain(check.text())}. {plain(graph[:1].upper() + graph[1:])}.

## Versions

{", ".join(f"{name} {version}" for name, version in versions)}.

## Licence

{NOT_STATED} Say here under which licence the model may be used, and under which its training data.
"""


def card_of(model: Model) -> Card:
    """Give what a model knows of itself."""
    target = model.schema.target
    name = target.name if target else "?"
    kind = f"the number {plain(name)}"
    if model.classes:
        known = ", ".join(plain(str(one)) for one in model.classes[:9]) + (", ..." if len(model.classes) > 9 else "")
        kind = f"which of {len(model.classes)} classes {plain(name)} is ({known})"
    return Card(
        title=f"A model of {name}",
        purpose=(
            f"It predicts {kind} of rows like those of its training table, one by one.",
            "It was not made to decide alone about people, or about anything where a wrong answer does harm.",
        ),
        data=columns_of(model),
        config=_networks(model),
        estimate=_promise(model),
        limits=_limits(model),
    )


def columns_of(model: Model, table: Table | None = None, frame: pl.DataFrame | None = None) -> tuple[str, ...]:
    """Say what was in the training table: its columns, and with the table itself their ranges and classes' shares."""
    schema = model.schema
    head = "| column | kind | what was in it |\n|---|---|---|"
    cells = {} if frame is None else {column.name: frame[column.name] for column in schema.columns}
    rows = [
        f"| {plain(column.name)} | {column.kind} | {plain(_content(column, cells.get(column.name)))} |"
        for column in schema.columns
    ]
    lines = ["\n".join([head, *rows])]
    if schema.left_out:
        reasons = "; ".join(f"{plain(left.name)} ({plain(left.reason)})" for left in schema.left_out)
        lines.append(f"Left out: {reasons}.")
    if table is not None and table.target is not None and schema.target is not None:
        lines.append(_target(schema.target.name, model, table.target))
    return tuple(lines)


def plain(text: str) -> str:
    """Give text from outside as Markdown shows it as it is, on one line, without what would turn it around."""
    shown = " ".join(text.split())
    hidden = {each for each in shown if each in _TURNING or unicodedata.category(each) in ("Cc", "Cs")}
    shown = "".join("\N{REPLACEMENT CHARACTER}" if each in hidden else each for each in shown)
    return "".join(f"\\{each}" if each in "\\`*_[]<>#|" else each for each in shown)


def _content(column: Column, cells: pl.Series | None) -> str:
    """What a column holds, and between which ends."""
    if column.kind == "categorical":
        known = ", ".join(column.levels[:_MOST_LEVELS])
        said = f"{len(column.levels)} categories: {known}{', ...' if len(column.levels) > _MOST_LEVELS else ''}"
    elif column.kind == "boolean":
        said = " or ".join(column.levels)
    elif column.kind == "date":
        said = f"dates{f' like {column.format}' if column.format else ''}"
    else:
        said = "numbers"
        if cells is not None:
            numbers = read_cells(column, cells).numbers[:, 0]
            if not np.isnan(numbers).all():
                said = f"{np.nanmin(numbers):.6g} to {np.nanmax(numbers):.6g}, median {np.nanmedian(numbers):.6g}"
    return said + ("; some missing" if column.missing else "")


def _target(name: str, model: Model, target: np.ndarray[Any, Any]) -> str:
    if not model.classes:
        low, middle, high = np.quantile(target, [0, 0.5, 1])
        return f"Target {plain(name)}: {low:.6g} to {high:.6g}, median {middle:.6g}."
    shares = np.bincount(target, minlength=len(model.classes)) / max(len(target), 1)
    known = ", ".join(f"{plain(str(one))} {share:.1%}" for one, share in zip(model.classes, shares, strict=True))
    rarest = int(shares.argmin())
    return (
        f"Target {plain(name)}: {known}. The rarest class, {plain(str(model.classes[rarest]))}, had "
        f"{round(shares[rarest] * len(target)):,} rows: what is said of it is the least certain."
    )


def _networks(model: Model) -> tuple[str, ...]:
    used = [part for part in model.parts if part.share > 0]
    lines = [
        f"{len(part.encodings)} multilayer perceptrons of config {part.trial}, which count {part.share:.0%}: "
        f"{part.config.depth} hidden layers of {part.config.width} {part.config.activation} units."
        for part in used
    ]
    return (*lines, "Dropout and penalties acted in training alone: there is none in the file.")


def _promise(model: Model) -> tuple[str, ...]:
    known = model.promised
    try:
        metric = metric_of(model.metric, task=model.task)
        mean, *ends = (metric.score(float(known[name])) for name in ("mean", "low", "high"))
    except (KeyError, TypeError, ValueError):
        return ()
    low, high = sorted(ends)
    return (
        f"{metric.label} on fresh rows: {mean:.4g}, {float(known['level']):.0%} interval {low:.4g} to {high:.4g}.",
        "That is what to expect, on average over fresh rows from the same source, of the networks of the selected "
        "config one by one. It is corrected for the choice among many configs (BBC-CV); what averaging the networks "
        "gains comes on top. The interval is of the mean, not of a single row's error.",
    )


def _limits(model: Model) -> tuple[str, ...]:
    encodings = [encoding for part in model.parts if part.share > 0 for encoding in part.encodings]
    lines = [
        "Numbers beyond those of training are taken as the training rows' ends, or squeezed towards them: the model "
        "does not extrapolate, and was not tested there.",
        "A category that training did not have counts as none of those known; a missing number as the middle one.",
    ]
    targets = [encoding.target_encoding for encoding in encodings if encoding.target_encoding is not None]
    clipped = [known for known in targets if known.choice != "none"]
    if clipped:
        low, high = min(known.low for known in clipped), max(known.high for known in clipped)
        lines.append(f"It never predicts less than {low:.6g} or more than {high:.6g}, the ends of its training rows.")
    if model.classes:
        balanced = any(part.config.balanced_classes for part in model.parts if part.share > 0)
        lines.append(
            "Every class weighed the same in training: probabilities are those of a table with as many rows of each."
            if balanced
            else "Probabilities are as the networks give them; they were not calibrated afterwards."
        )
    return (*lines, _UNTESTED)


def _missing(value: Mapping[str, Any]) -> str:
    if "missing" not in value:
        return ""
    return {None: "None", "": '""'}.get(value["missing"], str(value["missing"]))


def _lines(lines: Sequence[str]) -> str:
    """One line as a paragraph, a table as it is, several as a list."""
    if not lines:
        return NOT_STATED
    blocks: list[str] = []
    for line in lines:
        bullet = line if line.startswith("|") or len(lines) == 1 else f"- {line}"
        joined = blocks and blocks[-1].startswith("- ") and bullet.startswith("- ")
        blocks.append(f"{blocks.pop()}\n{bullet}" if joined else bullet)
    return "\n\n".join(blocks)

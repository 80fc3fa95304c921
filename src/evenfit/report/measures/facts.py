"""MeasureFacts: what a report of a measurement tells beyond its numbers, as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from evenfit.specs.config import Config


@dataclass(frozen=True, kw_only=True)
class MeasureFacts:
    """The table and the network that a measurement is about, and how it was asked for."""

    name: str  # of the report
    folder: str  # where its files lie, as a user would type it
    command: str  # the command line that made it
    description: str  # the one line that says what was understood of the table
    table: str  # its path, as the user gave it
    target: str  # name of the target's column
    task: str  # binary, multiclass or regression
    rows: int
    config: Config  # that was measured
    epoch: int | None = None  # at which its training ends; None is the last of its epochs
    source: str = ""  # where the config is from, in a few words
    left_out: tuple[tuple[str, str], ...] = ()  # column, why
    notes: tuple[str, ...] = ()  # what else a user should know about the data
    row_names: tuple[int, ...] = ()  # number in the file, from 1 without its header, of each row that was judged
    labels: tuple[str, ...] = ()  # the target of each row that was judged
    column: str = ""  # the only numeric column, where there is just one
    seconds: float = 0.0  # that it took
    versions: tuple[tuple[str, str], ...] = ()  # package, version

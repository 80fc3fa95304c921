"""What a run has logged so far: from W&B's calls, from JSON lines, from TensorBoard event files."""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenfit.sweeps.event_files import scalars

_LONGEST = 1 << 20  # bytes of a line; a longer one is no metric
_EVENTS_EVERY = 2.0  # seconds between looks for event files


@dataclass
class Reader:
    """A file that grows, read line by line from where it was left."""

    path: Path
    place: int = 0
    rest: bytes = b""

    def objects(self, *, ended: bool = False) -> Iterator[dict[str, Any]]:
        """Give the JSON objects that have been added; other lines are passed over.

        A last line without its end is read only once nothing more can come.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self.place)
                while added := file.read(_LONGEST):
                    self.place += len(added)
                    *lines, self.rest = (self.rest + added).split(b"\n")
                    self.rest = self.rest[:_LONGEST]
                    yield from filter(None, map(_object, lines))
        except FileNotFoundError:
            return
        if ended:
            last, self.rest = _object(self.rest), b""
            if last is not None:
                yield last


@dataclass
class Channel:
    """The metric's values as one way of telling them has them."""

    history: list[float] = field(default_factory=list)  # finite values
    bad: int = 0  # values that are not finite
    row: Any = None  # which the last value is of

    def take(self, number: float, *, row: Any = None) -> None:
        """Add a value; one of the same row as the last replaces it."""
        if not math.isfinite(number):
            self.bad += 1
        elif row is not None and row == self.row and self.history:
            self.history[-1] = number
        else:
            self.history.append(number)
            self.row = row


@dataclass
class Metrics:
    """The values of a run's metric, and the names of all that it logged.

    A program that tells its metric in several ways is heard in one: W&B's calls, else JSON lines, else event files.
    """

    name: str
    calls: Reader
    output: Reader
    folder: Path
    working: Path
    pids: Callable[[], Collection[int]]  # the run's processes
    names: dict[str, None] = field(default_factory=dict)
    summary: float | None = None
    called: Channel = field(default_factory=Channel)
    printed: Channel = field(default_factory=Channel)
    events: Channel = field(default_factory=Channel)
    writers: set[int] = field(default_factory=set)  # processes that the run has had
    looked: float = field(default_factory=time.monotonic)

    @property
    def channel(self) -> Channel:
        """The first way that has the metric."""
        ways = (self.called, self.printed, self.events)
        return next((way for way in ways if way.history), next((way for way in ways if way.bad), self.called))

    @property
    def history(self) -> list[float]:
        """The metric's finite values."""
        return self.channel.history

    @property
    def bad(self) -> int:
        """How many of the metric's values were not finite."""
        return self.channel.bad

    def update(self, *, ended: bool = False) -> None:
        """Read what has been added."""
        for found in self.calls.objects(ended=ended):
            self._take(self.called, found.get("log", {}), row=found.get("row"))
            if "summary" in found:
                self._summarise(found["summary"])
        for found in self.output.objects(ended=ended):
            self._take(self.printed, dict(_flat(found)))
        now = time.monotonic()
        if (ended or now - self.looked > _EVENTS_EVERY) and not (self.called.history or self.printed.history):
            self.looked = now
            self._read_events()

    def _read_events(self) -> None:
        """Read event files anew: all of a run's values, in the order in which they were written."""
        self.writers |= set(self.pids())
        found = [
            each
            for file in _event_files(self.folder, self.working, self.writers)
            for each in scalars(file.read_bytes())
        ]
        self.events = Channel()
        for _, tag, value in sorted(found, key=lambda each: each[0]):
            self._take(self.events, {tag: value})

    def _take(self, channel: Channel, values: dict[str, Any], *, row: Any = None) -> None:
        for name, value in values.items():
            self.names[name] = None
            if name == self.name:
                channel.take(float(value), row=row)

    def _summarise(self, summary: dict[str, Any]) -> None:
        for name in summary:
            self.names.setdefault(name)
        # define_metric(summary="min") makes a metric's summary a mapping
        said = [self.name, *(f"{self.name}.{kind}" for kind in ("min", "max", "best", "last", "mean"))]
        value = next((float(summary[name]) for name in said if name in summary), None)
        if value is not None:
            self.summary = value if math.isfinite(value) else None
            if not self.called.history:
                self.called.take(value)


def _object(line: bytes) -> dict[str, Any] | None:
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _flat(found: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Give an object's numbers, nested ones by W&B's dotted names."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            with contextlib.suppress(OverflowError):  # a whole number beyond all floats
                yield prefix + name, float(value)


def _event_files(folder: Path, working: Path, pids: Collection[int]) -> list[Path]:
    """Give the event files in a run's folder, and those below its working directory that its processes write."""
    found = []
    for top, own in ((folder, True), (working, False)):
        for place, folders, files in os.walk(top):
            depth = len(Path(place).relative_to(top).parts)
            folders[:] = sorted(each for each in folders if not each.startswith(".") and depth < 6)
            found += [
                Path(place) / file
                for file in sorted(files)
                if "tfevents" in file and (own or any(part.isdigit() and int(part) in pids for part in file.split(".")))
            ]
    return list(dict.fromkeys(found))

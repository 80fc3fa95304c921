"""What a run has logged so far: from W&B's calls, from JSON lines, from TensorBoard event files."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
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

    def objects(self) -> Iterator[dict[str, Any]]:
        """Give the JSON objects that have been added; other lines are passed over."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.place)
                while added := file.read(_LONGEST):
                    self.place += len(added)
                    *lines, self.rest = (self.rest + added).split(b"\n")
                    self.rest = self.rest[:_LONGEST]
                    for line in lines:
                        if line.lstrip().startswith(b"{"):
                            found = _object(line)
                            if found is not None:
                                yield found
        except FileNotFoundError:
            return


@dataclass
class Metrics:
    """The values of a run's metric, and the names of all that it logged."""

    name: str
    calls: Reader
    output: Reader
    folder: Path
    working: Path
    pid: int
    names: dict[str, None] = field(default_factory=dict)
    history: list[float] = field(default_factory=list)  # finite values
    bad: int = 0  # values that are not finite
    summary: float | None = None
    from_calls: bool = False
    events: bool = False  # the history is of event files
    looked: float = field(default_factory=time.monotonic)

    def update(self, *, ended: bool = False) -> None:
        """Read what has been added."""
        for found in self.calls.objects():
            self.from_calls = True
            for name, value in found.get("log", {}).items():
                self._take(name, value)
            if "summary" in found:
                self._summarise(found["summary"])
        for found in self.output.objects():
            if not self.from_calls:  # else one value would count twice
                for name, value in _flat(found):
                    self._take(name, value)
        now = time.monotonic()
        if ended or now - self.looked > _EVENTS_EVERY:
            self.looked = now
            self._read_events()

    def _read_events(self) -> None:
        """Read event files anew: all of a run's values, while no other channel has any."""
        if not self.from_calls and (self.events or not (self.history or self.bad)):
            found = list(self._events())
            if found:
                self.events = True
                self.history, self.bad = [], 0
                for tag, value in found:
                    self._take(tag, value)

    def _events(self) -> Iterator[tuple[str, float]]:
        for file in _event_files(self.folder, self.working, self.pid):
            yield from scalars(file.read_bytes())

    def _take(self, name: str, value: Any) -> None:
        number = float(value)
        self.names[name] = None
        if name == self.name:
            if math.isfinite(number):
                self.history.append(number)
            else:
                self.bad += 1

    def _summarise(self, summary: dict[str, Any]) -> None:
        for name in summary:
            self.names.setdefault(name)
        if self.name in summary:
            value = float(summary[self.name])
            self.summary = value if math.isfinite(value) else None
            if not self.history and math.isfinite(value):
                self.history.append(value)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _flat(found: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Give an object's numbers, nested ones by W&B's dotted names; texts that say nan or inf are numbers."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            yield prefix + name, float(value)


def _event_files(folder: Path, working: Path, pid: int) -> list[Path]:
    """Give the event files in a run's folder, and those below its working directory that carry its process's number."""
    found = []
    for top, own in ((folder, True), (working, False)):
        for place, folders, files in os.walk(top):
            depth = len(Path(place).relative_to(top).parts)
            folders[:] = sorted(each for each in folders if not each.startswith(".") and depth < 6)
            found += [
                Path(place) / file
                for file in sorted(files)
                if "tfevents" in file and (own or f".{pid}." in file or file.endswith(f".{pid}"))
            ]
    return list(dict.fromkeys(found))

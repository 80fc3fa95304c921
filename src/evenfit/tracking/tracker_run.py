"""TrackerRun: what a tracker calls a run: here a whole search, one of its trials, or one fold of a trial."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

RUN, TRIAL, FOLD = "run", "trial", "fold"

Value = str | int | float | bool
Curve = tuple[tuple[int, float], ...]  # steps, rising, and what was measured at each


@dataclass(frozen=True, kw_only=True)
class TrackerRun:
    """One entry of a tracker, and those below it.

    Example:
        >>> fold = TrackerRun(identity="b", name="bank/0/fold-1", kind=FOLD)
        >>> trial = TrackerRun(identity="a", name="bank/0", kind=TRIAL, children=(fold,))
        >>> [entry.name for entry, parent in trial.walk()]
        ['bank/0', 'bank/0/fold-1']
    """

    identity: str  # the same whenever the same thing is tracked, and no other thing's
    name: str
    kind: str  # run, trial or fold
    parameters: Mapping[str, Value] = field(default_factory=dict)  # what was chosen before
    values: Mapping[str, float] = field(default_factory=dict)  # what came of it; all finite
    step: int = 0  # the epoch of these values; of a run, how many trials it has
    curves: Mapping[str, Curve] = field(default_factory=dict)  # by epoch; of a run, by trial
    facts: Mapping[str, str] = field(default_factory=dict)  # to look for: verdict, metric, status
    tags: tuple[str, ...] = ()  # the user's
    note: str = ""  # the user's
    text: str = ""  # the report, as it was printed
    files: tuple[tuple[str, Path], ...] = ()  # what is kept with it: a name with slashes, and where it lies
    status: str = "done"  # done, running, interrupted or failed
    began: float = 0.0  # seconds since 1970
    ended: float = 0.0
    children: tuple[TrackerRun, ...] = ()

    def walk(self, parent: TrackerRun | None = None) -> Iterator[tuple[TrackerRun, TrackerRun | None]]:
        """Yield this entry and all below it, each with the one above, parents first."""
        yield self, parent
        for child in self.children:
            yield from child.walk(self)

    def count(self) -> int:
        """Count this entry and all below it."""
        return 1 + sum(child.count() for child in self.children)

    def digest(self) -> str:
        """A checksum of everything that a tracker is told of this entry alone: another one, and it has changed."""
        told = {name: value for name, value in vars(self).items() if name not in ("children", "files")}
        found = hashlib.sha256(json.dumps(told, sort_keys=True, default=dict).encode(errors="surrogatepass"))
        for name, path in self.files:
            found.update(name.encode(errors="surrogatepass") + b"\0")
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
        return found.hexdigest()[:32]

"""Run: one experiment, stored, as a row of the store and a folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenfit.errors import StoreError

RUNNING, DONE, INTERRUPTED, FAILED = "running", "done", "interrupted", "failed"
STATUSES = (RUNNING, DONE, INTERRUPTED, FAILED)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the store knows of one experiment, as it was when it was read."""

    name: str
    folder: Path
    created: str  # UTC, ISO 8601
    status: str  # running, done, interrupted (killed too) or failed
    request: Mapping[str, Any]  # what was asked for
    fingerprint: str  # of the data, so that a resume on other data is noticed
    seconds_spent: float
    summary: Mapping[str, Any] | None  # what came of it; None until the run is done
    report: str  # the same for people, as it was printed; empty until the run is done
    trials: int  # how many are stored
    note: str  # the user's own words
    tags: tuple[str, ...]  # the user's, sorted

    @property
    def seed(self) -> int:
        """The seed that was asked for."""
        return int(self.request.get("seed", 0))


@dataclass(frozen=True, kw_only=True)
class Round:
    """Configs that were proposed together, on disk before they were trained."""

    number: int
    kind: str  # what proposed them
    configs: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Finish:
    """When a trial was stored, and what it came to: enough for a list or a chart, without its arrays."""

    trial: int  # its number
    status: str
    loss: float  # its mean selection loss over splits, NaN where it diverged
    seconds: float  # that the run had spent by then; NaN where nobody said


def checked_name(name: str) -> str:
    """Give a run's name back, if a folder can be called that.

    Raises:
        StoreError: the name is empty, too long, hidden, a path, or has characters that cannot be shown.
    """
    shown = all(unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp") for letter in name)
    plain = not re.search(r"[/\\]", name) and not name.startswith((".", "-")) and name.strip() == name
    if not (name and shown and plain and len(name.encode(errors="replace")) <= 200):
        raise StoreError(
            "a run's name must be a folder's name: 1 to 200 characters, no slashes, no dot or dash in front; "
            f"got {name!r}"
        )
    return name


def checked_tag(tag: str) -> str:
    """Give a tag back, if it can be one.

    Raises:
        StoreError: it is empty, too long, begins with a dash, or has spaces, commas or characters that cannot be shown.
    """
    shown = all(unicodedata.category(letter)[0] not in "CZ" for letter in tag)
    if not (tag and shown and not tag.startswith("-") and "," not in tag and len(tag) <= 64):
        raise StoreError(
            f"a tag must be a word: 1 to 64 characters, no spaces or commas, no dash in front; got {tag!r}"
        )
    return tag


def automatic_name(request: Mapping[str, Any]) -> str:
    """Name a run after its table: ``bank`` for ``data/bank.csv.gz``.

    Example:
        >>> automatic_name({"table": "data/Bank calls.csv.gz"})
        'bank-calls'
    """
    table = request.get("table")
    stem = Path(table).name.split(".")[0] if isinstance(table, str) else ""
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:60].strip("-") or "run"

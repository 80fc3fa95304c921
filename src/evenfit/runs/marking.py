"""Marking: the user's own tags and notes on stored runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from evenfit.store import Run, open_store


@dataclass(frozen=True, kw_only=True)
class Marks:
    """A run's tags and note, ready to be printed."""

    run: str
    tags: tuple[str, ...]
    note: str

    def text(self) -> str:
        """Both for people."""
        return f"{self.run}: {', '.join(self.tags) or 'no tags'}\n{self.note or 'no note'}\n"

    def json(self) -> Mapping[str, object]:
        """Both for programs."""
        return {"run": self.run, "tags": list(self.tags), "note": self.note}


def tag(name: str, *, runs: str, add: Collection[str], remove: Collection[str] = ()) -> Marks:
    """Give a run tags and take others away; with neither, read them.

    Raises:
        StoreError: there is no such run, or a tag is not one word.
    """
    with open_store(Path(runs), create=False) as store:
        run = store.run(name)
        if add or remove:
            store.tag(run, add, remove=remove)
        return _marks(store.run(run.name))


def note(name: str, *, runs: str, text: str | None) -> Marks:
    """Write a note on a run in place of the one before; without a text, read it.

    Raises:
        StoreError: there is no such run.
    """
    with open_store(Path(runs), create=False) as store:
        run = store.run(name)
        if text is not None:
            store.note(run, text.strip())
        return _marks(store.run(run.name))


def _marks(run: Run) -> Marks:
    return Marks(run=run.name, tags=run.tags, note=run.note)

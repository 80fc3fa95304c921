"""Exported: what an export has written, and how it was checked, ready to be printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Check:
    """An exported file beside the model in Python, on the same rows."""

    rows: str  # which, in words
    what: str  # what was compared, in words: "probabilities"
    difference: float  # the greatest
    allowed: float
    precision: str  # of the networks in the file

    def text(self) -> str:
        """One sentence without its full stop."""
        return (
            f"on {self.rows}: {self.what} differ by {self.difference:.1e} at most "
            f"({self.allowed:.0e} allowed); networks in {self.precision}"
        )

    def json(self) -> dict[str, object]:
        """The same by name."""
        return dict(vars(self))


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A folder that was written and checked."""

    folder: Path
    format: str
    files: Mapping[str, int]  # bytes by name
    signature: Mapping[str, Any]  # inputs and outputs, as signature.json has them
    check: Check
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """A few lines."""
        sizes = ", ".join(f"{name} ({_size(size)})" for name, size in self.files.items())
        lines = [
            f"wrote    {self.folder}: {sizes}",
            f"inputs   {_named(self.signature['inputs'])}",
            f"outputs  {_named(self.signature['outputs'])}",
            f"checked  {self.check.text()}",
            *(f"note     {note}" for note in self.notes),
            f"next     {self.folder / 'model-card.md'} says how to call it, and what it is good for",
        ]
        return "\n".join(lines)

    def json(self) -> Mapping[str, object]:
        """The same by name."""
        return {
            "folder": str(self.folder),
            "format": self.format,
            "files": dict(self.files),
            "signature": dict(self.signature),
            "check": self.check.json(),
            "notes": list(self.notes),
        }


def _size(size: int) -> str:
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size} bytes"


def _named(values: list[dict[str, Any]]) -> str:
    """Name inputs or outputs with their types, those of one type together."""
    types: dict[str, list[str]] = {}
    for value in values:
        shape = ", ".join(map(str, value["shape"]))
        types.setdefault(f"{value['type']} [{shape}]", []).append(value["name"])
    return "; ".join(f"{', '.join(names)} {kind}" for kind, names in types.items())

"""Study: one question, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a study: the first column is text, the others are numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Show it as a table of Markdown."""
        bars = ["|".join(["", "---", *["--:"] * (len(self.columns) - 1), ""])]
        lines = ["| " + " | ".join(cells) + " |" for cells in (self.columns, *self.rows)]
        return "\n".join([lines[0], *bars, *lines[1:]])


@dataclass(frozen=True, kw_only=True)
class Study:
    """What one section of the page says."""

    name: str  # of its figure's file
    title: str
    setting: str  # what was trained on what
    table: Table
    findings: Sequence[str]
    figure: Figure | None = None
    caption: str = ""

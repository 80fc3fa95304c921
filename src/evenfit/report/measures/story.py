"""Story: what a measurement found, in the words that a terminal, a page and a README share."""

from __future__ import annotations

from dataclasses import dataclass

from evenfit.report.table import Table


@dataclass(frozen=True, kw_only=True)
class Story:
    """The findings of one measurement."""

    kind: str  # what was measured, in a few words
    lead: str  # what to take away: one or two sentences
    table: Table  # the numbers
    cards: tuple[tuple[str, str, str], ...]  # heading, the finding in large type, a line below
    findings: tuple[tuple[str, str], ...]  # heading, what was found
    next: tuple[str, ...] = ()  # what to type next

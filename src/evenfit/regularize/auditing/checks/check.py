"""Check: one kind of mistake, and how to find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evenfit.regularize.auditing.view import View


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One place where a check found its mistake."""

    severity: str
    layers: tuple[str, ...]
    evidence: str
    figure: str = ""  # the one number of it that matters most
    data: Mapping[str, Any] = field(default_factory=dict)
    mend: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """One kind of mistake."""

    title: str  # the mistake in a few words
    look: Callable[[View], Iterator[Sight]]
    source: str  # who says so: author, title, year; or the issue where torch's maintainers do
    needs: tuple[str, ...] = ()  # what it cannot do without: "sample", "decay"


def count(number: int, noun: str) -> str:
    """Give a number with its noun.

    Example:
        >>> count(1, "bias"), count(1200, "layer")
        ('1 bias', '1,200 layers')
    """
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def listed(names: tuple[str, ...] | list[str], *, most: int = 3) -> str:
    """Give names as a list for a sentence, the first of them only where there are many.

    Example:
        >>> listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
        ('a and b', 'a, b, c and 2 more')
    """
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))

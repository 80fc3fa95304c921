"""Kept: a request as a run keeps it, with what was decided from it, so that it can go on as it began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenfit.runs.request import FitRequest
from evenfit.specs.config import Config
from evenfit.specs.space import Space


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a run was asked for, the space that it searches, and what it was before it was extended."""

    request: FitRequest
    space: Space
    workers: int
    warm: tuple[Config, ...] = ()  # of another run, as this space has them: tried after the default
    warm_note: str = ""  # what a reader of the estimate must know of them
    extended: tuple[Mapping[str, Any], ...] = ()  # of each extension: what the run was before, ready for JSON

    def to_json(self) -> dict[str, Any]:
        """Give the request's values by name, and the others beside them."""
        found = self.request.to_json() | {"space": self.space.to_json(), "workers": self.workers}
        if self.warm:
            found |= {"warm": [config.to_json() for config in self.warm], "warm_note": self.warm_note}
        if self.extended:
            found["extended"] = [dict(one) for one in self.extended]
        return found

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], *, runs: str) -> Kept:
        """Make it from what ``to_json`` gave; the folder of runs may have moved."""
        values = dict(stored)
        space, workers = Space.from_json(values.pop("space")), int(values.pop("workers"))
        warm = tuple(Config.from_json(one) for one in values.pop("warm", ()))
        note, extended = values.pop("warm_note", ""), tuple(values.pop("extended", ()))
        request = FitRequest.from_json(values | {"runs": runs})
        return cls(request=request, space=space, workers=workers, warm=warm, warm_note=note, extended=extended)

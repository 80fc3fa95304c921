"""Stored heats: the configs of a heat as a store keeps them, and the heat that they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evenfit.experiments.heat import Entry, Heat
from evenfit.specs.config import Config


def entry_json(entry: Entry, *, cut: bool) -> dict[str, Any]:
    """Give an entry by names, ready for JSON, and whether a limit has cut its heat."""
    return {"number": entry.number, "protected": entry.protected, "config": entry.config.to_json(), "cut": cut}


def stored_heat(number: int, configs: tuple[Mapping[str, Any], ...]) -> Heat:
    """Give the heat of these entries, as it was proposed; how it is raced follows from what was known before it."""
    entries = tuple(
        Entry(number=known["number"], config=Config.from_json(known["config"]), protected=known["protected"])
        for known in configs
    )
    return Heat(round=number, entries=entries)

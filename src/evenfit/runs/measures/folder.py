"""Folder: what a measurement leaves behind, and what it prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenfit.errors import StoreError
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.story import Story
from evenfit.report.measures.text import text
from evenfit.results.json import plain
from evenfit.runs.measures.request import COMMANDS, MeasureRequest
from evenfit.store.run import automatic_name


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A finished measurement, ready to be printed and to be left in a folder."""

    story: Story
    facts: MeasureFacts
    numbers: Mapping[str, Any]  # of the result, ready for JSON
    sections: Callable[[], Sequence[str]]  # of the page; drawn only where there is a page to be written

    def text(self) -> str:
        """The short report that the command prints."""
        return text(self.story, self.facts)

    def json(self) -> Mapping[str, object]:
        """The one documented schema of ``--json`` and ``numbers.json``."""
        facts = self.facts
        known = {
            "command": facts.command,
            "folder": facts.folder,
            "data": {"table": facts.table, "target": facts.target, "task": facts.task, "rows": facts.rows},
            "network": {"source": facts.source, "epoch": facts.epoch, "config": facts.config.to_json()},
            "result": self.numbers,
            "notes": list(facts.notes),
            "seconds": facts.seconds,
        }
        return {name: plain(value) for name, value in known.items()}


def folder_for(request: MeasureRequest) -> Path:
    """Choose the folder that a measurement will leave, without making it.

    Raises:
        StoreError: the folder that was asked for has files in it, or cannot be one.

    Example:
        >>> from evenfit.runs.request import FitRequest
        >>> asked = FitRequest(table="data/bank.csv", target="y", runs="none-yet")
        >>> folder_for(MeasureRequest(command="diagnose", data=asked)).as_posix()
        'none-yet/bank-diagnosis'
    """
    if request.out is not None:
        folder = Path(request.out)
        if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            what = "is a file" if folder.is_file() else "has files in it"
            raise StoreError(f"out must be a new folder or an empty one; {folder} {what}")
        return folder
    wanted = f"{automatic_name({'table': request.data.table})}-{COMMANDS[request.command]}"
    home, chosen, count = Path(request.data.runs), wanted, 1
    while (home / chosen).exists():
        count += 1
        chosen = f"{wanted}-{count}"
    return home / chosen


def leave(measured: Measured) -> None:
    """Write the report, the numbers, the config and a guide to them.

    Raises:
        StoreError: the folder cannot be written.
    """
    from evenfit.report.measures.page import page
    from evenfit.report.measures.readme import readme
    from evenfit.report.toml import toml

    facts, folder = measured.facts, Path(measured.facts.folder)
    files = {
        "report.html": page(measured.story, facts, measured.sections()),
        "numbers.json": json.dumps(measured.json(), indent=2, ensure_ascii=False) + "\n",
        "config.toml": toml(facts.config, title=f"The network that was measured: {facts.source}."),
        "README.md": readme(measured.story, facts),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, written in files.items():
            (folder / name).write_text(written, encoding="utf-8", errors="replace")
    except OSError as error:
        where = error.filename or folder
        raise StoreError(f"{where} cannot be written: {(error.strerror or str(error)).lower()}") from error

"""A sweep's folder: what was proposed and what ended, one JSON line each, so that it can go on after a kill."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evenfit.errors import SweepError
from evenfit.sweeps.trial import Part, Run, Trial

ABOUT, TRIALS = "sweep.json", "trials.jsonl"  # what a sweep's folder is known by


def trials_in(journal: Path, parts: int) -> list[Trial]:
    """Give the trials of a journal, of ``parts`` runs each; a last line that is half written is passed over."""
    trials: dict[int, Trial] = {}
    whole, _, _ = journal.read_bytes().rpartition(b"\n")
    for line in whole.decode().splitlines():
        entry = json.loads(line)
        if entry["event"] == "proposed":
            chosen = {tuple(names): value for names, value in entry["chosen"]}
            trials[entry["trial"]] = Trial(number=entry["trial"], chosen=chosen)
        elif entry["event"] == "ended":
            run = dict(entry["run"]) | {"history": tuple(entry["run"]["history"])}
            trials[entry["trial"]].runs[entry["fold"], entry["seed"]] = Run(**run)
        elif entry["event"] == "closed":
            trials[entry["trial"]].ended = True
    for trial in trials.values():
        trial.ended = trial.ended or len(trial.runs) == parts
    return [trials[number] for number in sorted(trials)]


def in_use(journal: Path) -> bool:
    """Whether a process has a sweep's journal open as its writer."""
    with journal.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


class Journal:
    """The one writer of a sweep's folder."""

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        """Open or make it.

        Raises:
            SweepError: another process has it open, or it is of another sweep or other options.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / TRIALS
        self._file = self._path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise SweepError(f"{folder} is in use by another evenfit sweep") from error
        said = folder / ABOUT
        text = json.dumps(about, indent=1, sort_keys=True, default=str)
        if said.exists() and said.read_text(encoding="utf-8") != text:
            self._file.close()
            raise SweepError(f"{folder} holds a sweep of another file or other options; give another --folder")
        said.write_text(text, encoding="utf-8")
        self._cut()

    def _cut(self) -> None:
        """Drop a last line that a kill cut short."""
        content = self._path.read_bytes()
        if content and not content.endswith(b"\n"):
            self._file.truncate(content.rfind(b"\n") + 1)

    def trials(self, parts: int) -> list[Trial]:
        """Give the trials of before; runs that had not ended are to be run anew."""
        return trials_in(self._path, parts)

    def proposed(self, trial: Trial) -> None:
        """Keep what is tried next."""
        self._write(
            {"event": "proposed", "trial": trial.number, "chosen": [[list(n), v] for n, v in trial.chosen.items()]}
        )

    def ended(self, trial: Trial, part: Part) -> None:
        """Keep what a run gave."""
        fold, seed = part
        run = asdict(trial.runs[part])
        self._write({"event": "ended", "trial": trial.number, "fold": fold, "seed": seed, "run": run})

    def closed(self, trial: Trial) -> None:
        """Keep that no more runs of a trial are needed."""
        self._write({"event": "closed", "trial": trial.number})

    def close(self) -> None:
        """Let others open the folder."""
        self._file.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry, default=str).encode() + b"\n")
        self._file.flush()

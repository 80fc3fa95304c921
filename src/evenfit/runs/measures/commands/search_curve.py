"""Validation curve from the trials of a finished run: what a value of the config did, on average over the search."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import Any

from evenfit.errors import ConfigError, StoreError
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.validation_curve import sections, story
from evenfit.results.json import plain
from evenfit.runs.clock import process_age
from evenfit.runs.kept import Kept
from evenfit.runs.measures.commands.setting import versions
from evenfit.runs.measures.folder import Measured, folder_for, leave
from evenfit.runs.measures.network import read_network
from evenfit.runs.measures.over import hyperparameter
from evenfit.runs.measures.request import MeasureRequest
from evenfit.runs.measures.search_curve import curve_of_run
from evenfit.runs.request import FitRequest
from evenfit.store import open_store


def search_curve(run: str, *, over: str, seed: int, out: str | None) -> Measured:
    """Ask a run's trials what one value of the config did, and leave a folder beside the run's.

    Args:
        run: its folder.
        over: name of the value.
        seed: of the model that is fitted to the trials.
        out: folder to leave; None makes one from the table's name.

    Raises:
        EvenfitError: there is no such run, it is not done, or its search did not vary the value.
    """
    started = time.monotonic() - process_age()
    if "=" in over:
        raise ConfigError(
            f"the trials of a run have values of their own; name one alone, without {over.partition('=')[2]!r}"
        )
    folder, name = Path(run), hyperparameter(over)
    asked = _request(folder)
    request = MeasureRequest(command="validation-curve", data=asked, network=run, out=out)
    left = folder_for(request)
    network, about = read_network(run), _about(folder)
    curve = curve_of_run(run, name=name, seed=seed)
    line = f"evenfit validation-curve {shlex.quote(run)} --over {name}"
    facts = MeasureFacts(
        name=f"{folder.name}: validation curve",
        folder=str(left),
        command=line + (f" --seed {seed}" if seed else "") + (f" --out {shlex.quote(out)}" if out else ""),
        description=f"{curve.trials} configs that run {folder.name} tried",
        table=asked.table,
        target=asked.target,
        task=about["task"],
        rows=about["rows"],
        config=network.config,
        epoch=network.epoch,
        source=network.source,
        notes=curve.notes,
        seconds=time.monotonic() - started,
        versions=versions(),
    )
    found = Measured(
        story=story(curve, facts),
        facts=facts,
        numbers=plain(curve.to_json()),
        sections=lambda: sections(curve, facts),
    )
    leave(found)
    return found


def _request(folder: Path) -> FitRequest:
    """What the run was asked."""
    with open_store(folder.parent, create=False) as store:
        return Kept.from_json(store.run(folder.name).request, runs=str(folder.parent)).request


def _about(folder: Path) -> dict[str, Any]:
    """The task and the rows of a run that is done."""
    try:
        known = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        return {"task": str(known["task"]), "rows": int(known["rows"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"run {folder.name} is not done; go on with: evenfit resume {shlex.quote(str(folder))}"
        ) from error

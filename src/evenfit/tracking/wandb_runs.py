"""W&B: a run each for the search, its trials and their folds, in one group, written without account or network.

``wandb sync`` sends them. A file in each run's folder says what was written, so that it is not written twice;
a run's id is always the same, so that what is sent again replaces what was there.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import wandb

from evenfit.errors import TrackingError
from evenfit.tracking.environment import environment
from evenfit.tracking.tracker_run import RUN, TrackerRun
from evenfit.tracking.trackers import Tell, Tracked

_MARK = "evenfit.json"
_JOBS = {RUN: "search"}
_LONGEST_TAG = 64


def track(run: TrackerRun, *, uri: str, project: str, tell: Tell) -> Tracked:
    """Write a run and all below it into the folder ``uri``, as offline runs of one group.

    Raises:
        TrackingError: the folder cannot be written, or W&B refuses.
    """
    home = Path(uri)
    marks: dict[Path, dict[str, str]] = {}
    total = run.count()
    with _at_home(home), _marking(marks):
        known = _known(home / "wandb")
        for place, (entry, _) in enumerate(run.walk()):
            digest = entry.digest()
            found = known.get(entry.identity, [])
            if not any(mark["digest"] == digest for _, mark in found):
                for folder, _ in found:
                    shutil.rmtree(folder)
                try:
                    folder = _write(entry, home, project=project, group=run.name)
                except (wandb.Error, ValueError) as error:
                    raise TrackingError(f"wandb could not write {entry.name}: {error}") from error
                marks[folder] = {"identity": entry.identity, "name": entry.name, "digest": digest}
            tell(place + 1, total)
    written = len(marks)
    look = f"wandb sync --include-offline {shlex.quote(str(home / 'wandb'))}/offline-run-*"
    return Tracked(tracker="wandb", uri=uri, written=written, unchanged=total - written, look=look)


def _known(folder: Path) -> dict[str, list[tuple[Path, dict[str, str]]]]:
    """The runs of a folder that were written here and to their end, by identity."""
    found: dict[str, list[tuple[Path, dict[str, str]]]] = {}
    for path in sorted(folder.glob(f"offline-run-*/{_MARK}")):
        mark = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(mark["identity"], []).append((path.parent, mark))
    return found


@contextmanager
def _marking(marks: dict[Path, dict[str, str]]) -> Iterator[None]:
    """Mark what was written, however the block ends, once it is on disk.

    W&B writes in a process of its own, and says that a run is finished before its file is: the file is whole when
    that process has ended.
    """
    try:
        yield
    finally:
        if marks:
            wandb.teardown()
        for folder, mark in marks.items():
            (folder / _MARK).write_text(json.dumps(mark) + "\n", encoding="utf-8")


def _write(entry: TrackerRun, home: Path, *, project: str, group: str) -> Path:
    """Write one entry, and give its folder."""
    for cut_short in (home / "wandb").glob(f"offline-run-*-{entry.identity}"):
        shutil.rmtree(cut_short)
    run = wandb.init(
        project=project,
        group=group,
        job_type=_JOBS.get(entry.kind, entry.kind),
        name=entry.name,
        id=entry.identity,
        notes=entry.note or None,
        tags=[tag[:_LONGEST_TAG] for tag in entry.tags] or None,
        config=dict(entry.parameters) | {f"evenfit.{name}": value for name, value in entry.facts.items()},
        mode="offline",
        reinit="create_new",
        dir=str(home),
        settings=wandb.Settings(
            console="off",
            x_disable_stats=True,
            x_disable_meta=True,
            disable_code=True,
            disable_git=True,
            silent=True,
            x_save_requirements=False,
        ),
    )
    try:
        for step, values in _rows(entry):
            run.log(values, step=step)
        run.summary.update(dict(entry.values))
        if entry.files:
            run.log_artifact(_artifact(entry))
    finally:
        run.finish(exit_code=0 if entry.status in ("done", "running") else 1)
    return Path(run.dir).parent


def _rows(entry: TrackerRun) -> Iterator[tuple[int, dict[str, float]]]:
    """The curves, a row a step, since W&B's steps only rise."""
    rows: dict[int, dict[str, float]] = {}
    for name, curve in entry.curves.items():
        for step, value in curve:
            rows.setdefault(step, {})[name] = value
    yield from sorted(rows.items())


def _artifact(entry: TrackerRun) -> Any:
    """An entry's files as one artefact."""
    artifact = wandb.Artifact(f"{entry.kind}-{entry.identity}", type="model", description=entry.text or None)
    for name, path in entry.files:
        artifact.add_file(str(path), name=name)
    return artifact


@contextmanager
def _at_home(home: Path) -> Iterator[None]:
    """Let W&B keep everything in one folder, artefacts too, which it would stage in the user's own."""
    kept = {"WANDB_DATA_DIR": str(home / "wandb" / "data"), "WANDB_CACHE_DIR": str(home / "wandb" / "cache")}
    try:
        (home / "wandb").mkdir(parents=True, exist_ok=True)  # or wandb would choose a folder for temporary files
        with environment(kept, without="WANDB_"):  # an agent's run id or mode is not for these runs
            yield
    except OSError as error:
        raise TrackingError(f"{home} cannot be written ({error.strerror or error}); give another --uri") from error

"""MLflow: a parent run, a child for each trial, and below it one for each fold, in a database or on a server.

Children hang on their parents by the tag ``mlflow.parentRunId``. What has been written is known by the tags
``evenfit.identity`` and ``evenfit.digest``; the digest comes with the last numbers, and the status behind it, so that a
run that was cut short is written anew.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from evenfit.errors import TrackingError
from evenfit.tracking.environment import environment
from evenfit.tracking.tracker_run import TrackerRun
from evenfit.tracking.trackers import Tell, Tracked

_METRICS, _PARAMETERS = 1000, 100  # that MLflow takes in one call
_LONGEST = 5000  # letters of a tag's value
_REFUSED = re.compile(r"[^\w./ :-]")  # letters that MLflow takes in no name
_STATUSES = {"done": "FINISHED", "running": "RUNNING", "interrupted": "KILLED", "failed": "FAILED"}
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}


def track(run: TrackerRun, *, uri: str, project: str, tell: Tell) -> Tracked:
    """Write a run and all below it as runs of the experiment ``project``.

    Raises:
        TrackingError: the server or the database refuses; what has been written stays, and is not written twice.
    """
    with _quietly():
        try:
            return _track(run, uri=uri, project=project, tell=tell)
        except MlflowException as error:
            raise TrackingError(f"MLflow at {uri}: {' '.join(str(error).split())[:300]}") from error


def _track(run: TrackerRun, *, uri: str, project: str, tell: Tell) -> Tracked:
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = _experiment(client, uri, project)
    known = _known(client, experiment, run.identity)
    keys: dict[str, str] = {}  # of the entries, by identity
    written = 0
    total = run.count()
    for place, (entry, parent) in enumerate(run.walk()):
        above = None if parent is None else keys[parent.identity]
        digest = entry.digest()
        found = known.get(entry.identity)
        if found is not None and (found["evenfit.digest"], found["status"]) == (digest, _STATUSES[entry.status]):
            keys[entry.identity] = found["key"]
            if above is not None and found["mlflow.parentRunId"] != above:
                client.set_tag(found["key"], "mlflow.parentRunId", above)
        else:
            if found is not None:
                client.delete_run(found["key"])
            keys[entry.identity] = _write(client, experiment, entry, root=run.identity, parent=above, digest=digest)
            written += 1
        tell(place + 1, total)
    look = f"mlflow server --backend-store-uri {uri}" if uri.startswith("sqlite:") else f"a browser at {uri}"
    return Tracked(tracker="mlflow", uri=uri, written=written, unchanged=total - written, look=look)


def _experiment(client: Any, uri: str, project: str) -> str:
    """Find the experiment, or make it; with a database its files lie beside it."""
    found = client.get_experiment_by_name(project)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            raise TrackingError(f"the MLflow experiment {project!r} was deleted; restore it, or give another --project")
        return str(found.experiment_id)
    where = None
    if uri.startswith("sqlite:///"):
        where = (Path(uri.removeprefix("sqlite:///")).absolute().parent / "mlflow-files" / project).as_uri()
    return str(client.create_experiment(project, artifact_location=where))


def _known(client: Any, experiment: str, root: str) -> dict[str, dict[str, str]]:
    """What has been written of a run, by identity."""
    found: dict[str, dict[str, str]] = {}
    token = None
    while True:
        page = client.search_runs([experiment], f"tags.`evenfit.run` = '{root}'", max_results=1000, page_token=token)
        for each in page:
            tags = each.data.tags
            about = {name: tags.get(name, "") for name in ("evenfit.digest", "mlflow.parentRunId")}
            found[tags["evenfit.identity"]] = about | {"key": each.info.run_id, "status": each.info.status}
        token = page.token
        if not token:
            return found


def _write(client: Any, experiment: str, entry: TrackerRun, *, root: str, parent: str | None, digest: str) -> str:
    """Write one entry; its digest last."""
    began, ended = int(entry.began * 1000), int(entry.ended * 1000)
    first = {"evenfit.run": root, "evenfit.identity": entry.identity}
    first |= {} if parent is None else {"mlflow.parentRunId": parent}
    key = str(client.create_run(experiment, start_time=began, tags=first, run_name=entry.name).info.run_id)
    metrics = [Metric(name, value, ended, entry.step) for name, value in entry.values.items()]
    metrics += [Metric(name, value, ended, step) for name, curve in entry.curves.items() for step, value in curve]
    parameters = [Param(name, str(value)) for name, value in entry.parameters.items()]
    _log_files(client, key, entry)
    for start in range(_PARAMETERS, len(parameters), _PARAMETERS):
        client.log_batch(key, params=parameters[start : start + _PARAMETERS])
    for start in range(_METRICS, len(metrics), _METRICS):
        client.log_batch(key, metrics=metrics[start : start + _METRICS])
    tags = [RunTag(name, value[:_LONGEST]) for name, value in _tags(entry).items()]
    # A metric is logged in the call that writes the digest: all of the batch is kept, or nothing.
    client.log_batch(
        key,
        metrics=metrics[:_METRICS],
        params=parameters[:_PARAMETERS],
        tags=[*tags, RunTag("evenfit.digest", digest)],
    )
    if entry.status != "running":
        client.set_terminated(key, status=_STATUSES[entry.status], end_time=ended)
    return key


def _tags(entry: TrackerRun) -> Mapping[str, str]:
    """An entry's facts, its note as the description that MLflow shows, and the user's tags by name."""
    tags = {f"evenfit.{name}": value for name, value in entry.facts.items()} | {"evenfit.kind": entry.kind}
    tags |= {"evenfit.tags": ", ".join(entry.tags)} if entry.tags else {}  # as they are: names lose some letters
    tags |= {f"tag.{_REFUSED.sub('_', tag)}": "yes" for tag in entry.tags}
    return tags | ({"mlflow.note.content": entry.note} if entry.note else {})


def _log_files(client: Any, key: str, entry: TrackerRun) -> None:
    """Keep an entry's files, and its report as text."""
    for name, path in entry.files:
        folder = name.rpartition("/")[0]
        client.log_artifact(key, str(path), artifact_path=folder or None)
    if entry.text:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "report.txt"
            path.write_text(entry.text, encoding="utf-8", errors="replace")
            client.log_artifact(key, str(path))


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep MLflow from telephoning home, and its migrations off the terminal."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with environment(_QUIET), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what MLflow asks of SQLAlchemy: no user can mend it
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

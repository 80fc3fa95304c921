"""TensorBoard: a folder of event files for the search, each trial and each fold, with trials as HParams sessions.

What is written depends on the run alone, times included, and a file has always the same name: tracked again, a
run's files are what they were.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.record_writer import RecordWriter

from evenfit.errors import TrackingError
from evenfit.tracking.tracker_run import RUN, TRIAL, TrackerRun
from evenfit.tracking.trackers import Tell, Tracked

_STRING = 7  # TensorBoard's number of the type of texts
_STATUSES = {
    "done": api_pb2.STATUS_SUCCESS,
    "running": api_pb2.STATUS_RUNNING,
    "interrupted": api_pb2.STATUS_UNKNOWN,
    "failed": api_pb2.STATUS_FAILURE,
}


def track(run: TrackerRun, *, uri: str, project: str, tell: Tell) -> Tracked:
    """Write a run and all below it as folders of event files: ``uri/project/run/trial/fold``.

    Raises:
        TrackingError: the folder cannot be written.
    """
    home = Path(uri) / project
    written, total = 0, run.count()
    try:
        for place, (entry, _) in enumerate(run.walk()):
            written += _keep(home / entry.name / f"events.out.tfevents.{entry.identity}", _content(entry))
            tell(place + 1, total)
    except OSError as error:
        where = error.filename or uri
        raise TrackingError(f"{where} cannot be written ({error.strerror or error}); give another --uri") from error
    look = f"tensorboard --logdir {shlex.quote(uri)}"
    return Tracked(tracker="tensorboard", uri=uri, written=written, unchanged=total - written, look=look)


def _keep(path: Path, content: bytes) -> bool:
    """Write a file, whole or not at all, unless it has this content."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")  # a name that TensorBoard does not read
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return True


def _content(entry: TrackerRun) -> bytes:
    """An entry's event file."""
    buffer = BytesIO()
    writer = RecordWriter(buffer)
    writer.write(Event(wall_time=entry.began, file_version="brain.Event:2").SerializeToString(deterministic=True))
    for time, step, told in _summaries(entry):
        writer.write(Event(wall_time=time, step=step, summary=told).SerializeToString(deterministic=True))
    return buffer.getvalue()


def _summaries(entry: TrackerRun) -> Iterator[tuple[float, int, Any]]:
    """What is told of an entry: when, at which step, and what."""
    if entry.kind == RUN:
        yield entry.began, 0, _experiment(entry)
    if entry.kind == TRIAL:
        yield entry.began, 0, _session_start(entry)
    for name, text in (("note", entry.note), ("report", _indented(entry.text)), ("tags", ", ".join(entry.tags))):
        if text:
            yield entry.ended, 0, _text(name, text)
    for name, curve in entry.curves.items():
        for place, (step, value) in enumerate(curve):
            time = entry.began + (entry.ended - entry.began) * (place + 1) / len(curve)
            yield time, step, _scalar(name, value)
    for name, value in entry.values.items():
        yield entry.ended, entry.step, _scalar(name, value)
    if entry.kind == TRIAL:
        end = plugin_data_pb2.SessionEndInfo(status=_STATUSES[entry.status], end_time_secs=entry.ended)
        yield entry.ended, entry.step, _hparams(metadata.SESSION_END_INFO_TAG, session_end_info=end)


def _experiment(entry: TrackerRun) -> Any:
    """Which hyperparameters and results the page of HParams shows: the ones that differ, before those that do not."""
    trials = [child for child in entry.children if child.kind == TRIAL]
    names = list(dict.fromkeys(name for trial in trials for name in trial.parameters))
    names.sort(key=lambda name: len({trial.parameters.get(name) for trial in trials}) == 1)
    first = {name: next(trial.parameters[name] for trial in trials if name in trial.parameters) for name in names}
    hyperparameters = [api_pb2.HParamInfo(name=name, type=_kind(value)) for name, value in first.items()]
    results = dict.fromkeys(name for trial in trials for name in trial.values)
    experiment = api_pb2.Experiment(
        description=entry.name,
        time_created_secs=entry.began,
        hparam_infos=hyperparameters,
        metric_infos=[api_pb2.MetricInfo(name=api_pb2.MetricName(tag=name)) for name in results],
    )
    return _hparams(metadata.EXPERIMENT_TAG, experiment=experiment)


def _session_start(entry: TrackerRun) -> Any:
    """A trial's hyperparameters. A session of its own in the trial's own folder: folds are no sessions."""
    start = plugin_data_pb2.SessionStartInfo(group_name=entry.name, start_time_secs=entry.began)
    for name, value in entry.parameters.items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, int | float):
            start.hparams[name].number_value = value
        else:
            start.hparams[name].string_value = value
    return _hparams(metadata.SESSION_START_INFO_TAG, session_start_info=start)


def _hparams(tag: str, **content: Any) -> Any:
    """A summary of the HParams plugin; its own functions that make one need TensorFlow."""
    told = plugin_data_pb2.HParamsPluginData(version=metadata.PLUGIN_DATA_VERSION, **content)
    plugin = SummaryMetadata.PluginData(
        plugin_name=metadata.PLUGIN_NAME, content=told.SerializeToString(deterministic=True)
    )
    about = SummaryMetadata(plugin_data=plugin)
    return Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)])


def _kind(value: object) -> Any:
    """The type of a hyperparameter, as HParams has it."""
    if isinstance(value, bool):
        return api_pb2.DATA_TYPE_BOOL
    return api_pb2.DATA_TYPE_FLOAT64 if isinstance(value, int | float) else api_pb2.DATA_TYPE_STRING


def _scalar(name: str, value: float) -> Any:
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    return Summary(value=[Summary.Value(tag=name, simple_value=value, metadata=about)])


def _text(name: str, text: str) -> Any:
    tensor = TensorProto(dtype=_STRING, string_val=[text.encode(errors="replace")])
    tensor.tensor_shape.dim.add(size=1)
    about = create_summary_metadata(display_name="", description="")
    return Summary(value=[Summary.Value(tag=name, tensor=tensor, metadata=about)])


def _indented(text: str) -> str:
    """A text whose columns stay below one another where it is read as Markdown."""
    return "\n".join(f"    {line}" for line in text.splitlines())

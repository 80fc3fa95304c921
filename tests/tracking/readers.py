"""What was tracked, read back by each tracker's own means: entries by name, in one shape."""

import struct
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Seen:
    """One entry as a tracker shows it."""

    values: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)  # as texts
    curves: dict = field(default_factory=dict)
    parent: str | None = None
    files: set = field(default_factory=set)
    note: str = ""
    tags: str = ""


def read_mlflow(uri, project="evenfit"):
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(project).experiment_id
    runs = list(client.search_runs([experiment], max_results=1000))
    names = {run.info.run_id: run.info.run_name for run in runs}
    assert len(set(names.values())) == len(names), "an entry is there twice"
    seen = {}
    for run in runs:
        key = run.info.run_id
        curves = {}
        for name in run.data.metrics:
            history = client.get_metric_history(key, name)
            curves[name] = sorted((each.step, each.value) for each in history)
        seen[names[key]] = Seen(
            values=run.data.metrics,
            parameters=run.data.params,
            curves=curves,
            parent=names.get(run.data.tags.get("mlflow.parentRunId")),
            files={each.path for each in client.list_artifacts(key)},
            note=run.data.tags.get("mlflow.note.content", ""),
            tags=run.data.tags.get("evenfit.tags", ""),
        )
    return seen


def read_tensorboard(uri, project="evenfit"):
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.util import tensor_util

    home = Path(uri) / project
    events = EventMultiplexer().AddRunsFromDirectory(str(home))
    events.Reload()
    sessions = tensorboard_sessions(uri, project)
    seen = {}
    for name in events.Runs():
        tags = events.GetAccumulator(name).Tags()
        curves = {}
        for tag in tags["tensors"]:
            if events.SummaryMetadata(name, tag).plugin_data.plugin_name == "scalars":
                points = events.Tensors(name, tag)
                curves[tag] = [(each.step, float(tensor_util.make_ndarray(each.tensor_proto))) for each in points]
        texts = {
            tag: tensor_util.make_ndarray(events.Tensors(name, tag)[0].tensor_proto)[0].decode()
            for tag in tags["tensors"]
            if events.SummaryMetadata(name, tag).plugin_data.plugin_name == "text"
        }
        seen[name] = Seen(
            values={tag: curve[-1][1] for tag, curve in curves.items()},
            curves=curves,
            parameters=sessions.get(name, {}),
            parent=name.rpartition("/")[0] or None,
            note=texts.get("note", ""),
            tags=texts.get("tags", ""),
        )
        assert len(list((home / name).glob("events.*"))) == 1, "an entry is there twice"
    return seen


def tensorboard_sessions(uri, project="evenfit"):
    """The rows of HParams, as its own page asks for them."""
    from tensorboard import context
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    home = str(Path(uri) / project)
    events = EventMultiplexer().AddRunsFromDirectory(home)
    events.Reload()
    backend = backend_context.Context(TBContext(data_provider=MultiplexerDataProvider(events, home)))
    statuses = [api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING, api_pb2.STATUS_UNKNOWN]
    request = api_pb2.ListSessionGroupsRequest(allowed_statuses=statuses, start_index=0, slice_size=1000)
    found = list_session_groups.Handler(context.RequestContext(), backend, "", request).run()
    rows = {}
    for group in found.session_groups:
        assert len(group.sessions) == 1
        kinds = {name: value.WhichOneof("kind") for name, value in group.hparams.items()}
        rows[group.name] = {
            name: str(getattr(group.hparams[name], kind)) for name, kind in kinds.items() if kind is not None
        } | {f"metric {value.name.tag}": str(value.value) for value in group.metric_values}
    return rows


def read_wandb(uri, project="evenfit"):
    """The records of offline runs: what ``wandb sync`` would send."""
    import json

    from wandb.proto.wandb_internal_pb2 import Record

    seen = {}
    for path in sorted(Path(uri).glob("wandb/offline-run-*/run-*.wandb")):
        entry, name = Seen(), ""
        for content in _blocks(path.read_bytes()):
            record = Record.FromString(content)
            kind = record.WhichOneof("record_type")
            if kind == "run":
                run = record.run
                assert run.project == project
                name, entry.note, entry.tags = run.display_name, run.notes, ", ".join(run.tags)
                entry.parent = None if run.job_type == "search" else name.rpartition("/")[0]
                assert run.run_group == name.split("/")[0]
                entry.parameters |= {item.key: str(json.loads(item.value_json)) for item in run.config.update}
            elif kind == "config":
                entry.parameters |= {item.key: str(json.loads(item.value_json)) for item in record.config.update}
            elif kind == "history":
                row = {
                    (item.key or ".".join(item.nested_key)): json.loads(item.value_json) for item in record.history.item
                }
                for key, value in row.items():
                    if not key.startswith("_"):
                        entry.curves.setdefault(key, []).append((record.history.step.num, value))
            elif kind == "summary":
                for item in record.summary.update:
                    entry.values[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
            elif kind == "artifact":
                entry.files |= {each.path for each in record.artifact.manifest.contents}
            elif kind == "request" and record.request.WhichOneof("request_type") == "log_artifact":
                entry.files |= {each.path for each in record.request.log_artifact.artifact.manifest.contents}
        assert name not in seen, "an entry is there twice"
        seen[name] = entry
    return seen


def _blocks(content):
    """The records of a LevelDB log: 7 bytes of header of the file, then blocks of 32 KB."""
    assert content[:4] == b":W&B"
    place, whole = 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield whole
            whole = b""


READERS = {"mlflow": read_mlflow, "tensorboard": read_tensorboard, "wandb": read_wandb}

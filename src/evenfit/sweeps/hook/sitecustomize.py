"""Passes on what a program logs to W&B while it runs; put on PYTHONPATH by ``evenfit sweep``.

It stands alone: it imports nothing of evenfit, does nothing until wandb is imported, and never fails the program.
"""

import atexit
import contextlib
import functools
import importlib.abc
import importlib.util
import json
import math
import os
import sys
import time

# Kept here: programs that start processes of their own delete W&B's variables, so that those have runs of their own.
_SWEEP, _RUN = os.environ.get("WANDB_SWEEP_ID"), os.environ.get("WANDB_RUN_ID")
_METRICS = os.environ.get("EVENFIT_SWEEP_METRICS")
_DEFINITION = os.environ.get("EVENFIT_SWEEP_DEFINITION")


def _write(path, entry):
    """Append one line at once, so that processes of one run do not mix theirs."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        # numpy's numbers and arrays are in the sweeps of programs
        text = json.dumps(entry, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value))
        os.write(handle, text.encode() + b"\n")
    finally:
        os.close(handle)


def _numbers(values):
    """Numbers by W&B's dotted names; images, tables, texts and the like are left out."""
    numbers = {}

    def walk(prefix, inner):
        for name, value in inner.items():
            if isinstance(value, dict):
                walk(prefix + str(name) + ".", value)
                continue
            with contextlib.suppress(Exception):
                number = value.item() if hasattr(value, "item") else value
                if isinstance(number, (bool, int, float)):
                    numbers[prefix + str(name)] = float(number) if math.isfinite(number) else repr(float(number))

    walk("", dict(values))
    return numbers


def _send(kind, values, **more):
    with contextlib.suppress(Exception):
        _write(_METRICS, {kind: _numbers(values), "time": time.time(), **more})


def _ours(run):
    """Whether a run is the sweep's: not one that the program made beside it."""
    with contextlib.suppress(Exception):
        return run.sweep_id == _SWEEP or run.id == _RUN
    return False


def _summary(run):
    """W&B's word on each name before the end; it gives none for a run that is marked as finished, as this one is."""
    finished = getattr(run, "_is_finished", False)
    run._is_finished = False
    try:
        said = {name: run.summary[name] for name in run.summary.keys()}
        # what define_metric made several values of is a mapping of W&B's own kind
        return {name: value._as_dict() if hasattr(value, "_as_dict") else value for name, value in said.items()}
    finally:
        run._is_finished = finished


def _last_summary(run, before):
    """W&B's last word, in which the last row is too; that of before where this version of it keeps none."""
    with contextlib.suppress(Exception):
        from wandb.sdk.lib import proto_util

        return proto_util.dict_from_proto_list(run._final_summary.item) or before
    return before


def _at_exit(run):
    """A run that the program leaves to its end: W&B's own process finishes it then, and nothing here hears of it."""
    with contextlib.suppress(Exception):
        if not run._is_finished:
            _send("summary", {n: v for n, v in _summary(run).items() if not n.startswith("_")})


def _wrap_run(run):
    log, ending = run.log, getattr(run, "_on_finish", None)

    @functools.wraps(log)
    def logged(self, data, step=None, commit=None, *args, **kwargs):
        row = None
        with contextlib.suppress(Exception):
            # values of one step are one row: a later one replaces an earlier one
            row = self.step if step is None else int(step)
            row = None if row < self.step else row  # W&B drops what is logged of a step that has passed
        answer = log(self, data, step, commit, *args, **kwargs)
        if row is not None and _ours(self):
            _send("log", data, row=row)
        return answer

    @functools.wraps(ending)
    def ended(self, *args, **kwargs):
        before = {}
        with contextlib.suppress(Exception):
            before = _summary(self)
        answer = ending(self, *args, **kwargs)
        with contextlib.suppress(Exception):
            if _ours(self):
                _send("summary", {n: v for n, v in _last_summary(self, before).items() if not n.startswith("_")})
        return answer

    run.log = logged
    if ending is not None:
        run._on_finish = ended


def _wrap_init(module):
    """Keep every run offline: there is no server to ask, whatever the program says."""
    init = module.init

    @functools.wraps(init)
    def started(*args, **kwargs):
        settings = kwargs.get("settings")
        asked = settings.get("mode") if isinstance(settings, dict) else getattr(settings, "mode", None)
        if "disabled" not in {kwargs.get("mode"), asked, os.environ.get("WANDB_MODE")}:
            kwargs["mode"] = "offline"
        run = init(*args, **kwargs)
        if _ours(run):
            atexit.register(_at_exit, run)  # after W&B's own, and so called before it
        return run

    module.init = started


def _wrap_sweep(module):
    """Let a program that defines its sweep itself be run once for each trial."""

    def sweep(sweep, *args, **kwargs):
        if _DEFINITION:
            _write(_DEFINITION, {"sweep": sweep() if callable(sweep) else sweep})
        return _SWEEP or "sweep"

    called = []

    def agent(sweep_id=None, function=None, *args, count=None, **kwargs):
        called.append(sweep_id)
        if len(called) > 1:
            print("evenfit: this sweep is the program's first; wandb.agent does nothing for another", file=sys.stderr)  # noqa: T201 - to the log
            return
        if _DEFINITION:
            _write(_DEFINITION, {"count": count, "function": function is not None})
            raise SystemExit(0)
        if function is None:
            print("evenfit: wandb.agent without a function does nothing here", file=sys.stderr)  # noqa: T201 - to the log
            return
        function()

    module.sweep, module.agent = sweep, agent
    module.login = lambda *args, **kwargs: True


def _wrap(module):
    """Let W&B's calls pass through here first."""
    for wrap, of in ((_wrap_run, module.Run), (_wrap_init, module), (_wrap_sweep, module)):
        with contextlib.suppress(Exception):
            wrap(of)


class _Loader(importlib.abc.Loader):
    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        with contextlib.suppress(Exception):
            module.__spec__.loader = self.loader
            _wrap(module)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "wandb":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("wandb")
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


if _METRICS:
    sys.meta_path.insert(0, _Finder())

# A sitecustomize of the user's own comes next on the path.
_here = os.path.dirname(os.path.abspath(__file__))
for _folder in sys.path:
    _file = os.path.join(_folder or ".", "sitecustomize.py")
    if os.path.abspath(_folder or ".") != _here and os.path.isfile(_file):
        _spec = importlib.util.spec_from_file_location("sitecustomize", _file)
        _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
        break

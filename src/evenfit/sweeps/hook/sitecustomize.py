"""Passes on what a program logs to W&B while it runs; put on PYTHONPATH by ``evenfit sweep``.

It stands alone: it imports nothing of evenfit, does nothing until wandb is imported, and never fails the program.
"""

import contextlib
import importlib.abc
import importlib.util
import json
import math
import os
import sys


def _send(kind, values):
    """Append one line to the run's file of metrics."""
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

    with contextlib.suppress(Exception):
        walk("", dict(values))
        line = json.dumps({kind: numbers}) + "\n"
        handle = os.open(os.environ["EVENFIT_SWEEP_METRICS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)


def _wrap(module):
    """Let a run's calls pass through here first."""
    run = module.Run
    log, ending = run.log, getattr(run, "_on_finish", None)
    pending = {}

    def logged(self, data, step=None, commit=None, *args, **kwargs):
        answer = log(self, data, step, commit, *args, **kwargs)
        with contextlib.suppress(Exception):
            pending.update(data)
            # a call with commit=False adds to the next one's values
            if commit or commit is None:
                _send("log", pending)
                pending.clear()
        return answer

    def ended(self, *args, **kwargs):
        with contextlib.suppress(Exception):
            if pending:
                _send("log", pending)
                pending.clear()
            _send("summary", {name: self.summary[name] for name in self.summary.keys() if not name.startswith("_")})
        return ending(self, *args, **kwargs)

    run.log = logged
    if ending is not None:
        run._on_finish = ended


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


if os.environ.get("EVENFIT_SWEEP_METRICS"):
    sys.meta_path.insert(0, _Finder())

# A sitecustomize of the user's own comes next on the path.
_here = os.path.dirname(os.path.abspath(__file__))
for _folder in sys.path:
    _file = os.path.join(_folder or ".", "sitecustomize.py")
    if os.path.abspath(_folder or ".") != _here and os.path.isfile(_file):
        _spec = importlib.util.spec_from_file_location("sitecustomize", _file)
        _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
        break

"""Trackers: where a run can be written to, and the one call that each of them is.

To add one, write a module with a function like those below and name it in `TRACKERS`;
`tests/tracking/test_trackers.py` then holds it to the laws that all share.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

from evenfit.errors import TrackingError
from evenfit.tracking.tracker_run import TrackerRun

Tell = Callable[[int, int], None]  # how many entries are written, of how many
_PATIENCE = 3.0  # seconds to wait for a server's answer


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """What has been written."""

    tracker: str
    uri: str  # where to
    written: int  # entries that were not there, or had changed
    unchanged: int  # entries that were there already
    look: str  # the command that shows them


class Track(Protocol):
    """Writes a run and all below it; what is there already and has not changed is left alone."""

    def __call__(self, run: TrackerRun, *, uri: str, project: str, tell: Tell) -> Tracked:
        """Write it."""


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """One tracker: its function, the packages it needs, and where it writes unless told otherwise."""

    home: str  # of its function
    needs: tuple[str, ...]  # modules of the extra
    default: str  # the uri, beside the folder of runs, in which any name may be a run's
    served: bool  # whether the uri may be a server's


TRACKERS = {
    "wandb": Tracker(
        home="evenfit.tracking.wandb_runs:track", needs=("wandb",), default="{runs}-tracked", served=False
    ),
    "mlflow": Tracker(
        home="evenfit.tracking.mlflow_runs:track",
        needs=("mlflow", "sqlalchemy", "alembic"),
        default="sqlite:///{runs}-tracked/mlflow.sqlite",
        served=True,
    ),
    "tensorboard": Tracker(
        home="evenfit.tracking.tensorboard_runs:track",
        needs=("tensorboard",),
        default="{runs}-tracked/tensorboard",
        served=False,
    ),
}


def tracker_of(name: str) -> Tracker:
    """Find a tracker whose packages are there.

    Raises:
        TrackingError: there is no such tracker, or it needs a package that is not installed.
    """
    if name not in TRACKERS:
        raise TrackingError(f"a run can be tracked with {', '.join(TRACKERS)}; got {name!r}")
    found = TRACKERS[name]
    missing = [module for module in found.needs if find_spec(module) is None]
    if missing:
        raise TrackingError(f"{name} needs {', '.join(missing)}, not installed here: pip install 'evenfit[{name}]'")
    return found


def place_of(name: str, uri: str | None, *, runs: Path) -> str:
    """Where a tracker writes to: as asked, or its usual place beside the folder of runs.

    Raises:
        TrackingError: the tracker cannot write there, or the server does not answer.
    """
    tracker = tracker_of(name)
    if uri is None:
        return tracker.default.format(runs=runs.absolute())
    scheme = urlsplit(uri).scheme if "://" in uri else ""
    if tracker.served:
        if scheme in ("http", "https"):
            _check_server(uri)
        elif scheme != "sqlite":
            raise TrackingError(f"{name} is written to sqlite:///FILE or to http://HOST:PORT; got {uri!r}")
        return uri
    if scheme and scheme != "file":
        send = "; runs are written without a network, and sent with: wandb sync" if name == "wandb" else ""
        raise TrackingError(f"{name} is written to a folder; got {uri!r}{send}")
    return str(Path(uri.removeprefix("file://")).absolute())


def load(name: str) -> Track:
    """Import a tracker's function, and with it the tracker's own packages.

    Raises:
        TrackingError: a package is missing, or cannot be imported.
    """
    module, _, function = tracker_of(name).home.partition(":")
    try:
        return cast("Track", getattr(import_module(module), function))
    except ImportError as error:
        raise TrackingError(f"{name} cannot be imported ({error}): pip install --upgrade 'evenfit[{name}]'") from error


def _check_server(uri: str) -> None:
    """A server listens, or it is said at once rather than after minutes of patience."""
    parts = urlsplit(uri)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_PATIENCE).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise TrackingError(f"no server answers at {uri} ({reason}); start it, or give another --uri") from error

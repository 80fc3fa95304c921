"""Pruning: stored runs that are no longer needed, deleted with their folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evenfit.errors import ConfigError, StoreError
from evenfit.store import Run, open_store

STATES = ("done", "failed", "interrupted")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which runs to delete: those that are named; else those that fit everything that is given.

    Raises:
        ConfigError: nothing is given, or a value is not one.
    """

    names: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    older: timedelta | None = None
    keep: int = 0  # the latest so many of these stay

    def __post_init__(self) -> None:
        for state in self.status:
            if state not in STATES:
                raise ConfigError(f"status must be one of {', '.join(STATES)}; got {state!r}")
        if self.keep < 0:
            raise ConfigError(f"keep must be at least 0, got {self.keep}")

    @classmethod
    def parse(cls, *, names: Sequence[str], status: Sequence[str], older: str | None, keep: int | None) -> Chosen:
        """Make a choice of what a user wrote.

        Example:
            >>> Chosen.parse(names=(), status=("failed",), older="30d", keep=None).older
            datetime.timedelta(days=30)
        """
        if not (names or status or older is not None or keep is not None):
            raise ConfigError(
                "say which runs to delete: by name, or with --status failed, --older 30d, --keep 20 (all but those)"
            )
        if names and (status or older is not None or keep is not None):
            raise ConfigError("name runs, or choose them with --status, --older and --keep; not both")
        return cls(
            names=tuple(names),
            status=tuple(status),
            older=None if older is None else _duration(older),
            keep=0 if keep is None else keep,
        )


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What was deleted, or would be."""

    runs: tuple[tuple[str, str, int], ...]  # name, status and bytes of the folder
    kept: tuple[str, ...]  # runs that would have gone but have a tag, or are running
    done: bool  # deleted, and not only told

    def text(self) -> str:
        """The same for people."""
        kept = f"kept, being tagged or running: {', '.join(self.kept)}\n" if self.kept else ""
        if not self.runs:
            return f"no run to delete\n{kept}"
        total = size(sum(bytes_ for _, _, bytes_ in self.runs))
        width = max(len(name) for name, _, _ in self.runs)
        lines = [f"{name:<{width}}  {status:<11}  {size(bytes_):>9}" for name, status, bytes_ in self.runs]
        said = "deleted" if self.done else "would be deleted; add --yes to do it"
        count = f"{len(self.runs)} {'run' if len(self.runs) == 1 else 'runs'}"
        return "\n".join([*lines, f"{count}, {total}, {said}"]) + f"\n{kept}"

    def json(self) -> Mapping[str, object]:
        """The same for programs."""
        return {
            "deleted": self.done,
            "runs": [{"run": name, "status": status, "bytes": bytes_} for name, status, bytes_ in self.runs],
            "kept": list(self.kept),
        }


def _now() -> datetime:
    return datetime.now(tz=UTC)


def prune(chosen: Chosen, *, runs: str, yes: bool, now: Callable[[], datetime] = _now) -> Pruned:
    """Delete the chosen runs with everything in their folders; without ``yes`` say which they are.

    Raises:
        StoreError: a run that is named is not there, or is running.
    """
    with open_store(Path(runs), create=False) as store:
        if chosen.names:
            doomed = [store.run(name) for name in dict.fromkeys(chosen.names)]
            running = [run.name for run in doomed if run.status == "running"]
            if running:
                raise StoreError(f"the run {running[0]} is running; stop it first")
            kept: list[Run] = []
        else:
            fitting = [run for run in store.runs() if _fits(run, chosen, now())][chosen.keep :]
            kept = [run for run in fitting if run.tags or run.status == "running"]
            doomed = [run for run in fitting if run not in kept]
        found = tuple((run.name, run.status, _bytes(run.folder)) for run in doomed)
        if yes:
            for run in doomed:
                store.delete(run)
            if doomed:
                store.compact()
    return Pruned(runs=found, kept=tuple(run.name for run in kept), done=yes)


def size(count: int) -> str:
    """Bytes as a person says them.

    Example:
        >>> size(532), size(15_300_000)
        ('532 B', '15.3 MB')
    """
    number, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        units.pop(0)
    return f"{number:.3g} {units[0]}"


def _fits(run: Run, chosen: Chosen, now: datetime) -> bool:
    """Whether a run is one of those that are looked for."""
    if chosen.status and run.status not in chosen.status:
        return False
    return chosen.older is None or now - datetime.fromisoformat(run.created) > chosen.older


def _bytes(folder: Path) -> int:
    """What a folder's files take."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def _duration(text: str) -> timedelta:
    """A time as a user writes it: 12h, 30d."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([mhdw])\s*", text)
    if found is None:
        raise ConfigError(f"older must be a time such as 12h, 30d or 4w; got {text!r}")
    try:
        return timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError as error:
        raise ConfigError(f"older must be a time that can be counted, got {text!r}") from error

"""A run, as a user names it: by its name, or by the path of its folder."""

import difflib
from pathlib import Path

from evenfit.errors import StoreError


def name_and_runs(run: str, *, runs: str) -> tuple[str, str]:
    """The run's name and the folder of runs that it lies in.

    Example:
        >>> name_and_runs("elsewhere/bank-1", runs="runs")
        ('bank-1', 'elsewhere')
    """
    path = Path(run)
    if path.name != run or run in ("", ".", ".."):  # a path, however short
        path = path.resolve() if path.name in ("", "..") else path
        return path.name, str(path.parent)
    return run, runs


_OTHERS = {  # a file by which a folder that holds no run is known, and what to say of it
    "numbers.json": "is a measurement, which has no trials; look at its report.html, or at numbers.json",
    "trials.jsonl": "is a sweep of another program; evenfit show says what it found, its README.md what is in it",
}


def stored_run(run: str, *, runs: str) -> tuple[str, str]:
    """The name and the folder of runs of what must be a run of ``fit``.

    Raises:
        StoreError: it is the folder of a measurement or of a sweep, which no store knows.
    """
    name, home = name_and_runs(run, runs=runs)
    for file, what in _OTHERS.items():
        if (Path(home) / name / file).is_file():
            raise StoreError(f"{Path(home) / name} {what}; this command takes a run of evenfit fit")
    return name, home


def folder_of(run: str, *, runs: str) -> Path:
    """The folder of a run that exists.

    Raises:
        StoreError: there is no such folder; the message suggests a run of a near name.
    """
    name, home = name_and_runs(run, runs=runs)
    folder = Path(home) / name
    if folder.is_dir():
        return folder
    if Path(run).is_dir() and (Path(run) / "config.toml").exists():  # inside the folder of runs already
        return Path(run)
    known = sorted(path.name for path in Path(home).iterdir() if path.is_dir()) if Path(home).is_dir() else []
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "; evenfit runs lists what there is"
    raise StoreError(f"there is no run {name!r} in {home}{hint}")


def folder_or_file(given: str, *, runs: str) -> str:
    """The file that is named, or else the folder of the run.

    Raises:
        StoreError: there is neither; the message suggests a run of a near name.
    """
    path = Path(given)
    if path.is_file():
        return given
    if path.suffix == ".toml":  # meant as a file
        raise StoreError(f"there is no file {given}; --config takes a run, or a TOML file as its config.toml")
    return str(path if path.is_dir() and path.name != given else folder_of(given, runs=runs))

"""Options as a user writes them, in flags or in a TOML file, and the request that they make."""

import csv
import difflib
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evenfit.errors import ConfigError
from evenfit.runs.request import FitRequest
from evenfit.specs.budget import Budget, budget_text
from evenfit.specs.memory import MIB, parse_memory
from evenfit.specs.space.request import SpaceRequest
from evenfit.specs.space.toml import read_space, write_space


def request_from(options: Mapping[str, object]) -> FitRequest:
    """Make the request that these options ask for.

    Names may have dashes or underscores, lists of columns may be one text with commas, a budget is
    a text such as ``5m`` or ``40 trials``, and metrics go by their usual spellings.

    Raises:
        ConfigError: a name is unknown, a value has the wrong type, or table or target is missing.

    Example:
        >>> request_from({"table": "a.csv", "target": "y", "drop": "id,name"}).drop
        ('id', 'name')
    """
    values: dict[str, Any] = {}
    for given, value in options.items():
        name = given.replace("-", "_")
        if name not in _READERS:
            raise ConfigError(f"there is no option {given!r}{_nearest(name)}")
        values[name] = _READERS[name](given, value)
    for name, how in (("table", "evenfit fit TABLE"), ("target", "--target COLUMN")):
        if name not in values:
            raise ConfigError(f"{name} is missing; say which with {how}")
    return FitRequest(**values)


def to_toml(request: FitRequest) -> str:
    """Write a request as text that ``evenfit fit --config`` reads back."""
    lines = []
    for name, value in request.to_json().items():
        if value is None or value == [] or name == "asked_space":
            continue
        shown = _as_written(name, request, value)
        # JSON's texts, numbers, switches and lists are TOML's too, but for one character.
        text = json.dumps(shown, ensure_ascii=False).replace("\x7f", "\\u007f")
        lines.append(f"{name.replace('_', '-')} = {text}")
    space = "" if request.space is None else "\n" + write_space(request.space)
    return "\n".join(lines) + "\n" + space


def _as_written(name: str, request: FitRequest, value: Any) -> Any:
    """A value as a user writes it, where that is not as it is stored."""
    if name == "budget":
        return budget_text(request.budget)
    return f"{value / MIB!r}m" if name == "memory" else value


def read_options(path: str) -> dict[str, object]:
    """Read a TOML file of options, flat, as names and values.

    Raises:
        ConfigError: the file is missing, unreadable, or not TOML.
    """
    try:
        options: dict[str, object] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"config {path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"config {path} is not TOML: {error}") from error
    if isinstance(options.get("space"), dict):
        options["space"] = read_space(options["space"], where=f"{path}, [space]")
    return options


def spelled_out(delimiter: str) -> str:
    r"""A delimiter as one character: a tab may be written as a word, since shells eat it.

    Example:
        >>> spelled_out("tab"), spelled_out(";")
        ('\t', ';')
    """
    return "\t" if delimiter in ("tab", "\\t") else delimiter


def _read_text(name: str, value: object) -> str:
    """A text, or the error that names what came."""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a text, got {value!r}")
    return value


def _read_whole(name: str, value: object) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{name} must be a whole number, got {value!r}")
    return value


def _read_number(name: str, value: object) -> float:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{name} must be a number, got {value!r}")
    return float(value)


def _read_switch(name: str, value: object) -> bool:
    """On or off."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be true or false, got {value!r}")
    return value


def _read_columns(name: str, value: object) -> tuple[str, ...]:
    """Names of columns: a list of them, or one text with commas, quoted as in CSV."""
    if isinstance(value, str):
        columns = next(csv.reader([value], skipinitialspace=True), [])
    elif isinstance(value, list | tuple):
        columns = [_read_text(name, column) for column in value]
    else:
        raise ConfigError(f"{name} must be names of columns, got {value!r}")
    return tuple(dict.fromkeys(column for column in columns if column))


def _read_objectives(name: str, value: object) -> tuple[str, ...]:
    """Names of objectives, in any order: the loss comes first."""
    if isinstance(value, str) and not value.strip():
        raise ConfigError(f"{name} must be loss and one of size, latency; got an empty text")
    names = [one.strip().lower() for one in _read_columns(name, value)]
    return tuple(sorted(names, key=lambda one: one != "loss"))


def _read_budget(name: str, value: object) -> Budget:
    """Seconds, trials or epochs."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(f"{name} must be a text such as '60s' or '40 trials', got {value!r}")
    return Budget.parse(str(value))


def _read_memory(name: str, value: object) -> int:
    """A size with its unit."""
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a size with its unit, such as '2g' or '800m', got {value!r}")
    return parse_memory(value)


def _read_metric(name: str, value: object) -> str:
    """A metric by any of its usual spellings: R^2, log-loss, ROC AUC."""
    text = _read_text(name, value).strip().lower().replace("^", "").replace("-", "_").replace(" ", "_")
    return {"logloss": "log_loss", "roc_auc": "auc", "r²": "r2"}.get(text, text)


def _read_delimiter(name: str, value: object) -> str:
    """One character."""
    return spelled_out(_read_text(name, value))


def _read_space(name: str, value: object) -> SpaceRequest:
    """A space: a table of distributions, or the name of a file with one."""
    if isinstance(value, SpaceRequest):
        return value
    if isinstance(value, str):
        from evenfit.runs.spaces import read_space_file

        return read_space_file(value)
    return read_space(value, where=name)


_READERS: dict[str, Callable[[str, object], object]] = {
    "table": _read_text,
    "target": _read_text,
    "budget": _read_budget,
    "test": _read_text,
    "task": _read_text,
    "categorical": _read_columns,
    "drop": _read_columns,
    "group": _read_text,
    "time": _read_text,
    "weight": _read_text,
    "metric": _read_metric,
    "folds": _read_whole,
    "repeats": _read_whole,
    "holdout": _read_number,
    "nested": _read_whole,
    "seed": _read_whole,
    "selection": _read_text,
    "proposals": _read_text,
    "racing": _read_text,
    "objectives": _read_objectives,
    "prefer": _read_text,
    "target_loss": _read_number,
    "stop_when_settled": _read_switch,
    "from_run": _read_text,
    "space": _read_space,
    "class_weights": _read_switch,
    "memory": _read_memory,
    "workers": _read_whole,
    "runs": _read_text,
    "name": _read_text,
    "track": _read_columns,
    "delimiter": _read_delimiter,
    "encoding": _read_text,
    "require": _read_number,
}


def _nearest(name: str) -> str:
    """A suggestion, or nothing when no name is near."""
    near = difflib.get_close_matches(name, list(_READERS), n=1)
    return f"; did you mean {near[0].replace('_', '-')!r}?" if near else ""


def columns_text(columns: Sequence[str]) -> str:
    """Names of columns as a user writes them: with commas between them, quoted where they have some of their own.

    Example:
        >>> columns_text(["id", "name, first"])
        'id,"name, first"'
    """
    quoted = ['"' + name.replace('"', '""') + '"' if "," in name or '"' in name else name for name in columns]
    return ",".join(quoted)

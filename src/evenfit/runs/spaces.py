"""Spaces of files: TOML, or a W&B sweep file whose parameters are values of a config."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from evenfit.errors import ConfigError, SweepError
from evenfit.specs.space.request import SpaceRequest
from evenfit.specs.space.space import Space
from evenfit.specs.space.toml import read_space

_SWEEPS = (".yaml", ".yml", ".json")


def read_space_file(path: str) -> SpaceRequest:
    """Read what a file asks of a space: TOML's table ``[space]``, or all of a TOML file that has no such table.

    Of a W&B sweep file the parameters are read; how it is run plays no part here.

    Raises:
        ConfigError: the file cannot be read, or says what no space has; the message has the file and the key.
    """
    if Path(path).suffix.lower() in _SWEEPS:
        return _of_sweep(path)
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"space {path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"space {path} is not TOML: {error}") from error
    if "space" in tables:
        return read_space(tables["space"], where=f"{path}, [space]")
    return read_space(tables, where=path)


def asked_space(given: object) -> Space | SpaceRequest | None:
    """Give a space as a user of Python may write it: a dict of distributions is what is asked for by name.

    Raises:
        ConfigError: it is none, or says what no space has.

    Example:
        >>> from evenfit.specs.space import Choice
        >>> asked_space({"width": Choice(values=(8, 16))}).values["width"].values
        (8, 16)
    """
    if given is None or isinstance(given, Space | SpaceRequest):
        return given
    if isinstance(given, Mapping):
        return SpaceRequest(values=given)
    raise ConfigError(
        "space must be a Space, a SpaceRequest or a dict of distributions, such as {'width': Choice(values=(16, 32))}; "
        f"got {type(given).__name__}"
    )


def _of_sweep(path: str) -> SpaceRequest:
    """The parameters of a sweep file."""
    from evenfit.sweeps.parameters import parse_parameters
    from evenfit.sweeps.reading import read
    from evenfit.sweeps.to_space import space_of

    try:
        given = read(Path(path))
        if "parameters" not in given:
            raise ConfigError(f"{path} is no sweep file: it has no parameters")
        found, left = space_of(parse_parameters(given["parameters"]))
    except (SweepError, ConfigError) as error:
        text = str(error)
        raise ConfigError(text if path in text else f"{path}: {text}") from error
    for name, why in left.items():
        raise ConfigError(f"{path}: {name} cannot be searched: {why}")
    return found

"""Network: the config that a command measures: a run's, one from a file, or one that fits the table and the time."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evenfit.data.encodings import fit_encoding
from evenfit.data.schema import Table
from evenfit.errors import ConfigError
from evenfit.experiments.fitting.fleets import Variant
from evenfit.experiments.sizing import default_config
from evenfit.report.toml import read
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config

_NUMBERS = {"metrics.json": "selected", "numbers.json": "network"}  # file: under which name the epoch stands
_SIZED_SHARE = 0.16  # of a budget's core-seconds that a default config is sized to


@dataclass(frozen=True, kw_only=True)
class Network:
    """A config, the epoch at which its training ends, and where it is from."""

    config: Config
    epoch: int | None  # None is the last
    source: str  # in a few words

    @property
    def variant(self) -> Variant:
        """The same as what fleets train."""
        return Variant(config=self.config, epoch=self.epoch)


def read_network(path: str) -> Network:
    """Read the config of a run, or of another measurement, by its folder; or that of a TOML file.

    Raises:
        ConfigError: the file is missing, unreadable, or not a config.
    """
    given = Path(path)
    file = given / "config.toml" if given.is_dir() else given
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"config {file} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"config {file} is not TOML: {error}") from error
    try:
        config = read(text)
    except ConfigError as error:
        raise ConfigError(f"config {file}: {error}") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"config {file} has a value of the wrong kind: {error}") from error
    if not given.is_dir():
        return Network(config=config, epoch=None, source=str(path))
    return Network(config=config, epoch=_epoch(given), source=f"run {given.name}")


def default_network(table: Table, *, rows: int, fits: float, seconds: float, workers: int) -> Network:
    """Choose a network that fits the table and the time: as good a one as can be fitted so often.

    Args:
        table: with its target.
        rows: training rows of one fit.
        fits: how many of that size there will be, about.
        seconds: for all of them.
        workers: cores.
    """
    target = table.schema.target
    classification = target is not None and target.task != "regression"
    config = default_config(
        rows=rows,
        shape=fit_encoding(table, np.arange(table.rows)).shape,
        outputs=len(target.classes) if target is not None and classification else 1,
        splits=max(1, round(fits)),
        budget=Budget(seconds=seconds / _SIZED_SHARE),
        workers=workers,
        classification=classification,
    )
    return Network(config=config, epoch=None, source="the default config for this table")


def _epoch(folder: Path) -> int | None:
    """The epoch that a run selected, or that a measurement ended at; None where that is not known."""
    for name, part in _NUMBERS.items():
        try:
            known: Any = json.loads((folder / name).read_text(encoding="utf-8"))[part]["epoch"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(known, int) and known >= 1:
            return known
    return None

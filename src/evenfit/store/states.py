"""States: the weights of a trial's members, one file each, whole or not there."""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from evenfit.errors import StoreError

Arrays = Mapping[str, npt.NDArray[np.generic]]
_CHECKSUM = "crc32"


def state_path(folder: Path, number: int) -> Path:
    """Say where a trial's state lies in its run's folder."""
    return folder / "trials" / f"{number}.safetensors"


def write_state(path: Path, state: Arrays) -> None:
    """Write a state so that a crash at any moment leaves the old file or the new one, never a half."""
    arrays = {name: np.asarray(array, order="C") for name, array in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(save(arrays, metadata={_CHECKSUM: _checksum(arrays)}))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def read_state(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Read a state.

    Raises:
        StoreError: the file is missing, cut short or changed.
    """
    if not path.is_file():
        raise StoreError(f"{path} is missing: the weights of this trial were pruned or deleted")
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: np.array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - not a dict
            expected = (file.metadata() or {}).get(_CHECKSUM)
    except SafetensorError as error:
        raise StoreError(f"{path} is damaged ({error}); delete it and train the trial again") from error
    if expected != _checksum(arrays):
        raise StoreError(f"{path} is damaged (its checksum differs); delete it and train the trial again")
    return arrays


def prune(folder: Path, keep: Collection[int]) -> None:
    """Delete the states of a run's trials, but for those whose numbers are kept."""
    kept = {state_path(folder, number) for number in keep}
    for path in (folder / "trials").glob("*.safetensors"):
        if path not in kept:
            path.unlink(missing_ok=True)


def sweep_unfinished(folder: Path) -> None:
    """Delete what a killed process left half-written."""
    for path in (folder / "trials").glob("*.unfinished"):
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checksum(arrays: Arrays) -> str:
    """Sum up names, types, shapes and bytes."""
    total = 0
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(f"{name}|{array.dtype.name}|{array.shape}".encode(), total)
        total = zlib.crc32(np.ascontiguousarray(array).data, total)
    return f"{total:08x}"

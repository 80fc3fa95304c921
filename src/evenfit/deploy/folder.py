"""The files of a trained model: weights as safetensors, everything else as JSON; nothing is ever executed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

import evenfit
from evenfit.errors import StoreError

Tensors = Mapping[str, npt.NDArray[Any]]

MANIFEST_NAME, TENSORS_NAME = "model.json", "model.safetensors"
VERSION = 1  # of the layout of both files; a newer one is refused
_RESTORE = "restore it from a copy, or fit again"


class ModelFile(BaseModel):
    """What ``model.json`` holds: whose it is, the checksum of the weights beside it, and the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["evenfit-model"] = "evenfit-model"
    version: int = Field(default=VERSION, ge=1)
    evenfit: str  # the version that wrote it
    checksum: str = Field(pattern="^[0-9a-f]{64}$")  # SHA-256 of the whole file of weights
    manifest: dict[str, Any]


def save_model(folder: Path, *, manifest: Mapping[str, Any], tensors: Tensors) -> None:
    """Write a model's two files; a crash leaves no model, or a whole one, never a mixture of two.

    Args:
        folder: where to; made if it is not there.
        manifest: everything but arrays, as JSON would give it back: texts as keys, lists for tuples.
        tensors: arrays by name.

    Raises:
        StoreError: the disk is full, or the folder cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> save_model(folder, manifest={"task": "binary"}, tensors={"weight": np.ones(3)})
        >>> load_parts(folder)
        ({'task': 'binary'}, {'weight': array([1., 1., 1.])})
    """
    weights = save({name: np.asarray(array, order="C") for name, array in tensors.items()})
    known = ModelFile(
        evenfit=evenfit.__version__, checksum=hashlib.sha256(weights).hexdigest(), manifest=dict(manifest)
    )
    text = json.dumps(known.model_dump(), indent=1, ensure_ascii=False)
    with _said(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST_NAME).unlink(missing_ok=True)  # first: no manifest, no model
        _write(folder / TENSORS_NAME, weights)
        _write(folder / MANIFEST_NAME, text.encode("utf-8", "surrogatepass"))


def load_parts(folder: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read a model's manifest and tensors, from its own folder or from its run's.

    Raises:
        StoreError: there is no folder or no model in it, or a file is damaged or of a newer evenfit.
    """
    home = _home(folder)
    known = _read_manifest(home / MANIFEST_NAME)
    path = home / TENSORS_NAME
    if not path.is_file():
        raise StoreError(f"{path} is missing; {_RESTORE}")
    with _said(path):
        weights = path.read_bytes()
    if hashlib.sha256(weights).hexdigest() != known.checksum:
        raise StoreError(f"{path} is damaged (its checksum differs from {MANIFEST_NAME}'s); {_RESTORE}")
    try:
        tensors = {name: np.array(array) for name, array in load(weights).items()}  # copies: torch wants them writable
    except SafetensorError as error:
        raise StoreError(f"{path} is damaged ({_one_line(error)}); {_RESTORE}") from error
    return known.manifest, tensors


def _home(folder: Path) -> Path:
    """Find the folder that holds the model's files, or say why there is none."""
    for home in (folder, folder / "model"):
        if (home / MANIFEST_NAME).is_file():
            return home
    if not folder.exists():
        raise StoreError(f"there is no folder {folder}; evenfit runs lists what there is")
    if not folder.is_dir():
        raise StoreError(f"{folder} is a file, but the folder of a run was wanted")
    if (folder / "trials").is_dir() or (folder / ".lock").exists():  # what a run leaves before it is done
        raise StoreError(
            f"{folder} has no model yet: its run is not done; go on with: evenfit resume {shlex.quote(str(folder))}"
        )
    raise StoreError(f"{folder} has no model in it; evenfit runs lists the runs that may have one")


def _read_manifest(path: Path) -> ModelFile:
    """Read and check ``model.json``."""
    with _said(path):
        data = path.read_bytes()
    try:
        stored = json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is damaged ({_one_line(error)}); {_RESTORE}") from error
    version = stored.get("version") if isinstance(stored, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise StoreError(
            f"{path} was written by a newer evenfit (model version {version}; this one knows {VERSION}): "
            "upgrade evenfit"
        )
    try:
        return ModelFile.model_validate(stored)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise StoreError(f"{path} is damaged ({where}: {_one_line(first['msg'])}); {_RESTORE}") from error


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is whole or as it was, after a power cut too."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the new name, too
    finally:
        os.close(descriptor)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Turn what an operating system raises into a line that names the file."""
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else path
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"the disk that holds {where} is full: free some space, then try again") from error
        raise StoreError(f"{where} cannot be read or written ({error.strerror or error})") from error


def _one_line(error: object) -> str:
    """What went wrong, on one line."""
    return " ".join(str(error).split())

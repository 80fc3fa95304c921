"""Place: a new folder that is there as a whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evenfit.errors import ExportError


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to write into, which gets its name when the block ends without an error.

    Raises:
        ExportError: the folder exists and has something in it, or cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "bank"
        >>> with new_folder(path) as folder:
        ...     _ = (folder / "model.onnx").write_bytes(b"")
        >>> [file.name for file in path.iterdir()]
        ['model.onnx']
    """
    check_free(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        if path.is_dir():
            path.rmdir()  # it was empty
        unfinished.replace(path)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ExportError(f"the disk that holds {path} is full: free some space, then try again") from error
        raise ExportError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from error
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def check_free(path: Path) -> None:
    """Make sure that nothing lies where a folder is to be made; an empty folder may.

    Raises:
        ExportError: something does.
    """
    if path.is_dir() and not any(path.iterdir()):
        return
    if path.exists() or path.is_symlink():
        what = "is a file" if path.is_file() else "exists already"
        raise ExportError(f"{path} {what}: name another folder, or remove it first")
